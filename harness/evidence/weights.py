"""Evaluations of the very weights that a run is about, whatever name they went by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.errors import RecordError
from harness.record_checks import instant
from harness.records import Run
from harness.store import LARGEST_RECORD, RECORD, load_run, read_json


def weights_of(run: Run) -> str | None:
    """Checksum over the weights that a run evaluated: those given to it, else its last stage's.

    None of predictions alone, and where the record is of a version that kept none.
    """
    if run.model is not None:
        return run.model.weights_sha256
    return run.stages[-1].weights_sha256 if run.stages else None


def same_weights(one: Run, other: Run) -> bool:
    """Whether two runs evaluated the same weights, as far as their checksums say."""
    weights = weights_of(one)
    return weights is not None and weights == weights_of(other)


def find_evaluations(runs: Sequence[Run], folders: Sequence[Path]) -> tuple[tuple[Path, Run], ...]:
    """Finished released runs of the weights of any of `runs`, newest first; each id once, as its newest record.

    A file that is no record, or that does not tell its weights, is passed over.

    Raises:
        RecordError: a record that names the weights cannot be read, or was changed.
    """
    wanted = {weights for run in runs if (weights := weights_of(run)) is not None}
    found: dict[str, tuple[Path, Run]] = {}
    for folder in folders if wanted else ():
        for path in sorted([*folder.glob("*.json"), *folder.glob(f"*/{RECORD}")]) if folder.is_dir() else ():
            if _named_weights(path) not in wanted:
                continue
            run = load_run(path)
            if run.kind != "released" or run.status != "finished" or weights_of(run) not in wanted:
                continue
            known = found.get(run.id)
            if known is None or instant(run.finished or "") > instant(known[1].finished or ""):
                found[run.id] = (path, run)
    return newest_first(found.values())


def newest_first(runs: Iterable[tuple[Path, Run]]) -> tuple[tuple[Path, Run], ...]:
    """Runs with their records, the newest first."""
    return tuple(sorted(runs, key=lambda one: (instant(one[1].finished or ""), str(one[0])), reverse=True))


def _named_weights(path: Path) -> str | None:
    """The checksum of the weights that a file says were given; None where it says nothing of them."""
    try:
        data = read_json(path, LARGEST_RECORD)
    except RecordError:
        return None
    model = data.get("model") if isinstance(data, dict) else None
    named = model.get("weights_sha256") if isinstance(model, dict) else None
    return named if isinstance(named, str) else None
