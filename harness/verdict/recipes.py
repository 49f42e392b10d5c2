"""Whether two recipes ask for the same."""

from __future__ import annotations

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


def _bare(recipe: Recipe) -> Recipe:
    """Values alone; whether answers are forced is none of a card's, it follows from the data that are evaluated."""
    stages = tuple(replace(stage, origins={}, profile="") for stage in recipe.stages)
    decoding = replace(recipe.decoding, forced_answer=False)
    return replace(recipe, origins={}, reading=None, stages=stages, decoding=decoding)


def _without_seeds(recipe: Recipe) -> Recipe:
    bare = _bare(recipe)
    return replace(bare, stages=tuple(replace(stage, seed=0) for stage in bare.stages))
