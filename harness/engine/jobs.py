"""A training that any process can take part in: everything it needs lies in folders."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, TrainingArguments, set_seed

from harness.engine import hidden
from harness.engine.batches import Padding, fit_segments
from harness.engine.computing import Fitting
from harness.engine.loading import load_model, load_tokenizer, quiet
from harness.engine.micro_batches import Split
from harness.engine.students import load_student
from harness.engine.teachers import open_logits
from harness.engine.trainer import Place, StageTrainer
from harness.engine.training_data import open_windows
from harness.engine.training_set import Distillation, HiddenTeacher, TrainingSet
from harness.engine_api import Training
from harness.progress import Progress
from harness.records import Stage, from_json, to_json


@dataclass(frozen=True, slots=True)
class Prepared:
    """A stage ready to be trained."""

    stage: Stage
    student: Path
    teacher: Path | None
    windows: Path
    """Folder of labelled windows."""
    logits: Path | None
    """Folder of the teacher's logits on them, where the stage learns from logits."""
    key: str
    """A hash over everything that the training is made from."""


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a training."""

    prepared: Prepared
    key: str
    """What its checkpoints belong to."""
    split: Split
    work: Path
    """Folder of checkpoints and metrics."""
    resume: Path | None
    """The checkpoint to go on from."""
    fitting: Fitting

    def to_json(self) -> dict[str, Any]:
        """Plain values, for `from_json`."""
        prepared = self.prepared
        paths = {name: getattr(prepared, name) for name in ("student", "teacher", "windows", "logits")}
        paths |= {"work": self.work, "resume": self.resume}
        return {
            "stage": to_json(prepared.stage),
            "keys": [prepared.key, self.key],
            "paths": {name: None if path is None else str(path.resolve()) for name, path in paths.items()},
            "split": asdict(self.split),
            "fitting": asdict(self.fitting),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Job:
        """The job that `to_json` wrote."""
        paths: dict[str, Any] = {name: path and Path(path) for name, path in data["paths"].items()}
        work, resume = paths.pop("work"), paths.pop("resume")
        made_from, key = data["keys"]
        prepared = Prepared(stage=from_json(Stage, data["stage"]), key=made_from, **paths)
        return cls(prepared, key, Split(**data["split"]), work, resume, Fitting(**data["fitting"]))


def open_data(prepared: Prepared) -> TrainingSet:
    """The windows, and what the teacher makes of them or the teacher itself."""
    stage, windows = prepared.stage, open_windows(prepared.windows)
    set_seed(stage.seed)
    student = load_student(prepared.student, stage)
    distillation = teacher = None
    if prepared.logits is not None:
        logits = open_logits(prepared.logits)
        distillation = Distillation(logits, stage.temperature, stage.distillation_loss_weight)
    if prepared.teacher is not None and (stage.kind == "distil_hidden" or stage.hidden_loss_weight > 0):
        model = load_model(prepared.teacher, fresh_head=stage.kind == "distil_hidden")
        layers = hidden.map_layers(hidden.count_layers(student), hidden.count_layers(model), stage.layer_map)
        hidden.expose_attention(model, stage.attention_target)
        teacher = HiddenTeacher(model, layers)
    labels = windows.labels
    if stage.padding == "longest":  # an era's faults may point into padding, which a batch may not have
        labels = np.minimum(labels, windows.features.lengths[:, None].astype(np.int32) - 1)
    return TrainingSet(fit_segments(student, windows.features), labels, distillation, teacher)


def run_job(job: Job, data: TrainingSet, progress: Progress) -> tuple[PreTrainedModel, Training]:
    """Train from the first step or the checkpoint to the last; every process that takes part calls this."""
    stage = job.prepared.stage
    place = Place(job.work, job.key, job.fitting.checkpoint_seconds)
    with quiet(), deterministic(stage):
        model = make_student(job.prepared, data)
        if job.fitting.gradient_checkpointing:
            # its newer name, and the one that it had before
            enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
            enable({"use_reentrant": False})
        arguments = make_arguments(stage, job.split, len(data), job.work / "checkpoints", job.fitting)
        padding = Padding.of(load_tokenizer(job.prepared.student))
        trainer = StageTrainer(model, padding, arguments, data, stage, job.split)
        return model, trainer.run(place, job.resume, progress)


def make_student(prepared: Prepared, data: TrainingSet) -> PreTrainedModel:
    """The student before its training, the same whenever it is made."""
    set_seed(prepared.stage.seed)
    model = load_student(prepared.student, prepared.stage)
    if data.hidden is not None:
        hidden.prepare_student(model, data.hidden.model, prepared.stage)
    return model


def make_arguments(stage: Stage, split: Split, windows: int, folder: Path, fitting: Fitting) -> TrainingArguments:
    """The Trainer's arguments for a stage; checkpoints go to `folder`."""
    steps = stage.epochs * -(-windows // stage.batch_size)
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=split.micro_batch,
        gradient_accumulation_steps=split.accumulation,
        num_train_epochs=stage.epochs,
        learning_rate=stage.learning_rate,
        lr_scheduler_type=stage.lr_schedule,
        warmup_steps=(math.ceil if stage.warmup_rounding == "up" else math.floor)(stage.warmup_proportion * steps),
        max_grad_norm=stage.max_grad_norm,
        seed=stage.seed,
        bf16=stage.precision == "bfloat16",
        fp16=stage.precision == "float16",
        torch_compile=fitting.compiled,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        use_cpu=not torch.cuda.is_available(),
        ddp_find_unused_parameters=False,
    )
    # The launcher's environment must not decide what the recipe does.
    arguments.mixed_precision = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}[stage.precision]
    # With several devices and one process the Trainer would give each a batch of this size; a recipe's is the global.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


@contextlib.contextmanager
def deterministic(stage: Stage) -> Iterator[None]:
    """Ask torch for repeatable kernels while the context lasts, and for whole factors; a CPU has no others."""
    if not torch.cuda.is_available():
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when the first kernel starts
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cuda.matmul.allow_tf32
    torch.use_deterministic_algorithms(True)
    torch.backends.cuda.matmul.allow_tf32 = stage.tf32
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cuda.matmul.allow_tf32 = before[1]
