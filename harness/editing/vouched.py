"""The Hub's marks of verification beside a value: they vouch for what was verified, not for what takes its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

import yaml

from harness import yamltree
from harness.cards.front_matter import FrontMatter, read_front_matter
from harness.cards.source import Source, split_lines
from harness.editing.edits import Edit, Spans
from harness.records import Place

MARKS = ("verified", "verifyToken")
_VALUES = ("value", "metrics", "metric")
_WHAT = "mark of verification, removed"
_FLOW = re.compile(r"(?:[&!]\S*\s+)*\{")  # behind an anchor or tag
_COMMA = re.compile(r"[ \t]*,")
_Pair = tuple[yaml.Node, yaml.Node]


def remove_marks(text: str, path: str, values: Sequence[Place]) -> list[Edit]:
    """The edits that take the marks of verification away from values of the front matter.

    In block style whole lines go, in flow style the pairs with their commas.

    Args:
        text: The card.
        path: For messages.
        values: Where the values stand that are about to change, none over another.

    Raises:
        CardError: a mark is shared through an anchor or a merge key, or cannot be taken away alone.
    """
    source = split_lines(path, text)
    front = read_front_matter(source)
    edits = {}
    changing = Spans((value.start, value.end) for value in values)
    for mapping in _mappings(front):
        if holds_value(front, mapping, changing):
            for edit in _without_marks(front, mapping):
                edits[edit.start, edit.end] = edit
    return [edits[span] for span in sorted(edits)]


def mark_pairs(mapping: yaml.MappingNode) -> list[_Pair]:
    """The pairs of a mapping that are marks of verification."""
    return [(key, value) for key, value in mapping.value if key.value in MARKS]


def _mappings(front: FrontMatter) -> Iterator[yaml.MappingNode]:
    """Every mapping of the front matter, once."""
    stack: list[yaml.Node] = [] if front.root is None else [front.root]
    seen = set()
    while stack:
        node = stack.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        stack.extend(yamltree.children(node))
        if isinstance(node, yaml.MappingNode):
            yield node


def holds_value(front: FrontMatter, mapping: yaml.MappingNode, spans: Spans) -> bool:
    """Whether a mapping's ``value``, or one of the ``metrics`` beside its marks, has in it some pieces of the card."""
    return any(
        key.value in _VALUES and spans.within(front.start + value.start_mark.index, front.start + value.end_mark.index)
        for key, value in mapping.value
    )


def _without_marks(front: FrontMatter, mapping: yaml.MappingNode) -> Iterator[Edit]:
    source = front.source
    for key, value in mapping.value:
        if key.value == "<<" and any(mark_pairs(merged) for merged in _merged(value)):
            raise source.error(
                "found marks of verification that a merge key brings to a value that changes, expected them beside the "
                "value; write them out there, or remove them",
                front.start + key.start_mark.index,
            )
    pairs: list[_Pair] = mapping.value
    position = 0
    for marked, group in groupby(pairs, lambda pair: pair[0].value in MARKS):
        run = list(group)
        if marked:
            for pair in run:
                _check_own(front, pair)
            before = pairs[position - 1] if position else None
            after = pairs[position + len(run)] if position + len(run) < len(pairs) else None
            if _is_flow(front, mapping):
                yield _from_flow(front, run, before, after)
            else:
                yield from _from_block(front, run, first=before is None, after=after)
        position += len(run)


def _merged(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    for item in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        if isinstance(item, yaml.MappingNode):
            yield item
            for key, value in item.value:
                if key.value == "<<":
                    yield from _merged(value)


def _is_flow(front: FrontMatter, mapping: yaml.MappingNode) -> bool:
    return _FLOW.match(front.source.text, front.start + mapping.start_mark.index) is not None


def _check_own(front: FrontMatter, pair: _Pair) -> None:
    """Refuse a mark that stands elsewhere, behind an alias, or that others may stand for, by its anchor."""
    key, value = pair
    between = front.source.text[front.start + key.end_mark.index : front.start + value.start_mark.index]
    raw = front.source.text[front.start + value.start_mark.index : front.start + value.end_mark.index]
    alias = value.start_mark.index < key.end_mark.index and not (value.value == "" and not raw)
    if alias or "&" in between or raw.lstrip().startswith(("&", "*")):
        raise front.source.error(
            f"found {key.value} as an anchor or alias beside a value that changes, expected it written out; write it "
            "out, or remove it",
            front.start + key.start_mark.index,
        )


def _value_end(front: FrontMatter, pair: _Pair) -> int:
    """One past the last character of a pair, without blank lines and comments that a block of text ends with."""
    key, value = pair
    start, end = front.start + value.start_mark.index, front.start + value.end_mark.index
    if value.start_mark.index < key.end_mark.index:  # an alias: its node stands elsewhere
        return front.start + key.end_mark.index
    return start + len(front.source.text[start:end].rstrip())


def _from_block(front: FrontMatter, run: Sequence[_Pair], *, first: bool, after: _Pair | None) -> Iterator[Edit]:
    source = front.source
    start = front.start + run[0][0].start_mark.index
    end = max(_value_end(front, run[-1]), front.start + run[-1][0].end_mark.index)
    line = source.starts[source.line_at(start) - 1]
    if not first and not source.text[line:start].strip(" "):
        for key, value in run:
            begin = source.starts[source.line_at(front.start + key.start_mark.index) - 1]
            last = source.line_at(max(_value_end(front, (key, value)) - 1, front.start + key.start_mark.index))
            yield Edit(begin, _line_end(source, last), "", _WHAT)
        return
    # the first of an entry: what follows moves up to its dash
    follows = None if after is None else front.start + after[0].start_mark.index
    if follows is None or not re.fullmatch(r"[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n)[ \t]*", source.text[end:follows]):
        raise source.error(
            f"found {run[0][0].value} where it cannot be taken away alone beside a value that changes; remove it",
            start,
        )
    yield Edit(start, follows, "", _WHAT)


def _line_end(source: Source, number: int) -> int:
    """Where the line after this one (from 1) begins."""
    return source.starts[number] if number < len(source.starts) else len(source.text)


def _from_flow(front: FrontMatter, run: Sequence[_Pair], before: _Pair | None, after: _Pair | None) -> Edit:
    text = front.source.text
    start, end = front.start + run[0][0].start_mark.index, _value_end(front, run[-1])
    if before is not None:
        comma = text.rfind(",", _value_end(front, before), start)
        if comma >= 0 and not text[comma + 1 : start].strip():
            return Edit(comma, end, "", _WHAT)
    if after is not None:
        follows = front.start + after[0].start_mark.index
        if re.fullmatch(r"\s*,\s*", text[end:follows]):
            return Edit(start, follows, "", _WHAT)
    trailing = _COMMA.match(text, end)
    return Edit(start, end if trailing is None else trailing.end(), "", _WHAT)
