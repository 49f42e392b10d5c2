"""Questions to windows of tokens, tokens back to characters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from harness.engine.farm_windows import farm_windows
from harness.engine.labels import answer_place, make_labels
from harness.engine.loading import quiet
from harness.engine.run_squad_windows import describe_pieces, run_squad_windows
from harness.engine.windowing import Features, Window, Windowing, encode, find_cls, is_line, lower_letters
from harness.records import Question

__all__ = [
    "Features",
    "Windowing",
    "answer_place",
    "make_features",
    "make_labels",
]

CHUNK = 1000
"""Questions per call of the tokenizer: enough to use all cores, few enough to keep its own objects small."""


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
    question. By the protocols ``farm`` and ``run_squad``: see `harness.engine.farm_windows` and
    `harness.engine.run_squad_windows`.

    A line of plain text, which has the kind ``text`` and no question, gives one window, of which all is context.

    Args:
        tokenizer: A fast tokenizer.
        questions: Questions with their contexts.
        windowing: Lengths in tokens.
        advance: Called with the number of questions done.

    Raises:
        RecipeError: the lengths leave no room for the context.
        ModelError: the tokenizer sets no CLS token, or not where the protocol has it.
        DataError: a question has no token, under ``run_squad``.
    """
    found: list[Window] = []
    owners: list[int] = []
    with quiet():
        for first in range(0, len(questions), CHUNK):
            chunk = questions[first : first + CHUNK]
            before = len(found)
            found += _cut_chunk(tokenizer, chunk, windowing)
            owners += [first + window.owner for window in found[before:]]
            advance(first + len(chunk))
    empty = np.zeros(0, dtype=np.int32)
    cls = np.array([window.cls for window in found], dtype=np.int32)
    ids = np.concatenate([empty, *(window.ids for window in found)])
    return Features(
        ids=ids,
        types=(
            np.concatenate([empty, *(window.types for window in found)])
            if "token_type_ids" in tokenizer.model_input_names
            else None
        ),
        characters=np.concatenate([empty.reshape(0, 2), *(window.characters for window in found)]),
        bounds=np.cumsum([0, *(len(window.ids) for window in found)], dtype=np.int64),
        question=np.array(owners, dtype=np.int32),
        context=np.array([window.context for window in found], dtype=np.int32).reshape(-1, 2),
        cls=cls,
        pieces=describe_pieces(tokenizer, ids) if windowing.protocol == "run_squad" else None,
        labels=_join_labels(found),
    )


def _join_labels(windows: Sequence[Window]) -> NDArray[np.int32] | None:
    if all(window.label is None for window in windows):
        return None
    labels = [(window.cls, window.cls) if window.label is None else window.label for window in windows]
    return np.array(labels, dtype=np.int32)


def _cut_chunk(tokenizer: PreTrainedTokenizerBase, chunk: Sequence[Question], windowing: Windowing) -> Sequence[Window]:
    """The windows of some questions in their order, be they questions or lines of plain text."""
    cut = {"run_qa": _run_qa_windows, "farm": farm_windows, "run_squad": run_squad_windows}[windowing.protocol]
    lines = [i for i, question in enumerate(chunk) if is_line(question)]
    if not lines:
        return list(cut(tokenizer, chunk, windowing))
    asked = [i for i, question in enumerate(chunk) if not is_line(question)]
    found = list(_line_windows(tokenizer, [chunk[i].context for i in lines], windowing))
    places = [lines[window.owner] for window in found]
    if asked:
        others = list(cut(tokenizer, [chunk[i] for i in asked], windowing))
        found += others
        places += [asked[window.owner] for window in others]
    moved = [replace(window, owner=place) for window, place in zip(found, places, strict=True)]
    return sorted(moved, key=lambda window: window.owner)


def _line_windows(tokenizer: PreTrainedTokenizerBase, texts: list[str], windowing: Windowing) -> Iterator[Window]:
    """One window of each line of text, cut off where it is too long."""
    batch = tokenizer(
        _lowered(tokenizer, texts, windowing),
        truncation=True,
        max_length=windowing.max_seq_len,
        return_attention_mask=False,
        padding=False,
    )
    for owner, encoding in enumerate(batch.encodings):
        yield _window(encoding, owner, 0, tokenizer.cls_token_id)


def _lowered(tokenizer: PreTrainedTokenizerBase, texts: list[str], windowing: Windowing) -> list[str]:
    if not windowing.lower_case:
        return texts
    return [lower_letters(tokenizer, text, same_length=True) for text in texts]


def _run_qa_windows(
    tokenizer: PreTrainedTokenizerBase, chunk: Sequence[Question], windowing: Windowing
) -> Iterator[Window]:
    sequence = 1 if tokenizer.padding_side == "right" else 0
    for encoding, owner in _encode_windows(tokenizer, chunk, windowing):
        yield _window(encoding, owner, sequence, tokenizer.cls_token_id)


def _encode_windows(
    tokenizer: PreTrainedTokenizerBase, chunk: Sequence[Question], windowing: Windowing
) -> list[tuple[Any, int]]:
    """The tokenizer's encoding of every window as ``run_qa`` cuts them, and the index of its question."""
    texts, rooms = _cut_questions(tokenizer, chunk, windowing)
    contexts = _lowered(tokenizer, [question.context for question in chunk], windowing)
    context_second = tokenizer.padding_side == "right"
    groups: dict[int, list[int]] = {}  # the tokenizer takes one overlap a call
    for i, room in enumerate(rooms):
        groups.setdefault(room - windowing.find_step(room), []).append(i)
    found: list[tuple[Any, int]] = []
    for overlap, members in groups.items():
        asked, read = [texts[i] for i in members], [contexts[i] for i in members]
        batch = tokenizer(
            asked if context_second else read,
            read if context_second else asked,
            truncation="only_second" if context_second else "only_first",
            max_length=windowing.max_seq_len,
            stride=overlap,
            return_overflowing_tokens=True,
            return_attention_mask=False,
            padding=False,
        )
        owners = (members[i] for i in batch["overflow_to_sample_mapping"])
        found += zip(batch.encodings, owners, strict=True)
    return found if len(groups) == 1 else sorted(found, key=lambda pair: pair[1])


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


def _cut_questions(
    tokenizer: PreTrainedTokenizerBase, chunk: Sequence[Question], windowing: Windowing
) -> tuple[list[str], list[int]]:
    """The questions' texts, stripped on the left and no longer than the limit; and the tokens each leaves room for."""
    special = tokenizer.num_special_tokens_to_add(pair=True)
    texts = _lowered(tokenizer, [question.question.lstrip() for question in chunk], windowing)
    lengths = [len(encoding.ids) for encoding in encode(tokenizer, texts)]
    limit = windowing.max_query_length
    for i, length in enumerate(lengths):
        if limit is not None and length > limit:
            texts[i], lengths[i] = _cut(tokenizer, texts[i], limit)
    longest = max(range(len(chunk)), key=lengths.__getitem__)
    windowing.check_room(chunk[longest].id, lengths[longest], special)
    return texts, [windowing.max_seq_len - length - special for length in lengths]


def _cut(tokenizer: PreTrainedTokenizerBase, text: str, limit: int) -> tuple[str, int]:
    """The longest beginning of `text`, ending with a token, that has at most `limit` tokens; and its tokens."""
    ends = [end for _, end in encode(tokenizer, [text])[0].offsets[:limit]]
    for end in reversed([0, *ends]):  # a text cut inside a word can have more tokens than it had there
        length = len(encode(tokenizer, [text[:end]])[0].ids)
        if length <= limit:
            return text[:end], length
    return "", 0
