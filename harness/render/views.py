"""What the templates show of a run and its recipe, arranged as rows."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, fields

from harness.recipes.fields import without_effect
from harness.records import Comparison, DataRef, DataUsed, Decoding, Origin, Recipe, Run, Stage, Verdict
from harness.render.escape import as_number, one_line
from harness.signature import parse_signature

_STATES = (*(verdict.value for verdict in Verdict), "unchecked")


@dataclass(frozen=True, slots=True)
class Row:
    """One field of a recipe: its value, and where that comes from."""

    name: str
    value: str | None
    """None: not stated."""
    origin: str


@dataclass(frozen=True, slots=True)
class RecipeTable:
    """The fields of one stage, or of the evaluation."""

    title: str
    rows: tuple[Row, ...]


UNKNOWN_DECODING = "predictions of another program; how they were decoded is not known"


def recipe_tables(run: Run) -> tuple[RecipeTable, ...]:
    """One table per stage in order, then one for the evaluation.

    Fields of a stage that mean nothing in it are left out where nobody stated, assumed or gave them.
    """
    tables = [RecipeTable(f"Stage {stage.name}", _used_rows(stage)) for stage in run.recipe.stages]
    rows = _evaluation_rows(run.recipe)
    if run.kind == "replay":  # the record holds the defaults of a decoding, which nobody used
        rows = (*(row for row in rows if row.name == "evaluation"), Row("decoding", None, UNKNOWN_DECODING))
    return (*tables, RecipeTable("Evaluation", rows))


def assumed_rows(recipe: Recipe) -> tuple[Row, ...]:
    """The values that the card does not state and an assumption fills, named ``stage.field`` or ``field``."""
    rows = []
    for stage in recipe.stages:
        values = {row.name: row.value for row in _stage_rows(stage)}
        rows += [
            Row(f"{stage.name}.{name}", values.get(name), origin.note)
            for name, origin in stage.origins.items()
            if origin.how == "assumed"
        ]
    values = {row.name: row.value for row in _evaluation_rows(recipe)}
    rows += [Row(name, values.get(name), o.note) for name, o in recipe.origins.items() if o.how == "assumed"]
    return tuple(rows)


def count_states(comparisons: tuple[Comparison, ...]) -> tuple[tuple[int, str], ...]:
    """How many claims are in which state; states that do not occur are left out."""
    counts = Counter(comparison.state for comparison in comparisons)
    return tuple((counts[state], state) for state in _STATES if counts[state])


def used_data(run: Run) -> tuple[tuple[str, DataUsed], ...]:
    """What each data set was used for, and the data set as found."""
    rows = [(f"training, stage {stage.name}", used) for stage in run.stages for used in stage.data]
    return (*rows, ("evaluation", run.evaluated)) if run.evaluated is not None else tuple(rows)


_UNKNOWN = Origin("default")
DECODED = ("n_best", "max_answer_length", "null_threshold", "forced_answer")
"""Fields of a decoding that do not say how windows are cut."""


def repeat_command(run: Run) -> str:
    """The command line that repeats a run, quoted for a POSIX shell."""
    if run.kind == "replay":
        file = run.predictions_file or "predictions.json"
        parts = ["harness", "compare", "CARD", file, "--data", str(run.recipe.evaluation)]
        if run.best:
            parts += ["--na-prob-file", "NULL_ODDS"]
        if run.signature is not None and "missing" in parse_signature(run.signature):
            parts += ["--missing", "zero"]
    elif run.rescored_from is not None:
        parts = ["harness", "rescore", run.rescored_from, _data_argument(run), *_decoding_options(run.recipe, DECODED)]
    elif run.model is not None:
        name = f"{run.model.name}@{run.model.revision}" if run.model.revision else run.model.name
        parts = ["harness", "evaluate", name, _data_argument(run), *_decoding_options(run.recipe)]
        if run.computed is not None:
            parts += ["--dtype", run.computed.dtype, "--device", run.computed.device]
    else:
        parts = ["harness", "reproduce", run.card_path or run.card_name]
        parts += _seed_options(run.recipe)
        if run.recipe.reading is not None:
            parts += ["--reading", run.recipe.reading]
        chosen = {stage.profile for stage in run.recipe.stages if stage.origins.get("profile", _UNKNOWN).how == "given"}
        for profile in chosen:  # one at most, as with seeds
            parts += ["--profile", profile]
    for name, path in run.used.items():
        parts += ["--use", f"{name}={path}"]
    return " ".join(shlex.quote(one_line(part)) for part in parts)


def _seed_options(recipe: Recipe) -> list[str]:
    """``--seed`` as the command line gave it: one for all stages, else one for each stage that it named."""
    given = [stage for stage in recipe.stages if stage.origins.get("seed", _UNKNOWN).how == "given"]
    if given and len(given) == len(recipe.stages) and len({stage.seed for stage in given}) == 1:
        return ["--seed", str(given[0].seed)]
    return [word for stage in given for word in ("--seed", f"{stage.name}={stage.seed}")]


def _data_argument(run: Run) -> str:
    """The reference, or the name of the file that was named in its place."""
    data = run.evaluated
    names = {name.partition(":")[0] for name in run.used} - {"" if run.model is None else run.model.name}
    local = data is not None and not names and "/" not in data.source and data.source != "embedded"
    return data.source if data is not None and local else str(run.recipe.evaluation)


def _decoding_options(recipe: Recipe, names: Collection[str] | None = None) -> list[str]:
    """Options for the values that the command line gave, those of an earlier command included."""
    options: list[str] = []
    for field in fields(Decoding):
        if recipe.origins.get(field.name, _UNKNOWN).how != "given" or field.name not in (names or (field.name,)):
            continue
        value, name = getattr(recipe.decoding, field.name), field.name.replace("_", "-")
        if isinstance(value, bool):
            options.append(f"--{name}" if value else f"--no-{name}")
        else:
            options += [f"--{name}", str(value)]
    return options


def _stage_rows(stage: Stage) -> tuple[Row, ...]:
    names = [field.name for field in fields(Stage) if field.name not in ("name", "origins")]
    return tuple(Row(name, _shown(getattr(stage, name)), _origin(stage.origins.get(name))) for name in names)


def _used_rows(stage: Stage) -> tuple[Row, ...]:
    idle = set(without_effect(stage))
    if stage.kind == "finetune" and stage.teacher is None:
        idle.add("teacher")
    told = {name for name, origin in stage.origins.items() if origin.how != "default"}
    return tuple(row for row in _stage_rows(stage) if row.name not in idle or row.name in told)


def _evaluation_rows(recipe: Recipe) -> tuple[Row, ...]:
    values: dict[str, object] = {"evaluation": recipe.evaluation}
    values |= {field.name: getattr(recipe.decoding, field.name) for field in fields(Decoding)}
    return tuple(Row(name, _shown(value), _origin(recipe.origins.get(name))) for name, value in values.items())


def _origin(origin: Origin | None) -> str:
    if origin is None:
        return ""
    if origin.how == "stated":
        return "stated" if origin.line is None else f"stated, line {origin.line}"
    return f"{origin.how}: {origin.note}" if origin.note else origin.how


def _shown(value: object) -> str | None:
    if value is None or value == ():
        return None
    if isinstance(value, tuple):
        return " + ".join(str(item) for item in value if isinstance(item, DataRef))
    if isinstance(value, (int, float)):
        return as_number(value)
    return str(value)
