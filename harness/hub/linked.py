"""The records that a card's evidence section links to, which are published beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.editing import Section, find_section
from harness.errors import RecordError
from harness.hub.fetch import CARD
from harness.kept_speeds import SPEEDS, load_speed
from harness.records import Run, SpeedRecord, evidence_sha256, seal, to_json
from harness.store import load_run

FOLDERS = ("runs", SPEEDS)
"""Beside the card, what links lead into."""
_LINK = re.compile(
    r"\]\((?P<target>(?:runs/[A-Za-z0-9][\w.-]*(?:/record)?|speeds/[A-Za-z0-9.][\w.-]*)\.json)\)", re.ASCII
)


def linked_records(text: str, path: Path) -> tuple[Mapping[str, bytes], tuple[str, ...]]:
    """Where each record is to lie, and its content; and notes on links to records that are not beside the card.

    Where the card lies here is nobody's business: a record names it as it is named there, and has the seal of that.
    What is evidence in it stays (`harness.records.evidence_sha256`).

    Args:
        text: The card that is to be published.
        path: The card's file here, beside which the records lie.

    Raises:
        CardError: the marks of the card's evidence section are no pair.
    """
    section = find_section(text, str(path))
    records: dict[str, bytes] = {}
    lost: list[str] = []
    if section is None:
        return records, ()
    for target in dict.fromkeys(_LINK.findall(section.text)):
        try:
            records[target] = _shown(path.parent / target, section)
        except RecordError as error:
            lost.append(f"{path}: links to {target}, which is not published: {error}")
    return records, tuple(lost)


def _shown(file: Path, section: Section) -> bytes:
    """The content of a record that a section shows; raises `RecordError` where another lies in its place."""
    if file.parent.name == SPEEDS:
        record = load_speed(file)
        if f"`{record.sha256}`" in section.text:
            return _as_bytes(record)
    else:
        run = load_run(file)
        if evidence_sha256(run) in section.evidence:
            return _content(run)
    raise RecordError(
        f"{file}: found another record than the section shows, expected that; write it anew", path=str(file)
    )


def _content(run: Run) -> bytes:
    bare = replace(run, card_path=None if run.card_path is None else CARD, sha256=None)
    published = bare if run.sha256 is None else replace(bare, sha256=seal(bare))
    return _as_bytes(published)


def _as_bytes(record: Run | SpeedRecord) -> bytes:
    return f"{json.dumps(to_json(record), indent=1, ensure_ascii=True, allow_nan=False)}\n".encode("ascii")
