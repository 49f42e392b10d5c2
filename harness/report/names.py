"""Names by which the runs and the claims of one report are told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.records import Claim, Run
from harness.verdict.recipes import say_seeds
from harness.visible import visible


def name_runs(runs: Sequence[Run]) -> tuple[str, ...]:
    """A name for each run, printable: its model's or its card's; of several, its number and in what they differ.

    The number is that of the order given, from 1. What tells them apart is the name, else the seeds, else the data;
    where nothing of these does, the number stands alone.
    """
    if len(runs) == 1:
        return (visible(_bare(runs[0])),)
    ways: tuple[Callable[[Run], str], ...] = (_bare, _seeds, _data)
    for way in ways:
        told = [way(run) for run in runs]
        if len(set(told)) == len(told):
            return tuple(visible(f"run {number}, {words}") for number, words in enumerate(told, 1))
    return tuple(f"run {number}" for number in range(1, len(runs) + 1))


def name_claim(claim: Claim) -> str:
    """A claim by its metric and its subset, and the data that it is about."""
    data = "" if claim.data is None else f" on {claim.data}"
    return f"{claim.metric}[{claim.subset}]{data}"


def _bare(run: Run) -> str:
    return run.card_name if run.model is None else run.model.name


def _seeds(run: Run) -> str:
    return say_seeds(run.recipe) if run.stages else ""


def _data(run: Run) -> str:
    return "" if run.evaluated is None else f"on {run.evaluated.ref}"
