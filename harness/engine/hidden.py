"""The intermediate-layer loss of TinyBERT: a student's attentions and hidden states against its teacher's.

The student's layer m learns from the teacher's layer ``layer_map[m - 1]``, its embeddings (hidden state 0) from the
teacher's. Without a mask every position counts, padding too, as in haystack 1.x (`DistillationLoss`); with one, a
window's means run over its tokens alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask

from harness.errors import RecipeError
from harness.records import Stage

MASKED_SCORE = -100.0
"""Attention scores at or below this stand for masked positions; TinyBERT's code sets them to 0 on both sides."""
SCORES = "harness_scores"
"""Name of the attention that gives out scores in the place of probabilities."""
PROJECTIONS = "hidden_projections"
"""Name of the projections among a student's modules while it trains."""

Layers = tuple[torch.Tensor, ...]


def map_layers(student: int, teacher: int, given: Sequence[int] = ()) -> tuple[int, ...]:
    """The teacher's layer for each of the student's layers 1, 2, ...: those given, else every k-th.

    Raises:
        RecipeError: the numbers of layers do not divide, or the map given does not fit them.
    """
    if given:
        if len(given) != student or not all(1 <= layer <= teacher for layer in given):
            raise RecipeError(
                f"layer_map: found {list(given)}, expected {student} layers from 1 to {teacher}, one for each of the "
                "student's; correct it",
                field="layer_map",
            )
        return tuple(given)
    if teacher % student:
        raise RecipeError(
            f"layer_map: found none, with {student} layers of the student and {teacher} of the teacher, expected one, "
            "as the first do not divide the second; state the teacher's layer for each of the student's",
            field="layer_map",
        )
    return tuple(range(teacher // student, teacher + 1, teacher // student))


def hidden_state_loss(
    student: Layers,
    teacher: Layers,
    layers: Sequence[int],
    mask: torch.Tensor | None = None,
    projections: nn.ModuleList | None = None,
) -> torch.Tensor:
    """Sum over layers, the embeddings among them, of mean squared differences of hidden states; [batch].

    Args:
        student: Hidden states 0 to M, each [batch, positions, width].
        teacher: Hidden states 0 to N, each [batch, positions, teacher's width].
        layers: The teacher's layer for each of the student's layers from 1.
        mask: [batch, positions], True on tokens, or None for all positions.
        projections: One per hidden state of the student, to the teacher's width.
    """
    total = torch.zeros((), device=student[0].device)
    for number, layer in enumerate((0, *layers)):
        ours = student[number] if projections is None else projections[number](student[number])
        total = total + _window_means(((ours.float() - teacher[layer].float()) ** 2).mean(dim=-1), mask)
    return total


def attention_loss(
    student: Layers, teacher: Layers, layers: Sequence[int], mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Sum over layers of mean squared differences of attentions; [batch].

    Args:
        student: Of layers 1 to M, each [batch, heads, positions, positions]: probabilities, or scores in which what
            is masked stands at or below `MASKED_SCORE`.
        teacher: Of layers 1 to N, with as many heads.
        layers: The teacher's layer for each of the student's layers from 1.
        mask: [batch, positions], True on tokens, or None for all pairs of positions.
    """
    pairs = None if mask is None else mask[:, :, None] & mask[:, None, :]
    total = torch.zeros((), device=student[0].device)
    for ours, layer in zip(student, layers, strict=True):
        squared = (_without_masked(ours.float()) - _without_masked(teacher[layer - 1].float())) ** 2
        total = total + _window_means(squared.mean(dim=1), pairs)
    return total


def make_projections(student: PreTrainedModel, teacher: PreTrainedModel) -> nn.ModuleList | None:
    """A linear map without bias for each hidden state of the student, None where widths are equal.

    Their weights come from torch's current random state; they train with the student and are not saved with it.
    haystack 1.x made such maps after the optimizer, so that they never learned, and took the last one for all.
    """
    ours, theirs = int(student.config.hidden_size), int(teacher.config.hidden_size)
    if ours == theirs:
        return None
    return nn.ModuleList(nn.Linear(ours, theirs, bias=False) for _ in range(count_layers(student) + 1))


def prepare_student(student: PreTrainedModel, teacher: PreTrainedModel, stage: Stage) -> None:
    """Make a student show what its teacher's is compared with, and add projections where widths differ."""
    check_pair(student, teacher)
    expose_attention(student, stage.attention_target)
    projections = make_projections(student, teacher)
    if projections is not None:
        student.add_module(PROJECTIONS, projections)
    if stage.kind == "distil_hidden":  # nothing reaches the head, and what has no gradient must not decay
        for module in (getattr(student, "qa_outputs", None), getattr(student.base_model, "pooler", None)):
            if module is not None:
                module.requires_grad_(False)


def strip(student: PreTrainedModel) -> None:
    """Undo `prepare_student` after the training."""
    if hasattr(student, PROJECTIONS):
        delattr(student, PROJECTIONS)
    if student.config._attn_implementation == SCORES:
        student.set_attn_implementation("eager")


def count_layers(model: PreTrainedModel) -> int:
    """Layers of the encoder."""
    return int(model.config.num_hidden_layers)


def check_pair(student: PreTrainedModel, teacher: PreTrainedModel) -> None:
    """Raise `RecipeError` unless both have as many attention heads."""
    ours, theirs = student.config.num_attention_heads, teacher.config.num_attention_heads
    if ours != theirs:
        raise RecipeError(
            f"student: found {ours} attention heads, expected the {theirs} of the teacher, as attentions are compared "
            "head by head; choose another student",
            field="student",
        )


def expose_attention(model: PreTrainedModel, target: str) -> None:
    """Make a model give out its attentions: ``probabilities`` after dropout, or ``scores`` before softmax."""
    model.set_attn_implementation("eager" if target == "probabilities" else SCORES)


def _window_means(values: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Means over all but the first dimension, [batch]."""
    if mask is None:
        return values.flatten(1).mean(dim=1)
    return (values * mask).flatten(1).sum(dim=1) / mask.flatten(1).sum(dim=1)


def _without_masked(attention: torch.Tensor) -> torch.Tensor:
    return torch.where(attention <= MASKED_SCORE, torch.zeros_like(attention), attention)


def _attend_with_scores(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention of [batch, heads, positions, width] that gives out its scores, the mask added.

    Returns:
        [batch, positions, heads, width] and [batch, heads, positions, positions].
    """
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = torch.matmul(query, key.transpose(2, 3)) * scale
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = nn.functional.dropout(scores.softmax(dim=-1), p=dropout, training=module.training)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), scores


AttentionInterface.register(SCORES, _attend_with_scores)
AttentionMaskInterface.register(SCORES, eager_mask)
