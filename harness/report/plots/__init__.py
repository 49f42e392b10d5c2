"""The figures of a report: records in, inline SVG out, the same bytes every time.

Colours are classes (`templates/plots.css`); see `harness.report.plots.svg` for what an element may hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.records import Claim
from harness.report.data import Plot, ReportData, RunData
from harness.report.names import name_runs
from harness.report.plots.claims import draw_claims
from harness.report.plots.groups import MOST_RUNS, draw_groups
from harness.report.plots.odds import read_odds
from harness.report.plots.pairs import draw_flips, draw_pairs
from harness.report.plots.precision import draw_precision
from harness.report.plots.seeds import draw_seeds
from harness.report.plots.thresholds import draw_thresholds
from harness.report.plots.training import draw_training

_MOST_DATA = 4

__all__ = ["MOST_RUNS", "Drawn", "draw_all", "draw_plots"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The figures of a report, and why one that could be expected is missing."""

    plots: tuple[Plot, ...]
    notes: tuple[str, ...]


def draw_plots(data: ReportData) -> tuple[Plot, ...]:
    """Every figure that the data gives, in the order of reading; those without data are left out."""
    return draw_all(data).plots


def draw_all(data: ReportData) -> Drawn:
    """`draw_plots`, and notes on what could not be drawn."""
    runs, names = data.runs[:MOST_RUNS], name_runs([each.run for each in data.runs])
    plots: list[Plot | None] = []
    notes: list[str] = []
    if len(data.runs) > MOST_RUNS:
        notes.append(f"The first {MOST_RUNS} of {len(data.runs)} runs have figures of their own.")
    for number, (run, name) in enumerate(zip(runs, names, strict=False), 1):
        if all(_judged(run) != _judged(earlier) for earlier in runs[: number - 1]):  # seeds are judged together
            plots.append(draw_claims(f"plot-claims-{number}", name, run))
    plots.append(draw_seeds("plot-seeds", data))
    plots.append(draw_pairs("plot-pairs", names, data.pairs))
    for number, pair in enumerate(data.pairs[: MOST_RUNS - 1], 2):
        if pair is not None and number <= len(names):
            plots.append(draw_flips(f"plot-flips-{number}", names[0], names[number - 1], pair))
    for number, (chosen, called) in enumerate(_on_same_questions(data.runs, names), 1):
        if number <= _MOST_DATA:
            plots += draw_groups(f"plot-by-{number}", called, chosen)
        else:
            notes.append(
                f"Scores by group are drawn for the first {_MOST_DATA} data sets; {', '.join(called)} left out."
            )
    for number, (run, name) in enumerate(zip(runs, names, strict=False), 1):
        odds = read_odds(run)
        if isinstance(odds, str):
            notes.append(f"{name}: no curves over its null odds are drawn: {odds}")
        elif odds is not None:
            plots.append(draw_precision(f"plot-precision-{number}", name, odds))
            plots.append(draw_thresholds(f"plot-thresholds-{number}", name, run.run, odds))
        plots.append(draw_training(f"plot-training-{number}", name, run))
    return Drawn(tuple(plot for plot in plots if plot is not None), tuple(notes))


def _judged(run: RunData) -> list[tuple[Claim, float | None, str]]:
    return [(comparison.claim, comparison.reproduced, comparison.state) for comparison in run.run.comparisons]


def _on_same_questions(runs: Sequence[RunData], names: Sequence[str]) -> Iterator[tuple[list[RunData], list[str]]]:
    """The runs that have their questions and scores at hand, those on the same questions together."""
    together: dict[tuple[str, ...], tuple[list[RunData], list[str]]] = {}
    for run, name in zip(runs, names, strict=True):
        if run.questions and run.scores is not None and run.scores.exact and run.run.evaluated is not None:
            asked = (run.run.evaluated.sha256, *run.scores.exact)
            chosen, called = together.setdefault(asked, ([], []))
            chosen.append(run)
            called.append(name)
    yield from together.values()
