"""Questions to windows of tokens, tokens back to characters, answers to token labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from harness.engine.farm_windows import farm_windows
from harness.engine.loading import quiet
from harness.engine.windowing import Window, Windowing, encode, find_cls, no_room
from harness.errors import DataError
from harness.records import Question
from harness.spans import Windows

__all__ = [
    "Features",
    "Windowing",
    "answer_place",
    "make_features",
    "make_labels",
]

CHUNK = 1000
"""Questions per call of the tokenizer: enough to use all cores, few enough to keep its own objects small."""


@dataclass(frozen=True, slots=True, eq=False)
class Features(Windows):
    """All windows of some questions, unpadded and end to end in flat arrays."""

    ids: NDArray[np.int32]
    """[tokens]"""
    types: NDArray[np.int32] | None
    """[tokens]: segment of each token; None for models without segments."""


def make_features(
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[Question],
    windowing: Windowing,
    advance: Callable[[int], None] = lambda done: None,
) -> Features:
    """Cut every question with its context into windows; all windows are kept.

    By the protocol ``run_qa``: question first for tokenizers that pad on the right, context first for those that pad
    on the left. The question is stripped on the left and cut to `max_query_length` tokens; only the context is cut
    into windows. This is what ``run_qa`` of the transformers examples does, except that it has no limit on the
    question. By the protocol ``farm``: see `harness.engine.farm_windows`.

    Args:
        tokenizer: A fast tokenizer.
        questions: Questions with their contexts.
        windowing: Lengths in tokens.
        advance: Called with the number of questions done.

    Raises:
        RecipeError: the lengths leave no room for the context.
        ModelError: the tokenizer sets no CLS token.
    """
    found: list[Window] = []
    owners: list[int] = []
    cut = farm_windows if windowing.protocol == "farm" else _run_qa_windows
    with quiet():
        for first in range(0, len(questions), CHUNK):
            chunk = questions[first : first + CHUNK]
            before = len(found)
            found += cut(tokenizer, chunk, windowing)
            owners += [first + window.owner for window in found[before:]]
            advance(first + len(chunk))
    empty = np.zeros(0, dtype=np.int32)
    return Features(
        ids=np.concatenate([empty, *(window.ids for window in found)]),
        types=(
            np.concatenate([empty, *(window.types for window in found)])
            if "token_type_ids" in tokenizer.model_input_names
            else None
        ),
        characters=np.concatenate([empty.reshape(0, 2), *(window.characters for window in found)]),
        bounds=np.cumsum([0, *(len(window.ids) for window in found)], dtype=np.int64),
        question=np.array(owners, dtype=np.int32),
        context=np.array([window.context for window in found], dtype=np.int32).reshape(-1, 2),
        cls=np.array([window.cls for window in found], dtype=np.int32),
    )


def make_labels(features: Features, questions: Sequence[Question]) -> NDArray[np.int32]:
    """Label every window with the first and last token of the first reference answer, counted in the window.

    A window of an unanswerable question, or one that does not wholly contain the answer's characters, is labelled
    with its CLS token twice. A question is unanswerable if it has no reference answer.

    Returns:
        [windows, 2]

    Raises:
        DataError: the answer is blank, or the context has other text at its place.
    """
    labels = np.repeat(features.cls[:, None], 2, axis=1)
    places = [answer_place(question) for question in questions]
    count = len(features)
    for window in range(count):
        owner = int(features.question[window])
        place = places[owner]
        low, high = features.context[window].tolist()
        if place is None or low == high:
            continue
        begin = int(features.bounds[window])
        characters = features.characters[begin + low : begin + high]
        # The outermost windows also cover characters that the tokenizer drops at either end of the context.
        opens = window == 0 or features.question[window - 1] != owner
        closes = window + 1 == count or features.question[window + 1] != owner
        if not ((opens or characters[0, 0] <= place[0]) and (closes or place[1] <= characters[-1, 1])):
            continue
        first = int(np.argmax(characters[:, 1] > place[0]))
        last = len(characters) - 1 - int(np.argmax(characters[::-1, 0] < place[1]))
        if first <= last and characters[first, 1] > place[0] and characters[last, 0] < place[1]:
            labels[window] = low + first, low + last
    return labels


def answer_place(question: Question) -> tuple[int, int] | None:
    """First character of the first reference answer and one past its last, without blanks at either end.

    Differences in case and in the kind or number of blanks are let pass, since published data have them.

    Raises:
        DataError: the answer is blank, or the context has other text at its place.
    """
    if not question.answers:
        return None
    answer = question.answers[0]
    start, end = answer.start, answer.start + len(answer.text)
    there = question.context[start:end] if start >= 0 else ""
    if not answer.text.strip() or _loose(there) != _loose(answer.text):
        raise DataError(
            f'question {question.id}: answer "{answer.text[:40]}" at character {answer.start}, where the context has '
            f'"{there[:40]}"; correct answer_start, or leave the answers empty if there is none',
        )
    start += len(there) - len(there.lstrip())
    return start, start + len(there.strip())


def _loose(text: str) -> str:
    return " ".join(text.split()).casefold()


def _encode_windows(
    tokenizer: PreTrainedTokenizerBase, chunk: Sequence[Question], windowing: Windowing
) -> list[tuple[Any, int]]:
    """The tokenizer's encoding of every window as ``run_qa`` cuts them, and the index of its question."""
    texts = _cut_questions(tokenizer, chunk, windowing)
    contexts = [question.context for question in chunk]
    context_second = tokenizer.padding_side == "right"
    batch = tokenizer(
        texts if context_second else contexts,
        contexts if context_second else texts,
        truncation="only_second" if context_second else "only_first",
        max_length=windowing.max_seq_len,
        stride=windowing.doc_stride,
        return_overflowing_tokens=True,
        return_attention_mask=False,
        padding=False,
    )
    return list(zip(batch.encodings, batch["overflow_to_sample_mapping"], strict=True))


def _run_qa_windows(
    tokenizer: PreTrainedTokenizerBase, chunk: Sequence[Question], windowing: Windowing
) -> Iterator[Window]:
    sequence = 1 if tokenizer.padding_side == "right" else 0
    for encoding, owner in _encode_windows(tokenizer, chunk, windowing):
        yield _window(encoding, owner, sequence, tokenizer.cls_token_id)


def _window(encoding: Any, owner: int, sequence: int, cls_id: int) -> Window:
    ids, sequences = encoding.ids, encoding.sequence_ids
    low = sequences.index(sequence) if sequence in sequences else 0
    high = len(sequences) - sequences[::-1].index(sequence) if sequence in sequences else 0
    characters = np.zeros((len(ids), 2), dtype=np.int32)
    if high > low:
        characters[low:high] = encoding.offsets[low:high]
    types = np.array(encoding.type_ids, dtype=np.int32)
    cls = find_cls(ids, sequences, cls_id)
    return Window(np.array(ids, dtype=np.int32), types, characters, owner, (low, high), cls)


def _cut_questions(tokenizer: PreTrainedTokenizerBase, chunk: Sequence[Question], windowing: Windowing) -> list[str]:
    """The questions' texts, stripped on the left and no longer than the limit."""
    special = tokenizer.num_special_tokens_to_add(pair=True)
    texts = [question.question.lstrip() for question in chunk]
    lengths = [len(encoding.ids) for encoding in encode(tokenizer, texts)]
    for i, length in enumerate(lengths):
        if length > windowing.max_query_length:
            texts[i], lengths[i] = _cut(tokenizer, texts[i], windowing.max_query_length)
    longest = max(range(len(chunk)), key=lengths.__getitem__)
    room = windowing.max_seq_len - lengths[longest] - special
    if room <= windowing.doc_stride:
        expected = f"more than doc_stride {windowing.doc_stride}"
        raise no_room(chunk[longest].id, windowing, lengths[longest], special, expected)
    return texts


def _cut(tokenizer: PreTrainedTokenizerBase, text: str, limit: int) -> tuple[str, int]:
    """The longest beginning of `text`, ending with a token, that has at most `limit` tokens; and its tokens."""
    ends = [end for _, end in encode(tokenizer, [text])[0].offsets[:limit]]
    for end in reversed([0, *ends]):  # a text cut inside a word can have more tokens than it had there
        length = len(encode(tokenizer, [text[:end]])[0].ids)
        if length <= limit:
            return text[:end], length
    return "", 0
