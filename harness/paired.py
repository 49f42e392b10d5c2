"""Two runs on the same questions, compared question by question."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from harness.errors import RecordError
from harness.prediction_files import read_predictions
from harness.records import Paired, Run, Scores, from_json
from harness.signature import compare_signatures, parse_signature
from harness.squad import summarize
from harness.store import file_sha256, load_run, read_json

PER_QUESTION = "per_question.json"


def compare_runs(one: Path, other: Path) -> Paired:
    """Compare two run folders; the difference is the second minus the first.

    Other ways of making the scores, another decoding above all, may be what is compared: they are no error, and
    `Paired.differences` names them.

    Raises:
        RecordError: a folder lacks its per-question scores or a signature, or the runs did not evaluate the same
            questions by the same rules.
    """
    first, second = load_run(one), load_run(other)
    data = [run.evaluated for run in (first, second)]
    if data[0] is None or data[1] is None:
        raise RecordError(f"{one} and {other}: both runs must be finished to be compared")
    if data[0].sha256 != data[1].sha256:
        raise RecordError(
            f"{one} evaluated {data[0].ref} ({data[0].n} questions), {other} {data[1].ref} ({data[1].n} questions): "
            "two runs can be compared on the same questions only"
        )
    a, b = _scores(one, first), _scores(other, second)
    if list(a.exact) != list(b.exact):
        raise RecordError(f"{one} and {other}: the stored scores are not of the same questions")
    if a.rules != b.rules:
        raise RecordError(
            f"{one} was scored by rules {a.rules}, {other} by rules {b.rules}: "
            "two runs can be compared by the same rules only"
        )
    signatures = _signature(one, first), _signature(other, second)
    differences = compare_signatures(*signatures)
    answers = [read_predictions(path / "predictions.json") for path in (one, other)]
    right = [(qid, a.exact[qid] == 1.0, b.exact[qid] == 1.0) for qid in a.exact]
    return Paired(
        runs=(_label(first), _label(second)),
        n=len(right),
        exact=(_percent(a.exact.values()), _percent(b.exact.values())),
        f1=(_percent(a.f1.values()), _percent(b.f1.values())),
        both_right=sum(x and y for _, x, y in right),
        both_wrong=sum(not x and not y for _, x, y in right),
        only_first=tuple(qid for qid, x, y in right if x and not y),
        only_second=tuple(qid for qid, x, y in right if y and not x),
        same_answer=sum(answers[0].get(qid) == answers[1].get(qid) for qid, _, _ in right),
        signatures=signatures,
        differences=tuple(map(str, differences)),
        decisive=tuple(str(difference) for difference in differences if difference.decisive),
    )


def _signature(folder: Path, run: Run) -> str:
    if run.signature is None:
        raise RecordError(f"{folder}: its record does not say how its scores were made; run it again with --fresh")
    try:
        parse_signature(run.signature)
    except RecordError as error:
        raise RecordError(f"{folder}: {error}; run it again with --fresh") from error
    return run.signature


def _scores(folder: Path, run: Run) -> Scores:
    """Scores of every question, refused where the folder's files are not those that the record tells of."""
    file, answers = folder / PER_QUESTION, folder / "predictions.json"
    if not file.exists():
        raise RecordError(f"{folder}: has no {PER_QUESTION}; comparing runs in pairs needs their run folders")
    scores = from_json(Scores, read_json(file), str(file))
    if not answers.exists() or file_sha256(answers) != run.predictions_sha256 or not _gives(scores, run):
        raise RecordError(f"{folder}: its predictions or scores are not those of its record; run it again with --fresh")
    return scores


def _gives(scores: Scores, run: Run) -> bool:
    figures = summarize(scores)
    # Python 3.12 adds floats more exactly than 3.11: the last bit may differ
    return figures.keys() == run.scores.keys() and all(
        math.isclose(figures[key], run.scores[key], abs_tol=1e-9) for key in figures
    )


def _percent(values: Iterable[float]) -> float:
    numbers = list(values)
    return 100.0 * sum(numbers) / len(numbers)


def _label(run: Run) -> str:
    seeds = sorted({stage.seed for stage in run.recipe.stages})
    return f"{run.id} (seed {', '.join(map(str, seeds))})" if seeds else run.id
