"""The recorded runs that are evidence for a card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from harness.data import load_data
from harness.errors import NoEvidenceError, RecordError
from harness.evidence.opened import Opened
from harness.records import Recipe, Run, Stage
from harness.store import find_runs

Kind = Literal["retrained", "released", "replay"]
"""Kinds of evidence; ``retrained`` is the card's recipe carried out, distillation included."""

_FEW = 3
"""From so many seeds on all of them are the evidence, not the newest run alone."""
_GIVEN = ("released", "replay")
_BY_STRENGTH: tuple[Kind, ...] = ("retrained", "released", "replay")


def find_evidence(opened: Opened, runs: Path, kind: Kind | None = None) -> tuple[tuple[Path, Run], ...]:
    """The evidence for a card, from its own ``runs`` folder and from `runs`.

    Of the card's recipe: the newest finished run, or, where three seeds or more were run, the newest of each seed, the
    card's own seeds first. Of the card's weights or stored predictions: the newest.

    Args:
        opened: The card.
        runs: Folder of runs.
        kind: The kind of evidence; None takes the first kind that there is: the recipe, the weights, predictions.

    Raises:
        NoEvidenceError: there is none, or only runs of a recipe that the card no longer states, or on embedded data of
            another version of this package.
        RecordError: one folder holds two records of one run.
    """
    folders = list({folder.resolve(): folder for folder in (opened.path.parent / "runs", runs)}.values())
    for wanted in _BY_STRENGTH if kind is None else (kind,):
        found = _retrained(opened, folders) if wanted == "retrained" else _given(opened, folders, wanted)
        if found:
            return found
    changed = _other_recipe(opened, folders) if kind in (None, "retrained") else None
    if changed is not None:
        raise NoEvidenceError(
            f"{opened.path}: the recipe or the embedded data set has changed since the recorded run {changed.id}. "
            f"Run harness reproduce {opened.path}",
            stale=True,
        )
    raise NoEvidenceError(f"{opened.path}: {_advice(opened, kind)}")


def newest_evidence(opened: Opened, runs: Path) -> tuple[Path, Run]:
    """The newest run of the card's recipe; raises as `find_evidence` does."""
    return find_evidence(opened, runs, "retrained")[0]


def same_recipe(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes ask for the same, wherever their values come from."""
    return _bare(one) == _bare(other)


def same_but_seeds(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes ask for the same, but for the seeds of their stages."""
    return _without_seeds(_bare(one)) == _without_seeds(_bare(other))


def same_name(one: str, other: str) -> bool:
    """Whether two names may be of one model: the owner may be left out, and case does not matter."""
    return one.rpartition("/")[2].casefold() == other.rpartition("/")[2].casefold()


def on_present_data(run: Run) -> bool:
    """Whether embedded data that a run evaluated are what this version of the package generates."""
    data = run.evaluated
    return data is None or data.source != "embedded" or load_data(data.ref, {})[1].sha256 == data.sha256


def _retrained(opened: Opened, folders: Sequence[Path]) -> tuple[tuple[Path, Run], ...]:
    every = [
        (path, run)
        for path, run in _recorded(opened.card.name, folders)
        if run.kind not in _GIVEN and same_but_seeds(run.recipe, opened.recipe) and on_present_data(run)
    ]
    own = [(path, run) for path, run in every if same_recipe(run.recipe, opened.recipe)]
    by_seed: dict[tuple[int, ...], tuple[Path, Run]] = {}
    for path, run in [*own, *every]:
        by_seed.setdefault(_seeds(run.recipe), (path, run))
    pooled = tuple(by_seed.values())
    if pooled:
        data = pooled[0][1].evaluated
        pooled = tuple(e for e in pooled if e[1].evaluated and data and e[1].evaluated.sha256 == data.sha256)
    return pooled if len(pooled) >= _FEW else tuple(own[:1])


def _given(opened: Opened, folders: Sequence[Path], kind: Kind) -> tuple[tuple[Path, Run], ...]:
    found = _recorded(opened.card.name, folders, same_name)
    of_kind = [(path, run) for path, run in found if run.kind == kind]
    # a run that asked all questions says more than a newer one that stopped early
    whole = [(path, run) for path, run in of_kind if run.bounds is None or not run.bounds.partial]
    return tuple((whole or of_kind)[:1])


def _recorded(
    name: str, folders: Sequence[Path], same: Callable[[str, str], bool] = str.__eq__
) -> tuple[tuple[Path, Run], ...]:
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


def _advice(opened: Opened, kind: Kind | None) -> str:
    if kind == "released":
        return f"no recorded run of its weights. Run harness evaluate MODEL DATA --card {opened.path}"
    if kind == "replay":
        return f"no stored predictions on record. Run harness compare {opened.path} PREDICTIONS --data DATA"
    return f"no recorded run. Run harness reproduce {opened.path}"


def _seeds(recipe: Recipe) -> tuple[int, ...]:
    return tuple(stage.seed for stage in recipe.stages)


def _bare(recipe: Recipe) -> Recipe:
    stages = tuple(replace(stage, origins={}, profile="") for stage in recipe.stages)
    return replace(recipe, origins={}, reading=None, stages=stages)


def _without_seeds(recipe: Recipe) -> Recipe:
    def cleared(stage: Stage) -> Stage:
        return replace(stage, seed=0)

    return replace(recipe, stages=tuple(map(cleared, recipe.stages)))
