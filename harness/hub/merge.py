"""Two people's changes of one text, line by line, or where they are of the same lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_MOST_CHANGES = 1_000
"""Lines that were taken out or put in, up to which the fewest are looked for: a second or less."""
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Conflict:
    """Lines that both changed, each its own way."""

    line: int
    """Where it stands in the base, from 1."""
    base: tuple[str, ...]
    theirs: tuple[str, ...]
    mine: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge came to."""

    text: str | None
    """None where there are conflicts."""
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class _Change:
    """Lines `start` to `end` of the base are `lines` instead."""

    start: int
    end: int
    lines: tuple[str, ...]
    by: int


def merge(base: str, theirs: str, mine: str) -> Merged:
    """Both changes of `base` in one text.

    A line goes with its end, so that a changed line end is a change. Changes of the same lines, or of lines next to
    each other, are a conflict unless they are the same change; what is inserted at one place by both is, too.
    """
    if mine in (base, theirs):
        return Merged(theirs)
    if theirs == base:
        return Merged(mine)
    old = split_lines(base)
    changes = [*_changes(old, split_lines(theirs), 0), *_changes(old, split_lines(mine), 1)]
    out: list[str] = []
    conflicts: list[Conflict] = []
    position = 0
    for group in _together(sorted(changes, key=lambda change: (change.start, change.end))):
        start, end = group[0].start, max(change.end for change in group)
        out += old[position:start]
        position = end
        sides = [_apply(old, start, end, [c for c in group if c.by == by]) for by in (0, 1)]
        untouched = tuple(old[start:end])
        if sides[0] != sides[1] and untouched not in sides:
            conflicts.append(Conflict(start + 1, untouched, *sides))
        out += sides[1] if sides[0] == untouched else sides[0]
    return Merged(None, tuple(conflicts)) if conflicts else Merged("".join([*out, *old[position:]]))


def split_lines(text: str) -> list[str]:
    """Lines with their ends: LF, CRLF and CR, as in Markdown."""
    return _LINE.findall(text)


def _changes(old: Sequence[str], new: Sequence[str], by: int) -> list[_Change]:
    first = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    inner = old[first : len(old) - last], new[first : len(new) - last]
    changes, i, j = [], 0, 0
    for i2, j2, size in [*(_shortest(*inner) or _by_blocks(*inner)), (len(inner[0]), len(inner[1]), 0)]:
        if (i, j) != (i2, j2):
            changes.append(_Change(first + i, first + i2, tuple(inner[1][j:j2]), by))
        i, j = i2 + size, j2 + size
    return changes


def _shortest(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]] | None:
    """Runs of lines that both have, as starts and length, for the fewest changes; None where these are too many.

    E. W. Myers, An O(ND) difference algorithm and its variations, Algorithmica 1, 1986, section 3. `difflib` takes
    lines that stand in many places for none, and front matter consists of them.
    """
    ends: dict[int, int] = {1: 0}
    trace: list[dict[int, int]] = []
    for d in range(min(len(old) + len(new), _MOST_CHANGES) + 1):
        trace.append({k: ends[k] for k in range(-d - 1, d + 2) if k in ends})
        for k in range(-d, d + 1, 2):
            down = k == -d or (k != d and ends[k - 1] < ends[k + 1])
            i = ends[k + 1] if down else ends[k - 1] + 1
            while i < len(old) and i - k < len(new) and old[i] == new[i - k]:
                i += 1
            ends[k] = i
            if i >= len(old) and i - k >= len(new):
                return _runs(trace, len(old), len(new))
    return None


def _runs(trace: Sequence[dict[int, int]], i: int, j: int) -> list[tuple[int, int, int]]:
    """The way back from the ends of both texts."""
    runs = []
    for d in range(len(trace) - 1, -1, -1):
        ends, k = trace[d], i - j
        down = k == -d or (k != d and ends[k - 1] < ends[k + 1])
        start = 0 if d == 0 else ends[k + 1] if down else ends[k - 1] + 1
        if i > start:
            runs.append((start, start - k, i - start))
        i = start if down or d == 0 else start - 1
        j = i - (k + 1 if down else k - 1)
    return runs[::-1]


def _by_blocks(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    matcher = SequenceMatcher(None, old, new)
    return [(block.a, block.b, block.size) for block in matcher.get_matching_blocks() if block.size]


def _together(changes: Sequence[_Change]) -> list[list[_Change]]:
    """Changes that overlap or touch."""
    groups: list[list[_Change]] = []
    end = -1
    for change in changes:
        if groups and change.start <= end:
            groups[-1].append(change)
        else:
            groups.append([change])
        end = max(end, change.end)
    return groups


def _apply(old: Sequence[str], start: int, end: int, changes: Sequence[_Change]) -> tuple[str, ...]:
    out: list[str] = []
    for change in changes:
        out += [*old[start : change.start], *change.lines]
        start = change.end
    return (*out, *old[start:end])
