"""Model cards: Markdown text in, `Card` out, with the place and the digits of every claim and setting.

Each module has one reason to change: the text and its lines (`source`), the YAML part (`front_matter`), Markdown
(`blocks`), how scores are printed (`results`, `figures`), how a set-up is printed (`settings`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePath

from harness.cards import code, front_matter, models, results, settings, speeds
from harness.cards.about import Around
from harness.cards.blocks import read_blocks
from harness.cards.data_aliases import DataAliases
from harness.cards.source import split_lines
from harness.errors import CardError
from harness.records import Card
from harness.regular_files import TooLargeError, read_regular

__all__ = ["parse_card", "read_card", "require_metadata"]

MAX_CHARACTERS = 1_500_000
"""Of a card; benchmark results in the front matter of real cards fill up to half of it."""
MAX_BODY = 300_000
"""Of what follows the front matter."""


def read_card(path: Path) -> Card:
    """Read a card from a Markdown file, or from the ``README.md`` of a folder.

    Raises:
        CardError: There is no such file, it is not UTF-8, or `parse_card` refuses the text.
    """
    file = path / "README.md" if path.is_dir() else path
    try:
        raw = read_regular(file, 4 * MAX_CHARACTERS)
    except TooLargeError:
        message = (
            f"found more than {4 * MAX_CHARACTERS} bytes, expected at most {MAX_CHARACTERS} characters; shorten it"
        )
        raise CardError(f"{file}: {message}", path=str(file)) from None
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise CardError(
            f"{file}: found no card ({reason}), expected a Markdown file or a folder with README.md; check the path",
            path=str(file),
        ) from None
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
        CardError: Empty, too large, or with half of a surrogate pair. Front matter that is missing, broken or malformed
            is among the card's `problems` instead; see `require_metadata`.
    """
    source = split_lines(path, text)
    if len(text) > MAX_CHARACTERS:
        raise source.error(f"found {len(text)} characters, expected a card of at most {MAX_CHARACTERS}; shorten it")
    if not text.strip("\ufeff \t\r\n"):
        raise source.error('found an empty card, expected front matter between two lines "---"; write the card first')
    try:
        checksum = hashlib.sha256(text.encode("utf-8")).hexdigest()
    except UnicodeEncodeError as error:
        raise source.error("found half of a surrogate pair, expected text; remove it", error.start) from None
    front = front_matter.read_front_matter(source)
    length = len(text) - (source.starts[front.body_line] if front.body_line < len(source.starts) else len(text))
    if length > MAX_BODY:
        raise source.error(f"found {length} characters after the front matter, expected at most {MAX_BODY}; shorten it")
    blocks = read_blocks(source, front.body_line)
    name = front_matter.read_name(front) or _name_from(path)
    stated = front_matter.read_settings(front) + settings.read_settings(blocks, source)
    known = front_matter.read_datasets(front)
    claims, hub = front_matter.read_claims(front)
    aliases = models.own_names(name, blocks, stated)
    around = Around(aliases, stated, known, front_matter.read_metrics(front), DataAliases(hub))
    around.settle(blocks)
    groups = 1 + max((claim.group or 0 for claim in claims), default=-1)
    claims += results.read_claims(blocks, source, around, groups, stated)
    return Card(
        path=path,
        name=name,
        sha256=checksum,
        text=text,
        metadata=front.metadata(),
        claims=tuple(claim for claim in claims if claim.own),
        settings=tuple(stated),
        comparisons=tuple(claim for claim in claims if not claim.own),
        results=tuple(hub),
        speeds=tuple(speeds.read_speeds(blocks, source)),
        examples=tuple(code.read_examples(blocks, source)),
        code=tuple(code.read_code(blocks, source)),
        links=tuple(code.read_links(blocks, source)),
        problems=tuple(front.problems),
        aliases=aliases,
        counts=tuple(results.read_counts(blocks, source, groups)),
        metadata_line=front.source.line_at(front.start) if front.found else None,
    )


def require_metadata(card: Card) -> None:
    """Refuse a card whose front matter cannot be used: for what plans or runs by it.

    Raises:
        CardError: The first of its problems.
    """
    for problem in card.problems:
        if problem.code == "duplicate-key":
            continue
        raise CardError(f"{card.path}:{problem.line}: {problem.message}", path=card.path, line=problem.line)


def _name_from(path: str) -> str:
    """The folder's name of a ``README.md``, else the file's without its ending."""
    file = PurePath(path)
    if file.name.casefold() == "readme.md":
        return file.parent.name or Path.cwd().name
    return file.stem or path
