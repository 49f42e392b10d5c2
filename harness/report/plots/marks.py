"""Marks that are told apart by their shape, not by their colour alone."""

from __future__ import annotations

from typing import Literal, get_args

from harness.report.plots.svg import Markup, element, number

Shape = Literal["circle", "square", "triangle", "diamond", "cross"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
COLOURS = ("accent", "accent-2", "accent-3", "accent-4", "accent-5")
DASHES = (None, "7 4", "2 3", "9 3 2 3", "12 4")
RADIUS = 5.5
_LARGE = 1.5

_CORNERS: dict[Shape, tuple[tuple[float, float], ...]] = {
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "triangle": ((0.0, -1.15), (1.1, 0.85), (-1.1, 0.85)),
    "diamond": ((0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)),
    "cross": (
        *((-1.2, -0.75), (-0.75, -1.2), (0.0, -0.45), (0.75, -1.2), (1.2, -0.75), (0.45, 0.0)),
        *((1.2, 0.75), (0.75, 1.2), (0.0, 0.45), (-0.75, 1.2), (-1.2, 0.75), (-0.45, 0.0)),
    ),
}


def mark(
    shape: Shape,
    x: float,
    y: float,
    class_: str,
    *,
    hollow: bool = False,
    title: str | None = None,
    large: bool = False,
) -> Markup:
    """A mark centred at a point; a hollow one hides the line behind it."""
    colours: dict[str, str | float] = {"stroke": "currentColor", "stroke_width": 2.0 if hollow else 1.0}
    if hollow:
        colours |= {"class_": f"{class_} paper-fill", "fill": "none"}
    else:
        colours |= {"class_": class_, "fill": "currentColor"}
    inside = () if title is None else (element("title", title),)
    radius = RADIUS * (_LARGE if large else 1.0)
    if shape == "circle":
        return element("circle", *inside, cx=x, cy=y, r=radius, **colours)
    return element("polygon", *inside, points=_points(_CORNERS[shape], x, y, radius), **colours)


def arrow(x: float, y: float, class_: str, *, left: bool, title: str | None = None) -> Markup:
    """What stands at the edge for a mark beyond it."""
    tip = -1.0 if left else 1.0
    corners = ((0.0, 0.0), (-1.6 * tip, -1.1), (-1.6 * tip, 1.1))
    inside = () if title is None else (element("title", title),)
    return element("polygon", *inside, points=_points(corners, x, y, RADIUS), class_=class_, fill="currentColor")


def _points(corners: tuple[tuple[float, float], ...], x: float, y: float, radius: float) -> str:
    return " ".join(f"{number(x + radius * dx)},{number(y + radius * dy)}" for dx, dy in corners)
