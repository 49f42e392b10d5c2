"""What decoding reads and what it gives: windows with their logits, and decoded answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import RunError
from harness.records import Decoding

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Texts of tokens, for a rule that puts the text of an answer together from them."""

    number: NDArray[np.int32]
    """[tokens]: which of the texts each token has."""
    first: NDArray[np.bytes_]
    """[texts]: in UTF-8, of a token that begins an answer; a token may be a part of a character."""
    later: NDArray[np.bytes_]
    """[texts]: of one that follows another, with the blank between them."""

    def __getitem__(self, tokens: slice) -> Pieces:
        return Pieces(self.number[tokens], self.first, self.later)

    def join(self, start: int, end: int) -> str:
        """The text of the tokens from `start` to before `end`."""
        numbers = self.number[start:end].tolist()
        whole = b"".join([self.first[numbers[0]], *(self.later[n] for n in numbers[1:])]) if numbers else b""
        return whole.decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True, eq=False)
class WindowLogits:
    """The logits of one window, without padding."""

    start: Floats
    """[tokens]"""
    end: Floats
    """[tokens]"""
    characters: Ints
    """[tokens, 2]: first character of the token in the context, and one past its last."""
    context: tuple[int, int]
    """First context token, and one past the last; equal where the window has none."""
    cls: int
    """Position of the CLS token."""
    pieces: Pieces | None = None
    """Texts of the tokens, under ``run_squad``."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Where the tokens of some questions' windows stand, end to end in flat arrays."""

    characters: NDArray[np.int32]
    """[tokens, 2]: first character in the context, and one past the last; zeros outside the context."""
    bounds: NDArray[np.int64]
    """[windows + 1]: window i has the tokens bounds[i] to bounds[i + 1]."""
    question: NDArray[np.int32]
    """[windows]: index of the question; the windows of one question follow each other."""
    context: NDArray[np.int32]
    """[windows, 2]: first context token in the window, and one past the last."""
    cls: NDArray[np.int32]
    """[windows]: position of CLS in the window."""
    pieces: Pieces | None = field(default=None, kw_only=True)
    """Texts of the tokens, under ``run_squad``, whose tokens have the characters of whole words."""

    def __len__(self) -> int:
        return len(self.question)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[windows]: tokens in each window."""
        return np.diff(self.bounds)

    def by_question(self, count: int, logits: Floats) -> Iterator[tuple[WindowLogits, ...]]:
        """The windows of each of `count` questions with their part of `logits` [tokens, 2]."""
        firsts = np.searchsorted(self.question, np.arange(count + 1)).tolist()
        bounds, context, cls = self.bounds.tolist(), self.context.tolist(), self.cls.tolist()
        for question in range(count):
            yield tuple(
                WindowLogits(
                    start=logits[bounds[i] : bounds[i + 1], 0],
                    end=logits[bounds[i] : bounds[i + 1], 1],
                    characters=self.characters[bounds[i] : bounds[i + 1]],
                    context=(context[i][0], context[i][1]),
                    cls=cls[i],
                    pieces=None if self.pieces is None else self.pieces[bounds[i] : bounds[i + 1]],
                )
                for i in range(firsts[question], firsts[question + 1])
            )


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The answer to one question."""

    answer: str
    """An exact slice of `context`, or "" for no answer."""
    null_odds: float
    """No-answer score minus best-answer score, a logit difference; the no-answer score alone where there is no span."""
    context: str
    """That of the question; under ``run_squad`` its words, joined by single blanks."""
    characters: NDArray[np.int32]
    """[candidates, 2]: first character of each and one past the last, by falling score; equal for no answer."""
    logits: NDArray[np.float32]
    """[candidates, 2]: start and end logit."""
    margin: float = math.inf
    """How much closer two scores could come before the answer may be another one, in logit units; see `find_margin`."""

    @property
    def n_best(self) -> tuple[Mapping[str, Any], ...]:
        """Candidates by falling score: text, probability, start_logit, end_logit.

        Probabilities are the softmax over these candidates.
        """
        return describe_candidates(self.context, self.characters, self.logits)


def find_margin(
    context: str, answer: str, scores: Floats, characters: Ints, null_odds: float, decoding: Decoding
) -> float:
    """How far an answer is from another one, in logit units.

    That is the distance of the null odds from the threshold and, where there is an answer, of its score from that of
    the next span of other text; infinite where there is neither.

    Args:
        context: What the spans are slices of.
        answer: The answer chosen.
        scores: [spans], of all spans that took part.
        characters: [spans, 2]
        null_odds: No-answer score minus best-answer score.
        decoding: With the threshold.
    """
    odds = math.inf if decoding.forced_answer else abs(null_odds - decoding.null_threshold)
    if not answer:
        return odds
    best = float(scores.max())
    for i in np.argsort(-scores, kind="stable").tolist():
        gap = best - float(scores[i])
        if gap >= odds:
            break
        if context[int(characters[i, 0]) : int(characters[i, 1])] != answer:
            return gap
    return odds


def describe_candidates(context: str, characters: Ints, logits: Floats) -> tuple[Mapping[str, Any], ...]:
    """Candidates as the field's n-best files have them."""
    if not len(logits):
        return ()
    exact = logits.astype(np.float64)
    scores = exact.sum(axis=1)
    weights = np.exp(scores - scores.max())
    return tuple(
        {"text": context[first:end], "probability": probability, "start_logit": start, "end_logit": stop}
        for (first, end), probability, (start, stop) in zip(
            characters.tolist(), (weights / weights.sum()).tolist(), exact.tolist(), strict=True
        )
    )


class Decodings(Mapping[str, tuple[Mapping[str, Any], ...]]):
    """Question id -> n-best list, made when it is asked for: a hundred thousand lists of texts would fill memory."""

    def __init__(self) -> None:
        self._place: dict[str, tuple[str, int, int, int]] = {}
        self._characters: list[NDArray[np.int32]] = []
        self._logits: list[NDArray[np.float32]] = []

    def add(self, decoded: Mapping[str, Decoded]) -> None:
        """Take the candidates of some questions."""
        if not decoded:
            return
        part, first = len(self._logits), 0
        self._characters.append(np.concatenate([item.characters for item in decoded.values()]))
        self._logits.append(np.concatenate([item.logits for item in decoded.values()]))
        for key, item in decoded.items():
            self._place[key] = (item.context, part, first, first + len(item.logits))
            first += len(item.logits)

    def only(self, keys: Iterable[str]) -> Decodings:
        """The lists of some questions, in this order."""
        some = Decodings()
        some._place = {key: self._place[key] for key in keys if key in self._place}
        some._characters, some._logits = self._characters, self._logits
        return some

    def __getitem__(self, key: str) -> tuple[Mapping[str, Any], ...]:
        context, part, first, end = self._place[key]
        return describe_candidates(context, self._characters[part][first:end], self._logits[part][first:end])

    def __iter__(self) -> Iterator[str]:
        return iter(self._place)

    def __len__(self) -> int:
        return len(self._place)


def check_windows(question_id: str, windows: tuple[WindowLogits, ...]) -> None:
    """Raise `RunError` where there is no window, or a logit is not a finite number."""
    if not windows:
        raise RunError(f"question {question_id}: found no window, expected one or more; report this as a defect")
    if not all(np.isfinite(window.start).all() and np.isfinite(window.end).all() for window in windows):
        raise RunError(
            f"question {question_id}: found logits that are no finite numbers, expected finite ones; "
            "the model's weights are damaged, its training diverged, or its numbers do not fit the precision: "
            "try float32, else train it again with a lower learning rate"
        )
