"""How a question and its context are cut into windows, and one such window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from harness.errors import ModelError, RecipeError
from harness.records import Decoding
from harness.records.recipes import Protocol


@dataclass(frozen=True, slots=True)
class Windowing:
    """How a question and its context are cut into windows; all lengths in tokens."""

    max_seq_len: int
    doc_stride: int
    """Overlap of two neighbouring windows of one context; under ``farm`` the step from one to the next."""
    max_query_length: int
    protocol: Protocol = "run_qa"

    @classmethod
    def of(cls, decoding: Decoding) -> Windowing:
        """The windows that a decoding asks for."""
        return cls(decoding.max_seq_len, decoding.doc_stride, decoding.max_query_length, decoding.protocol)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The tokens of one window, before it joins the others."""

    ids: NDArray[np.int32]
    types: NDArray[np.int32]
    characters: NDArray[np.int32]
    """[tokens, 2]"""
    owner: int
    """Index of the question among those cut together."""
    context: tuple[int, int]
    cls: int


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> Sequence[Any]:
    """The texts' encodings, each text alone and without special tokens."""
    encodings: Sequence[Any] = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False).encodings
    return encodings


def no_room(question_id: str, windowing: Windowing, length: int, special: int, expected: str) -> RecipeError:
    """The error for lengths that leave too little room for the context."""
    return RecipeError(
        f"question {question_id}: max_seq_len {windowing.max_seq_len} less {length} question and {special} special "
        f"tokens leaves {windowing.max_seq_len - length - special} for the context, expected {expected}; "
        "raise max_seq_len, or lower doc_stride or max_query_length",
        field="max_seq_len",
    )


def find_cls(ids: Sequence[int], sequences: Sequence[int | None], cls_id: int) -> int:
    """Position of the CLS token that the tokenizer set, not of one written in the text."""
    for position in (0, len(ids) - 1):
        if ids[position] == cls_id and sequences[position] is None:
            return position
    raise ModelError("tokenizer: found no CLS token at either end of a window, expected one; use an encoder model")
