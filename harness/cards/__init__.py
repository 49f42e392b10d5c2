"""Model cards: Markdown text in, `Card` out, with the place and the digits of every claim and setting.

Each module has one reason to change: the text and its lines (`source`), the YAML part (`front_matter`), Markdown
(`blocks`), how scores are printed (`results`, `figures`), how a set-up is printed (`settings`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePath

from harness.cards import front_matter, results, settings
from harness.cards.blocks import read_blocks
from harness.cards.source import split_lines
from harness.errors import CardError
from harness.records import Card

__all__ = ["parse_card", "read_card"]

MAX_CHARACTERS = 500_000


def read_card(path: Path) -> Card:
    """Read a card from a Markdown file, or from the ``README.md`` of a folder.

    Raises:
        CardError: There is no such file, it is not UTF-8, or `parse_card` refuses the text.
    """
    file = path / "README.md" if path.is_dir() else path
    try:
        with file.open("rb") as stream:
            raw = stream.read(4 * MAX_CHARACTERS + 1)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise CardError(
            f"{file}: found no card ({reason}), expected a Markdown file or a folder with README.md; check the path",
            path=str(file),
        ) from None
    if len(raw) > 4 * MAX_CHARACTERS:
        message = (
            f"found more than {4 * MAX_CHARACTERS} bytes, expected at most {MAX_CHARACTERS} characters; shorten it"
        )
        raise CardError(f"{file}: {message}", path=str(file))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise CardError(
            f"{file}:{line}: found byte 0x{raw[error.start]:02x} that is not UTF-8, expected UTF-8 text; "
            "save the card as UTF-8",
            path=str(file),
            line=line,
        ) from None
    return parse_card(text, str(file))


def parse_card(text: str, path: str = "-") -> Card:
    """Read a card's text, as decoded: a byte order mark and CRLF may be in it, and places count them.

    Args:
        text: The whole file.
        path: For messages, and for the model's name where ``model-index`` gives none.

    Raises:
        CardError: Empty, without front matter, broken or hostile YAML, a malformed ``model-index``, or too large.
    """
    source = split_lines(path, text)
    if len(text) > MAX_CHARACTERS:
        raise source.error(f"found {len(text)} characters, expected a card of at most {MAX_CHARACTERS}; shorten it")
    try:
        checksum = hashlib.sha256(text.encode("utf-8")).hexdigest()
    except UnicodeEncodeError as error:
        raise source.error("found half of a surrogate pair, expected text; remove it", error.start) from None
    front = front_matter.read_front_matter(source)
    blocks = read_blocks(source, front.body_line)
    name = front_matter.read_name(front) or _name_from(path)
    stated = front_matter.read_settings(front) + settings.read_settings(blocks, source)
    known = front_matter.read_datasets(front)
    claims = front_matter.read_claims(front) + results.read_claims(blocks, source, name, stated, known)
    return Card(path, name, checksum, text, front.metadata(), tuple(claims), tuple(stated))


def _name_from(path: str) -> str:
    """The folder's name of a ``README.md``, else the file's without its ending."""
    file = PurePath(path)
    if file.name.casefold() == "readme.md":
        return file.parent.name or Path.cwd().name
    return file.stem or path
