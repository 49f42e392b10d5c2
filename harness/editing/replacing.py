"""An edited card put in the place of what was read."""

from __future__ import annotations

from harness.card_files import MAX_BYTES
from harness.editing.edits import EditedCard
from harness.errors import CardError
from harness.regular_files import read_regular
from harness.store import write_text


def replace_card(edited: EditedCard) -> None:
    """Write an edited card into the file that it was read from, wholly or not at all.

    A link stays one, and the file that it leads to is written; permissions stay.

    Raises:
        CardError: the file may not be written, or is not what was read any more.
        RecordError: it cannot be written.
    """
    path, file = edited.path, edited.path.resolve()
    try:
        mode, now = file.stat().st_mode, read_regular(file, MAX_BYTES)
    except OSError as error:
        raise CardError(
            f"{path}: cannot be read any more ({error.strerror}); nothing was changed", path=str(path)
        ) from None
    if not mode & 0o222:
        raise CardError(
            f"{path}: is read-only, expected a card that may be edited; use -o, or chmod +w", path=str(path)
        )
    if now != edited.before.encode("utf-8"):
        raise CardError(
            f"{path}: was changed by somebody else after it was read; nothing was written: call this again",
            path=str(path),
        )
    write_text(file, edited.text)
