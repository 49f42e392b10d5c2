"""Which cards the paths of a command mean: files, folders searched through, or standard input."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.cards import MAX_CHARACTERS, parse_card, read_card
from harness.errors import CardError
from harness.records import Card

STANDARD_INPUT = "-"
MAX_BYTES = 4 * MAX_CHARACTERS
_PEEK = 4_096
_FRONT_MATTER = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<!--(?:(?!-->).)*-->\s*)*---[ \t]*[\r\n]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CardFile:
    """A card that can be read, here or in another process."""

    path: Path
    raw: bytes | None = None
    """What standard input held; None for a file."""

    def read(self) -> Card:
        """The card.

        Raises:
            CardError: It cannot be read.
        """
        if self.raw is None:
            try:
                return read_card(self.path)
            except OSError as error:
                raise CardError(
                    f"{self.path}: cannot be used ({error.strerror or error}); check the path and its permissions",
                    path=str(self.path),
                ) from None
        if len(self.raw) > MAX_BYTES:
            message = f"found more than {MAX_BYTES} bytes, expected at most {MAX_CHARACTERS} characters; shorten it"
            raise CardError(f"{STANDARD_INPUT}: {message}", path=STANDARD_INPUT)
        try:
            return parse_card(self.raw.decode("utf-8"), STANDARD_INPUT)
        except UnicodeDecodeError as error:
            line = self.raw.count(b"\n", 0, error.start) + 1
            message = f"found byte 0x{self.raw[error.start]:02x} that is not UTF-8, expected UTF-8 text"
            raise CardError(f"{STANDARD_INPUT}:{line}: {message}", path=STANDARD_INPUT, line=line) from None


@dataclass(frozen=True, slots=True)
class Unread:
    """A card that could not be read, or a path that leads to none."""

    path: str
    message: str
    """One line: where, what was found, what was expected."""


def find_cards(paths: Iterable[Path]) -> Iterator[CardFile | Unread]:
    """The cards that the paths mean, each once, in the order of the paths and by name within a folder.

    A file is a card whatever its name. In a folder, and in those below it, cards are ``README.md`` and every ``*.md``
    that begins with front matter; hidden folders are skipped and links to folders are not followed. A ``README.md``
    that is no file is passed on as unread. Standard input is not read here: a path ``-`` is passed on as it is.
    """
    seen = set()
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
            found = list(_search(path))
            if not found:
                message = (
                    f"{path}: found no card in the folder, expected a README.md or other Markdown with front matter"
                )
                found = [Unread(str(path), message)]
        else:
            found = [CardFile(path)]
        for item in found:
            place = os.path.abspath(item.path)  # noqa: PTH100 - resolve() would follow links, and two may be meant
            if place not in seen:
                seen.add(place)
                yield item


def _search(folder: Path) -> Iterator[CardFile | Unread]:
    refused: list[Unread] = []

    def refuse(error: OSError) -> None:
        place = error.filename or folder
        refused.append(Unread(str(place), f"{place}: the folder cannot be entered ({error.strerror}); skipped"))

    for place, folders, names in os.walk(folder, onerror=refuse):
        yield from refused
        refused.clear()
        for path in unusable_readmes(Path(place)):
            message = f"{path}: found no regular file under a card's name, expected one; replace or remove it"
            yield Unread(str(path), message)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names, key=lambda name: (name.casefold() != "readme.md", name)):
            path = Path(place, name)
            if not name.casefold().endswith(".md") or not os.path.isfile(path):  # noqa: PTH113 - as in find_cards
                continue
            if _is_readme(path) or has_front_matter(path):
                yield CardFile(path)
    yield from refused


def unusable_readmes(folder: Path) -> tuple[Path, ...]:
    """What is called ``README.md`` in a folder and is no file: a folder, pipe, device or broken link.

    Whoever looks for cards must hear of it: a card that is not read is not checked.
    """
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names alone
    except OSError:
        return ()  # whoever enters the folder says so
    return tuple(path for name in names if _is_readme(path := Path(folder, name)) and not os.path.isfile(path))  # noqa: PTH113


def model_cards(paths: Iterable[Path]) -> Iterator[CardFile | Unread]:
    """Those of `find_cards` that stand for models: a page about the cards, or one beside a card, is none.

    In a folder these are every ``README.md`` below it, and every ``*.md`` with front matter directly in it.
    """
    seen = set()
    for path in paths:
        kept = [item for item in find_cards([path]) if isinstance(item, Unread) or is_model_card(item.path, path)]
        if not kept:
            message = f"{path}: found no model card in the folder, expected a README.md or *.md with front matter"
            kept = [Unread(str(path), message)]
        for item in kept:
            place = os.path.abspath(item.path)  # noqa: PTH100 - as in find_cards
            if place not in seen:
                seen.add(place)
                yield item


def is_model_card(file: Path, folder: Path) -> bool:
    """Whether a Markdown file at or below `folder` is one of its `model_cards`."""
    return has_front_matter(file) if file.parent == folder else file == folder or _is_readme(file)


def has_front_matter(path: Path) -> bool:
    """Whether a file begins with front matter; True for one that cannot be read, as reading it will say why."""
    try:
        with path.open("rb") as stream:
            return _FRONT_MATTER.match(stream.read(_PEEK)) is not None
    except OSError:
        return True


def _is_readme(path: Path) -> bool:
    return path.name.casefold() == "readme.md"
