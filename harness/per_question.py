"""The scores of every question that a run's folder holds, and whether they are those of its record."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

from harness.errors import RecordError
from harness.records import Run, Scores, from_json
from harness.regular_files import read_regular
from harness.squad import summarize
from harness.store import RECORD, load_run, read_json

PER_QUESTION = "per_question.json"
LARGEST_PREDICTIONS = 256 << 20
"""Bytes: of so many answers nobody has scored any."""
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
    if not scores.exact or not scores.exact.keys() == scores.f1.keys() == scores.has_ans.keys():
        raise RecordError(
            f"{file}: found scores of no or of different questions, expected exact, f1 and has_ans of the same; run it "
            "again with --fresh",
            path=str(file),
        )
    asked = run.bounds is None or run.bounds.used == len(scores.exact)
    if not (asked and _gives(scores, run) and _has_answers(answers, run)):
        raise RecordError(f"{folder}: {_CHANGED}", path=str(folder))
    return scores


def load_intact(path: Path) -> Run:
    """A record whose figures are those of the scores beside it, where there are some.

    Raises:
        RecordError: there is no record, it is malformed, or it was changed since; see `load_run`, `check_intact`.
    """
    run = load_run(path)
    check_intact(path, run)
    return run


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


def _has_answers(file: Path, run: Run) -> bool:
    """Whether the predictions are those of the record; they may be gone, not be others."""
    try:
        return hashlib.sha256(read_regular(file, LARGEST_PREDICTIONS)).hexdigest() == run.predictions_sha256
    except FileNotFoundError:
        return True
    except OSError as error:
        raise RecordError(f"{file}: cannot be read ({error.strerror})", path=str(file)) from error


def _gives(scores: Scores, run: Run) -> bool:
    figures = summarize(scores)
    # Python 3.12 adds floats more exactly than 3.11: the last bit may differ
    return figures.keys() == run.scores.keys() and all(
        math.isclose(figures[key], run.scores[key], abs_tol=1e-9) for key in figures
    )
