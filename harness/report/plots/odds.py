"""What a run's null odds allow to be drawn, after they were held against its record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.curves import best_thresholds
from harness.errors import PredictionsError
from harness.records import Scores
from harness.report.data import RunData
from harness.report.plots.scales import FARTHEST
from harness.squad import check_null_odds


@dataclass(frozen=True, slots=True)
class Odds:
    """Scores, answers and null odds that fit each other, and the best thresholds on them."""

    scores: Scores
    answers: Mapping[str, str]
    null_odds: Mapping[str, float]
    best: Mapping[str, float]


def read_odds(data: RunData) -> Odds | str | None:
    """The run's null odds; None where it has none or its rules know no threshold; else why they cannot be used.

    No checksum of the record covers null odds, but its best figures rest on them: other odds give others.
    """
    scores, predictions = data.scores, data.predictions
    if scores is None or predictions is None or not predictions.null_odds or scores.rules != "2.0":
        return None
    try:
        check_null_odds(scores, predictions.answers, predictions.null_odds)
    except PredictionsError as error:
        return str(error)
    if not all(abs(value) <= FARTHEST for value in predictions.null_odds.values()):
        return "some null odds are not finite, or near to that"
    best = best_thresholds(scores, predictions.answers, predictions.null_odds)
    recorded = data.run.best
    if recorded and not all(math.isclose(best[k], v, abs_tol=1e-9) for k, v in recorded.items() if k in best):
        return "its null odds do not give the best figures of its record; run it again with --fresh"
    return Odds(scores, predictions.answers, predictions.null_odds, best)
