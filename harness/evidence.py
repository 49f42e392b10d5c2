"""Which run is evidence for a card, and what the card's claims come to against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.assumptions import Assumptions, find_assumptions, read_assumptions
from harness.cards import read_card, require_metadata
from harness.data import load_data
from harness.errors import RecordError
from harness.recipes import plan_recipe
from harness.records import Card, Claim, Comparison, Recipe, Run, Tolerance, Verdict
from harness.store import find_runs, save_run
from harness.verdict import DEFAULTS, applies, judge_claim

_DECIDED = {Verdict.MATCHES, Verdict.WITHIN_TOLERANCE}


@dataclass(frozen=True, slots=True)
class Opened:
    """A card with what stands beside it."""

    path: Path
    """The card's file."""
    card: Card
    assumptions: Assumptions | None
    recipe: Recipe


def open_card(path: Path, *, seed: int | None = None, reading: str | None = None, profile: str | None = None) -> Opened:
    """Read a card and its assumptions, and plan its recipe.

    Args:
        path: The card's file, or a folder with a README.md.
        seed: Overrides the seed of every stage.
        reading: One of the readings of the assumptions, in place of the default one.
        profile: Overrides the profile of every stage.

    Raises:
        CardError, RecipeError: the card or its assumptions cannot be read, or make no recipe.
    """
    file = path / "README.md" if path.is_dir() else path
    card = read_card(file)
    require_metadata(card)
    beside = find_assumptions(file)
    assumptions = read_assumptions(beside) if beside else None
    chosen: dict[str, int | str | None] = {"seed": seed, "profile": profile}
    overrides = {name: value for name, value in chosen.items() if value is not None}
    return Opened(file, card, assumptions, plan_recipe(card, assumptions, overrides, reading))


def judge(opened: Opened, run: Run | None) -> tuple[Comparison, ...]:
    """Every claim of the card against the run, under the card's own tolerances where it has some."""
    return tuple(judge_one(opened, run, claim) for claim in opened.card.claims)


def judge_one(opened: Opened, run: Run | None, claim: Claim) -> Comparison:
    """One claim of the card against the run; a tolerance for its subset or data set goes before one for any."""
    if run is None:
        return judge_claim(claim, None)
    if same_recipe(opened.recipe, run.recipe):  # what was assumed is the card's matter, and may be stated by now
        run = replace(run, recipe=opened.recipe)
    # a card's tolerances are the spread of training again; weights as they are have none
    stated = () if opened.assumptions is None or run.kind == "released" else opened.assumptions.tolerances
    fitting = [t for t in stated if applies(t.metric, t.dataset, claim) and t.subset in (None, claim.subset)]
    if not fitting:
        return judge_claim(claim, run)
    t = max(fitting, key=lambda t: (t.subset is not None, t.dataset is not None))
    limit = max(t.points, DEFAULTS[run.kind].inconclusive)
    return judge_claim(claim, run, Tolerance(t.points, t.points, limit, t.reason))


def with_judgement(run: Run, comparisons: tuple[Comparison, ...]) -> Run:
    """The record with what the claims came to."""
    return replace(run, comparisons=comparisons)


def record_judgement(folder: Path, run: Run, comparisons: tuple[Comparison, ...]) -> Run:
    """`with_judgement`, written into the run's folder."""
    judged = with_judgement(run, comparisons)
    save_run(folder, judged)
    return judged


def newest_evidence(opened: Opened, runs: Path) -> tuple[Path, Run]:
    """The newest finished run of the card's recipe, from the card's own ``runs`` folder and from `runs`.

    Raises:
        RecordError: there is none, or only runs of a recipe that the card no longer states, or on embedded data of
            another version of this package.
    """
    every = find_runs(opened.card.name, [opened.path.parent / "runs", runs])
    found = [(path, run) for path, run in every if run.kind != "released"]
    for path, run in found:
        if same_recipe(run.recipe, opened.recipe) and _on_present_data(run):
            return path, run
    if found:
        raise RecordError(
            f"{opened.path}: the recipe or the embedded data set has changed since the recorded run {found[0][1].id}. "
            f"Run harness reproduce {opened.path}"
        )
    raise RecordError(f"{opened.path}: no recorded run. Run harness reproduce {opened.path}")


def _on_present_data(run: Run) -> bool:
    """Whether embedded data that a run evaluated are what this version of the package generates."""
    data = run.evaluated
    return data is None or data.source != "embedded" or load_data(data.ref, {})[1].sha256 == data.sha256


def same_recipe(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes ask for the same, wherever their values come from."""
    return _bare(one) == _bare(other)


def outcome(comparisons: Iterable[Comparison], *, strict: bool = False) -> tuple[int, str]:
    """Exit code and a sentence: 0 as claimed, 1 where a claim differs, or nothing was checked.

    Args:
        comparisons: What was judged.
        strict: Inconclusive and not comparable claims count as failures too.
    """
    verdicts = [c.verdict for c in comparisons]
    counted = ", ".join(f"{v.value} {n}" for v in Verdict if (n := verdicts.count(v)))
    unchecked = verdicts.count(None)
    summary = counted + (", " if counted and unchecked else "") + (f"unchecked {unchecked}" if unchecked else "")
    if Verdict.DIFFERS in verdicts:
        return 1, f"not as claimed: {summary}"
    if not any(v in _DECIDED or v is Verdict.INCONCLUSIVE for v in verdicts):
        return 1, f"nothing was checked: {summary or 'the card makes no claim'}"
    if strict and any(v not in _DECIDED for v in verdicts):
        return 1, f"not shown (strict): {summary}"
    return 0, f"as claimed: {summary}" if all(v in _DECIDED for v in verdicts) else f"nothing differs: {summary}"


def _bare(recipe: Recipe) -> Recipe:
    stages = tuple(replace(stage, origins={}, profile="") for stage in recipe.stages)
    return replace(recipe, origins={}, reading=None, stages=stages)
