"""A model's answer to one question, and a card's usage example held against it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records.cards import Example
from harness.records.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class ProbableAnswer:
    """An answer as the question-answering pipeline gave it."""

    answer: str
    """An exact slice of the context; empty for no answer."""
    score: float
    """Probability, 0 to 1; that of a text found in several places adds up, and can exceed 1."""
    start: int
    """First character in the context."""
    end: int
    """One past the last character."""


@dataclass(frozen=True, slots=True)
class ExampleComparison:
    """One example of a card against what the model answers."""

    example: Example
    """Its answer, start, end and score are what the card reports."""
    verdict: Verdict
    reason: str
    reproduced: ProbableAnswer | None = None
    """None where the model gave no answer at all."""
    difference: float | None = None
    """Reproduced score minus reported score."""
    asked: bool = True
    """False where the question could not be put to the model; `reason` then says why."""

    @property
    def state(self) -> str:
        """The verdict's word."""
        return self.verdict.value
