"""Labelled windows on disk, memory-mapped: a training set may be larger than memory."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import tokenizers
import transformers
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from harness.engine.features import Features, make_features
from harness.engine.labels import make_labels
from harness.engine.windowing import Windowing
from harness.environment import harness_version
from harness.errors import DataError, RecordError
from harness.records import Question
from harness.spans.kept import questions_sha256
from harness.store import read_json, remove_folder, replace_folder, write_json

CHUNK = 2000
"""Questions that are cut at once: enough to use all cores, few enough to hold next to nothing in memory."""
MANIFEST = "windows.json"
_FILES = {"ids": np.int32, "types": np.int8, "lengths": np.int32, "labels": np.int32, "cls": np.int32}


@dataclass(frozen=True, slots=True, eq=False)
class LabelledWindows:
    """The windows that a stage trains on."""

    features: Features
    """With what batches need; places in the context are left out."""
    labels: NDArray[np.int32]
    """[windows, 2], positions in the window."""
    sha256: str
    """Over the windows and labels themselves."""


def build_windows(
    folder: Path,
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[Question],
    windowing: Windowing,
    faults: bool,
    advance: Callable[[int], None],
) -> LabelledWindows:
    """Cut questions into labelled windows in `folder`, or take those that an earlier call finished there.

    Args:
        folder: Written whole or not at all.
        tokenizer: The student's.
        questions: Read once from first to last, in slices.
        windowing: How to cut.
        faults: Label as the era's code did, faults included.
        advance: Told the number of questions done.

    Raises:
        DataError: no window is left to train on, or an answer is not where it should be.
        RecipeError: the lengths leave no room for the context.
        RecordError: the disk is full or cannot be written.
    """
    key = _key(tokenizer, questions, windowing, faults)
    if not _holds(folder, key):
        partial = folder.with_name(folder.name + ".partial")
        remove_folder(partial)
        partial.mkdir(parents=True)
        try:
            with _Writer(partial) as writer:
                for first in range(0, len(questions), CHUNK):
                    chunk = questions[first : first + CHUNK]
                    features = make_features(tokenizer, chunk, windowing)
                    writer.add(features, *make_labels(features, chunk, windowing, faults))
                    advance(first + len(chunk))
        except OSError as error:
            remove_folder(partial)
            raise RecordError(
                f"{partial}: cannot be written ({error.strerror}); make room, the same command goes on from here"
            ) from error
        if not writer.windows:
            raise DataError("found no window to train on, expected some; name data with questions")
        write_json(partial / MANIFEST, {"key": key, "files": {name: _stamp(partial, name) for name in _FILES}})
        replace_folder(partial, folder)
    return open_windows(folder)


def open_windows(folder: Path) -> LabelledWindows:
    """The windows that `build_windows` left in a folder."""
    arrays = {name: _map(folder, name) for name in _FILES}
    none = np.zeros((0, 2), dtype=np.int32)
    windows = len(arrays["lengths"])
    features = Features(
        ids=arrays["ids"],
        types=arrays["types"] if len(arrays["types"]) else None,
        characters=none,
        bounds=np.concatenate([[0], np.cumsum(arrays["lengths"], dtype=np.int64)]),
        question=np.zeros(windows, dtype=np.int32),
        context=none,
        cls=arrays["cls"],
    )
    stamps = json.dumps(read_json(folder / MANIFEST)["files"], sort_keys=True)
    return LabelledWindows(features, arrays["labels"].reshape(-1, 2), hashlib.sha256(stamps.encode()).hexdigest())


class _Writer:
    """Appends windows to the files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.windows = 0
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}

    def __enter__(self) -> _Writer:
        self._files = {name: _path(self._folder, name).open("wb") for name in _FILES}
        return self

    def __exit__(self, *exception: object) -> None:
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
            file.close()

    def add(self, features: Features, labels: NDArray[np.int32], kept: NDArray[np.bool_]) -> None:
        """Append the windows that are `kept` [windows]."""
        tokens = np.repeat(kept, features.lengths)
        rows: dict[str, NDArray[np.generic]] = {
            "ids": features.ids[tokens],
            "lengths": features.lengths[kept],
            "labels": labels[kept],
            "cls": features.cls[kept],
        }
        if features.types is not None:
            rows["types"] = features.types[tokens]
        for name, values in rows.items():
            self._files[name].write(np.ascontiguousarray(values, dtype=_FILES[name]).tobytes())
        self.windows += int(kept.sum())


def _key(tokenizer: PreTrainedTokenizerBase, questions: Sequence[Question], windowing: Windowing, faults: bool) -> str:
    digest = hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode("utf-8", "surrogatepass"))
    settings = {
        "windowing": asdict(windowing),
        "faults": faults,
        "questions": questions_sha256(questions),
        "answers": _answers_sha256(questions),
        "special": {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
        "inputs": tokenizer.model_input_names,
        "sides": [tokenizer.padding_side, tokenizer.truncation_side],
        "software": [harness_version(), tokenizers.__version__, transformers.__version__],
    }
    digest.update(json.dumps(settings, sort_keys=True).encode("ascii"))
    return digest.hexdigest()


def _answers_sha256(questions: Sequence[Question]) -> str:
    digest = hashlib.sha256()
    for first in range(0, len(questions), CHUNK):
        for question in questions[first : first + CHUNK]:
            row = [question.kind, question.impossible, [[answer.text, answer.start] for answer in question.answers]]
            digest.update(json.dumps(row).encode("ascii") + b"\n")
    return digest.hexdigest()


def _holds(folder: Path, key: str) -> bool:
    """Whether a folder has all files of a build of this key, each as it was written."""
    try:
        manifest = read_json(folder / MANIFEST)
        return bool(manifest["key"] == key and all(manifest["files"][n] == _stamp(folder, n) for n in _FILES))
    except (RecordError, OSError, KeyError, TypeError):
        return False


def _stamp(folder: Path, name: str) -> list[int | str]:
    """Size and hash of a file."""
    with _path(folder, name).open("rb") as file:
        return [os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()]


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.bin"


def _map(folder: Path, name: str) -> NDArray[np.int32]:
    path = _path(folder, name)
    if path.stat().st_size == 0:  # an empty file cannot be mapped
        return np.zeros(0, dtype=_FILES[name])
    return np.memmap(path, dtype=_FILES[name], mode="r")
