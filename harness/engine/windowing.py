"""How a question and its context are cut into windows, one such window, and all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from harness.errors import ModelError, RecipeError
from harness.records import Decoding, Question, Stage
from harness.records.recipes import Protocol, Stride
from harness.spans import Windows


@dataclass(frozen=True, slots=True)
class Windowing:
    """How a question and its context are cut into windows; all lengths in tokens."""

    max_seq_len: int
    doc_stride: int
    """See `doc_stride_is`."""
    max_query_length: int | None
    """None for no limit."""
    protocol: Protocol = "run_qa"
    doc_stride_is: Stride = "overlap"
    """Whether `doc_stride` is the overlap of two neighbouring windows or the step from one to the next."""
    lower_case: bool = False
    """Lower-case question and context before they are tokenized."""
    space_words: bool = True
    """Under ``run_squad``: tokenize each word of the context as one that follows a blank."""

    @classmethod
    def of(cls, source: Decoding | Stage) -> Windowing:
        """The windows that a decoding asks for, or a stage of training."""
        return cls(
            source.max_seq_len,
            source.doc_stride,
            source.max_query_length,
            source.protocol,
            source.doc_stride_is,
            source.lower_case,
            source.space_words,
        )

    @classmethod
    def of_stage(cls, stage: Stage) -> Windowing:
        """The windows that a stage of training asks for."""
        return cls.of(stage)

    def find_step(self, room: int) -> int:
        """Context tokens from the start of a window to that of the next, where a window has room for so many.

        It may be less than 1, or leave gaps between windows: `check_room` refuses such lengths.
        """
        return self.doc_stride if self.doc_stride_is == "step" else room - self.doc_stride

    def check_room(self, question_id: str, length: int, special: int) -> None:
        """Raise `RecipeError` where `length` question tokens and `special` ones leave too little for the context."""
        room = self.max_seq_len - length - special
        if self.doc_stride_is == "step":
            fits = room >= max(1, self.doc_stride)
            expected = f"at least doc_stride {self.doc_stride}, the step of windows, and 1"
        else:
            fits = room > self.doc_stride
            expected = f"more than doc_stride {self.doc_stride}"
        if not fits:
            raise RecipeError(
                f"question {question_id}: max_seq_len {self.max_seq_len} less {length} question and {special} special "
                f"tokens leaves {room} for the context, expected {expected}; "
                "raise max_seq_len, or lower doc_stride or max_query_length",
                field="max_seq_len",
            )


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
    label: tuple[int, int] | None = None
    """See `Features.labels`; None where the protocol does not say."""


@dataclass(frozen=True, slots=True, eq=False)
class Features(Windows):
    """All windows of some questions, unpadded and end to end in flat arrays."""

    ids: NDArray[np.int32]
    """[tokens]"""
    types: NDArray[np.int32] | None
    """[tokens]: segment of each token; None for models without segments."""
    labels: NDArray[np.int32] | None = field(default=None, kw_only=True)
    """[windows, 2]: under ``run_squad`` first and last token of the answer, found while tokenizing, CLS for none.

    `LEFT_OUT` twice where the era left the question out of training, also under ``farm``; `MISPLACED` where the answer
    lies outside the context."""


LEFT_OUT = -1
MISPLACED = -2


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The special tokens around question and context, where the question comes first."""

    before: list[int]
    between: list[int]
    after: list[int]
    types: list[int]
    """Segments of: before, question, between, context, after."""

    @property
    def count(self) -> int:
        """Special tokens in all."""
        return len(self.before) + len(self.between) + len(self.after)

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, protocol: Protocol) -> Frame:
        """Read the special tokens off the encoding of a pair of words.

        Raises:
            ModelError: the tokenizer does not begin with CLS and the question, or pads on the left.
        """
        encoding = tokenizer("a", "a", return_attention_mask=False).encodings[0]
        ids, types, sequences = encoding.ids, encoding.type_ids, encoding.sequence_ids
        first, second = [[i for i, s in enumerate(sequences) if s == wanted] for wanted in (0, 1)]
        if not first or not second or first[0] == 0 or first[0] > second[0] or ids[0] != tokenizer.cls_token_id:
            raise ModelError(
                f"tokenizer: found no CLS token before the question, which the {protocol} protocol expects as the "
                "first token; use the protocol run_qa"
            )
        if tokenizer.padding_side != "right":
            raise ModelError(
                f"tokenizer: found one that pads on the left, the {protocol} protocol expects one that pads on the "
                "right; use the protocol run_qa"
            )
        return cls(
            before=ids[: first[0]],
            between=ids[first[-1] + 1 : second[0]],
            after=ids[second[-1] + 1 :],
            types=[types[0], types[first[0]], types[second[0] - 1], types[second[0]], types[-1]],
        )

    def slide(
        self,
        owner: int,
        asked: Sequence[int],
        ids: NDArray[np.int32],
        characters: NDArray[np.int32],
        room: int,
        step: int,
    ) -> Iterator[Window]:
        """Windows over the tokens of a context, one every `step` tokens until one reaches the end; one at least."""
        head = [*self.before, *asked, *self.between]
        head_types = np.repeat(self.types[:3], [len(self.before), len(asked), len(self.between)])
        for first in range(0, max(1, len(ids) - room + step), step):
            part = ids[first : first + room]
            low, high = len(head), len(head) + len(part)
            places = np.zeros((high + len(self.after), 2), dtype=np.int32)
            places[low:high] = characters[first : first + room]
            tail_types = np.repeat(self.types[3:], [len(part), len(self.after)])
            yield Window(
                np.concatenate([head, part, self.after]).astype(np.int32),
                np.concatenate([head_types, tail_types]).astype(np.int32),
                places,
                owner,
                (low, high),
                0,
            )


def is_line(question: Question) -> bool:
    """Whether this is a line of plain text to train on, which stands in the context, with no question."""
    return question.kind == "text" and not question.question


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> Sequence[Any]:
    """The texts' encodings, each text alone and without special tokens."""
    if not texts:
        return ()
    encodings: Sequence[Any] = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False).encodings
    return encodings


def lower_letters(tokenizer: PreTrainedTokenizerBase, text: str, *, same_length: bool) -> str:
    """The text in lower case but for the special tokens written in it, letter by letter as transformers 3 did.

    Args:
        tokenizer: Its special tokens stay as they are.
        text: Any text.
        same_length: Cut what one letter becomes to one letter, so that characters keep their places.
    """
    special = "|".join(re.escape(token) for token in tokenizer.all_special_tokens)
    parts = re.split(f"({special})", text) if special else [text]
    lowered = "".join(part if i % 2 else "".join(map(str.lower, part)) for i, part in enumerate(parts))
    if same_length and len(lowered) != len(text):
        return "".join(part if i % 2 else "".join(c.lower()[0] for c in part) for i, part in enumerate(parts))
    return lowered


def find_cls(ids: Sequence[int], sequences: Sequence[int | None], cls_id: int) -> int:
    """Position of the CLS token that the tokenizer set, not of one written in the text."""
    for position in (0, len(ids) - 1):
        if ids[position] == cls_id and sequences[position] is None:
            return position
    raise ModelError("tokenizer: found no CLS token at either end of a window, expected one; use an encoder model")
