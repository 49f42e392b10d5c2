"""The recorded runs that are evidence for a card."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.data import load_data
from harness.errors import NoEvidenceError, RecordError
from harness.evidence.opened import Opened
from harness.names import canonical_data
from harness.per_question import check_intact
from harness.records import Claim, DataRef, Run
from harness.store import find_runs, read_json
from harness.verdict import can_check
from harness.verdict.recipes import same_but_seeds, same_recipe, seeds_of

Kind = Literal["retrained", "released", "replay"]
"""Kinds of evidence; ``retrained`` is the card's recipe carried out, distillation included."""

Recorded = tuple[tuple[Path, Run], ...]
"""Runs with the paths of their records: one, or several seeds."""

_FEW = 3
"""From so many seeds on all of them are the evidence, not the newest run alone."""
_GIVEN = ("released", "replay")
_BY_STRENGTH: tuple[Kind, ...] = ("retrained", "released", "replay")


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is on record for a card, the strongest first."""

    groups: tuple[Recorded, ...]
    """Each is one run or several seeds on one data set; at least one."""

    def of(self, claim: Claim) -> Recorded:
        """What a claim is held against: the strongest that measured what it is about, else the strongest of all."""
        return next((group for group in self.groups if can_check(claim, group[0][1])), self.groups[0])

    def used(self, claims: Sequence[Claim]) -> Recorded:
        """The runs that claims are held against, each once."""
        paths = {path: run for claim in claims for path, run in self.of(claim)}
        return tuple(paths.items())


def gather_evidence(opened: Opened, runs: Path, kind: Kind | None = None) -> Evidence:
    """The evidence for a card, from its own ``runs`` folder and from `runs`.

    Of the card's recipe: the newest finished run, or, where three seeds or more were run, the newest of each seed, the
    card's own seeds first. Of the card's weights or stored predictions: the newest on each data set.

    Args:
        opened: The card.
        runs: Folder of runs.
        kind: The kind of evidence; None takes all, the recipe first, then the weights, then predictions.

    Raises:
        NoEvidenceError: there is none, or only runs of a recipe that the card no longer states, or on embedded data of
            another version of this package.
        RecordError: one folder holds two records of one run, or a record cannot be read or is not of the scores that
            stand beside it.
    """
    _check_folders(opened, runs)
    folders = list({folder.resolve(): folder for folder in (opened.path.parent / "runs", runs)}.values())
    groups: list[Recorded] = []
    for wanted in _BY_STRENGTH if kind is None else (kind,):
        groups += [_retrained(opened, folders)] if wanted == "retrained" else _given(opened, folders, wanted)
    found = tuple(group for group in groups if group)
    if found:
        for path, run in (member for group in found for member in group):
            check_intact(path, run)
        return Evidence(found)
    changed = _other_recipe(opened, folders) if kind in (None, "retrained") else None
    if changed is not None:
        raise NoEvidenceError(f"{opened.path}: {_changed(opened, changed)}. {_repeat(opened)}", stale=True)
    raise NoEvidenceError(f"{opened.path}: {_advice(opened, kind)}")


def find_evidence(opened: Opened, runs: Path, kind: Kind | None = None) -> Recorded:
    """The strongest evidence for a card; see `gather_evidence`."""
    return gather_evidence(opened, runs, kind).groups[0]


def newest_evidence(opened: Opened, runs: Path) -> tuple[Path, Run]:
    """The newest run of the card's recipe; raises as `gather_evidence` does."""
    return find_evidence(opened, runs, "retrained")[0]


def same_name(one: str, other: str) -> bool:
    """Whether two names may be of one model: an owner may be left out, not be another one; case does not matter."""
    names = one.casefold(), other.casefold()
    if all("/" in name for name in names):
        return names[0] == names[1]
    return names[0].rpartition("/")[2] == names[1].rpartition("/")[2]


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


def _retrained(opened: Opened, folders: Sequence[Path]) -> Recorded:
    every = [
        (path, run)
        for path, run in _recorded(opened.card.name, folders)
        if run.kind not in _GIVEN and same_but_seeds(run.recipe, opened.recipe) and on_present_data(run)
    ]
    own = [(path, run) for path, run in every if same_recipe(run.recipe, opened.recipe)]
    by_seed: dict[tuple[int, ...], tuple[Path, Run]] = {}
    for path, run in [*own, *every]:
        by_seed.setdefault(seeds_of(run.recipe), (path, run))
    pooled = tuple(by_seed.values())
    if pooled:
        data = pooled[0][1].evaluated
        pooled = tuple(e for e in pooled if e[1].evaluated and data and e[1].evaluated.sha256 == data.sha256)
    return pooled if len(pooled) >= _FEW else tuple(own[:1])


def _given(opened: Opened, folders: Sequence[Path], kind: Kind) -> Iterator[Recorded]:
    """The newest run of a kind on each data set; one that asked all questions goes before those that stopped early."""
    found = [(path, run) for path, run in _recorded(opened.card.name, folders, same_name) if run.kind == kind]
    whole = [member for member in found if member[1].bounds is None or not member[1].bounds.partial]
    by_data: dict[DataRef | None, tuple[Path, Run]] = {}
    for path, run in [*whole, *found]:
        data = None if run.evaluated is None else canonical_data(run.evaluated.ref)
        by_data.setdefault(data, (path, run))
    return ((member,) for member in by_data.values())


def _recorded(name: str, folders: Sequence[Path], same: Callable[[str, str], bool] = str.__eq__) -> Recorded:
    """`find_runs`; two records of one run may lie in two folders, one of them kept beside the card, but not in one."""
    for folder in folders:
        seen: dict[str, Path] = {}
        for path, run in find_runs(name, [folder], same):
            if run.id in seen:
                raise RecordError(
                    f"{path}: found a record of run {run.id}, which {seen[run.id]} is too, expected one of each run in "
                    "a folder; remove the one that is a copy",
                    path=str(path),
                )
            seen[run.id] = path
    return find_runs(name, folders, same)


def _other_recipe(opened: Opened, folders: Sequence[Path]) -> Run | None:
    return next((run for _, run in find_runs(opened.card.name, folders) if run.kind not in _GIVEN), None)


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
    return f"no recorded run. {_repeat(opened)}"
