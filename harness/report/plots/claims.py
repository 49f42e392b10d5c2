"""Reported against reproduced: every judged claim, on an axis of points from what the card reports."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records import Comparison, Verdict
from harness.report.data import Plot, RunData
from harness.report.names import name_claim
from harness.report.plots.marks import Shape
from harness.report.plots.rows import LEFT, RIGHT, Axis, Band, Dot, Key, Mark, Row, Strip, Whisker, draw_rows
from harness.report.plots.scales import stretch
from harness.report.plots.words import between, change, counted, points, reported, sentences
from harness.report.spreads import Spread, measure_intervals, spread_of
from harness.visible import visible

MOST_ROWS = 60
_CLIP = 12.0
"""Tolerances that the axis shows on either side: beyond, no band could be told from a line."""
_LOOKS: dict[Verdict, tuple[Shape, str]] = {
    Verdict.MATCHES: ("circle", "good"),
    Verdict.WITHIN_TOLERANCE: ("square", "good"),
    Verdict.INCONCLUSIVE: ("triangle", "warn"),
    Verdict.DIFFERS: ("cross", "bad"),
    Verdict.NOT_COMPARABLE: ("diamond", "muted"),
}


def draw_claims(plot_id: str, name: str, data: RunData) -> Plot | None:
    """The figure of one run; None where no figure of its own stands against a claim."""
    judged = [c for c in data.run.comparisons if c.verdict is not None and c.reproduced is not None]
    if not judged:
        return None
    shown = judged[:MOST_ROWS]
    intervals = measure_intervals(data)
    spreads = [spread_of(comparison, data, intervals) for comparison in shown]
    limit = _limit(shown, spreads)
    scale = stretch((-limit, limit), LEFT, RIGHT, about=6)
    about = {str(comparison.claim.data) for comparison in shown}
    rows = [_row(comparison, spread, len(about) == 1) for comparison, spread in zip(shown, spreads, strict=True)]
    title = f"Reported against reproduced: {name}"
    description = sentences(_words(comparison, spread) for comparison, spread in zip(shown, spreads, strict=True))
    axis = Axis(scale, "points from the reported figure", signed=True, zero=True)
    return Plot(
        plot_id,
        title,
        _caption(data.run.comparisons, judged, spreads, about),
        draw_rows(plot_id, title, description, axis, rows, _keys(shown, spreads)),
    )


def _limit(shown: Sequence[Comparison], spreads: Sequence[Spread | None]) -> float:
    """Half of the axis: as far as marks reach, but not so far that no tolerance could be seen."""
    reach = 0.0
    for comparison, spread in zip(shown, spreads, strict=True):
        claim, reproduced = comparison.claim, comparison.reproduced
        ends = [0.0 if reproduced is None else reproduced - claim.reported]
        if spread is not None:
            ends += [spread.low - claim.reported, spread.high - claim.reported]
        if comparison.tolerance is not None:
            ends.append(comparison.tolerance.within)
        reach = max(reach, *map(abs, ends))
    widest = max((c.tolerance.within for c in shown if c.tolerance is not None), default=0.0)
    return min(reach, _CLIP * widest) if widest > 0 else reach


def _row(comparison: Comparison, spread: Spread | None, alone: bool) -> Row:
    """The row of a claim; `alone`: all are about one data set, which the caption names."""
    claim = comparison.claim
    difference = (comparison.reproduced or 0.0) - claim.reported
    shape, class_ = _LOOKS[comparison.verdict or Verdict.NOT_COMPARABLE]
    marks: list[Mark] = []
    if comparison.tolerance is not None:
        marks.append(Band(-comparison.tolerance.within, comparison.tolerance.within))
    if spread is not None:
        marks.append(Whisker(spread.low - claim.reported, spread.high - claim.reported, class_))
    marks.append(Dot(0.0, "circle", "ink", ring=True, title=f"reported {reported(claim)}"))
    marks.append(Dot(difference, shape, class_, title=f"reproduced {points(comparison.reproduced or 0.0)}"))
    found = f"reported {reported(claim)}, reproduced {points(comparison.reproduced or 0.0)}"
    if spread is not None:
        found += f" ({between(spread.low, spread.high)})"
    title = f"{_words(comparison, spread)}. Line {claim.place.line} of the card. {comparison.reason}"
    name = f"{claim.metric}[{claim.subset}]"
    details = (found,) if alone or claim.data is None else (f"on {claim.data}", found)
    return Row(name, (Strip(tuple(marks)),), _verdict(comparison), class_, details, title)


def _words(comparison: Comparison, spread: Spread | None) -> str:
    claim = comparison.claim
    interval = "" if spread is None else f" ({between(spread.low, spread.high)})"
    tolerance = "" if comparison.tolerance is None else f", tolerance {comparison.tolerance.within:g}"
    difference = change((comparison.reproduced or 0.0) - claim.reported)
    found = f"reported {reported(claim)}, reproduced {points(comparison.reproduced or 0.0)}{interval}"
    return f"{name_claim(claim)}: {found}, difference {difference}{tolerance}, {_verdict(comparison)}"


def _verdict(comparison: Comparison) -> str:
    return comparison.state.replace("_", " ")


def _keys(shown: Sequence[Comparison], spreads: Sequence[Spread | None]) -> list[Key]:
    keys = [Key("reported", Dot(0.0, "circle", "ink", ring=True))]
    seen = {comparison.verdict for comparison in shown}
    keys += [
        Key(f"reproduced: {verdict.value.replace('_', ' ')}", Dot(0.0, shape, class_))
        for verdict, (shape, class_) in _LOOKS.items()
        if verdict in seen
    ]
    if any(comparison.tolerance is not None for comparison in shown):
        keys.append(Key("tolerance", Band(0.0, 1.0)))
    if any(spread is not None for spread in spreads):
        keys.append(Key("interval", Whisker(0.0, 1.0, "ink")))
    return keys


def _caption(
    every: Sequence[Comparison], judged: Sequence[Comparison], spreads: Sequence[Spread | None], about: set[str]
) -> str:
    data = f" about {visible(about.copy().pop())}" if len(about) == 1 and about != {"None"} else ""
    text = (
        f"Each row is a claim of the card{data}; the axis is the distance from what it reports, in points. "
        "A reproduced mark inside the shaded tolerance agrees with the claim"
    )
    kinds = list(dict.fromkeys(spread.what for spread in spreads if spread is not None))
    text += f". Lines through marks: {'; '.join(kinds)}" if kinds else ""
    bare = spreads.count(None)
    if bare:
        text += f". {counted(bare, 'figure has', 'figures have')} no interval"
    if len(judged) > len(spreads):
        text += f". The first {len(spreads)} of {len(judged)} claims are drawn"
    left_out = len(every) - len(judged)
    if left_out:
        text += f". Without a reproduced figure and left out: {counted(left_out, 'claim')}"
    return f"{text}. An arrow at an edge points to a mark beyond it."
