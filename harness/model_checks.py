"""What the files of given models say against a recipe, found before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import RecipeError
from harness.recipes.checks import check_layer_counts
from harness.records import ModelRef, Recipe, Stage
from harness.vocabularies import check_same_vocabulary


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a model before it is there."""

    folder: Path | None = None
    """The folder that it goes back to; its vocabulary is that of every model made from it."""
    layers: int | None = None
    heads: int | None = None


def check_models(recipe: Recipe, models: Mapping[ModelRef, Path]) -> None:
    """Hold every stage against the configurations and vocabularies of the models that it goes back to.

    Args:
        recipe: The recipe; models that its stages make are followed back to what they began as.
        models: Folders of the models that are neither embedded nor made by a stage.

    Raises:
        RecipeError: a teacher has another vocabulary than its student, or layers or heads do not fit.
        ModelError: a tokenizer file cannot be read.
    """
    made: dict[str, _Known] = {}

    def look(ref: ModelRef | None) -> _Known:
        if ref is None:
            return _Known()
        return made[ref.name] if ref.name in made else _read(models.get(ref))

    for stage in recipe.stages:
        student, teacher = look(stage.student), look(stage.teacher)
        if student.folder is not None and teacher.folder is not None and student.folder != teacher.folder:
            check_same_vocabulary(stage, teacher.folder, student.folder)
        check_layer_counts(stage, student.layers, teacher.layers)
        made[stage.name] = _Known(student.folder, len(stage.student_layers) or student.layers, student.heads)
        if stage.kind == "distil_hidden" or (stage.kind == "distil_logits" and stage.hidden_loss_weight > 0):
            _check_hidden(stage, made[stage.name], teacher)


def _check_hidden(stage: Stage, student: _Known, teacher: _Known) -> None:
    if student.heads and teacher.heads and student.heads != teacher.heads:
        raise RecipeError(
            f"stage {stage.name}: the student has {student.heads} attention heads, expected the {teacher.heads} of the "
            "teacher, as attentions are compared head by head; choose another student",
            stage=stage.name,
            field="student",
        )
    if student.layers and teacher.layers and not stage.layer_map and teacher.layers % student.layers:
        raise RecipeError(
            f"stage {stage.name}: layer_map is not stated, and the student's {student.layers} layers do not divide the "
            f"{teacher.layers} of the teacher; state the teacher's layer for each of the student's",
            stage=stage.name,
            field="layer_map",
        )


def _read(folder: Path | None) -> _Known:
    """What a folder's configuration says, as far as it does."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8")) if folder is not None else {}
    except (OSError, ValueError, RecursionError):
        config = {}
    values: Mapping[str, Any] = config if isinstance(config, dict) else {}
    layers, heads = (
        next((values[name] for name in names if type(values.get(name)) is int), None)
        for names in (("num_hidden_layers", "n_layers"), ("num_attention_heads", "n_heads"))
    )
    return _Known(folder, layers, heads)
