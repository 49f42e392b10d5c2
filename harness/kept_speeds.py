"""Measured speeds that are kept: records in a folder ``speeds`` beside a card, and what they say of its claims."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import RecordError
from harness.evidence.weights import weights_of
from harness.record_checks import check_time
from harness.records import (
    SPEED_SCHEMA,
    Card,
    Run,
    SpeedComparison,
    SpeedMeasured,
    SpeedModel,
    SpeedRatio,
    SpeedRecord,
    from_json,
    seal,
)
from harness.speeds import judge_speed, measured_ratio, stated_bases
from harness.store import read_record, write_json

SPEEDS = "speeds"
"""Folder beside a card that its records of speed lie in, each as ``ID.json``."""
_TURN = (1e-6, 1e8)
"""Seconds that a turn can take; beyond them no speed is a number that can be printed."""
_MOST = 10**15
"""Questions of data and parameters of a model, likewise."""


@dataclass(frozen=True, slots=True)
class CardSpeed:
    """A kept speed of a card's model, and what the card says of it."""

    record: SpeedRecord
    run: str | None
    """The run whose weights were measured; None where it is known to be of the card's model by its name alone."""
    link: str | None
    """Where the record lies from the card that is written; None where it does not lie there."""
    comparisons: tuple[SpeedComparison, ...]
    """The card's claims of speed, in their order."""


def speed_id(measured: SpeedMeasured) -> str:
    """The model's name and a hash over both models, the data, the settings, the device and the software; no times."""
    environment = measured.environment
    content = {
        "models": [[m.name, m.sha256, m.revision, m.dtype] for m in (measured.model, measured.base)],
        "data": [str(measured.data.ref), measured.data.sha256, measured.questions],
        "settings": [measured.max_seq_len, measured.doc_stride, max(len(r.seconds) for r in measured.ratios)],
        "device": [measured.device, measured.threads, environment.processor],
        "software": {"harness": environment.harness, "python": environment.python, **environment.packages},
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", measured.model.name).strip("-.")[:60] or "model"
    return f"{slug}-{digest[:10]}"


def keep_speed(folder: Path, measured: SpeedMeasured, started: datetime.datetime) -> tuple[Path, SpeedRecord]:
    """Write what was measured as ``ID.json`` into a folder, sealed, whole or not at all; returns file and record.

    A record of the same models, data, settings and device is replaced.

    Raises:
        RecordError: it cannot be written, or says what no measurement can.
    """
    text = started.astimezone(datetime.UTC).isoformat(timespec="seconds")
    record = SpeedRecord(SPEED_SCHEMA, speed_id(measured), text, measured)
    file = folder / f"{record.id}.json"
    _check(record, str(file))
    sealed = replace(record, sha256=seal(record))
    write_json(file, sealed)
    return file, sealed


def load_speed(file: Path) -> SpeedRecord:
    """Read a record of a speed.

    Raises:
        RecordError: there is none, it is malformed, it contradicts itself, or it was changed since it was written.
    """
    data = read_record(file)
    if not isinstance(data, dict) or "measured" not in data or data.get("schema") != SPEED_SCHEMA:
        found = f"schema {data.get('schema')!r:.80}" if isinstance(data, dict) else type(data).__name__
        raise RecordError(
            f"{file}: found {found}, expected a record of a speed of schema {SPEED_SCHEMA}, as harness speed --keep "
            "writes it",
            path=str(file),
        )
    record = from_json(SpeedRecord, data, str(file))
    _check(record, str(file))
    if record.sha256 != seal(record):
        raise RecordError(
            f"{file}: found a record that was changed after it was written, expected the SHA-256 "
            f"{record.sha256!r:.80} over its fields; take the record as it was, or measure again",
            path=str(file),
        )
    return record


def find_speeds(folder: Path) -> tuple[SpeedRecord, ...]:
    """The records in a folder, by file name; none where there is no folder.

    Raises:
        RecordError: a JSON file there is no record of a speed, was changed, or has another name than its id.
    """
    found = []
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        record = load_speed(file)
        if file.stem != record.id:
            raise RecordError(
                f"{file}: found the record {record.id!r}, expected it as {record.id}.json, which a card links to; "
                "rename it",
                path=str(file),
            )
        found.append(record)
    return tuple(found)


def speeds_of(
    path: Path, card: Card, runs: Sequence[Run], place: Path | None = None
) -> tuple[tuple[CardSpeed, ...], tuple[str, ...]]:
    """The kept speeds of a card's model, from the folder beside its file, and the card's claims held against each.

    Beside them, of a card that has its folder to itself: which records there are of another model.

    Args:
        path: The card's file.
        card: The card.
        runs: The runs that speak for the card.
        place: Where the card is to lie, if not there.

    Raises:
        RecordError: as `find_speeds` does.
    """
    bases = stated_bases(card)
    found, others = [], []
    for record in find_speeds(path.parent / SPEEDS):
        model, name = record.measured.model, f"{SPEEDS}/{record.id}.json"
        run = run_of(model, runs)
        if run is not None or has_name(model, card):
            judged = tuple(judge_speed(claim, record.measured, bases) for claim in card.speeds)
            link = name if place is None or _lies(record, place.parent / name) else None
            found.append(CardSpeed(record, None if run is None else run.id, link, judged))
        elif path.name.casefold() == "readme.md":
            others.append(f"{name}: is of {model.name!r:.80}, not of this card's model; it is not shown")
    return tuple(found), tuple(others)


def _lies(record: SpeedRecord, file: Path) -> bool:
    try:
        return file.is_file() and load_speed(file).sha256 == record.sha256
    except (OSError, RecordError):
        return False


def run_of(model: SpeedModel, runs: Iterable[Run]) -> Run | None:
    """The first run whose weights are those that were measured; None where checksums do not say so of any."""
    for run in runs:
        weights = weights_of(run)
        if weights is not None and weights == model.weights_sha256:
            return run
        if run.model is not None and run.model.sha256 == model.sha256:
            return run
    return None


def has_name(model: SpeedModel, card: Card) -> bool:
    """Whether what was measured has one of the names of the card's model; who owns a repository is no part of it."""
    return named(model, (card.name, *card.aliases))


def named(model: SpeedModel, names: Iterable[str]) -> bool:
    """The same for names that are no card's yet."""
    return _tail(model.name) in map(_tail, names)


def _tail(name: str) -> str:
    return name.casefold().rpartition("/")[2]


def _check(record: SpeedRecord, where: str) -> None:
    for field, found, expected in _faults(record):
        raise RecordError(
            f"{where}: {field}: found {found!r:.80}, expected {expected}; the record was changed, measure again",
            path=where,
        )


def _faults(record: SpeedRecord) -> Iterator[tuple[str, object, str]]:
    measured = record.measured
    yield from check_time("started", record.started, datetime.datetime.now(datetime.UTC))
    if not 1 <= measured.data.n <= _MOST:
        yield "measured.data.n", measured.data.n, "a number of questions"
    if not 1 <= measured.questions <= measured.data.n:
        yield "measured.questions", measured.questions, f"1 to {measured.data.n}, the number of questions of the data"
    for name, model in (("model", measured.model), ("base", measured.base)):
        if not 1 <= model.parameters <= _MOST:
            yield f"measured.{name}.parameters", model.parameters, "one or more, as a model can have"
    if measured.threads < 1:
        yield "measured.threads", measured.threads, "one or more"
    batches = [ratio.batch for ratio in measured.ratios]
    if not batches or len(set(batches)) != len(batches):
        yield "measured.ratios", batches, "each batch once"
        return
    for number, ratio in enumerate(measured.ratios):
        if not _agrees(ratio):
            yield f"measured.ratios[{number}].ratio", ratio.ratio, "the ratio and interval of its own times"
    wanted = speed_id(measured)
    if record.id != wanted:
        yield "id", record.id, f"{wanted!r}, by what was measured"


def _agrees(ratio: SpeedRatio) -> bool:
    """Whether ratio and interval are those that the times give."""
    low, high = _TURN
    if not all(low <= second <= high for second in (*ratio.seconds, *ratio.base_seconds)):
        return False
    try:
        again = measured_ratio(ratio.batch, ratio.seconds, ratio.base_seconds)
    except (ValueError, OverflowError):
        return False
    pairs = ((ratio.ratio, again.ratio), (ratio.low, again.low), (ratio.high, again.high))
    return all(math.isclose(one, other, rel_tol=1e-9) for one, other in pairs)
