"""Two questions to a paragraph: one it answers, one it only seems to answer."""

from __future__ import annotations

import random
from dataclasses import dataclass

from harness.pocket.facts import ATTRIBUTES, KINDS
from harness.pocket.world import Entity, Paragraph, Writer, doubles
from harness.records import Answer

STRANGER_SHARE = 0.15
"""Share of the unanswerable questions to one-subject paragraphs that ask about another entity."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question before it has an id."""

    kind: str
    question: str
    answers: tuple[Answer, ...]
    """Reference answers, the preferred one first; none if the paragraph does not answer it."""
    mistakes: tuple[Answer, ...]
    """What a careless reader might answer instead: everything else the paragraph states."""


def ask(paragraph: Paragraph, writer: Writer, rng: random.Random) -> tuple[Asked, ...]:
    """Ask an answerable and an unanswerable question, in random order."""
    asked = [_answerable(paragraph, rng), _unanswerable(paragraph, writer, rng)]
    rng.shuffle(asked)
    return tuple(asked)


def _answerable(paragraph: Paragraph, rng: random.Random) -> Asked:
    entity = paragraph.main
    if paragraph.other is not None and rng.random() < 0.5:
        entity = paragraph.other
    kind = rng.choice([kind for kind in entity.facts if kind in KINDS])
    return _asked(paragraph, entity.name, kind, entity.facts[kind], rng)


def _unanswerable(paragraph: Paragraph, writer: Writer, rng: random.Random) -> Asked:
    """Ask for a fact that is not given but has a double, or for a given fact of another entity."""
    main, other = paragraph.main, paragraph.other
    name, kind = main.name, rng.choice(doubles(paragraph.subject, main.facts)).kind
    if other is None and rng.random() < STRANGER_SHARE:
        given = [kind for kind in main.facts if kind in KINDS]
        name, kind = _stranger(paragraph, writer), rng.choice(given)
    elif other is not None and rng.random() < 0.5:
        lacking = [kind for kind in main.facts if kind in KINDS and kind not in other.facts]
        if lacking:
            name, kind = other.name, rng.choice(lacking)
    elif other is not None:
        crossed = [kind for kind in other.facts if kind in KINDS and kind not in main.facts]
        name, kind = main.name, rng.choice(crossed)
    return _asked(paragraph, name, kind, (), rng)


def _stranger(paragraph: Paragraph, writer: Writer) -> str:
    name = writer.name(paragraph.subject)
    while name in paragraph.context:
        name = writer.name(paragraph.subject)
    return name


def _asked(paragraph: Paragraph, name: str, kind: str, answers: tuple[Answer, ...], rng: random.Random) -> Asked:
    attribute = next(a for a in ATTRIBUTES[paragraph.subject] if a.kind == kind)
    question = rng.choice(attribute.questions).replace("{e}", name)
    return Asked(kind, question, answers, _mistakes(paragraph, answers))


def _mistakes(paragraph: Paragraph, answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
    entities: list[Entity] = [paragraph.main, *([paragraph.other] if paragraph.other else [])]
    return tuple(found[0] for entity in entities for found in entity.facts.values() if found != answers)
