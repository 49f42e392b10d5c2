"""The run folder: files written whole or not at all, one process at a time, records read back strictly."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import RecordError
from harness.record_checks import check_record, instant
from harness.records import SCHEMA, Run, from_json, seal, to_json
from harness.regular_files import read_regular

RECORD = "record.json"
LARGEST_RECORD = 2**26
"""Bytes. A record names questions one by one only where they turned: of 100,000 questions that is below 2**24."""
LARGEST_JSON = 2**30
"""Bytes. Twenty candidates for each of the 130,000 questions of SQuAD 2.0's training set are about half of it."""


def write_text(path: Path, text: str) -> None:
    """Write a file by temporary file and rename: readers see the old content or the new, never a part.

    What stood there before lends its permissions.

    Raises:
        RecordError: the file cannot be written; what stood there before is kept.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if path.exists() and not path.is_file():  # a rename would put a file in the place of a device
            raise RecordError(f"{path}: is not a regular file, expected one or none; nothing was changed")
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except (OSError, UnicodeEncodeError) as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else error
        raise RecordError(f"{path}: cannot be written ({reason}); nothing was changed", path=str(path)) from error


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a file under another name, then give it its own: readers see all of it or nothing.

    Raises:
        RecordError: it cannot be written; what stood there before is kept.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise RecordError(
            f"{path}: cannot be written ({error.strerror or error}); what was kept before is whole: free space, and "
            "the same command goes on from there",
            path=str(path),
        ) from error


def write_bytes(place: Path, content: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with place.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, value: Any) -> None:
    """`write_text` of `value` as JSON with a final line end."""
    # ASCII, since data and paths may hold characters that UTF-8 cannot (lone surrogates)
    write_text(path, json.dumps(to_json(value), indent=1, ensure_ascii=True, allow_nan=False) + "\n")


def read_json(path: Path, limit: int = LARGEST_JSON) -> Any:
    """Parsed JSON of a regular file of at most `limit` bytes; raises `RecordError` where there is none."""
    return _parse(path, limit, dict)


def read_record(path: Path) -> Any:
    """Parsed JSON of a record's file; raises `RecordError` where there is none, or an object has a key twice."""
    return _parse(path, LARGEST_RECORD, _without_repeats)


def _parse(path: Path, limit: int, hook: Callable[[list[tuple[str, Any]]], Any]) -> Any:
    try:
        return json.loads(read_regular(path, limit).decode("utf-8"), object_pairs_hook=hook)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror})", path=str(path)) from error
    except _RepeatedKeyError as error:
        found = f"found the key {error.args[0]!r:.80} twice in one object, expected it once"
        raise RecordError(f"{path}: {found}; remove one", path=str(path)) from None
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or a number of thousands of digits
        raise RecordError(f"{path}: not a JSON file ({error}); expected a record", path=str(path)) from error


class _RepeatedKeyError(Exception):
    """A key that an object of JSON has twice."""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RepeatedKeyError(key)
            seen.add(key)
    return found


def make_folder(path: Path, option: str = "--runs") -> None:
    """Create a folder and its parents; raises `RecordError` where that cannot be, or nothing can be written in it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".{os.getpid()}.probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise RecordError(
            f"{path}: the folder cannot be written ({error.strerror}). Give another with {option} DIR", path=str(path)
        ) from error


@contextlib.contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a folder; while another process holds it, wait or raise `RecordError`."""
    try:
        import fcntl
    except ImportError:  # Windows has no flock; two runs of one id are then the user's to avoid
        yield
        return
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RecordError(f"{folder}: another process is working on this run; wait for it or stop it") from error
        yield


def replace_folder(partial: Path, final: Path) -> None:
    """Move a finished folder into place; a folder that stood there is removed first."""
    try:
        if final.exists():
            shutil.rmtree(final)
        partial.replace(final)
    except OSError as error:
        raise RecordError(f"{final}: cannot be written ({error.strerror})", path=str(final)) from error


def remove_folder(path: Path) -> None:
    """Remove a folder if it is there."""
    if path.exists():
        shutil.rmtree(path)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_run(folder: Path, run: Run) -> Run:
    """Write the run's record into its folder, sealed, and return it so."""
    sealed = replace(run, sha256=seal(run))
    write_json(folder / RECORD, sealed)
    return sealed


def save_again(folder: Path, run: Run) -> Run:
    """`save_run` of a record that was read: one without a seal, of which nobody knows what it was, gets none."""
    if run.sha256 is not None:
        return save_run(folder, run)
    write_json(folder / RECORD, run)
    return run


def load_run(path: Path, now: datetime.datetime | None = None) -> Run:
    """Read a record, given its file or its run folder.

    Args:
        path: The file or folder.
        now: The time that a record cannot be later than by more than a day; None is the present.

    Raises:
        RecordError: there is no record, it is malformed, it is of another schema version, it contradicts itself, or it
            was changed since it was sealed.
    """
    file = path / RECORD if path.is_dir() else path
    if not file.exists():
        raise RecordError(f"{path}: no run record there; expected a run folder with {RECORD}, or a record file")
    data = read_record(file)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else type(data).__name__
        raise RecordError(
            f"{file}: found schema {found!r:.80}, expected a run record of schema {SCHEMA}", path=str(file)
        )
    run = from_json(Run, data, str(file))
    check_record(run, str(file), now or datetime.datetime.now(datetime.UTC))
    if run.sha256 is not None and run.sha256 != seal(run):
        raise RecordError(
            f"{file}: found a record that was changed after it was written, expected the SHA-256 {run.sha256!r:.80} "
            "over its fields; take the record as it was, or run it again with --fresh",
            path=str(file),
        )
    return run


_CARD_NAME = re.compile(rb'"card_name"\s{0,9}:\s{0,9}("(?:[^"\\]|\\.){1,500}")')


def is_record(file: Path) -> bool:
    """Whether a file looks like a run's record rather than anything else in JSON; raises `RecordError` for no JSON."""
    data = read_json(file, LARGEST_RECORD)
    return isinstance(data, dict) and "schema" in data and isinstance(data.get("recipe"), dict)


def _may_be_of(path: Path, card_name: str, same: Callable[[str, str], bool]) -> bool:
    """Whether a file is the record of a card's run, as far as it can be read."""
    try:
        data = read_json(path, LARGEST_RECORD)
    except RecordError:
        if path.name != RECORD:
            return False
        torn = _named(path)
        if torn is not None and not same(torn, card_name):
            return False
        raise
    if not isinstance(data, dict) or not (path.name == RECORD or ("schema" in data and "recipe" in data)):
        return False
    schema, name = data.get("schema"), data.get("card_name")
    if type(schema) is int and schema < SCHEMA:  # of an older version: what came after it counts
        return False
    return not isinstance(name, str) or same(name, card_name)


def _named(path: Path) -> str | None:
    """The name of the card in a record that is no JSON any more, such as a torn one."""
    try:
        found = _CARD_NAME.search(read_regular(path, LARGEST_RECORD))
        return None if found is None else json.loads(found[1])
    except (OSError, ValueError):
        return None


def find_runs(
    card_name: str, folders: Iterable[Path], same: Callable[[str, str], bool] = str.__eq__
) -> tuple[tuple[Path, Run], ...]:
    """Finished runs of a card, newest first, from ``*.json`` files and run folders directly under `folders`.

    Other JSON files are passed over, as a folder of runs may hold other things, and so are records of other cards.

    Args:
        card_name: The card's name.
        folders: Where to look.
        same: Whether a run's name is the card's.

    Raises:
        RecordError: a record that is or may be of the card cannot be read: what it says must not be passed over.
    """
    found: list[tuple[Path, Run]] = []
    for folder in folders:
        if not folder.is_dir():
            continue
        for path in sorted([*folder.glob("*.json"), *folder.glob(f"*/{RECORD}")]):
            if not _may_be_of(path, card_name, same):
                continue
            run = load_run(path)
            if run.status == "finished":
                found.append((path, run))
    return tuple(sorted(found, key=lambda item: (instant(item[1].finished or ""), str(item[0])), reverse=True))
