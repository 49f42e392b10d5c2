"""What a card says, and what an audit finds in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.records.refs import DataRef

Subset = Literal["all", "has_ans", "no_ans", "best"]
ClaimOrigin = Literal["front_matter", "table", "code", "list", "prose"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a card."""

    start: int
    """First character, from 0."""
    end: int
    """One past the last character."""
    line: int
    """Line of the first character, from 1."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure that a card publishes for its own model, at one place."""

    metric: str
    """Canonical name: ``exact_match``, ``f1``, ...; a name that is not known is kept as written."""
    subset: Subset
    reported: float
    """The value in points for percentages and for fractions that were recognised as such, else as printed."""
    digits: str
    """The figure as printed, without ``%``: ``83.860`` keeps its zero."""
    unit: Literal["percent", "fraction", "none"]
    data: DataRef | None
    origin: ClaimOrigin
    place: Place
    verified: bool = False
    """Carries the Hub's ``verified: true`` mark. Kept for the audit; never evidence."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of the training or evaluation set-up, as the card states it."""

    name: str
    """Canonical field name (`harness.names.SETTINGS`), or the name as written where none is known."""
    written_as: str
    value: str | int | float | bool
    text: str
    """The value as printed, without quotes."""
    place: Place
    block: int | None = None
    """Which block of settings it stands in, from 0; None outside any."""


@dataclass(frozen=True, slots=True)
class Card:
    """A model card, read."""

    path: str
    name: str
    """The model's name: the first of `model-index`, else the folder or file name."""
    sha256: str
    text: str
    metadata: Mapping[str, Any]
    claims: tuple[Claim, ...]
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What an audit found at one line of a card."""

    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    line: int | None = None
