"""What a new card says of the model's speed, from a kept record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.errors import RecordError
from harness.evidence.weights import weights_of
from harness.kept_speeds import named, run_of
from harness.names import metric_mentions
from harness.records import Place, Run, Speed, SpeedMeasured, SpeedRecord, Verdict, seal
from harness.speeds import judge_speed

_BASE = re.compile(r"[A-Za-z0-9_/-](?:[A-Za-z0-9_./-]{0,198}[A-Za-z0-9_/-])?")
"""Names that a reader of cards finds whole in a sentence."""


@dataclass(frozen=True, slots=True)
class NewSpeed:
    """The part "Speed" of a card."""

    record: SpeedRecord
    times: str | None
    """How many times as fast it answers one question at a time, to two decimals; None where the record does not show
    that a claim of it holds, as its interval is too wide."""
    base: str | None
    """The name of the base; None where a reader could not find it in a sentence, or take it for something else."""
    per_second: tuple[tuple[float, float], ...]
    """Questions per second of the model and of the base, for each of the record's ratios."""
    id: str | None
    """Of the record; None where a reader could take it for a result."""


def new_speed(record: SpeedRecord, names: Iterable[str], runs: Sequence[Run], bases: Sequence[str] = ()) -> NewSpeed:
    """What a card may say of a speed: a claim that the record itself shows, read back as the card is.

    Args:
        record: As `harness.kept_speeds.load_speed` gives it.
        names: The card's names for the model.
        runs: The runs that the card is written from.
        bases: The base models of its front matter.

    Raises:
        RecordError: the record has no checksum or another than it had, or is of another model.
    """
    if record.sha256 is None or record.sha256 != seal(record):
        raise RecordError(
            f"{record.id}: found a record of a speed without its checksum, or changed since, expected it as "
            "harness speed --keep wrote it"
        )
    measured = record.measured
    if run_of(measured.model, runs) is None and (_of_others(measured, runs) or not named(measured.model, names)):
        weights = measured.model.weights_sha256 or measured.model.sha256
        raise RecordError(
            f"{record.id}: found a speed of {measured.model.name!r:.80}, weights {weights:.12}, expected one of the "
            f"model of run {runs[0].id:.200}; measure its weights with harness speed --keep"
        )
    plain = _BASE.fullmatch(measured.base.name) and not metric_mentions(measured.base.name)
    id = None if metric_mentions(record.id) else record.id
    speeds = tuple(
        (measured.questions_per_second(ratio.seconds), measured.questions_per_second(ratio.base_seconds))
        for ratio in measured.ratios
    )
    for base in (measured.base.name, None) if plain else (None,):
        times = _claimed(measured, base, bases)
        if times is not None:
            return NewSpeed(record, times, base, speeds, id)
    return NewSpeed(record, None, measured.base.name if plain else None, speeds, id)


def _of_others(measured: SpeedMeasured, runs: Sequence[Run]) -> bool:
    """Whether checksums tell that none of the runs has the weights that were measured, whatever name they have."""
    known = [weights_of(run) for run in runs]
    return measured.model.weights_sha256 is not None and None not in known


def _claimed(measured: SpeedMeasured, base: str | None, bases: Sequence[str]) -> str | None:
    """The ratio as the card prints it, if it is a claim that what was measured shows."""
    for ratio in measured.ratios:
        if ratio.batch == "one":
            times = f"{ratio.ratio:.2f}"
            text = f"{times} times as fast as {base or 'model'}"
            claim = Speed(float(times), base or "model", text, Place(0, len(text), 1))
            held = judge_speed(claim, measured, bases).verdict in (Verdict.MATCHES, Verdict.WITHIN_TOLERANCE)
            return times if held and len(times) <= len("999.99") else None
    return None
