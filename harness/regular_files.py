"""Files that somebody else may have put there: regular ones of bounded size are read, anything else is refused."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


class TooLargeError(OSError):
    """A file of more bytes than are read."""


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file, or of one that a link leads to.

    Args:
        path: The file. A pipe is not waited for, and a device is not opened.
        limit: Most bytes that are read.

    Raises:
        OSError: There is no such file, it is of another kind, or it is larger; `strerror` says what was found.
    """
    _check_kind(path, path.stat().st_mode)
    # what was looked at may be replaced before it is opened: opening a pipe would wait for somebody to write
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        _check_kind(path, os.fstat(descriptor).st_mode)
        raw = file.read(limit + 1)
    if len(raw) > limit:
        raise TooLargeError(errno.EFBIG, f"larger than {limit:,} bytes", str(path))
    return raw


def _check_kind(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _KINDS if test(mode)), "something else")
        raise OSError(errno.EINVAL, f"{kind}, not a regular file", str(path))
