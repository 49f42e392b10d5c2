"""Data sets on the local disk: SQuAD JSON, JSON lines, Parquet, folders that `datasets` saved, and plain text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.names import split_name
from harness.records import Question
from harness.squad_json import parse_squad
from harness.squad_rows import questions_from_places, questions_from_rows
from harness.tables import parquet_rows, saved_rows
from harness.text_lines import SUFFIX, TextLines, text_files

_EXPECTED = "expected a data set in SQuAD JSON"
_LINES = (".jsonl", ".ndjson")
_MAGIC = b"PAR1"
_FIRST_LINE = 1 << 20
_SAVED = ("state.json", "dataset_dict.json")
_JSON = re.compile(rb"\s*(?:\{\s*(?:\"|\}?\s*$)|\[\s*(?:\{|\]?\s*$))")
"""How a document of JSON begins, and hardly a text."""


def read_squad_file(path: Path, split: str | None = None) -> tuple[Question, ...]:
    """The questions of a local data set, in its order.

    Args:
        path: A file in the official form of SQuAD 1.1 or 2.0, a file of JSON lines or a Parquet file with the columns
            id, context, question and answers, or a folder as `datasets` saves it (``save_to_disk``).
        split: Which split of a folder that has several.

    Raises:
        DataError: it cannot be read, has another form (the message names the place inside it), holds no question, is
            plain text, repeats a question id, or has no such split.
        MissingDependencyError: Parquet needs pyarrow, a folder needs datasets.
    """
    try:
        if is_text_data(path):
            raise DataError(
                f"{path}: found plain text, of which nothing is asked; {_EXPECTED}. Text can be the data of a stage of "
                "kind distil_hidden, given with --use",
                data=str(path),
            )
        questions = _read(path, split)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); {_EXPECTED}", data=str(path)) from error
    if not questions:
        raise DataError(f"{path}: holds no question, expected a data set with at least one", data=str(path))
    return questions


def read_training_file(path: Path, split: str | None = None) -> Sequence[Question]:
    """Local data to train on: the questions that `read_squad_file` reads, or the lines of plain text.

    Args:
        path: What `read_squad_file` takes; or a ``.txt`` file, or a folder of such files, which are mapped into memory
            and not read at once.
        split: Which split of a folder that has several.

    Raises:
        DataError: as `read_squad_file`, and for a line that is not UTF-8.
        MissingDependencyError: Parquet needs pyarrow, a folder needs datasets.
    """
    return TextLines.open(path) if is_text_data(path) else read_squad_file(path, split)


def is_text_data(path: Path) -> bool:
    """Whether a path is a ``.txt`` file that does not begin as JSON, or a folder of ``.txt`` files that nobody saved.

    A file that is missing or cannot be read is none, so that reading it says what is wrong.
    """
    if path.is_dir():
        return not any((path / name).exists() for name in _SAVED) and bool(text_files(path))
    if path.suffix != SUFFIX or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            start = file.readline(_FIRST_LINE).removeprefix(b"\xef\xbb\xbf")
    except OSError:
        return False
    return bool(start) and _JSON.match(start) is None


def _read(path: Path, split: str | None) -> tuple[Question, ...]:
    if path.is_dir():
        return questions_from_rows(saved_rows(_folder_of_split(path, split)), str(path))
    if path.exists() and not path.is_file():  # a pipe is gone once its beginning is read
        raise DataError(f"{path}: is neither a file nor a folder; {_EXPECTED} in a file", data=str(path))
    with path.open("rb") as file:
        start = file.readline(_FIRST_LINE)
    if start.startswith(_MAGIC) or path.suffix == ".parquet":
        return questions_from_rows(parquet_rows(path), str(path))
    if path.suffix in _LINES or _is_row(start):
        return questions_from_places(_lines(path))
    document = _parse(_decode(path.read_bytes(), str(path)), str(path))
    rows = document.get("data") if isinstance(document, dict) else document
    if isinstance(rows, list) and rows and isinstance(rows[0], dict) and "context" in rows[0]:
        return questions_from_rows(rows, str(path))
    return parse_squad(document, str(path))


def _folder_of_split(folder: Path, split: str | None) -> Path:
    if (folder / "state.json").is_file():
        return folder
    try:
        listed = _parse((folder / "dataset_dict.json").read_text("utf-8"), str(folder / "dataset_dict.json"))
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise DataError(
            f"{folder}: has neither state.json nor dataset_dict.json, expected a folder as save_to_disk writes it. "
            "Give a file of it instead",
            data=str(folder),
        ) from error
    found = listed.get("splits") if isinstance(listed, dict) else None
    splits = [str(name) for name in found] if isinstance(found, list) else []
    for name in splits:
        if split is not None and split_name(name) == split_name(split):
            return folder / name
    wrong = "is of several splits, give the folder of one" if split is None else f"has no split {split!r}"
    raise DataError(f"{folder}: {wrong}; it has {', '.join(splits)[:200] or 'none'}", data=str(folder))


def _is_row(line: bytes) -> bool:
    """Whether a file begins with a complete row, as a file of JSON lines does under any name."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and "context" in row


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            where = f"{path}:{number}"
            if text := _decode(line, where).strip():
                yield where, _parse(text, where, numbered=True)


def _decode(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: byte {error.start} is not UTF-8; {_EXPECTED}", data=where) from error


def _parse(text: str, where: str, *, numbered: bool = False) -> Any:
    if not text or text.isspace():
        raise DataError(f"{where}: the file is empty; {_EXPECTED}", data=where)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = where if numbered else f"{where}:{error.lineno}"
        raise DataError(f"{place}: not JSON ({error.msg}); {_EXPECTED}", data=where) from error
    except ValueError as error:  # a whole number of thousands of digits
        raise DataError(f"{where}: holds a number with too many digits; {_EXPECTED}", data=where) from error
    except RecursionError as error:
        raise DataError(f"{where}: nested too deeply; {_EXPECTED}", data=where) from error
