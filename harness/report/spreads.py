"""How sure a reproduced figure is: the one interval that is shown beside it, and where it comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.records import Comparison
from harness.report.data import RunData
from harness.verdict import figure
from harness.verdict.scope import figure_in

if TYPE_CHECKING:
    from harness.intervals import Interval

_SAME = 1e-9
"""Points by which sums of the same scores may differ."""


@dataclass(frozen=True, slots=True)
class Spread:
    """An interval around a figure, in points."""

    low: float
    high: float
    what: str
    """What it is, in words."""


def measure_intervals(data: RunData) -> dict[str, Interval]:
    """The interval of each figure of a run, under its official key; empty where it has no scores of its questions.

    Which one is shown, `harness.intervals.choose_interval` says. A run that stopped early has bounds in their place.
    """
    from harness.intervals import shown_intervals

    scores = data.scores
    if scores is None or (data.run.bounds is not None and data.run.bounds.partial):
        return {}
    questions = data.questions
    whole = questions is not None and {question.id for question in questions} == scores.exact.keys()
    return shown_intervals(scores, questions if whole else None)


def spread_of(comparison: Comparison, data: RunData, intervals: Mapping[str, Interval]) -> Spread | None:
    """The interval of a reproduced figure; None where none is known.

    Args:
        comparison: One of the run's.
        data: The run.
        intervals: Its `measure_intervals`.
    """
    claim, run = comparison.claim, data.run
    if comparison.reproduced is None:
        return None
    if comparison.seeds is not None:
        seeds = comparison.seeds
        what = f"95 % prediction interval of {len(seeds.values)} seeds"
        return Spread(seeds.mean - seeds.half_95, seeds.mean + seeds.half_95, what)
    own = figure(claim, run)
    if own is None or not math.isclose(own, comparison.reproduced, rel_tol=0.0, abs_tol=_SAME):
        return None
    if run.bounds is not None and run.bounds.partial:
        low, high = figure_in(claim, run.bounds.low), figure_in(claim, run.bounds.high)
        if low is None or high is None:  # of subsets nothing is known
            return None
        asked = f"after {run.bounds.used:,} of {run.bounds.n:,} questions"
        return Spread(low, high, f"bounds {asked} that hold all at once with {100 * (1 - run.bounds.alpha):g} %")
    every = list(intervals.values())
    # which of them is the claim's is told by the same mapping of claims to keys that verdicts use
    number = figure_in(claim, {key: float(number) for number, key in enumerate(intervals)})
    if number is None:
        return None
    interval = every[int(number)]
    return Spread(interval.low, interval.high, describe_interval(interval))


def describe_interval(interval: Interval) -> str:
    """What an interval is, in words: ``95 % interval, bootstrap over paragraphs``."""
    return f"{100 * interval.level:g} % interval, {interval.method}"
