"""Whether two recipes ask for the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.records import Recipe


def same_recipe(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes ask for the same, wherever their values come from."""
    return _bare(one) == _bare(other)


def same_but_seeds(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes ask for the same, but for the seeds of their stages."""
    return _without_seeds(one) == _without_seeds(other)


def seeds_of(recipe: Recipe) -> tuple[int, ...]:
    """The seed of each stage."""
    return tuple(stage.seed for stage in recipe.stages)


def say_seeds(recipe: Recipe) -> str:
    """``seed 7`` where every stage has it, else ``seeds 7, 4`` in the order of the stages; empty without stages."""
    seeds = seeds_of(recipe)
    if len(set(seeds)) < 2:
        return f"seed {seeds[0]}" if seeds else ""
    return f"seeds {', '.join(map(str, seeds))}"


def count_seeds(recipes: Sequence[Recipe]) -> str:
    """``3 seeds``; where some stages have the same seed in all recipes, ``3 seeds of stage prediction alone``.

    What the other stages' seeds would add is then in no spread, and in none in full where some runs share a seed.
    """
    varied, told = _varied(recipes), f"{len(recipes)} seeds"
    if not varied or not share_a_seed(recipes):
        return told
    if len(varied) == len(recipes[0].stages):
        return f"{told}, some with a stage's seed in common"
    return f"{told} of stage{'s' if len(varied) > 1 else ''} {', '.join(name[:64] for name in varied)} alone"


def share_a_seed(recipes: Sequence[Recipe]) -> bool:
    """Whether a stage has the same seed in two of several recipes that differ in their seeds alone."""
    return any(len(set(own)) < len(own) for own in zip(*map(seeds_of, recipes), strict=True))


def _varied(recipes: Sequence[Recipe]) -> list[str]:
    """The stages whose seeds are not all the same."""
    seeds = zip(*map(seeds_of, recipes), strict=True)
    return [stage.name for stage, own in zip(recipes[0].stages, seeds, strict=True) if len(set(own)) > 1]


def _bare(recipe: Recipe) -> Recipe:
    """Values alone; whether answers are forced is none of a card's, it follows from the data that are evaluated."""
    stages = tuple(replace(stage, origins={}, profile="") for stage in recipe.stages)
    decoding = replace(recipe.decoding, forced_answer=False)
    return replace(recipe, origins={}, reading=None, stages=stages, decoding=decoding)


def _without_seeds(recipe: Recipe) -> Recipe:
    bare = _bare(recipe)
    return replace(bare, stages=tuple(replace(stage, seed=0) for stage in bare.stages))
