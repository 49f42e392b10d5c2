"""Whose run a record is: it has the card's name, or the card's own section says that it was written from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import CardError
from harness.evidence.opened import Opened
from harness.evidence.weights import same_weights
from harness.records import Run, evidence_sha256
from harness.store import find_runs

if TYPE_CHECKING:
    from harness.editing import Section


def same_name(one: str, other: str) -> bool:
    """Whether two names may be of one model: an owner may be left out, not be another one; case does not matter."""
    names = one.casefold(), other.casefold()
    if all("/" in name for name in names):
        return names[0] == names[1]
    return names[0].rpartition("/")[2] == names[1].rpartition("/")[2]


def speaks_for(opened: Opened, run: Run, beside: Sequence[Run] = ()) -> bool:
    """Whether a run is of a card's model, as far as names say, or an evaluation of the weights of one that is.

    A model may be named after its run. The section of its card says so then: it names the card, the run's id and the
    SHA-256 of its evidence. A section that was copied into the card of another model names another card, and one that
    was changed by hand, so that it names this one, says nothing: else writing it anew would make it look like ours.

    Args:
        opened: The card.
        run: The run.
        beside: Others, whose weights are the card's where they speak for it.
    """
    if same_name(run.card_name, opened.card.name):
        return True
    if run.kind == "released" and any(same_weights(run, one) and speaks_for(opened, one) for one in beside):
        return True
    section = _naming_section(opened)
    return section is not None and run.id in section.runs and evidence_sha256(run) in section.evidence


def find_own_runs(opened: Opened, folders: Sequence[Path]) -> tuple[tuple[Path, Run], ...]:
    """The finished runs that speak for a card, with their records, newest first; raises as `find_runs` does."""
    section = _naming_section(opened)
    names = [opened.card.name, *([] if section is None or section.named is None else section.named[1:])]
    found = find_runs(opened.card.name, folders, lambda one, _: any(same_name(one, name) for name in names))
    return tuple((path, run) for path, run in found if speaks_for(opened, run))


def _naming_section(opened: Opened) -> Section | None:
    """The card's evidence section, where it says that this card's model has another name than its run."""
    from harness.editing.marks import find_section  # whose package imports this one

    try:
        section = find_section(opened.card.text, opened.card.path)
    except CardError:  # marks that are no pair say nothing; what edits the card, or dates its evidence, refuses them
        return None
    if section is None or not section.intact or section.named is None:
        return None
    return section if section.named[0].split() == opened.card.name.split() else None
