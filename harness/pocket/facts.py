"""What can be said and asked about a place or a person: the words of the embedded world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Subject = Literal["town", "person"]
ValueType = Literal["person", "year", "nature", "thing", "place", "trade"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One kind of fact. Attributes come in pairs of one value type, so that either can be mistaken for the other.

    Of the two years in a pair, the one listed first is the earlier.
    """

    kind: str
    pair: str
    value: ValueType
    statements: tuple[str, ...]
    """Verb phrases. ``{a}`` is the answer, ``{t}`` an optional word before it; brackets hold the longest answer."""
    questions: tuple[str, ...] = ()
    """Questions; ``{e}`` is the entity. None: the fact only stands beside its double to be mistaken for it."""


TOWN = (
    Attribute(
        "founder",
        "mayor",
        "person",
        ("was founded by [{t}{a}]", "was once founded by [{t}{a}]", "was founded long ago by [{t}{a}]"),
        ("Who founded {e}?", "By whom was {e} founded?", "Which person founded {e}?"),
    ),
    Attribute(
        "mayor",
        "founder",
        "person",
        ("has the mayor [{t}{a}]", "chose as mayor [{t}{a}]", "is led by its mayor, [{t}{a}]"),
        ("Who is the mayor of {e}?", "Who became mayor of {e}?", "Which mayor leads {e}?"),
    ),
    Attribute(
        "year",
        "bridge",
        "year",
        ("was settled [in {a}]", "was first settled [in {a}]", "was settled in [the year {a}]"),
        ("When was {e} settled?", "In which year was {e} settled?", "When was {e} first settled?"),
    ),
    Attribute(
        "bridge",
        "year",
        "year",
        ("got a bridge [in {a}]", "built its bridge [in {a}]", "opened a bridge in [the year {a}]"),
    ),
    Attribute(
        "river",
        "mountain",
        "nature",
        ("lies on [the river {a}]", "stands on [the river {a}]", "is crossed by [the river {a}]"),
        ("Which river flows through {e}?", "On which river does {e} lie?", "What river crosses {e}?"),
    ),
    Attribute(
        "mountain",
        "river",
        "nature",
        ("lies below [the mountain {a}]", "stands at the foot of [the mountain {a}]", "looks up to [the mountain {a}]"),
    ),
    Attribute(
        "product",
        "crop",
        "thing",
        ("is known for making [{t}{a}]", "lives by making [{t}{a}]", "has been making [{t}{a}]"),
        ("What is {e} known for making?", "What are the people of {e} making?", "What does {e} live by making?"),
    ),
    Attribute(
        "crop",
        "product",
        "thing",
        ("is known for growing [{t}{a}]", "lives by growing [{t}{a}]", "has been growing [{t}{a}]"),
    ),
)

PERSON = (
    Attribute(
        "birthplace",
        "residence",
        "place",
        ("came from [{t}{a}]", "came at first from [{t}{a}]", "came as a child from [{t}{a}]"),
        ("Where did {e} come from?", "From which town did {e} come?", "What place did {e} come from?"),
    ),
    Attribute(
        "residence",
        "birthplace",
        "place",
        ("moved to [{t}{a}]", "later moved to [{t}{a}]", "soon moved to [{t}{a}]"),
    ),
    Attribute(
        "birth",
        "death",
        "year",
        ("was born [in {a}]", "was born in [the year {a}]", "was born early [in {a}]"),
        ("When was {e} born?", "In which year was {e} born?", "What year was {e} born in?"),
    ),
    Attribute(
        "death",
        "birth",
        "year",
        ("died [in {a}]", "died in [the year {a}]", "died late [in {a}]"),
    ),
    Attribute(
        "profession",
        "family",
        "trade",
        ("worked as [a {a}]", "has worked as [a {a}]", "worked for years as [a {a}]"),
        ("What has {e} worked as?", "As what has {e} worked?", "In which trade has {e} worked?"),
    ),
    Attribute(
        "family",
        "profession",
        "trade",
        ("was the child of [a {a}]", "grew up as the child of [a {a}]", "was the only child of [a {a}]"),
    ),
)

ATTRIBUTES: dict[Subject, tuple[Attribute, ...]] = {"town": TOWN, "person": PERSON}

KINDS = tuple(attribute.kind for attribute in TOWN + PERSON if attribute.questions)
"""Every kind of question."""

TITLES = ("Captain ", "Doctor ", "Lady ", "Baron ")
COLOURS = ("blue ", "fine ", "white ", "red ")
PLACE_WORDS = ("the village of ", "the town of ")
THINGS = {
    "product": ("glass", "paper", "rope", "clocks", "cheese", "silk", "boats", "soap", "knives", "pottery"),
    "crop": ("barley", "hops", "flax", "apples", "rye", "plums", "grapes", "onions", "clover", "oats"),
}
TRADES = (
    *("baker", "weaver", "miller", "smith", "sailor", "lawyer", "painter", "mason"),
    *("doctor", "tailor", "printer", "teacher", "hunter", "potter", "farmer", "gardener"),
)

MENTIONS: dict[Subject, tuple[str, ...]] = {"town": ("It", "The town"), "person": ("She", "He")}
"""How the second sentence of a paragraph takes up its subject."""
NEIGHBOURS: dict[Subject, tuple[str, ...]] = {
    "town": ("Nearby {e}", "The neighbouring town of {e}"),
    "person": ("A friend, {e},", "A cousin, {e},"),
}
"""How a paragraph names its second subject."""
