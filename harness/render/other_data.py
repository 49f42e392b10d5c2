"""Evaluations of a card's weights on other data: which records are such, and what the card shows of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import RecordError
from harness.evidence.found import on_present_data
from harness.evidence.weights import same_weights, weights_of
from harness.names import canonical_data, metric_mentions
from harness.records import DataRef, DataUsed, Question, Run, Scores
from harness.render.measured import Result, embedded_questions, find_intervals, results, rules_of, tell_intervals
from harness.render.metadata import needs_signs
from harness.results import check_sealed
from harness.verdict.recipes import same_but_seeds

_NAMED = re.compile(r"[\w./@:\[\]%+-]{1,200}", re.ASCII)
_SQUAD = ("xquad", "adversarial_qa")
"""Asked on paragraphs of SQuAD, in its words or translated: arXiv:1910.11856 and arXiv:2002.00293."""
_APART = "On other data, which no stage above was trained on"
_MAYBE = "On other data, whose texts a stage above may have been trained on"
_UNKNOWN = "On other data"


@dataclass(frozen=True, slots=True)
class OtherData:
    """An evaluation of the same weights on other data."""

    run: Run
    scores: Scores | None = None
    """Of every question, for intervals."""
    questions: Sequence[Question] | None = None
    """The questions, whose paragraphs are what intervals are drawn over."""


@dataclass(frozen=True, slots=True)
class OtherRow:
    """What one evaluation came to, over all questions of its data."""

    data: DataRef
    result: Result
    rules: str


@dataclass(frozen=True, slots=True)
class OtherPart:
    """Evaluations of which the same is known about the training."""

    title: str
    rows: tuple[OtherRow, ...]
    rules: tuple[str, ...]
    """``1.1``, ``2.0``, or both."""
    percent_signs: bool
    intervals: tuple[str, ...]
    """How the intervals were made, in words; none where there are none."""


def sort_runs(run: Run, others: Sequence[Run]) -> tuple[tuple[Run, ...], tuple[Run, ...]]:
    """Runs that go on the card of another one: those of its recipe with other seeds, and those of its weights.

    Raises:
        RecordError: one of them is neither, or is the run itself.
    """
    seeds: list[Run] = []
    evaluations: list[Run] = []
    for other in others:
        if other.id in {one.id for one in (run, *seeds, *evaluations)}:
            raise RecordError(f"{other.id:.200}: found the run twice, expected each once; leave it out")
        if other.kind == "released":
            _check_weights(run, other)
            evaluations.append(other)
        elif other.stages and run.stages and same_but_seeds(other.recipe, run.recipe):
            seeds.append(other)
        else:
            raise RecordError(
                f"{other.id:.200}: found a {other.kind} run of another recipe than that of {run.id:.200}, expected one "
                "that differs from it in its seeds alone, or an evaluation of its weights (harness evaluate); leave it "
                "out"
            )
    return tuple(seeds), tuple(evaluations)


def check_others(run: Run, others: Sequence[Run]) -> None:
    """Refuse evaluations that a card cannot show beside a run.

    Raises:
        RecordError: one is not finished, has no checksum or another than it had, is of other weights, of data that the
            card shows already or that a table cannot name, stopped early, or has no figures.
    """
    told: set[DataRef | str] = set() if run.evaluated is None else set(_marks(run.evaluated))
    for other in others:
        check_sealed(other)
        _check_weights(run, other)
        where, data = f"{other.id:.200}", other.evaluated
        if data is None or not results(other, {}):
            raise RecordError(f"{where}: found no figures of all questions of its data, expected them; leave it out")
        if not told.isdisjoint(_marks(data)):
            raise RecordError(f"{where}: found {data.ref}, of which the card has figures; leave it out")
        if not _NAMED.fullmatch(str(data.ref)) or metric_mentions(str(data.ref)):
            raise RecordError(f"{where}: found data named {str(data.ref)!r:.200}, which a table of figures cannot name")
        if not on_present_data(other):
            raise RecordError(f"{where}: found figures of embedded data that have changed since; evaluate again")
        told |= set(_marks(data))


def other_parts(run: Run, others: Sequence[OtherData]) -> tuple[OtherPart, ...]:
    """What a card shows of evaluations on other data, by what is known of the training; in the order given.

    Raises:
        RecordError: scores are not those of their run; and as `check_others` does.
        DataError: questions are others than the scores'.
    """
    check_others(run, [other.run for other in others])
    by_title: dict[str, list[OtherRow]] = {}
    for other in others:
        data = other.run.evaluated
        if data is not None:
            questions = embedded_questions(other.run) if other.questions is None else other.questions
            row = results(other.run, find_intervals(other.run, other.scores, questions))[0]
            by_title.setdefault(_title(run, data), []).append(OtherRow(data.ref, row, rules_of(other.run)))
    return tuple(
        OtherPart(
            title,
            tuple(rows),
            tuple(sorted({row.rules for row in rows})),
            needs_signs([figure for row in rows for figure in (row.result.exact, row.result.f1)]),
            tell_intervals([row.result for row in rows]),
        )
        for title in (_APART, _MAYBE, _UNKNOWN)
        if (rows := by_title.get(title))
    )


def _check_weights(run: Run, other: Run) -> None:
    where = f"{other.id:.200}"
    if other.kind != "released":
        raise RecordError(f"{where}: found a {other.kind} run, expected an evaluation of weights; leave it out")
    if weights_of(other) is None:
        raise RecordError(
            f"{where}: found no checksum over the weights alone, which earlier versions did not keep, expected it; "
            "evaluate again with --fresh"
        )
    if not same_weights(run, other):
        raise RecordError(
            f"{where}: found weights of SHA-256 {weights_of(other)!s:.12}, expected those of {run.id:.200}, "
            f"{weights_of(run)!s:.12}; evaluate the model in its folder, or leave it out"
        )


def _marks(data: DataUsed) -> tuple[DataRef | str, ...]:
    """What tells data apart: their name, and their questions."""
    return canonical_data(data.ref), data.sha256


def _title(run: Run, data: DataUsed) -> str:
    """What is known of the training: of a teacher or weights from elsewhere nobody knows on what they were trained."""
    if not run.stages:
        return _UNKNOWN
    made = {stage.name for stage in run.recipe.stages}
    if any(stage.teacher is not None and stage.teacher.name not in made for stage in run.recipe.stages):
        return _UNKNOWN
    used = [one for stage in run.stages for one in stage.data]
    return _MAYBE if any(one.sha256 == data.sha256 or _source(one.ref) == _source(data.ref) for one in used) else _APART


def _source(ref: DataRef) -> tuple[str, str | None]:
    """Data sets of one source share texts: what is made of SQuAD counts as SQuAD, other data by name and config."""
    data = canonical_data(ref)
    name = data.name.casefold()
    if name in _SQUAD or ("squad" in name and "squadshifts" not in name):
        return "squad", None
    return name, data.config
