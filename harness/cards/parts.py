"""Which part of the questions a figure of a sentence is of: "77.4 on answerable questions, 88.9 on the others"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from harness import names
from harness.names import MetricMention, SubsetMention
from harness.records import Subset

_INTRODUCED = re.compile(
    r"(?:^[-*+>\s]{0,9}|[(\[,:;]|\b(?:on|for|over|to)\s{1,9}(?:the\s{1,9}|all\s{1,9}|its\s{1,9})?(?:questions\s{1,9})?)[\s*_`\"]{0,9}$",
    re.I,
)
_TRAINED = re.compile(r"\b(?:train|fine-?tun|tun|distil)\w*\b[^,.;]{0,40}$", re.I)
_LEAD = re.compile(r"[*_`%\s]{0,9}[(\[]?[\s*_`]{0,9}(?:(?:on|for)\s{1,9}(?:the\s{1,9})?)?(?:questions\s{1,9})?", re.I)
_GIVEN = re.compile(r"[\s*_`]{0,9}[:=]?[\s*_`]{0,9}\d")
_OVERALL = re.compile(r"[*_`%\s]{0,9}[(]?\s?(?:overall|in total|on all)\b", re.I)
_BREAK = re.compile(r"[,;]|\b(?:and|while|whereas|but)\b", re.I)


class _Placed(Protocol):
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def part_of(
    sentence: str, number: _Placed, pairs: Sequence[tuple[MetricMention, _Placed]]
) -> tuple[Subset | None, bool]:
    """The part that a number is of, None for all; and whether that is sure.

    What stands close behind a number goes before what leads up to it. Only a figure of another metric may stand between
    the two: of one metric, two figures are of two parts.

    Args:
        sentence: The sentence.
        number: One of its numbers.
        pairs: All of its figures with their metrics.
    """
    parts = [part for part in names.subset_mentions(sentence) if _is_told(sentence, part)]
    if not parts:
        return None, True
    behind = {other.start: _behind(sentence, other, parts, pairs) for _, other in pairs}
    if (found := behind.get(number.start)) is not None:
        return found.subset, True
    taken = {part.start for part in behind.values() if part is not None}
    before = [part for part in parts if part.end <= number.start]
    if before and before[-1].start not in taken and _reaches(before[-1].end, number.start, number, pairs):
        return before[-1].subset, True
    return None, bool(_OVERALL.match(sentence, number.end))


def part_behind(text: str, end: int) -> Subset | None:
    """The part that stands right behind a figure: ``77.4 (HasAns)``, ``77.4 on answerable questions``."""
    lead = _LEAD.match(text, end)
    start = lead.end() if lead else end
    found = names.subset_mentions(text[start : start + 60]) if start > end else ()
    if not found or found[0].start or _GIVEN.match(text, start + found[0].end):
        return None
    return found[0].subset


def _is_told(sentence: str, part: SubsetMention) -> bool:
    """Whether a mention says what figures are of, and not what a data set has or a model was trained on."""
    before = sentence[max(0, part.start - 60) : part.start]
    coded = re.fullmatch(r"(?:has|no)[_-]?ans\w*", sentence[part.start : part.end], re.I)
    return bool(coded or _INTRODUCED.search(before)) and not _TRAINED.search(before)


def _behind(
    sentence: str, number: _Placed, parts: Sequence[SubsetMention], pairs: Sequence[tuple[MetricMention, _Placed]]
) -> SubsetMention | None:
    part = next((part for part in parts if part.start >= number.end), None)
    if part is None or not _reaches(number.end, part.start, number, pairs):
        return None
    last = max((n.end for _, n in pairs if n.end <= part.start), default=number.end)
    gap = sentence[last : part.start]
    return part if len(gap) <= 40 and not _BREAK.search(gap) else None


def _reaches(start: int, end: int, number: _Placed, pairs: Sequence[tuple[MetricMention, _Placed]]) -> bool:
    own = next((metric.name for metric, other in pairs if other.start == number.start), None)
    return not any(start <= other.start < end and metric.name == own for metric, other in pairs if other is not number)
