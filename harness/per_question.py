"""The scores of every question that a run's folder holds, and whether they are those of its record."""

from __future__ import annotations

import math
from pathlib import Path

from harness.errors import RecordError
from harness.records import Run, Scores, from_json
from harness.squad import summarize
from harness.store import RECORD, file_sha256, read_json

PER_QUESTION = "per_question.json"
_CHANGED = "its predictions or scores are not those of its record; run it again with --fresh"


def read_scores(folder: Path, run: Run) -> Scores:
    """Scores of every question, refused where the folder's files are not those that the record tells of.

    Raises:
        RecordError: there are none, or they, the predictions or the record were changed since.
    """
    file, answers = folder / PER_QUESTION, folder / "predictions.json"
    if not file.exists():
        raise RecordError(
            f"{folder}: has no {PER_QUESTION}; comparing runs in pairs needs their run folders", path=str(folder)
        )
    scores = from_json(Scores, read_json(file), str(file))
    asked = run.bounds is None or run.bounds.used == len(scores.exact)
    known = answers.exists() and file_sha256(answers) == run.predictions_sha256
    if not (known and asked and _gives(scores, run)):
        raise RecordError(f"{folder}: {_CHANGED}", path=str(folder))
    return scores


def check_intact(path: Path, run: Run) -> None:
    """Raise `RecordError` where a record's figures are not those of the scores beside it.

    A record without them, such as one that is kept beside a card, is taken as it is.

    Args:
        path: The record's file, or its run folder.
        run: The record.
    """
    folder = path if path.is_dir() else path.parent
    beside = path.is_dir() or path.name == RECORD
    if beside and run.status == "finished" and (folder / PER_QUESTION).exists():
        read_scores(folder, run)


def _gives(scores: Scores, run: Run) -> bool:
    figures = summarize(scores)
    # Python 3.12 adds floats more exactly than 3.11: the last bit may differ
    return figures.keys() == run.scores.keys() and all(
        math.isclose(figures[key], run.scores[key], abs_tol=1e-9) for key in figures
    )
