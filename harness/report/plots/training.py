"""Training loss of every stage, and its learning rate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.report.data import Plot, RunData
from harness.report.plots.lines import GUTTER, Plane, draw_line, draw_plane
from harness.report.plots.rows import LEFT, RIGHT, Key, draw_keys
from harness.report.plots.scales import Scale, stretch
from harness.report.plots.svg import Markup, figure, text
from harness.report.plots.words import sentences

_HEIGHT = 130.0
_MOST_STAGES = 12

Points = list[tuple[float, float]]


def draw_training(plot_id: str, name: str, data: RunData) -> Plot | None:
    """One panel for each stage of a run; None where no history is at hand."""
    histories = {stage: _points(history, "loss") for stage, history in data.histories.items()}
    stages = [stage for stage, points in histories.items() if points][:_MOST_STAGES]
    if not stages:
        return None
    rates = {stage: _rates(data.histories[stage]) for stage in stages}
    keys = [Key("loss", dash=("accent", None))]
    if any(rates.values()):
        keys.append(Key("learning rate, from 0 to its highest", dash=("muted", "4 3")))
    legend, y = draw_keys(keys, LEFT, 4.0)
    parts, words = [legend], []
    for stage in stages:
        drawn, y = _draw_panel(stage, histories[stage], rates[stage], y)
        parts += drawn
        words.append(_words(stage, histories[stage], rates[stage]))
    title = f"Training: {name}"
    caption = (
        "Loss as training recorded it, the mean over the steps since the point before; losses of stages of different "
        "kinds are not comparable"
    )
    left_out = sum(map(bool, histories.values())) - len(stages)
    if left_out:
        caption += f". The last {left_out} stages are left out"
    return Plot(plot_id, title, caption + ".", figure(plot_id, title, sentences(words), y, *parts))


def _draw_panel(stage: str, loss: Points, rate: Points, y: float) -> tuple[list[Markup], float]:
    across = stretch([x for x, _ in loss], GUTTER, RIGHT, about=5, zero=True)
    up = stretch([value for _, value in loss], y + 50.0 + _HEIGHT, y + 50.0, about=4, zero=True)
    parts = [
        text(LEFT, y + 16.0, stage, bold=True, room=RIGHT - LEFT),
        draw_plane(Plane(across, up, "step", "loss")),
    ]
    if rate:
        highest = Scale(0.0, max(value for _, value in rate), up.start, up.end)
        parts.append(draw_line(rate, across, highest, "muted", dash="4 3", width=1.5))
    parts.append(draw_line(loss, across, up, "accent"))
    return parts, up.start + 52.0


def _points(history: Sequence[Mapping[str, float]], key: str) -> Points:
    """Step and value of the entries that have both, finite, steps rising."""
    found = [(float(entry["step"]), float(entry[key])) for entry in history if "step" in entry and key in entry]
    return sorted((x, y) for x, y in found if math.isfinite(x) and math.isfinite(y))


def _rates(history: Sequence[Mapping[str, float]]) -> Points:
    """The learning rate, where it moves."""
    points = _points(history, "learning_rate")
    return points if len({value for _, value in points}) > 1 and all(value >= 0 for _, value in points) else []


def _words(stage: str, loss: Points, rate: Points) -> str:
    lowest = min(loss, key=lambda point: point[1])
    words = (
        f"stage {stage}: loss {loss[0][1]:.4g} at step {loss[0][0]:,.0f}, "
        f"{loss[-1][1]:.4g} at step {loss[-1][0]:,.0f}, lowest {lowest[1]:.4g} at step {lowest[0]:,.0f}"
    )
    return f"{words}, highest learning rate {max(value for _, value in rate):.4g}" if rate else words
