"""What a run's null odds allow to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.records import Scores
from harness.report.data import RunData
from harness.report.plots.scales import FARTHEST


@dataclass(frozen=True, slots=True)
class Odds:
    """Scores, answers and null odds that fit each other, and the record's best thresholds on them."""

    scores: Scores
    answers: Mapping[str, str]
    null_odds: Mapping[str, float]
    best: Mapping[str, float]


def read_odds(data: RunData) -> Odds | str | None:
    """The run's null odds; None where it has none, or no best figures that vouch for them; else why they are not drawn.

    `RunData` has only null odds that give the best figures of the record.
    """
    scores, predictions = data.scores, data.predictions
    if scores is None or predictions is None or not predictions.null_odds or not data.run.best:
        return None
    if not all(abs(value) <= FARTHEST for value in predictions.null_odds.values()):
        return "some null odds are not finite, or near to that"
    return Odds(scores, predictions.answers, predictions.null_odds, data.run.best)
