"""Early stop: questions asked in random order until a verdict is certain."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.engine_api import Engine
from harness.errors import DataError, RecipeError
from harness.progress import Progress
from harness.records import Bounds, Decoding, Predictions, Question
from harness.squad import choose_rules, score_predictions, summarize

ALPHA = 0.05
SEED = 0
_SMALLEST_CHUNK = 64
_LARGEST_CHUNK = 1024
_GROWTH = 10
"""A chunk is one part in so many of what was asked before it: about half of a chunk is predicted for nothing."""
_STEP = 1000
"""Bounds are rounded outwards to one part of a point in so many, so that few of them have to be judged."""


@dataclass(frozen=True, slots=True)
class EarlyStop:
    """When a run has seen enough."""

    certain: Callable[[Bounds], bool]
    """Whether every figure within the bounds gives the same verdict. Asked question by question."""
    about: Mapping[str, Any]
    """All that `certain` hangs on, such as claims and tolerances, in JSON's types: part of the run's id."""
    alpha: float = ALPHA
    """Probability, at most, that any bound is ever wrong."""
    seed: int = SEED
    """Of the order of the questions."""

    def __post_init__(self) -> None:
        """Raise `RecipeError` where alpha is no probability, or the seed is negative."""
        if not (math.isfinite(self.alpha) and 0 < self.alpha < 1):
            raise RecipeError(f"alpha: found {self.alpha}, expected a number between 0 and 1", field="alpha")
        if self.seed < 0:  # random.Random takes -1 for 1
            raise RecipeError(f"seed: found {self.seed}, expected 0 or more", field="seed")

    @property
    def content(self) -> Mapping[str, Any]:
        """What of this decides when a run stops, in JSON's types."""
        return {"about": self.about, "alpha": self.alpha, "seed": self.seed}


def predict_until_certain(
    model: Path,
    questions: Sequence[Question],
    decoding: Decoding,
    engine: Engine,
    stop: EarlyStop,
    progress: Progress,
    keep: Path | None = None,
) -> tuple[Predictions, Bounds]:
    """Ask questions, one by one in random order, until `stop` is certain or none is left.

    Which question is the last hangs on the answers alone, not on how many are predicted at a time.

    Args:
        model: A model folder.
        questions: The data, in its own order.
        decoding: How answers are made.
        engine: What predicts.
        stop: When to stop.
        progress: Told of questions done.
        keep: Folder of logits, so that an interrupted call goes on.

    Returns:
        Predictions of the questions that were asked, in the order of the data, and what they say about all of them.

    Raises:
        DataError: there are no questions.
        HarnessError: a failed prediction.
    """
    if not questions:
        raise DataError("the data holds no question: nothing can be asked")
    drawn = draw_order(questions, stop.seed)
    watch = _Watch(questions, stop)
    predictions = engine.predict_until(
        model, drawn, tuple(_chunk_sizes(len(drawn))), watch.take, decoding, progress, keep
    )
    return predictions, watch.bounds


def draw_order(questions: Sequence[Question], seed: int) -> list[Question]:
    """The questions in the order in which they are asked: a shuffle of their order in the data."""
    drawn = list(questions)
    random.Random(seed).shuffle(drawn)  # noqa: S311, nothing secret
    return drawn


def _chunk_sizes(count: int) -> Iterator[int]:
    asked = 0
    while asked < count:
        size = min(max(_SMALLEST_CHUNK, asked // _GROWTH), _LARGEST_CHUNK, count - asked)
        yield size
        asked += size


class _Watch:
    """Scores answers as they come and says when they will do."""

    def __init__(self, questions: Sequence[Question], stop: EarlyStop) -> None:
        from harness.sequences import METHOD, MeanSequence

        self._questions = {question.id: question for question in questions}
        self._rules = choose_rules(questions)
        self._stop = stop
        self._answers: dict[str, str] = {}
        exact = "exact" if self._rules == "2.0" else "exact_match"
        self._sequences = {key: MeanSequence(len(questions), stop.alpha / 2) for key in (exact, "f1")}
        nothing, all_of_it = dict.fromkeys(self._sequences, 0.0), dict.fromkeys(self._sequences, 100.0)
        self.bounds = Bounds(METHOD, stop.alpha, stop.seed, 0, len(questions), nothing, all_of_it, decided=False)
        """After the last question that was looked at."""

    def take(self, answers: Mapping[str, str]) -> Sequence[str] | None:
        """Ids of the questions that will do, in the order of the data; None while the verdict is open."""
        asked = [self._questions[qid] for qid in answers]
        scores = score_predictions(asked, answers, rules=self._rules)
        before = len(self._answers)
        self._answers |= answers
        paths = {
            key: _in_points(*sequence.extend(list(values.values())))
            for (key, sequence), values in zip(self._sequences.items(), (scores.exact, scores.f1), strict=True)
        }
        for i in range(len(asked)):
            used = before + i + 1
            if used == len(self._questions):
                figures = self._whole()
                low = high = {key: figures[key] for key in paths}
            else:
                low, high = ({key: path[side][i] for key, path in paths.items()} for side in (0, 1))
            moved = used == 1 or (low, high) != (self.bounds.low, self.bounds.high)
            self.bounds = replace(self.bounds, used=used, low=low, high=high)
            if moved and self._stop.certain(self.bounds):
                self.bounds = replace(self.bounds, decided=True)
                return self._first(used)
        return self._first(len(self._questions)) if len(self._answers) == len(self._questions) else None

    def _whole(self) -> Mapping[str, float]:
        every = list(self._questions.values())
        return summarize(score_predictions(every, self._answers, rules=self._rules))

    def _first(self, used: int) -> Sequence[str]:
        taken = set(list(self._answers)[:used])
        return [qid for qid in self._questions if qid in taken]


def _in_points(low: Any, high: Any) -> tuple[Sequence[float], Sequence[float]]:
    """Fractions to points, each bound rounded outwards."""
    points = 100 * _STEP
    return (
        [max(0.0, math.floor(value * points) / _STEP) for value in low.tolist()],
        [min(100.0, math.ceil(value * points) / _STEP) for value in high.tolist()],
    )
