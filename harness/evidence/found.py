"""The recorded runs that are evidence for a card."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.data import load_data
from harness.errors import NoEvidenceError, RecordError
from harness.evidence.choosing import BY_STRENGTH, FEW, GIVEN, Kind, choose_group
from harness.evidence.index import CardIndex, index_card
from harness.evidence.names import find_own_runs, same_name
from harness.evidence.opened import Opened
from harness.evidence.weights import find_evaluations, newest_first, same_weights, weights_of
from harness.per_question import check_intact
from harness.record_checks import instant
from harness.records import Claim, Decoding, Run
from harness.store import read_json
from harness.verdict.recipes import same_but_seeds, same_recipe, seeds_of

Recorded = tuple[tuple[Path, Run], ...]
"""Runs with the paths of their records: one, or several seeds."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is on record for a card."""

    opened: Opened
    index: CardIndex
    groups: tuple[Recorded, ...]
    """Each is one run, or several seeds on one data set; the strongest kind first, of a kind the newest, of
    weights those by the card's name; at least one."""
    _intact: set[Path] = field(default_factory=set, repr=False, compare=False)
    """Records that were held against their scores: once is enough, whatever the number of claims."""
    trained: frozenset[str] = frozenset()
    """Checksums of weights that runs of the recipe trained, and nobody evaluated by the card's name."""

    def of(self, claim: Claim) -> Recorded:
        """What a claim is held against.

        See `choose_group`: of those that measured what it is about the most telling, else the first group.

        Raises:
            RecordError: a record of them was changed since it was scored.
        """
        runs = [[run for _, run in group] for group in self.groups]
        chosen = self.groups[choose_group(self.opened, claim, runs, self.index)]
        for path, run in chosen:
            if path not in self._intact:
                check_intact(path, run)
                self._intact.add(path)
        return chosen

    def again(self, runs: Recorded) -> bool:
        """Whether runs that a claim is held against evaluated such weights: `judge_one` is to be told."""
        return any(weights_of(run) in self.trained for _, run in runs)

    def used(self, claims: Sequence[Claim]) -> Recorded:
        """The runs that claims are held against, each once; raises as `of` does."""
        paths = {path: run for claim in claims for path, run in self.of(claim)}
        return tuple(paths.items())

    def together(self, run: Run, shown: Collection[str]) -> tuple[Run, ...]:
        """The runs that a card shows first where it shows a run: it with its seeds, or the one that it stands beside.

        Args:
            run: One of the evidence.
            shown: Ids of the runs that the card's section shows first.
        """
        groups = [tuple(one for _, one in group) for group in self.groups]
        first = [group for group in groups if shown and not {one.id for one in group}.isdisjoint(shown)]
        above = next((group for group in first if run.id in {one.id for one in self.beside(group)}), None)
        return above or next((group for group in groups if run.id in {one.id for one in group}), (run,))

    def beside(self, runs: Sequence[Run]) -> tuple[Run, ...]:
        """The evaluations of the weights of the first of some runs, which a card shows beside them, newest first."""
        ids = {run.id for run in runs}
        single = (group[0][1] for group in self.groups if len(group) == 1)
        return tuple(
            run for run in single if run.kind == "released" and run.id not in ids and same_weights(run, runs[0])
        )


def gather_evidence(opened: Opened, runs: Path, kind: Kind | None = None) -> Evidence:
    """The evidence for a card, from its own ``runs`` folder and from `runs`.

    Of the card's recipe: the newest finished run, or, where three seeds or more were run on the same data, the newest
    of each seed, the card's own seeds first. Of the card's weights or stored predictions: every run; the weights that
    these runs trained or evaluated are the card's, under whatever name they were evaluated again.

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
    trained = _retrained(opened, every)
    released = _released(trained, every, folders)
    groups: list[Recorded] = []
    for wanted in BY_STRENGTH if kind is None else (kind,):
        if wanted == "retrained":
            groups += trained
        else:
            given = released if wanted == "released" else every
            groups += [((path, run),) for path, run in given if run.kind == wanted]
    if groups:
        named = {weights_of(run) for _, run in every if run.kind == "released"}
        made = {weights_of(run) for group in trained for _, run in group} - named
        return Evidence(opened, index_card(opened), tuple(groups), trained=frozenset(w for w in made if w is not None))
    changed = [run for _, run in every if _trained(opened, run)]
    if changed and kind in (None, "retrained"):
        raise NoEvidenceError(f"{opened.path}: {_changed(opened, changed[0])}. {_repeat(opened)}", stale=True)
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
    return run.kind not in GIVEN and own


def _retrained(opened: Opened, every: Recorded) -> list[Recorded]:
    """For each data set that was evaluated the newest run with the card's own seeds, or all seeds where they do."""
    by_data: dict[tuple[str | None, Decoding], dict[tuple[int, ...], tuple[Path, Run]]] = {}
    for path, run in every:
        if _trained(opened, run) and same_but_seeds(run.recipe, opened.recipe) and on_present_data(run):
            data = None if run.evaluated is None else run.evaluated.sha256
            seeds = by_data.setdefault((data, run.recipe.decoding), {})  # answers may have been forced in some alone
            seeds.setdefault(seeds_of(run.recipe), (path, run))
    groups: list[Recorded] = []
    for found in by_data.values():
        members = sorted(found.values(), key=lambda member: not same_recipe(member[1].recipe, opened.recipe))
        own = [member for member in members if same_recipe(member[1].recipe, opened.recipe)]
        groups += [tuple(members)] if len(members) >= FEW else [tuple(own)] if own else []
    return groups


def _released(trained: Sequence[Recorded], every: Recorded, folders: Sequence[Path]) -> Recorded:
    """Evaluations of weights that go by the card's name, before those of the same weights under any other.

    Under another name they may have had another tokenizer or configuration.
    """
    own = [member for member in every if member[1].kind == "released"]
    named = {run.id for _, run in own}
    about = [*(group[0][1] for group in trained), *(run for _, run in own)]
    others = [one for one in find_evaluations(about, folders) if one[1].id not in named and on_present_data(one[1])]
    return (*own, *others)


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
    return newest_first(found.values())


def _changed(opened: Opened, run: Run) -> str:
    if same_recipe(opened.recipe, run.recipe):
        return f"the embedded data set has changed since the recorded run {run.id}"
    if same_but_seeds(opened.recipe, run.recipe):
        return f"no recorded run has the card's own seeds, and fewer than {FEW} others are on record, such as {run.id}"
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
