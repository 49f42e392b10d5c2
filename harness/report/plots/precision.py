"""Precision against recall as the threshold on the null odds rises."""

from __future__ import annotations

from harness.curves import precision_recall
from harness.report.data import Plot
from harness.report.plots.lines import GUTTER, Plane, draw_line, draw_plane
from harness.report.plots.marks import COLOURS, DASHES
from harness.report.plots.odds import Odds
from harness.report.plots.rows import LEFT, RIGHT, Key, draw_keys
from harness.report.plots.scales import Scale
from harness.report.plots.svg import figure
from harness.report.plots.words import counted, points, sentences

_NAMES = {"pr_exact": "exact match", "pr_f1": "F1", "pr_oracle": "oracle"}
_HEIGHT = 300.0


def draw_precision(plot_id: str, name: str, odds: Odds) -> Plot | None:
    """The three curves of the official script; None where no question has an answer."""
    curves = precision_recall(odds.scores, odds.answers, odds.null_odds)
    if not curves:
        return None
    keys, lines, words = [], [], []
    shown = {
        key: f"{_NAMES[key]}: average precision {points(curve.average_precision)}" for key, curve in curves.items()
    }
    for number, key in enumerate(curves):
        keys.append(Key(shown[key], dash=(COLOURS[number], DASHES[number])))
    legend, top = draw_keys(keys, LEFT, 4.0)
    across = Scale(0.0, 100.0, GUTTER, RIGHT)
    up = Scale(0.0, 100.0, top + 24.0 + _HEIGHT, top + 24.0)
    for number, (key, curve) in enumerate(curves.items()):
        line = [(100.0 * r, 100.0 * p) for r, p in zip(curve.recall, curve.precision, strict=True)]
        lines.append(draw_line(line, across, up, COLOURS[number], dash=DASHES[number]))
        words.append(f"{shown[key]}, at full recall {points(line[-1][0])} precision {points(line[-1][1])}")
    questions = counted(len(odds.null_odds), "question")
    title = f"Precision and recall: {name}"
    caption = (
        f"Questions in the order of their null odds, the surest answers first ({questions}): precision is what is won "
        "per question answered so far, recall what is won per question that has an answer. Average precision is the "
        "official script's sum. The oracle is a reader that is right wherever there is an answer."
    )
    plane = draw_plane(Plane(across, up, "recall, %", "precision, %"))
    svg = figure(plot_id, title, sentences([questions, *words]), up.start + 44.0, legend, plane, *lines)
    return Plot(plot_id, title, caption, svg)
