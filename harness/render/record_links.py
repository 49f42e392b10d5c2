"""Links from a card to the records that lie beside it."""

from __future__ import annotations

import re
from pathlib import Path

from harness.errors import RecordError
from harness.records import Run, evidence_sha256
from harness.render.escape import Escaped, as_code
from harness.store import RECORD, load_run

FOLDER = "runs"
"""Beside a card: the records of its runs."""
_PLAIN = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,198}[\w-])?", re.ASCII)
"""Ids that are the name of a file wherever a card may lie, and need no escape in a link."""


def linked_id(run: Run, folder: Path | None) -> Escaped:
    """A run's id as a code span, linked to its record where that lies beside the card; also safe in a table.

    Args:
        run: The run.
        folder: The card's; None links nothing.
    """
    shown = as_code(run.id)
    target = None if folder is None else record_beside(run, folder)
    return shown if target is None else Escaped(f"[{shown}]({target})")


def record_beside(run: Run, folder: Path) -> str | None:
    """Where a run's record lies from the folder of a card, with slashes; None where it does not, or is another."""
    if not _PLAIN.fullmatch(run.id):
        return None
    for name in (f"{FOLDER}/{run.id}.json", f"{FOLDER}/{run.id}/{RECORD}"):
        file = folder / name
        try:
            if file.is_file() and _same(load_run(file), run):
                return name
        except (OSError, RecordError):  # what is no record is no evidence to lead to
            continue
    return None


def _same(record: Run, run: Run) -> bool:
    return record.id == run.id and evidence_sha256(record) == evidence_sha256(run)
