"""The words of a text as BERT's basic tokenizer sees them, and where each stands.

Control characters go, blanks and CJK ideographs part words, a punctuation mark is a word, and letters are lower-cased
and lose their accents where the model's tokenizer does so. Written anew, with the offsets that the original lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from harness.names.characters import is_control, is_ideograph, is_mark, without_accents

_Class = Literal["letter", "mark", "blank", "gone"]

_SENTENCE_ENDS = frozenset(".!?\u3002\uff01\uff1f\u061f\u0964")
"""With the full-width, Arabic and Devanagari marks."""


@dataclass(frozen=True, slots=True)
class Splitting:
    """What the model's tokenizer does to a text before it cuts words into pieces."""

    lower_case: bool = True
    strip_accents: bool = True
    part_ideographs: bool = True
    """Each CJK ideograph is a word."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text."""

    text: str
    """As the model sees it: lower-cased and without accents where `Splitting` says so."""
    start: int
    """First character in the text as it was."""
    end: int
    """One past the last character."""
    spaced: bool
    """A blank or the beginning of the text goes before it."""


def split_words(text: str, splitting: Splitting) -> tuple[Word, ...]:
    """The words of a text, in order; characters between them are blanks, or such as the tokenizer drops."""
    words: list[Word] = []
    last = 0
    for start, end in _places(text, splitting):
        if shown := _normalize(text[start:end], splitting):
            spaced = not words or any(_classify(c) == "blank" for c in text[last:start])
            words.append(Word(shown, start, end, spaced))
            last = end
    return tuple(words)


def split_sentences(words: Sequence[Word], sizes: Sequence[int], room: int) -> Iterator[range]:
    """Numbers of the words of each sentence; one that is too long is cut.

    Args:
        words: The words of a text.
        sizes: Pieces of each word.
        room: Most pieces of a sentence; a longer word is a sentence of its own.
    """
    begin = size = 0
    for i, word in enumerate(words):
        if i > begin and size + sizes[i] > room:
            yield range(begin, i)
            begin, size = i, 0
        size += sizes[i]
        if word.text in _SENTENCE_ENDS:
            yield range(begin, i + 1)
            begin, size = i + 1, 0
    if begin < len(words):
        yield range(begin, len(words))


def _places(text: str, splitting: Splitting) -> Iterator[tuple[int, int]]:
    """First character of each word and one past its last."""
    begin: int | None = None
    for i, character in enumerate(text):
        kind = _classify(_bare(character) if splitting.strip_accents else character)
        if kind == "mark" or (splitting.part_ideographs and is_ideograph(character)):
            if begin is not None:
                yield begin, i
                begin = None
            yield i, i + 1
        elif kind == "blank":
            if begin is not None:
                yield begin, i
                begin = None
        elif kind == "letter" and begin is None:
            begin = i
    if begin is not None:
        yield begin, len(text)


def _normalize(piece: str, splitting: Splitting) -> str:
    if piece.isascii():
        kept = "".join(c for c in piece if c.isprintable())
        return kept.lower() if splitting.lower_case else kept
    kept = "".join(c for c in piece if _classify(c) != "gone")
    if splitting.lower_case:
        kept = kept.lower()
    if splitting.strip_accents:
        kept = without_accents(kept)
    return kept


@lru_cache(maxsize=1 << 16)
def _bare(character: str) -> str:
    """A character without what is struck through it, which makes a mark of the sign for "not equal"; else itself."""
    base = without_accents(character)
    return base if len(base) == 1 else character


@lru_cache(maxsize=1 << 16)
def _classify(character: str) -> _Class:
    if character in "\t\n\r":
        return "blank"
    if is_control(character):
        return "gone"
    if character.isspace():
        return "blank"
    return "mark" if is_mark(character) else "letter"
