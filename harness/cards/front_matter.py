"""The YAML at the top of a card: metadata, the claims of ``model-index``, and the base model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from harness import names, yamltree
from harness.cards.figures import Figure, find_digits, to_claims
from harness.cards.source import Source
from harness.records import Claim, DataRef, Setting, Subset

_BOM = "\ufeff"
_FENCE = re.compile(r"---[ \t]*")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The front matter as a node tree; its characters count from `start` in the card."""

    source: Source
    root: yaml.MappingNode | None
    start: int
    body_line: int
    """First line of the body, from 0."""

    def metadata(self) -> dict[str, Any]:
        """The front matter as plain values."""
        return {} if self.root is None else yamltree.to_value(self.root)

    def get(self, key: str) -> yaml.Node | None:
        """The node of a top-level key."""
        return None if self.root is None else yamltree.mapping(self.root).get(key)


def read_front_matter(source: Source) -> FrontMatter:
    """Find and compose the front matter.

    Raises `CardError` where there is none, it is never closed, it is broken YAML, or it is not a mapping.
    """
    if not source.text.strip(_BOM + " \t\r\n"):
        raise source.error('found an empty card, expected front matter between two lines "---"; write the card first')
    first = 0
    while not source.line(first).strip(_BOM + " \t"):
        first += 1
    opening = source.line(first).lstrip(_BOM)
    if not _FENCE.fullmatch(opening):
        raise source.error(
            f'found {opening[:40]!r} where front matter should begin, expected a line "---"; '
            'put the metadata between two lines "---" at the top',
            source.starts[first],
        )
    count = len(source.starts)
    last = next((n for n in range(first + 1, count) if _FENCE.fullmatch(source.line(n))), None)
    if last is None:
        raise source.error(
            'found front matter that is never closed, expected a second line "---"; add it after the metadata',
            source.starts[first],
        )
    start = source.starts[first + 1]
    try:
        root = yamltree.compose(source.text[start : source.starts[last]])
    except yamltree.TreeError as error:
        raise source.error(f"front matter: {error}; check this line and the one above", start + error.index) from None
    if root is not None and yamltree.is_null(root):
        root = None
    if root is not None and not isinstance(root, yaml.MappingNode):
        found = "a list" if isinstance(root, yaml.SequenceNode) else f"the text {root.value[:40]!r}"
        raise source.error(
            f'front matter: found {found}, expected a mapping; write lines of the form "key: value"',
            start + root.start_mark.index,
        )
    return FrontMatter(source, root, start, last + 1)


def read_name(front: FrontMatter) -> str | None:
    """The name of the first model of ``model-index``."""
    for model in _entries(front, front.get("model-index"), "model-index"):
        return _text(model.get("name"))
    return None


def read_claims(front: FrontMatter) -> list[Claim]:
    """Every figure of every metric of every result that ``model-index`` gives for the card's model, the first."""
    claims: list[Claim] = []
    own = read_name(front)
    for model in _entries(front, front.get("model-index"), "model-index"):
        if _text(model.get("name")) != own:
            continue
        for result in _entries(front, model.get("results"), "results"):
            data = _read_data(front, result.get("dataset"))
            figures = []
            for metric in _entries(front, result.get("metrics"), "metrics"):
                figures += _read_metric(front, metric, data)
            claims += to_claims(figures, "front_matter", front.source)
    return claims


def read_settings(front: FrontMatter) -> list[Setting]:
    """The ``base_model`` of the metadata, where it is one name."""
    node = front.get("base_model")
    if isinstance(node, yaml.SequenceNode) and len(node.value) == 1:
        node = node.value[0]
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        return []
    start = front.start + node.start_mark.index
    raw = front.source.text[start : front.start + node.end_mark.index]
    offset = max(raw.find(node.value), 0)
    text = node.value if node.value in raw else raw  # a folded or escaped value is not printed as it reads
    place = front.source.place(start + offset, start + offset + len(text))
    return [Setting("student", "base_model", node.value, text, place)]


def read_datasets(front: FrontMatter) -> list[DataRef]:
    """Data sets that the metadata names: those of the results, else those under ``datasets``; canonical, no repeats."""
    refs = []
    for model in _entries(front, front.get("model-index"), "model-index"):
        for result in _entries(front, model.get("results"), "results"):
            if (ref := _read_data(front, result.get("dataset"))) is not None:
                refs.append(ref)
    node = front.get("datasets")
    if not refs and node is not None:
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        words = [item.value for item in items if isinstance(item, yaml.ScalarNode) and not yamltree.is_null(item)]
        refs = [names.canonical_data(DataRef(word, "")) for word in words]
    return list(dict.fromkeys(refs))


def _entries(front: FrontMatter, node: yaml.Node | None, what: str) -> Iterator[dict[str, yaml.Node]]:
    if node is None or yamltree.is_null(node):
        return
    if not isinstance(node, yaml.SequenceNode):
        raise _malformed(front, node, what, "a list")
    for item in node.value:
        if not isinstance(item, yaml.MappingNode):
            raise _malformed(front, item, f"an entry of {what}", "a mapping")
        yield yamltree.mapping(item)


def _malformed(front: FrontMatter, node: yaml.Node, what: str, expected: str) -> Exception:
    if isinstance(node, yaml.ScalarNode):
        found = f"the text {node.value[:40]!r}"
    else:
        found = "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
    message = f"{what}: found {found}, expected {expected}; see the model-index section of the Hub's card specification"
    return front.source.error(message, front.start + node.start_mark.index)


def _text(node: yaml.Node | None) -> str | None:
    if not isinstance(node, yaml.ScalarNode) or yamltree.is_null(node):
        return None
    return _one_line(node.value) or None


def _one_line(text: str) -> str:
    """The text without what a terminal would act on: names end up in messages and tables."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _read_data(front: FrontMatter, node: yaml.Node | None) -> DataRef | None:
    if node is None or yamltree.is_null(node):
        return None
    if not isinstance(node, yaml.MappingNode):
        raise _malformed(front, node, "dataset", "a mapping")
    fields = yamltree.mapping(node)
    name = _text(fields.get("type")) or _text(fields.get("name"))
    if name is None:
        return None
    title, kind = names.dataset_name(_text(fields.get("name")) or ""), names.dataset_name(name)
    if title and kind and title != kind and (title, kind) != ("squad", "squad_v2"):  # SQuAD is also the family's name
        return None
    config, revision = _text(fields.get("config")), _text(fields.get("revision"))
    return names.canonical_data(DataRef(name, _text(fields.get("split")) or "", config, revision))


def _read_metric(front: FrontMatter, fields: dict[str, yaml.Node], data: DataRef | None) -> list[Figure]:
    value = fields.get("value")
    kind, title = _text(fields.get("type")) or "", _text(fields.get("name")) or ""
    verified = fields.get("verified")
    is_verified = verified is not None and yamltree.to_value(verified) is True
    if isinstance(value, yaml.MappingNode):  # one entry that holds several metrics by name
        parts = [(*names.metric_name(_one_line(key)), item) for key, item in yamltree.mapping(value).items()]
    elif value is not None:
        parts = [(*_metric(kind, title), value)]
    else:
        parts = []
    figures = []
    for metric, subset, node in parts:
        if not isinstance(node, yaml.ScalarNode) or not metric or not names.is_result(metric):
            continue
        start = front.start + node.start_mark.index
        found = find_digits(front.source.text[start : front.start + node.end_mark.index])
        if found:
            digits, percent, offset = found
            end = start + offset + len(digits)
            figures.append(Figure(metric, subset, digits, percent, start + offset, end, data, is_verified))
    return figures


def _metric(kind: str, title: str) -> tuple[str, Subset]:
    """Metric and subset from the type; the title says the subset, or the metric where the type is no known one."""
    metric, subset = names.metric_name(kind)
    titled, titled_subset = names.metric_name(title)
    if metric not in names.SCORES and (titled in names.SCORES or not metric):
        return titled, titled_subset
    if subset == "all" and titled == metric:
        return metric, titled_subset
    return metric, subset
