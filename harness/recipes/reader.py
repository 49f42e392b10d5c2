"""Reads the values of one stage's sheet and notes where each came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from harness.recipes import foreign, values
from harness.recipes.profiles import find_default, read_profile
from harness.recipes.sheets import Given, Sheet, check
from harness.recipes.values import Value
from harness.records import Origin, StageKind

T = TypeVar("T")


@dataclass(slots=True)
class Reader:
    """The values of one stage, or of the evaluation."""

    stage: str
    sheet: Sheet
    kind: StageKind = "finetune"
    profile: str = "modern"
    origins: dict[str, Origin] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)

    def read_profile(self) -> str:
        """The profile, which fills everything that is read after it."""
        self.profile = self.read("profile", read_profile)
        return self.profile

    def read(self, name: str, convert: Callable[[Value], T]) -> T:
        """A field that has a default; a gap too where the card is unclear about it."""
        given = self.sheet.get(name)
        if given is not None and given.in_words and not given.unclear:
            given = _doubted(given, convert)
        if given is not None and not given.unclear:
            self.origins[name] = given.origin
            return check(name, given, convert, self.stage)
        if given is not None:
            self.gaps.append(name)
        return self._default(name, convert)

    def _default(self, name: str, convert: Callable[[Value], T]) -> T:
        """What the profile takes; another program's setting may say the same under another name."""
        default = find_default(self.profile, self.kind, name)
        told = self.sheet.get(f"~{name}")
        if told is None or told.unclear:
            self.origins[name] = Origin("default", default.source)
            return convert(default.value)
        if (why := foreign.ignored(name, told.value, self.profile)) is not None:
            self.origins[name] = Origin("default", f"{default.source}; {why} (line {told.origin.line})")
            return convert(default.value)
        if name == "optimizer":  # every profile's is an AdamW, its own
            self.origins[name] = dataclasses.replace(told.origin, note=f"as in {default.source}")
            return convert(default.value)
        self.origins[name] = told.origin
        return check(name, told, convert, self.stage)

    def find(self, name: str, convert: Callable[[Value], T], field_name: str, needed: bool = True) -> T | None:
        """A field without a default: a gap where nothing readable states it and a run needs it."""
        given = self.sheet.get(name)
        if given is not None and not given.unclear:
            try:
                value = convert(given.value)
            except ValueError:
                if given.strict:
                    check(name, given, convert, self.stage)
            else:
                self.origins[field_name] = _data_origin(given) if name in ("train_data", "eval_data") else given.origin
                return value
        if needed:
            self.gaps.append(field_name)
        return None

    def note(self, name: str, words: str) -> None:
        """Add words to a value's origin."""
        origin = self.origins.get(name)
        if origin is not None and origin.how != "default":
            note = f"{origin.note}; {words}" if origin.note else words
            self.origins[name] = dataclasses.replace(origin, note=note)


def _doubted(given: Given, convert: Callable[[Value], object]) -> Given:
    """What was not written for this program and cannot be read as such a value says nothing."""
    try:
        convert(given.value)
    except ValueError:
        return dataclasses.replace(given, unclear=True)
    return given


def _data_origin(given: Given) -> Origin:
    """The origin, with a note where the split is not in the words but is what they mean."""
    if given.origin.note or not values.implies_split(given.value):
        return given.origin
    return dataclasses.replace(given.origin, note=f'"{given.value}", the split by convention')
