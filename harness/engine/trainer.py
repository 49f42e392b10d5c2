"""The transformers Trainer with this project's batches, losses and checkpoints; the training loop is its own.

It overrides the hooks that its documentation names for that: the training data loader, the loss, the optimizer.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from harness.engine.batches import Padding
from harness.engine.checkpoints import complete_checkpoint, read_notes, remove_older
from harness.engine.distil import SpanLogits, distillation_loss, span_cross_entropy
from harness.engine.hidden import PROJECTIONS, attention_loss, hidden_state_loss
from harness.engine.meter import Meter
from harness.engine.micro_batches import MicroBatches, Split
from harness.engine.optimizers import make_optimizer
from harness.engine.training_set import LABELS, TEACHER, WEIGHTS, TrainingSet
from harness.engine_api import Training
from harness.errors import RunError
from harness.progress import Progress
from harness.records import Stage
from harness.store import write_text

LOGS = 100
"""Entries in the history of one stage, about."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a training leaves its checkpoints and its metrics, and what they must belong to."""

    folder: Path
    key: str
    seconds: float
    """Between two checkpoints."""

    @property
    def metrics(self) -> Path:
        """JSON lines, one per entry of the history."""
        return self.folder / "training.jsonl"


@dataclass(slots=True)
class Tally:
    """Losses so far; a checkpoint keeps it."""

    history: list[Mapping[str, float]] = field(default_factory=list)
    logged: int = 0
    """Step of the last entry."""
    since: float = 0.0
    """Sum of the losses of the steps after it."""
    epoch: float = 0.0
    """Sum over the epoch's windows."""


class StageTrainer(Trainer):
    """Trains one stage."""

    def __init__(
        self,
        model: PreTrainedModel,
        padding: Padding,
        args: TrainingArguments,
        data: TrainingSet,
        stage: Stage,
        split: Split,
    ) -> None:
        width = stage.max_seq_len if stage.padding == "fixed" else None
        super().__init__(
            model=model, args=args, train_dataset=data, data_collator=lambda items: data.collate(items, padding, width)
        )
        self.remove_callback(PrinterCallback)
        self.batches = MicroBatches(data.features.lengths, split, stage.seed, stage.order == "grouped")
        self._data, self._stage = data, stage
        self._masked = stage.padding == "longest"
        self.step_loss = torch.zeros((), device=args.device)
        """Loss of the update being computed, scaled as the recipe says: of this device's windows."""
        if data.hidden is not None:
            data.hidden.model.to(args.device).eval().requires_grad_(False)

    def run(self, place: Place, resume: Path | None, progress: Progress) -> Training:
        """Train from the first to the last step, or on from a checkpoint.

        Raises:
            RunError: the loss is not a finite number.
            RecordError: a checkpoint cannot be written.
        """
        keeper = _Keeper(self, self._stage, place, progress)
        if resume is not None:
            keeper.recall(resume)
        self.add_callback(keeper)
        self.train(resume_from_checkpoint=None if resume is None else str(resume))
        windows = len(self._data)
        loss = keeper.tally.epoch / windows
        keeper.check(loss, self.state.global_step)
        return Training(windows, self.state.global_step, loss, tuple(keeper.tally.history))

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches from `MicroBatches` alone; reading them draws nothing from the random state of the training."""
        loader = DataLoader(
            self._data,
            batch_sampler=self.batches,
            collate_fn=self.data_collator,
            generator=torch.Generator().manual_seed(0),
        )
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        """The stage's optimizer."""
        self.optimizer: torch.optim.Optimizer | None
        if self.optimizer is None:
            chosen = self.model if model is None else model
            self.optimizer = make_optimizer(self._stage, chosen, self.get_decay_parameter_names(chosen))
        return self.optimizer

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """This micro-batch's part of the loss of its global batch, which is a mean over windows.

        Multiplied by what the Trainer and the devices' average divide it by afterwards.
        """
        weights = inputs[WEIGHTS]
        loss = (self._window_losses(model, inputs) * weights).sum() * self._stage.loss_scale
        self.step_loss += loss.detach()
        loss = loss * self.current_gradient_accumulation_steps * self.args.world_size
        return (loss, None) if return_outputs else loss

    def _window_losses(self, model: torch.nn.Module, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """[batch]"""
        data, stage = self._data, self._stage
        read = {name: value for name, value in inputs.items() if name not in (LABELS, TEACHER, WEIGHTS)}
        mask = inputs["attention_mask"].bool() if self._masked else None
        if data.hidden is not None:
            read |= {"output_hidden_states": True, "output_attentions": True}
        output = model(**read)
        logits = SpanLogits(output.start_logits.float(), output.end_logits.float())
        start, end = inputs[LABELS].unbind(dim=1)
        match stage.kind:
            case "finetune":
                return span_cross_entropy(logits, start, end, mask)
            case "distil_hidden":
                return self._hidden_losses(output, read, mask)
            case "distil_logits":
                # By subscript: a distillation whose teacher got lost fails instead of becoming a plain training.
                distillation = data.distillation
                if distillation is None:
                    raise RunError(f"stage {stage.name}: lost its teacher's logits", stage=stage.name)
                teacher = SpanLogits(*inputs[TEACHER].unbind(dim=2))
                losses = distillation_loss(
                    logits,
                    teacher,
                    start,
                    end,
                    temperature=distillation.temperature,
                    weight=distillation.weight,
                    mask=mask,
                    loss=stage.distillation_loss,
                )
                if stage.hidden_loss_weight:
                    losses = losses + stage.hidden_loss_weight * self._hidden_losses(output, read, mask)
                return losses

    def _hidden_losses(self, output: Any, read: Mapping[str, torch.Tensor], mask: torch.Tensor | None) -> torch.Tensor:
        hidden = self._data.hidden
        if hidden is None:
            raise RunError(f"stage {self._stage.name}: lost its teacher", stage=self._stage.name)
        with torch.no_grad():
            teacher = hidden.model(**read)
        projections = getattr(self.accelerator.unwrap_model(self.model), PROJECTIONS, None)
        of_states = hidden_state_loss(output.hidden_states, teacher.hidden_states, hidden.layers, mask, projections)
        return of_states + attention_loss(output.attentions, teacher.attentions, hidden.layers, mask)

    def take_step_loss(self) -> float:
        """The loss of the update just made, of all devices' windows together; begins the next."""
        loss = (
            float(self.accelerator.reduce(self.step_loss, "sum")) if self.args.world_size > 1 else float(self.step_loss)
        )
        self.step_loss.zero_()
        return loss


class _Keeper(TrainerCallback):
    """Tells the epoch, keeps the history, asks for checkpoints and completes them, stops what diverged."""

    def __init__(self, trainer: StageTrainer, stage: Stage, place: Place, progress: Progress) -> None:
        self.tally = Tally()
        self._trainer, self._stage, self._place, self._progress = trainer, stage, place, progress
        self._meter: Meter | None = None
        self._saved = time.monotonic()
        self._rate = 0.0

    def recall(self, checkpoint: Path) -> None:
        """Take up the tally of a checkpoint."""
        self.tally = Tally(**read_notes(checkpoint))
        self._write_metrics()

    def check(self, loss: float, step: int) -> None:
        """Raise `RunError` unless the loss is a finite number."""
        if not math.isfinite(loss):
            name = self._stage.name
            raise RunError(
                f"stage {name}: found a loss of {loss} by step {step}, expected a finite number; "
                "the training diverged: lower learning_rate or raise warmup_proportion",
                stage=name,
            )

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        windows = self._trainer.batches.windows * state.num_train_epochs / state.max_steps
        self._meter = Meter(self._progress, f"train {self._stage.name}", state.max_steps, "windows", windows)
        self._meter.skip(state.global_step)
        self._saved = time.monotonic()

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        updates = self._trainer.batches.updates
        self._trainer.batches.set_epoch(state.global_step // updates)
        if state.global_step % updates == 0:
            self.tally.epoch = 0.0

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._rate = float(kwargs["optimizer"].param_groups[0]["lr"])  # the scheduler moves on after this

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        tally, step = self.tally, state.global_step
        loss = self._trainer.take_step_loss()
        self.check(loss, step)
        tally.since += loss
        batches = self._trainer.batches
        tally.epoch += loss * batches.windows_of((step - 1) % batches.updates)
        if step - tally.logged >= max(1, state.max_steps // LOGS):
            tally.history.append(
                {
                    "step": float(step),
                    "epoch": float(state.epoch or 0),
                    "loss": tally.since / (step - tally.logged),
                    "learning_rate": self._rate,
                }
            )
            tally.logged, tally.since = step, 0.0
            self._write_metrics()
        if self._meter is not None:
            self._meter.advance(step, f"loss {tally.history[-1]['loss']:.3f}" if tally.history else "")
        if step < state.max_steps and self._is_time(args):
            control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._trainer.accelerator.wait_for_everyone()  # each process writes a random state of its own
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            notes = {"history": self.tally.history, "logged": self.tally.logged, "since": self.tally.since}
            complete_checkpoint(folder, self._place.key, {**notes, "epoch": self.tally.epoch})
            remove_older(Path(args.output_dir), folder)
        self._saved = time.monotonic()

    def _is_time(self, args: TrainingArguments) -> bool:
        due = time.monotonic() - self._saved >= self._place.seconds
        if args.world_size == 1:
            return due
        told = torch.tensor([due], device=args.device, dtype=torch.int32)  # all save, or none
        return bool(broadcast(told).item())

    def _write_metrics(self) -> None:
        if self._trainer.is_world_process_zero():
            lines = "".join(json.dumps(dict(row), allow_nan=False) + "\n" for row in self.tally.history)
            write_text(self._place.metrics, lines)
