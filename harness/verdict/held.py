"""A claim held against runs: what both sides of a verdict need to know of it, in figures and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.records import Claim, Comparison, Run, Seeds, Tolerance, Verdict
from harness.verdict.digits import resolution
from harness.verdict.scope import count_questions
from harness.verdict.tolerances import default_tolerance

_NO_TRAINING = {"seed", "name"}
"""Fields of a stage whose value moves a figure by no more than the tolerance, which is that of seeds, holds."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a claim is held against runs."""

    tolerance: Tolerance | None = None
    """In place of the default for the kind of run."""
    protocol: Literal["known", "assumed", "other"] = "assumed"
    """Of weights as they were given; see `Comparison.protocol`."""
    at_least: bool = False
    """A figure above the claim is as good as the claimed one."""
    total: int | None = None
    """Questions that the card prints beside the figure."""
    own: str | None = None
    """Of several seeds: the id of the run with the seeds that the card states."""
    beside: tuple[Claim, ...] = ()
    """Claims that stand beside this one and were scored with it: a protocol has to give all of them."""


@dataclass(frozen=True, slots=True)
class Held:
    """A claim that can be compared, with the figures of the runs that it is held against."""

    claim: Claim
    runs: Sequence[Run]
    figures: Sequence[float]
    """Points, one of each run."""
    terms: Terms

    @property
    def run(self) -> Run:
        """The first run."""
        return self.runs[0]

    @property
    def questions(self) -> int:
        """Questions that the figure is a mean over."""
        return count_questions(self.claim, self.run)

    def default(self) -> Tolerance:
        """The tolerance of the kind of run."""
        return default_tolerance(self.run.kind, self.terms.protocol, self.questions)

    def widened(self, tolerance: Tolerance) -> Tolerance:
        """A guess about training can move the figure as much again."""
        if not self.guesses():
            return tolerance
        return replace(tolerance, inconclusive=max(tolerance.inconclusive, 2.0 * tolerance.within))

    def guesses(self) -> bool:
        """Whether a value that somebody assumed affects training."""
        run = self.run
        return run.kind in ("retrained", "distilled") and any(
            origin.how == "assumed" and name not in _NO_TRAINING
            for stage in run.recipe.stages
            for name, origin in stage.origins.items()
        )

    def assumed(self) -> str:
        """The assumed values, as the end of a reason."""
        fields = self.run.recipe.assumed
        return f"; assumed: {', '.join(fields)}" if fields else ""

    def gap(self, value: float) -> str:
        """How far a figure is from the claim."""
        difference = value - self.claim.reported
        return f"{abs(difference):.2f} points {'above' if difference > 0 else 'below'} the claim"

    def above(self, value: float) -> bool:
        """Whether a figure is above the claim where that is as good."""
        return self.terms.at_least and value > self.claim.reported

    def allowed(self, value: float, tolerance: Tolerance) -> str:
        """Why a figure agrees."""
        if self.above(value) and value - self.claim.reported > tolerance.warned + resolution(self.claim):
            return "at least what is claimed, and no more is asked"
        return f"tolerance {tolerance.within:g}"

    def coarse(self) -> str:
        """Why digits do not tell."""
        return f"the claim is printed to {resolution(self.claim):g} points only, which is too coarse"

    def comparison(
        self,
        verdict: Verdict,
        reason: str,
        value: float,
        tolerance: Tolerance,
        *,
        seeds: Seeds | None = None,
        explained_by: str | None = None,
        undecided: bool = False,
    ) -> Comparison:
        """What the claim comes to."""
        difference = value - self.claim.reported
        return Comparison(
            self.claim,
            verdict,
            reason,
            value,
            difference,
            tolerance,
            seeds=seeds,
            explained_by=explained_by,
            undecided=undecided,
        )
