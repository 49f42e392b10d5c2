"""Padding, and the order of windows in training and prediction."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine.batches import Padding, inference_batches, lay_out, model_inputs, training_order
from harness.engine.features import Features
from harness.engine.micro_batches import Item
from harness.engine.training_set import TEACHER, WEIGHTS, Distillation, TrainingSet

pytestmark = pytest.mark.torch


def features(windows: list[list[int]]) -> Features:
    flat = np.array([token for tokens in windows for token in tokens], dtype=np.int32)
    count = len(windows)
    return Features(
        ids=flat,
        types=flat % 2,
        characters=np.zeros((len(flat), 2), dtype=np.int32),
        bounds=np.cumsum([0, *map(len, windows)], dtype=np.int64),
        question=np.arange(count, dtype=np.int32),
        context=np.zeros((count, 2), dtype=np.int32),
        cls=np.zeros(count, dtype=np.int32),
    )


def test_right_and_left_padding() -> None:
    made = features([[5, 6], [7, 8, 9], [4]])
    rows = np.array([0, 1])
    right = model_inputs(made, lay_out(made, rows, left=False), Padding(1, 3, left=False))
    assert right["input_ids"].tolist() == [[5, 6, 1], [7, 8, 9]]
    assert right["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert right["token_type_ids"].tolist() == [[1, 0, 3], [1, 0, 1]]
    left = model_inputs(made, lay_out(made, rows, left=True), Padding(1, 3, left=True))
    assert left["input_ids"].tolist() == [[1, 5, 6], [7, 8, 9]]


def test_labels_and_teacher_logits_move_with_the_padding() -> None:
    made = features([[5, 6], [7, 8, 9]])
    logits = np.stack([made.ids, -made.ids], axis=1).astype(np.float32)
    data = TrainingSet(made, np.array([[0, 1], [1, 2]], dtype=np.int32), Distillation(logits, 1.0, 0.5))
    batch = data.collate([Item(1, 4), Item(0, 0)], Padding(0, 0, left=True), None)
    assert batch[WEIGHTS].tolist() == [0.25, 0]
    assert batch["span_labels"].tolist() == [[1, 2], [1, 2]]
    assert batch["input_ids"].tolist() == [[7, 8, 9], [0, 5, 6]]
    assert torch.equal(batch[TEACHER][..., 0], batch["input_ids"].float())
    assert torch.equal(batch[TEACHER][..., 1], -batch["input_ids"].float())


def test_a_fixed_width_has_logits_on_padding_too() -> None:
    made = features([[5, 6], [7, 8, 9]])
    logits = np.arange(2 * 4 * 2, dtype=np.float32).reshape(2, 4, 2)
    data = TrainingSet(made, np.zeros((2, 2), dtype=np.int32), Distillation(logits, 1.0, 0.5))
    batch = data.collate([Item(1, 2), Item(0, 2)], Padding(0, 0, left=False), 4)
    assert batch["input_ids"].tolist() == [[7, 8, 9, 0], [5, 6, 0, 0]]
    assert torch.equal(batch[TEACHER], torch.from_numpy(logits[[1, 0]]))


@settings(max_examples=100, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 400), max_size=300),
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 50),
)
def test_an_epoch_holds_every_window_once(lengths: list[int], batch_size: int, seed: int, epoch: int) -> None:
    order = training_order(np.array(lengths, dtype=np.int64), batch_size, seed, epoch)
    assert sorted(order.tolist()) == list(range(len(lengths)))


def test_order_is_a_function_of_seed_and_epoch_and_groups_lengths() -> None:
    lengths = np.random.default_rng(0).integers(20, 400, size=5000)
    first = training_order(lengths, 16, 1, 0)
    assert np.array_equal(first, training_order(lengths, 16, 1, 0))
    assert not np.array_equal(first, training_order(lengths, 16, 1, 1))
    assert not np.array_equal(first, training_order(lengths, 16, 2, 0))
    batches = lengths[first[: 5000 // 16 * 16]].reshape(-1, 16)
    assert (batches.max(axis=1, keepdims=True) - batches).sum() / batches.sum() < 0.03  # share of padding
    longest_of_each = batches.max(axis=1)
    assert abs(np.corrcoef(longest_of_each[:-1], longest_of_each[1:])[0, 1]) < 0.2  # batches themselves are shuffled


def test_a_random_order_is_a_permutation_and_nothing_else() -> None:
    lengths = np.arange(1000) % 50
    order = training_order(lengths, 10, 3, 1, grouped=False)
    assert sorted(order.tolist()) == list(range(1000))
    assert np.ptp(lengths[order].reshape(-1, 10), axis=1).mean() > 25


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=9), min_size=1, max_size=30),
    st.integers(1, 40),
    st.randoms(use_true_random=False),
)
def test_inference_batches_depend_on_the_windows_and_not_on_their_order(windows, budget, random) -> None:  # type: ignore[no-untyped-def]
    def contents(of: list[list[int]]) -> list[list[list[int]]]:
        made = features(of)
        batches = list(inference_batches(made, budget))
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(of)))
        for rows in batches:
            assert len(rows) == 1 or len(rows) * made.lengths[rows].max() <= budget
        return [[of[i] for i in rows] for rows in batches]

    shuffled = random.sample(windows, len(windows))
    assert contents(windows) == contents(shuffled)
