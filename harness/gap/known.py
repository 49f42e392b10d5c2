"""What a finished run's folder holds for scoring it otherwise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data import checksum
from harness.errors import PredictionsError, RecordError
from harness.prediction_files import read_null_odds, read_predictions
from harness.records import Decoding, Question, Rescored, Run, Scores
from harness.run_folder import LOGITS
from harness.scoring import PREDICTIONS
from harness.squad import Rules, check_null_odds, score_predictions, summarize
from harness.store import file_sha256, read_json
from harness.until_certain import draw_order

NULL_ODDS = "null_odds.json"
N_BEST = "nbest_predictions.json"


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A run's predictions and their scores."""

    folder: Path
    decoding: Decoding
    questions: Sequence[Question]
    """Those that were asked."""
    predicted: Sequence[Question]
    """All of the data, in the order in which the model was asked; an early stop did not come to the last ones."""
    rules: Rules
    answers: Mapping[str, str]
    scores: Scores
    """Of `answers`, by the rules of the run."""
    null_odds: Mapping[str, float] | None
    """None where the folder has none for these answers."""

    @property
    def logits(self) -> Path | None:
        """The folder of kept logits, if it is there."""
        place = self.folder / LOGITS
        return place if place.is_dir() else None

    @property
    def exact(self) -> str:
        """The official key of exact match."""
        return "exact_match" if self.rules == "1.1" else "exact"

    def score(self, answers: Mapping[str, str]) -> Scores:
        """Scores of other answers to the questions that were asked; one that is missing counts 0, as in the run."""
        return score_predictions(self.questions, answers, rules=self.rules, missing="zero")

    @property
    def ids(self) -> tuple[str, ...] | None:
        """Of the questions that were asked; None for all."""
        return None if len(self.questions) == len(self.predicted) else tuple(q.id for q in self.questions)

    def compare(
        self, name: str, how: str, scores: Scores, figures: Mapping[str, float], decoding: Decoding | None = None
    ) -> Rescored:
        """The record of a protocol that scores questions so and comes to these figures."""
        right = [(value == 1.0, self.scores.exact[qid] == 1.0) for qid, value in scores.exact.items()]
        gained, lost = (sum(pair == wanted for pair in right) for wanted in ((True, False), (False, True)))
        return Rescored(name, how, dict(figures), gained, lost, decoding)


def read_known(folder: Path, run: Run, questions: Sequence[Question]) -> Known:
    """Read a finished run's predictions and score them as the run did.

    Raises:
        RecordError: the run is not finished, the questions are not those that it evaluated, or its predictions are
            not those of its record.
        PredictionsError: a file of the folder is damaged.
    """
    if run.status != "finished" or run.evaluated is None:
        raise RecordError(f"{folder}: is a run that has not finished, expected a finished one", path=str(folder))
    found = checksum(questions)
    if found != run.evaluated.sha256:
        raise RecordError(
            f"{folder}: the run evaluated {run.evaluated.n} questions with checksum {run.evaluated.sha256[:12]}, found "
            f"{len(questions)} with {found[:12]}; give the data of the run",
            path=str(folder),
        )
    rules: Rules = "1.1" if "exact_match" in run.scores else "2.0"
    place = folder / PREDICTIONS
    answers = read_predictions(place)
    predicted: Sequence[Question] = questions
    if run.bounds is not None:
        predicted = draw_order(questions, run.bounds.seed)
        questions = [question for question in questions if question.id in answers]
    scores = score_predictions(questions, answers, rules=rules, missing="zero")
    if file_sha256(place) != run.predictions_sha256 or not _gives(scores, run):
        raise RecordError(
            f"{folder}: its predictions or scores are not those of its record; run it again with --fresh",
            path=str(folder),
        )
    odds = _odds(folder, scores, answers)
    return Known(folder, run.recipe.decoding, questions, predicted, rules, answers, scores, odds)


def read_forced(known: Known, run: Run) -> Mapping[str, str] | None:
    """The best answers that are not empty, from the run's n-best lists; None where it has none that tell.

    A list of one candidate may hold no answer alone.

    Raises:
        RecordError: the file is no JSON.
        PredictionsError: it lacks some questions, or a candidate has no text.
    """
    place = known.folder / N_BEST
    if not place.is_file() or run.recipe.decoding.n_best < 2:
        return None
    lists = read_json(place)
    if not isinstance(lists, dict):
        raise PredictionsError(f"{place}: found no JSON object, expected one from question id to n-best answers")
    if not lists:
        return None
    lacking = [question.id for question in known.questions if question.id not in lists]
    if lacking:
        raise PredictionsError(
            f"{place}: lacks {len(lacking)} of {len(known.questions)} questions, first {lacking[0]!r:.80}", ids=lacking
        )
    return {question.id: _best_text(place, question.id, lists[question.id]) for question in known.questions}


def _gives(scores: Scores, run: Run) -> bool:
    figures = summarize(scores)
    # Python 3.12 adds floats more exactly than 3.11: the last bit may differ
    return figures.keys() == run.scores.keys() and all(
        math.isclose(figures[key], run.scores[key], abs_tol=1e-9) for key in figures
    )


def _odds(folder: Path, scores: Scores, answers: Mapping[str, str]) -> Mapping[str, float] | None:
    place = folder / NULL_ODDS
    if not place.is_file():
        return None
    odds = read_null_odds(place)
    if not odds:  # as of predictions that came without
        return None
    check_null_odds(scores, answers, odds)
    return odds


def _best_text(place: Path, qid: str, candidates: Any) -> str:
    if not isinstance(candidates, list):
        raise PredictionsError(f"{place}: the n-best answers of {qid!r:.80} are no list", ids=[qid])
    for candidate in candidates:
        text = candidate.get("text") if isinstance(candidate, dict) else None
        if not isinstance(text, str):
            raise PredictionsError(f"{place}: an n-best answer of {qid!r:.80} has no text", ids=[qid])
        if text:
            return text
    return ""
