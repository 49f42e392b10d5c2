"""The transformers Trainer with this project's batches and losses; the training loop is its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import PrinterCallback

from harness.engine.batches import Padding, lay_out, model_inputs, training_order
from harness.engine.distil import SpanLogits, distillation_loss, span_cross_entropy
from harness.engine.features import Features
from harness.engine.meter import Meter
from harness.engine.reader import forward
from harness.engine_api import Training
from harness.errors import RunError
from harness.progress import Progress

LABELS = "span_labels"
TEACHER = "teacher_logits"


@dataclass(frozen=True, slots=True, eq=False)
class Distillation:
    """What a student learns from its teacher."""

    logits: NDArray[np.float32]
    """[tokens, 2]: the teacher's start and end logits, aligned with ``Features.ids``."""
    temperature: float
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet(Dataset[int]):
    """Windows with labels; items are window numbers, and `collate` makes the batch."""

    features: Features
    labels: NDArray[np.int32]
    """[windows, 2], positions in the window."""
    distillation: Distillation | None

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, window: int) -> int:
        return window

    def collate(self, windows: list[int], padding: Padding) -> dict[str, torch.Tensor]:
        """Model inputs, labels and, for a distillation, the teacher's logits of a batch."""
        rows = np.array(windows, dtype=np.int64)
        batch = lay_out(self.features, rows, padding.left)
        inputs = model_inputs(self.features, batch, padding)
        inputs[LABELS] = torch.from_numpy(self.labels[rows] + batch.shift[:, None])
        if self.distillation is not None:
            inputs[TEACHER] = batch.fill(self.distillation.logits, 0.0, np.float32)
        return inputs


class EpochOrder(Sampler[int]):
    """Windows in the order of `training_order`; the Trainer's data loader tells it the epoch."""

    def __init__(self, lengths: NDArray[np.int64], batch_size: int, seed: int) -> None:
        self._lengths, self._batch_size, self._seed = lengths, batch_size, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, from 0."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        return iter(training_order(self._lengths, self._batch_size, self._seed, self._epoch).tolist())


class StageTrainer(Trainer):
    """Trains one stage; overrides the loss and the order of windows, nothing else."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, args: TrainingArguments, data: TrainingSet
    ) -> None:
        padding = Padding.of(tokenizer)
        super().__init__(
            model=model, args=args, train_dataset=data, data_collator=lambda windows: data.collate(windows, padding)
        )
        self.remove_callback(PrinterCallback)
        self._data = data
        self.epoch_loss = torch.zeros((), device=args.device)
        """Sum of the losses of the epoch's windows."""

    def run(self, name: str, progress: Progress) -> Training:
        """Train from the first to the last step.

        Raises:
            RunError: the loss is not a finite number.
        """
        windows = len(self._data)
        reporter = _Reporter(self, windows, name, progress)
        self.add_callback(reporter)
        self.train()
        loss = float(self.epoch_loss) / windows
        reporter.check(loss, self.state.global_step)
        return Training(windows, self.state.global_step, loss, tuple(reporter.history))

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The stage's loss of one batch, a mean over its windows."""
        logits = forward(model, {name: value for name, value in inputs.items() if name not in (LABELS, TEACHER)})
        loss = self._loss(logits, inputs)
        self.epoch_loss += loss.detach() * len(inputs[LABELS])
        return (loss, logits) if return_outputs else loss

    def _loss(self, logits: SpanLogits, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        start, end = inputs[LABELS].unbind(dim=1)
        mask = inputs["attention_mask"].bool()
        distillation = self._data.distillation
        if distillation is None:
            return span_cross_entropy(logits, start, end, mask).mean()
        # By subscript: a distillation whose teacher got lost fails instead of becoming a plain training.
        teacher = SpanLogits(*inputs[TEACHER].unbind(dim=2))
        temperature, weight = distillation.temperature, distillation.weight
        return distillation_loss(logits, teacher, start, end, temperature=temperature, weight=weight, mask=mask)

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochOrder:
        return EpochOrder(self._data.features.lengths, self.args.train_batch_size, self.args.seed)


class _Reporter(TrainerCallback):
    """Feeds the caller's progress, keeps the history, and stops a training that diverged."""

    def __init__(self, trainer: StageTrainer, windows: int, name: str, progress: Progress) -> None:
        self.history: list[Mapping[str, float]] = []
        self._trainer, self._windows, self._name, self._progress = trainer, windows, name, progress
        self._meter: Meter | None = None

    def check(self, loss: float, step: int) -> None:
        """Raise `RunError` unless the loss is a finite number."""
        if not math.isfinite(loss):
            raise RunError(
                f"stage {self._name}: found a loss of {loss} by step {step}, expected a finite number; "
                "the training diverged: lower learning_rate or raise warmup_proportion",
                stage=self._name,
            )

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        windows_per_step = self._windows * state.num_train_epochs / state.max_steps
        self._meter = Meter(self._progress, f"train {self._name}", state.max_steps, "windows", windows_per_step)

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._trainer.epoch_loss.zero_()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._meter is not None:
            self._meter.advance(state.global_step, f"loss {self.history[-1]['loss']:.3f}" if self.history else "")

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if logs is None or "loss" not in logs:  # the Trainer's closing entry has timings only
            return
        self.check(logs["loss"], state.global_step)
        entry = {name: float(logs[name]) for name in ("epoch", "loss", "learning_rate")}
        self.history.append({"step": float(state.global_step), **entry})
