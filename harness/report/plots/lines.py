"""Figures of lines over two axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.plots.scales import Scale, thin, tick_text
from harness.report.plots.svg import SMALL, Markup, element, line, number, path, text, text_width

GUTTER = 44.0
"""For the ticks of the vertical axis."""


@dataclass(frozen=True, slots=True)
class Plane:
    """Two scales and their names."""

    across: Scale
    up: Scale
    across_name: str
    up_name: str


def draw_plane(plane: Plane) -> Markup:
    """Grid and ticks; the name of the vertical axis stands above it, where it is read without turning the head."""
    across, up = plane.across, plane.up
    parts = [text(2.0, up.end - 8.0, plane.up_name, class_="muted", size=SMALL)]
    ticks = up.ticks()
    for tick in ticks:
        y = up.at(tick)
        parts.append(line(across.start, y, across.end, y, "line"))
        parts.append(
            text(across.start - 5.0, y + 4.5, tick_text(tick, ticks), class_="muted", anchor="end", size=SMALL)
        )
    ticks = across.ticks()
    for tick in ticks:
        x, shown = across.at(tick), tick_text(tick, ticks)
        parts.append(line(x, up.start, x, up.start + 4.0, "muted"))
        centred = min(x, across.end + 12.0 - text_width(shown, SMALL) / 2)
        parts.append(text(centred, up.start + 18.0, shown, class_="muted", anchor="middle", size=SMALL))
    parts.append(line(across.start, up.start, across.end, up.start, "muted"))
    middle = (across.start + across.end) / 2
    parts.append(text(middle, up.start + 36.0, plane.across_name, class_="muted", anchor="middle", size=SMALL))
    return element("g", *parts)


def draw_line(
    points: Sequence[tuple[float, float]],
    across: Scale,
    up: Scale,
    class_: str,
    *,
    dash: str | None = None,
    steps: bool = False,
    width: float = 2.0,
    opacity: float | None = None,
) -> Markup:
    """A line through points whose x never falls, thinned where they are many; ``steps`` holds each y to the next x."""
    kept = [(number(across.inside(x)), number(up.inside(y))) for x, y in thin(points)]
    if not kept:
        return Markup()
    first, *rest = kept
    commands = [f"M{first[0]} {first[1]}"]
    commands += [f"H{x}V{y}" if steps else f"L{x} {y}" for x, y in rest]
    if not rest:  # a single point would not show
        commands.append("h0.01")
    return path("".join(commands), class_, width, dash, opacity)
