"""A recipe carried out: stages, predictions, scores, record. The engine that computes is handed in."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.augment import vectors_sha256
from harness.data import load_data
from harness.engine_api import Engine
from harness.environment import capture_environment
from harness.errors import RecipeError
from harness.examples import answer_examples, retake_examples
from harness.inputs import Inputs, gather_inputs
from harness.joined import join
from harness.model_checks import check_models
from harness.models import folder_sha256, weights_sha256
from harness.progress import Progress, silent
from harness.records import (
    SCHEMA,
    Card,
    DataRef,
    Environment,
    ModelRef,
    Origin,
    Question,
    Recipe,
    Run,
    Stage,
    StageResult,
    to_json,
)
from harness.run_folder import LOGITS, carry_out, name_run, now, stage_place
from harness.scoring import record_predictions
from harness.squad import choose_rules
from harness.stage_folders import (
    MadeFrom,
    begin_stage,
    finish_stage,
    finished_stage,
    same_bytes,
    stage_values,
    take_stage,
)
from harness.store import make_folder, remove_folder, replace_folder, write_text

_EMBEDDED = DataRef("pocket", "train")
TEACHERS = ".teachers"
"""Folder beside the runs' that holds teachers' logits, each under a hash of teacher, data and windows."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What every stage of a run is made with."""

    inputs: Inputs
    engine: Engine
    folder: Path
    environment: Environment
    taking: bool
    """Stages that another run has finished are taken from it."""
    progress: Progress
    made: dict[str, Path] = field(default_factory=dict)
    """Models of finished stages, by the stage's name."""


def run_recipe(
    card: Card,
    recipe: Recipe,
    engine: Engine,
    runs: Path,
    *,
    uses: Mapping[str, Path] | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> tuple[Path, Run]:
    """Train every stage, predict, score, and leave a record.

    The run's folder is named after a hash of the recipe, its inputs and the software: the same call finds it again,
    goes on with the first unfinished stage, and returns a finished record as it is. A stage that another run in `runs`
    has trained to the very same bytes is taken from it.

    Args:
        card: The card that the recipe was read from.
        recipe: The completed recipe.
        engine: What trains and predicts.
        runs: Folder that holds run folders.
        uses: ``--use``: local files and folders in place of data sets and models.
        fresh: Discard what an earlier call left, and train every stage anew.
        progress: Told what is being done.

    Returns:
        The run's folder and its record.

    Raises:
        HarnessError: bad input (before anything is trained), an unwritable folder, or a failed stage.
    """
    uses = uses or {}
    inputs = gather_inputs(recipe, uses)
    check_models(recipe, inputs.models)
    recipe = _decoded_by_data(recipe, inputs)
    environment = capture_environment(Path.cwd())
    folder = runs / run_id(card, recipe, inputs, environment.packages)
    begun = Run(
        schema=SCHEMA,
        id=folder.name,
        kind="distilled" if any(s.teacher for s in recipe.stages) else "retrained",
        status="running",
        card_name=card.name,
        card_path=card.path,
        card_sha256=card.sha256,
        recipe=recipe,
        used={name: path.name for name, path in uses.items()},
        environment=environment,
        started=now(),
        warnings=inputs.warnings,
    )

    def take(done: Run) -> Run:
        # the values are the same, where they come from may not be: the record is of the card as it is now
        judged = done.comparisons if card.sha256 == done.card_sha256 else ()
        examples = retake_examples(card, done, _place(folder, len(recipe.stages), recipe.stages[-1]) / "model", engine)
        return replace(
            done, card_path=card.path, card_sha256=card.sha256, recipe=recipe, comparisons=judged, examples=examples
        )

    run = carry_out(
        folder,
        begun,
        lambda run: _train_and_predict(
            run, card, recipe, _Work(inputs, engine, folder, environment, not fresh, progress)
        ),
        fresh=fresh,
        leftovers=("stages", "base", LOGITS),
        take=take,
        advice="Finished stages are kept; the same command goes on with the first unfinished one",
        progress=progress,
    )
    return folder, run


def run_id(card: Card, recipe: Recipe, inputs: Inputs, packages: Mapping[str, str]) -> str:
    """The card's name and a hash over recipe values, data, models and software."""
    content: dict[str, object] = {
        "card": card.name,
        "recipe": {"stages": [stage_values(s) for s in recipe.stages], "decoding": to_json(recipe.decoding)},
        "evaluation": str(recipe.evaluation),
        "data": [[str(ref), used.sha256] for ref, (_, used) in inputs.data.items()],
        "models": [[str(ref), folder_sha256(path)] for ref, path in inputs.models.items()],
    }
    if inputs.vectors:
        content["vectors"] = [[str(ref), vectors_sha256(path)] for ref, path in inputs.vectors.items()]
    return name_run(card.name, content, packages)


def _decoded_by_data(recipe: Recipe, inputs: Inputs) -> Recipe:
    """The recipe with forced answers where no question is unanswerable: an empty answer is never right there.

    Of that no card speaks: the programs of the time were told it by ``--version_2_with_negative``, or left it out.
    """
    if recipe.evaluation is None or choose_rules(inputs.data[recipe.evaluation][0]) != "1.1":
        return recipe
    origin = Origin("default", "every question of the data has an answer")
    decoding = replace(recipe.decoding, forced_answer=True)
    return replace(recipe, decoding=decoding, origins={**recipe.origins, "forced_answer": origin})


def _train_and_predict(run: Run, card: Card, recipe: Recipe, work: _Work) -> Run:
    folder, engine = work.folder, work.engine
    results: list[StageResult] = []
    for number, stage in enumerate(recipe.stages, 1):
        place = _place(folder, number, stage)
        results.append(_stage(stage, place, work))
        work.made[stage.name] = place / "model"
    if recipe.evaluation is None:
        raise RecipeError("the recipe names no data to evaluate on")
    questions, evaluated = work.inputs.data[recipe.evaluation]
    begun = time.monotonic()
    model = work.made[recipe.stages[-1].name]
    predictions = engine.predict(model, questions, recipe.decoding, work.progress, folder / LOGITS)
    seconds = time.monotonic() - begun
    run = replace(run, stages=tuple(results))
    run = record_predictions(folder, run, questions, evaluated, predictions, recipe.decoding, seconds)
    run = replace(run, examples=answer_examples(card, model, engine))
    remove_folder(folder / LOGITS)
    return run


def _stage(stage: Stage, place: Path, work: _Work) -> StageResult:
    """Train one stage, or take what an earlier call finished, or another run."""
    student = _model(stage.student, stage, work)
    teacher = None if stage.teacher is None else _model(stage.teacher, stage, work)
    student_sha256 = weights_sha256(student)
    teacher_sha256 = None if teacher is None else weights_sha256(teacher)
    done = finished_stage(place, student_sha256, teacher_sha256)
    if done is not None:
        work.progress(stage.name, done.steps, done.steps, "already trained")
        return done
    partial = place.with_name(place.name + ".partial")
    conditions = _conditions(stage, student, teacher, work)
    made_from = MadeFrom(stage_values(stage), student_sha256, teacher_sha256, conditions)
    remove_folder(work.folder / LOGITS)  # of a model that this one takes the place of
    data = tuple(work.inputs.data[ref][1] for ref in stage.data)
    taken = take_stage(place, made_from, data) if work.taking else None
    if taken is not None:
        remove_folder(partial)
        work.progress(stage.name, taken.steps, taken.steps, f"taken from run {taken.taken_from}")
        return taken
    begin_stage(partial, made_from)
    begun = time.monotonic()
    given = join([work.inputs.data[ref][0] for ref in stage.data])
    questions = _augment(stage, given, partial, work)
    training = work.engine.train(
        stage,
        student,
        teacher,
        questions,
        partial / "model",
        work.progress,
        work=partial / "work",
        cache=work.folder.parent / TEACHERS,
    )
    lines = "".join(json.dumps(dict(row), allow_nan=False) + "\n" for row in training.history)
    write_text(partial / "training.jsonl", lines)
    result = StageResult(
        name=stage.name,
        weights_sha256=weights_sha256(partial / "model"),
        student_sha256=student_sha256,
        teacher_sha256=teacher_sha256,
        questions=len(given),
        windows=training.windows,
        steps=training.steps,
        loss=training.loss,
        seconds=round(time.monotonic() - begun, 3),
        data=data,
        micro_batch=training.micro_batch,
        accumulation=training.accumulation,
        devices=training.devices,
        augmented=None if stage.augment == "none" else len(questions),
    )
    for used in ("work", "augmented"):
        remove_folder(partial / used)
    finish_stage(partial, place, result)
    return result


def _conditions(stage: Stage, student: Path, teacher: Path | None, work: _Work) -> dict[str, object] | None:
    models = {"student": folder_sha256(student)}
    if teacher is not None:
        models["teacher"] = folder_sha256(teacher)
    if stage.augment != "none":
        models["masked_lm"] = _masked_lm_sha256(stage, work)
        if stage.word_vectors is not None:
            models["vectors"] = vectors_sha256(work.inputs.vectors[stage.word_vectors])
    data = tuple(work.inputs.data[ref][1] for ref in stage.data)
    return same_bytes(work.environment, models, data, work.engine.conditions(stage))


def _masked_lm_sha256(stage: Stage, work: _Work) -> str:
    """Of an embedded one, which is not built where the stage is taken, what it is built from."""
    ref = stage.masked_lm
    if ref is not None and ref.name not in work.made and ref not in work.inputs.models:
        return f"{ref.name}, seed {stage.seed}, {load_data(_EMBEDDED, {})[1].sha256}"
    return folder_sha256(_model(ref, stage, work))


def _augment(stage: Stage, questions: Sequence[Question], partial: Path, work: _Work) -> Sequence[Question]:
    """The questions, or variants of them where the stage asks for such."""
    if stage.augment == "none":
        return questions
    masked_lm = _model(stage.masked_lm, stage, work)
    vectors = None if stage.word_vectors is None else work.inputs.vectors[stage.word_vectors]
    return work.engine.augment(stage, questions, masked_lm, vectors, partial / "augmented", work.progress)


def _model(ref: ModelRef | None, stage: Stage, work: _Work) -> Path:
    if ref is None:
        raise RecipeError(f"stage {stage.name}: the model that training starts from is not stated", stage=stage.name)
    if ref.name in work.made:
        return work.made[ref.name]
    if ref in work.inputs.models:
        return work.inputs.models[ref]
    return _embedded(ref, stage, work)


def _embedded(ref: ModelRef, stage: Stage, work: _Work) -> Path:
    """An untrained embedded model; its vocabulary comes from the embedded training text alone."""
    place = work.folder / "base" / f"{_slug(ref.name)}-seed{stage.seed}"
    if not place.exists():
        questions, _ = load_data(_EMBEDDED, {})
        texts = [text for q in questions for text in (q.question, q.context)]
        partial = place.with_name(place.name + ".partial")
        remove_folder(partial)
        make_folder(partial.parent)
        work.progress(f"build {ref.name}", 0, 0, "")
        work.engine.build_base(ref.name, list(dict.fromkeys(texts)), stage.seed, partial)
        replace_folder(partial, place)
    return place


def _place(folder: Path, number: int, stage: Stage) -> Path:
    return folder / stage_place(number, stage.name)


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:40] or "stage"
