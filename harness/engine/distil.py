"""Losses of extractive question answering and of distilling its logits, one value per window.

Logits are [batch, positions], one tensor for starts and one for ends. A mask [batch, positions], True on tokens,
takes padding out of every softmax and mean, so that a loss does not depend on how wide a batch was padded. The
published recipes padded to a fixed length and left padding in; without a mask the formulas are theirs.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch.nn import functional


class SpanLogits(NamedTuple):
    """Start and end logits of a batch of windows, each [batch, positions]."""

    start: torch.Tensor
    end: torch.Tensor


def span_cross_entropy(
    logits: SpanLogits, start: torch.Tensor, end: torch.Tensor, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Cross-entropy of each window: the mean of that of its start and that of its end.

    Args:
        logits: Of the student.
        start: [batch], label positions.
        end: [batch], label positions, the answer's last token.
        mask: [batch, positions] or None for all positions.

    Returns:
        [batch]
    """
    of_start = functional.cross_entropy(_masked(logits.start, mask), start, reduction="none")
    of_end = functional.cross_entropy(_masked(logits.end, mask), end, reduction="none")
    return (of_start + of_end) / 2


def span_divergence(
    student: SpanLogits, teacher: SpanLogits, temperature: float, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """KL divergence from teacher to student of tempered position distributions, summed over start and end.

    Both softmaxes run over positions. Returns [batch].
    """
    return _divergence(student.start, teacher.start, temperature, mask) + _divergence(
        student.end, teacher.end, temperature, mask
    )


def span_squared_error(
    student: SpanLogits, teacher: SpanLogits, temperature: float, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean squared difference of logits divided by the temperature, over positions and over start and end.

    haystack 1.x offered this loss, but its code could not run it. Returns [batch].
    """
    squared = ((student.start - teacher.start) ** 2 + (student.end - teacher.end) ** 2) / (2 * temperature**2)
    if mask is None:
        return squared.mean(dim=-1)
    return (squared * mask).sum(dim=-1) / mask.sum(dim=-1)


def distillation_loss(
    student: SpanLogits,
    teacher: SpanLogits,
    start: torch.Tensor,
    end: torch.Tensor,
    *,
    temperature: float,
    weight: float,
    mask: torch.Tensor | None = None,
    loss: Literal["kl", "mse"] = "kl",
) -> torch.Tensor:
    """``w*T*T*(KL_start + KL_end) + (1-w)*mean(CE_start, CE_end)`` of each window, [batch].

    The divergence is summed over start and end and the cross-entropy averaged over them, as in the prediction-layer
    distillation of haystack 1.x (`DistillationTrainer`); the labels' part uses logits without temperature. With
    ``mse`` the squared error takes the divergence's place.
    """
    distance = span_divergence if loss == "kl" else span_squared_error
    distilled = weight * temperature * temperature * distance(student, teacher, temperature, mask)
    if weight == 1:
        return distilled
    return distilled + (1 - weight) * span_cross_entropy(student, start, end, mask)


def _divergence(
    student: torch.Tensor, teacher: torch.Tensor, temperature: float, mask: torch.Tensor | None
) -> torch.Tensor:
    log_student = functional.log_softmax(_masked(student / temperature, mask), dim=-1)
    log_teacher = functional.log_softmax(_masked(teacher / temperature, mask), dim=-1)
    return functional.kl_div(log_student, log_teacher, reduction="none", log_target=True).sum(dim=-1)


def _masked(logits: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    # The lowest finite number and not -inf, whose difference to itself would be no number.
    return logits if mask is None else logits.masked_fill(~mask, torch.finfo(logits.dtype).min)
