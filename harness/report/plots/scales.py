"""From figures to places: linear scales, round ticks, and long lines thinned."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
FARTHEST = 1e300
"""Beyond it the distance of two values may be none that a float can say."""
_COLUMNS = 100
MOST_POINTS = 4 * _COLUMNS
"""Of one line: more than a screen shows of it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A range of figures laid on a range of places."""

    low: float
    high: float
    start: float
    """Where `low` is."""
    end: float
    step: float | None = None
    """Between ticks; None for a round one."""

    def at(self, value: float) -> float:
        """The place of a figure, beyond the ends too."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def inside(self, value: float) -> float:
        """The place of a figure, at an end where it lies beyond."""
        return self.at(min(max(value, self.low), self.high))

    def holds(self, value: float) -> bool:
        """Whether a figure lies between the ends."""
        slack = 1e-9 * (self.high - self.low)
        return self.low - slack <= value <= self.high + slack

    def ticks(self) -> tuple[float, ...]:
        """Round figures in the range."""
        step = self.step or _step(self.low, self.high, 5)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return tuple(index * step for index in range(first, last + 1))


def stretch(values: Iterable[float], start: float, end: float, *, about: int = 5, zero: bool = False) -> Scale:
    """A scale that holds all values and ends at ticks.

    Args:
        values: What it is to hold; none gives 0 to 1. What is not finite, or near to that, is left out.
        start: Place of the lowest.
        end: Of the highest.
        about: Ticks, about.
        zero: Whether it holds 0 in any case.
    """
    finite = [value for value in values if abs(value) <= FARTHEST] + ([0.0] if zero else [])
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1.0):
        room = max(0.5, 0.01 * abs(low))
        low, high = low - (0.0 if zero and low == 0 else room), high + room
    step = _step(low, high, about)
    return Scale(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, start, end, step)


def tick_text(value: float, ticks: Sequence[float], *, signed: bool = False) -> str:
    """A tick's figure, with as many decimals as tell the ticks apart."""
    step = min((b - a for a, b in pairwise(ticks)), default=1.0)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
    decimals += not math.isclose(round(step, decimals), step, rel_tol=1e-6)
    shown = round(value, decimals) + 0.0
    if shown == 0:
        return "0"
    return f"{shown:+,.{decimals}f}" if signed else f"{shown:,.{decimals}f}"


def thin(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """At most `MOST_POINTS` points of a line whose x never falls: its ends and every extreme that a screen shows stay.

    Of each of 100 columns the first, the last, the lowest and the highest point are kept (Jugel et al., *M4: A
    Visualization-Oriented Time Series Data Aggregation*, VLDB 2014).
    """
    if len(points) <= MOST_POINTS:
        return tuple(points)
    low, high = points[0][0], points[-1][0]
    width = (high - low) / _COLUMNS or 1.0
    columns: dict[int, list[int]] = {}
    for index, (x, y) in enumerate(points):
        column = min(int((x - low) / width), _COLUMNS - 1)
        kept = columns.setdefault(column, [index, index, index, index])
        kept[1] = index
        if y < points[kept[2]][1]:
            kept[2] = index
        if y > points[kept[3]][1]:
            kept[3] = index
    return tuple(points[index] for kept in columns.values() for index in sorted(set(kept)))


def _step(low: float, high: float, about: int) -> float:
    rough = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in _STEPS if power * factor >= rough * (1 - 1e-9))
