"""``assumptions.yaml``: found beside a card, and read strictly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import yaml

from harness import yamltree
from harness.assumptions.entries import (
    AcceptedDeviation,
    AcceptedFinding,
    AssumedSetting,
    AssumedStage,
    AssumedTolerance,
    Assumptions,
    Reading,
)
from harness.assumptions.tolerances import KEYS, EntryError, find_repeated, read_tolerance
from harness.assumptions.tree import Tree
from harness.errors import RecipeError
from harness.regular_files import read_regular

SCHEMA = 1
FILE_NAME = "assumptions.yaml"
_KEYS = ("schema", "stages", "settings", "readings", "default_reading", "findings", "tolerances", "deviations")


def find_assumptions(card_path: Path) -> Path | None:
    """The ``assumptions.yaml`` beside a card called ``README.md`` (or in the card's folder); None if there is none.

    Raises:
        RecipeError: something of that name is there and is no file, such as a broken link; it may decide something.
    """
    folder = card_path if card_path.is_dir() else card_path.parent
    if not card_path.is_dir() and card_path.name.casefold() != "readme.md":
        return None
    file = folder / FILE_NAME
    if not file.is_file() and os.path.lexists(file):
        raise RecipeError(
            f"{file}: found no regular file under the name of a card's assumptions, expected one; replace or remove it"
        )
    return file if file.is_file() else None


def read_assumptions(path: Path) -> Assumptions:
    """Read the file, strictly: ``schema: 1``, and what a person decided.

    `settings` are values for the recipe, `stages` its steps where the card's prose alone describes them, `readings`
    what an ambiguous card may mean; `findings`, `tolerances` and `deviations` are what is accepted.

    Raises:
        RecipeError: The file cannot be read, or a key is unknown, missing or repeated, or a reason is blank.
    """
    try:
        text = read_regular(path, 4 * yamltree.MAX_CHARACTERS).decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise RecipeError(f"{path}: found no readable file ({reason}), expected assumptions; check the path") from None
    except UnicodeDecodeError:
        raise RecipeError(
            f"{path}: found bytes that are not UTF-8, expected UTF-8 text; save the file as UTF-8"
        ) from None
    return _Reader(str(path), text).read()


class _Reader(Tree):
    """The entries of the file."""

    def read(self) -> Assumptions:
        try:
            root = yamltree.compose(self.text)
        except yamltree.TreeError as error:
            raise self.error(error.index, f"{error}; correct this line or the one above") from None
        if root is None or yamltree.is_null(root):
            raise self.error(0, f'found nothing, expected "schema: {SCHEMA}"; write it on the first line')
        for key, _, second in yamltree.duplicate_keys(root):
            raise self.error(second, f"found the key {key!r} twice, expected it once; remove one")
        fields = self.fields(root, "the file", required=("schema",), allowed=_KEYS)
        self.check_schema(fields["schema"])
        stages, of_stages = self.stages(fields.get("stages"))
        readings = tuple(self.readings(fields.get("readings")))
        tolerances = tuple(self.tolerance(node) for node in self.items(fields.get("tolerances"), "tolerances"))
        repeated = find_repeated(tolerances)
        if repeated is not None:
            message = "tolerances: found a second entry for this metric, data set and kind, expected one; remove one"
            raise RecipeError(f"{self.path}:{repeated.line}: {message}", field="tolerances")
        return Assumptions(
            self.path,
            (*self.settings(fields.get("settings"), "settings"), *of_stages),
            tuple(self.finding(node) for node in self.items(fields.get("findings"), "findings")),
            tolerances,
            tuple(self.deviation(node) for node in self.items(fields.get("deviations"), "deviations")),
            stages,
            readings,
            self.default_reading(fields.get("default_reading"), readings),
        )

    def check_schema(self, node: yaml.Node) -> None:
        if yamltree.to_value(node) != SCHEMA or yamltree.to_value(node) is True:
            found = node.value if isinstance(node, yaml.ScalarNode) else "a list or mapping"
            raise self.error(
                node.start_mark.index, f"schema: found {found!r}, expected {SCHEMA}; this version reads no other"
            )

    def settings(
        self, node: yaml.Node | None, within: str, stage: str | None = None, staged: bool = True
    ) -> Iterator[AssumedSetting]:
        """Values of a mapping `within` the file; those of one stage have no key for it."""
        allowed = ("value", "reason", "stage") if staged else ("value", "reason")
        for field, entry in self.mapping(node, within, "field: {value, reason}").items():
            what = f"{within}.{field}"
            fields = self.fields(entry, what, required=("value", "reason"), allowed=allowed)
            value = self.value(fields["value"], what, field)
            own = self.string(fields["stage"], f"{what}.stage") if "stage" in fields else stage
            reason = self.string(fields["reason"], f"{what}.reason")
            yield AssumedSetting(field, value, reason, own, self.line(entry.start_mark.index))

    def value(self, node: yaml.Node, what: str, field: str) -> str | int | float | bool | tuple[int, ...]:
        """A plain value, or a list of whole numbers."""
        plain = yamltree.to_value(node)
        if isinstance(plain, (str, int, float, bool)):
            return plain
        if isinstance(plain, list) and plain and all(type(item) is int for item in plain):
            return tuple(plain)
        message = f"{what}.value: found no plain value, expected one, or a list of whole numbers"
        raise self.error(node.start_mark.index, message, field)

    def stages(self, node: yaml.Node | None) -> tuple[tuple[AssumedStage, ...], list[AssumedSetting]]:
        """The listed stages, and the settings that stand with them."""
        stages: dict[str, AssumedStage] = {}
        settings: list[AssumedSetting] = []
        for item in self.items(node, "stages"):
            keys = ("name", "reason", "block", "settings")
            fields = self.fields(item, "stages", required=("name", "reason"), allowed=keys)
            name = self.string(fields["name"], "stages.name")
            if name in stages:
                message = f"stages: found the name {name!r} twice, expected a name of its own; rename one"
                raise self.error(fields["name"].start_mark.index, message, "stages")
            reason = self.string(fields["reason"], "stages.reason")
            block = self.flag(fields["block"], "stages.block") if "block" in fields else False
            stages[name] = AssumedStage(name, reason, block, self.line(item.start_mark.index))
            settings += self.settings(fields.get("settings"), f"stages.{name}", name, staged=False)
        return tuple(stages.values()), settings

    def readings(self, node: yaml.Node | None) -> Iterator[Reading]:
        for name, item in self.mapping(node, "readings", "name: {reason, profile, settings}").items():
            what = f"readings.{name}"
            fields = self.fields(item, what, required=("reason",), allowed=("reason", "profile", "settings"))
            if not name.strip() or not name.isprintable():
                raise self.error(item.start_mark.index, f"readings: found the name {name!r}, expected a word", what)
            reason = self.string(fields["reason"], f"{what}.reason")
            profile = self.string(fields["profile"], f"{what}.profile") if "profile" in fields else None
            settings = tuple(self.settings(fields.get("settings"), f"{what}.settings"))
            yield Reading(name, reason, profile, settings, self.line(item.start_mark.index))

    def default_reading(self, node: yaml.Node | None, readings: tuple[Reading, ...]) -> str | None:
        if node is None:
            return None
        name, known = self.string(node, "default_reading"), [reading.name for reading in readings]
        if name not in known:
            wanted = f"one of {', '.join(known)}" if known else "none, as there are no readings"
            message = f"default_reading: found {name!r}, expected {wanted}; correct it"
            raise self.error(node.start_mark.index, message, "default_reading")
        return name

    def finding(self, node: yaml.Node) -> AcceptedFinding:
        fields = self.fields(node, "findings", required=("code", "reason"), allowed=("code", "reason", "expires"))
        expires = self.date(fields["expires"]) if "expires" in fields else None
        code, reason = self.string(fields["code"], "code"), self.string(fields["reason"], "reason")
        return AcceptedFinding(code, reason, expires, self.line(node.start_mark.index))

    def tolerance(self, node: yaml.Node) -> AssumedTolerance:
        fields = self.fields(node, "tolerances", required=("metric", "reason"), allowed=KEYS)
        values: dict[str, object] = {}
        for key, value in fields.items():
            texts = ("metric", "reason", "dataset", "kind")
            values[key] = self.string(value, key) if key in texts else yamltree.to_value(value)
        try:
            return read_tolerance(values, self.line(node.start_mark.index))
        except EntryError as error:
            place = fields.get(error.field, node)
            raise self.error(place.start_mark.index, str(error), error.field) from None

    def deviation(self, node: yaml.Node) -> AcceptedDeviation:
        keys = ("claim", "reason", "expires")
        fields = self.fields(node, "deviations", required=keys, allowed=keys)
        claim, reason = self.string(fields["claim"], "claim"), self.string(fields["reason"], "reason")
        return AcceptedDeviation(claim, reason, self.date(fields["expires"]), self.line(node.start_mark.index))
