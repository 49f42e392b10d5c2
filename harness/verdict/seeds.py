"""Several seeds of one recipe: where one more run would come out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.distributions import t_quantile
from harness.records import Seeds

FEW = 3
"""From so many seeds on their own spread is the measure; of two it says next to nothing."""
_MOST = 1000
"""Seeds above which nobody will go."""


def pool_seeds(values: Sequence[float], half_width: float, n: int = 0) -> Seeds:
    """The mean of several seeds, and the prediction interval for one more run.

    ``mean +- t * s * sqrt(1 + 1/n)`` with n - 1 degrees of freedom (Hahn and Meeker, *Statistical Intervals*, 1991,
    section 4.8.1). At three seeds the half of the 95 % interval is 4.97 standard deviations.

    Args:
        values: One figure of each seed, in points; two or more.
        half_width: The widest half of the 95 % interval that is to count, in points.
        n: Questions that each figure is a mean over. Figures move by whole questions, so that seeds may agree by
            chance: for the intervals the variance of that rounding, 1/12 of a question squared, is added (Sheppard's).
            0 leaves it out.

    Raises:
        ValueError: there are fewer than two values.
    """
    count = len(values)
    if count < 2:
        raise ValueError(f"found {count} value(s), expected two or more to tell a spread")
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    spread = math.sqrt(variance + ((100.0 / n) ** 2 / 12.0 if n else 0.0))
    return Seeds(
        tuple(values),
        mean,
        math.sqrt(variance),
        _half(spread, count, 0.95),
        _half(spread, count, 0.99),
        _enough(spread, count, half_width),
    )


def _half(deviation: float, n: int, level: float) -> float:
    return t_quantile((1.0 + level) / 2.0, n - 1) * deviation * math.sqrt(1.0 + 1.0 / n)


def _enough(deviation: float, n: int, half_width: float) -> int | None:
    """The fewest seeds, and no fewer than there are, that would make the interval so narrow."""
    if _half(deviation, _MOST, 0.95) > half_width:
        return None
    low, high = n, _MOST  # the half falls with n
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _half(deviation, middle, 0.95) <= half_width else (middle + 1, high)
    return low
