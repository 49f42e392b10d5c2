"""Weights as they were given: what else their figures could be, where the card does not say how it scored."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import RecordError
from harness.evidence import Opened, Options, judge, same_name
from harness.gap import lacks_logits, try_protocols
from harness.opened_data import OpenedData
from harness.per_question import read_scores
from harness.progress import Progress, silent
from harness.records import Claim, Comparison, Run, Scores, Verdict
from harness.store import RECORD, load_run
from harness.verdict import count_questions, figure, same_digits

_OPEN = (Verdict.INCONCLUSIVE, Verdict.DIFFERS)


@dataclass(frozen=True, slots=True)
class Explaining:
    """Other protocols for a run of a card's weights, tried where a claim of the card does not agree with it."""

    opened: Opened
    data: OpenedData
    runs: Path
    """Folder of runs."""
    options: Options

    def needed(self, run: Run) -> bool:
        """Whether a claim is open that another protocol may explain."""
        return any(
            c.verdict in _OPEN or (c.verdict is Verdict.NOT_COMPARABLE and c.protocol is not None)
            for c in judge(self.opened, run, self.options)
        )

    def lacks(self, run: Run) -> bool:
        """Whether that takes logits that were never looked at."""
        return self.needed(run) and (run.alternatives is None or run.untried is not None)

    def explain(self, folder: Path, run: Run, progress: Progress = silent) -> Run:
        """The record with what other protocols come to, where that is needed."""
        if not self.needed(run):
            return run
        return with_alternatives(folder, run, self.data, self.runs, progress=progress)


def with_alternatives(folder: Path, run: Run, data: OpenedData, runs: Path, *, progress: Progress = silent) -> Run:
    """The record with what other protocols come to, as far as the run's folder and other runs of the model allow.

    Args:
        folder: The run's folder, with its logits where they were kept.
        run: A finished run.
        data: What it evaluated.
        runs: Folder of runs; those of the same weights on the same data count as protocols too.
        progress: Told what is being done.

    Raises:
        RecordError: the data are not those that the run evaluated.
    """
    if run.evaluated is None or run.evaluated.sha256 != data.used.sha256:
        found = "nothing" if run.evaluated is None else f"{run.evaluated.ref} ({run.evaluated.n} questions)"
        raise RecordError(
            f"{folder}: the run evaluated {found}, found {data.used.ref} ({data.used.n} questions); give its data",
            path=str(folder),
        )
    others = tuple(_same_weights(run, runs))
    tried = try_protocols(folder, run, data.questions, others=others, progress=progress)
    untried = lacks_logits(folder, run)
    if untried is not None and run.alternatives is not None:  # what was tried while the logits were there still holds
        fresh = {item.name for item in tried}
        tried = (*(item for item in run.alternatives if item.name not in fresh), *tried)
        untried = run.untried
    return replace(run, alternatives=tried, untried=untried)


def _same_weights(run: Run, runs: Path) -> Iterator[tuple[Path, Run]]:
    """Other finished runs of the same model on the same data."""
    for path, other in _same_data(run, runs):
        if run.model is not None and other.model is not None and other.model.sha256 == run.model.sha256:
            yield path, other


def with_flips(run: Run, comparisons: Sequence[Comparison], folder: Path, runs: Path) -> tuple[Comparison, ...]:
    """The comparisons, with the questions that turned where weights scored as the card states differ from its claim.

    They are held against a run on record, of the same data, that gives the claimed figure; without one the reason says
    to how many questions the gap amounts.

    Args:
        run: A finished run of weights as they were given.
        comparisons: What the card's claims came to.
        folder: The run's folder.
        runs: Folder of runs.
    """
    if not any(_has_turned(comparison) for comparison in comparisons):
        return tuple(comparisons)
    own = _scores(folder, run)
    references = [
        (other, scores) for path, other in _same_data(run, runs) if (scores := _scores(path, other)) is not None
    ]
    return tuple(
        _flip(comparison, run, own, references) if _has_turned(comparison) else comparison for comparison in comparisons
    )


def _has_turned(comparison: Comparison) -> bool:
    return comparison.verdict is Verdict.DIFFERS and comparison.protocol == "known"


def _flip(comparison: Comparison, run: Run, own: Scores | None, references: Sequence[tuple[Run, Scores]]) -> Comparison:
    claim, scored = comparison.claim, figure(comparison.claim, run)
    # the figure may be that of other logits' decoding, of which there are no scores of single questions
    same = scored is not None and comparison.reproduced is not None and math.isclose(scored, comparison.reproduced)
    for other, scores in references if own is not None and same else ():
        if not _may_be_same_model(run, other):
            continue
        value = figure(claim, other)
        if value is None or not same_digits(value, claim) or own is None or own.exact.keys() != scores.exact.keys():
            continue
        mine, theirs = (own.exact, scores.exact) if claim.metric == "exact_match" else (own.f1, scores.f1)
        flipped = tuple(qid for qid in mine if mine[qid] != theirs[qid] and _in_subset(claim, own.has_ans[qid]))
        told = f"{len(flipped)} questions score otherwise than in run {other.id}, which gives the claimed figure"
        return replace(comparison, flipped=flipped, reason=f"{comparison.reason}; {told}")
    n, gap = count_questions(claim, run), abs(comparison.difference or 0.0)
    told = f"which is {gap * n / 100.0:.1f} of {n} questions; no run on record gives the claimed figure to name them"
    return replace(comparison, reason=f"{comparison.reason}; {told}")


def _may_be_same_model(run: Run, other: Run) -> bool:
    if run.model is not None and other.model is not None:
        return run.model.sha256 == other.model.sha256
    return same_name(run.card_name, other.card_name)


def _in_subset(claim: Claim, has_ans: bool) -> bool:
    return claim.subset not in ("has_ans", "no_ans") or has_ans is (claim.subset == "has_ans")


def _scores(folder: Path, run: Run) -> Scores | None:
    """Scores of every question as a run's folder has them; None where it has none, or others than the record's."""
    try:
        return read_scores(folder, run)
    except RecordError:
        return None


def _same_data(run: Run, runs: Path) -> Iterator[tuple[Path, Run]]:
    """Other finished runs on the same questions, all of them asked."""
    if run.evaluated is None or not runs.is_dir():
        return
    for file in sorted(runs.glob(f"*/{RECORD}")):
        try:
            other = load_run(file)
        except RecordError:
            continue
        if (
            other.id != run.id
            and other.status == "finished"
            and not (other.bounds is not None and other.bounds.partial)
            and other.evaluated is not None
            and other.evaluated.sha256 == run.evaluated.sha256
        ):
            yield file.parent, other
