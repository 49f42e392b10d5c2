"""The template environment: sandboxed, strict, and printing only what an escape function returned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from harness.errors import RecordError, TemplateError
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
    """Render one of the package's templates of Markdown; raises `TemplateError` as `render_packaged` does."""
    return render_packaged(template_environment(), template, fields)


def render_packaged(environment: ImmutableSandboxedEnvironment, template: str, fields: Mapping[str, object]) -> str:
    """Render one of the package's templates in an environment over their folder.

    Raises:
        TemplateError: It cannot be rendered, such as for a value that it does not expect: a fault of the package, as
            records were checked when they were read. The error of jinja2 is the cause.
    """
    import jinja2

    try:
        return environment.get_template(template).render(fields)
    except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        file, line = _place(error, template)
        said = " ".join(str(error).split())[:200] or type(error).__name__
        where = file if line is None else f"{file}:{line}"
        raise TemplateError(
            f"{where}: the package's template cannot be rendered ({said}); this is a fault of the program: please "
            "report it with this message and the record",
            path=file,
            line=line,
        ) from error


def _place(error: Exception, template: str) -> tuple[str, int | None]:
    """The template that an error came from, and its line: the innermost of the package's."""
    found: tuple[str, int | None] = template, None
    folder, trace = template_folder(), error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.parent == folder:
            found = file.name, trace.tb_lineno
        trace = trace.tb_next
    return found


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
