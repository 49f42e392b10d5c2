"""Changes of a card's text, and what comes of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import CardError
from harness.records import Run


@dataclass(frozen=True, slots=True)
class Edit:
    """Some characters of a card, and what stands in their place."""

    start: int
    """First character, from 0, in the text before."""
    end: int
    """One past the last character; equal to `start` where text is put in."""
    text: str
    what: str
    """What it changes, for people."""


@dataclass(frozen=True, slots=True)
class EditedCard:
    """A card before and after."""

    path: Path
    before: str
    """The file's text as decoded, line ends and byte order mark included."""
    text: str
    edits: tuple[Edit, ...]
    """From front to back, none over another; applied to `before` they give `text`."""
    notes: tuple[str, ...] = field(default=())
    """What was left as it is, and why."""
    runs: tuple[Run, ...] = field(default=())
    """The evidence that it shows."""

    @property
    def changed(self) -> bool:
        """Whether the two differ."""
        return self.text != self.before


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits in it.

    Args:
        text: The text before.
        edits: From front to back.

    Raises:
        CardError: two edits overlap, or one lies outside the text.
    """
    parts, position = [], 0
    for edit in edits:
        if not position <= edit.start <= edit.end <= len(text):
            raise CardError(
                f"found an edit of the characters {edit.start} to {edit.end}, expected it behind {position} and within "
                f"{len(text)}; nothing was changed"
            )
        parts += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*parts, text[position:]])


class Spans:
    """Pieces of a text, none over another."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._spans = sorted(spans)
        self._starts = [start for start, _ in self._spans]

    def within(self, start: int, end: int) -> list[tuple[int, int]]:
        """Those that lie wholly between two characters."""
        first = bisect_left(self._starts, start)
        last = bisect_right(self._starts, end)
        return [span for span in self._spans[first:last] if span[1] <= end]


class Moved:
    """Where a character of the text before stands in the text after."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = tuple(edits)
        self._starts = [edit.start for edit in edits]
        self._ends = [edit.end for edit in edits]
        shift, shifts = 0, [0]
        for edit in edits:
            shift += len(edit.text) - (edit.end - edit.start)
            shifts.append(shift)
        self._shifts = shifts

    def index(self, before: int) -> int:
        """The place of a character after, or of the end of a piece; text put in at this very character follows it.

        Of an edit's first character it is that of its text.
        """
        number = bisect_right(self._ends, before)
        while number and self._edits[number - 1].start == before:
            number -= 1
        return before + self._shifts[number]

    def inside(self, text: str, start: int) -> str:
        """A piece of the text before, which began at `start`, as it is after the edits that lie wholly in it."""
        end = start + len(text)
        near = self._edits[bisect_left(self._starts, start) : bisect_right(self._starts, end)]
        own = [e for e in near if e.end <= end and e.start < e.end]
        shifted = [Edit(e.start - start, e.end - start, e.text, e.what) for e in own]
        return apply_edits(text, shifted)
