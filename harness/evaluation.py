"""A model as it was given, evaluated; and other decodings of what it computed."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from harness.engine_api import Engine
from harness.environment import capture_environment
from harness.errors import RecipeError, RecordError
from harness.examples import answer_examples, retake_examples
from harness.models import folder_sha256, weights_sha256
from harness.opened_data import OpenedData
from harness.progress import Progress, silent
from harness.records import (
    SCHEMA,
    Decoding,
    ModelRef,
    ModelUsed,
    Origin,
    Protocol,
    Question,
    Recipe,
    Run,
    to_json,
)
from harness.released import Explaining
from harness.run_folder import LOGITS, carry_out, name_run, now
from harness.scoring import record_predictions
from harness.squad import choose_rules
from harness.store import load_run, remove_folder
from harness.until_certain import EarlyStop, predict_until_certain

_FORCED = "forced_answer"
_DEFAULTS: Mapping[Protocol, Decoding] = {
    "run_qa": Decoding(),
    # the reader of haystack 1.x: no limit on the length of an answer within its window
    "farm": Decoding(protocol="farm", max_answer_length=1000, doc_stride_is="step"),
    "run_squad": Decoding(protocol="run_squad", doc_stride_is="step"),
}


def plan_decoding(given: Mapping[str, Any], questions: Sequence[Question]) -> tuple[Decoding, dict[str, Origin]]:
    """The decoding with the fields that were given, the others as its protocol has them, and the origin of each.

    Unless given, `Decoding.forced_answer` holds where no question is unanswerable: by the rules of SQuAD 1.1 an empty
    answer is never right.

    Raises:
        RecipeError: a value is impossible.
    """
    protocol: Protocol = given.get("protocol", "run_qa")
    origins = {field.name: Origin("default", f"protocol {protocol}") for field in fields(Decoding)}
    origins |= {name: Origin("given", "on the command line") for name in given}
    decoding = replace(_DEFAULTS[protocol], **given)
    _check(decoding)
    if "forced_answer" not in given and choose_rules(questions) == "1.1":
        decoding = replace(decoding, forced_answer=True)
        origins["forced_answer"] = Origin("default", "every question of the data has an answer")
    return decoding, origins


def decode_as_card(
    recipe: Recipe, given: Mapping[str, Any], questions: Sequence[Question]
) -> tuple[Decoding, dict[str, Origin]]:
    """`plan_decoding`, with the decoding of a card's recipe in place of the defaults of a protocol.

    Raises:
        RecipeError: a value is impossible.
    """
    protocol = given.get("protocol", recipe.decoding.protocol)
    if protocol != recipe.decoding.protocol:  # the card's numbers are not meant for another one
        return plan_decoding(given, questions)
    decoding, origins = plan_decoding(
        {field.name: getattr(recipe.decoding, field.name) for field in fields(Decoding) if field.name != _FORCED}
        | dict(given),
        questions,
    )
    told = {name: recipe.origins.get(name, Origin("default", "as the card's recipe")) for name in origins}
    return decoding, told | {name: origins[name] for name in (*given, _FORCED)}


def evaluate_model(
    ref: ModelRef,
    model: Path,
    data: OpenedData,
    decoding: Decoding,
    engine: Engine,
    runs: Path,
    *,
    computing: Mapping[str, Any],
    origins: Mapping[str, Origin] | None = None,
    uses: Mapping[str, Path] | None = None,
    keep_logits: bool = False,
    fresh: bool = False,
    until_certain: EarlyStop | None = None,
    explaining: Explaining | None = None,
    progress: Progress = silent,
) -> tuple[Path, Run]:
    """Predict, score by the official rules, and leave a record of kind ``released``.

    The run's folder is named after a hash of the model, the data, the decoding and the software: the same call finds
    it again, goes on where an interrupted one stopped, and returns a finished record as it is.

    Args:
        ref: The model's name.
        model: Its folder.
        data: The questions.
        decoding: How contexts are cut into windows and logits become answers.
        engine: What predicts.
        runs: Folder that holds run folders.
        computing: What `engine` computes with, as far as it can change a result; part of the run's id.
        origins: Of the fields of `decoding`.
        uses: ``--use``: local files and folders in place of data sets and models.
        keep_logits: Leave the logits in the run's folder, for `rescore_run`.
        fresh: Discard what an earlier call left and start anew.
        until_certain: Ask questions in random order and stop when this is certain; the record then has `Run.bounds`,
            and all else in it is of the questions that were asked.
        explaining: A card to judge by the run: its examples are answered, and where a claim does not agree other
            protocols are tried, while the logits are there.
        progress: Told what is being done.

    Returns:
        The run's folder and its record.

    Raises:
        RecipeError: logits are to be kept of a run that may stop early.
        HarnessError: bad input, an unwritable folder, or a failed prediction.
    """
    if until_certain is not None and keep_logits:
        raise RecipeError(
            "keep_logits: found it with an early stop, expected one of the two: logits of some of the questions cannot "
            "be decoded otherwise into figures of all",
            field="keep_logits",
        )
    evaluated = data.used
    environment = capture_environment(Path.cwd())
    used = ModelUsed(ref.name, folder_sha256(model), ref.revision, weights_sha256(model))
    content = {
        "model": used.sha256,
        "data": [str(evaluated.ref), evaluated.sha256],
        "decoding": to_json(decoding),
        "computing": dict(computing),
    }
    if until_certain is not None:
        content["until_certain"] = until_certain.content
    folder = runs / name_run(ref.name.rpartition("/")[2], content, environment.packages)
    begun = Run(
        schema=SCHEMA,
        id=folder.name,
        kind="released",
        status="running",
        card_name=ref.name,
        card_path=None,
        card_sha256=None,
        recipe=Recipe((), evaluated.ref, decoding, origins or {}),
        used={name: path.name for name, path in (uses or {}).items()},
        environment=environment,
        started=now(),
        model=used,
        warnings=data.warnings,
    )

    def work(run: Run) -> Run:
        since = time.monotonic()
        asked = data.questions
        if until_certain is None:
            predictions = engine.predict(model, asked, decoding, progress, folder / LOGITS)
        else:
            predictions, bounds = predict_until_certain(
                model, asked, decoding, engine, until_certain, progress, folder / LOGITS
            )
            asked = tuple(question for question in asked if question.id in predictions.answers)
            run = replace(run, bounds=bounds)
        seconds, rules = time.monotonic() - since, choose_rules(data.questions)
        run = record_predictions(folder, run, asked, evaluated, predictions, decoding, seconds, rules=rules)
        if explaining is not None:
            run = replace(run, examples=answer_examples(explaining.opened.card, model, engine))
            run = explaining.explain(folder, run, progress)
        if not keep_logits:
            remove_folder(folder / LOGITS)
        return run

    def take(done: Run) -> Run | None:
        kept = (folder / LOGITS).is_dir()
        if not kept and (keep_logits or (explaining is not None and explaining.lacks(done))):
            return None
        if explaining is None:
            return done
        done = replace(done, examples=retake_examples(explaining.opened.card, done, model, engine))
        return explaining.explain(folder, done, progress)

    run = carry_out(
        folder,
        begun,
        work,
        fresh=fresh,
        leftovers=(LOGITS,),
        take=take,
        advice="What was predicted is kept; the same command goes on from there",
        progress=progress,
    )
    return folder, run


def rescore_run(
    source: Path, data: OpenedData, changes: Mapping[str, Any], runs: Path, *, uses: Mapping[str, Path] | None = None
) -> tuple[Path, Run]:
    """The same logits under another decoding, without the model: a run of its own.

    Args:
        source: A run folder with its logits kept.
        data: The questions that the run evaluated.
        changes: Fields of `Decoding` and their new values; not those that windows were cut by.
        runs: Folder that holds run folders.
        uses: Local files in place of data sets, as the run had them.

    Returns:
        The new run's folder and its record.

    Raises:
        RecordError: the run is not finished, kept no logits, or evaluated other questions.
    """
    from harness.spans.kept import rescore_logits

    base = load_run(source)
    source = source.parent if source.is_file() else source
    if base.status != "finished" or base.evaluated is None:
        raise RecordError(f"{source}: is a run that has not finished, expected a finished one", path=str(source))
    if base.bounds is not None:
        raise RecordError(
            f"{source}: is a run that stopped when a verdict was certain, expected one of all questions; "
            "evaluate without the early stop",
            path=str(source),
        )
    if not (source / LOGITS).is_dir():
        raise RecordError(
            f"{source}: found no kept logits, expected the folder {LOGITS}; harness evaluate --keep-logits leaves it",
            path=str(source),
        )
    decoding = replace(base.recipe.decoding, **changes)
    _check(decoding)
    used = data.used
    if used.sha256 != base.evaluated.sha256:
        raise RecordError(
            f"{source}: the run evaluated {base.evaluated.n} questions with checksum {base.evaluated.sha256[:12]}, "
            f"found {used.n} with {used.sha256[:12]}; give the data of the run",
            path=str(source),
        )
    predictions = rescore_logits(source / LOGITS, data.questions, decoding)
    content = {"run": base.id, "decoding": to_json(decoding)}
    folder = runs / name_run(base.card_name.rpartition("/")[2], content, base.environment.packages)
    origins = {**base.recipe.origins} | {name: Origin("given", f"rescored from {base.id}") for name in changes}
    run = replace(
        base,
        id=folder.name,
        recipe=replace(base.recipe, evaluation=used.ref, decoding=decoding, origins=origins),
        used={name: path.name for name, path in (uses or {}).items()},
        rescored_from=base.id,
        warnings=data.warnings,
        comparisons=(),
    )
    run = carry_out(
        folder,
        replace(run, status="running"),
        lambda run: record_predictions(folder, run, data.questions, used, predictions, decoding, None),
        fresh=True,
        leftovers=(),
        take=lambda done: done,
        advice="Nothing of the first run was changed",
        progress=silent,
    )
    return folder, run


def _check(decoding: Decoding) -> None:
    threshold = decoding.null_threshold
    if not math.isfinite(threshold):
        raise RecipeError(f"null_threshold: found {threshold}, expected a finite number", field="null_threshold")
    if decoding.doc_stride_is == "step" and decoding.doc_stride < 1:
        raise RecipeError(
            f"doc_stride: found {decoding.doc_stride}, expected 1 or more, as it is the step from window to window",
            field="doc_stride",
        )
