"""Untrusted YAML as a tree of nodes, which keeps digits as printed and their places.

Nothing is constructed from tags; size, depth and the expansion of aliases are limited.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

MAX_CHARACTERS = 250_000
MAX_NODES = 50_000
MAX_DEPTH = 50

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(
    _TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value")
)
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool] = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_SURROGATE = re.compile("[\ud800-\udfff]")


class TreeError(ValueError):
    """YAML that is broken or refused; `index` is the character where, from 0."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index


def compose(text: str) -> yaml.Node | None:
    """The root node of one YAML document, None if there is only blank space and comments.

    Raises `TreeError`: broken syntax, tags, nesting, size or aliases beyond the limits.
    """
    if len(text) > MAX_CHARACTERS:
        raise TreeError(f"found {len(text)} characters of YAML, expected at most {MAX_CHARACTERS}", 0)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        raise TreeError(
            f"found the control character #x{ord(text[error.position]):04x}, expected text", error.position
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise TreeError(
            f"found broken YAML ({error.problem or error.context}), expected valid YAML", mark.index if mark else 0
        ) from None
    except RecursionError:
        raise TreeError(f"found deeply nested YAML, expected at most {MAX_DEPTH} levels", 0) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise TreeError(f"found broken YAML ({' '.join(str(error).split())}), expected valid YAML", 0) from None
    if root is not None:
        _check(root, 1, {}, set())
    return root


def _check(node: yaml.Node, depth: int, sizes: dict[int, int], open_nodes: set[int]) -> int:
    """The number of nodes below and including this one with every alias written out."""
    index = node.start_mark.index
    if id(node) in sizes:
        return sizes[id(node)]
    if id(node) in open_nodes:
        raise TreeError("found an alias to a value inside itself, expected plain values", index)
    if depth > MAX_DEPTH:
        raise TreeError(f"found deeply nested YAML, expected at most {MAX_DEPTH} levels", index)
    if node.tag not in _PLAIN_TAGS:
        raise TreeError(
            f"found the YAML tag {node.tag.removeprefix(_TAG)!r}, expected plain values without tags", index
        )
    open_nodes.add(id(node))
    size = 1
    if isinstance(node, yaml.ScalarNode) and _SURROGATE.search(node.value):
        raise TreeError("found half of a surrogate pair, expected text", index)
    for child in children(node):
        size += _check(child, depth + 1, sizes, open_nodes)
        if size > MAX_NODES:
            raise TreeError(f"found values that expand to more than {MAX_NODES} nodes, expected fewer", index)
    if isinstance(node, yaml.MappingNode):
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise TreeError("found a list or mapping as a key, expected a plain key", key.start_mark.index)
    open_nodes.discard(id(node))
    sizes[id(node)] = size
    return size


def children(node: yaml.Node) -> Iterator[yaml.Node]:
    """Keys and values of a mapping, items of a sequence."""
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def mapping(node: yaml.MappingNode) -> dict[str, yaml.Node]:
    """Key as printed -> value; of a repeated key the last counts."""
    return {key.value: item for key, item in node.value}


def duplicate_keys(root: yaml.Node) -> list[tuple[str, int, int]]:
    """Repeated keys anywhere in the tree: the key, its first and its second place (characters from 0)."""
    found, stack, done = [], [root], set()
    while stack:
        node = stack.pop()
        if id(node) in done:
            continue
        done.add(id(node))
        stack.extend(children(node))
        if isinstance(node, yaml.MappingNode):
            seen: dict[str, int] = {}
            for key, _ in node.value:
                if key.value in seen:
                    found.append((key.value, seen[key.value], key.start_mark.index))
                seen.setdefault(key.value, key.start_mark.index)
    return sorted(found, key=lambda item: item[2])


def to_value(node: yaml.Node) -> Any:
    """Plain Python values: dict, list, str, int, float, bool, None, by the rules of YAML 1.2's core schema.

    So ``no`` and ``2021-12-08`` are strings, and ``3e-5`` is a number.
    """
    if isinstance(node, yaml.MappingNode):
        return {key: to_value(item) for key, item in mapping(node).items()}
    if isinstance(node, yaml.SequenceNode):
        return [to_value(item) for item in node.value]
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return node.value
    if node.tag == _TAG + "null":
        return None
    return plain_value(node.value)


def is_null(node: yaml.Node | None) -> bool:
    """Whether there is no value: the key is absent, empty, or null."""
    return node is None or (isinstance(node, yaml.ScalarNode) and to_value(node) is None)


def plain_value(text: str) -> str | int | float | bool:
    """The value of an unquoted word: true or false, a finite number, else the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
