"""SVG elements as text: escaped, numbers rounded, colours by class and presentation attributes alone.

A page with a strict content security policy drops ``style``; a class sets ``color`` (`templates/plots.css`), and what
is drawn takes it as ``currentColor``.
"""

from __future__ import annotations

import html
import math
import unicodedata

from harness.visible import visible

WIDTH = 440.0
"""Of every figure, in its own units: at the width of a phone its letters are still read."""
FONT = 14.0
SMALL = 13.0

_XMLNS = "http://www.w3.org/2000/svg"
_LONGEST_TEXT = 1500
"""Characters of a description: a screen reader reads all of it aloud."""
_WIDE = 1.0
_NARROW = 0.6
"""Mean width of a letter in sizes of the font; few fonts take more."""
_BOLD = 1.13


class Markup(str):
    """Text that is SVG already; any other text is escaped where it goes into an element."""

    __slots__ = ()


def number(value: float) -> str:
    """A coordinate with two decimals at most: the same bytes on every machine.

    Raises:
        ValueError: it is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"found a coordinate of {value}, expected a finite number")
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def element(name: str, /, *children: str, **attributes: str | float | None) -> Markup:
    """An element; ``class_`` and ``stroke_width`` give ``class`` and ``stroke-width``, and None leaves one out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value) if isinstance(value, str) else number(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(child if isinstance(child, Markup) else escaped(child) for child in children)
    return Markup(f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>")


def escaped(text: str) -> str:
    """Text of whatever origin as text of XML and HTML; what cannot be printed is shown as an escape."""
    return html.escape(visible(text), quote=True)


def figure(plot_id: str, title: str, description: str, height: float, *body: str) -> str:
    """The whole ``<svg>``: its accessible name and description come before what is drawn."""
    ids = f"{plot_id}-title", f"{plot_id}-desc"
    return element(
        "svg",
        element("title", title, id=ids[0]),
        element("desc", shorten(description, _LONGEST_TEXT), id=ids[1]),
        *body,
        xmlns=_XMLNS,
        viewBox=f"0 0 {number(WIDTH)} {number(height)}",
        role="img",
        aria_labelledby=" ".join(ids),
        class_="plot",
        font_family="inherit",
        font_size=FONT,
    )


def group(*parts: str, title: str | None = None) -> Markup:
    """Parts that belong together, with a title that is shown when pointed at."""
    return element("g", *(() if title is None else (element("title", title),)), *parts)


def text(
    x: float,
    y: float,
    shown: str,
    *,
    class_: str = "ink",
    anchor: str | None = None,
    size: float | None = None,
    room: float | None = None,
    bold: bool = False,
) -> Markup:
    """One line of text, its baseline at y.

    Args:
        x: Where it starts, ends or is centred, by `anchor`.
        y: The baseline.
        shown: The text, of whatever origin.
        class_: The colour's.
        anchor: ``end`` or ``middle``; None for the start.
        size: Of the font, where it is not the figure's.
        room: Width that it may take: what is longer is cut, and stands whole in the title.
        bold: Whether it is.
    """
    clean = visible(shown)
    letters = (size or FONT) * (_BOLD if bold else 1.0)
    fitted = clean if room is None else fit(clean, room, letters)
    inside: tuple[str, ...] = (fitted,) if fitted == clean else (element("title", clean), fitted)
    weight = "bold" if bold else None
    where = {"x": x, "y": y, "text_anchor": anchor, "font_size": size, "font_weight": weight}
    return element("text", *inside, class_=class_, fill="currentColor", **where)


def fit(shown: str, room: float, size: float) -> str:
    """As much of a text as a width takes, with an ellipsis where it is cut."""
    if text_width(shown, size) <= room:
        return shown
    kept, used = [], size  # the ellipsis
    for letter in shown:
        used += text_width(letter, size)
        if used > room:
            break
        kept.append(letter)
    return "".join(kept).rstrip() + "…"


def text_width(shown: str, size: float) -> float:
    """About how wide a text is: nothing measures fonts here."""
    return size * sum(_WIDE if unicodedata.east_asian_width(letter) in "WF" else _NARROW for letter in shown)


def shorten(shown: str, most: int) -> str:
    """A text of at most so many characters, cut at a semicolon where there is one."""
    if len(shown) <= most:
        return shown
    cut = shown[: most - 2]
    return cut[: cut.rfind("; ") + 1 or None].rstrip("; ") + "; …"


def line(
    x1: float, y1: float, x2: float, y2: float, class_: str, width: float = 1.0, dash: str | None = None
) -> Markup:
    """A straight line."""
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return element("line", **ends, class_=class_, stroke="currentColor", stroke_width=width, stroke_dasharray=dash)


def box(x1: float, y1: float, x2: float, y2: float, class_: str, opacity: float | None = None) -> Markup:
    """A filled rectangle between two corners."""
    at = {"x": min(x1, x2), "y": min(y1, y2), "width": abs(x2 - x1), "height": abs(y2 - y1)}
    return element("rect", **at, class_=class_, fill="currentColor", fill_opacity=opacity)


def path(
    commands: str, class_: str, width: float = 2.0, dash: str | None = None, opacity: float | None = None
) -> Markup:
    """A line through many points."""
    return element(
        "path",
        d=commands,
        class_=class_,
        fill="none",
        stroke="currentColor",
        stroke_width=width,
        stroke_dasharray=dash,
        stroke_opacity=opacity,
        stroke_linejoin="round",
    )
