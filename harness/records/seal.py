"""Checksums of a record: over all of it, and over what was measured."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from harness.records.codec import to_json
from harness.records.runs import Run
from harness.records.speeds import SpeedRecord

_SEAL = ("sha256",)
_NOT_MEASURED = (*_SEAL, "comparisons", "card_path", "card_sha256", "started", "finished", "predict_seconds")
"""Judgements, the card's text and place, and the clock: the same recipe on the same machine gives the same evidence."""


def seal(record: Run | SpeedRecord) -> str:
    """SHA-256 over every field of a record but ``sha256`` itself: the same for a record that was read back."""
    return _digest(to_json(record), _SEAL)


def evidence_sha256(run: Run) -> str:
    """SHA-256 over what a run measured, with what, and from what: all but verdicts, times and the card.

    A card carries it, so that it names one evidence; the same command on the same machine gives the same.
    """
    record = to_json(run)
    for stage in record["stages"]:
        for name in ("seconds", "taken_from"):  # trained or taken, it is the same model
            del stage[name]
    for name in ("commit", "dirty"):  # of the folder that the command was called in
        del record["environment"][name]
    return _digest(record, _NOT_MEASURED)


def _digest(record: dict[str, Any], without: tuple[str, ...]) -> str:
    kept = {name: value for name, value in record.items() if name not in without}
    text = json.dumps(_stated(kept), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _stated(value: Any) -> Any:
    """The value without fields that are empty, as a later version may know more of them; 5.0 is written as 5."""
    if isinstance(value, dict):
        items = {key: _stated(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not None and item != [] and item != {}}
    if isinstance(value, list):
        return [_stated(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
