"""Predictions scored, and left in a run's folder with its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from harness import curves, squad
from harness.per_question import PER_QUESTION
from harness.records import DataUsed, Decoding, Predictions, Question, Run, Scores
from harness.run_folder import COMPUTING, now
from harness.signature import signature
from harness.store import file_sha256, write_json

PREDICTIONS = "predictions.json"


def record_predictions(
    folder: Path,
    run: Run,
    questions: Sequence[Question],
    evaluated: DataUsed,
    predictions: Predictions,
    decoding: Decoding | None,
    seconds: float | None,
    *,
    missing: Literal["error", "zero"] = "error",
    rules: Literal["auto", "1.1", "2.0"] = "auto",
) -> Run:
    """The finished record of a run that made these predictions; they and their scores are written beside it.

    The files have the names that users of the official script know.

    Args:
        folder: The run's folder.
        run: The record so far, with the bounds of a run that stopped early.
        questions: The data; those that were asked, where it stopped early.
        evaluated: What they are.
        predictions: Of every question.
        decoding: How they were made from logits; None where another program made them.
        seconds: How long predicting took; None where nothing was predicted anew.
        missing: What a question without a prediction is; see `harness.squad.score_predictions`.
        rules: Those of the whole data, where `questions` are only some of them.

    Raises:
        PredictionsError: a question has no prediction.
        RecordError: a file cannot be written.
    """
    scores = squad.score_predictions(questions, predictions.answers, rules=rules, missing=missing)
    figures = squad.summarize(scores)
    write_json(folder / PREDICTIONS, predictions.answers)
    write_json(folder / "null_odds.json", predictions.null_odds)
    write_json(folder / "nbest_predictions.json", predictions.n_best)
    write_json(folder / PER_QUESTION, scores)
    write_json(folder / "eval.json", figures)
    best = {}
    if scores.rules == "2.0" and predictions.null_odds:
        best = curves.best_thresholds(scores, predictions.answers, predictions.null_odds)
    computed, packages = predictions.computed, run.environment.packages
    return replace(
        run,
        status="finished",
        finished=now(),
        evaluated=evaluated,
        signature=signature(
            evaluated,
            scores,
            decoding,
            dtype=None if computed is None else computed.dtype,
            packages={name: packages[name] for name in COMPUTING if computed is not None and name in packages},
            bounds=run.bounds,
        ),
        scores=figures,
        by_kind=score_by_kind(questions, scores),
        best=best,
        predictions_file=PREDICTIONS,
        predictions_sha256=file_sha256(folder / PREDICTIONS),
        predict_seconds=None if seconds is None else round(seconds, 3),
        computed=computed,
    )


def score_by_kind(questions: Sequence[Question], scores: Scores) -> Mapping[str, Mapping[str, float]]:
    """Official figures for each kind of question that the data names."""
    kinds = sorted({q.kind for q in questions if q.kind is not None})
    table = {}
    for kind in kinds:
        ids = [q.id for q in questions if q.kind == kind]
        table[kind] = {
            "exact": 100.0 * sum(scores.exact[i] for i in ids) / len(ids),
            "f1": 100.0 * sum(scores.f1[i] for i in ids) / len(ids),
            "total": float(len(ids)),
        }
    return table
