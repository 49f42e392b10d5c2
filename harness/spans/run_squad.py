"""The rule of ``run_squad``, the question-answering example of transformers up to version 3.

In each window the best starts are paired with the best ends; a start counts only in the window that gives it the most
context. The no-answer candidate is the window's CLS position with the lowest score. The text of a span is that of its
whole words, cut down to the text of its tokens where the basic tokenizer can align the two; spans of the same text are
one candidate. Two departures, as from ``run_qa``: padding never takes part, and a question without any candidate is
answered with "" instead of a placeholder.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from harness.records import Decoding
from harness.spans.basic_tokenizer import align, tokenize_basic
from harness.spans.run_qa import find_spans
from harness.spans.windows import Decoded, WindowLogits

WORD = re.compile("[^ \t\r\n\u202f]+")
"""A word of a context, as this protocol parts them."""

Place = tuple[int, int]
Logits = NDArray[np.float64]
Spans = NDArray[np.int64]
"""[spans, 3]: number of the window, first token, last token."""


def decode_run_squad(context: str, windows: tuple[WindowLogits, ...], decoding: Decoding) -> Decoded:
    """Choose the answer to one question.

    Candidates rank as under ``run_qa``, those of one text where the best of them stands. The no-answer candidate is
    always among the candidates returned, in forced-answer mode never.
    """
    spans, logits = find_candidates(windows, decoding)
    order = np.argsort(-logits.sum(axis=1), kind="stable")
    text = _Text(context, windows, decoding)
    found = list(islice(_distinct(text, spans[order]), max(decoding.n_best, 2)))
    places, rows = [place for _, place in found], logits[order[[number for number, _ in found]]]
    nulls = np.array([(window.start[window.cls], window.end[window.cls]) for window in windows], dtype=np.float64)
    null = nulls[nulls.sum(axis=1).argmin()]
    kept = _rank(places, rows, null, decoding)
    if not found:
        return Decoded("", float(null.sum()), text.whole, *kept)
    null_odds = float(null.sum() - rows[0, 0] - rows[0, 1])
    odds = math.inf if decoding.forced_answer else abs(null_odds - decoding.null_threshold)
    if null_odds > decoding.null_threshold and not decoding.forced_answer:
        return Decoded("", null_odds, text.whole, *kept, odds)
    margin = min(odds, float(rows[0].sum() - rows[1].sum())) if len(rows) > 1 else odds
    return Decoded(text.whole[slice(*places[0])], null_odds, text.whole, *kept, margin)


def _rank(
    places: Sequence[Place], rows: Logits, null: Logits, decoding: Decoding
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Characters and logits [candidates, 2] as they are returned, from those of distinct texts, the best first."""
    characters = np.array(places, dtype=np.int32).reshape(-1, 2)
    if not decoding.forced_answer:
        better = int((rows.sum(axis=1) >= null.sum()).sum())
        place = min(better, decoding.n_best)
        characters = np.insert(characters, place, 0, axis=0)
        rows = np.insert(rows, place, null, axis=0)
        last = decoding.n_best + (place == decoding.n_best)
    else:
        last = decoding.n_best
    return characters[:last], rows[:last].astype(np.float32)


def find_candidates(windows: Sequence[WindowLogits], decoding: Decoding) -> tuple[Spans, Logits]:
    """Spans and their logits [spans, 2], window by window."""
    lengths = [high - low for low, high in (window.context for window in windows)]
    step = decoding.doc_stride if decoding.doc_stride_is == "step" else lengths[0] - decoding.doc_stride
    spans, logits = [np.zeros((0, 3), dtype=np.int64)], [np.zeros((0, 2))]
    for number, window in enumerate(windows):
        starts, ends = find_spans(window, decoding)
        if len(windows) > 1:
            low = window.context[0]
            own = {i for i in set(starts.tolist()) if find_owner(lengths, step, number * step + i - low) == number}
            inside = np.array([i in own for i in starts.tolist()], dtype=np.bool_)
            starts, ends = starts[inside], ends[inside]
        spans.append(np.stack([np.full(len(starts), number), starts, ends], axis=1))
        logits.append(np.stack([window.start[starts], window.end[ends]], axis=1).astype(np.float64))
    return np.concatenate(spans), np.concatenate(logits)


def find_owner(lengths: Sequence[int], step: int, position: int) -> int:
    """Number of the window that gives a context token the most context on its poorer side."""
    best, owner = -math.inf, -1
    for number in range(max(0, (position - lengths[0]) // step), min(position // step + 1, len(lengths))):
        before = position - number * step
        after = lengths[number] - 1 - before
        score = min(before, after) + 0.01 * lengths[number]
        if after >= 0 and score > best:
            best, owner = score, number
    return owner


def _distinct(text: _Text, spans: Spans) -> Iterator[tuple[int, Place]]:
    """The first of `spans` for each text, by its number, and its characters."""
    seen = set()
    for number, (window, start, end) in enumerate(spans.tolist()):
        place = text.find(window, start, end)
        found = text.whole[slice(*place)]
        if found not in seen:
            seen.add(found)
            yield number, place


class _Text:
    """The context of a question as its words joined by single blanks, and where in it a span stands."""

    def __init__(self, context: str, windows: Sequence[WindowLogits], decoding: Decoding) -> None:
        words = list(WORD.finditer(context))
        joined = " ".join(word.group() for word in words)
        self.whole = context if joined == context else joined
        ends = np.cumsum([len(word.group()) + 1 for word in words]) - 1
        self._starts = {word.start(): int(end) - len(word.group()) for word, end in zip(words, ends, strict=True)}
        self._ends = {word.end(): int(end) for word, end in zip(words, ends, strict=True)}
        self._windows = windows
        self._decoding = decoding
        self._tokenized: dict[Place, str] = {}
        self._found: dict[tuple[Place, str], Place] = {}

    def find(self, window: int, start: int, end: int) -> Place:
        """Characters of a span of tokens: of its words, or of the part of them that is aligned with the tokens."""
        characters, pieces = self._windows[window].characters, self._windows[window].pieces
        words = self._starts[int(characters[start, 0])], self._ends[int(characters[end, 1])]
        if pieces is None:
            return words
        piece = " ".join(pieces.join(start, end + 1).split())
        if (words, piece) not in self._found:
            first, last = align(piece, self.whole[slice(*words)], self._tokenize(words)) or (0, words[1] - words[0])
            self._found[words, piece] = words[0] + first, words[0] + last
        return self._found[words, piece]

    def _tokenize(self, words: Place) -> str:
        if words not in self._tokenized:
            # the tokenizer began to clean its text when the processor began to put blanks before words
            tokens = tokenize_basic(
                self.whole[slice(*words)], lower_case=self._decoding.lower_case, clean=self._decoding.space_words
            )
            self._tokenized[words] = " ".join(tokens)
        return self._tokenized[words]
