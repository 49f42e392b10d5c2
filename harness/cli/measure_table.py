"""What a recipe will cost, measured, scaled and printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.output import note, print_line, print_table, showing_progress
from harness.errors import MissingDependencyError
from harness.records import Recipe

if TYPE_CHECKING:
    from harness.measurements import Cost, StageCost

_UNITS = ("B", "kB", "MB", "GB", "TB")
_NONE = "-"


def measure_cost(recipe: Recipe, uses: Mapping[str, Path]) -> Cost:
    """Measure a few steps of every stage here, and scale them to the recipe.

    Raises:
        RecipeError, ModelError, DataError: what is given with ``--use`` is not used, or cannot be read.
        MissingDependencyError: what trains is not installed.
    """
    from harness.measurements import plan_measurements, recipe_cost

    plan = plan_measurements(recipe, uses)
    try:
        from harness.engine.measuring import describe_machine, measure_recipe
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"measuring needs the package {error.name}, which is not installed",
            command="pip install torch transformers accelerate datasets",
        ) from error
    with showing_progress() as progress:
        return recipe_cost(plan, measure_recipe(plan, progress), describe_machine())


def print_cost(cost: Cost) -> None:
    """Three tables, the totals, and where the numbers come from; what was not measured stands beneath, on stderr."""
    machine = cost.machine
    threads = f", {machine.threads} threads" if machine.device == "cpu" else ""
    on = f"{machine.device}{threads}, {shown_bytes(machine.memory)} of memory"
    print_table(_TIME, [*map(_time_row, cost.stages), _prediction_row(cost)], title=f"time on {on}")
    memory = [*map(_memory_row, cost.stages)]
    memory.append(("final prediction", _NONE, _NONE, _NONE, _NONE, _NONE, shown_bytes(cost.prediction_memory)))
    print_table(_MEMORY, memory, title="memory at most")
    print_table(_DISK, map(_disk_row, cost.stages), title="disk")
    _print_total(cost)
    for stage in cost.stages:
        print_line(f"{stage.name}: data: {stage.data}")
        for model in stage.models:
            print_line(f"{stage.name}: {model}")
    for name, problem in _problems(cost):
        note(f"{name}: {problem}")


def shown_bytes(size: int | None) -> str:
    """A size with three digits, such as ``1.42 GB``, a gigabyte being 10^9 bytes."""
    if size is None:
        return _NONE
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 or value >= 99.95 else f"{value:.3g} {_UNITS[unit]}"


def shown_seconds(seconds: float | None) -> str:
    """A duration in the unit that suits it, such as ``3.4 h``."""
    if seconds is None:
        return _NONE
    for name, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= (2 if name == "days" else 1) * size:
            return f"{seconds / size:.0f} {name}" if seconds >= 99.5 * size else f"{seconds / size:.2g} {name}"
    return f"{seconds:.2g} s"


_TIME = ("stage", "windows", "steps", "tokenize", "augment", "teacher's logits", "train", "all")
_MEMORY = (
    *("stage", "train, measured", "a window more", "micro-batch that fits", "train with it"),
    *("teacher's logits", "augment, predict"),
)
_DISK = ("stage", "model", "checkpoints", "windows", "augmented data", "teacher's logits")


def _time_row(stage: StageCost) -> Sequence[str]:
    parts = (stage.tokenizing_seconds, stage.augmenting_seconds, stage.teacher_seconds, stage.training_seconds)
    return (
        f"{stage.name}: {stage.kind}",
        f"each {stage.windows:,}" if stage.per_thousand else f"{stage.windows:,}",
        _NONE if stage.steps is None else f"{stage.steps:,}",
        *(_NONE if seconds == 0 else shown_seconds(seconds) for seconds in parts),
        shown_seconds(stage.seconds),
    )


def _prediction_row(cost: Cost) -> Sequence[str]:
    windows = _NONE if cost.prediction_windows is None else f"{cost.prediction_windows:,}"
    return ("final prediction", windows, *[_NONE] * 5, shown_seconds(cost.prediction_seconds))


def _memory_row(stage: StageCost) -> Sequence[str]:
    measured = stage.measured
    fits = _NONE if measured is None else "none" if stage.micro_batch is None else str(stage.micro_batch)
    return (
        stage.name,
        _NONE if measured is None else f"{shown_bytes(measured.peak)} ({measured.windows} windows)",
        shown_bytes(None if measured is None else measured.per_window),
        fits,
        shown_bytes(stage.training_memory),
        shown_bytes(stage.teacher_memory),
        shown_bytes(stage.masking_memory),
    )


def _disk_row(stage: StageCost) -> Sequence[str]:
    disk = stage.disk
    if disk is None:
        return (stage.name, *[_NONE] * 5)
    sizes = (disk.model, disk.checkpoints, disk.windows, disk.augmented, disk.logits)
    return (stage.name, *(shown_bytes(size or None) for size in sizes))


def _print_total(cost: Cost) -> None:
    total = cost.total
    print_line(
        f"total: {shown_seconds(total.seconds)}, memory up to {shown_bytes(total.memory)}, "
        f"disk up to {shown_bytes(total.disk)}"
    )
    if total.without:
        print_line(f"total time without {'; '.join(total.without)}")
    print_line(
        "measured: the model sizes, steps and number format of the recipe, with at most two windows at once and random "
        "weights. Estimated: everything else, in proportion"
    )


def _problems(cost: Cost) -> Sequence[tuple[str, str]]:
    found = [(stage.name, problem) for stage in cost.stages for problem in stage.problems]
    found += [
        (stage.name, f"no micro-batch fits into {shown_bytes(cost.machine.memory)} of memory")
        for stage in cost.stages
        if stage.measured is not None and stage.micro_batch is None
    ]
    return [*found, *(("final prediction", problem) for problem in cost.problems)]
