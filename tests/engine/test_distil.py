"""The losses against published test vectors, against a plain writing, and under padding."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch")
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from harness.engine.distil import SpanLogits, distillation_loss, span_cross_entropy, span_divergence

pytestmark = pytest.mark.torch


def split(logits: list[list[list[float]]]) -> SpanLogits:
    """[batch, positions, 2] to starts and ends."""
    return SpanLogits(*torch.tensor(logits, dtype=torch.float64).unbind(dim=2))


STUDENT = split([[[1, 0.5], [0, 0], [-1, 2], [0.5, -0.5]], [[2, 1], [0, 0], [1, 1], [0, 0]]])
TEACHER = split([[[0, 0], [3, 0], [0, 3], [-1, 0]], [[4, 4], [0, 0], [0, 0], [0, 1]]])
START, END = torch.tensor([1, 0]), torch.tensor([2, 0])


@pytest.mark.parametrize(
    ("temperature", "divergence", "combined"),
    [(1.0, 1.211345, 1.134247), (1.5, 0.759258, 1.506986), (3.0, 0.220570, 1.714584)],
)
def test_published_test_vector(temperature: float, divergence: float, combined: float) -> None:
    assert span_divergence(STUDENT, TEACHER, temperature).mean().item() == pytest.approx(divergence, abs=1e-6)
    assert span_cross_entropy(STUDENT, START, END).tolist() == pytest.approx([1.055796, 0.750110], abs=1e-6)
    loss = distillation_loss(STUDENT, TEACHER, START, END, temperature=temperature, weight=0.75)
    assert loss.mean().item() == pytest.approx(combined, abs=1e-6)


def test_weight_one_ignores_labels_and_weight_zero_ignores_the_teacher() -> None:
    def loss(weight: float, teacher: SpanLogits = TEACHER, start: torch.Tensor = START) -> float:
        return distillation_loss(STUDENT, teacher, start, END, temperature=2.0, weight=weight).mean().item()

    assert loss(1.0) == loss(1.0, start=END) != loss(0.5, start=END)
    assert loss(0.0) == loss(0.0, teacher=STUDENT) == pytest.approx(span_cross_entropy(STUDENT, START, END).mean())
    assert loss(1.0, teacher=STUDENT) == pytest.approx(0, abs=1e-12)


def test_cross_entropy_is_the_models_own_loss_without_padding() -> None:
    expected = (functional.cross_entropy(STUDENT.start, START) + functional.cross_entropy(STUDENT.end, END)) / 2
    assert span_cross_entropy(STUDENT, START, END).mean().item() == pytest.approx(expected.item())


finite = st.floats(-9, 9, allow_subnormal=False)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.lists(st.tuples(finite, finite, finite, finite), min_size=1, max_size=6), min_size=1, max_size=4),
    padding=st.integers(0, 5),
    junk=finite,
    left=st.booleans(),
    temperature=st.floats(0.5, 8),
    weight=st.floats(0, 1),
)
def test_loss_and_gradient_do_not_depend_on_padding(
    rows: list[list[tuple[float, float, float, float]]],
    padding: int,
    junk: float,
    left: bool,
    temperature: float,
    weight: float,
) -> None:
    def run(extra: int) -> tuple[float, list[list[float]]]:
        width = max(map(len, rows)) + extra
        table = torch.full((len(rows), width, 4), junk, dtype=torch.float64)
        mask = torch.zeros(len(rows), width, dtype=torch.bool)
        for i, row in enumerate(rows):
            place = slice(width - len(row), width) if left else slice(0, len(row))
            table[i, place] = torch.tensor(row, dtype=torch.float64)
            mask[i, place] = True
        table.requires_grad_()
        first, last = mask.int().argmax(dim=1), width - 1 - mask.int().flip(1).argmax(dim=1)
        columns = table.unbind(dim=2)
        loss = distillation_loss(
            SpanLogits(*columns[:2]),
            SpanLogits(*(column.detach() for column in columns[2:])),
            first,
            last,
            temperature=temperature,
            weight=weight,
            mask=mask,
        ).mean()
        loss.backward()
        assert table.grad is not None
        assert table.grad[~mask].abs().sum() == 0
        return loss.item(), table.grad[mask].flatten().tolist()

    (loss, gradient), (padded, padded_gradient) = run(0), run(padding)
    assert math.isfinite(loss)
    assert padded == pytest.approx(loss, rel=1e-9, abs=1e-9)
    assert padded_gradient == pytest.approx(gradient, rel=1e-6, abs=1e-9)
