"""The card that a report is about: the one that a run was recorded on, or one that is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.accepted import review
from harness.audit import audit_card
from harness.cards import read_card
from harness.errors import HarnessError, RecordError
from harness.evidence import Opened, judge, open_card, speaks_for, with_judgement
from harness.record_checks import instant
from harness.records import Card, Finding, Run
from harness.store import RECORD


def judged_by(card: Opened, loaded: Sequence[tuple[Path, Run]]) -> list[tuple[Path, Run]]:
    """The runs with verdicts on what a card claims now; a finished run of another model says nothing of it.

    Raises:
        RecordError: the first run is not finished, or is of another model than the card.
    """
    judged = []
    for number, (path, run) in enumerate(loaded):
        fits = run.status == "finished" and (run.kind == "released" or speaks_for(card, run))
        if not fits and not number:
            raise RecordError(
                f"{path}: found a run of {run.card_name!r:.200} that is {run.status}, expected a finished one of the "
                f"card's model, {card.card.name!r:.200}; give a run of it, or leave --card out",
                path=str(path),
            )
        judged.append((path, with_judgement(run, judge(card, [run]) if fits else ())))
    return judged


def find_faults(opened: Opened, run: Run) -> tuple[Finding, ...]:
    """What an audit finds in a card, but for what its assumptions accept as of the day on which a run was finished."""
    accepted = opened.assumptions.findings if opened.assumptions else ()
    day = instant(run.finished or run.started).date()
    reviewed = review(audit_card(opened.card, opened.recipe), accepted, day)
    return tuple(entry.finding for entry in reviewed if entry.accepted is None)


def recorded_card(path: Path, run: Run) -> tuple[Card | None, tuple[Finding, ...], list[str]]:
    """The card that a run was recorded on, what an audit finds in it, and notes."""
    if run.card_path is None:
        note = "the first run names no card: its text and an audit of it are not shown; give it with --card"
        return None, (), [note]
    card, changed = None, False
    for file in _card_places(path, run.card_path):
        try:
            card = read_card(file)
        except (HarnessError, OSError, ValueError):  # not there, no card, or no path at all
            continue
        if card.sha256 == run.card_sha256:
            break
        card, changed = None, True
    if card is None:
        why = "has changed since the run was recorded" if changed else "is not there, or cannot be read"
        advice = "; judge it as it is now with --card" if changed else ""
        return None, (), [f"the card {run.card_path} {why}: its text and an audit of it are not shown{advice}"]
    try:
        opened = open_card(file, reading=run.recipe.reading)
    except HarnessError as error:
        return None, (), [f"the card is left out, as what stands beside it cannot be read for an audit: {error}"]
    return replace(card, path=run.card_path), find_faults(opened, run), []  # the same bytes wherever it was found


def _card_places(path: Path, named: str) -> Iterator[Path]:
    """Where the card of a record may lie: as the record says, seen from here or from beside its folder of runs."""
    yield Path(named)
    runs = (path.resolve() if path.name != RECORD else path.resolve().parent).parent
    yield runs.parent / named
    if runs.name == "runs":
        yield runs.parent / "README.md"
