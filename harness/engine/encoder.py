"""Encoders of the BERT family on a CPU, over windows that lie end to end: no padding, no mask.

Linear layers and norms see all tokens of a batch as one matrix; attention runs over the windows of one length at a
time. Bias, GELU and residual are applied while a product is in the processor's cache, by the oneDNN operators that
torch's own compiler uses (``torch.ops.mkldnn._linear_pointwise``), so that nothing has to be compiled.

The models are those of transformers: their weights are taken, and an encoder is used only if it gives the same logits
as the model it is taken from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.activations import GELUActivation

_FAMILY = frozenset({"bert", "camembert", "data2vec-text", "electra", "ernie", "roberta", "xlm-roberta"})
"""Model types that do to a long input what they do to the short ones on which an encoder is compared; Longformer, with
layers of the same names, does not."""
_GELU = (GELUActivation, nn.GELU)
_ROWS = 16
"""Batches are filled up to a multiple of so many rows, since oneDNN makes code of its own for every number of rows."""
_PROBED = (5, 5, 9)
"""Lengths of the windows on which an encoder is compared with its model."""
_TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.1}
"""Largest difference of two logits there, relative to the largest logit."""


class Linear:
    """A linear layer with what follows it, for inference."""

    def __init__(self, layers: Sequence[nn.Linear], *, gelu: bool = False) -> None:
        """Take one layer, or several on the same input as one."""
        weight = torch.cat([layer.weight.detach() for layer in layers])
        self._bias = torch.cat([layer.bias.detach() for layer in layers])
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, None)
        self._activation: tuple[str, list[float], str] = ("gelu", [], "none") if gelu else ("none", [], "")

    def __call__(self, x: torch.Tensor, residual: torch.Tensor | None = None) -> torch.Tensor:
        """[tokens, in] to [tokens, out]; `residual` is added to the product."""
        operator = torch.ops.mkldnn._linear_pointwise
        if residual is None:
            y: torch.Tensor = operator(x, self._weight, self._bias, *self._activation)
        else:
            y = operator.binary(x, residual, self._weight, self._bias, "add")
        return y


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    attention: Linear
    """Query, key and value."""
    attention_output: Linear
    attention_norm: nn.LayerNorm
    intermediate: Linear
    output: Linear
    output_norm: nn.LayerNorm

    @classmethod
    def of(cls, layer: Any) -> _Layer:
        inside = layer.attention.self
        if not isinstance(layer.intermediate.intermediate_act_fn, _GELU):
            raise TypeError("another activation")
        return cls(
            attention=Linear([inside.query, inside.key, inside.value]),
            attention_output=Linear([layer.attention.output.dense]),
            attention_norm=layer.attention.output.LayerNorm,
            intermediate=Linear([layer.intermediate.dense], gelu=True),
            output=Linear([layer.output.dense]),
            output_norm=layer.output.LayerNorm,
        )


class PackedEncoder:
    """Start and end logits of windows that lie end to end."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Take a model's weights; raises `AttributeError` or `TypeError` where it is not of the BERT family."""
        body: Any = getattr(model, model.base_model_prefix)
        self._words = body.embeddings.word_embeddings
        self._positions = body.embeddings.position_embeddings
        self._types = body.embeddings.token_type_embeddings
        self._norm = body.embeddings.LayerNorm
        self._project = getattr(body, "embeddings_project", None)
        self._heads = int(model.config.num_attention_heads)
        self._layers = [_Layer.of(layer) for layer in body.encoder.layer]
        self._head = model.get_submodule("qa_outputs")
        self._padding = self._positions.padding_idx

    @classmethod
    def of(cls, model: PreTrainedModel) -> PackedEncoder | None:
        """The encoder of a model on a CPU, taken out of it, or None where it does not give that model's logits."""
        if (
            model.config.model_type not in _FAMILY
            or model.dtype not in _TOLERANCE
            or not torch.backends.mkldnn.is_available()
        ):
            return None
        ids = _some_ids(model, sum(_PROBED))
        try:
            encoder = cls(model)
            found = encoder(ids, None, _PROBED)
        except (AttributeError, TypeError, RuntimeError, NotImplementedError):
            return None  # another architecture, or another torch: no such operator, or other arguments
        wanted = []
        with torch.inference_mode():
            for window in ids.split(_PROBED):
                output = model(input_ids=window[None], attention_mask=torch.ones_like(window[None]))
                wanted.append(torch.stack([output.start_logits[0], output.end_logits[0]], dim=-1).float())
        logits = torch.cat(wanted)
        bound = _TOLERANCE[model.dtype] * max(1.0, float(logits.abs().max()))
        if not torch.allclose(found, logits, rtol=0, atol=bound, equal_nan=True):
            return None
        body: Any = getattr(model, model.base_model_prefix)
        body.encoder = nn.Identity()  # the weights are here twice otherwise
        return encoder

    def __call__(self, ids: torch.Tensor, types: torch.Tensor | None, lengths: Sequence[int]) -> torch.Tensor:
        """Logits [tokens, 2] in single precision.

        Args:
            ids: [tokens], window after window.
            types: [tokens]; None for segment 0 everywhere.
            lengths: Tokens of each window; those of one length are read together where they follow each other.
        """
        with torch.inference_mode():
            spare = -len(ids) % _ROWS
            x = functional.pad(self._embed(ids, types, lengths), (0, 0, 0, spare))
            groups = _groups(lengths)
            for layer in self._layers:
                attended = self._attend(layer.attention(x), groups, spare)
                x = layer.attention_norm(layer.attention_output(attended, x))
                x = layer.output_norm(layer.output(layer.intermediate(x), x))
            logits: torch.Tensor = functional.linear(
                x[: len(ids)].to(self._head.weight.dtype), self._head.weight, self._head.bias
            )
            return logits.float()

    def _embed(self, ids: torch.Tensor, types: torch.Tensor | None, lengths: Sequence[int]) -> torch.Tensor:
        if self._padding is None:
            positions = torch.cat([torch.arange(length) for length in lengths])
        else:  # RoBERTa-type models number no position for padding, which a text may contain
            counted = (ids != self._padding).int()
            positions = torch.cat([part.cumsum(0) for part in counted.split(list(lengths))]) * counted + self._padding
        segments = self._types.weight[0] if types is None else self._types(types)
        x: torch.Tensor = self._norm(self._words(ids) + segments + self._positions(positions))
        return x if self._project is None else self._project(x)

    def _attend(self, mixed: torch.Tensor, groups: Sequence[tuple[int, int]], spare: int) -> torch.Tensor:
        """[rows, 3 * width] of query, key and value to [rows, width]; spare rows come last and attend to nothing."""
        found = []
        *parts, rest = mixed.split([*(c * n for c, n in groups), spare])
        for part, (count, length) in zip(parts, groups, strict=True):
            query, key, value = part.view(count, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            attended = functional.scaled_dot_product_attention(query, key, value)
            found.append(attended.transpose(1, 2).reshape(count * length, -1))
        return torch.cat([*found, rest[:, : rest.shape[1] // 3]])


def _groups(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """How many windows of one length follow each other, and that length."""
    groups: list[tuple[int, int]] = []
    for length in lengths:
        count = groups.pop()[0] if groups and groups[-1][1] == length else 0
        groups.append((count + 1, length))
    return groups


def _some_ids(model: PreTrainedModel, count: int) -> torch.Tensor:
    rows = int(model.get_input_embeddings().get_parameter("weight").shape[0])
    return (torch.arange(count) * 7 + 5) % rows
