"""Windows to padded batches, and the order in which they come."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.engine.features import Features
from harness.engine.loading import segment_count
from harness.errors import ModelError

MEGA_BATCH = 50
"""Batches that windows are sorted by length within: enough for little padding, few enough to keep the order random."""


@dataclass(frozen=True, slots=True, eq=False)
class Padding:
    """How windows of unequal length become one tensor."""

    pad_id: int
    pad_type: int
    left: bool

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> Padding:
        """With the tokenizer's padding token, on the right whatever its side.

        Absolute positions then count from the first token, and relative ones know no difference. The segment of a
        token that nothing attends to is one that every model has.
        """
        return cls(int(tokenizer.pad_token_id), 0, left=False)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Where the tokens of some windows lie in the flat arrays, and in a padded batch of them."""

    flat: NDArray[np.int64]
    """[tokens of these windows]: indices into the flat arrays, window after window."""
    mask: NDArray[np.bool_]
    """[rows, width]: True on tokens, False on padding; its True cells, row by row, belong to `flat`."""
    shift: NDArray[np.int64]
    """[rows]: padding before the window's first token."""

    def fill(self, values: NDArray[Any], fill: float, dtype: type[np.generic]) -> torch.Tensor:
        """[rows, width, ...]: the windows' values, `fill` on padding."""
        out = np.full((*self.mask.shape, *values.shape[1:]), fill, dtype=dtype)
        out[self.mask] = values[self.flat]
        return torch.from_numpy(out)


def lay_out(features: Features, rows: NDArray[np.int64], left: bool, width: int | None = None) -> Batch:
    """Place the windows `rows` in a batch that is as wide as the longest of them, or as `width`."""
    begin, lengths = features.bounds[rows], features.bounds[rows + 1] - features.bounds[rows]
    width = int(lengths.max()) if width is None else width
    shift = width - lengths if left else np.zeros_like(lengths)
    column = np.arange(width)[None, :] - shift[:, None]
    mask = (column >= 0) & (column < lengths[:, None])
    return Batch((begin[:, None] + column)[mask], mask, shift)


def model_inputs(features: Features, batch: Batch, padding: Padding) -> dict[str, torch.Tensor]:
    """The tensors a model's forward takes, each [rows, width]."""
    inputs = {
        "input_ids": batch.fill(features.ids, padding.pad_id, np.int64),
        "attention_mask": torch.from_numpy(batch.mask.astype(np.int64)),
    }
    if features.types is not None:
        inputs["token_type_ids"] = batch.fill(features.types, padding.pad_type, np.int64)
    return inputs


def fit_segments(model: PreTrainedModel, features: Features) -> Features:
    """The features without segments where the model takes none or knows only one.

    Raises:
        ModelError: there are more segments than the model knows.
    """
    if features.types is None:
        return features
    known = segment_count(model)
    if known == 1 or "token_type_ids" not in inspect.signature(model.forward).parameters:
        return replace(features, types=None)
    largest = int(features.types.max(initial=0))
    if known is not None and largest >= known:
        raise ModelError(
            f"tokenizer: found segments up to {largest}, expected less than the {known} that the "
            f"{model.config.model_type} model has embeddings for; give the model the tokenizer it was trained with"
        )
    return features


def training_order(
    lengths: NDArray[np.int64], batch_size: int, seed: int, epoch: int, grouped: bool = True
) -> NDArray[np.int64]:
    """The order of windows in one epoch, a function of the arguments alone.

    Grouped, and cut into consecutive batches of `batch_size`, the windows of a batch have similar lengths. Windows are
    shuffled, sorted by length within groups of `MEGA_BATCH` batches, and the batches shuffled; the short batch of the
    remainder is a random sample and comes last. Else the order is a plain permutation.
    """
    generator = np.random.default_rng((seed, epoch))
    windows = generator.permutation(len(lengths))
    if not grouped:
        return windows
    whole = len(windows) - len(windows) % batch_size
    groups = np.split(windows[:whole], range(MEGA_BATCH * batch_size, whole, MEGA_BATCH * batch_size))
    grouped_windows = np.concatenate([group[np.argsort(lengths[group], kind="stable")] for group in groups])
    batches = generator.permutation(grouped_windows.reshape(-1, batch_size), axis=0)
    return np.concatenate([batches.ravel(), windows[whole:]])


def inference_batches(features: Features, token_budget: int, even: bool = False) -> Iterator[NDArray[np.int64]]:
    """Batches of windows of similar length, longest first, of at most `token_budget` tokens with padding.

    Which windows meet in a batch depends on the windows, not on their order, so that neither do the logits.

    Args:
        features: Windows.
        token_budget: A longer window goes alone.
        even: Windows of one length only meet, for models that notice padding.
    """
    lengths = features.lengths
    order = np.array(sorted(range(len(features)), key=lambda i: (-lengths[i], _digest(features, i))), dtype=np.int64)
    lengths = lengths[order]
    ends = np.searchsorted(-lengths, -lengths, side="right")
    first = 0
    while first < len(order):
        last = first + max(1, token_budget // int(lengths[first]))
        if even:
            last = min(last, int(ends[first]))
        yield order[first:last]
        first = last


def _digest(features: Features, window: int) -> bytes:
    ids = features.ids[features.bounds[window] : features.bounds[window + 1]]
    return hashlib.blake2b(ids.tobytes(), digest_size=8).digest()
