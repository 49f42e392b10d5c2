"""One stage of a recipe to a trained model folder."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainingArguments, set_seed

from harness.engine.batches import fit_segments
from harness.engine.features import Features, Windowing, make_features, make_labels
from harness.engine.loading import check_fit, load_model, load_tokenizer, quiet, save
from harness.engine.meter import Meter
from harness.engine.predict import window_logits
from harness.engine.reader import check_length
from harness.engine.trainer import Distillation, StageTrainer, TrainingSet
from harness.engine_api import Training
from harness.errors import DataError, HarnessError, ModelError, RecipeError, RunError
from harness.progress import Progress
from harness.records import Question, Stage

LOGS = 100
"""Entries in the history of one stage, about."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A stage ready to be trained."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    data: TrainingSet


def train_stage(
    stage: Stage,
    student: Path,
    teacher: Path | None,
    questions: Sequence[Question],
    out: Path,
    progress: Progress,
) -> Training:
    """Train `student` as `stage` says and write a plain model folder to `out`.

    The same arguments give the same weights, byte for byte, on one machine. A student without question-answering
    head gets one from the stage's seed.

    Raises:
        RecipeError: the stage asks for something impossible, or teacher and student do not go together.
        DataError: there is no question, or an answer is not where it should be.
        ModelError: a folder is no usable model.
        RunError: training failed or diverged.
    """
    return fit(stage, prepare(stage, student, teacher, questions, progress), out, progress)


def prepare(
    stage: Stage, student: Path, teacher: Path | None, questions: Sequence[Question], progress: Progress
) -> Prepared:
    """Load the student, cut the questions into labelled windows, and ask the teacher; sets the seed first."""
    _check_stage(stage, teacher)
    if not questions:
        raise DataError(f"stage {stage.name}: found no training question, expected some; name data with questions")
    set_seed(stage.seed)
    tokenizer = load_tokenizer(student)
    model = load_model(student, fresh_head=True)
    check_fit(student, model, tokenizer)
    tokenizing = Meter(progress, f"tokenize for {stage.name}", len(questions), "questions")
    windowing = Windowing(stage.max_seq_len, stage.doc_stride, stage.max_query_length)
    features = make_features(tokenizer, questions, windowing, tokenizing.advance)
    check_length(model, features)
    features = fit_segments(model, features)
    distillation = None if teacher is None else _ask_teacher(stage, teacher, tokenizer, features, progress)
    return Prepared(model, tokenizer, TrainingSet(features, make_labels(features, questions), distillation))


def fit(stage: Stage, prepared: Prepared, out: Path, progress: Progress) -> Training:
    """Train what was prepared and write the model to `out`."""
    try:
        with tempfile.TemporaryDirectory() as scratch, quiet(), _deterministic():
            arguments = _arguments(stage, len(prepared.data), scratch)
            trainer = StageTrainer(prepared.model, prepared.tokenizer, arguments, prepared.data)
            training = trainer.run(stage.name, progress)
    except HarnessError:
        raise
    except RuntimeError as error:  # torch's errors, memory among them
        detail = next(iter(str(error).splitlines()), "")[:200]
        raise RunError(
            f"stage {stage.name}: training stopped with {type(error).__name__}: {detail}; "
            "if memory ran out, lower batch_size or max_seq_len",
            stage=stage.name,
        ) from error
    save(prepared.model.cpu(), prepared.tokenizer, out)
    return training


def _check_stage(stage: Stage, teacher: Path | None) -> None:
    distils = stage.kind == "distil_logits"
    problems = {
        "teacher": (
            ("none", "a teacher for kind distil_logits")
            if distils and teacher is None
            else ("one", "none for kind finetune, which has no use for it")
            if not distils and teacher is not None
            else None
        ),
        "distillation_loss_weight": (
            (stage.distillation_loss_weight, "above 0 and at most 1; for 0 state kind finetune")
            if distils and not 0 < stage.distillation_loss_weight <= 1
            else None
        ),
        "temperature": (stage.temperature, "above 0") if distils and not stage.temperature > 0 else None,
        "epochs": (stage.epochs, "1 or more") if stage.epochs < 1 else None,
        "batch_size": (stage.batch_size, "1 or more") if stage.batch_size < 1 else None,
        "seed": (stage.seed, "0 to 4294967295") if not 0 <= stage.seed < 2**32 else None,
    }
    for field, problem in problems.items():
        if problem is not None:
            raise RecipeError(
                f"stage {stage.name}: {field} is {problem[0]}, expected {problem[1]}; state it in the card or, with a "
                "reason, in assumptions.yaml",
                stage=stage.name,
                field=field,
            )


def _ask_teacher(
    stage: Stage, folder: Path, tokenizer: PreTrainedTokenizerBase, features: Features, progress: Progress
) -> Distillation:
    """The teacher's logits on the student's windows, computed once."""
    check_same_vocabulary(stage, folder, load_tokenizer(folder), tokenizer)
    model = load_model(folder)
    check_fit(folder, model, tokenizer)
    check_length(model, features)
    meter = Meter(progress, f"teacher of {stage.name}", len(features), "windows")
    logits = window_logits(model, tokenizer, features, meter)
    if not bool((abs(logits) < float("inf")).all()):
        raise ModelError(
            f"{folder}: found teacher logits that are no finite numbers, expected finite ones; its weights are damaged",
            model=str(folder),
        )
    return Distillation(logits, stage.temperature, stage.distillation_loss_weight)


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


def _arguments(stage: Stage, windows: int, scratch: str) -> TrainingArguments:
    steps = stage.epochs * -(-windows // stage.batch_size)
    arguments = TrainingArguments(
        output_dir=scratch,
        per_device_train_batch_size=stage.batch_size,
        num_train_epochs=stage.epochs,
        learning_rate=stage.learning_rate,
        lr_scheduler_type="linear" if stage.lr_schedule == "linear" else "constant_with_warmup",
        warmup_steps=int(stage.warmup_proportion * steps),
        optim="adamw_torch_fused",
        weight_decay=stage.weight_decay,
        adam_beta2=stage.adam_beta2,
        max_grad_norm=stage.max_grad_norm,
        seed=stage.seed,
        logging_steps=max(1, steps // LOGS),
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        use_cpu=not torch.cuda.is_available(),
    )
    # With several devices the Trainer would give each a batch of this size; a recipe's batch is the global one.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


@contextlib.contextmanager
def _deterministic() -> Iterator[None]:
    """Ask torch for repeatable kernels while the context lasts; a CPU has no others."""
    if not torch.cuda.is_available():
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when the first kernel starts
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
