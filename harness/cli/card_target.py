"""Where a card may be written with ``-o``: never over something else, and over a card only where that is meant."""

from __future__ import annotations

from pathlib import Path

from harness.errors import CardError, HarnessError
from harness.regular_files import TooLargeError, read_regular

_ENDINGS = (".md", ".markdown", "")


def check_target(output: Path, *, replace: bool) -> None:
    """Refuse a file that is no card, such as a run's record, and where cards are not to be replaced one that is.

    Raises:
        CardError: there is such a file.
    """
    if not output.is_file() or output.stat().st_size == 0:
        return
    if not _is_card(output):
        raise CardError(
            f"{output}: found a file that is no model card, expected none or a card; nothing was written: name another",
            path=str(output),
        )
    if not replace:
        raise CardError(
            f"{output}: found a card there, expected no file, as all of it would be replaced; nothing was written: "
            "name another file, edit this card with harness render CARD, or give --force",
            path=str(output),
        )


def _is_card(file: Path) -> bool:
    """Whether a file is Markdown with front matter or an evidence section."""
    from harness.card_files import MAX_BYTES
    from harness.cards import parse_card
    from harness.editing import find_section

    if file.suffix.casefold() not in _ENDINGS:
        return False
    try:
        text = read_regular(file, MAX_BYTES).decode("utf-8")
        missing = any(problem.code == "front-matter-missing" for problem in parse_card(text, str(file)).problems)
        return not missing or find_section(text, str(file)) is not None
    except (HarnessError, OSError, TooLargeError, UnicodeDecodeError):
        return False
