"""The tree of one file with the checks that need its path and lines."""

from __future__ import annotations

import datetime

import yaml

from harness import yamltree
from harness.errors import RecipeError


class Tree:
    """Nodes of one file to plain values; every error names the file and the line."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    def line(self, index: int) -> int:
        """The line of a character, from 1."""
        return self.text.count("\n", 0, index) + 1

    def error(self, index: int, message: str, field: str | None = None) -> RecipeError:
        shown = message if message.isprintable() else repr(message)[1:-1]  # it quotes the file
        return RecipeError(f"{self.path}:{self.line(index)}: {shown}", field=field)

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

    def flag(self, node: yaml.Node, what: str) -> bool:
        value = yamltree.to_value(node)
        if not isinstance(value, bool):
            raise self.error(node.start_mark.index, f"{what}: found no true or false, expected one of them", what)
        return value

    def mapping(self, node: yaml.Node | None, what: str, form: str) -> dict[str, yaml.Node]:
        """A mapping of names that the file chooses; an absent one is empty."""
        if node is None or yamltree.is_null(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            raise self.error(node.start_mark.index, f"{what}: found no mapping, expected {form}", what)
        return yamltree.mapping(node)
