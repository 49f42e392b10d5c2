"""What is given for every field of every stage, before it is checked: by the card, by a person, by an override."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness import names
from harness.assumptions import AssumedSetting, Assumptions, Reading
from harness.errors import RecipeError
from harness.recipes import fields, values
from harness.recipes.values import Value
from harness.records import Origin

T = TypeVar("T")
ONLY_STAGE = "main"
"""The stage's name in a card that names none."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value before it is checked, and who gave it."""

    value: Value
    origin: Origin
    where: str
    """Begins an error message: file and line, or the override."""
    strict: bool = True
    """An unreadable model or data set is an error; otherwise the field stays open, as prose is not written for us."""
    in_words: bool = False
    """It stands in a list, a table or a sentence, not in code: what cannot be read there says nothing."""
    unclear: bool = False
    """The card gives several values, or one in a form that says nothing here: the field is a gap, not this value."""


Sheet = dict[str, Given]
"""Canonical field -> who gives which value, for one stage; what `harness.recipes.foreign` translated has a ``~``."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a card states."""

    general: Sheet
    """For every stage."""
    own: dict[str, Sheet]
    """For each stage by name, in the order of the blocks."""


def check(name: str, given: Given, convert: Callable[[Value], T], stage: str | None = None) -> T:
    """The converted value, or a `RecipeError` that names place, field, what was found and what was expected."""
    try:
        return convert(given.value)
    except ValueError as error:
        found = list(given.value) if isinstance(given.value, tuple) else given.value
        message = f"{name}: found {found!r}, expected {error}; correct it, or state a value in assumptions.yaml"
        raise RecipeError(f"{given.where}: {message}", stage=stage, field=name) from None


def gather(
    stated: Stated,
    assumptions: Assumptions | None,
    reading: Reading | None,
    overrides: Mapping[str, Value] | None,
) -> dict[str, Sheet]:
    """A sheet per stage, in order.

    Raises:
        RecipeError: An unknown field or stage, a field or a stage's name given twice, a field in the wrong stage.
    """
    sheets = _stages(stated, assumptions)
    if len(stated.own) > 1:  # prose that names a teacher does not say of which stage
        for sheet in sheets.values():
            if "teacher" in sheet and not sheet["teacher"].strict:
                del sheet["teacher"]
    path = assumptions.path if assumptions else ""
    assumed = assumptions.settings if assumptions else ()
    read = _of_reading(reading) if reading else ()
    for decision in [*_once(_assumed(assumed, path)), *_once(_assumed(read, path)), *_once(_overridden(overrides))]:
        _apply(decision, sheets)
    return sheets


def _stages(stated: Stated, assumptions: Assumptions | None) -> dict[str, Sheet]:
    """The card's stages, or those that the assumptions list, of which one has the card's settings."""
    listed = assumptions.stages if assumptions else ()
    own = stated.own
    if not listed or assumptions is None:
        return {name: {**stated.general, **own.get(name, {})} for name in (list(own) or [ONLY_STAGE])}
    order = [entry.name for entry in listed]
    if own and [name for name in order if name in own] != list(own):
        where = f"{assumptions.path}:{listed[0].line}"
        found, wanted = ", ".join(order), ", ".join(own)
        message = f"stages: found {found}, expected the card's own stages {wanted} among them and in their order"
        raise RecipeError(f"{where}: {message}; list them too", field="stages")
    blocks = [entry for entry in listed if entry.block]
    if len(blocks) != (0 if own else 1):
        where = f"{assumptions.path}:{(blocks or listed)[-1].line}"
        wanted = "none, as the card's blocks name their stages" if own else "one, whose settings the card states"
        raise RecipeError(f"{where}: stages: found {len(blocks)} with block: true, expected {wanted}", field="stages")
    sheets: dict[str, Sheet] = {}
    for entry in listed:
        where = f"{assumptions.path}:{entry.line}"
        named = Given(entry.name, Origin("assumed", entry.reason), where)
        check("stage", named, values.read_stage_name)
        from_card = {**stated.general, **own.get(entry.name, {})} if own or entry.block else {}
        sheets[entry.name] = from_card if entry.name in own else {**from_card, "stage": named}
    return sheets


@dataclass(frozen=True, slots=True)
class _Decision:
    name: str
    stage: str | None
    """None for all."""
    given: Given


def _assumed(settings: tuple[AssumedSetting, ...], path: str) -> list[_Decision]:
    """Assumptions: those for all stages first, so that those for one replace them."""
    decisions = []
    for item in settings:
        where = f"{path}:{item.line}"
        name, stage = _split_field(item.field, where)
        if stage is not None and item.stage is not None and stage != item.stage:
            message = f"{item.field}: found it for the stage {item.stage!r} as well, expected one stage; remove one"
            raise RecipeError(f"{where}: {message}", stage=stage, field=name)
        given = Given(item.value, Origin("assumed", item.reason), where)
        decisions.append(_Decision(name, item.stage or stage, given))
    return sorted(decisions, key=lambda decision: decision.stage is not None)


def _of_reading(reading: Reading) -> tuple[AssumedSetting, ...]:
    if reading.profile is None:
        return reading.settings
    profile = AssumedSetting("profile", reading.profile, reading.reason, None, reading.line)
    return (profile, *reading.settings)


def _overridden(overrides: Mapping[str, Value] | None) -> list[_Decision]:
    decisions = []
    for key, value in (overrides or {}).items():
        where = f"override {key}"
        name, stage = _split_field(key, where)
        origin = Origin("given", "for this run, in place of the card's")
        decisions.append(_Decision(name, stage, Given(value, origin, where)))
    return sorted(decisions, key=lambda decision: decision.stage is not None)


def _split_field(text: str, where: str) -> tuple[str, str | None]:
    stage, dot, written = text.rpartition(".")
    name = fields.field_name(written)
    if name is None or name == "stage":
        raise unknown(where, written)
    return name, stage if dot else None


def unknown(where: str, written: str) -> RecipeError:
    """The error for a field that no recipe has."""
    spellings = {word: name for name in fields.FIELDS for word in (name, *names.SETTINGS.get(name, ()))}
    near = difflib.get_close_matches(written, spellings, n=1, cutoff=0.5)
    hint = f'did you mean "{near[0]}"?' if near else f"known fields are {', '.join(fields.FIELDS)}"
    return RecipeError(
        f"{where}: found the unknown field {written!r}, expected a field of a recipe; {hint}", field=written
    )


def _apply(decision: _Decision, sheets: dict[str, Sheet]) -> None:
    name, stage, given = decision.name, decision.stage, decision.given
    if stage is not None and stage not in sheets:
        known = ", ".join(sheets)
        raise RecipeError(f"{given.where}: found the stage {stage!r}, expected one of {known}", stage=stage, field=name)
    if name in fields.RECIPE_LEVEL and stage not in (None, list(sheets)[-1]):
        message = f"{name}: found it for the stage {stage!r}, expected no stage or the last one; remove the stage"
        raise RecipeError(f"{given.where}: {message}", stage=stage, field=name)
    for key, sheet in sheets.items():
        if stage in (None, key):
            sheet[name] = given


def _once(decisions: Sequence[_Decision]) -> Sequence[_Decision]:
    """The decisions of one person, none of them made twice under two spellings."""
    seen: dict[tuple[str, str | None], Given] = {}
    for decision in decisions:
        first = seen.setdefault((decision.name, decision.stage), decision.given)
        if first is not decision.given and first.value != decision.given.value:
            message = f"{decision.name}: found it a second time (also {first.where}), expected it once; remove one"
            raise RecipeError(f"{decision.given.where}: {message}", stage=decision.stage, field=decision.name)
    return decisions
