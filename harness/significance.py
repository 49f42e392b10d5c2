"""Whether the difference of two scores on the same questions can be chance: bootstrap, randomization, McNemar.

Every question gives a difference, the second score less the first, and chance is what other questions of the same kind
would have given. Questions about one paragraph are no independent draws, so units are paragraphs with all their
questions, or single questions where the paragraphs are not known.

*Paired bootstrap*: as many units as there are, drawn with replacement; percentile interval of the mean difference
(Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13; of systems on one test set: Koehn,
*Statistical significance tests for machine translation evaluation*, EMNLP 2004), and the share of resamples that lie
as far from the difference as the difference lies from zero (the bootstrap shifted to no difference: Efron and
Tibshirani, chapter 16; Berg-Kirkpatrick, Burkett and Klein, *An empirical investigation of statistical significance in
NLP*, EMNLP 2012).

*Approximate randomization*: were the two no different, each unit's scores could as well be exchanged; the share of
random exchanges that give a difference at least as large (Noreen, *Computer-Intensive Methods for Testing Hypotheses*,
1989; Yeh, *More accurate tests for the statistical significance of result differences*, COLING 2000). This test is
exact whatever the number of units, the bootstrap only where many of them differ.

*McNemar*: of the questions that only one of two answers right, how many are each one's, by the binomial distribution
(*Note on the sampling error of the difference between correlated proportions*, Psychometrika 12, 1947), with the score
interval of Tango (*Equivalence test and confidence interval for the difference in proportions for the paired-sample
design*, Statistics in Medicine 17, 1998), which agrees with McNemar's statistic at no difference. Both take questions
for independent.

All p-values are two-sided. Those that count resamples count the observed difference as one more (Davison and Hinkley,
*Bootstrap Methods and their Application*, 1997, section 4.2), so that none is 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from harness.distributions import beta_share
from harness.records import Change, McNemar
from harness.resampling import resample_sums

RESAMPLES = 10_000
LEVEL = 0.95
SEED = 0

FEWEST = 10
"""Units that have to differ for a bootstrap: of five that differ, all one way, it makes p 0.04, an exact test 0.06."""

_DRAWN_AT_ONCE = 1 << 20
_ROUNDING = 1e-9
"""By which sums of the same scores may differ."""
_BISECTIONS = 100

_Floats = npt.NDArray[np.float64]


def measure_change(
    score: Literal["exact", "f1"],
    first: Sequence[float],
    second: Sequence[float],
    clusters: Sequence[str] | None = None,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = SEED,
) -> Change:
    """How far two scores are apart, with the bootstrap's interval and both p-values.

    Neither the order of the questions nor which of the two comes first matters to any of it, but for the sign.

    Args:
        score: What is compared, for the record.
        first: A score between 0 and 1 for each question.
        second: The other's, of the same questions in the same order.
        clusters: For each question, the paragraph that it is drawn with; without, each question is a unit.
        resamples: Samples to draw for the bootstrap, and for the randomization.
        level: Confidence level, between 0 and 1.
        seed: Seed of the generators.

    Raises:
        ValueError: there is no question, the lengths differ, a score is not between 0 and 1, no resample is asked for,
            or the level is not between 0 and 1.
    """
    given = len(first) if clusters is None else len(clusters)
    if not first or not len(first) == len(second) == given:
        raise ValueError(f"{len(first)} and {len(second)} scores, {given} clusters: expected as many of each, and some")
    if resamples < 1 or not 0.0 < level < 1.0:
        raise ValueError(f"{resamples} resamples, level {level}: expected some, and 0 < level < 1")
    if not all(0.0 <= value <= 1.0 for values in (first, second) for value in values):
        raise ValueError(f"{score}: expected scores between 0 and 1")
    units, turned = _units([b - a for a, b in zip(first, second, strict=True)], clusters)
    differing = int(np.count_nonzero(np.abs(units[:, 0]) > _ROUNDING))
    # rounded once, and alike for both orders
    difference = math.fsum(units[:, 0].tolist()) / len(first)
    low, high, bootstrap_p = _bootstrap(units, difference, resamples, level, np.random.default_rng(seed))
    if differing < FEWEST or high - low <= _ROUNDING:
        interval, shifted = None, None
    else:
        interval, shifted = (-high, -low) if turned else (low, high), bootstrap_p
    return Change(
        score=score,
        over="questions" if clusters is None else "paragraphs",
        difference=100.0 * (-difference if turned else difference) + 0.0,
        units=len(units),
        differing=differing,
        low=None if interval is None else 100.0 * interval[0],
        high=None if interval is None else 100.0 * interval[1],
        bootstrap_p=shifted,
        randomization_p=_randomize(units[:, 0], resamples, np.random.default_rng(seed)),
        level=level,
        resamples=resamples,
        seed=seed,
    )


def measure_discordance(only_first: int, only_second: int, n: int, *, level: float = LEVEL) -> McNemar:
    """McNemar's exact test of two counts of questions, and Tango's interval of the difference.

    Args:
        only_first: Questions that only the first answers right.
        only_second: Those that only the second does.
        n: All questions.
        level: Confidence level, between 0 and 1.

    Raises:
        ValueError: a count is negative, they are more than n, n is 0, or the level is not between 0 and 1.
    """
    if min(only_first, only_second) < 0 or not max(1, only_first + only_second) <= n or not 0.0 < level < 1.0:
        raise ValueError(
            f"{only_first} and {only_second} of {n} questions, level {level}: expected parts of some questions, and "
            "0 < level < 1"
        )
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    return McNemar(
        p=mcnemar(only_first, only_second),
        low=-100.0 * _tango_limit(only_first, only_second, n, z),
        high=100.0 * _tango_limit(only_second, only_first, n, z),
        level=level,
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value: twice the smaller tail of the binomial distribution of even chances, at most 1.

    1 where no question is answered right by one alone; 0.0 below what a float can hold.
    """
    fewer, more = sorted((only_first, only_second))
    if fewer == more:
        return 1.0
    # P(X <= k) of n trials is I_(1-q)(n - k, k + 1); DLMF 8.17.5
    return min(1.0, 2.0 * beta_share(0.5, float(more), fewer + 1.0))


def _tango_limit(more: int, fewer: int, n: int, z: float) -> float:
    """The largest difference (more - fewer) / n that the score statistic does not refuse, -1 to 1."""
    low, high = (more - fewer) / n, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (middle, high) if _tango_statistic(more, fewer, n, middle) > -z else (low, middle)
    return high


def _tango_statistic(more: int, fewer: int, n: int, difference: float) -> float:
    """Tango's equation 5; the share of questions that only the other answers right is the most likely one (7 to 10)."""
    b = -more - fewer + (2 * n - more + fewer) * difference
    c = -fewer * difference * (1.0 - difference)
    share = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    variance = n * (2.0 * share + difference * (1.0 - difference))
    distance = more - fewer - n * difference
    return distance / math.sqrt(variance) if variance > 0.0 else math.copysign(math.inf, distance)


def _units(differences: Sequence[float], clusters: Sequence[str] | None) -> tuple[_Floats, bool]:
    """For each unit the sum of its differences and its number of questions, sorted; and whether the sign was turned.

    Of two runs in either order the units are the same: the sign is turned where that makes their sum, or the first of
    the sorted units that decides, the greater.
    """
    if clusters is None:
        units = [(value, 1) for value in differences]
    else:
        groups: dict[str, list[float]] = {}
        for name, value in zip(clusters, differences, strict=True):
            groups.setdefault(name, []).append(value)
        units = [(math.fsum(values), len(values)) for values in groups.values()]
    units = sorted((value + 0.0, size) for value, size in units)
    mirrored = sorted((0.0 - value, size) for value, size in units)
    total = math.fsum(value for value, _ in units)
    turned = total < 0.0 or (total == 0.0 and mirrored > units)
    return np.array(mirrored if turned else units, dtype=np.float64), turned


def _bootstrap(
    units: _Floats, difference: float, resamples: int, level: float, generator: np.random.Generator
) -> tuple[float, float, float]:
    """Percentile interval of the mean difference, and the p-value of the shifted bootstrap."""
    sums = resample_sums(units, resamples, generator)
    means = np.asarray(sums[:, 0] / sums[:, 1])
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(means, [tail, 100.0 - tail])
    as_far = int(np.count_nonzero(np.abs(means - difference) >= abs(difference) - _ROUNDING))
    return float(low), float(high), (as_far + 1) / (resamples + 1)


def _randomize(values: _Floats, resamples: int, generator: np.random.Generator) -> float:
    """Share of random signs that bring the sum of all units at least as far from zero as it is."""
    sizes = np.abs(values[values != 0.0])
    whole = float(sizes.sum())
    observed = abs(math.fsum(values.tolist()))
    if observed <= _ROUNDING:
        return 1.0
    as_far = 0
    rows = max(1, _DRAWN_AT_ONCE // len(sizes))
    for start in range(0, resamples, rows):
        shape = min(rows, resamples - start), -(-len(sizes) // 8)
        bits = np.unpackbits(generator.integers(0, 256, shape, dtype=np.uint8), axis=1, count=len(sizes))
        sums = 2.0 * np.einsum("rk,k->r", bits, sizes) - whole
        as_far += int(np.count_nonzero(np.abs(sums) >= observed - _ROUNDING))
    return (as_far + 1) / (resamples + 1)
