"""Logits kept on disk: an interrupted prediction goes on, and other decodings need no model.

A folder holds ``manifest.json``, which says what the logits are of, and one ``.npz`` file for each part of the
questions. Every file is written under another name and renamed, so that a part is whole or absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from harness.errors import RecordError
from harness.records import CLOSE, Computed, Decoding, Predictions, Question, from_json
from harness.spans.decode import decode_questions
from harness.spans.windows import Decodings, Pieces, Windows

FORMAT = 3
MANIFEST = "manifest.json"
WINDOWING = (
    "protocol", "max_seq_len", "doc_stride", "max_query_length", "doc_stride_is", "lower_case", "space_words",
)  # fmt: skip
"""Fields of a decoding that windows are cut by."""
_ARRAYS = ("characters", "bounds", "question", "context", "cls")
_PIECES = ("number", "first", "later")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the logits of a folder are of; two predictions with the same manifest may share a folder."""

    format: int
    model: str
    """Checksum of the model folder: weights, configuration, tokenizer."""
    questions: str
    """Checksum of ids, questions and contexts, in order."""
    protocol: str
    max_seq_len: int
    doc_stride: int
    max_query_length: int | None
    doc_stride_is: str
    lower_case: bool
    space_words: bool
    device: str
    dtype: str
    """Number format of the model's arithmetic; the logits on disk are float32."""
    parts: tuple[int, ...]
    """Questions in each part."""


@dataclass(frozen=True, slots=True)
class KeptLogits:
    """A folder of logits."""

    folder: Path
    manifest: Manifest

    @classmethod
    def start(cls, folder: Path, manifest: Manifest) -> KeptLogits:
        """Begin a folder, or go on with one of the same manifest.

        Raises:
            RecordError: the folder holds the logits of something else, or cannot be written.
        """
        if (folder / MANIFEST).exists():
            there, wanted = asdict(cls.open(folder).manifest), asdict(manifest)
            differing = [name for name, value in wanted.items() if there[name] != value]
            if differing:
                raise RecordError(
                    f"{folder}: found logits with another {', '.join(differing)}, expected those of this prediction; "
                    "give what they were made with, or begin anew with --fresh",
                    path=str(folder),
                )
        else:
            text = json.dumps(asdict(manifest), indent=1) + "\n"
            _write(folder / MANIFEST, lambda file: file.write(text.encode()))
        return cls(folder, manifest)

    @classmethod
    def open(cls, folder: Path) -> KeptLogits:
        """A folder that an earlier prediction left; raises `RecordError` where it is none."""
        path = folder / MANIFEST
        try:
            return cls(folder, from_json(Manifest, json.loads(path.read_text("utf-8")), str(path)))
        except (OSError, ValueError, RecursionError) as error:
            raise RecordError(
                f"{path}: cannot be read ({error}), expected a folder of kept logits", path=str(path)
            ) from error

    def write(self, part: int, windows: Windows, logits: NDArray[np.float32]) -> None:
        """Keep a part's logits [tokens, 2] and what decoding needs beside them.

        Raises:
            RecordError: they cannot be written; the parts that are there stay.
        """
        arrays = {name: getattr(windows, name) for name in _ARRAYS}
        if windows.pieces is not None:
            arrays |= {f"pieces_{name}": getattr(windows.pieces, name) for name in _PIECES}
        _write(self._path(part), lambda file: np.savez_compressed(file, logits=logits, **arrays))

    def read(self, part: int) -> tuple[Windows, NDArray[np.float32]] | None:
        """A part's windows and logits, or None where they are absent or damaged."""
        try:
            with self._path(part).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                pieces = Pieces(*(file[f"pieces_{name}"] for name in _PIECES)) if "pieces_number" in file else None
                windows = Windows(**{name: file[name] for name in _ARRAYS}, pieces=pieces)
                logits = file["logits"].astype(np.float32)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return None
        fits = len(windows.bounds) == len(windows) + 1 and logits.shape == windows.characters.shape
        return (windows, logits) if fits else None

    def _path(self, part: int) -> Path:
        return self.folder / f"part-{part:05d}.npz"


def rescore_logits(folder: Path, questions: Sequence[Question], decoding: Decoding) -> Predictions:
    """Answers by another decoding from kept logits, without the model.

    Args:
        folder: What a finished prediction kept.
        questions: The questions of that prediction, in their order.
        decoding: Any n_best, max_answer_length, null_threshold and forced_answer; what windows are cut by as it was.

    Raises:
        RecordError: the logits are of other questions, were cut into other windows, or are not complete.
    """
    kept = KeptLogits.open(folder)
    manifest = kept.manifest
    for name in WINDOWING:
        if getattr(decoding, name) != getattr(manifest, name):
            raise RecordError(
                f"{folder}: found logits with {name} {getattr(manifest, name)}, expected {getattr(decoding, name)}; "
                "windows cut otherwise need the model: predict again",
                path=str(folder),
            )
    if questions_sha256(questions) != manifest.questions or sum(manifest.parts) != len(questions):
        raise RecordError(
            f"{folder}: found logits of other questions; give those of the prediction, in their order", path=str(folder)
        )
    collected, first = Collected(), 0
    for part, count in enumerate(manifest.parts):
        found = kept.read(part)
        if found is None:
            raise RecordError(
                f"{folder}: found no part {part + 1} of {len(manifest.parts)}, expected all; the same prediction again "
                "makes those that are missing",
                path=str(folder),
            )
        collected.add(questions[first : first + count], *found, decoding)
        first += count
    return collected.predictions(manifest.device, manifest.dtype)


class Collected:
    """Predictions that grow part by part."""

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}
        self._null_odds: dict[str, float] = {}
        self._n_best = Decodings()
        self._windows = self._close_calls = 0

    def add(
        self, questions: Sequence[Question], windows: Windows, logits: NDArray[np.float32], decoding: Decoding
    ) -> None:
        """Decode a part."""
        decoded = dict(decode_questions(questions, windows, logits, decoding))
        for key, item in decoded.items():
            self._answers[key], self._null_odds[key] = item.answer, item.null_odds
            self._close_calls += item.margin < CLOSE
        self._n_best.add(decoded)
        self._windows += len(windows)

    def predictions(self, device: str, dtype: str) -> Predictions:
        """All so far, computed there and in that number format."""
        computed = Computed(device, dtype, self._windows, self._close_calls)
        return Predictions(self._answers, self._null_odds, self._n_best, computed)


def questions_sha256(questions: Sequence[Question]) -> str:
    """Checksum of what a model reads of the questions."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update(json.dumps([question.id, question.question, question.context]).encode())
    return digest.hexdigest()


def _write(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise RecordError(
            f"{path}: cannot be written ({error.strerror}); what was kept before is whole: "
            "free space or name another folder, and the same command goes on from there",
            path=str(path),
        ) from error
