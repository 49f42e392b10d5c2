"""Questions kept in Arrow files: written part by part, read through memory maps.

A folder holds ``manifest.json``, which says what its questions were made of, and one Arrow file for each part of the
paragraphs. Every file is written under another name and renamed, so that a part is whole or absent. Contexts and
questions are stored once for a part, however many rows name them.
"""

from __future__ import annotations

import importlib
import json
import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, overload

from harness.errors import MissingDependencyError, RecordError
from harness.records import Answer, Question, from_json
from harness.store import write_bytes, write_whole

FORMAT = 1
MANIFEST = "manifest.json"
_MOST_OPEN = 64
"""Parts whose files are held open."""
_BLOCK = 1024
"""Questions that iteration reads at once."""


@dataclass(frozen=True, slots=True)
class AugmentManifest:
    """What the questions of a folder are made of; two augmentations with the same manifest may share a folder."""

    format: int
    variant: str
    factor: int
    candidates: int
    probability: float
    seed: int
    questions: str
    """Checksum of all fields of the questions that variants are made of, in order."""
    masked_lm: str
    """Checksum of the masked language model's folder."""
    vectors: str | None
    """Checksum of the word vectors that are read; None without any."""
    device: str
    """Where the masked language model runs: another may round otherwise, and rank two close candidates otherwise."""
    parts: int
    paragraphs: int
    """Paragraphs in a part, fewer in the last."""


class AugmentedParts:
    """The folder while it is being filled."""

    def __init__(self, folder: Path, manifest: AugmentManifest) -> None:
        """See `start`."""
        self.folder, self.manifest = folder, manifest

    @classmethod
    def start(cls, folder: Path, manifest: AugmentManifest) -> AugmentedParts:
        """Begin a folder, or go on with one of the same manifest.

        Raises:
            RecordError: the folder holds other questions, or cannot be written.
            MissingDependencyError: pyarrow is not installed.
        """
        arrow()
        path = folder / MANIFEST
        if path.exists():
            there, wanted = asdict(_read_manifest(path)), asdict(manifest)
            differing = [name for name, value in wanted.items() if there[name] != value]
            if differing:
                raise RecordError(
                    f"{folder}: found augmented data with another {', '.join(differing)}, expected those of this "
                    "stage; give what they were made with, or begin anew with --fresh",
                    path=str(folder),
                )
            for left in folder.glob(".*.tmp"):  # of a call that was killed
                left.unlink(missing_ok=True)
        else:
            text = json.dumps(asdict(manifest), indent=1) + "\n"
            write_whole(path, lambda place: write_bytes(place, text.encode()))
        return cls(folder, manifest)

    def missing(self) -> list[int]:
        """Numbers of the parts that are absent or damaged."""
        return [part for part in range(self.manifest.parts) if _count_rows(self.path(part)) is None]

    def write(self, part: int, questions: Sequence[Question]) -> None:
        """Keep the questions of a part; raises `RecordError` where they cannot be written, the other parts stay."""
        batch = _to_batch(questions)
        ipc = importlib.import_module("pyarrow.ipc")

        def write(place: Path) -> None:
            with place.open("wb") as file:
                with ipc.new_file(file, batch.schema) as writer:
                    writer.write_batch(batch)
                file.flush()
                os.fsync(file.fileno())

        write_whole(self.path(part), write)

    def questions(self) -> AugmentedQuestions:
        """All that is kept, once no part is missing."""
        return AugmentedQuestions([self.path(part) for part in range(self.manifest.parts)])

    def path(self, part: int) -> Path:
        """The file of a part."""
        return self.folder / f"part-{part:05d}.arrow"


class AugmentedQuestions(Sequence[Question]):
    """Questions in Arrow files, read where they are asked for: a few files are mapped, no text is held."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Count the questions of finished parts; raises `RecordError` where one is absent or damaged."""
        self._paths = tuple(paths)
        self._bounds = array("Q", [0])
        for path in paths:
            rows = _count_rows(path)
            if rows is None:
                raise RecordError(
                    f"{path}: is absent or damaged, expected a part of the augmented data; the same command makes it "
                    "again",
                    path=str(path),
                )
            self._bounds.append(self._bounds[-1] + rows)
        self._open: dict[int, Any] = {}

    def __len__(self) -> int:
        return self._bounds[-1]

    @overload
    def __getitem__(self, index: int) -> Question: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Question, ...]: ...
    def __getitem__(self, index: int | slice) -> Question | tuple[Question, ...]:
        if not isinstance(index, slice):
            at = range(len(self))[index]
            return next(self._read(at, at + 1))
        rows = range(len(self))[index]
        if rows.step == 1:
            return tuple(self._read(rows.start, max(rows.start, rows.stop)))
        return tuple(self[i] for i in rows)

    def __iter__(self) -> Iterator[Question]:
        return self._read(0, len(self))

    def _read(self, start: int, stop: int) -> Iterator[Question]:
        """The questions of neighbouring rows, a block of one part at a time."""
        while start < stop:
            part = bisect_right(self._bounds, start) - 1
            first = self._bounds[part]
            end = min(stop, self._bounds[part + 1], start + _BLOCK)
            rows = self._batch(part).slice(start - first, end - start)
            columns = [column.to_pylist() for column in rows.columns]
            for values in zip(*columns, strict=True):
                yield _to_question(*values)
            start = end

    def _batch(self, part: int) -> Any:
        if part not in self._open:
            if len(self._open) >= _MOST_OPEN:
                del self._open[next(iter(self._open))]
            self._open[part] = _open_batch(self._paths[part])
        return self._open[part]


def arrow() -> Any:
    """The package pyarrow; `MissingDependencyError` where it is not installed."""
    try:
        return importlib.import_module("pyarrow")
    except ImportError as error:
        raise MissingDependencyError(
            "augmented data need the package pyarrow; install it", command="pip install pyarrow"
        ) from error


def _read_manifest(path: Path) -> AugmentManifest:
    try:
        return from_json(AugmentManifest, json.loads(path.read_text("utf-8")), str(path))
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(
            f"{path}: cannot be read ({error}), expected a folder of augmented data; remove it, or begin anew with "
            "--fresh",
            path=str(path),
        ) from error


def _to_batch(questions: Sequence[Question]) -> Any:
    pa = arrow()

    def text(values: list[str | None], *, repeated: bool = False) -> Any:
        column = pa.array(values, pa.large_string())
        return column.dictionary_encode() if repeated else column

    answers = [[{"text": a.text, "start": a.start} for a in q.answers] for q in questions]
    columns = {
        "id": text([q.id for q in questions]),
        "passage_id": text([q.passage_id for q in questions], repeated=True),
        "context": text([q.context for q in questions], repeated=True),
        "question": text([q.question for q in questions], repeated=True),
        "answers": pa.array(answers, pa.list_(pa.struct([("text", pa.large_string()), ("start", pa.int64())]))),
        "impossible": pa.array([q.impossible for q in questions], pa.bool_()),
        "kind": text([q.kind for q in questions], repeated=True),
    }
    return pa.record_batch(list(columns.values()), names=list(columns))


def _to_question(
    id_: str, passage_id: str, context: str, question: str, answers: list[dict[str, Any]], impossible: bool, kind: Any
) -> Question:
    found = tuple(Answer(answer["text"], answer["start"]) for answer in answers)
    return Question(id_, passage_id, context, question, found, impossible, kind)


def _open_batch(path: Path) -> Any:
    ipc = importlib.import_module("pyarrow.ipc")
    return ipc.open_file(arrow().memory_map(str(path), "r")).get_batch(0)


def _count_rows(path: Path) -> int | None:
    """Questions in a part, or None where it is absent or damaged."""
    pa = arrow()
    try:
        return int(_open_batch(path).num_rows)
    except (OSError, pa.ArrowException):
        return None
