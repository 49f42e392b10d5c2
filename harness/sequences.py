"""Bounds on the mean of a finite population that hold at every question at once, however one decides when to stop.

Questions are drawn one by one, in random order and without replacement, from a data set of known size. For every
mean m that the data set might have, somebody bets against m: before the i-th value is drawn, its expectation under m is
known, and a bet of size L on more than that turns each coin into 1 + L * (value - expectation) coins. If m is true, no
bet gains on average, whatever was seen before, and the probability that one coin ever becomes c coins is at most 1 / c
(Ville's inequality). So every m whose capital ever reached c is excluded, at once and for good.

Sources: I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting" (JRSS B 86, 2024,
arXiv 2010.09686): the capital, bets from the variance so far, several bets side by side ("diversified Kelly betting"),
and sampling without replacement, where the expectation under m is (N * m - sum so far) / (values left). The same
authors' "Confidence sequences for sampling without replacement" (NeurIPS 2020, arXiv 2006.04347): bounds that hold for
certain, from the values that are left, and the running intersection. Bets aimed at gaps of some sizes, growing as the
population is used up, are our own choice; a choice of bets can cost width, never validity.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

METHOD = "betting, without replacement"
"""As `harness.records.Bounds.method` names it."""
GAPS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Distances from the true mean at which the bets are aimed, in units of 1 / sqrt(N): a bet of gap / variance gains the
most against a mean so far away. What most decisions hang on lies at 1 to 4 units, 1 to 4 points of 10,000 questions."""
SHARES = (0.04, 0.06, 0.1, 0.25, 0.4, 0.1, 0.05)
"""Of the capital, at the beginning, for each of the gaps."""
LARGEST_BET = 0.75
"""Of the capital at worst, so that a single value never takes all of it."""
_GRID = np.array((0.0, 0.04, 0.12, 0.25, 0.5, 1.0))
"""Means at which the capital is computed exactly, as shares of the way from the last bound to just beyond the mean."""
_BEYOND = 0.25
_SHORTEST_BLOCK = 16
_FACTORS = 128
"""Multiplied before a logarithm is taken: 0.25 to this power is still far from 0 in double precision."""
_NEWTON_STEPS = 4
_STEEP = 1e12
_SLACK = 1e-9
"""Of a logarithm, and of a bound: more than rounding can amount to."""


def confidence_sequence(values: ArrayLike, population: int, alpha: float) -> tuple[Floats, Floats]:
    """Lower and upper bounds, [values], on the mean of the whole population after each value; see `MeanSequence`.

    Raises:
        ValueError: as `MeanSequence` does.
    """
    return MeanSequence(population, alpha).extend(values)


class MeanSequence:
    """Bounds on the mean of a population while its values are drawn.

    The probability that the mean is ever outside is at most alpha, for any population whose values lie in [0, 1].
    Bounds after a value depend on no later one, nor on how many values were given at a time. They are nested, except
    after a mistake: where what is left to draw shows that a bound was wrong, it gives way. After the last value of the
    population both are its mean.
    """

    def __init__(self, population: int, alpha: float) -> None:
        """Begin with nothing drawn.

        Args:
            population: Number of values in all, N.
            alpha: Probability of a mistake, between 0 and 1; half of it for each side.

        Raises:
            ValueError: there is no value, or alpha is no probability.
        """
        if population < 1:
            raise ValueError(f"population: found {population}, expected 1 or more")
        if not 0 < alpha < 1:
            raise ValueError(f"alpha: found {alpha}, expected a number between 0 and 1")
        self._population = population
        self._threshold = math.log(2 / alpha) + _SLACK
        self._values: Floats = np.zeros(0)
        self._below = self._above = (0, 0.0)
        """Where the block in progress begins, and the bound before it, of the values and of 1 - value."""

    def extend(self, values: ArrayLike) -> tuple[Floats, Floats]:
        """Lower and upper bounds, [values], after each of some more values, in the order in which they are drawn.

        Raises:
            ValueError: a value is outside [0, 1], or they are more than the population.
        """
        more = np.asarray(values, dtype=np.float64)
        if more.ndim != 1 or not ((more >= 0) & (more <= 1)).all():
            raise ValueError("values: expected numbers from 0 to 1 in one row")
        known = len(self._values)
        drawn = np.concatenate((self._values, more))
        if len(drawn) > self._population:
            raise ValueError(f"values: found {len(drawn)}, expected at most the population of {self._population}")
        self._values = drawn
        bets = _choose_bets(drawn, self._population)
        low, self._below = self._bound(drawn, bets, known, self._below)
        mirrored, self._above = self._bound(1 - drawn, bets, known, self._above)
        return _intersect(low, 1 - mirrored, drawn, self._population)

    def _bound(
        self, values: Floats, bets: Floats, known: int, start: tuple[int, float]
    ) -> tuple[Floats, tuple[int, float]]:
        """Bounds below the mean, [values that are new], and where the block begins that is not complete."""
        found, state = _bound_below(values, bets, self._population, self._threshold, *start)
        return found[known - start[0] :], state


def _choose_bets(values: Floats, population: int) -> Floats:
    """[gaps, values]: bets, each from what was known before its value was drawn.

    The variance is that of the values so far with one of 1/4 before them (Waudby-Smith and Ramdas 2024). A mean
    that is wrong by a gap is wrong about the rest of the population by gap * N / (values left), and the bet grows with
    that.
    """
    gaps = np.array(GAPS)[:, None] / np.sqrt(population)
    count = np.arange(1, len(values) + 1)
    means = (0.5 + np.cumsum(values)) / (count + 1)
    variances = (0.25 + np.cumsum((values - means) ** 2)) / (count + 1)
    before = np.concatenate(([0.25], variances[:-1])) if len(values) else variances
    left = population - count + 1
    return np.asarray(np.minimum(gaps * (population / (before * left)), LARGEST_BET))


def _bound_below(
    values: Floats, bets: Floats, population: int, threshold: float, first: int, bound: float
) -> tuple[Floats, tuple[int, float]]:
    """After each value from `first` on, the mean up to which all are excluded: their capital reached `threshold`.

    The logarithm of each bet's capital is concave in m and falls, so that between two means at which it is known it
    lies above the straight line, and the bound that the lines give errs to the safe side only.

    Args:
        values: [values]
        bets: [gaps, values], on more than the expected value.
        population: N.
        threshold: A logarithm.
        first: Where a block begins; blocks are half as long as what is before them.
        bound: The bound before `first`.

    Returns:
        Bounds from `first` on, and the same two numbers for the block that is not complete.
    """
    sums = np.cumsum(values)
    left = population - np.arange(len(values))
    # 1 + bet * (value - (N m - sum before) / left) = gain - m * loss
    gain = 1 + bets * (values + (sums - values) / left)
    loss = bets * (population / left)
    found = [np.zeros(0)]
    while first < len(values):
        end = first + max(_SHORTEST_BLOCK, first // 2)
        block = slice(first, end)
        drawn = float(sums[first - 1]) if first else 0.0
        mean = drawn / first if first else 1.0
        floor = max(bound, drawn / population)
        top = min((drawn + population - first) / population, mean + _BEYOND * max(0.0, mean - floor))
        inside = np.full(len(values[block]), floor)
        if top > floor:
            means = floor + (top - floor) * _GRID
            capital = _log_path(gain[:, block], loss[:, block], means)
            capital += _log_capital(gain[:, :first], loss[:, :first], means)[:, :, None]
            inside = np.maximum.accumulate(np.maximum(floor, _solve(capital, means, threshold)))
        found.append(inside)
        if end > len(values):
            break
        first, bound = end, float(inside[-1])
    return np.concatenate(found), (first, bound)


def _log_capital(gain: Floats, loss: Floats, means: Floats) -> Floats:
    """[gaps, means]: logarithm of each bet's capital after all these values; for means that are possible."""
    total: Floats = np.log(np.array(SHARES))[:, None] + np.zeros(len(means))
    for first in range(0, gain.shape[1], _FACTORS):
        part = slice(first, first + _FACTORS)
        factors = gain[:, None, part] - means[None, :, None] * loss[:, None, part]
        total += np.log(np.prod(factors, axis=2))
    return total


def _log_path(gain: Floats, loss: Floats, means: Floats) -> Floats:
    """[gaps, means, values]: logarithm of what was won after each value; -inf from where a mean was not possible."""
    factors = gain[:, None, :] - means[None, :, None] * loss[:, None, :]
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(factors, 0))
    return np.asarray(np.cumsum(logs, axis=2))


def _solve(capital: Floats, means: Floats, threshold: float) -> Floats:
    """[values]: where all bets' capital together falls to `threshold`; -inf where it is below at the first mean.

    Args:
        capital: [gaps, means, values], logarithms.
        means: [means], rising.
        threshold: A logarithm.
    """
    reached = (_log_sum(capital) >= threshold).sum(axis=0) - 1
    bound = np.where(reached >= 0, means[np.maximum(reached, 0)], -np.inf)
    inside = np.flatnonzero((reached >= 0) & (reached < len(means) - 1))
    if len(inside):
        at = reached[inside]
        width = means[at + 1] - means[at]
        start = capital[:, at, inside]
        with np.errstate(invalid="ignore"):
            slope = np.nan_to_num((start - capital[:, at + 1, inside]) / width, nan=0.0, posinf=_STEEP)
        step = np.zeros(len(inside))
        for _ in range(_NEWTON_STEPS):  # the sum is convex and falls: from the left no step goes too far
            lines = start - slope * step
            together = _log_sum(lines)
            falls = (np.exp(lines - together) * slope).sum(axis=0)
            step = np.minimum(step + np.maximum(together - threshold, 0) / np.maximum(falls, 1 / _STEEP), width)
        bound[inside] += step
    return np.asarray(bound - _SLACK)


def _log_sum(logs: Floats) -> Floats:
    """The logarithm of the sum over the first axis."""
    largest = np.maximum(logs.max(axis=0), -1e300)  # where all are -inf, far below any threshold
    return np.asarray(largest + np.log(np.exp(logs - largest).sum(axis=0) + 1e-300))


def _intersect(low: Floats, high: Floats, values: Floats, population: int) -> tuple[Floats, Floats]:
    """The bounds, after the last values, within those that hold for certain."""
    new = len(values) - len(low)
    count = np.arange(1, len(values) + 1)[new:]
    sums = np.cumsum(values)[new:]
    least, most = sums / population, (sums + (population - count)) / population
    low, high = np.clip(low, least, most), np.clip(high, least, most)
    crossed = low > high  # both sides have excluded everything, so that one of them was wrong
    return np.where(crossed, least, low), np.where(crossed, most, high)
