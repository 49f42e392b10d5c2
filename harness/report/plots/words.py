"""Figures in words, for labels and for those who do not see a plot."""

from __future__ import annotations

from collections.abc import Iterable

from harness.records import Claim


def points(value: float) -> str:
    """A figure in points."""
    return f"{round(value, 2) + 0.0:.2f}"


def between(low: float, high: float) -> str:
    """An interval in points."""
    return f"{points(low)} to {points(high)}"


def change(value: float) -> str:
    """A difference in points."""
    return f"{round(value, 2) + 0.0:+.2f}"


def reported(claim: Claim) -> str:
    """A claim's figure as printed; in points where the card printed a fraction."""
    return points(claim.reported) if claim.unit == "fraction" or len(claim.digits) > 9 else claim.digits


def sentences(parts: Iterable[str]) -> str:
    """Parts of a description, one after the other."""
    return "; ".join(part for part in parts if part) + "."


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number with what is counted."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
