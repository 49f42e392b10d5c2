"""What a run measured, as the rows that a card shows: by subset with intervals, by kind of question, over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import RecordError
from harness.records import Question, Run, Scores, Seeds
from harness.squad import summarize
from harness.verdict.recipes import same_but_seeds, seeds_of
from harness.verdict.seeds import pool_seeds

if TYPE_CHECKING:
    from harness.intervals import Interval

_SUBSETS = {"": "all", "HasAns_": "answerable", "NoAns_": "unanswerable"}
_TITLES = {"exact": "exact match", "f1": "F1"}


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one subset, in points."""

    questions: str
    """``all``, ``answerable`` or ``unanswerable``."""
    n: int
    exact: float
    f1: float
    exact_interval: Interval | None = None
    f1_interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class BoundedResult:
    """Where the figures over all questions lie, of a run that stopped before it had asked them, in points."""

    questions: str
    exact: tuple[float, float]
    f1: tuple[float, float]


@dataclass(frozen=True, slots=True)
class KindResult:
    """The figures of one kind of question, in points."""

    kind: str
    n: int
    exact: float
    f1: float


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over several seeds, in points."""

    figure: str
    seeds: Seeds


def results(run: Run, intervals: Mapping[str, Interval]) -> tuple[Result, ...]:
    """The official figures by subset; none of a run that left questions out, whose figures are not the data's."""
    if run.bounds is not None and run.bounds.partial:
        return ()
    scores, rows = run.scores, []
    for prefix, questions in _SUBSETS.items():
        exact = _exact_key(scores, prefix)
        f1 = f"{prefix}f1"
        if exact in scores and f1 in scores:
            n = scores.get(f"{prefix}total", run.evaluated.n if run.evaluated is not None and not prefix else 0)
            found = intervals.get(exact), intervals.get(f1)
            rows.append(Result(questions, round(n), scores[exact], scores[f1], *found))
    return tuple(rows)


def bounded(run: Run) -> tuple[BoundedResult, ...]:
    """The bounds of a run that left questions out, by subset."""
    if run.bounds is None or not run.bounds.partial:
        return ()
    low, high, rows = run.bounds.low, run.bounds.high, []
    for prefix, questions in _SUBSETS.items():
        exact, f1 = _exact_key(low, prefix), f"{prefix}f1"
        if {exact, f1} <= low.keys() & high.keys():
            rows.append(BoundedResult(questions, (low[exact], high[exact]), (low[f1], high[f1])))
    return tuple(rows)


def by_kind(run: Run) -> tuple[KindResult, ...]:
    """The figures of each kind of question that has exact match and F1; none of a run that left questions out."""
    if run.bounds is not None and run.bounds.partial:
        return ()
    return tuple(
        KindResult(kind, round(scores["total"]), scores["exact"], scores["f1"])
        for kind, scores in run.by_kind.items()
        if {"exact", "f1", "total"} <= scores.keys()
    )


def embedded_questions(run: Run) -> Sequence[Question] | None:
    """The questions that a run evaluated, where the package has them."""
    if run.evaluated is None or run.evaluated.source != "embedded":
        return None
    from harness.data import load_data

    return load_data(run.evaluated.ref, {})[0]


def find_intervals(run: Run, scores: Scores | None, questions: Sequence[Question] | None) -> Mapping[str, Interval]:
    """One 95 % interval for each official figure that has one, under its key.

    Which one is shown, `harness.intervals.choose_interval` says; without the questions no paragraphs are known.

    Raises:
        RecordError: The scores are not those of the run.
        DataError: The questions are others than the scores'.
    """
    if scores is None:
        return {}
    figures = summarize(scores)
    if figures.keys() != run.scores.keys() or any(abs(figures[key] - run.scores[key]) > 1e-9 for key in figures):
        raise RecordError(f"{run.id}: found scores of other predictions, expected those that its record sums up")
    from harness.intervals import shown_intervals

    return shown_intervals(scores, questions)


def tell_intervals(rows: Sequence[Result]) -> tuple[str, ...]:
    """How the intervals of rows were made, each way once; the number of units differs and is left out."""
    both = [interval for row in rows for interval in (row.exact_interval, row.f1_interval)]
    return tuple(dict.fromkeys(_told(interval) for interval in both if interval is not None))


def rules_of(run: Run) -> str:
    """The official rules that a run was scored by: ``1.1`` or ``2.0``."""
    return "1.1" if "exact_match" in run.scores else "2.0"


def spreads(run: Run, seeds: Sequence[Run]) -> tuple[Spread, ...]:
    """Exact match and F1 over a run and others that differ from it in their seeds alone.

    Raises:
        RecordError: One of them is not finished, or differs in more than its seeds, or not in them.
    """
    if not seeds:
        return ()
    every = (run, *seeds)
    _check_seeds(every)
    rows = []
    for key, title in _TITLES.items():
        own = _exact_key(run.scores, "") if key == "exact" else key
        values = [one.scores[own] for one in every if own in one.scores]
        if len(values) == len(every):
            n = 0 if run.evaluated is None else run.evaluated.n
            rows.append(Spread(title, pool_seeds(values, math.inf, n)))
    return tuple(rows)


def _told(interval: Interval) -> str:
    if interval.resamples is None:
        return str(interval.method)
    return f"{interval.method}, {interval.resamples} resamples, seed {interval.seed}"


def _check_seeds(runs: Sequence[Run]) -> None:
    first = runs[0]
    told: set[tuple[int, ...]] = set()
    for one in runs:
        same = (
            one.status == "finished"
            and same_but_seeds(one.recipe, first.recipe)
            and one.evaluated is not None
            and first.evaluated is not None
            and one.evaluated.sha256 == first.evaluated.sha256
            and not (one.bounds is not None and one.bounds.partial)
        )
        if not same or not one.stages:
            raise RecordError(
                f"{one.id}: found another recipe, other data or an unfinished run, expected a run that differs from "
                f"{first.id} in its seeds alone; leave it out"
            )
        seeds = seeds_of(one.recipe)
        if seeds in told:
            raise RecordError(f"{one.id}: found the seeds of another run once more, expected others; leave it out")
        told.add(seeds)


def _exact_key(scores: Iterable[str], prefix: str) -> str:
    return "exact_match" if not prefix and "exact_match" in scores else f"{prefix}exact"
