"""Figures of several seeds, from verdicts that rest on them or from the runs of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.records import Claim, Recipe, Run, Seeds
from harness.report.names import name_claim
from harness.verdict import HALF_WIDTH, pool_seeds
from harness.verdict.recipes import say_seeds, seeds_of

_KEYS = ("exact", "exact_match", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact")


@dataclass(frozen=True, slots=True)
class Pooled:
    """One figure of several seeds."""

    name: str
    seeds: Seeds
    labels: tuple[str, ...]
    """Which run each value is of, in the order of the values."""
    claim: Claim | None = None


def pool_figures(runs: Sequence[Run]) -> tuple[Pooled, ...]:
    """The figures that verdicts by several seeds rest on; else those of the runs that differ in their seeds alone.

    Empty where there are no two such runs.
    """
    return tuple(_of_comparisons(runs) or _of_runs(runs))


def _of_comparisons(runs: Sequence[Run]) -> list[Pooled]:
    """What verdicts by several seeds rest on; a claim that stands in the card twice is shown once."""
    found: dict[tuple[str, tuple[float, ...], float], Pooled] = {}
    for each in runs:
        for comparison in each.comparisons:
            seeds = comparison.seeds
            if seeds is not None and len(seeds.values) > 1:
                name, claim = name_claim(comparison.claim), comparison.claim
                labels = tuple(f"run {run}" for run in comparison.runs)
                labels = labels if len(labels) == len(seeds.values) else ()
                found.setdefault((name, seeds.values, claim.reported), Pooled(name, seeds, labels, claim))
    return list(found.values())


def _of_runs(runs: Sequence[Run]) -> list[Pooled]:
    """Figures of the runs that differ from the first one that has others in their seeds alone."""
    for first in runs:
        alike = [run for run in runs if _but_seeds(run) == _but_seeds(first) and _comparable(run, first)]
        same = list({seeds_of(run.recipe): run for run in reversed(alike)}.values())[::-1]  # of equal seeds the first
        if first.stages and len(same) > 1:
            break
    else:
        return []
    labels = tuple(say_seeds(run.recipe) for run in same)
    pooled = []
    for key in _KEYS:
        values = [run.scores[key] for run in same if key in run.scores]
        if len(values) == len(same):
            seeds = pool_seeds(values, HALF_WIDTH, _questions(first, key))
            pooled.append(Pooled(key, seeds, labels))
    return pooled


def _questions(run: Run, key: str) -> int:
    """Questions that a figure is a mean over."""
    prefix, _, rest = key.rpartition("_")
    whole = 0 if run.evaluated is None else run.evaluated.n
    return whole if rest == "match" or not prefix else round(run.scores.get(f"{prefix}_total", whole))


def _but_seeds(run: Run) -> Recipe:
    stages = tuple(replace(stage, seed=0, origins={}) for stage in run.recipe.stages)
    return replace(run.recipe, stages=stages, origins={}, gaps=())


def _comparable(run: Run, first: Run) -> bool:
    one, other = run.evaluated, first.evaluated
    whole = not any(each.bounds is not None and each.bounds.partial for each in (run, first))
    return one is not None and other is not None and one.sha256 == other.sha256 and run.kind == first.kind and whole
