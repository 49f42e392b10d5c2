"""A card's text with its lines, and errors that say where."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from harness.errors import CardError
from harness.records import Place

_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Source:
    """The text as decoded, nothing normalised, so that places hold in the file."""

    path: str
    text: str
    starts: tuple[int, ...]
    """First character of each line."""

    def line_at(self, index: int) -> int:
        """The line of a character, from 1."""
        return bisect_right(self.starts, index)

    def place(self, start: int, end: int) -> Place:
        """The place of the characters from `start` to `end`."""
        return Place(start, end, self.line_at(start))

    def line(self, number: int) -> str:
        """A line (from 0) without its break."""
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.text)
        return self.text[self.starts[number] : end].rstrip("\r\n")

    def error(self, message: str, index: int = 0) -> CardError:
        """A `CardError` at a character."""
        line = self.line_at(index)
        return CardError(f"{self.path}:{line}: {message}", path=self.path, line=line)


def split_lines(path: str, text: str) -> Source:
    """Number the lines; only LF, CRLF and CR break one, as in Markdown."""
    return Source(path, text, (0, *(match.end() for match in _BREAK.finditer(text))))
