"""Whether a run is of what a card says now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from harness.editing import edit_card, figures_left, find_section
from harness.errors import HarnessError
from harness.evidence import Opened, Options, on_present_data
from harness.records import Claim, Run, Verdict, evidence_sha256
from harness.verdict import can_check, figure, same_digits

_NOT_AS_WRITTEN = "its evidence section is not what harness render would write; harness render --check shows how"


def freshness(
    opened: Opened,
    run: Run,
    options: Options | None = None,
    group: Sequence[Run] = (),
    others: Sequence[Run] = (),
) -> tuple[Literal["fresh", "stale", "undated"], str]:
    """Whether a run is of what a card says now, and how that is known.

    ``fresh``: recorded on the very text, or the card was written from the run, or the claims are those that were judged
    then. ``stale``: claims have changed, or embedded data, or what the card's evidence section says. ``undated``: the
    record does not tell, or the card's section is another than rendering would give.

    Args:
        opened: The card.
        run: The run.
        options: The project's, for the verdicts that the card's section should tell.
        group: The seeds that the run is judged together with; of an evaluation that the card's section shows beside
            another run, that run and its seeds.
        others: Evaluations of the weights of the first of the group.

    Raises:
        CardError: the marks of the card's evidence section are no pair, or there is other text between them.
    """
    if not on_present_data(run):
        return "stale", "the embedded data set has changed since"
    section = find_section(opened.card.text, opened.card.path)
    if section is not None and section.intact is False:
        return "stale", "its evidence section was changed by hand; write it anew with harness render"
    if run.card_sha256 == opened.card.sha256:
        return "fresh", "recorded on this text of the card"
    written = section is not None and run.id in (*section.runs, *section.others) and bool(section.evidence)
    if section is not None and written:
        if evidence_sha256(run) not in section.evidence:
            return "stale", "its evidence section was written from another record of this run"
        if section.intact and _as_written(opened, group or (run,), options, others):
            return "fresh", "the card was written from this run"
        if section.intact and _all_give_digits(opened.card.claims, run):
            return "undated", _NOT_AS_WRITTEN
    if not run.comparisons:
        anew = {"released": "harness evaluate --card", "replay": "harness compare with the predictions"}
        command = anew.get(run.kind, "harness reproduce")
        return "undated", f"the record does not tell what the card claimed; judge it anew with {command}"
    judged = [c.claim for c in run.comparisons if c.verdict is not Verdict.NOT_COMPARABLE]
    then, now = _told(judged), _told(claim for claim in opened.card.claims if can_check(claim, run))
    if then == now:
        return ("undated", _NOT_AS_WRITTEN) if written else ("fresh", "the card was edited since, its claims were not")
    changed = ", ".join(sorted({f"{metric}[{subset}]" for metric, subset, _, _ in then ^ now}))
    return "stale", f"claims have changed since it was recorded: {changed}"


def left_as_reported(opened: Opened, run: Run) -> tuple[str, ...]:
    """What a card whose figures are the run's says that may be of the same and is as reported, and why.

    None of a card whose figures are not this run's, as its section says.
    """
    try:
        section = find_section(opened.card.text, opened.card.path)
        return figures_left(opened, (run,)) if section is not None and run.id in section.runs else ()
    except HarnessError:  # what `freshness` tells of
        return ()


def _all_give_digits(claims: Iterable[Claim], run: Run) -> bool:
    """Whether every claim that the run can check is its own figure."""
    checked = [(claim, figure(claim, run)) for claim in claims if can_check(claim, run)]
    return bool(checked) and all(value is not None and same_digits(value, claim) for claim, value in checked)


def _as_written(opened: Opened, runs: Sequence[Run], options: Options | None, others: Sequence[Run]) -> bool:
    """Whether the card is what rendering it from the runs would give, whatever tolerance is given for this once."""
    asked = replace(options or Options(), tolerance=None, at_least=False)
    try:
        return not edit_card(opened, runs, asked, others=others).changed
    except HarnessError:
        return False


def _told(claims: Iterable[Claim]) -> set[tuple[str, str, float, str]]:
    return {(claim.metric, claim.subset, claim.reported, str(claim.data)) for claim in claims}
