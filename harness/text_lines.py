"""Plain text as training data: every line of a text file is a context without a question.

A stage of kind ``distil_hidden`` needs no more than text. The file is memory-mapped, and what is held of a line is its
place, 16 bytes; its text is read when it is asked for.
"""

from __future__ import annotations

import mmap
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from harness.errors import DataError
from harness.records import Question

SUFFIX = ".txt"
KIND = "text"
"""`Question.kind` of a line."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Where the lines of several files are; the files count as one text, in their order."""

    files: tuple[mmap.mmap | bytes, ...]
    firsts: tuple[int, ...]
    """Number of the first kept line of each file, counted from 0."""
    offsets: array[int]
    """First byte in its file, of every line that is kept."""
    numbers: array[int]
    """Line number from 1, blank lines and the lines of earlier files counted, of every line that is kept."""


class TextLines(Sequence[Question]):
    """The lines of a text as questions without text: a line is the context, nothing is asked and nothing answered.

    The id is ``L`` and the number of the line, which is also the id of its passage. Lines end in a line feed, with or
    without a carriage return, which is no part of the context: FARM kept it, and its tokenizers drop it. Blank lines
    are passed over. A slice is again a `TextLines` and copies nothing.
    """

    def __init__(self, places: _Places, rows: range) -> None:
        """See `open`."""
        self._places, self._rows = places, rows

    @classmethod
    def open(cls, path: Path) -> TextLines:
        """The lines of a UTF-8 file, or of the ``.txt`` files of a folder in the order of their names.

        Raises:
            DataError: it cannot be read, has no line that is not blank, or one that is not UTF-8 (file and line are
                named).
        """
        try:
            files = text_files(path) if path.is_dir() else (path,)
            places = _find_lines(files)
        except OSError as error:
            raise DataError(
                f"{path}: cannot be read ({error.strerror or error}), expected lines of text", data=str(path)
            ) from error
        if not places.offsets:
            raise DataError(f"{path}: holds no text, expected at least one line that is not blank", data=str(path))
        return cls(places, range(len(places.offsets)))

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Question: ...
    @overload
    def __getitem__(self, index: slice) -> TextLines: ...
    def __getitem__(self, index: int | slice) -> Question | TextLines:
        if isinstance(index, slice):
            return TextLines(self._places, self._rows[index])
        row = self._rows[index]
        places = self._places
        file = places.files[bisect_right(places.firsts, row) - 1]
        begin = places.offsets[row]
        end = file.find(b"\n", begin)
        name = f"L{places.numbers[row]}"
        text = _strip_end(file[begin : len(file) if end < 0 else end]).decode("utf-8")
        return Question(id=name, passage_id=name, context=text, question="", answers=(), kind=KIND)

    def __iter__(self) -> Iterator[Question]:
        return (self[i] for i in range(len(self)))


def text_files(folder: Path) -> tuple[Path, ...]:
    """The text files directly in a folder, in the order of their names."""
    return tuple(sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_file()))


def is_text(questions: Sequence[Question]) -> bool:
    """Whether these are lines of text, of which nothing is asked."""
    return isinstance(questions, TextLines)


def _find_lines(paths: Sequence[Path]) -> _Places:
    files: list[mmap.mmap | bytes] = []
    firsts: list[int] = []
    offsets, numbers = array("Q"), array("Q")
    number = 0
    for path in paths:
        with path.open("rb") as file:
            empty = not path.stat().st_size  # which cannot be mapped
            content = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        firsts.append(len(offsets))
        files.append(content)
        begin = len(_BOM) if content[: len(_BOM)] == _BOM else 0
        before = number
        while begin < len(content):
            end = content.find(b"\n", begin)
            end = len(content) if end < 0 else end
            number += 1
            if not _is_blank(content[begin:end], path, number - before):
                offsets.append(begin)
                numbers.append(number)
            begin = end + 1
    return _Places(tuple(files), tuple(firsts), offsets, numbers)


def _is_blank(line: bytes, path: Path, number: int) -> bool:
    try:
        return not line.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        where = f"{path}:{number}"
        raise DataError(
            f"{where}: byte {error.start} of the line is not UTF-8, expected UTF-8 text; convert the file", data=where
        ) from error


def _strip_end(line: bytes) -> bytes:
    return line.removesuffix(b"\r")
