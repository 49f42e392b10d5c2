"""Where gold and predicted answers stand in a context, and the context cut into marked pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from unicodedata import category

from harness.records import Question

Span = tuple[int, int]
"""First character and one past the last, of the context."""

_AROUND = 60
"""Characters of context on each side of a span."""
_PLACES = 1000
"""Places of a predicted text that are looked at."""
_TO_BLANK = 20
"""Characters, at most, that are added so that a piece does not begin or end within a word."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a context in which every character has the same marks."""

    text: str
    gold: bool
    predicted: bool


def gold_spans(question: Question) -> tuple[Span, ...]:
    """The reference answers in the context, each once, by their first character.

    One that does not stand at its offset is looked for; one that the context does not hold has no span.
    """
    spans = []
    for answer in question.answers:
        start = answer.start
        if not (start >= 0 and answer.text and question.context.startswith(answer.text, start)):
            start = question.context.find(answer.text) if answer.text else -1
        if start >= 0:
            spans.append((start, start + len(answer.text)))
    return tuple(sorted(set(spans)))


def predicted_span(context: str, text: str, gold: Sequence[Span]) -> Span | None:
    """Where a predicted text stands; None where it is blank, or not there.

    Of several places it is the one that shares most with a gold span, else one that is no part of a longer word, else
    the first.
    """
    if not text.strip():
        return None
    best, most = None, (-1, False)
    start = context.find(text)
    for _ in range(_PLACES):
        if start < 0:
            break
        span = start, start + len(text)
        shared = max((min(span[1], g[1]) - max(span[0], g[0]) for g in gold), default=0)
        found = max(shared, 0), not any(_inside_word(context, edge) for edge in span)
        if found > most:
            best, most = span, found
        start = context.find(text, start + 1)
    return best


def _inside_word(context: str, edge: int) -> bool:
    """Whether both characters at an edge are letters, digits or marks on them."""
    beside = context[max(edge - 1, 0) : edge + 1]
    return 0 < edge < len(context) and all(category(letter)[0] in "LNM" for letter in beside)


def snippets(context: str, gold: Sequence[Span], predicted: Sequence[Span]) -> tuple[tuple[Piece, ...], ...]:
    """The spans with some context around them, in its order; those that lie near each other share a snippet."""
    windows: list[list[int]] = []
    for start, end in sorted({*gold, *predicted}):
        low, high = _from(context, start - _AROUND), _to(context, end + _AROUND)
        if windows and low <= windows[-1][1]:
            windows[-1][1] = max(windows[-1][1], high)
        else:
            windows.append([low, high])
    return tuple(tuple(_cut(context, low, high, gold, predicted)) for low, high in windows)


def _from(context: str, place: int) -> int:
    if place <= 0:
        return 0
    blank = context.find(" ", place - 1, place + _TO_BLANK)
    return place if blank < 0 else blank + 1


def _to(context: str, place: int) -> int:
    if place >= len(context):
        return len(context)
    blank = context.rfind(" ", place - _TO_BLANK, place + 1)
    return place if blank < 0 else blank


def _cut(context: str, low: int, high: int, gold: Iterable[Span], predicted: Iterable[Span]) -> Iterator[Piece]:
    gold, predicted = tuple(gold), tuple(predicted)
    inner = {edge for span in (*gold, *predicted) for edge in span if low < edge < high}
    edges = [low, *sorted(inner), high]
    for start, end in pairwise(edges):
        yield Piece(context[start:end], _within(start, gold), _within(start, predicted))


def _within(place: int, spans: Iterable[Span]) -> bool:
    return any(start <= place < end for start, end in spans)
