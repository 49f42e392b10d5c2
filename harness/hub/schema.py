"""The form of a card's front matter that the Hub takes, as far as it is about figures, names and links.

Source: the Hub's model card specification, https://github.com/huggingface/hub-docs/blob/main/modelcard.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from harness import yamltree

Wrong = list[tuple[int, str]]
"""Characters of the front matter, and what is wrong there."""

_TEXTS = ("license", "language", "datasets", "metrics", "base_model")
"""A text, or several."""
_ONE = ("pipeline_tag", "library_name", "license_name", "license_link", "model_name")


def check_schema(root: yaml.MappingNode) -> Wrong:
    """All that is wrong with front matter that can be read, in the order of the keys here."""
    wrong: Wrong = []
    fields = yamltree.mapping(root)
    for key in _ONE:
        if (node := fields.get(key)) is not None and not yamltree.is_null(node) and not _is_text(node):
            _add(wrong, node, f"{key}: found {_kind(node)}, expected a text")
    for key in (*_TEXTS, "tags"):
        node = fields.get(key)
        if node is None or yamltree.is_null(node) or (key != "tags" and _is_text(node)):
            continue
        if not isinstance(node, yaml.SequenceNode):
            _add(wrong, node, f"{key}: found {_kind(node)}, expected a list of texts")
            continue
        for item in node.value:
            if not _is_text(item):
                _add(wrong, item, f"{key}: found {_kind(item)} in it, expected texts")
    index = fields.get("model-index")
    if index is not None and not yamltree.is_null(index):
        for model in _entries(wrong, index, "model-index", None):
            _check_model(wrong, model)
    return wrong


def _check_model(wrong: Wrong, model: Mapping[str, yaml.Node]) -> None:
    _need(wrong, model, "an entry of model-index", ("name",), None)
    for result in _entries(wrong, model.get("results"), "results", _first(model)):
        task, dataset = (_mapping(result.get(key)) for key in ("task", "dataset"))
        _need(wrong, task, "task", ("type",), _first(result))
        _need(wrong, dataset, "dataset", ("type", "name"), _first(result))
        for metric in _entries(wrong, result.get("metrics"), "metrics", _first(result)):
            _need(wrong, metric, "an entry of metrics", ("type",), _first(result))
            value = metric.get("value")
            if value is None or not _is_figure(yamltree.to_value(value)):
                _add(
                    wrong,
                    value or _first(metric),
                    f"an entry of metrics: found {_kind(value)} as value, expected a number",
                )


def _entries(wrong: Wrong, node: yaml.Node | None, what: str, near: yaml.Node | None) -> list[Mapping[str, yaml.Node]]:
    """The mappings of a list that has to have some."""
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        _add(wrong, node or near, f"{what}: found {_kind(node)}, expected a list of mappings")
        return []
    for item in node.value:
        if not isinstance(item, yaml.MappingNode):
            _add(wrong, item, f"{what}: found {_kind(item)} in it, expected a mapping")
    return [yamltree.mapping(item) for item in node.value if isinstance(item, yaml.MappingNode)]


def _need(
    wrong: Wrong, fields: Mapping[str, yaml.Node], what: str, keys: tuple[str, ...], near: yaml.Node | None
) -> None:
    for key in keys:
        node = fields.get(key)
        if node is None or not _is_text(node):
            _add(wrong, node or _first(fields) or near, f"{what}: found {_kind(node)} as {key}, expected a text")


def _add(wrong: Wrong, node: yaml.Node | None, message: str) -> None:
    wrong.append((0 if node is None else node.start_mark.index, message))


def _mapping(node: yaml.Node | None) -> Mapping[str, yaml.Node]:
    return yamltree.mapping(node) if isinstance(node, yaml.MappingNode) else {}


def _first(fields: Mapping[str, yaml.Node]) -> yaml.Node | None:
    return next(iter(fields.values()), None)


def _is_text(node: yaml.Node) -> bool:
    """Whether a node is a text, or a word that YAML may take for something else, such as the language ``no``."""
    return isinstance(node, yaml.ScalarNode) and not yamltree.is_null(node) and bool(node.value.strip())


def _is_figure(value: Any) -> bool:
    """Whether a value is a number, several, or one in quotes."""
    if isinstance(value, dict):
        return bool(value) and all(map(_is_figure, value.values()))
    if isinstance(value, list):
        return bool(value) and all(map(_is_figure, value))
    if isinstance(value, str):
        value = yamltree.plain_value(value.strip())
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(node: yaml.Node | None) -> str:
    if node is None or yamltree.is_null(node):
        return "nothing"
    if isinstance(node, yaml.ScalarNode):
        return f"the text {node.value[:40]!r}"
    return "a mapping" if isinstance(node, yaml.MappingNode) else "a list" if node.value else "an empty list"
