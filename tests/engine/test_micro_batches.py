"""Global batches are cut without loss, and weighted so that the sum of their parts is the batch's mean."""

from __future__ import annotations

from collections import Counter

import pytest

pytest.importorskip("torch")
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine.micro_batches import MicroBatches, Split

pytestmark = pytest.mark.torch


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(1, 60),
    batch_size=st.integers(1, 17),
    devices=st.integers(1, 4),
    micro_batch=st.none() | st.integers(1, 9),
    grouped=st.booleans(),
    epoch=st.integers(0, 3),
)
def test_every_window_once_with_its_share(
    count: int, batch_size: int, devices: int, micro_batch: int | None, grouped: bool, epoch: int
) -> None:
    lengths = np.random.default_rng(count).integers(5, 90, count)
    split = Split.of(batch_size, devices, micro_batch)
    batches = MicroBatches(lengths, split, 3, grouped)
    batches.set_epoch(epoch)
    found = list(batches)
    assert len(found) == len(batches)
    assert batches.updates == -(-count // batch_size)
    real = [item for batch in found for item in batch if item.batch]
    assert sorted(item.window for item in real) == list(range(count))
    assert sum(1 / item.batch for item in real) == pytest.approx(batches.updates)
    assert max(map(len, found)) <= (micro_batch or batch_size)
    if devices > 1:
        assert {len(batch) for batch in found} == {split.micro_batch}
        assert len(found) == batches.updates * devices * split.accumulation
    # what one update sees does not depend on how it is split
    whole = MicroBatches(lengths, Split(batch_size), 3, grouped)
    whole.set_epoch(epoch)
    per_update = devices * split.accumulation
    for number, batch in enumerate(whole):
        parts = found[number * per_update : (number + 1) * per_update]
        assert Counter(i.window for p in parts for i in p if i.batch) == Counter(i.window for i in batch)
        assert {i.batch for p in parts for i in p if i.batch} == {len(batch)}


def test_a_split_halves_down_to_single_windows() -> None:
    split: Split | None = Split(80)
    sizes = []
    while split is not None:
        sizes.append((split.micro_batch, split.accumulation))
        split = split.halved()
    assert sizes == [(80, 1), (40, 2), (20, 4), (10, 8), (5, 16), (2, 40), (1, 80)]


@pytest.mark.parametrize("batch_size", [5, 6, 10, 26, 56, 80, 96])
@pytest.mark.parametrize("devices", [1, 3])
def test_every_split_has_as_many_micro_batches_as_it_accumulates(batch_size: int, devices: int) -> None:
    """Else the Trainer, which counts, would take an update from two batches."""
    split: Split | None = Split(batch_size, devices)
    while split is not None:
        batches = MicroBatches(np.full(3 * batch_size, 9), split, 0, grouped=False)
        assert len(batches) == 3 * devices * split.accumulation
        split = split.halved()


def test_epochs_differ_and_are_the_same_every_time() -> None:
    lengths = np.arange(40) % 7 + 3

    def read(epoch: int, seed: int = 1) -> list[list[int]]:
        batches = MicroBatches(lengths, Split(4), seed, grouped=True)
        batches.set_epoch(epoch)
        return [[item.window for item in batch] for batch in batches]

    assert read(0) == read(0) != read(1)
    assert read(0) != read(0, seed=2)
