"""Variants of a paragraph from the words that each of its words may be replaced by."""

from __future__ import annotations

import hashlib
import random
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from harness.augment.paragraphs import Paragraph
from harness.augment.settings import AugmentSettings
from harness.augment.stop_words import STOP_WORDS
from harness.augment.words import Word
from harness.records import Question


def replaceable(paragraph: Paragraph, words: Sequence[Word], settings: AugmentSettings) -> tuple[bool, ...]:
    """Whether each word may be replaced.

    ``farm``: every word. ``tinybert``: words of letters alone that are no stop words, and stand in no answer.
    """
    if settings.variant == "farm":
        return (True,) * len(words)
    spans = [(a.start, a.start + len(a.text)) for q in paragraph.questions for a in q.answers]
    return tuple(
        word.text.isalpha()
        and word.text.lower() not in STOP_WORDS
        and not any(low < word.end and word.start < high for low, high in spans)
        for word in words
    )


def variants_of(
    paragraph: Paragraph, words: Sequence[Word], candidates: Sequence[Sequence[str]], settings: AugmentSettings
) -> Iterator[Question]:
    """The questions of a paragraph about each variant of its context.

    What is chosen depends on the seed and the context and on nothing else. Ids of questions and of their passage get
    the number of the variant, ``#1`` for the first.

    ``farm``: the words joined with single blanks, as the model sees them; no answer, since none can be tracked; the
    original is left out. ``tinybert``: the text as it was but for the words replaced, with the answers moved to where
    they now stand; the original first, under its own ids, and no text twice.

    Args:
        paragraph: Context and questions.
        words: The words of the context.
        candidates: For each word, those that it may be replaced by; none for a word that stays.
        settings: The variant, how many, how likely, and the seed.
    """
    seen = {paragraph.context}
    if settings.variant == "tinybert":
        yield from paragraph.questions
    generator = _generator(settings.seed, paragraph.context)
    for number in range(1, settings.factor + 1):
        chosen = _choose(candidates, settings.probability, generator)
        if settings.variant == "farm":
            context = " ".join(chosen.get(i, word.text) for i, word in enumerate(words))
            yield from (replace(q, answers=()) for q in _numbered(paragraph, number, context))
            continue
        context, moves = _compose(paragraph.context, words, chosen)
        if context not in seen:
            seen.add(context)
            yield from (_moved(q, moves) for q in _numbered(paragraph, number, context))


def _generator(seed: int, context: str) -> random.Random:
    digest = hashlib.sha256(f"{seed}\n{context}".encode("utf-8", "surrogatepass")).digest()
    return random.Random(int.from_bytes(digest, "big"))  # noqa: S311 - reproducible data, not a secret


def _choose(candidates: Sequence[Sequence[str]], probability: float, generator: random.Random) -> dict[int, str]:
    """Number of a word -> what replaces it."""
    return {
        # random() is the one method that Python promises to keep
        i: options[int(generator.random() * len(options))]
        for i, options in enumerate(candidates)
        if options and generator.random() < probability
    }


def _numbered(paragraph: Paragraph, number: int, context: str) -> Iterator[Question]:
    for q in paragraph.questions:
        yield replace(q, id=f"{q.id}#{number}", passage_id=f"{q.passage_id}#{number}", context=context)


def _compose(context: str, words: Sequence[Word], chosen: Mapping[int, str]) -> tuple[str, list[tuple[int, int]]]:
    """The context with words replaced; and for each the end of the old word, and how far what follows it moves."""
    parts: list[str] = []
    moves: list[tuple[int, int]] = []
    begin = moved = 0
    for i, text in chosen.items():
        word = words[i]
        shown = _in_case_of(context[word.start : word.end], text)
        parts += [context[begin : word.start], shown]
        begin = word.end
        moved += len(shown) - (word.end - word.start)
        moves.append((word.end, moved))
    return "".join([*parts, context[begin:]]), moves


def _in_case_of(original: str, text: str) -> str:
    """A word that comes in lower case, in capitals as the one that it replaces."""
    if text != text.lower():
        return text
    if original.isupper() and len(original) > 1:
        return text.upper()
    return text[:1].upper() + text[1:] if original[:1].isupper() else text


def _moved(question: Question, moves: Sequence[tuple[int, int]]) -> Question:
    answers = tuple(replace(a, start=a.start + _move(a.start, moves)) for a in question.answers)
    return replace(question, answers=answers)


def _move(start: int, moves: Sequence[tuple[int, int]]) -> int:
    """How far a character moves that no replaced word covers."""
    before = bisect_left(moves, start + 1, key=lambda move: move[0])
    return moves[before - 1][1] if before else 0
