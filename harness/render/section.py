"""The section "Reproducibility" that runs give a card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.editing.marks import CLOSING, MEASURED, OPENING, with_checksum
from harness.evidence.names import same_name
from harness.kept_speeds import CardSpeed
from harness.records import Comparison, Run, Verdict, evidence_sha256
from harness.render.escape import Escaped
from harness.render.record_links import linked_id
from harness.render.sandbox import render_template
from harness.render.views import assumed_rows, count_states, used_data

__all__ = ["CLOSING", "MEASURED", "OPENING", "render_section"]


_MOST = 100
"""Rows of the table of verdicts: a card is read by people, and may be of limited length."""


def render_section(
    runs: Run | Sequence[Run],
    comparisons: Sequence[Comparison],
    *,
    measured: bool,
    left: int = 0,
    name: str | None = None,
    speeds: Sequence[CardSpeed] = (),
    others: Sequence[Run] = (),
    folder: Path | None = None,
) -> Escaped:
    """The section as Markdown with line feeds, from its opening mark to the line end after its closing mark.

    It names the evidence by checksum, and carries one over itself, so that a change by hand is seen.

    Args:
        runs: A finished run, or several seeds; the first is shown in full.
        comparisons: The claims of the card that it stands in, judged.
        measured: The card's figures are those of the (first) run.
        left: So many figures that may be of what the run measured are as reported all the same.
        name: The card's name, told beside the run's where they are of no one name; None: the run's.
        speeds: Kept speeds of the card's model; see `harness.kept_speeds.speeds_of`.
        others: Evaluations of the weights of the (first) run on other data.
        folder: The card's: runs whose records lie in ``runs`` there are linked; None links none.
    """
    shown = tuple(comparisons)
    if len(shown) > _MOST:  # what the run says nothing about goes first
        shown = tuple(c for c in shown if c.verdict not in (None, Verdict.NOT_COMPARABLE))[:_MOST]
    rows = {id(comparison) for comparison in shown}
    given = (runs,) if isinstance(runs, Run) else tuple(runs)
    fields = {
        "run": given[0],
        "seeds": given[1:],
        "others": tuple(others),
        "links": {run.id: linked_id(run, folder) for run in (*given, *others)},
        "comparisons": shown,
        "left_out": count_states(tuple(c for c in comparisons if id(c) not in rows)),
        "data": (*used_data(given[0]), *(("evaluation", run.evaluated) for run in others if run.evaluated is not None)),
        "assumed": assumed_rows(given[0].recipe),
        "measured": measured,
        "left": left,
        "named": None if name is None or same_name(given[0].card_name, name) else name,
        "speeds": tuple(speeds),
        "hashes": {run.id: evidence_sha256(run) for run in (*given, *others)},
    }
    return Escaped(with_checksum(render_template("_reproducibility.md.j2", fields)))
