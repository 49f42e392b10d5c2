"""Windows with labels and what a teacher says of them, and the batches that they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset
from transformers import PreTrainedModel

from harness.engine.batches import Padding, lay_out, model_inputs
from harness.engine.features import Features
from harness.engine.micro_batches import Item

LABELS = "span_labels"
TEACHER = "teacher_logits"
WEIGHTS = "window_weights"


@dataclass(frozen=True, slots=True, eq=False)
class Distillation:
    """What a student learns from its teacher's answers."""

    logits: NDArray[np.float32]
    """[tokens, 2]: the teacher's start and end logits, aligned with ``Features.ids``; [windows, width, 2] where every
    window is padded to one width."""
    temperature: float
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class HiddenTeacher:
    """A teacher whose hidden states and attentions a student learns from."""

    model: PreTrainedModel
    layers: tuple[int, ...]
    """The teacher's layer for each of the student's layers from 1."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet(Dataset[Item]):
    """Windows with labels; items are places in a batch, and `collate` makes the batch."""

    features: Features
    labels: NDArray[np.int32]
    """[windows, 2], positions in the window."""
    distillation: Distillation | None = None
    hidden: HiddenTeacher | None = None

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, item: Item) -> Item:
        return item

    def collate(self, items: list[Item], padding: Padding, width: int | None) -> dict[str, torch.Tensor]:
        """Model inputs, labels, weights, and the teacher's logits where there are any."""
        rows = np.array([item.window for item in items], dtype=np.int64)
        batch = lay_out(self.features, rows, padding.left, width)
        inputs = model_inputs(self.features, batch, padding)
        inputs[LABELS] = torch.from_numpy((self.labels[rows] + batch.shift[:, None]).astype(np.int64))
        inputs[WEIGHTS] = torch.tensor([1 / item.batch if item.batch else 0.0 for item in items])
        if self.distillation is not None:
            logits = self.distillation.logits
            inputs[TEACHER] = (
                batch.fill(logits, 0.0, np.float32) if logits.ndim == 2 else torch.from_numpy(np.array(logits[rows]))
            )
        return inputs
