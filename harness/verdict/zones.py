"""Where the difference between a claim and a figure falls, tolerance by tolerance."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from harness.records import Claim, Tolerance
from harness.verdict.digits import COARSE, resolution, same_digits


class Zone(enum.IntEnum):
    """From agreement to difference."""

    DIGITS = 0
    """The figure gives the printed digits."""
    WITHIN = 1
    WARNED = 2
    COARSE = 3
    """The claim is printed too coarsely to tell."""
    INCONCLUSIVE = 4
    DIFFERS = 5


@dataclass(frozen=True, slots=True)
class Measure:
    """A claim and how far a figure may be from it."""

    claim: Claim
    tolerance: Tolerance
    at_least: bool = False
    """A figure above the claim is no difference."""

    def zone(self, figure: float) -> Zone:
        """Where a figure, in points, falls."""
        claim, tolerance = self.claim, self.tolerance
        difference = figure - claim.reported
        gap = abs(difference)
        # printed digits stand for up to half a last digit less, and, as they may be cut, up to a whole one more
        digit = resolution(claim)
        undecided = digit if difference > 0 else digit / 2
        slack = 0.0 if digit > COARSE else undecided
        if same_digits(figure, claim) and (digit <= COARSE or gap <= tolerance.within):
            return Zone.DIGITS
        if self.at_least and difference > 0:
            return Zone.WITHIN
        if gap <= tolerance.within + slack:
            return Zone.WITHIN
        if gap <= tolerance.warned + slack:
            return Zone.WARNED
        if slack < undecided and gap <= tolerance.inconclusive + undecided:
            return Zone.COARSE
        return Zone.INCONCLUSIVE if gap <= tolerance.inconclusive + slack else Zone.DIFFERS

    def zones(self, low: float, high: float) -> tuple[Zone, Zone]:
        """The nearest and the farthest zone of any figure between two, in points."""
        nearest = min(max(low, self.claim.reported), high)  # the zones rise on both sides of the claim
        ends = (self.zone(low), self.zone(high))
        return min(*ends, self.zone(nearest)), max(ends)
