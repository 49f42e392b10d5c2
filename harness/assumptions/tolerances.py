"""Tolerances that somebody sets, with a reason: entries of ``assumptions.yaml`` and of ``[tool.harness]``."""

from __future__ import annotations

import math
import typing
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness import names
from harness.assumptions.entries import AssumedTolerance
from harness.records import RunKind, Tolerance

KEYS = ("metric", "points", "reason", "dataset", "kind", "warned", "inconclusive", "half_width")
_KINDS: tuple[RunKind, ...] = typing.get_args(RunKind)
_RETRAINED: tuple[RunKind, ...] = ("retrained", "distilled")


class EntryError(ValueError):
    """An entry that cannot be used; `field` is its key."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


def read_tolerance(values: Mapping[str, object], line: int) -> AssumedTolerance:
    """An entry of plain values.

    Args:
        values: ``metric`` and ``reason``, ``points`` or ``half_width``, and any other of `KEYS`.
        line: Of the file, for messages later on; 0 where it is not known.

    Raises:
        EntryError: a key is unknown or missing, or its value is impossible.
    """
    unknown = [key for key in values if key not in KEYS]
    if unknown:
        raise EntryError(unknown[0], f"is no key of a tolerance, expected {', '.join(KEYS)}; remove or rename it")
    metric, subset = names.metric_name(_text(values, "metric"))
    if metric not in names.SCORES:
        raise EntryError("metric", f"found {metric!r}, expected one of {', '.join(sorted(names.SCORES))}")
    points, half_width = _points(values, "points"), _points(values, "half_width")
    if points is None and half_width is None:
        raise EntryError("points", "found neither points nor half_width, expected one of them; add it")
    warned, inconclusive = _points(values, "warned"), _points(values, "inconclusive")
    _check_rising(points, warned, inconclusive)
    kind = values.get("kind")
    if kind is not None and kind not in _KINDS:
        raise EntryError("kind", f"found {kind!r}, expected one of {', '.join(_KINDS)}")
    dataset = _text(values, "dataset") if "dataset" in values else None
    return AssumedTolerance(
        metric,
        points,
        _text(values, "reason"),
        names.dataset_name(dataset) or dataset if dataset else None,
        None if subset == "all" else subset,
        line,
        kind,
        warned,
        inconclusive,
        half_width,
    )


def find_repeated(entries: Sequence[AssumedTolerance]) -> AssumedTolerance | None:
    """An entry that is about what an earlier one is about; None where all are about something of their own."""
    seen = set()
    for entry in entries:
        about = (entry.metric, entry.subset, entry.dataset, entry.kind)
        if about in seen:
            return entry
        seen.add(about)
    return None


def concerns(entry: AssumedTolerance, kind: RunKind) -> bool:
    """Whether an entry is about runs of a kind; without a kind of its own it is the spread of training again."""
    return kind == entry.kind if entry.kind is not None else kind in _RETRAINED


def apply_entry(entry: AssumedTolerance, default: Tolerance) -> Tolerance:
    """The tolerance that an entry makes of a default; with points and no `half_width` it judges the mean of seeds."""
    if entry.points is None:
        return replace(default, half_width=entry.half_width, reason=entry.reason)
    warned = entry.points if entry.warned is None else entry.warned
    inconclusive = max(warned, default.inconclusive) if entry.inconclusive is None else entry.inconclusive
    return Tolerance(entry.points, warned, inconclusive, entry.reason, entry.half_width)


def _check_rising(points: float | None, warned: float | None, inconclusive: float | None) -> None:
    for field, value, least in (
        ("warned", warned, points),
        ("inconclusive", inconclusive, points if warned is None else warned),
    ):
        if value is not None and (least is None or value < least):
            expected = "points beside it" if least is None else f"at least {least:g}"
            raise EntryError(field, f"found {value:g}, expected {expected}; the zones rise from points on")


def _text(values: Mapping[str, object], key: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value.strip():
        raise EntryError(key, f"found {value!r}, expected a text; write one" if key in values else "is missing; add it")
    return value.strip()


def _points(values: Mapping[str, object], key: str) -> float | None:
    if key not in values:
        return None
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100 or math.isnan(value):
        raise EntryError(key, f"found {value!r}, expected 0 to 100 points")
    return float(value)
