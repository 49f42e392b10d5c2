"""How many windows a stage's data come to, without tokenizing them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.data import EMBEDDED, given_key, load_training_data, parse_split, slice_rows
from harness.names import canonical_data, split_size
from harness.records import DataRef, Question
from harness.text_lines import is_text


class Windowed(Protocol):
    """What of a stage or a decoding says how windows are cut."""

    @property
    def max_seq_len(self) -> int: ...
    @property
    def doc_stride(self) -> int: ...
    @property
    def doc_stride_is(self) -> str: ...
    @property
    def max_query_length(self) -> int | None: ...


Lengths = tuple[tuple[float, float], ...]
"""Share of the questions, and tokens of their context."""

_TAIL = ((0.01, 300.0), (0.01, 318.0), (0.01, 348.0), (0.01, 394.0), (0.005, 505.0), (0.005, 700.0))
_SQUAD_VALIDATION: Lengths = (
    *((0.05, float(n)) for n in (77, 99, 107, 113, 117, 121, 126, 132, 138, 144, 151, 158, 166, 174, 184, 197)),
    *((0.05, float(n)) for n in (212, 235, 269)),
    *_TAIL,
)
"""Quantiles of dev-v2.0 in BERT's word pieces; byte-level BPE gives about as many."""
_TRAIN_SHARE = 0.92
"""Contexts of train-v2.0 are shorter by this factor: 384 tokens and step 128 then give the known 132,500 windows."""
_QUERY_TOKENS = 12.3
"""Of a question of SQuAD, on average."""
_SPECIAL_TOKENS = 4
_PIECES = 1.09
"""Tokens of a word or mark."""
_CONTEXT_WORDS, _CONTEXT_BYTES, _CHARACTERS = 150.0, 804.0, 5.36
"""Of a paragraph of dev-v2.0, on average; the last for each of its words."""
_PARAGRAPHS = {
    ("squad_v2", "train"): 19_035,
    ("squad_v2", "validation"): 1_204,
    ("squad", "train"): 18_896,
    ("squad", "validation"): 2_067,
}
_QUESTIONS_PER_PARAGRAPH = 5
_SAMPLE = 2000


@dataclass(frozen=True, slots=True)
class DataSize:
    """The size of data, counted or estimated."""

    questions: int | None
    """Or lines of text; None where nothing tells."""
    windows: int | None
    tokens: float
    """Of a window, without padding, on average."""
    paragraphs: int | None
    words: float
    """Words and marks of a paragraph, on average."""
    bytes: float
    """Of a paragraph's text, on average."""
    how: str
    """Where the numbers come from, in words."""


def data_size(refs: Sequence[DataRef], cut: Windowed, uses: Mapping[str, Path]) -> DataSize:
    """The size of several data sets together.

    Raises:
        DataError: a file that is given cannot be read.
    """
    parts = [_size(ref, cut, uses) for ref in refs]
    known = [part for part in parts if part.windows is not None]
    if len(parts) == 1:
        return parts[0]
    if not parts or len(known) < len(parts):
        how = "; ".join(part.how for part in parts) or "no data stated"
        tokens, words, size = _typical(cut)
        return DataSize(None, None, tokens, None, words, size, how)
    windows = sum(part.windows or 0 for part in parts)
    paragraphs = sum(part.paragraphs or 0 for part in parts)
    return DataSize(
        questions=sum(part.questions or 0 for part in parts),
        windows=windows,
        tokens=sum(part.tokens * (part.windows or 0) for part in parts) / max(1, windows),
        paragraphs=paragraphs,
        words=sum(part.words * (part.paragraphs or 0) for part in parts) / max(1, paragraphs),
        bytes=sum(part.bytes * (part.paragraphs or 0) for part in parts) / max(1, paragraphs),
        how="; ".join(part.how for part in parts),
    )


def count_windows(lengths: Lengths, query: float, cut: Windowed) -> tuple[float, float]:
    """Windows of a question, and tokens of a window, both on average.

    Args:
        lengths: Of the contexts, in tokens; the shares add up to 1.
        query: Tokens of a question.
        cut: How windows are cut.
    """
    around = min(query, cut.max_query_length or query) + _SPECIAL_TOKENS
    room = max(1.0, cut.max_seq_len - around)
    step = max(1.0, cut.doc_stride if cut.doc_stride_is == "step" else room - cut.doc_stride)
    windows = tokens = 0.0
    for share, length in lengths:
        count = 1 + max(0, -int((room - length) // step))
        windows += share * count
        tokens += share * min(length + (count - 1) * max(0.0, room - step) + count * around, count * cut.max_seq_len)
    return windows, tokens / windows


def _size(ref: DataRef, cut: Windowed, uses: Mapping[str, Path]) -> DataSize:
    if ref.name == EMBEDDED or given_key(ref, uses) is not None:
        questions, _ = load_training_data(ref, uses)
        return _at_hand(questions, cut, f"{ref}: its {len(questions):,} questions or lines, lengths from a sample")
    published, split = split_size(ref), parse_split(ref)
    chosen = None if published is None else slice_rows(split, published.n)
    if published is None or chosen is None:
        tokens, words, size = _typical(cut)
        return DataSize(
            None, None, tokens, None, words, size, f"{ref}: size unknown; give it with --use {ref.name}=PATH"
        )
    n = len(chosen)
    windows, tokens = count_windows(_published_lengths(ref), _QUERY_TOKENS, cut)
    name = canonical_data(ref).name
    whole = _PARAGRAPHS.get((name, split["name"]))
    paragraphs = (
        -(-n // _QUESTIONS_PER_PARAGRAPH) if whole is None else -(-whole * n // published.n if published else 1)
    )
    factor = _TRAIN_SHARE if split["name"] == "train" else 1.0
    like = "" if name.startswith("squad") else ", taken to be as long as SQuAD's"
    how = f"{ref}: {n:,} published questions, windows from the lengths of their contexts{like}"
    return DataSize(n, round(n * windows), tokens, paragraphs, factor * _CONTEXT_WORDS, factor * _CONTEXT_BYTES, how)


def _paragraphs(name: str, split: str, questions: int, whole: int) -> int:
    """Of a part of a published split, which has so many questions as a whole."""
    known = _PARAGRAPHS.get((name, split))
    return -(-questions // _QUESTIONS_PER_PARAGRAPH) if known is None else -(-known * questions // whole)


def _typical(cut: Windowed) -> tuple[float, float, float]:
    """Tokens of a window, words and bytes of a paragraph, of SQuAD's training data."""
    _, tokens = count_windows(_scaled(_SQUAD_VALIDATION, _TRAIN_SHARE), _QUERY_TOKENS, cut)
    return tokens, _TRAIN_SHARE * _CONTEXT_WORDS, _TRAIN_SHARE * _CONTEXT_BYTES


def _published_lengths(ref: DataRef) -> Lengths:
    return _scaled(_SQUAD_VALIDATION, _TRAIN_SHARE) if ref.split.startswith("train") else _SQUAD_VALIDATION


def _scaled(lengths: Lengths, factor: float) -> Lengths:
    return tuple((share, factor * length) for share, length in lengths)


def _at_hand(questions: Sequence[Question], cut: Windowed, how: str) -> DataSize:
    chosen = [questions[i] for i in range(0, len(questions), -(-len(questions) // _SAMPLE))]
    words = [_count_words(q.context) for q in chosen]
    lengths = tuple((1 / len(chosen), _PIECES * n) for n in words)
    windows, tokens = count_windows(lengths, _PIECES * _mean(_count_words(q.question) for q in chosen), cut)
    if is_text(questions):  # a line is a window, what is too long is cut off
        windows, tokens = 1.0, _mean(min(length + _SPECIAL_TOKENS, cut.max_seq_len) for _, length in lengths)
    n = len(questions)
    distinct = len({q.context for q in questions[:_SAMPLE]})
    paragraphs = -(-n * distinct // min(n, _SAMPLE))
    size = _mean(len(q.context.encode("utf-8", "surrogatepass")) for q in chosen)
    return DataSize(n, round(n * windows), tokens, paragraphs, _mean(words), size, how)


def _count_words(text: str) -> int:
    return len(re.findall(r"\w+|[^\w\s]", text))


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / max(1, len(found))
