"""What sets some architectures apart: inputs that they need, and what padding and earlier inputs do to them."""

from __future__ import annotations

import inspect
from threading import Lock
from typing import Any

import torch
from transformers import PreTrainedModel

PADDED = frozenset(
    {
        *("albert", "bart", "bert", "camembert", "data2vec-text", "deberta", "deberta-v2", "distilbert", "electra"),
        *("ernie", "ibert", "led", "longformer", "megatron-bert", "modernbert", "mpnet", "mvp", "rembert", "roberta"),
        *("roberta-prelayernorm", "splinter", "squeezebert", "xlm-roberta", "xlm-roberta-xl", "xlnet", "xmod"),
    }
)
"""Model types whose tokens do not notice padding on the right; tested for each. Of others, convolutions (ConvBERT,
Nystromformer), trigrams of embeddings (MobileBERT), pooling (Funnel), blocks (BigBird) or the lack of a mask (FNet,
YOSO) let it in."""
_STATELESS = PADDED | {"convbert", "fnet", "mobilebert", "nystromformer", "yoso"}
"""Model types whose forwards may overlap; Funnel and BigBird keep notes on an input in the model."""
_FOREIGN = {
    "bbox": "the places of words on a page",
    "xpath_tags_seq": "the places of words in a web page",
    "visual_feats": "pictures",
    "input_shape_ids": "the shapes of characters",
}
"""Inputs without which a model gives numbers that mean nothing."""


def find_obstacle(model: PreTrainedModel) -> str | None:
    """Why the model cannot answer from a question and a context of any length; None where it can."""
    config = model.config
    taken = inspect.signature(model.forward).parameters
    needed = [what for name, what in _FOREIGN.items() if name in taken]
    if needed:
        return f"a {config.model_type} model, which reads {needed[0]} beside the text"
    match config.model_type:
        case "mra":
            return "a mra model, whose attention is zero without a CUDA kernel that transformers does not bring"
        case "yoso" if not config.use_expectation:
            return "a yoso model with use_expectation off, whose attention is random and needs a CUDA kernel"
        case "nystromformer" if config.num_landmarks != config.segment_means_seq_len:
            return (
                f"a nystromformer model with num_landmarks {config.num_landmarks} and segment_means_seq_len "
                f"{config.segment_means_seq_len}, which reads inputs of exactly that length"
            )
        case "xmod" if config.default_language is None:
            return "a xmod model without default_language, which does not know whose adapter to use"
    return None


def adapt(model: PreTrainedModel) -> None:
    """Make a forward a function of its inputs alone, where the architecture's own is not or fails on odd text."""
    if model.config.model_type == "longformer":
        model.register_forward_pre_hook(_attend_to_question, with_kwargs=True)
    if model.config.model_type not in _STATELESS:
        _read_one_by_one(model)


def notices_padding(model: PreTrainedModel) -> bool:
    """Whether padding may change the logits of other tokens, so that a batch must have windows of one length."""
    return model.config.model_type not in PADDED


def _read_one_by_one(model: PreTrainedModel) -> None:
    """Let threads wait for each other, and each find the model as it was loaded."""
    lock = Lock()

    def enter(model: PreTrainedModel, inputs: tuple[Any, ...]) -> None:
        lock.acquire()
        if model.config.model_type == "big_bird":  # goes over to full attention at a short input, and would stay there
            model.bert.set_attention_type(model.config.attention_type)

    model.register_forward_pre_hook(enter)
    model.register_forward_hook(lambda model, inputs, output: lock.release(), always_call=True)


def _attend_to_question(
    model: PreTrainedModel, inputs: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Longformer gives the question global attention, but fails where a text has a separator of its own."""
    ids = named.get("input_ids")
    if ids is not None and named.get("global_attention_mask") is None:
        end = (ids == model.config.sep_token_id).int().argmax(dim=1, keepdim=True)
        named["global_attention_mask"] = torch.arange(ids.shape[1], device=ids.device)[None, :] < end
    return inputs, named
