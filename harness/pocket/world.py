"""Paragraphs about invented places and people, and the questions that can be asked about each."""

from __future__ import annotations

import random
import re
from collections.abc import Collection
from dataclasses import dataclass

from harness.pocket.facts import (
    ATTRIBUTES,
    COLOURS,
    MENTIONS,
    NEIGHBOURS,
    PLACE_WORDS,
    THINGS,
    TITLES,
    TRADES,
    Attribute,
    Subject,
)
from harness.pocket.names import Names
from harness.records import Answer

_SLOTS = re.compile(r"(\{a\}|\{t\}|\[|\])")


@dataclass(frozen=True, slots=True)
class Entity:
    """A place or a person with what a paragraph says about it: kind of fact -> reference answers."""

    name: str
    facts: dict[str, tuple[Answer, ...]]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text, its subject and, in some paragraphs, a second entity."""

    subject: Subject
    context: str
    main: Entity
    other: Entity | None


class Writer:
    """Writes paragraphs with the names of one split, drawing on one random generator."""

    def __init__(self, names: Names, rng: random.Random) -> None:
        self._names = names
        self._rng = rng

    def paragraph(self, *, two_subjects: bool) -> Paragraph:
        """Write a paragraph: four facts about one subject, or three about it and two about another."""
        subject: Subject = self._rng.choice(("town", "person"))
        text = _Text()
        stated = self._choose(subject, 3 if two_subjects else 4)
        name = self.name(subject)
        main = self._describe(text, name, subject, stated)
        other = self._other(text, subject, name, stated) if two_subjects else None
        return Paragraph(subject, text.text, Entity(name, main), other)

    def _choose(self, subject: Subject, count: int) -> list[Attribute]:
        """Choose facts to state: one that can be asked for, and one whose missing double can be asked for."""
        attributes = list(ATTRIBUTES[subject])
        while True:
            self._rng.shuffle(attributes)
            stated = attributes[:count]
            if any(a.questions for a in stated) and doubles(subject, {a.kind for a in stated}):
                return stated

    def _describe(
        self, text: _Text, opening: str, subject: Subject, stated: list[Attribute]
    ) -> dict[str, tuple[Answer, ...]]:
        """Write sentences of two facts each."""
        earlier = self._rng.randrange(1500, 1880)
        years = (str(earlier), str(earlier + self._rng.randrange(25, 70)))
        facts = {}
        for number, attribute in enumerate(stated):
            if number % 2:
                text.add(" and ")
            elif number:
                text.add(f". {self._rng.choice(MENTIONS[subject])} ")
            else:
                text.add(f"{opening} ")
            facts[attribute.kind] = self._state(text, attribute, years)
        text.add(".")
        return facts

    def name(self, subject: Subject) -> str:
        """Draw a name for a subject."""
        rng = self._rng
        if subject == "town":
            return rng.choice(self._names.places)
        return f"{rng.choice(self._names.first)} {rng.choice(self._names.surnames)}"

    def _other(self, text: _Text, subject: Subject, name: str, stated: list[Attribute]) -> Entity:
        """Add a sentence about another entity: a fact that the first one lacks, and one that both have."""
        rng = self._rng
        chosen = [
            rng.choice(doubles(subject, {a.kind for a in stated})),
            rng.choice(stated),
        ]
        rng.shuffle(chosen)
        other = self.name(subject)
        while other == name:
            other = self.name(subject)
        text.add(" ")
        opening = rng.choice(NEIGHBOURS[subject]).replace("{e}", other)
        return Entity(other, self._describe(text, opening, subject, chosen))

    def _state(self, text: _Text, attribute: Attribute, years: tuple[str, str]) -> tuple[Answer, ...]:
        before, value = self._value(attribute, years)
        return text.state(self._rng.choice(attribute.statements), before, value)

    def _value(self, attribute: Attribute, years: tuple[str, str]) -> tuple[str, str]:
        """Draw the optional word before a value, and the value."""
        rng = self._rng
        match attribute.value:
            case "person":
                return self._maybe(TITLES), self.name("person")
            case "place":
                return self._maybe(PLACE_WORDS), self.name("town")
            case "nature":
                return "", rng.choice(self._names.waters)
            case "thing":
                return self._maybe(COLOURS), rng.choice(THINGS[attribute.kind])
            case "trade":
                return "", rng.choice(TRADES)
            case "year":
                return "", years[attribute.kind in ("bridge", "death")]

    def _maybe(self, words: tuple[str, ...]) -> str:
        word = self._rng.choice(words)
        return word if self._rng.random() < 0.4 else ""


def doubles(subject: Subject, stated: Collection[str]) -> list[Attribute]:
    """Return what can be asked for and is not stated, where a fact that is stated could be mistaken for it."""
    return [a for a in ATTRIBUTES[subject] if a.questions and a.kind not in stated and a.pair in stated]


class _Text:
    """A text under construction that knows where each answer begins."""

    def __init__(self) -> None:
        self.text = ""

    def add(self, piece: str) -> None:
        self.text += piece

    def state(self, phrase: str, before: str, value: str) -> tuple[Answer, ...]:
        """Add a verb phrase; return the value itself, then its longer and shorter forms."""
        start = long_start = long_end = -1
        for piece in _SLOTS.split(phrase):
            match piece:
                case "[":
                    long_start = len(self.text)
                case "]":
                    long_end = len(self.text)
                case "{t}":
                    self.add(before)
                case "{a}":
                    start = len(self.text)
                    self.add(value)
                case _:
                    self.add(piece)
        answers = [Answer(value, start)]
        if 0 <= long_start < start:
            answers.append(Answer(self.text[long_start:long_end], long_start))
        if " " in value:
            surname = value.split(" ")[-1]
            answers.append(Answer(surname, start + len(value) - len(surname)))
        return tuple(answers)
