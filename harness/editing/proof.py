"""Proof that an edited card says what it said, but for the edits: both texts are read, and held against each other.

Edits are made by one part of the program and checked here by another, which knows of them only where they stand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import yaml

from harness.cards.figures import NUMBER
from harness.cards.front_matter import FrontMatter, read_front_matter
from harness.cards.source import Source, split_lines
from harness.editing.edits import Edit, EditedCard, Moved, Spans
from harness.editing.figures import printed_thresholds
from harness.editing.marks import find_section
from harness.editing.vouched import MARKS, holds_value, mark_pairs
from harness.errors import CardError
from harness.names import SCORES
from harness.records import Card, Claim, Code, Count, HubResult, Link, Place

_NUMBER = re.compile(NUMBER)
_SIDE_BY_SIDE = ("claims", "comparisons", "counts", "settings", "speeds", "examples", "links", "results", "code")


def prove(before: Card, after: Card, edits: Sequence[Edit]) -> None:
    """Raise where an edited card says, or has, anything else than the card before with its edits.

    Args:
        before: The card's text before, read.
        after: The text after, read.
        edits: From front to back.

    Raises:
        CardError: an edit is of something else than a figure, a mark of verification or the evidence section; text
            outside the edits differs; or claims, settings, counts, examples, links, code, metadata, results or problems
            are other ones.
    """
    _Proof(before, after, edits).run()


def prove_text(edited: EditedCard) -> None:
    """Raise `CardError` where text outside the edits differs."""
    position = done = 0
    for edit in (*edited.edits, Edit(len(edited.before), len(edited.before), "", "")):
        kept = edited.before[position : edit.start]
        if edit.start < position or edited.text[done : done + len(kept)] != kept:
            _refuse(str(edited.path), 1 + edited.before.count("\n", 0, position), "text outside the edits")
        done += len(kept)
        if edited.text[done : done + len(edit.text)] != edit.text:
            _refuse(str(edited.path), 1 + edited.before.count("\n", 0, edit.start), edit.what)
        position, done = edit.end, done + len(edit.text)
    if done != len(edited.text):
        _refuse(str(edited.path), 1 + edited.before.count("\n"), "text behind the last edit")


def _refuse(path: str, line: int | None, what: str) -> NoReturn:
    where = path if line is None else f"{path}:{line}"
    raise CardError(
        f"{where}: found that the edited card would be read otherwise here ({what}), expected nothing but the edits; "
        "nothing was written: edit it by hand, or simplify this place",
        path=path,
        line=line,
    )


class _Proof:
    """One comparison of two cards."""

    def __init__(self, before: Card, after: Card, edits: Sequence[Edit]) -> None:
        self.before, self.after, self.edits = before, after, tuple(edits)
        self.moved = Moved(edits)
        self.old, self.new = split_lines(before.path, before.text), split_lines(after.path, after.text)
        self.digits = {(e.start, e.end): e.text for e in edits if _NUMBER.fullmatch(before.text[e.start : e.end])}
        self.numbers = Spans(self.digits)
        claims = Spans({(claim.place.start, claim.place.end) for claim in before.claims})
        changed = {(r.place.start, r.place.end) for r in before.results}
        changed = {span for span in changed if self.numbers.within(*span)}
        self.unvouched = {claim for span in changed for claim in claims.within(*span)}
        """Claims whose mark of verification goes: a figure of their value of ``model-index`` is another."""

    def run(self) -> None:
        before, after = self.before, self.after
        prove_text(EditedCard(Path(before.path), before.text, after.text, self.edits))
        self.check_edits()
        for name in ("name", "aliases", "metadata_line"):
            if getattr(before, name) != getattr(after, name):
                self.refuse(None, name.replace("_", " "))
        for name in _SIDE_BY_SIDE:
            self.compare(name, getattr(before, name), getattr(after, name))
        self.check_problems()
        self.check_metadata()

    def refuse(self, line: int | None, what: str) -> NoReturn:
        _refuse(self.before.path, line, what)

    def check_edits(self) -> None:
        """Whether every edit is of a kind that there may be."""
        card = self.before
        found = [*(c.place for c in card.claims), *(c.place for c in card.counts), *printed_thresholds(card)]
        places = {(place.start, place.end) for place in found}
        front = read_front_matter(self.old)
        body = self.old.starts[front.body_line] if front.body_line < len(self.old.starts) else len(card.text)
        section = find_section(card.text, card.path)
        written = find_section(self.after.text, card.path)
        for edit in self.edits:
            line = self.old.line_at(edit.start)
            if (edit.start, edit.end) in self.digits:
                if (edit.start, edit.end) not in places or not _NUMBER.fullmatch(edit.text):
                    self.refuse(line, "a number that is no figure")
            elif front.found and front.start <= edit.start < edit.end <= body and not edit.text:
                removed = card.text[edit.start : edit.end].lstrip(" \t\r\n,\"'")
                if not removed.startswith(MARKS):  # and `check_metadata` finds whatever else is gone
                    self.refuse(line, "a part of its front matter that is no mark of verification")
            elif section is not None:
                if (edit.start, edit.end) != (section.start, section.end):
                    self.refuse(line, "text that is no figure and no evidence section")
            elif edit.start != len(card.text):
                self.refuse(line, "text that is put in elsewhere than at the end")
        if self.before.text != self.after.text and (written is None or not written.intact):
            self.refuse(None if section is None else section.line, "the evidence section")

    def compare(self, name: str, before: Sequence[object], after: Sequence[object]) -> None:
        for old, new in zip(before, after, strict=False):
            if isinstance(old, HubResult) and isinstance(
                new, HubResult
            ):  # a list's node ends where the next key begins
                old = replace(old, place=self.trimmed(self.old, old.place))
                new = replace(new, place=self.trimmed(self.new, new.place))
            wanted = self.expected(old)
            if isinstance(old, Code) and isinstance(new, Code):
                wanted = replace(old, line=self.line(old.line), text=self.code_text(old, new))
            if wanted != new:
                self.refuse(old.line if isinstance(old, Code) else _place(old).line, name)
        if len(before) != len(after):
            self.refuse(None, f"{len(before)} {name}, then {len(after)}")

    def expected(self, item: object) -> object:
        """What should be read in the edited card in the place of an item."""
        if isinstance(item, Code):
            return item
        place = _place(item)
        moved = replace(item, place=self.place(place))  # type: ignore[type-var]
        new = self.digits.get((place.start, place.end))
        if isinstance(moved, Claim):
            if (place.start, place.end) in self.unvouched:
                moved = replace(moved, verified=False)
            return moved if new is None or not moved.own else _with_digits(moved, new)
        if isinstance(moved, Count):
            return moved if new is None else replace(moved, value=int(float(new)))
        if isinstance(moved, Link):
            return replace(moved, text=self.moved.inside(moved.text, place.start + 1))
        if isinstance(moved, HubResult) and (inside := self.numbers.within(place.start, place.end)):
            value = moved.value
            for start, end in inside:
                if value is not None:
                    value = value.replace(self.before.text[start:end], self.digits[start, end], 1)
            return replace(moved, value=value, verified=None, verify_token=None)
        return moved

    def place(self, place: Place) -> Place:
        return self.new.place(self.moved.index(place.start), self.moved.index(place.end))

    @staticmethod
    def trimmed(source: Source, place: Place) -> Place:
        """A place without the blanks that it ends in."""
        return source.place(place.start, place.start + len(source.text[place.start : place.end].rstrip()))

    def line(self, number: int) -> int:
        return self.new.line_at(self.moved.index(self.old.starts[number - 1]))

    def code_text(self, old: Code, new: Code) -> str:
        """A block's text with the edits in it: what its lines in the card have before it, they have still."""
        lines, found = old.text.split("\n"), new.text.split("\n")
        wanted = []
        for offset, line in enumerate(lines):
            number = old.line - 1 + offset
            raw = self.old.line(number) if number < len(self.old.starts) else ""
            start = self.old.starts[number] + len(raw) - len(line) if raw.endswith(line) else None
            wanted.append(line if start is None else self.moved.inside(line, start))
        return "\n".join(wanted) if len(lines) == len(found) else old.text

    def check_problems(self) -> None:
        before = Counter(
            (p.code, p.severity, None if p.line is None else self.line(p.line)) for p in self.before.problems
        )
        after = Counter((p.code, p.severity, p.line) for p in self.after.problems)
        gone = before - after
        if after - before or any(code != "duplicate-key" for code, _, _ in gone):
            self.refuse(None, "problems of its front matter")

    def check_metadata(self) -> None:
        old, new = read_front_matter(self.old), read_front_matter(self.new)
        if (old.root is None) != (new.root is None):
            self.refuse(None, "its front matter")
        stack: list[tuple[yaml.Node, yaml.Node]] = []
        if old.root is not None and new.root is not None:
            stack.append((old.root, new.root))
        seen = set()
        while stack:
            one, other = stack.pop()
            if (id(one), id(other)) in seen:
                continue
            seen.add((id(one), id(other)))
            line = self.old.line_at(old.start + one.start_mark.index)
            if isinstance(one, yaml.MappingNode) and isinstance(other, yaml.MappingNode):
                pairs = self.kept_pairs(old, one)
                if [key.value for key, _ in pairs] != [key.value for key, _ in other.value]:
                    self.refuse(line, "keys of its front matter")
                stack += [(a, b) for (_, a), (_, b) in zip(pairs, other.value, strict=True)]
            elif isinstance(one, yaml.SequenceNode) and isinstance(other, yaml.SequenceNode):
                if len(one.value) != len(other.value):
                    self.refuse(line, "a list of its front matter")
                stack += list(zip(one.value, other.value, strict=True))
            elif not self.same_scalar(old, one, new, other):
                self.refuse(line, "a value of its front matter")

    def kept_pairs(self, front: FrontMatter, mapping: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
        """A mapping's pairs but marks of verification of a value that an edit changes."""
        marks = mark_pairs(mapping)
        changed = marks and holds_value(front, mapping, self.numbers)
        return [pair for pair in mapping.value if not changed or pair not in marks]

    def same_scalar(self, old: FrontMatter, one: yaml.Node, new: FrontMatter, other: yaml.Node) -> bool:
        if not isinstance(one, yaml.ScalarNode) or not isinstance(other, yaml.ScalarNode):
            return False
        raw = old.source.text[old.start + one.start_mark.index : old.start + one.end_mark.index]
        changed = self.moved.inside(raw, old.start + one.start_mark.index)
        if changed == raw:
            return (one.value, one.tag, one.style) == (other.value, other.tag, other.style)
        return new.source.text[new.start + other.start_mark.index : new.start + other.end_mark.index] == changed


def _with_digits(claim: Claim, digits: str) -> Claim:
    fraction = claim.unit == "fraction" and claim.metric in SCORES
    return replace(claim, digits=digits, reported=float(Decimal(digits) * 100) if fraction else float(digits))


def _place(item: object) -> Place:
    place = getattr(item, "place", None)
    if not isinstance(place, Place):
        raise TypeError(f"found {type(item).__name__}, expected something that stands in a card")
    return place
