"""Runs for the tests of what is written from them: sealed, of any recipe, with any figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from documents import finished_run

from harness.records import DataRef, DataUsed, Recipe, Run, StageResult, seal


def sealed(run: Run, **changes: Any) -> Run:
    """The run with other values, and the checksum of that."""
    changed = replace(run, **{"sha256": None, **changes})
    return replace(changed, sha256=seal(changed))


def sealed_run(**changes: Any) -> Run:
    """The record in `data/runs/finished.json`, as if of a file of data, so that what is embedded may change."""
    run = finished_run()
    assert run.evaluated is not None
    given = {"evaluated": replace(run.evaluated, source="owl.json"), **changes}
    return sealed(run, **given)


def run_of(recipe: Recipe, **changes: Any) -> Run:
    """A finished run of a recipe."""
    run = finished_run()
    ref = recipe.evaluation or DataRef("pocket", "validation")
    stages = tuple(
        StageResult(stage.name, "0" * 64, "1" * 64, 10, 11, 12, 0.5, 1.5, _used(stage.data)) for stage in recipe.stages
    )
    kind = "retrained" if all(stage.kind == "finetune" for stage in recipe.stages) else "distilled"
    evaluated = DataUsed(ref, 400, 200, "2" * 64, "owl.json")
    given = {"recipe": recipe, "stages": stages, "kind": kind, "evaluated": evaluated, "comparisons": (), **changes}
    return sealed(run, **given)


def released_run(**changes: Any) -> Run:
    """A finished run of weights as they were given."""
    from harness.records import ModelUsed

    run = sealed_run()
    recipe = replace(run.recipe, stages=())
    model = ModelUsed("me/owl", "3" * 64, "main")
    return sealed(run, **{"kind": "released", "recipe": recipe, "stages": (), "model": model, **changes})


def _used(refs: tuple[DataRef, ...]) -> tuple[DataUsed, ...]:
    return tuple(DataUsed(ref, 10, 5, "4" * 64, "owl.json") for ref in refs)
