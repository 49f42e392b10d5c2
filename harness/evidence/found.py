"""The recorded runs that are evidence for a card."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.data import load_data
from harness.errors import NoEvidenceError, RecordError
from harness.evidence.index import CardIndex, index_card
from harness.evidence.names import find_own_runs, same_name
from harness.evidence.opened import Opened
from harness.evidence.protocols import how_scored
from harness.per_question import check_intact
from harness.record_checks import instant
from harness.records import Claim, Run
from harness.store import read_json
from harness.verdict import can_check
from harness.verdict.recipes import same_but_seeds, same_recipe, seeds_of

Kind = Literal["retrained", "released", "replay"]
"""Kinds of evidence; ``retrained`` is the card's recipe carried out, distillation included."""

Recorded = tuple[tuple[Path, Run], ...]
"""Runs with the paths of their records: one, or several seeds."""

_FEW = 3
"""From so many seeds on all of them are the evidence, not the newest run alone."""
_GIVEN = ("released", "replay")
_AS_MEANT = ("known", "assumed")
_BY_STRENGTH: tuple[Kind, ...] = ("retrained", "released", "replay")


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is on record for a card."""

    opened: Opened
    index: CardIndex
    groups: tuple[Recorded, ...]
    """Each is one run, or several seeds on one data set; the strongest kind first, of a kind the newest; at least
    one."""
    _intact: set[Path] = field(default_factory=set, repr=False, compare=False)
    """Records that were held against their scores: once is enough, whatever the number of claims."""

    def of(self, claim: Claim) -> Recorded:
        """What a claim is held against.

        Of all that measured what it is about: runs of all questions before those that stopped early, then the
        strongest kind, then those that scored as the card does, then several seeds, then the most questions (a file may
        hold a part of the data), then the newest. Where none did, the first group.

        Raises:
            RecordError: a record of them was changed since it was scored.
        """
        fitting = [group for group in self.groups if can_check(claim, group[0][1])]
        chosen = min(fitting, key=lambda group: self._rank(claim, group)) if fitting else self.groups[0]
        for path, run in chosen:
            if path not in self._intact:
                check_intact(path, run)
                self._intact.add(path)
        return chosen

    def _rank(self, claim: Claim, group: Recorded) -> tuple[bool, int, bool, bool, int]:
        run = group[0][1]
        partial = run.bounds is not None and run.bounds.partial
        kind = _BY_STRENGTH.index(run.kind if run.kind in _GIVEN else "retrained")
        scored = run.kind != "released" or how_scored(self.opened, claim, run, self.index).protocol in _AS_MEANT
        questions = 0 if run.evaluated is None else run.evaluated.n
        return partial, kind, not scored, len(group) < _FEW, -questions

    def used(self, claims: Sequence[Claim]) -> Recorded:
        """The runs that claims are held against, each once; raises as `of` does."""
        paths = {path: run for claim in claims for path, run in self.of(claim)}
        return tuple(paths.items())


def gather_evidence(opened: Opened, runs: Path, kind: Kind | None = None) -> Evidence:
    """The evidence for a card, from its own ``runs`` folder and from `runs`.

    Of the card's recipe: the newest finished run, or, where three seeds or more were run on the same data, the newest
    of each seed, the card's own seeds first. Of the card's weights or stored predictions: every run.

    Args:
        opened: The card.
        runs: Folder of runs.
        kind: The kind of evidence; None takes all, the recipe first, then the weights, then predictions.

    Raises:
        NoEvidenceError: there is none, or only runs of a recipe that the card no longer states, or on embedded data of
            another version of this package.
        RecordError: one folder holds two records of one run, or a record of the card cannot be read.
    """
    _check_folders(opened, runs)
    folders = list({folder.resolve(): folder for folder in (opened.path.parent / "runs", runs)}.values())
    every = _recorded(opened, folders)
    groups: list[Recorded] = []
    for wanted in _BY_STRENGTH if kind is None else (kind,):
        if wanted == "retrained":
            groups += _retrained(opened, every)
        else:
            groups += [((path, run),) for path, run in every if run.kind == wanted]
    if groups:
        return Evidence(opened, index_card(opened), tuple(groups))
    trained = [run for _, run in every if _trained(opened, run)]
    if trained and kind in (None, "retrained"):
        raise NoEvidenceError(f"{opened.path}: {_changed(opened, trained[0])}. {_repeat(opened)}", stale=True)
    raise NoEvidenceError(f"{opened.path}: {_advice(opened, kind)}")


def find_evidence(opened: Opened, runs: Path, kind: Kind | None = None) -> Recorded:
    """The strongest evidence for a card; see `gather_evidence`."""
    group = gather_evidence(opened, runs, kind).groups[0]
    for path, run in group:
        check_intact(path, run)
    return group


def newest_evidence(opened: Opened, runs: Path) -> tuple[Path, Run]:
    """The newest run of the card's recipe; raises as `gather_evidence` does."""
    return find_evidence(opened, runs, "retrained")[0]


def on_present_data(run: Run) -> bool:
    """Whether embedded data that a run evaluated are what this version of the package generates."""
    data = run.evaluated
    return data is None or data.source != "embedded" or load_data(data.ref, {})[1].sha256 == data.sha256


def _check_folders(opened: Opened, runs: Path) -> None:
    """Refuse what would silently hide evidence: a folder that may not be read, or a broken file beside the card."""
    own = opened.path.parent / "runs"
    for folder in (own, runs):
        if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
            raise RecordError(f"{folder}: may not be read, expected a folder of runs; check its permissions")
    for file in sorted(own.glob("*.json")) if own.is_dir() else ():
        read_json(file)


def _trained(opened: Opened, run: Run) -> bool:
    own = run.card_name == opened.card.name or not same_name(run.card_name, opened.card.name)  # by its section
    return run.kind not in _GIVEN and own


def _retrained(opened: Opened, every: Recorded) -> list[Recorded]:
    """For each data set that was evaluated the newest run with the card's own seeds, or all seeds where they do."""
    by_data: dict[str | None, dict[tuple[int, ...], tuple[Path, Run]]] = {}
    for path, run in every:
        if _trained(opened, run) and same_but_seeds(run.recipe, opened.recipe) and on_present_data(run):
            seeds = by_data.setdefault(None if run.evaluated is None else run.evaluated.sha256, {})
            seeds.setdefault(seeds_of(run.recipe), (path, run))
    groups: list[Recorded] = []
    for found in by_data.values():
        members = sorted(found.values(), key=lambda member: not same_recipe(member[1].recipe, opened.recipe))
        own = [member for member in members if same_recipe(member[1].recipe, opened.recipe)]
        groups += [tuple(members)] if len(members) >= _FEW else [tuple(own)] if own else []
    return groups


def _recorded(opened: Opened, folders: Sequence[Path]) -> Recorded:
    """Finished runs, newest first; one that lies in two folders, kept beside the card, counts once, and not in one."""
    found: dict[str, tuple[Path, Run]] = {}
    for folder in folders:
        seen: dict[str, Path] = {}
        for path, run in find_own_runs(opened, [folder]):
            if run.id in seen:
                raise RecordError(
                    f"{path}: found a record of run {run.id}, which {seen[run.id]} is too, expected one of each run in "
                    "a folder; remove the one that is a copy",
                    path=str(path),
                )
            seen[run.id] = path
            known = found.get(run.id)
            if known is None or instant(run.finished or "") > instant(known[1].finished or ""):
                found[run.id] = (path, run)
    return tuple(sorted(found.values(), key=lambda m: (instant(m[1].finished or ""), str(m[0])), reverse=True))


def _changed(opened: Opened, run: Run) -> str:
    if same_recipe(opened.recipe, run.recipe):
        return f"the embedded data set has changed since the recorded run {run.id}"
    if same_but_seeds(opened.recipe, run.recipe):
        return f"no recorded run has the card's own seeds, and fewer than {_FEW} others are on record, such as {run.id}"
    return f"the recipe has changed since the recorded run {run.id}"


def _repeat(opened: Opened) -> str:
    return f"Run harness reproduce {opened.path}"


def _advice(opened: Opened, kind: Kind | None) -> str:
    if kind == "released":
        return f"no recorded run of its weights. Run harness evaluate MODEL DATA --card {opened.path}"
    if kind == "replay":
        return f"no stored predictions on record. Run harness compare {opened.path} PREDICTIONS --data DATA"
    if kind == "retrained":
        return f"no recorded run. {_repeat(opened)}"
    others = (
        f"harness evaluate MODEL DATA --card {opened.path} (the weights), or "
        f"harness compare {opened.path} PREDICTIONS --data DATA (stored predictions)"
    )
    return f"no recorded run. {_repeat(opened)} (the recipe), {others}"
