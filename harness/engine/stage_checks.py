"""What a stage may not ask for, found before anything is computed."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from harness.errors import RecipeError
from harness.records import Stage


def check_stage(stage: Stage, teacher: Path | None) -> None:
    """Raise `RecipeError` where a field does not fit the kind, or is out of its range."""
    distils = stage.kind != "finetune"
    from_logits = stage.kind == "distil_logits"
    problems = {
        "teacher": (
            ("none", f"a teacher for kind {stage.kind}")
            if distils and teacher is None
            else ("one", "none for kind finetune, which has no use for it")
            if not distils and teacher is not None
            else None
        ),
        "distillation_loss_weight": (
            (stage.distillation_loss_weight, "above 0 and at most 1; for 0 state kind finetune")
            if from_logits and not 0 < stage.distillation_loss_weight <= 1
            else None
        ),
        "temperature": (stage.temperature, "above 0") if from_logits and not stage.temperature > 0 else None,
        "hidden_loss_weight": (
            (stage.hidden_loss_weight, "0 or more") if from_logits and not stage.hidden_loss_weight >= 0 else None
        ),
        "epochs": (stage.epochs, "1 or more") if stage.epochs < 1 else None,
        "batch_size": (stage.batch_size, "1 or more") if stage.batch_size < 1 else None,
        "seed": (stage.seed, "0 to 4294967295") if not 0 <= stage.seed < 2**32 else None,
        "dropout": (
            (stage.dropout, "from 0, below 1") if stage.dropout is not None and not 0 <= stage.dropout < 1 else None
        ),
        "head_dropout": (stage.head_dropout, "from 0, below 1") if not 0 <= stage.head_dropout < 1 else None,
        "precision": (
            ("float16", "float32 or bfloat16 on this machine, which has no CUDA device")
            if stage.precision == "float16" and not torch.cuda.is_available()
            else None
        ),
    }
    for field, problem in problems.items():
        if problem is not None:
            raise RecipeError(
                f"stage {stage.name}: {field} is {problem[0]}, expected {problem[1]}; state it in the card or, with a "
                "reason, in assumptions.yaml",
                stage=stage.name,
                field=field,
            )


def check_same_vocabulary(
    stage: Stage, folder: Path, teacher: PreTrainedTokenizerBase, student: PreTrainedTokenizerBase
) -> None:
    """Raise `RecipeError` unless teacher and student give every token the same id.

    The teacher is given the student's ids, so that with another vocabulary it would read another text.
    """
    ours, theirs = student.get_vocab(), teacher.get_vocab()
    differing = sum(1 for token in ours.keys() | theirs.keys() if ours.get(token) != theirs.get(token))
    problem = f"{differing} tokens with other ids" if differing else ""
    if not problem and student.special_tokens_map != teacher.special_tokens_map:
        problem = "other special tokens"
    if problem:
        raise RecipeError(
            f"stage {stage.name}: teacher {folder} has {problem} than the student, expected the same vocabulary; "
            "choose a teacher and a student with one tokenizer",
            stage=stage.name,
            field="teacher",
        )
