"""One run in its folder: begun, carried out by one process, taken as it is when finished, kept when it fails."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.environment import harness_version
from harness.errors import HarnessError, RecordError, RunError
from harness.progress import Progress
from harness.records import Run
from harness.store import RECORD, load_run, locked, make_folder, remove_folder, save_again, save_run

COMPUTING = ("numpy", "tokenizers", "torch", "transformers")
"""Packages whose version can change a result, and so is part of a run's id and signature."""

LOGITS = "logits"
"""Folder of a run's logits, while it predicts and where they are to be kept."""


def name_run(name: str, content: Mapping[str, Any], packages: Mapping[str, str]) -> str:
    """A folder name: what the run is of, and a hash over what it is made from and the software that computes."""
    software = {"harness": harness_version()} | {
        package: packages.get(package) for package in (*COMPUTING, "accelerate")
    }
    digest = hashlib.sha256(json.dumps({**content, "software": software}, sort_keys=True).encode()).hexdigest()
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:60] or "run"
    return f"{slug}-{digest[:10]}"


def stage_place(number: int, name: str) -> str:
    """Where a run's folder has a stage: by its number, from 1, and its name."""
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:40] or "stage"
    return f"stages/{number}-{slug}"


def carry_out(
    folder: Path,
    begun: Run,
    work: Callable[[Run], Run],
    *,
    fresh: bool,
    leftovers: Sequence[str],
    take: Callable[[Run], Run | None],
    advice: str,
    progress: Progress,
) -> Run:
    """Do a run's work in its folder, unless it is finished, and leave its record there.

    Args:
        folder: The run's folder, made where there is none.
        begun: The record to begin with.
        work: Makes the finished record of it.
        fresh: Discard what an earlier call left.
        leftovers: Folders in `folder` to remove then.
        take: The record of a finished run as it is to be taken, or None if it has to be done again.
        advice: What remains of a failed run and how it goes on, for the error's message.
        progress: Told of a run that is taken as it is.

    Raises:
        HarnessError: what the work raises, the record then says so; another process is at work in the folder; it
            cannot be written.
    """
    make_folder(folder)
    again = False
    with locked(folder):
        if fresh:
            for name in leftovers:
                remove_folder(folder / name)
            (folder / RECORD).unlink(missing_ok=True)
        elif (folder / RECORD).exists():
            done = _recorded(folder)
            taken = take(done) if done.status == "finished" else None
            if taken is not None:
                if taken != done:
                    taken = save_again(folder, taken)
                progress(folder.name, 1, 1, "finished before and taken as it is; --fresh does it again")
                return taken
            again = done.status == "finished"  # its record stays until there is another
        if not again:
            save_run(folder, begun)
        try:
            run = work(begun)
        except HarnessError as error:
            if not again:
                save_run(folder, replace(begun, status="failed", finished=now(), error=str(error)))
            raise
        except Exception as error:  # torch, tokenizers and safetensors raise what they like
            if not again:
                told = f"{type(error).__name__}: {error}"
                save_run(folder, replace(begun, status="failed", finished=now(), error=told))
            first = (str(error).strip().splitlines() or ["no message"])[0][:200]
            raise RunError(f"{folder}: the run failed ({type(error).__name__}: {first}). {advice}") from error
        return save_run(folder, run)


def now() -> str:
    """The time as records have it: UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _recorded(folder: Path) -> Run:
    try:
        return load_run(folder)
    except RecordError as error:
        raise RecordError(f"{error}. Start this run anew with --fresh", path=str(folder)) from error
