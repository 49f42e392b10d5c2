"""``assumptions.yaml``: what a person decides where a card leaves something open, each decision with its reason."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from harness import names, yamltree
from harness.errors import RecipeError

SCHEMA = 1
FILE_NAME = "assumptions.yaml"


@dataclass(frozen=True, slots=True)
class AssumedSetting:
    """A value for one field of the recipe; it goes before what the card states."""

    field: str
    """As written; `harness.recipes.plan_recipe` refuses unknown ones."""
    value: str | int | float | bool
    reason: str
    stage: str | None
    """The stage it is for; None for all of them."""
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
    points: float
    reason: str
    dataset: str | None
    """Canonical name; None for every data set."""
    subset: str | None
    """Of a metric written ``HasAns_exact``, ``NoAns_f1`` and so on; None for every subset."""
    line: int


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
    findings: tuple[AcceptedFinding, ...] = ()
    tolerances: tuple[AssumedTolerance, ...] = ()
    deviations: tuple[AcceptedDeviation, ...] = ()


def find_assumptions(card_path: Path) -> Path | None:
    """The ``assumptions.yaml`` beside a card called ``README.md`` (or in the card's folder); None if there is none."""
    folder = card_path if card_path.is_dir() else card_path.parent
    if not card_path.is_dir() and card_path.name.casefold() != "readme.md":
        return None
    file = folder / FILE_NAME
    return file if file.is_file() else None


def read_assumptions(path: Path) -> Assumptions:
    """Read the file, strictly: ``schema: 1`` and the lists ``settings``, ``findings``, ``tolerances``, ``deviations``.

    Raises:
        RecipeError: The file cannot be read, or a key is unknown, missing or repeated, or a reason is blank.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(4 * yamltree.MAX_CHARACTERS + 1)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise RecipeError(f"{path}: found no readable file ({reason}), expected assumptions; check the path") from None
    except UnicodeDecodeError:
        raise RecipeError(
            f"{path}: found bytes that are not UTF-8, expected UTF-8 text; save the file as UTF-8"
        ) from None
    return _Reader(str(path), text).read()


class _Reader:
    """The tree of one file with the checks that need its path and lines."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    def read(self) -> Assumptions:
        try:
            root = yamltree.compose(self.text)
        except yamltree.TreeError as error:
            raise self.error(error.index, f"{error}; correct this line or the one above") from None
        if root is None or yamltree.is_null(root):
            raise self.error(0, f'found nothing, expected "schema: {SCHEMA}"; write it on the first line')
        for key, _, second in yamltree.duplicate_keys(root):
            raise self.error(second, f"found the key {key!r} twice, expected it once; remove one")
        keys = ("schema", "settings", "findings", "tolerances", "deviations")
        fields = self.fields(root, "the file", required=("schema",), allowed=keys)
        schema = fields["schema"]
        if yamltree.to_value(schema) != SCHEMA or yamltree.to_value(schema) is True:
            found = schema.value if isinstance(schema, yaml.ScalarNode) else "a list or mapping"
            raise self.error(
                schema.start_mark.index, f"schema: found {found!r}, expected {SCHEMA}; this version reads no other"
            )
        return Assumptions(
            self.path,
            tuple(self.settings(fields.get("settings"))),
            tuple(self.finding(node) for node in self.items(fields.get("findings"), "findings")),
            tuple(self.tolerance(node) for node in self.items(fields.get("tolerances"), "tolerances")),
            tuple(self.deviation(node) for node in self.items(fields.get("deviations"), "deviations")),
        )

    def line(self, index: int) -> int:
        """The line of a character, from 1."""
        return self.text.count("\n", 0, index) + 1

    def error(self, index: int, message: str, field: str | None = None) -> RecipeError:
        shown = message if message.isprintable() else repr(message)[1:-1]  # it quotes the file
        return RecipeError(f"{self.path}:{self.line(index)}: {shown}", field=field)

    def settings(self, node: yaml.Node | None) -> Iterator[AssumedSetting]:
        if yamltree.is_null(node) or node is None:
            return
        if not isinstance(node, yaml.MappingNode):
            raise self.error(node.start_mark.index, "settings: found no mapping, expected field: {value, reason}")
        for field, entry in yamltree.mapping(node).items():
            what = f"settings.{field}"
            fields = self.fields(entry, what, required=("value", "reason"), allowed=("value", "reason", "stage"))
            value = fields["value"]
            plain = yamltree.to_value(value)
            if not isinstance(plain, (str, int, float, bool)):
                raise self.error(value.start_mark.index, f"{what}.value: found no plain value, expected one", field)
            stage = self.string(fields["stage"], f"{what}.stage") if "stage" in fields else None
            reason = self.string(fields["reason"], f"{what}.reason")
            yield AssumedSetting(field, plain, reason, stage, self.line(entry.start_mark.index))

    def finding(self, node: yaml.Node) -> AcceptedFinding:
        fields = self.fields(node, "findings", required=("code", "reason"), allowed=("code", "reason", "expires"))
        expires = self.date(fields["expires"]) if "expires" in fields else None
        code, reason = self.string(fields["code"], "code"), self.string(fields["reason"], "reason")
        return AcceptedFinding(code, reason, expires, self.line(node.start_mark.index))

    def tolerance(self, node: yaml.Node) -> AssumedTolerance:
        required = ("metric", "points", "reason")
        fields = self.fields(node, "tolerances", required=required, allowed=(*required, "dataset"))
        metric, subset = names.metric_name(self.string(fields["metric"], "metric"))
        if metric not in names.SCORES:
            known = ", ".join(sorted(names.SCORES))
            raise self.error(fields["metric"].start_mark.index, f"metric: found {metric!r}, expected one of {known}")
        points = yamltree.to_value(fields["points"])
        if isinstance(points, bool) or not isinstance(points, (int, float)) or not 0 <= points <= 100:
            raise self.error(fields["points"].start_mark.index, f"points: found {points!r}, expected 0 to 100")
        dataset = self.string(fields["dataset"], "dataset") if "dataset" in fields else None
        dataset = names.dataset_name(dataset) or dataset if dataset else None
        reason = self.string(fields["reason"], "reason")
        chosen = None if subset == "all" else subset
        return AssumedTolerance(metric, float(points), reason, dataset, chosen, self.line(node.start_mark.index))

    def deviation(self, node: yaml.Node) -> AcceptedDeviation:
        keys = ("claim", "reason", "expires")
        fields = self.fields(node, "deviations", required=keys, allowed=keys)
        claim, reason = self.string(fields["claim"], "claim"), self.string(fields["reason"], "reason")
        return AcceptedDeviation(claim, reason, self.date(fields["expires"]), self.line(node.start_mark.index))

    def items(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        if node is None or yamltree.is_null(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(node.start_mark.index, f"{what}: found no list, expected a list of entries")
        return list(node.value)

    def fields(
        self, node: yaml.Node, what: str, *, required: tuple[str, ...], allowed: tuple[str, ...]
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            wanted = ", ".join(allowed)
            raise self.error(node.start_mark.index, f"{what}: found no mapping, expected the keys {wanted}", what)
        for key, _ in node.value:
            if key.value not in allowed:
                wanted = ", ".join(allowed)
                raise self.error(
                    key.start_mark.index,
                    f"{what}: found the unknown key {key.value!r}, expected {wanted}; remove or rename it",
                    what,
                )
        fields = yamltree.mapping(node)
        for key in required:
            if key not in fields:
                raise self.error(node.start_mark.index, f"{what}: found no {key!r}, expected one; add it", what)
        return fields

    def string(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or yamltree.is_null(node) or not node.value.strip():
            raise self.error(node.start_mark.index, f"{what}: found nothing, expected a text; write one", what)
        return str(node.value).strip()

    def date(self, node: yaml.Node) -> datetime.date:
        try:
            return datetime.date.fromisoformat(self.string(node, "expires"))
        except ValueError:
            message = "expires: found no date, expected one of the form 2030-12-31"
            raise self.error(node.start_mark.index, message, "expires") from None
