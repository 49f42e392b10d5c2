"""Exact match and F1 by the threshold on the null odds, with the chosen and the best one."""

from __future__ import annotations

import math
from bisect import bisect_right

from harness.records import Run
from harness.report.data import Plot
from harness.report.plots.lines import GUTTER, Plane, draw_line, draw_plane
from harness.report.plots.marks import COLOURS, DASHES, mark
from harness.report.plots.odds import Odds
from harness.report.plots.rows import LEFT, RIGHT, Dot, Key, draw_keys
from harness.report.plots.scales import stretch
from harness.report.plots.svg import figure, group, line, text, text_width
from harness.report.plots.words import counted, points, sentences

Curve = tuple[tuple[float, float], ...]
_HEIGHT = 260.0
_NAMES = {"exact": "exact match", "f1": "F1"}


def trace_thresholds(odds: Odds) -> dict[str, Curve]:
    """Threshold -> figure in points, for exact match and F1: what `apply_threshold` and `summarize` give.

    A figure holds from its threshold to the next; the first, at minus infinity, answers nothing.
    """
    scores, answers = odds.scores, odds.answers
    order = sorted(
        (qid for qid in odds.null_odds if qid in scores.exact and qid in answers), key=odds.null_odds.__getitem__
    )
    n = len(scores.exact)
    curves: dict[str, Curve] = {}
    for key, values in (("exact", scores.exact), ("f1", scores.f1)):
        current = float(sum(1 for qid in order if not scores.has_ans[qid]))
        found = [(-math.inf, 100.0 * current / n)]
        for number, qid in enumerate(order, 1):
            current += values[qid] - (not scores.has_ans[qid])
            threshold = odds.null_odds[qid]
            if number == len(order) or odds.null_odds[order[number]] != threshold:
                found.append((threshold, 100.0 * current / n))
        curves[key] = tuple(found)
    return curves


def figure_at(curve: Curve, threshold: float) -> float:
    """The figure that a curve has at a threshold."""
    return curve[bisect_right(curve, (threshold, math.inf)) - 1][1]


def draw_thresholds(plot_id: str, name: str, run: Run, odds: Odds) -> Plot:
    """The figure of one run."""
    curves = trace_thresholds(odds)
    # another program's threshold is not known
    chosen = None if run.kind == "replay" else run.recipe.decoding.null_threshold
    best = {key: (odds.best[f"best_{key}_thresh"], odds.best[f"best_{key}"]) for key in curves}
    legend, top = draw_keys(_keys(chosen), LEFT, 4.0)
    reached = [threshold for curve in curves.values() for threshold, _ in curve[1:]]
    reached += [threshold for threshold, _ in best.values()]
    room = max(max(reached) - min(reached), 1.0)
    if chosen is not None and min(reached) - room <= chosen <= max(reached) + room:
        reached.append(chosen)
    across = stretch(reached, GUTTER, RIGHT, about=6)
    figures = [value for curve in curves.values() for _, value in curve] + [value for _, value in best.values()]
    up = stretch(figures, top + 40.0 + _HEIGHT, top + 40.0)
    lines, words, doubtful = [], [], []
    for number, (key, curve) in enumerate(curves.items()):
        drawn = [(across.low, curve[0][1]), *curve[1:], (across.high, curve[-1][1])]
        lines.append(draw_line(drawn, across, up, COLOURS[number], dash=DASHES[number], steps=True))
        at, value = best[key]
        title = f"best {_NAMES[key]} {points(value)} at {at:.4f}"
        lines.append(mark("diamond", across.at(at), up.at(value), COLOURS[number], title=title))
        words.append(title)
        if not math.isclose(figure_at(curve, at), value, abs_tol=1e-9):
            doubtful.append(_NAMES[key])
        if chosen is not None:
            words.append(f"{_NAMES[key]} {points(figure_at(curve, chosen))} at the chosen {chosen:g}")
    if chosen is not None:
        shown = f"chosen {chosen:g}" if across.holds(chosen) else f"chosen {chosen:g}, beyond this axis"
        x, half = across.inside(chosen), text_width(shown, 13.0) / 2
        lines.append(line(x, up.start, x, up.end - 4.0, "ink", 1.5, "4 3"))
        centred = min(max(x, GUTTER + half), RIGHT - half)
        lines.append(text(centred, up.end - 9.0, shown, size=13.0, anchor="middle"))
    title = f"Threshold on the null odds: {name}"
    plane = draw_plane(Plane(across, up, "threshold on the null odds", ""))
    points_axis = text(2.0, up.end - 24.0, "points", class_="muted", size=13.0)
    n = counted(len(odds.scores.exact), "question")
    svg = figure(plot_id, title, sentences([n, *words]), up.start + 44.0, legend, group(points_axis), plane, *lines)
    return Plot(plot_id, title, _caption(n, chosen, doubtful), svg)


def _keys(chosen: float | None) -> list[Key]:
    keys = [Key(_NAMES[key], dash=(COLOURS[number], DASHES[number])) for number, key in enumerate(_NAMES)]
    keys.append(Key("best, by the official rules", Dot(0.0, "diamond", "ink")))
    if chosen is not None:
        keys.append(Key("chosen", dash=("ink", "4 3")))
    return keys


def _caption(n: str, chosen: float | None, doubtful: list[str]) -> str:
    text = (
        f'What the figures of {n} would be if every answer whose null odds exceed the threshold were "". Answers are '
        'the run\'s: what is already "" stays so, wherever the threshold is'
    )
    if chosen is None:
        text += ". Another program made these predictions; its threshold is not known"
    if doubtful:
        text += (
            f". The official rules' best {' and '.join(doubtful)} is reached between equal null odds, or by answering "
            "nothing, and so lies beside the curve"
        )
    return text + "."
