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
from collections.abc import Callable, Iterator, Mapping, Sequence
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
            content = json.loads(path.read_text("utf-8"))
            found = content.get("format") if isinstance(content, dict) else None
            if found != FORMAT:
                raise RecordError(
                    f"{path}: found logits of format {found!r:.40}, expected {FORMAT}, that of this version; predict "
                    "again with --fresh",
                    path=str(path),
                )
            return cls(folder, from_json(Manifest, content, str(path)))
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
    kept = _open_as(folder, decoding)
    collected = Collected()
    for part, windows, logits in read_parts(folder, questions):
        collected.add(part, windows, logits, decoding)
    return collected.predictions(kept.manifest.device, kept.manifest.dtype)


def rescore_many(
    folder: Path, questions: Sequence[Question], decodings: Sequence[Decoding], ids: Sequence[str] | None = None
) -> tuple[Predictions, ...]:
    """`rescore_logits` by each of several decodings, reading the logits once, and without lists of n best answers.

    Args:
        folder: What a prediction kept.
        questions: The questions of that prediction, in their order.
        decodings: As for `rescore_logits`.
        ids: Those of some questions, in the order in which they are wanted; None for all.

    Raises:
        RecordError: as `rescore_logits` does.
    """
    kept = _open_as(folder, *decodings)
    collected = [Collected(n_best=False) for _ in decodings]
    for part, windows, logits in read_parts(folder, questions, ids):
        for taken, decoding in zip(collected, decodings, strict=True):
            taken.add(part, windows, logits, decoding)
    return tuple(taken.predictions(kept.manifest.device, kept.manifest.dtype, ids) for taken in collected)


def read_parts(
    folder: Path, questions: Sequence[Question], ids: Sequence[str] | None = None
) -> Iterator[tuple[Sequence[Question], Windows, NDArray[np.float32]]]:
    """Questions, windows and logits [tokens, 2] of each part that a finished prediction kept.

    With `ids`, of a prediction that stopped early, no more parts than hold those questions.

    Raises:
        RecordError: the logits are of other questions, or are not complete.
    """
    kept = KeptLogits.open(folder)
    parts = kept.manifest.parts
    if questions_sha256(questions) != kept.manifest.questions or sum(parts) != len(questions):
        raise RecordError(
            f"{folder}: found logits of other questions; give those of the prediction, in their order", path=str(folder)
        )
    first, waiting = 0, set(ids or ())
    for part, count in enumerate(parts):
        if ids is not None and not waiting:
            return
        waiting -= {question.id for question in questions[first : first + count]}
        found = kept.read(part)
        if found is None:
            raise RecordError(
                f"{folder}: found no part {part + 1} of {len(parts)}, expected all; the same prediction again "
                "makes those that are missing",
                path=str(folder),
            )
        yield questions[first : first + count], *found
        first += count


def _open_as(folder: Path, *decodings: Decoding) -> KeptLogits:
    """The folder, refused where a decoding asks for other windows."""
    kept = KeptLogits.open(folder)
    for decoding in decodings:
        for name in WINDOWING:
            there, wanted = getattr(kept.manifest, name), getattr(decoding, name)
            if wanted != there:
                raise RecordError(
                    f"{folder}: found logits with {name} {there}, expected {wanted}; "
                    "windows cut otherwise need the model: predict again",
                    path=str(folder),
                )
    return kept


class Collected:
    """Predictions that grow part by part, with the n best answers of each question unless they are not wanted."""

    def __init__(self, *, n_best: bool = True) -> None:
        self._wants_n_best = n_best
        self._answers: dict[str, str] = {}
        self._null_odds: dict[str, float] = {}
        self._n_best = Decodings()
        self._windows: dict[str, int] = {}
        self._close: set[str] = set()

    def add(
        self, questions: Sequence[Question], windows: Windows, logits: NDArray[np.float32], decoding: Decoding
    ) -> None:
        """Decode a part."""
        decoded = dict(decode_questions(questions, windows, logits, decoding))
        for key, item in decoded.items():
            self._answers[key], self._null_odds[key] = item.answer, item.null_odds
            if item.margin < CLOSE:
                self._close.add(key)
        if self._wants_n_best:
            self._n_best.add(decoded)
        counts = np.bincount(windows.question, minlength=len(questions)).tolist()
        self._windows |= {question.id: count for question, count in zip(questions, counts, strict=True)}

    def predictions(self, device: str, dtype: str, ids: Sequence[str] | None = None) -> Predictions:
        """All so far, or those of some questions in this order, computed there and in that number format."""
        if ids is None:
            computed = Computed(device, dtype, sum(self._windows.values()), len(self._close))
            return Predictions(self._answers, self._null_odds, self._n_best, computed)
        computed = Computed(device, dtype, sum(self._windows[i] for i in ids), len(self._close.intersection(ids)))
        answers, odds = {i: self._answers[i] for i in ids}, {i: self._null_odds[i] for i in ids}
        return Predictions(answers, odds, self._n_best.only(ids), computed)

    def answers(self, questions: Sequence[Question]) -> Mapping[str, str]:
        """Question id -> answer, of some questions in this order."""
        return {question.id: self._answers[question.id] for question in questions}


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
