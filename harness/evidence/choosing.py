"""Which of several evaluations a claim is held against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from harness.evidence.index import CardIndex
from harness.evidence.opened import Opened
from harness.evidence.protocols import how_scored
from harness.records import Claim, Run
from harness.verdict import can_check

Kind = Literal["retrained", "released", "replay"]
"""Kinds of evidence; ``retrained`` is the card's recipe carried out, distillation included."""

FEW = 3
"""From so many seeds on all of them are the evidence, not the newest run alone."""
GIVEN = ("released", "replay")
BY_STRENGTH: tuple[Kind, ...] = ("retrained", "released", "replay")
_AS_MEANT = ("known", "assumed")


def choose_group(opened: Opened, claim: Claim, groups: Sequence[Sequence[Run]], index: CardIndex) -> int:
    """The number of the runs that a claim is held against.

    Of all that measured what it is about: runs of all questions before those that stopped early, then the strongest
    kind, then those that scored as the card does, then several seeds, then the most questions (a file may hold a part
    of the data), then the first. Where none did, the first.

    Args:
        opened: The card.
        claim: One of its claims.
        groups: Each one run, or several seeds; at least one.
        index: Of the card.
    """
    fitting = [number for number, group in enumerate(groups) if can_check(claim, group[0])]
    return min(fitting, key=lambda number: _rank(opened, claim, groups[number], index)) if fitting else 0


def _rank(opened: Opened, claim: Claim, group: Sequence[Run], index: CardIndex) -> tuple[bool, int, bool, bool, int]:
    run = group[0]
    partial = run.bounds is not None and run.bounds.partial
    kind = BY_STRENGTH.index(run.kind if run.kind in GIVEN else "retrained")
    scored = run.kind != "released" or how_scored(opened, claim, run, index).protocol in _AS_MEANT
    questions = 0 if run.evaluated is None else run.evaluated.n
    return partial, kind, not scored, len(group) < FEW, -questions
