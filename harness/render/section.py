"""The section "Reproducibility" that a run gives a card."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records import Comparison, Run, evidence_sha256
from harness.render.escape import Escaped
from harness.render.sandbox import render_template
from harness.render.views import assumed_rows, used_data

OPENING = "<!-- harness:evidence -->"
CLOSING = "<!-- /harness:evidence -->"
MEASURED = "<!-- harness:figures measured -->"
"""Follows the opening mark where the card's figures were taken from the run."""


def render_section(run: Run, comparisons: Sequence[Comparison], *, measured: bool) -> Escaped:
    """The section as Markdown with line feeds, from its opening mark to the line end after its closing mark.

    Args:
        run: A finished run.
        comparisons: The claims of the card that it stands in, judged.
        measured: The card's figures are those of the run.
    """
    fields = {
        "run": run,
        "comparisons": tuple(comparisons),
        "data": used_data(run),
        "assumed": assumed_rows(run.recipe),
        "measured": measured,
        "hash": evidence_sha256(run),
    }
    return Escaped(render_template("_reproducibility.md.j2", fields))
