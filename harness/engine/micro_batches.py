"""Global batches cut into the micro-batches that devices and accumulation steps take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import BatchSampler

from harness.engine.batches import training_order


class Item(NamedTuple):
    """One window in its batch."""

    window: int
    batch: int
    """Windows in the global batch; 0 for a window that only fills a device's place and has no part in the loss."""


@dataclass(frozen=True, slots=True)
class Split:
    """How a global batch is split."""

    batch_size: int
    """Of the recipe: windows per update."""
    devices: int = 1
    accumulation: int = 1
    """Micro-batches of each device per update."""

    @property
    def micro_batch(self) -> int:
        """Windows that a device takes at once, at most."""
        return -(-self.batch_size // (self.devices * self.accumulation))

    def halved(self) -> Split | None:
        """With micro-batches of half as many windows, None where they are of one window already."""
        if self.micro_batch == 1:
            return None
        return Split.of(self.batch_size, self.devices, self.micro_batch // 2)

    @classmethod
    def of(cls, batch_size: int, devices: int, micro_batch: int | None) -> Split:
        """With micro-batches of at most `micro_batch` windows."""
        # Windows are shared out evenly, so that the micro-batches of an update are as many as the steps accumulated.
        share = -(-batch_size // devices)
        return cls(batch_size, devices, 1 if micro_batch is None else -(-share // max(1, micro_batch)))


class MicroBatches(BatchSampler):
    """The micro-batches of an epoch, those of one update one after the other.

    With several devices neighbouring micro-batches belong to different ones, every update has the same number of them,
    and all are of one size, as accelerate wants it. With one device the last update of an epoch may have fewer.
    """

    def __init__(self, lengths: NDArray[np.int64], split: Split, seed: int, grouped: bool) -> None:
        self._lengths, self._split, self._seed, self._grouped = lengths, split, seed, grouped
        self._epoch = 0
        self.batch_size = split.micro_batch
        self.drop_last = False
        self.sampler = range(len(lengths))

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, from 0."""
        self._epoch = epoch

    @property
    def windows(self) -> int:
        """Windows of an epoch."""
        return len(self._lengths)

    @property
    def updates(self) -> int:
        """Updates of an epoch."""
        return -(-self.windows // self._split.batch_size)

    def windows_of(self, update: int) -> int:
        """Windows of one update of an epoch, counted from 0; the last may have fewer."""
        size = self._split.batch_size
        return min(size, self.windows - update * size)

    def __len__(self) -> int:
        rest = len(self._lengths) % self._split.batch_size
        whole = len(self._lengths) // self._split.batch_size
        return whole * self._per_update(self._split.batch_size) + (self._per_update(rest) if rest else 0)

    def __iter__(self) -> Iterator[list[Item]]:
        size = self._split.batch_size
        order = training_order(self._lengths, size, self._seed, self._epoch, self._grouped).tolist()
        micro = self._split.micro_batch
        for first in range(0, len(order), size):
            batch = [Item(window, min(size, len(order) - first)) for window in order[first : first + size]]
            if self._split.devices > 1:
                batch += [Item(batch[0].window, 0)] * (self._per_update(len(batch)) * micro - len(batch))
            yield from (batch[begin : begin + micro] for begin in range(0, len(batch), micro))

    def _per_update(self, windows: int) -> int:
        if self._split.devices > 1:
            return self._split.devices * self._split.accumulation
        return -(-windows // self._split.micro_batch)
