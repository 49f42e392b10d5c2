"""Several seeds: each one's figure, their mean, and where one more would come out."""

from __future__ import annotations

from harness.report.data import Plot, ReportData
from harness.report.plots.rows import LEFT, RIGHT, Axis, Dot, Key, Mark, Row, Strip, Whisker, draw_rows
from harness.report.plots.scales import stretch
from harness.report.plots.words import between, change, counted, points, reported, sentences
from harness.report.pooled import Pooled, pool_figures
from harness.verdict.seeds import FEW

_MOST_ROWS = 20
_CLIP = 4.0
"""A claim further away than so many times what the seeds take is an arrow at the edge."""


def draw_seeds(plot_id: str, data: ReportData) -> Plot | None:
    """The figure; None where there is no figure of two seeds or more."""
    pooled = pool_figures([each.run for each in data.runs])
    if not pooled:
        return None
    shown = pooled[:_MOST_ROWS]
    reach = max(max(map(abs, _offsets(each))) for each in shown)
    claimed = [abs(each.claim.reported - each.seeds.mean) for each in shown if each.claim is not None]
    limit = max(reach, min(max(claimed, default=0.0), _CLIP * reach if reach > 0 else 1.0))
    axis = Axis(stretch((-limit, limit), LEFT, RIGHT, about=6), "points from the mean of the seeds", True, True)
    title = "Seeds: how far one recipe's figures spread"
    keys = [Key("a seed", Dot(0.0, "circle", "accent")), Key("mean", Dot(0.0, "diamond", "ink"))]
    few = [each for each in shown if len(each.seeds.values) < FEW]
    if len(few) < len(shown):
        keys.append(Key("95 % prediction interval", Whisker(0.0, 1.0, "accent-2")))
    if claimed:
        keys.append(Key("reported", Dot(0.0, "circle", "ink", ring=True)))
    caption = (
        "Each mark is one run's figure, as points from the mean of its row. In the interval, by Student's t, one more "
        "seed of the same recipe falls with 95 %"
    )
    if few:
        caption += f"; of fewer than {FEW} seeds it says next to nothing and is not drawn"
    if len(pooled) > len(shown):
        caption += f". The first {len(shown)} of {len(pooled)} figures are drawn"
    svg = draw_rows(plot_id, title, sentences(map(_words, shown)), axis, [_row(each) for each in shown], keys)
    return Plot(plot_id, title, caption + ".", svg)


def _offsets(each: Pooled) -> list[float]:
    offsets = [value - each.seeds.mean for value in each.seeds.values]
    return [*offsets, each.seeds.half_95] if len(each.seeds.values) >= FEW else offsets


def _row(each: Pooled) -> Row:
    seeds, marks = each.seeds, list[Mark]()
    if len(seeds.values) >= FEW:
        marks.append(Whisker(-seeds.half_95, seeds.half_95, "accent-2"))
    if each.claim is not None:
        off = each.claim.reported - seeds.mean
        marks.append(Dot(off, "circle", "ink", ring=True, title=f"reported {reported(each.claim)}"))
    for number, value in enumerate(seeds.values):
        label = each.labels[number] if each.labels else f"seed number {number + 1}"
        marks.append(Dot(value - seeds.mean, "circle", "accent", title=f"{label}: {points(value)}"))
    marks.append(Dot(0.0, "diamond", "ink", title=f"mean {points(seeds.mean)}"))
    detail = f"deviation {seeds.deviation:.3f}"
    if len(seeds.values) >= FEW:
        detail += f", one more within {between(seeds.mean - seeds.half_95, seeds.mean + seeds.half_95)}"
    end = f"mean {points(seeds.mean)} of {len(seeds.values)}"
    return Row(each.name, (Strip(tuple(marks)),), end, "ink", (detail,), _words(each))


def _words(each: Pooled) -> str:
    seeds = each.seeds
    values = ", ".join(map(points, seeds.values[:10])) + (", ..." if len(seeds.values) > 10 else "")
    text = f"{each.name}: {counted(len(seeds.values), 'seed')}, {values}, mean {points(seeds.mean)}"
    if len(seeds.values) >= FEW:
        text += f", 95 % prediction interval {between(seeds.mean - seeds.half_95, seeds.mean + seeds.half_95)}"
    if each.claim is not None:
        text += f", reported {reported(each.claim)} ({change(each.claim.reported - seeds.mean)} from the mean)"
    return text
