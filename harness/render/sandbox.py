"""The template environment: sandboxed, strict, and printing only what an escape function returned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from harness.errors import RecordError
from harness.render import escape

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

FILTERS: Mapping[str, Callable[..., escape.Escaped]] = {
    "text": escape.as_text,
    "code": escape.as_code,
    "verbatim": escape.as_verbatim,
    "fence": escape.as_fence,
    "figure": escape.as_figure,
    "score": escape.as_score,
    "number": escape.as_number,
    "seconds": escape.as_seconds,
    "yaml": escape.as_yaml,
}
"""What makes a value text that is safe where a template puts it."""


def render_template(template: str, fields: Mapping[str, object]) -> str:
    """Render one of the package's templates; a name that `fields` lacks raises `jinja2.UndefinedError`."""
    return template_environment().get_template(template).render(fields)


@cache
def template_environment() -> ImmutableSandboxedEnvironment:
    """The environment over the template folder, made once: compiled templates are kept.

    Templates see the fields they are given and the filters below. They cannot change a value, reach a private
    attribute, name something undefined, load a file outside the folder, or print a field without a filter.
    """
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(template_folder()),
        undefined=StrictUndefined,
        autoescape=False,  # Markdown, not HTML: `only_escaped` lets nothing through that no filter made safe
        finalize=only_escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters.update(FILTERS)
    return environment


def template_folder() -> Path:
    """The folder of templates: in an installed package beside its modules, in a checkout beside the package."""
    package = Path(harness.__file__).parent
    for folder in (package / "templates", package.parent / "templates"):
        if (folder / "card.md.j2").is_file():
            return folder
    raise RecordError(
        f"{package / 'templates'}: no templates found, expected card.md.j2 and report.md.j2; install the package again",
        path=str(package / "templates"),
    )


def only_escaped(value: object) -> str:
    """What a template prints, if a filter made it safe; raises `jinja2.TemplateRuntimeError` for anything else."""
    if isinstance(value, escape.Escaped):
        return value
    from jinja2 import TemplateRuntimeError

    shown = str(value)  # raises the right error for something undefined or forbidden
    raise TemplateRuntimeError(f"a template prints {shown[:40]!r} without a filter; end it with | text")
