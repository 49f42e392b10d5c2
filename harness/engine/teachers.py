"""A teacher's logits on the student's windows: computed once, kept on disk, memory-mapped by every epoch and seed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import transformers
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.engine.batches import Padding, fit_segments, lay_out, model_inputs
from harness.engine.checkpoints import training_key
from harness.engine.computing import Computing
from harness.engine.features import Features
from harness.engine.meter import Meter
from harness.engine.predict import TEACHER_TOKENS, window_logits
from harness.engine.reader import forward
from harness.engine.training_data import LabelledWindows
from harness.errors import ModelError, RecordError
from harness.models import folder_sha256
from harness.progress import Progress
from harness.store import file_sha256, locked, make_folder, read_json, remove_folder, replace_folder, write_json

PART = 65_536
"""Windows that are read before they are on disk for good: an interruption loses no more."""
FORMAT = 1


def keep_logits(
    folder: Path,
    teacher: tuple[Path, PreTrainedModel, PreTrainedTokenizerBase],
    windows: LabelledWindows,
    width: int | None,
    name: str,
    progress: Progress,
) -> Path:
    """See that a teacher's start and end logits, in evaluation mode and single precision, are on disk.

    Args:
        folder: Holds one folder per teacher, data and features, named after a hash of their contents.
        teacher: Its folder, the model, and its tokenizer.
        windows: The student's.
        width: Every window is padded to it, and padding has logits too; None for tokens alone.
        name: Of the stage, for the progress.
        progress: Told of the windows done.

    Returns:
        The folder, for `open_logits`.

    Raises:
        ModelError: a logit is no finite number.
        RecordError: the disk is full or cannot be written.
    """
    place, model, tokenizer = teacher
    device = Computing().find_device().type
    software = torch.__version__, transformers.__version__
    key = training_key(FORMAT, folder_sha256(place), windows.sha256, width, device, TEACHER_TOKENS, software)
    final = folder / key[:32]
    make_folder(folder)
    with locked(folder, wait=True):  # runs of several seeds share the folder
        if _holds(final, key):
            return final
        partial = final.with_name(final.name + ".partial")
        _compute(
            partial,
            model,
            tokenizer,
            windows.features,
            width,
            Meter(progress, f"teacher of {name}", len(windows.features), "windows"),
        )
        write_json(partial / "manifest.json", {"key": key, "sha256": file_sha256(partial / "logits.npy")})
        replace_folder(partial, final)
    return final


def open_logits(folder: Path) -> NDArray[np.float32]:
    """[tokens, 2], aligned with the windows' ids, or [windows, width, 2] with those of padding; memory-mapped."""
    logits: NDArray[np.float32] = np.load(folder / "logits.npy", mmap_mode="r", allow_pickle=False)
    return logits


def _holds(folder: Path, key: str) -> bool:
    try:
        manifest = read_json(folder / "manifest.json")
        return bool(manifest["key"] == key and manifest["sha256"] == file_sha256(folder / "logits.npy"))
    except (RecordError, OSError, KeyError, TypeError):
        return False


def _compute(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    features: Features,
    width: int | None,
    meter: Meter,
) -> None:
    """Fill the file part by part, or go on after the last part that an earlier call finished."""
    shape = (len(features.ids), 2) if width is None else (len(features), width, 2)
    file, done = folder / "logits.npy", _parts_done(folder, shape)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not done:
            _reserve(file, shape)
        logits = open_memmap(file, mode="r+")
        for first in range(done, len(features), PART):
            last = min(first + PART, len(features))
            meter.skip(first if first == done else 0)
            part = _cut(features, first, last)
            if width is None:
                found = window_logits(model, tokenizer, part, _Shifted(meter, first, last))
                place = slice(int(features.bounds[first]), int(features.bounds[last]))
            else:
                found = _fixed(model, tokenizer, part, width, meter, first)
                place = slice(first, last)
            if not np.isfinite(found).all():
                remove_folder(folder)
                raise ModelError(
                    "teacher: found logits that are no finite numbers, expected finite ones; its weights are damaged"
                )
            logits[place] = found
            logits.flush()
            write_json(folder / "parts.json", {"windows": last, "shape": list(shape)})
    except OSError as error:
        remove_folder(folder)
        raise RecordError(
            f"{folder}: the teacher's logits cannot be written ({error.strerror}); make room, and give the same "
            "command again"
        ) from error


def _reserve(file: Path, shape: tuple[int, ...]) -> None:
    """Write an empty array of the shape, claiming its room: a write to a mapped file that finds none kills."""
    array = open_memmap(file, mode="w+", dtype=np.float32, shape=shape)
    array.flush()
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)


def _parts_done(folder: Path, shape: tuple[int, ...]) -> int:
    try:
        parts = read_json(folder / "parts.json")
        return int(parts["windows"]) if parts["shape"] == list(shape) else 0
    except (RecordError, KeyError, TypeError, ValueError):
        return 0


def _cut(features: Features, first: int, last: int) -> Features:
    begin, end = features.bounds[first], features.bounds[last]
    return replace(
        features,
        ids=features.ids[begin:end],
        types=None if features.types is None else features.types[begin:end],
        bounds=features.bounds[first : last + 1] - begin,
        question=features.question[first:last],
        cls=features.cls[first:last],
    )


def _fixed(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    features: Features,
    width: int,
    meter: Meter,
    before: int,
) -> NDArray[np.float32]:
    """[windows, width, 2]: logits of padding too, as the published recipes had them."""
    device, padding = Computing().find_device(), Padding.of(tokenizer)
    model = model.to(device).eval()
    features = fit_segments(model, features)
    rows_at_once = max(1, TEACHER_TOKENS // width)
    out = np.empty((len(features), width, 2), dtype=np.float32)
    for first in range(0, len(features), rows_at_once):
        rows = np.arange(first, min(first + rows_at_once, len(features)))
        inputs = model_inputs(features, lay_out(features, rows, padding.left, width), padding)
        with torch.inference_mode():
            logits = forward(model, {name: tensor.to(device) for name, tensor in inputs.items()})
        out[rows] = torch.stack(tuple(logits), dim=-1).float().cpu().numpy()
        meter.advance(before + int(rows[-1]) + 1)
    return out


class _Shifted(Meter):
    """A meter for a part of the whole."""

    def __init__(self, meter: Meter, first: int, last: int) -> None:
        self.total = last - first
        self._meter, self._first = meter, first

    def advance(self, done: int, note: str = "") -> None:
        self._meter.advance(self._first + done, note)
