"""Everything that a report shows, from run folders and record files; nothing is fetched, nothing altered believed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import curves
from harness.data import EMBEDDED, canonical_name, describe, given_key, load_data
from harness.errors import DataError, HarnessError, PredictionsError, RecordError
from harness.evidence import Opened
from harness.per_question import LARGEST_PREDICTIONS, PER_QUESTION, read_scores
from harness.prediction_files import read_null_odds, read_predictions
from harness.records import DataUsed, Paired, Predictions, Question, Run, Scores
from harness.regular_files import read_regular
from harness.report.cards import find_faults, judged_by, recorded_card
from harness.report.data import ReportData, RunData
from harness.squad_files import read_squad_file
from harness.store import RECORD, load_run

History = tuple[Mapping[str, float], ...]

_ANSWERS, _ODDS = "predictions.json", "null_odds.json"


def gather_report(
    paths: Sequence[Path], uses: Mapping[str, Path] | None = None, card: Opened | None = None
) -> ReportData:
    """Runs with what their folders, their data and the first one's card hold.

    Data are taken where the package embeds them or `uses` gives them, with the checksum of the record, else left out;
    the network is never asked. Whatever is left out has a note that says why, and what would bring it. Findings that
    the card's assumptions accept are left out as of the day on which the run was finished.

    Args:
        paths: Run folders or record files, each of a run of its own; others are compared with the first.
        uses: ``--use``: local files or folders in place of data sets.
        card: The card that is reported on, whose claims are then judged anew by each run that is of its model; None:
            the one that the first run was recorded on, with the verdicts of the records.

    Raises:
        RecordError: there is no run, one is given twice, the first is not of the card's model, or a record or what lies
            beside it cannot be read or was changed since.
        DataError: `uses` names what no run evaluated, or what it gives cannot be read.
    """
    if not paths:
        raise RecordError("found no run to report, expected one or more")
    uses = uses or {}
    loaded = [(path, load_run(path)) for path in paths]
    _check_distinct(loaded)
    _check_uses(uses, [run for _, run in loaded])
    if card is not None:
        loaded = judged_by(card, loaded)
    data = _Data(uses)
    runs = tuple(_gather_run(path, run, data) for path, run in loaded)
    if card is None:
        shown, findings, notes = recorded_card(*loaded[0])
    else:
        shown, findings, notes = card.card, find_faults(card, loaded[0][1]), []
    pairs: list[Paired | None] = []
    for other in runs[1:]:
        pair = _compare(runs[0], other)
        if isinstance(pair, str):
            notes.append(f"{runs[0].run.id} and {other.run.id} are not compared question by question: {pair}")
        pairs.append(None if isinstance(pair, str) else pair)
    return ReportData(runs, shown, findings, tuple(pairs), tuple(notes), judged=card is not None)


def _check_distinct(loaded: Sequence[tuple[Path, Run]]) -> None:
    seen: dict[str, Path] = {}
    for path, run in loaded:
        if run.id in seen:
            raise RecordError(
                f"{path}: found run {run.id}, which {seen[run.id]} is too, expected every run once; leave one out",
                path=str(path),
            )
        seen[run.id] = path


def _check_uses(uses: Mapping[str, Path], runs: Sequence[Run]) -> None:
    """A mistyped name must not leave a report without its questions; raises `DataError`."""
    refs = [run.evaluated.ref for run in runs if run.evaluated is not None]
    wanted = {key for ref in refs if (key := given_key(ref, uses)) is not None}
    for name in uses:
        if canonical_name(name) not in wanted:
            known = ", ".join(dict.fromkeys(ref.name for ref in refs)) or "nothing"
            raise DataError(
                f"--use names {name!r}, which is not what the runs evaluated; they evaluated {known}", data=name
            )


def _gather_run(path: Path, run: Run, data: _Data) -> RunData:
    folder = path if path.is_dir() else path.parent if path.name == RECORD else None
    notes: list[str] = []
    questions = data.find(run, notes)
    scores: Scores | None = None
    predictions: Predictions | None = None
    histories: dict[str, History] = {}
    if run.status != "finished":
        notes.append(f"the run is {run.status}: it has no figures; the command that began it goes on with it")
    elif folder is None:
        notes.append(
            "the record lies alone: single questions, curves and training are in its run folder; report that instead"
        )
    else:
        if (folder / PER_QUESTION).exists():
            scores = read_scores(folder, run)
            predictions = _read_predictions(folder, run, scores, notes)
        else:
            notes.append(f"the folder has no {PER_QUESTION}: single questions are not shown; run it again with --fresh")
        histories = _read_histories(folder, run, notes)
    return RunData(path, run, questions, scores, predictions, histories, tuple(notes))


def _read_predictions(folder: Path, run: Run, scores: Scores, notes: list[str]) -> Predictions | None:
    """Answers, whose checksum `read_scores` held against the record, with null odds that give the record's best."""
    if not (folder / _ANSWERS).exists():
        notes.append(f"the folder has no {_ANSWERS}: answers are not shown; run it again with --fresh")
        return None
    answers = read_predictions(folder / _ANSWERS)
    if not run.best:
        return Predictions(answers, {})
    try:
        odds = read_null_odds(folder / _ODDS)
        found = curves.best_thresholds(scores, answers, odds)
    except PredictionsError as error:
        notes.append(f"curves over the null odds are left out: {error}")
        return Predictions(answers, {})
    if found.keys() == run.best.keys() and all(math.isclose(found[k], run.best[k], abs_tol=1e-9) for k in found):
        return Predictions(answers, odds)
    notes.append(f"curves over the null odds are left out: {_ODDS} does not give the best figures of the record")
    return Predictions(answers, {})


def _read_histories(folder: Path, run: Run, notes: list[str]) -> dict[str, History]:
    """The training of every finished stage, where its last step is the record's."""
    histories = {}
    for number, stage in enumerate(run.stages, 1):
        found = [place for place in folder.glob(f"stages/{number}-*/training.jsonl") if ".partial" not in str(place)]
        if len(found) != 1:
            notes.append(f"stage {stage.name}: its training is not in the folder, so that no loss is drawn")
            continue
        try:
            rows = tuple(_history_rows(read_regular(found[0], LARGEST_PREDICTIONS).decode("utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            notes.append(f"stage {stage.name}: {found[0].name} cannot be read ({error}), so that no loss is drawn")
            continue
        if rows and rows[-1]["step"] > stage.steps:
            notes.append(f"stage {stage.name}: {found[0].name} has more steps than the record; no loss is drawn")
            continue
        histories[stage.name] = rows
    return histories


def _history_rows(text: str) -> Iterator[Mapping[str, float]]:
    """The lines of a training's history; raises `ValueError` where one is not made of numbers, with step and loss."""
    last = -math.inf
    for number, line in enumerate(text.splitlines(), 1):
        row = json.loads(line)
        numbers = isinstance(row, dict) and all(
            isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300
            for value in row.values()
        )
        if not numbers or not {"step", "loss"} <= row.keys() or not row["step"] > last:
            raise ValueError(f"line {number}: found {line:.60}, expected numbers with a rising step and a loss")
        last = row["step"]
        yield {name: float(value) for name, value in row.items()}


@dataclass(frozen=True, slots=True)
class _Data:
    """The questions that runs evaluated, each data set read once."""

    uses: Mapping[str, Path]
    found: dict[str, tuple[Question, ...] | str] = field(default_factory=dict)

    def find(self, run: Run, notes: list[str]) -> tuple[Question, ...] | None:
        used = run.evaluated
        if used is None:
            return None
        key = f"{used.ref} {used.sha256}"
        if key not in self.found:
            self.found[key] = self._read(used)
        questions = self.found[key]
        if isinstance(questions, str):
            notes.append(questions)
            return None
        return questions

    def _read(self, used: DataUsed) -> tuple[Question, ...] | str:
        """The questions, or why they are not at hand."""
        key = given_key(used.ref, self.uses)
        if key is not None and not used.ref.split:  # a file without a name that is known, evaluated as a whole
            path = {canonical_name(name): path for name, path in self.uses.items()}[key]
            questions = read_squad_file(path)
            found = describe(used.ref, questions, path.resolve().name)
        elif key is not None or (used.source == "embedded" and used.ref.name == EMBEDDED):
            try:
                questions, found = load_data(used.ref, self.uses if key is not None else {})
            except DataError as error:
                if key is not None:
                    raise
                return f"the questions of {used.ref} are not at hand: {error}"
        else:
            return f"the questions of {used.ref} are not at hand: give them with --use {used.ref.name}=PATH"
        if found.sha256 == used.sha256:
            return questions
        return (
            f"the questions are left out: {used.ref} in {found.source} ({found.n} questions, SHA-256 "
            f"{found.sha256[:12]}) is not what the run evaluated ({used.n} questions, SHA-256 {used.sha256[:12]})"
        )


def _compare(first: RunData, other: RunData) -> Paired | str:
    """The two, question by question, or why they cannot be."""
    from harness.paired import compare_runs

    for one in (first, other):
        if one.scores is None:
            return f"{one.run.id} has no scores of single questions"
    paths = [one.path if one.path.is_dir() else one.path.parent for one in (first, other)]
    try:
        return compare_runs(paths[0], paths[1], first.questions or other.questions)
    except HarnessError as error:
        return str(error)
