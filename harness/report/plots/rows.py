"""Figures in rows: a label above each row's marks, so that a narrow screen has room for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.plots.marks import Shape, arrow, mark
from harness.report.plots.scales import Scale, tick_text
from harness.report.plots.svg import (
    FONT,
    SMALL,
    WIDTH,
    Markup,
    box,
    element,
    figure,
    group,
    line,
    number,
    path,
    text,
    text_width,
)

LEFT = 14.0
RIGHT = WIDTH - 14.0
STRIP = 22.0
_LABEL = 19.0
_DETAIL = 17.0
_GAP = 9.0
_LEGEND = 20.0
_AXIS = 40.0
_CAP = 4.0
_ZERO = 1e-12
_MANY = 8
"""Rows from which on the ticks stand above them, too."""


@dataclass(frozen=True, slots=True)
class Band:
    """A range that is shaded."""

    low: float
    high: float
    class_: str = "muted"


@dataclass(frozen=True, slots=True)
class Whisker:
    """An interval."""

    low: float
    high: float
    class_: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from zero."""

    value: float
    class_: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A figure."""

    value: float
    shape: Shape
    class_: str
    hollow: bool = False
    title: str | None = None
    ring: bool = False
    """Larger than others, so that one on the same place is seen inside."""


Mark = Band | Whisker | Bar | Dot


@dataclass(frozen=True, slots=True)
class Strip:
    """Marks on one line, and what is printed beside them."""

    marks: tuple[Mark, ...]
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is shown; texts are of whatever origin."""

    label: str
    strips: tuple[Strip, ...]
    end: str = ""
    """At the right of the label."""
    end_class: str = "ink"
    details: tuple[str, ...] = ()
    """Each on a line of its own below the label."""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """An entry of the legend."""

    shown: str
    mark: Mark | None = None
    dash: tuple[str, str | None] | None = None
    """Class and dashes of a line."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What the rows are laid on."""

    scale: Scale
    name: str
    signed: bool = False
    zero: bool = False
    """Whether the line at 0 is drawn strongly."""


def draw_rows(
    plot_id: str, title: str, description: str, axis: Axis, rows: Sequence[Row], keys: Sequence[Key] = ()
) -> str:
    """The figure."""
    legend, top = draw_keys(keys, LEFT, 4.0)
    repeated = len(rows) >= _MANY
    top += 28.0 if repeated else 2.0
    y, drawn = top, []
    for row in rows:
        part, y = _draw_row(row, axis, y)
        drawn.append(part)
    return figure(plot_id, title, description, y + _AXIS, legend, _draw_axis(axis, top, y, repeated), *drawn)


def draw_keys(keys: Sequence[Key], left: float, top: float) -> tuple[Markup, float]:
    """A legend in as many lines as it needs, and where it ends."""
    x, y, parts = left, top, []
    for key in keys:
        room = 26.0 + text_width(key.shown, SMALL)
        if x > left and x + room > RIGHT:
            x, y = left, y + _LEGEND
        middle = y + 10.0
        if key.dash is not None:
            parts.append(line(x, middle, x + 20.0, middle, key.dash[0], 2.5, key.dash[1]))
        elif key.mark is not None:
            parts.append(_draw_mark(key.mark, _key_scale(key.mark, x), middle))
        parts.append(text(x + 26.0, y + 14.5, key.shown, size=SMALL, room=RIGHT - x - 26.0))
        x += room + 14.0
    return group(*parts), y + (_LEGEND + 4.0 if keys else 0.0)


def _key_scale(shown: Mark, x: float) -> Scale:
    """A scale on which the mark fills the legend's 20 units, whatever its values are."""
    match shown:
        case Dot(value=value):
            return Scale(value - 1.0, value + 1.0, x, x + 20.0)
        case Bar(value=value):
            return Scale(min(0.0, value), max(0.0, value), x, x + 20.0)
        case Band(low=low, high=high) | Whisker(low=low, high=high):
            return Scale(low, high, x, x + 20.0)


def _draw_row(row: Row, axis: Axis, y: float) -> tuple[Markup, float]:
    scale = axis.scale
    end_room = text_width(row.end, FONT)
    parts = [text(LEFT, y + 14.0, row.label, room=RIGHT - LEFT - end_room - (10.0 if row.end else 0.0), bold=True)]
    if row.end:
        parts.append(text(RIGHT, y + 14.0, row.end, class_=row.end_class, anchor="end"))
    y += _LABEL
    for detail in row.details:
        parts.append(text(LEFT, y + 12.0, detail, class_="muted", size=SMALL, room=RIGHT - LEFT))
        y += _DETAIL
    parts.append(_draw_grid(axis, y, y + STRIP * len(row.strips)))
    for strip in row.strips:
        middle = y + STRIP / 2
        parts += [_draw_mark(shown, scale, middle) for shown in strip.marks]
        if strip.beside:
            parts.append(text(RIGHT, middle + 4.5, strip.beside, class_="muted", anchor="end", size=SMALL))
        y += STRIP
    title = row.title or " ".join(part for part in (f"{row.label}:", row.end, *row.details) if part)
    return group(*parts, title=title), y + _GAP


def _draw_mark(shown: Mark, scale: Scale, y: float) -> Markup:
    match shown:
        case Band(low, high, class_):
            return box(scale.inside(low), y - 9.0, scale.inside(high), y + 9.0, class_, 0.3)
        case Bar(value, class_):
            return box(scale.inside(0.0), y - 6.0, scale.inside(value), y + 6.0, class_)
        case Whisker(low, high, class_):
            ends = scale.inside(low), scale.inside(high)
            parts = [line(ends[0], y, ends[1], y, class_, 2.0)]
            for value, end in zip((low, high), ends, strict=True):
                if scale.holds(value):
                    parts.append(line(end, y - _CAP, end, y + _CAP, class_, 2.0))
            return group(*parts)
        case Dot(value, shape, class_, hollow, title, ring):
            if scale.holds(value):
                return mark(shape, scale.at(value), y, class_, hollow=hollow or ring, title=title, large=ring)
            return arrow(scale.inside(value), y, class_, left=value < scale.low, title=title)


def _draw_grid(axis: Axis, top: float, bottom: float) -> Markup:
    """The ticks' lines behind the marks of a row; none runs through its words."""
    places = {tick: axis.scale.at(tick) for tick in axis.scale.ticks()}
    plain = [x for tick, x in places.items() if not (axis.zero and abs(tick) < _ZERO)]
    grid = path("".join(f"M{number(x)} {number(top)}V{number(bottom)}" for x in plain), "line", 1.0)
    if not axis.zero:
        return grid
    middle = axis.scale.at(0.0)
    return group(grid, line(middle, top, middle, bottom, "muted", 1.5))


def _draw_axis(axis: Axis, top: float, bottom: float, repeated: bool) -> Markup:
    scale, ticks = axis.scale, axis.scale.ticks()
    parts = []
    for tick in ticks:
        x = scale.at(tick)
        parts.append(line(x, bottom, x, bottom + 3.0, "muted"))
        shown = tick_text(tick, ticks, signed=axis.signed)
        for y in (bottom + 15.0, top - 12.0)[: 1 + repeated]:
            parts.append(text(_within(x, shown), y, shown, class_="muted", anchor="middle", size=SMALL))
    parts.append(
        text((scale.start + scale.end) / 2, bottom + 33.0, axis.name, class_="muted", anchor="middle", size=SMALL)
    )
    return element("g", *parts)


def _within(x: float, shown: str) -> float:
    half = text_width(shown, SMALL) / 2
    return min(max(x, half), WIDTH - half)
