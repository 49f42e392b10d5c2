"""Combinations of values that make no stage, each refused before anything is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.errors import RecipeError
from harness.recipes.sheets import Given
from harness.records import ModelRef, Stage

_POCKET = re.compile(r"pocket/roberta-(\d+)x\d+")


def check_stage(stage: Stage, sheet: Mapping[str, Given]) -> None:
    """Raise `RecipeError`, at the place of a value that somebody gave, unless the values go together."""
    _check_windows(stage, sheet)
    _check_labels(stage, sheet)
    _check_layers(stage, sheet)


def _refuse(stage: Stage, sheet: Mapping[str, Given], fields: tuple[str, ...], message: str) -> RecipeError:
    """The error, at the first of the fields that somebody gave."""
    given = next((sheet[name] for name in fields if name in sheet), None)
    where = given.where if given else stage.name
    return RecipeError(f"{where}: {fields[0]}: {message}", stage=stage.name, field=fields[0])


def _check_windows(stage: Stage, sheet: Mapping[str, Given]) -> None:
    """Windows must move on, and leave no gap, beside the longest question."""
    room = stage.max_seq_len - (stage.max_query_length or 0)
    fields = ("doc_stride", "max_seq_len", "max_query_length")
    if stage.doc_stride >= room:
        asked = f" minus max_query_length {stage.max_query_length}" if stage.max_query_length else ""
        message = (
            f"found {stage.doc_stride}, expected less than {room} (max_seq_len {stage.max_seq_len}{asked}); "
            "state a smaller doc_stride or a larger max_seq_len"
        )
        raise _refuse(stage, sheet, fields, message)
    if stage.doc_stride_is == "step" and not stage.doc_stride:
        message = "found 0, expected a step of at least 1 from one window to the next; state a larger doc_stride"
        raise _refuse(stage, sheet, fields, message)


def _check_labels(stage: Stage, sheet: Mapping[str, Given]) -> None:
    if stage.augment != "farm":
        return
    if stage.kind == "finetune" or (stage.kind == "distil_logits" and stage.distillation_loss_weight < 1):
        learner: str = stage.kind
        if stage.kind == "distil_logits":
            learner += f" with distillation_loss_weight {stage.distillation_loss_weight:g}"
        message = (
            f"found farm in a stage that learns from labels ({learner}), expected kind distil_hidden or a "
            "distillation_loss_weight of 1, as that variant makes data without answers; choose one of these"
        )
        raise _refuse(stage, sheet, ("augment", "kind", "distillation_loss_weight"), message)


def _check_layers(stage: Stage, sheet: Mapping[str, Given]) -> None:
    taken = stage.student_layers
    if list(taken) != sorted(set(taken)):
        message = f"found {list(taken)}, expected rising numbers, each once; put them in order"
        raise _refuse(stage, sheet, ("student_layers",), message)
    if taken and stage.layer_map and len(stage.layer_map) != len(taken):
        message = (
            f"found {len(stage.layer_map)} layers of the teacher for a student of {len(taken)} layers "
            f"(student_layers), expected one for each; correct one of them"
        )
        raise _refuse(stage, sheet, ("layer_map", "student_layers"), message)
    check_layer_counts(stage, _pocket_layers(stage.student), _pocket_layers(stage.teacher), sheet)


def check_layer_counts(
    stage: Stage, student: int | None, teacher: int | None, sheet: Mapping[str, Given] | None = None
) -> None:
    """Raise `RecipeError` where the stage names layers that the student's checkpoint or the teacher does not have.

    Args:
        stage: The stage.
        student: Layers of the student's checkpoint; None where that is not known.
        teacher: Layers of the teacher; None where that is not known.
        sheet: What was given for the stage, to say where.
    """
    for field, layers, count, whose in (
        ("student_layers", stage.student_layers, student, "the student's checkpoint"),
        ("layer_map", stage.layer_map, teacher, "the teacher"),
    ):
        if layers and count is not None and max(layers) > count:
            message = f"found layer {max(layers)}, expected at most {count}, the layers of {whose}; correct it"
            raise _refuse(stage, sheet or {}, (field,), message)


def _pocket_layers(model: ModelRef | None) -> int | None:
    match = _POCKET.fullmatch(model.name) if model else None
    return int(match[1]) if match else None
