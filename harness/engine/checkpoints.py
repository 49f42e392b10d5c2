"""Checkpoints of one stage: a folder counts only with a manifest that its files fit.

The Trainer writes a checkpoint's files; the manifest, with size and hash of each, is written last and renamed into
place. What has no manifest, or files that do not fit it, is of an interrupted write or removal: it is removed.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from harness.errors import RecordError
from harness.store import read_json, remove_folder, write_json

MANIFEST = "manifest.json"
NOTES = "notes.json"
"""What the harness keeps beside the Trainer's own state: the history, the sums of losses."""
UNREAD = ("training_args.bin",)
"""Files of the Trainer's that nothing here reads; they are pickles."""
NEEDED = ("optimizer.pt", "scheduler.pt", "trainer_state.json")
"""Without any of these a resume would silently come to other weights."""


def complete_checkpoint(folder: Path, key: str, notes: dict[str, Any]) -> None:
    """Finish what the Trainer wrote to a folder, so that it counts.

    Args:
        folder: The checkpoint.
        key: What the training is made from; another training's checkpoints do not count.
        notes: Values to find again when training goes on.

    Raises:
        RecordError: the disk is full or cannot be written.
    """
    for name in UNREAD:
        (folder / name).unlink(missing_ok=True)
    write_json(folder / NOTES, notes)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    listed = {}
    for path in files:
        _to_disk(path)
        listed[path.relative_to(folder).as_posix()] = {"size": path.stat().st_size, "sha256": _sha256(path)}
    write_json(folder / MANIFEST, {"key": key, "files": listed})


def newest_checkpoint(folder: Path, key: str) -> Path | None:
    """The newest checkpoint of this training that is whole; everything else in the folder is removed."""
    newest = None
    for path in sorted(_checkpoints(folder), key=_step, reverse=True):
        if newest is None and _is_whole(path, key):
            newest = path
        else:
            remove_checkpoint(path)
    return newest


def remove_older(folder: Path, than: Path) -> None:
    """Remove all checkpoints but one."""
    for path in _checkpoints(folder):
        if path != than:
            remove_checkpoint(path)


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint, its manifest first, so that what is left of it never counts."""
    (path / MANIFEST).unlink(missing_ok=True)
    remove_folder(path)


def read_notes(checkpoint: Path) -> dict[str, Any]:
    """The notes that `complete_checkpoint` took."""
    return dict(read_json(checkpoint / NOTES))


def _checkpoints(folder: Path) -> list[Path]:
    return [path for path in folder.glob("checkpoint-*") if path.is_dir()]


def _step(path: Path) -> int:
    number = path.name.rpartition("-")[2]
    return int(number) if number.isdecimal() and number.isascii() else -1


def _is_whole(folder: Path, key: str) -> bool:
    try:
        manifest = read_json(folder / MANIFEST)
        if manifest["key"] != key or not set(NEEDED) <= set(manifest["files"]):
            return False
        return all(
            (folder / name).stat().st_size == wanted["size"] and _sha256(folder / name) == wanted["sha256"]
            for name, wanted in manifest["files"].items()
        )
    except (RecordError, OSError, KeyError, TypeError, AttributeError):
        return False


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def training_key(*parts: object) -> str:
    """A hash over what a training is made from."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
