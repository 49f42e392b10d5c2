"""HTML: text made safe, and the template environment of pages.

Everything that a record, a card or data hold was written by others. Whatever is not `Html` is escaped, and characters
that cannot be seen or that reorder others are shown as escapes, in text and in attributes alike.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING

from harness.render import escape as figures
from harness.render.sandbox import template_folder

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

# Control characters but tab and line feed, marks that reorder or join text unseen, fillers, surrogates, what is no
# character. Joiners, and selectors of variants that emoji have, are text of some scripts.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


class Html(str):
    """Markup that is put into a page as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def seen(text: str) -> str:
    """The text with what cannot be seen as escapes, such as ``\\u202e``; tabs and line feeds stay."""
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def as_html(value: object) -> Html:
    """A value as text of an element or of an attribute in quotes; `Html` stays as it is."""
    return value if isinstance(value, Html) else Html(escape(seen(str(value)), quote=True))


@cache
def page_environment() -> ImmutableSandboxedEnvironment:
    """The environment over the template folder, made once.

    Templates see the fields they are given and a few filters for figures. They print text and whole numbers, escaped;
    anything else is an error, so that a value of another kind has to pass a filter. They cannot change a value, reach
    a private attribute, name something undefined or load a file outside the folder.
    """
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(template_folder()),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters.update(
        figure=lambda value, places=4: figures.as_figure(value, places=places),
        signed=lambda value, places=4: figures.as_figure(value, sign=True, places=places),
        score=lambda value, key: figures.as_score(value, key),
        number=figures.as_number,
        seconds=figures.as_seconds,
        probability=as_probability,
        said=str,
    )
    return environment


def _printed(value: object) -> object:
    if hasattr(value, "__html__"):
        return value
    if isinstance(value, str):
        return seen(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    from jinja2 import TemplateRuntimeError

    shown = str(value)  # raises the right error for something undefined or forbidden
    raise TemplateRuntimeError(f"a template prints {shown[:40]!r}, which is neither text nor a whole number")


def as_probability(value: float) -> str:
    """A p-value to four decimals."""
    return f"{value:.4f}" if value >= 0.0001 else "< 0.0001"
