"""Confidence intervals of exact match and F1: bootstrap over paragraphs and over questions, exact binomial.

The bootstrap is the percentile method (Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13):
as many units as there are, drawn with replacement, and the quantiles of the figures that come out. Questions about one
paragraph are no independent draws, so the unit is the paragraph with all its questions (cluster bootstrap: Davison and
Hinkley, *Bootstrap Methods and their Application*, 1997, section 3.8); over single questions the interval says how
far the questions alone could have moved the figure. The binomial interval is that of Clopper and Pearson, *The use of
confidence or fiducial limits illustrated in the case of the binomial*, Biometrika 26, 1934.

Percentile intervals of few units are too narrow: with ten paragraphs, those of 95 % held the figure in about 88 % of
simulated cases. Where no two units differ they have no width at all and say nothing, and are left out.

Of the several intervals of a figure one is shown: `choose_interval` is the rule, for pages, summaries and cards alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.distributions import beta_quantile
from harness.errors import DataError
from harness.records import Question, Scores
from harness.resampling import resample_sums

RESAMPLES = 10_000
LEVEL = 0.95
SEED = 0

Method = Literal["bootstrap over paragraphs", "bootstrap over questions", "Clopper-Pearson"]

FEWEST = 10
"""Units that a bootstrap needs to be shown: resamples of fewer hold too few different ones."""

_ROUNDING = 1e-9
"""Points by which sums of the same scores may differ."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of one figure, in points."""

    low: float
    high: float
    level: float
    """Probability that an interval made this way holds the figure, e.g. 0.95."""
    method: Method
    units: int
    """Paragraphs or questions that were drawn."""
    resamples: int | None = None
    """None: no bootstrap."""
    seed: int | None = None


def score_intervals(
    questions: Sequence[Question],
    scores: Scores,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = SEED,
) -> dict[str, tuple[Interval, ...]]:
    """Intervals under the official keys: exact match and F1, of all questions and of those with and without an answer.

    Args:
        questions: The data that was scored, for its paragraphs.
        scores: Its scores; a missing prediction counts as scored, with 0.
        resamples: Bootstrap samples.
        level: Confidence level, between 0 and 1.
        seed: Seed of a generator of its own: nothing else draws from it.

    Returns:
        Key, as `summarize` names it -> intervals over paragraphs, over questions and, for exact match, Clopper-Pearson;
        a bootstrap that has no width is left out, so that a figure may have none.

    Raises:
        DataError: the scores are of other questions.
        ValueError: no resample is asked for, or the level is not between 0 and 1.
    """
    paragraphs = {q.id: q.passage_id for q in questions}
    if paragraphs.keys() != scores.exact.keys():
        raise DataError(f"the scores are of {len(scores.exact)} questions, not of the {len(paragraphs)} of the data")
    if scores.rules == "1.1":
        parts = {"": list(scores.exact)}
    else:
        parts = {
            "": list(scores.exact),
            "HasAns_": [qid for qid, has in scores.has_ans.items() if has],
            "NoAns_": [qid for qid, has in scores.has_ans.items() if not has],
        }
    exact_key = "exact_match" if scores.rules == "1.1" else "exact"
    intervals: dict[str, tuple[Interval, ...]] = {}
    for prefix, ids in parts.items():
        if not ids:
            continue
        rows = [(scores.exact[qid], scores.f1[qid]) for qid in ids]
        settings: dict[str, Any] = {"resamples": resamples, "level": level, "seed": seed}
        clustered = bootstrap(rows, [paragraphs[qid] for qid in ids], **settings)
        plain = bootstrap(rows, **settings)
        binomial = clopper_pearson(round(sum(exact for exact, _ in rows)), len(rows), level=level)
        intervals[prefix + exact_key] = (*_with_width(clustered[0], plain[0]), binomial)
        intervals[prefix + "f1"] = _with_width(clustered[1], plain[1])
    return intervals


def shown_intervals(scores: Scores, questions: Sequence[Question] | None = None) -> dict[str, Interval]:
    """The one interval of each official figure that is shown beside it, by `choose_interval`; some figures have none.

    Args:
        scores: What was scored.
        questions: The data that was scored, for its paragraphs; None: which paragraphs there are is not known.

    Raises:
        DataError: the scores are of other questions.
    """
    given = questions if questions is not None else [Question(qid, qid, "", "", ()) for qid in scores.exact]
    found = score_intervals(given, scores)
    if questions is None:  # each stood for a paragraph of its own, which nobody knows to be so
        found = {
            key: tuple(each for each in every if each.method != "bootstrap over paragraphs")
            for key, every in found.items()
        }
    if "NoAns_exact" in found:  # one figure: an answer that there is not has no words to be partly right
        found["NoAns_f1"] = found["NoAns_exact"]
    return {key: chosen for key, every in found.items() if (chosen := choose_interval(every)) is not None}


def choose_interval(every: Sequence[Interval]) -> Interval | None:
    """The interval that is shown of those of one figure; None where none of them is fit for it.

    Over paragraphs where there are at least ten that do not all score alike. Else, of exact match, that of Clopper and
    Pearson, whose level is at least the nominal one for any number of independent questions, and of F1 that over
    questions, if they are at least ten. Both know nothing of paragraphs and are too narrow where questions about one
    succeed and fail together, yet less so than resamples of few paragraphs: of 95 % intervals of BERT's exact match on
    five paragraphs of SQuAD 2.0 (`benchmarks/calibration.py`, ``cover``, 400 worlds) 90 % held the figure of the whole
    set by Clopper and Pearson, 85 % over questions, 79 % over paragraphs.
    """
    known = {each.method: each for each in every}
    clustered = known.get("bootstrap over paragraphs")
    if clustered is not None and clustered.units >= FEWEST and _is_wide(clustered):
        return clustered
    if (binomial := known.get("Clopper-Pearson")) is not None:
        return binomial
    plain = known.get("bootstrap over questions")
    return plain if plain is not None and plain.units >= FEWEST and _is_wide(plain) else None


def _with_width(*intervals: Interval) -> tuple[Interval, ...]:
    """Without those of units that all score alike, such as a single one: how far apart others would be is not known."""
    return tuple(interval for interval in intervals if _is_wide(interval))


def _is_wide(interval: Interval) -> bool:
    return interval.high - interval.low > _ROUNDING


def bootstrap(
    rows: Sequence[Sequence[float]],
    clusters: Sequence[str] | None = None,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = SEED,
) -> tuple[Interval, ...]:
    """Percentile intervals of the mean of each column, times 100, all from the same resamples.

    Args:
        rows: A row for each question, a column for each score between 0 and 1.
        clusters: For each row, the unit that it is drawn with; without, each row is a unit. The mean of a resample is
            over the rows that came with its units.
        resamples: Samples to draw.
        level: Confidence level, between 0 and 1.
        seed: Seed of the generator.

    Raises:
        ValueError: there is no row, no resample is asked for, or the level is not between 0 and 1.
    """
    if not len(rows) or resamples < 1 or not 0.0 < level < 1.0:
        raise ValueError(f"{len(rows)} rows, {resamples} resamples, level {level}: expected some, and 0 < level < 1")
    units = _units(np.asarray(rows, dtype=np.float64), clusters)
    sums = resample_sums(units, resamples, np.random.default_rng(seed))
    means = 100.0 * (sums[:, :-1] / sums[:, -1:])
    tail = 50.0 * (1.0 - level)
    lows, highs = np.percentile(means, [tail, 100.0 - tail], axis=0)
    method: Method = "bootstrap over questions" if clusters is None else "bootstrap over paragraphs"
    return tuple(
        Interval(float(low), float(high), level, method, len(units), resamples, seed)
        for low, high in zip(lows, highs, strict=True)
    )


def clopper_pearson(successes: int, trials: int, *, level: float = LEVEL) -> Interval:
    """The exact interval of a share of successes, in points: its true level is at least the nominal one.

    Raises:
        ValueError: not 0 <= successes <= trials, no trial, or the level is not between 0 and 1.
    """
    if not 0 <= successes <= trials or trials < 1 or not 0.0 < level < 1.0:
        raise ValueError(f"{successes} successes of {trials}, level {level}: expected at most all, and 0 < level < 1")
    tail = (1.0 - level) / 2.0
    failures = trials - successes
    low = 0.0 if successes == 0 else beta_quantile(tail, successes, failures + 1)
    high = 1.0 if failures == 0 else 1.0 - beta_quantile(tail, failures, successes + 1)
    return Interval(100.0 * low, 100.0 * high, level, "Clopper-Pearson", trials)


def _units(rows: npt.NDArray[np.float64], clusters: Sequence[str] | None) -> npt.NDArray[np.float64]:
    """For each unit the sums of its rows, and in the last column how many they are."""
    table = np.column_stack([rows, np.ones(len(rows))])
    if clusters is None:
        return table
    numbers: Mapping[str, int] = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    sums = np.zeros((len(numbers), table.shape[1]))
    np.add.at(sums, [numbers[name] for name in clusters], table)
    return sums
