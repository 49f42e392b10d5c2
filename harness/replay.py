"""Predictions that another program made, scored and left in a run's folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Literal

from harness import squad
from harness.environment import capture_environment
from harness.errors import PredictionsError
from harness.opened_data import OpenedData
from harness.prediction_files import read_null_odds, read_predictions
from harness.progress import silent
from harness.records import SCHEMA, Decoding, Origin, Predictions, Recipe, Run
from harness.run_folder import carry_out, name_run, now
from harness.scoring import record_predictions

_UNKNOWN = Origin("default", "not known: the predictions were given")


def replay_predictions(
    name: str,
    file: Path,
    data: OpenedData,
    runs: Path,
    *,
    null_odds: Path | None = None,
    uses: Mapping[str, Path] | None = None,
    missing: Literal["error", "zero"] = "error",
) -> tuple[Path, Run]:
    """Score a prediction file by the official rules, and leave a record of kind ``replay``.

    Args:
        name: Of the model that made them.
        file: JSON object: question id to answer.
        data: The questions.
        runs: Folder that holds run folders.
        null_odds: JSON object: question id to null odds, for the best figures over all thresholds.
        uses: ``--use``: local files in place of data sets.
        missing: What a question without a prediction is.

    The id of the run rests on the name, the files, the data and the version of this program: scoring uses no other
    package, so that none is in the record.

    Returns:
        The run's folder and its record.

    Raises:
        PredictionsError: the files are no predictions of these questions, or lack some; no folder is made then.
        DataError: the data cannot be scored; no folder is made then.
        RecordError: the folder cannot be written.
    """
    answers = read_predictions(file)
    odds = {} if null_odds is None else read_null_odds(null_odds)
    if odds and odds.keys() != answers.keys():
        raise PredictionsError(f"{null_odds}: the null odds are not of the questions of {file}; give those that are")
    _check(file, answers, null_odds, odds, data, missing)
    digest = hashlib.sha256(file.read_bytes() + (null_odds.read_bytes() if null_odds else b"")).hexdigest()
    environment = replace(capture_environment(Path.cwd()), packages={})
    content = {"predictions": digest, "data": [str(data.used.ref), data.used.sha256], "missing": missing}
    folder = runs / name_run(name.rpartition("/")[2], content, environment.packages)
    origins = {field.name: _UNKNOWN for field in fields(Decoding)}
    begun = Run(
        schema=SCHEMA,
        id=folder.name,
        kind="replay",
        status="running",
        card_name=name,
        card_path=None,
        card_sha256=None,
        recipe=Recipe((), data.used.ref, Decoding(), origins),
        used={used: path.name for used, path in (uses or {}).items()},
        environment=environment,
        started=now(),
        warnings=data.warnings,
    )

    def work(run: Run) -> Run:
        predictions = Predictions(answers, odds)
        return record_predictions(folder, run, data.questions, data.used, predictions, None, None, missing=missing)

    run = carry_out(
        folder,
        begun,
        work,
        fresh=True,  # scoring takes no time, and what stands there may have been changed
        leftovers=(),
        take=lambda done: done,
        advice="Nothing of the predictions was changed",
        progress=silent,
    )
    return folder, run


def _check(
    file: Path,
    answers: Mapping[str, str],
    null_odds: Path | None,
    odds: Mapping[str, float],
    data: OpenedData,
    missing: Literal["error", "zero"],
) -> None:
    """Raise what scoring would, before there is a folder that a failed run would stay in."""
    try:
        scores = squad.score_predictions(data.questions, answers, missing=missing)
    except PredictionsError as error:
        raise PredictionsError(f"{file}: {error}", ids=error.ids) from error
    if odds and scores.rules == "2.0":
        try:
            squad.check_null_odds(scores, answers, odds)
        except PredictionsError as error:
            raise PredictionsError(f"{null_odds}: {error}", ids=error.ids) from error
