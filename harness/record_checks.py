"""What a run's record cannot say without contradicting itself, or what is known of time."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

from harness.errors import RecordError
from harness.records import Bounds, DataUsed, Run

_AHEAD = datetime.timedelta(days=1)
"""How far the clock of the machine that made a record may be ahead of this one, time zones that were not told
included."""
_OF_A_KIND = ("exact", "f1", "total")


def check_record(run: Run, where: str, now: datetime.datetime) -> None:
    """Refuse a record that contradicts itself.

    Args:
        run: As it was read.
        where: Its file, for the message.
        now: The present, with its time zone.

    Raises:
        RecordError: the first fault: field, what was found and what was expected.
    """
    for field, found, expected in _faults(run, now):
        raise RecordError(
            f"{where}: {field}: found {found!r:.80}, expected {expected}; the record was changed, run it again",
            path=where,
        )


def instant(text: str) -> datetime.datetime:
    """A record's time; UTC where it names no time zone. Raises `ValueError` for text that is no ISO 8601 date-time."""
    time = datetime.datetime.fromisoformat(text)
    return time if time.tzinfo is not None else time.replace(tzinfo=datetime.UTC)


_Fault = tuple[str, object, str]


def _faults(run: Run, now: datetime.datetime) -> Iterator[_Fault]:
    if not run.id.strip():
        yield "id", run.id, "a name"
    yield from check_time("started", run.started, now)
    if run.finished is not None:
        yield from check_time("finished", run.finished, now)
    elif run.status == "finished":
        yield "finished", None, "a date-time, as the status is finished"
    data = run.evaluated
    if data is not None:
        yield from _data(data)
    if run.bounds is not None:
        yield from _bounds(run.bounds, data)
    yield from _scores(run, data)
    yield from _by_kind(run)
    yield from _points("best", run.best)
    for number, tried in enumerate(run.alternatives or ()):
        yield from _points(f"alternatives[{number}].scores", tried.scores)


def check_time(field: str, text: str, now: datetime.datetime) -> Iterator[_Fault]:
    """The fault of a time: field, what was found and what was expected; none where it is one, and not ahead."""
    try:
        late = instant(text) > now + _AHEAD
    except ValueError:
        yield field, text, "a date-time such as 2026-01-31T12:00:00+00:00"
        return
    if late:
        yield field, text, f"no time after the present, {now.isoformat(timespec='seconds')}"


def _data(data: DataUsed) -> Iterator[_Fault]:
    if data.n < 1:
        yield "evaluated.n", data.n, "one question or more"
    if not 0 <= data.has_ans <= data.n:
        yield "evaluated.has_ans", data.has_ans, f"0 to {data.n}, the number of questions"
    if data.whole is not None and data.whole < data.n:
        yield "evaluated.whole", data.whole, f"{data.n} or more, the number of questions in the slice"


def _bounds(bounds: Bounds, data: DataUsed | None) -> Iterator[_Fault]:
    if data is not None and bounds.n != data.n:
        yield "bounds.n", bounds.n, f"{data.n}, the number of questions"
    if not 1 <= bounds.used <= bounds.n:
        yield "bounds.used", bounds.used, f"1 to {bounds.n}, the number of questions"
    if not 0.0 < bounds.alpha < 1.0:
        yield "bounds.alpha", bounds.alpha, "a probability between 0 and 1"
    if bounds.low.keys() != bounds.high.keys():
        yield "bounds.high", sorted(bounds.high), f"a value for each of {sorted(bounds.low)}"
        return
    for key, low in bounds.low.items():
        if not 0.0 <= low <= bounds.high[key] <= 100.0:
            yield f"bounds.low.{key}", low, f"0 to the high one, {bounds.high[key]}, and that at most 100 points"


def _scores(run: Run, data: DataUsed | None) -> Iterator[_Fault]:
    """Figures are points; counts of questions add up to those that were asked, and are those of the data if all were.

    Rules 1.1 give no counts.
    """
    yield from _points("scores", run.scores)
    totals = {key: run.scores[key] for key in ("total", "HasAns_total", "NoAns_total") if key in run.scores}
    if data is None or not totals:
        return
    partial = run.bounds is not None and run.bounds.partial
    asked = run.bounds.used if run.bounds is not None else data.n
    if "total" not in totals:
        yield "scores.total", None, f"{asked}, the number of questions, beside counts of some of them"
        return
    wanted: dict[str, int] = {"total": asked}
    if not partial:
        wanted |= {"HasAns_total": data.has_ans, "NoAns_total": data.n - data.has_ans}
    for key, total in totals.items():
        if key in wanted and total != wanted[key]:
            yield f"scores.{key}", total, f"{wanted[key]}, the number of such questions that were asked"
    parts = sum(total for key, total in totals.items() if key != "total")
    if len(totals) == 3 and parts != totals["total"]:
        yield "scores.total", totals["total"], f"{parts:g}, as many as with and without an answer together"


def _by_kind(run: Run) -> Iterator[_Fault]:
    for kind, figures in run.by_kind.items():
        lacking = [key for key in _OF_A_KIND if key not in figures]
        if lacking:
            yield f"by_kind.{kind:.40}", sorted(figures), f"also {', '.join(lacking)}"
        yield from _points(f"by_kind.{kind:.40}", figures)


def _points(field: str, figures: Mapping[str, float]) -> Iterator[_Fault]:
    """Everything but counts and thresholds, which are logit differences, is in points."""
    for key, value in figures.items():
        if key.endswith("total"):
            if value < 0.0 or not value.is_integer():
                yield f"{field}.{key}", value, "a number of questions"
        elif not key.endswith("thresh") and not 0.0 <= value <= 100.0:
            yield f"{field}.{key}", value, "0 to 100 points"
