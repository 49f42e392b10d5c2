"""Files of word vectors in the form of GloVe: a word and its numbers on each line, the most frequent words first."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, cast

from harness.errors import DataError

MOST_VECTORS = 100_000
"""Lines that are read, from the first; haystack and TinyBERT stop there too."""
_LONGEST_LINE = 1 << 20


def vector_lines(path: Path) -> Iterator[bytes]:
    """The first lines of a file of vectors, without their ends; plain, or compressed as ``.gz`` or ``.zip``.

    Raises:
        DataError: it cannot be read, or is a ``.zip`` of several files.
    """
    try:
        with _open(path) as file:
            for line in islice(iter(lambda: file.readline(_LONGEST_LINE), b""), MOST_VECTORS):
                yield line.rstrip(b"\r\n")
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:  # the last: with a password
        raise DataError(
            f"{path}: cannot be read ({str(error)[:200]}), expected word vectors as GloVe publishes them (.txt, .gz or "
            ".zip)",
            data=str(path),
        ) from error


def vectors_sha256(path: Path) -> str:
    """SHA-256 of the lines that are read, the same for a file and for its compressed form; errors as `vector_lines`."""
    digest = hashlib.sha256()
    for line in vector_lines(path):
        digest.update(line + b"\n")
    return digest.hexdigest()


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        if path.suffix == ".gz":
            yield cast(IO[bytes], stack.enter_context(gzip.open(path, "rb")))
        elif path.suffix == ".zip":
            archive = stack.enter_context(zipfile.ZipFile(path))
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                shown = ", ".join(names)[:200] or "none"
                raise DataError(
                    f"{path}: holds the files {shown}, expected one; unpack the one you mean", data=str(path)
                )
            yield stack.enter_context(archive.open(names[0]))
        else:
            yield stack.enter_context(path.open("rb"))
