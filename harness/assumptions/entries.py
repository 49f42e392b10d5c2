"""What ``assumptions.yaml`` may hold, entry by entry."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from harness.records import RunKind


@dataclass(frozen=True, slots=True)
class AssumedSetting:
    """A value for one field of the recipe; it goes before what the card states."""

    field: str
    """As written; `harness.recipes.plan_recipe` refuses unknown ones."""
    value: str | int | float | bool | tuple[int, ...]
    reason: str
    stage: str | None
    """The stage it is for; None for all of them."""
    line: int


@dataclass(frozen=True, slots=True)
class AssumedStage:
    """A stage in a list that stands in place of the card's own."""

    name: str
    reason: str
    block: bool
    """It is the one whose settings the card states."""
    line: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One of several things that an ambiguous card may mean; it goes before the other assumptions."""

    name: str
    reason: str
    profile: str | None
    """Of every stage; None for what would hold without this reading."""
    settings: tuple[AssumedSetting, ...]
    line: int


@dataclass(frozen=True, slots=True)
class AcceptedFinding:
    """A finding that is known and accepted."""

    code: str
    reason: str
    expires: datetime.date | None
    line: int


@dataclass(frozen=True, slots=True)
class AssumedTolerance:
    """How far apart two figures of a metric may be, in points."""

    metric: str
    points: float | None
    """Largest difference that is agreement; None where only `half_width` is set."""
    reason: str
    dataset: str | None
    """Canonical name; None for every data set."""
    subset: str | None
    """Of a metric written ``HasAns_exact``, ``NoAns_f1`` and so on; None for every subset."""
    line: int
    """0 where it is not known."""
    kind: RunKind | None = None
    """The kind of run that it is for; None for models that are trained or distilled again."""
    warned: float | None = None
    """Largest difference that is agreement with a warning; None: `points`."""
    inconclusive: float | None = None
    """Largest difference that decides nothing; None: as by default."""
    half_width: float | None = None
    """Of several seeds: the widest half of the 95 % prediction interval that shows agreement; None: their mean is
    judged by `points`."""


@dataclass(frozen=True, slots=True)
class AcceptedDeviation:
    """A claim that is known to differ."""

    claim: str
    """The claim's id."""
    reason: str
    expires: datetime.date
    line: int


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The file, read."""

    path: str
    settings: tuple[AssumedSetting, ...] = ()
    """Those of the listed stages among them."""
    findings: tuple[AcceptedFinding, ...] = ()
    tolerances: tuple[AssumedTolerance, ...] = ()
    deviations: tuple[AcceptedDeviation, ...] = ()
    stages: tuple[AssumedStage, ...] = ()
    """All stages in order; empty for those of the card."""
    readings: tuple[Reading, ...] = ()
    default_reading: str | None = None
    """The reading that is taken unless another is asked for; None for none."""
