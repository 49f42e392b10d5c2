"""Word vectors as GloVe publishes them, and each word's nearest neighbours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.augment.vector_files import MOST_VECTORS, vector_lines
from harness.errors import DataError
from harness.store import write_bytes, write_whole

_VECTORS, _WORDS = "vectors.npy", "words.json"
_BATCH = 64
"""Words whose similarity to all others is computed at once: 25 MB for 100,000 vectors."""
_SPARE = 16
"""Neighbours beyond those asked for that are ranked again, in double precision: a matrix product rounds as its batch
happens to be, and a word must have the same neighbours in every batch."""

WIDEST = 4096
"""Numbers of a vector; GloVe's have 300 at most."""


class WordVectors:
    """Vectors of length 1, memory-mapped."""

    def __init__(self, words: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Take the words and their vectors [words, dimensions], of length 1 or 0."""
        self._words, self._vectors = words, vectors
        self._rows = {word: row for row, word in reversed(list(enumerate(words)))}  # of equal words the first counts
        self._known: dict[tuple[str, int], tuple[str, ...]] = {}

    @classmethod
    def open(cls, path: Path, folder: Path) -> WordVectors:
        """The first 100,000 vectors of a file, kept in a folder in a form that can be mapped.

        Args:
            path: The file: plain text, or compressed as ``.gz`` or ``.zip``.
            folder: Where they are kept; what is there already is taken, it must come from the same file.

        Raises:
            DataError: the file cannot be read, or a line is not a word and as many numbers as the first has.
            RecordError: the folder cannot be written.
        """
        if not (folder / _WORDS).exists():  # which is written last
            words, vectors = _parse(path)
            write_whole(folder / _VECTORS, lambda place: _save(place, vectors))
            write_whole(folder / _WORDS, lambda place: write_bytes(place, json.dumps(words).encode()))
            del vectors
        words = json.loads((folder / _WORDS).read_text("utf-8"))
        return cls(words, np.load(folder / _VECTORS, mmap_mode="r", allow_pickle=False))

    def neighbours(self, words: Sequence[str], count: int) -> list[tuple[str, ...]]:
        """For each word the `count` others of the largest cosine, nearest first; none for a word without a vector."""
        rows = {w: self._rows[w] for w in words if w in self._rows and (w, count) not in self._known}
        unknown = list(rows)
        for begin in range(0, len(unknown), _BATCH):
            batch = unknown[begin : begin + _BATCH]
            for word, found in zip(batch, self._nearest([rows[w] for w in batch], count), strict=True):
                self._known[word, count] = found
        return [self._known.get((word, count), ()) for word in words]

    def _nearest(self, rows: Sequence[int], count: int) -> list[tuple[str, ...]]:
        count = min(count, len(self._words) - 1)
        wanted = min(count + 1 + _SPARE, len(self._words))
        similar = np.asarray(self._vectors[list(rows)] @ self._vectors.T)
        near = np.argpartition(similar, len(self._words) - wanted, axis=1)[:, -wanted:]
        return [self._rank(row, np.sort(others), count) for row, others in zip(rows, near, strict=True)]

    def _rank(self, row: int, others: NDArray[np.intp], count: int) -> tuple[str, ...]:
        others = others[others != row]
        cosines = (self._vectors[others].astype(np.float64) * self._vectors[row].astype(np.float64)).sum(axis=1)
        # of equal cosines the more frequent word comes first
        return tuple(self._words[i] for i in others[np.argsort(-cosines, kind="stable")[:count]])


def _parse(path: Path) -> tuple[list[str], NDArray[np.float32]]:
    words: list[str] = []
    vectors = np.empty((0, 0), dtype=np.float32)
    for number, line in enumerate(vector_lines(path), 1):
        fields = line.rstrip(b" ").split(b" ")
        if number == 1 and len(fields) == 2 and all(field.isdigit() for field in fields):
            continue  # the counts that word2vec writes first
        if not vectors.size:
            fields[0] = fields[0].removeprefix(b"\xef\xbb\xbf")
            if _width(fields) > WIDEST:
                raise DataError(
                    f"{path}:{number}: found {_width(fields)} numbers, expected at most {WIDEST}; give a file of word "
                    "vectors as GloVe publishes them",
                    data=str(path),
                )
            vectors = np.empty((MOST_VECTORS, _width(fields)), dtype=np.float32)
        width = vectors.shape[1]
        try:
            if len(fields) <= width:
                raise ValueError(f"{len(fields) - 1} numbers")
            words.append(b" ".join(fields[:-width]).decode("utf-8"))  # some words have blanks
            vectors[len(words) - 1] = [float(field) for field in fields[-width:]]
            if not np.isfinite(vectors[len(words) - 1]).all():
                raise ValueError("a number that is not finite")
        except ValueError as error:
            raise DataError(
                f"{path}:{number}: found {str(error)[:100]}, expected a word and {width} numbers parted by blanks, as "
                "GloVe publishes its vectors; give such a file",
                data=str(path),
            ) from error
    if not words:
        raise DataError(f"{path}: holds no vectors, expected a word and its numbers on each line", data=str(path))
    vectors = vectors[: len(words)]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths > 0, lengths, 1)
    return words, vectors


def _width(fields: Sequence[bytes]) -> int:
    """How many numbers end a line, the word before them, which may be a number itself, left out; at least 1."""
    count = 0
    for field in reversed(fields[1:]):
        try:
            float(field)
        except ValueError:
            break
        count += 1
    return max(1, count)


def _save(place: Path, vectors: NDArray[np.float32]) -> None:
    with place.open("wb") as file:
        np.save(file, vectors, allow_pickle=False)
