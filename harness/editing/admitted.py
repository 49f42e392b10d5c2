"""Which recorded runs a card may show, and which of those on record it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.editing.marks import Section
from harness.errors import NoEvidenceError, RecordError
from harness.evidence import (
    Opened,
    find_evaluations,
    find_own_runs,
    gather_evidence,
    on_present_data,
    same_but_seeds,
    same_recipe,
    same_weights,
    speaks_for,
)
from harness.evidence.found import Evidence, Recorded
from harness.names import canonical_data
from harness.per_question import check_intact
from harness.record_checks import instant
from harness.records import Card, Run, seal
from harness.sources import is_published


def admit(opened: Opened, runs: Sequence[Run], others: Sequence[Run] = ()) -> None:
    """Refuse a run that a card cannot show as its evidence.

    Args:
        opened: The card.
        runs: One run, or several seeds of its recipe.
        others: Evaluations of the weights of the first.

    Raises:
        RecordError: there is none; one of the others is of other weights; or one that is not finished, has no seal or
            no scores, was changed since it was sealed, is of another model or, where it trained, of another recipe than
            the card states, or rests on embedded data of another version or on others than the published ones, as far
            as these are known.
    """
    path = opened.path
    if not runs:
        raise RecordError(f"{path}: found no run, expected one to show; run harness reproduce {path}", path=str(path))
    for run in runs:
        found = _obstacle(opened, run)
        if found is not None:
            raise RecordError(f"{path}: run {run.id:.200}: {found}", path=str(path))
    for other in others:
        found = _obstacle(opened, other, runs[:1])
        if found is None and not (other.kind == "released" and same_weights(other, runs[0])):
            found = f"found no evaluation of the weights of run {runs[0].id:.200}, expected one; leave it out"
        if found is not None:
            raise RecordError(f"{path}: run {other.id:.200}: {found}", path=str(path))


def broken_front_matter(card: Card) -> str | None:
    """What is broken in a card's front matter, as a sentence with its line; None where it can be read."""
    problem = next((problem for problem in card.problems if problem.code == "front-matter-broken"), None)
    if problem is None:
        return None
    where = "" if problem.line is None else f", line {problem.line}"
    return f"the front matter is broken{where}: {problem.message.removeprefix('front matter: ')}."


def measured_by(opened: Opened, runs: Sequence[Run]) -> Run:
    """The run whose figures a card may state as its own: of several seeds the one with those that the card states.

    Raises:
        RecordError: there is none, or it stopped before all questions were asked.
    """
    own = [run for run in runs if not _trained(run) or same_recipe(opened.recipe, run.recipe)]
    where = f"{opened.path}: --measured"
    if not own:
        raise RecordError(
            f"{where}: found no run with the seeds that the card states ({runs[0].id:.200} has others), expected one, "
            "as its figures are to be the card's; run harness reproduce, or state that run's seeds in the card",
            path=str(opened.path),
        )
    run = own[0]
    if run.bounds is not None and run.bounds.partial:
        raise RecordError(
            f"{where}: run {run.id:.200} asked {run.bounds.used} of {run.bounds.n} questions, expected a run of all: "
            "what a part of them comes to is no figure of the data; evaluate all, or write the section alone with "
            "--reported",
            path=str(opened.path),
        )
    return run


def _trained(run: Run) -> bool:
    return run.kind in ("retrained", "distilled")


def _obstacle(opened: Opened, run: Run, beside: Sequence[Run] = ()) -> str | None:
    if run.status != "finished":
        return f"found a record that is {run.status}, expected a finished one; start the same command again"
    if run.sha256 is None:
        return (
            "found a record without a seal, as earlier versions wrote, so that nobody can tell whether it was changed; "
            "run it again with --fresh"
        )
    if run.evaluated is None or not run.scores:
        return "found no scores, expected a run that evaluated something; state eval_data in the card, and run it again"
    if not speaks_for(opened, run, beside):
        found = f"found a record of {run.card_name!r:.200}, the card is of {opened.card.name!r:.200}"
        broken = broken_front_matter(opened.card)
        return f"{found}; give a run of it" if broken is None else f"{broken} As it is, {found}"
    if not on_present_data(run):
        return "the embedded data set has changed since; run it again"
    data = run.evaluated
    if "/" not in data.source and is_published(data.ref, data.sha256) is False:  # the Hub's are known by their commit
        return f"its {data.ref} differs from the published file, as its checksum says; evaluate on that"
    if _trained(run) and not same_but_seeds(opened.recipe, run.recipe):
        return f"it followed another recipe than the card states now; run harness reproduce {opened.path}"
    if run.sha256 != seal(run):
        return "found a record that was changed after it was written; take it as it was, or run it again with --fresh"
    return None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The evidence that a card shows where none is named."""

    runs: tuple[Run, ...]
    """One run, or several seeds; none where there is nothing to show."""
    others: tuple[Run, ...] = ()
    """Evaluations of the weights of the first."""
    note: str | None = None
    """Why there is none, or that the card's section rests on another."""


def choose(opened: Opened, folder: Path, section: Section | None) -> Chosen:
    """The evidence on record that a card shows.

    That of the kind and data that its section shows already, if it has one; else that which most of its claims are held
    against. Of these the newest.

    Args:
        opened: The card.
        folder: Folder of runs, beside the card's own.
        section: The card's evidence section.

    Raises:
        NoEvidenceError: there is none, or none any more, and the card's section says that there was.
        RecordError: a record cannot be read, or was changed.
    """
    own = opened.path.parent / "runs"
    named = () if section is None else section.runs
    recorded = {run.id: run for _, run in find_own_runs(opened, (own, folder))}
    known = set(recorded)
    if section is not None and section.others:
        known |= {run.id for _, run in find_evaluations(tuple(recorded.values()), (own, folder))}
        named = (*named, *section.others)
    lost = next((name for name in named if name not in known), None)
    told = (
        None
        if lost is None
        else f"says it was written from run {lost:.200}, of which there is no record in {own} or {folder}"
    )
    try:
        evidence = gather_evidence(opened, folder)
    except NoEvidenceError as error:
        broken = broken_front_matter(opened.card)
        if not named:
            return Chosen((), note=str(error) if broken is None else f"{opened.path}: {broken} {error}")
        reason = str(error) if told is None else f"{opened.path}: {told}"
        raise NoEvidenceError(
            f"{reason}; run harness reproduce {opened.path}, or remove the section", stale=True
        ) from None
    first = () if section is None else section.runs
    shown = next((recorded[name] for name in first if name in recorded), None)
    group = _group(evidence, shown)
    for path, run in group:
        check_intact(path, run)
    runs = tuple(run for _, run in group)
    if shown is not None and not {run.id for run in runs} & set(first):
        newer = instant(runs[0].finished or "") > instant(shown.finished or "")
        what = "is newer than" if newer else "is shown in place of"
        told = (
            f"run {runs[0].id:.200} {what} run {shown.id:.200}, which the section shows; --run {shown.id:.200} keeps "
            "that"
        )
    return Chosen(runs, evidence.beside(runs), told)


def others_of(opened: Opened, run: Run, folder: Path) -> tuple[Run, ...]:
    """The evaluations on record of the weights of a run that a card shows, newest first.

    Raises:
        RecordError: a record that names the weights cannot be read, or was changed.
    """
    found = find_evaluations((run,), (opened.path.parent / "runs", folder))
    return tuple(one for _, one in found if one.id != run.id and on_present_data(one))


def _group(evidence: Evidence, shown: Run | None) -> Recorded:
    if shown is not None:
        alike = [group for group in evidence.groups if _what(group[0][1]) == _what(shown)]
        if alike:
            return alike[0]
    votes = Counter(evidence.of(claim)[0][1].id for claim in evidence.opened.card.claims)

    def shows(group: Recorded) -> tuple[int, int]:
        """How many claims are held against what the card would show with a group, and against the group itself."""
        own = votes[group[0][1].id]
        return own + sum(votes[run.id] for run in evidence.beside([run for _, run in group])), own

    return max(evidence.groups, key=shows)


def _what(run: Run) -> object:
    data = None if run.evaluated is None else canonical_data(run.evaluated.ref)
    partial = run.bounds is not None and run.bounds.partial
    return ("trained" if _trained(run) else run.kind), data, partial
