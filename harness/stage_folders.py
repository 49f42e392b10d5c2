"""A stage's folder in a run's: begun, finished, or taken from another run that trained the very same stage."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from harness.errors import RecordError
from harness.models import FETCHED_PATTERNS, RESULTS_FILE, folder_sha256, weights_sha256
from harness.records import DataUsed, Environment, Stage, StageResult, from_json, to_json
from harness.store import make_folder, read_json, remove_folder, replace_folder, write_json

_BEGUN, _RESULT, _HISTORY = "begun.json", "stage.json", "training.jsonl"
_LARGEST = 2**24
"""Bytes of a stage's JSON file that is read of another run."""
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", re.ASCII)


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """What a stage's model is made from."""

    stage: Mapping[str, Any]
    """The stage's values; see `stage_values`."""
    student: str
    """Checksum of the weights that training starts from."""
    teacher: str | None
    conditions: Mapping[str, Any] | None
    """Whatever else its bytes depend on; see `same_bytes`. None where that cannot be said: nothing is taken."""


def stage_values(stage: Stage) -> dict[str, object]:
    """What a stage asks for, wherever its values come from, in JSON form."""
    values = to_json(stage)
    del values["origins"]
    if stage.dropout is None:  # a field that records of before do not have
        del values["dropout"]
    return dict(values)


def same_bytes(
    environment: Environment,
    models: Mapping[str, str],
    data: tuple[DataUsed, ...],
    engine: Mapping[str, Any] | None,
) -> dict[str, Any] | None:
    """What has to be the same, beside the stage's values, for a training to give the same bytes.

    Args:
        environment: The machine and software; where the command was called and the state of that folder do not count.
        models: What the stage makes use of, such as ``student`` -> a checksum with configuration and tokenizer.
        data: The training data in their order.
        engine: `Engine.conditions`; None where the engine cannot say.
    """
    if engine is None:
        return None
    machine = {name: value for name, value in to_json(environment).items() if name not in ("commit", "dirty")}
    checksums = [used.sha256 for used in data]
    return {"environment": machine, "models": dict(models), "data": checksums, "engine": dict(engine)}


def begin_stage(partial: Path, made_from: MadeFrom) -> None:
    """Make a stage's unfinished folder, or keep what an earlier call on the same inputs left there.

    What was begun under other conditions goes on, and is of neither: no other run takes it.
    """
    wanted = to_json(made_from)
    try:
        found = read_json(partial / _BEGUN)
    except RecordError:
        found = None
    keys = ("stage", "student", "teacher")
    if not isinstance(found, dict) or any(found.get(key) != wanted[key] for key in keys):
        remove_folder(partial)
        make_folder(partial)
        write_json(partial / _BEGUN, wanted)
    elif found.get("conditions") not in (None, wanted["conditions"]):
        write_json(partial / _BEGUN, wanted | {"conditions": None})
    remove_folder(partial / "model")  # written last, and so perhaps in part


def finish_stage(partial: Path, place: Path, result: StageResult) -> None:
    """Give a finished stage's folder its name; the rename comes last."""
    begun = read_json(partial / _BEGUN)
    write_json(partial / _BEGUN, begun | {"model": folder_sha256(partial / "model")})
    write_json(partial / _RESULT, result)
    replace_folder(partial, place)


def finished_stage(place: Path, student_sha256: str, teacher_sha256: str | None) -> StageResult | None:
    """The stage's result if it is complete and was made from these weights."""
    if not (place / _RESULT).exists():
        return None
    try:
        result = from_json(StageResult, read_json(place / _RESULT))
    except RecordError:  # damaged: as good as unfinished
        return None
    fits = (result.student_sha256, result.teacher_sha256) == (student_sha256, teacher_sha256)
    return result if fits and weights_sha256(place / "model") == result.weights_sha256 else None


def take_stage(place: Path, made_from: MadeFrom, data: tuple[DataUsed, ...]) -> StageResult | None:
    """The same stage of another run, put into `place`; None where no run beside this one has it.

    Whatever is damaged, or leads out of the folder of runs by a symbolic link, is passed over.

    Args:
        place: Where the stage belongs: ``RUNS/ID/stages/N-NAME``.
        made_from: What it is made from.
        data: The training data, for the record: under another name they may have the same checksums.
    """
    if made_from.conditions is None:
        return None
    own = place.parents[1]
    for run in _folders(own.parent):
        if run.name == own.name:
            continue
        for stage in _stages(run, place.name.partition("-")[2]):
            with contextlib.suppress(OSError, RecordError):  # it may also be removed while it is looked at
                taken = _take(stage, place, made_from, data)
                if taken is not None:
                    return taken
    return None


def _folders(path: Path) -> list[Path]:
    """The folders in a folder, in the order of their names, without what links lead to."""
    try:
        return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink())
    except OSError:
        return []


def _stages(run: Path, slug: str) -> Iterator[Path]:
    """Finished stages of a name; in another recipe it may have another number."""
    stages = run / "stages"
    if not stages.is_symlink():
        yield from (place for place in _folders(stages) if re.fullmatch(rf"\d+-{re.escape(slug)}", place.name))


def _take(source: Path, place: Path, made_from: MadeFrom, data: tuple[DataUsed, ...]) -> StageResult | None:
    begun, result = _read(source / _BEGUN), from_json(StageResult, _read(source / _RESULT))
    wanted = to_json(made_from)
    if not isinstance(begun, dict) or any(begun.get(key) != value for key, value in wanted.items()):
        return None
    first = result.taken_from or source.parents[1].name
    if not _fits(result, made_from) or not _RUN_ID.fullmatch(first):
        return None
    copy = place.with_name(f"{place.name}.taken")
    remove_folder(copy)
    try:
        _copy_model(source / "model", copy / "model")
        if (source / _HISTORY).exists():
            _copy(source / _HISTORY, copy / _HISTORY, link=False)
        made = weights_sha256(copy / "model"), folder_sha256(copy / "model")
        if made != (result.weights_sha256, begun.get("model")):
            return None
        result = replace(result, data=data, taken_from=first)
        write_json(copy / _BEGUN, begun)
        write_json(copy / _RESULT, result)
        replace_folder(copy, place)
    finally:
        remove_folder(copy)
    return result


def _fits(result: StageResult, made_from: MadeFrom) -> bool:
    """Whether it was trained as it would be now: by one process, and in the micro-batches that were asked for.

    Where memory was too small for these, how small they became is an accident of that hour.
    """
    asked = (made_from.conditions or {})["engine"].get("micro_batch")
    made = (made_from.stage["name"], made_from.student, made_from.teacher, 1, asked)
    return made == (result.name, result.student_sha256, result.teacher_sha256, result.devices, result.micro_batch)


def _read(file: Path) -> Any:
    if file.is_symlink():
        raise RecordError(f"{file}: is a symbolic link, expected a file", path=str(file))
    return read_json(file, _LARGEST)


def _copy_model(source: Path, target: Path) -> None:
    """The files that say what a model is, and no others."""
    if source.is_symlink():
        raise RecordError(f"{source}: is a symbolic link, expected a folder", path=str(source))
    for file in source.iterdir():
        if file.name != RESULTS_FILE and any(fnmatch(file.name, pattern) for pattern in FETCHED_PATTERNS):
            _copy(file, target / file.name, link=file.suffix == ".safetensors")


def _copy(source: Path, target: Path, *, link: bool) -> None:
    """Copy a regular file, or give it a second name where it is this user's own and the file system can."""
    if source.is_symlink() or not source.is_file():
        raise RecordError(f"{source}: expected a regular file", path=str(source))
    target.parent.mkdir(parents=True, exist_ok=True)
    if link and hasattr(os, "getuid") and source.stat().st_uid == os.getuid():
        with contextlib.suppress(OSError, NotImplementedError):
            os.link(source, target, follow_symlinks=False)
            return
    shutil.copyfile(source, target, follow_symlinks=False)
