"""Two runs, or two files of predictions, on the same questions: compared question by question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.data import EMBEDDED, checksum, load_data
from harness.errors import DataError, PredictionsError, RecordError
from harness.flips import compare_groups, measure_kappa, sort_flips
from harness.per_question import read_scores
from harness.prediction_files import read_predictions
from harness.records import DataUsed, Paired, Question, Run, Scores
from harness.signature import compare_signatures, parse_signature, signature
from harness.squad import Rules, score_predictions
from harness.store import load_run
from harness.verdict.recipes import say_seeds

RESAMPLES = 10_000
LEVEL = 0.95
SEED = 0

_NO_DATA = (
    "the folder of a run does not hold the data: intervals and p-values are over single questions, although those "
    "about one paragraph go together, and there are no figures by kind of question. Give the data with --data"
)


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two."""

    name: str
    scores: Scores
    answers: Mapping[str, str]
    signature: str


def compare_runs(
    one: Path,
    other: Path,
    questions: Sequence[Question] | None = None,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = SEED,
) -> Paired:
    """Compare two run folders; every difference is the second minus the first.

    Other ways of making the scores, another decoding above all, may be what is compared: they are no error, and
    `Paired.differences` names them.

    Args:
        one: A run's folder.
        other: Another run's.
        questions: The data that both evaluated, for paragraphs, kinds and question words. Without, embedded data is
            taken as it is, and of other data `Paired.notes` says what is not known.
        resamples: Of the bootstrap, and of the randomization.
        level: Of the intervals, between 0 and 1.
        seed: Of the resamples.

    Raises:
        RecordError: it is one run twice, or two runs of one id; a folder lacks its per-question scores or a signature;
            or the runs did not evaluate the same questions by the same rules.
        DataError: the questions given are not those that the runs evaluated.
    """
    first, second = load_run(one), load_run(other)
    if first.id == second.id:
        found = "one run, given twice" if first == second else "two runs of one id, and their records differ"
        raise RecordError(f"{one} and {other}: {found} ({first.id}); two runs with ids of their own are compared")
    data = [run.evaluated for run in (first, second)]
    if data[0] is None or data[1] is None:
        raise RecordError(f"{one} and {other}: both runs must be finished to be compared")
    if data[0].sha256 != data[1].sha256:
        raise RecordError(
            f"{one} evaluated {data[0].ref} ({data[0].n} questions), {other} {data[1].ref} ({data[1].n} questions): "
            "two runs can be compared on the same questions only"
        )
    sides = _side(one, first), _side(other, second)
    if list(sides[0].scores.exact) != list(sides[1].scores.exact):
        early = [f"{path} stopped early" for path, run in ((one, first), (other, second)) if run.bounds is not None]
        why = f": {' and '.join(early)}; two runs can be compared on the same questions only" if early else ""
        raise RecordError(f"{one} and {other}: the stored scores are not of the same questions{why}")
    if sides[0].scores.rules != sides[1].scores.rules:
        raise RecordError(
            f"{one} was scored by rules {sides[0].scores.rules}, {other} by rules {sides[1].scores.rules}: "
            "two runs can be compared by the same rules only"
        )
    notes: tuple[str, ...] = ()
    if first.bounds is not None or second.bounds is not None:
        notes = (
            f"only the {len(sides[0].scores.exact)} questions are compared that a run asked before it stopped early",
        )
    if questions is not None:
        _check_data(questions, data[0])
    else:
        questions = _embedded(data[0])
        notes += (_NO_DATA,) if questions is None else ()
    return _pair(sides, questions, notes, resamples, level, seed)


def compare_predictions(
    questions: Sequence[Question],
    data_used: DataUsed,
    one: Path,
    other: Path,
    *,
    rules: Literal["auto"] | Rules = "auto",
    missing: Literal["error", "zero"] = "error",
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = SEED,
) -> Paired:
    """Compare two files of predictions, of any program, by the official rules; every difference is second minus first.

    Args:
        questions: The data that both were made for.
        data_used: What the data is, for the signatures.
        one: JSON object: question id to answer text.
        other: Another such file.
        rules: Which official script's rules, as `score_predictions` takes them.
        missing: What a question without a prediction is: an error, or scored 0, which `Paired.notes` then tells.
        resamples: Of the bootstrap, and of the randomization.
        level: Of the intervals, between 0 and 1.
        seed: Of the resamples.

    Raises:
        PredictionsError: it is one file twice; a file cannot be read, repeats an id, or lacks one, or has one that the
            data does not have.
        DataError: `data_used` is of other questions, or the rules do not fit the data.
    """
    _check_data(questions, data_used)
    answers = [read_predictions(path) for path in (one, other)]
    if one.samefile(other):
        raise PredictionsError(f"{one} and {other}: one file, given twice; two files of predictions are compared")
    names = (one.name, other.name) if one.name != other.name else (str(one), str(other))
    sides = []
    for name, path, found in zip(names, (one, other), answers, strict=True):
        try:
            scores = score_predictions(questions, found, rules=rules, missing=missing)
        except PredictionsError as error:
            raise PredictionsError(f"{path}: {error}", ids=error.ids) from error
        sides.append(_Side(name, scores, found, signature(data_used, scores)))
    return _pair((sides[0], sides[1]), questions, (), resamples, level, seed)


def _pair(
    sides: tuple[_Side, _Side],
    questions: Sequence[Question] | None,
    notes: tuple[str, ...],
    resamples: int,
    level: float,
    seed: int,
) -> Paired:
    from harness.significance import measure_change, measure_discordance

    a, b = (side.scores for side in sides)
    ids = list(a.exact)
    right = [(qid, a.exact[qid] == 1.0, b.exact[qid] == 1.0) for qid in ids]
    only_first = tuple(qid for qid, x, y in right if x and not y)
    only_second = tuple(qid for qid, x, y in right if y and not x)
    both_right = sum(x and y for _, x, y in right)
    both_wrong = len(ids) - both_right - len(only_first) - len(only_second)
    paragraphs = {} if questions is None else {q.id: q.passage_id for q in questions}
    units = [None] if questions is None else [[paragraphs[qid] for qid in ids], None]
    columns: tuple[tuple[Literal["exact", "f1"], list[float], list[float]], ...] = (
        ("exact", list(a.exact.values()), list(b.exact.values())),
        ("f1", list(a.f1.values()), list(b.f1.values())),
    )
    differences = compare_signatures(*(side.signature for side in sides))
    return Paired(
        runs=tuple(side.name for side in sides),
        n=len(ids),
        exact=(_percent(a.exact.values()), _percent(b.exact.values())),
        f1=(_percent(a.f1.values()), _percent(b.f1.values())),
        both_right=both_right,
        both_wrong=both_wrong,
        only_first=only_first,
        only_second=only_second,
        same_answer=sum(qid in sides[0].answers and sides[0].answers[qid] == sides[1].answers.get(qid) for qid in ids),
        kappa=measure_kappa(both_right, len(only_first), len(only_second), both_wrong),
        changes=tuple(
            measure_change(score, first, second, clusters, resamples=resamples, level=level, seed=seed)
            for score, first, second in columns
            for clusters in units
        ),
        mcnemar=measure_discordance(len(only_first), len(only_second), len(ids), level=level),
        flips=sort_flips(a, b, sides[0].answers, sides[1].answers),
        groups=compare_groups(a, b, questions),
        notes=(*notes, *(text for side in sides for text in _left_out(side))),
        signatures=tuple(side.signature for side in sides),
        differences=tuple(map(str, differences)),
        decisive=tuple(str(difference) for difference in differences if difference.decisive),
    )


def _left_out(side: _Side) -> Iterator[str]:
    if side.scores.missing:
        yield f"{side.name}: {side.scores.missing} questions have no prediction and were scored 0"
    if side.scores.extra:
        yield f"{side.name}: {side.scores.extra} predictions are for ids that the data does not have and were left out"


def _check_data(questions: Sequence[Question], used: DataUsed) -> None:
    if len(questions) != used.n or checksum(questions) != used.sha256:
        raise DataError(
            f"{used.ref}: the {len(questions)} questions given are not the {used.n} of {used.source} that were scored "
            f"(checksum {used.sha256[:12]}, found {checksum(questions)[:12]}); give the same data",
            data=str(used.ref),
        )


def _embedded(used: DataUsed) -> Sequence[Question] | None:
    """The questions of embedded data, unless this version of the package has others."""
    if used.source != "embedded" or used.ref.name != EMBEDDED:
        return None
    try:
        questions, found = load_data(used.ref, {})
    except DataError:
        return None
    return questions if found.sha256 == used.sha256 else None


def _side(folder: Path, run: Run) -> _Side:
    scores = read_scores(folder, run)
    answers = read_predictions(folder / "predictions.json")
    return _Side(_label(run), scores, answers, _signature(folder, run))


def _signature(folder: Path, run: Run) -> str:
    if run.signature is None:
        raise RecordError(f"{folder}: its record does not say how its scores were made; run it again with --fresh")
    try:
        parse_signature(run.signature)
    except RecordError as error:
        raise RecordError(f"{folder}: {error}; run it again with --fresh") from error
    return run.signature


def _percent(values: Iterable[float]) -> float:
    numbers = list(values)
    return 100.0 * sum(numbers) / len(numbers)


def _label(run: Run) -> str:
    seeds = say_seeds(run.recipe)
    return f"{run.id} ({seeds})" if seeds else run.id
