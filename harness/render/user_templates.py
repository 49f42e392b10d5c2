"""Templates that somebody else wrote: they say what a card looks like, and can do nothing else.

Such a template is a program. It runs under an allow-list and a budget (`rationed`), and reads no file but the package's
templates. Whatever stops it is one `TemplateError` with the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from harness.errors import TemplateError
from harness.regular_files import read_regular
from harness.render.rationed import LONGEST_TEXT, rationed_environment
from harness.render.sandbox import template_folder

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST = 64 * 1024
"""Bytes of a template."""
_PACKAGED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.md\.j2")


def is_packaged(name: str) -> bool:
    """Whether a name is that of a template of the package."""
    return _PACKAGED.fullmatch(name) is not None and (template_folder() / name).is_file()


def render_user_template(path: Path, fields: Mapping[str, object]) -> str:
    """Render a template that lies anywhere, in the sandbox described above.

    Raises:
        TemplateError: It cannot be read, is broken, names something that there is not, reaches for something it may not
            have, or takes too much; `path` and `line` say where.
    """
    source = _read(path)
    environment = rationed_environment(_load)
    try:
        text = _compile(environment, source, str(path)).render(fields)
    except _errors() as error:
        raise _explained(error, path) from error
    if len(text) > LONGEST_TEXT:
        raise TemplateError(f"{path}: makes {len(text)} characters, expected at most {LONGEST_TEXT}", path=str(path))
    return text


def _read(path: Path) -> str:
    try:
        return read_regular(path, LARGEST).decode("utf-8")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise TemplateError(
            f"{path}: found no template ({reason}), expected a file of at most {LARGEST} bytes, or card.md.j2, the "
            "package's; check the path",
            path=str(path),
        ) from None
    except UnicodeDecodeError as error:
        raise TemplateError(
            f"{path}: found byte {error.start} that is not UTF-8, expected UTF-8 text; save the template as UTF-8",
            path=str(path),
        ) from None


def _compile(environment: ImmutableSandboxedEnvironment, source: str, filename: str) -> Template:
    code = environment.compile(source, None, filename)
    return environment.template_class.from_code(environment, code, environment.make_globals(None))


def _errors() -> tuple[type[Exception], ...]:
    """What a template can raise: what it says is evaluated as Python's operators are."""
    import jinja2

    return (
        *(jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError),
        *(RecursionError, MemoryError, SyntaxError, yaml.YAMLError),
    )


def _explained(error: Exception, path: Path) -> TemplateError:
    from jinja2 import TemplateNotFound, UndefinedError
    from jinja2.exceptions import SecurityError

    file, line = _place(error, path)
    where = file if line is None else f"{file}:{line}"
    said = " ".join(str(error).split())[:300]
    what = {
        TemplateNotFound: f"found no template {said!r}, expected the name of one of the package's",
        SecurityError: f"is not allowed: {said}",
        UndefinedError: f"{said}; docs/rendering.md lists the names that a card's template is given",
        RecursionError: "nests or repeats itself too deeply",
        MemoryError: "takes too much memory",
        SyntaxError: "nests too deeply",
        yaml.YAMLError: "holds something that YAML has no words for; print what is in it",
    }
    told = next((text for kind, text in what.items() if isinstance(error, kind)), None)
    return TemplateError(f"{where}: {told or said or type(error).__name__}", path=file, line=line)


def _place(error: Exception, path: Path) -> tuple[str, int | None]:
    """File and line of the template that an error came from: the user's own, else that which it includes."""
    from jinja2 import TemplateSyntaxError

    if isinstance(error, TemplateSyntaxError):
        return error.filename or str(path), error.lineno
    lines: dict[str, int] = {}
    trace = error.__traceback__
    while trace is not None:
        lines[trace.tb_frame.f_code.co_filename] = trace.tb_lineno
        trace = trace.tb_next
    return str(path), lines.get(str(path))


def _load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
    """A template of the package by its bare name, and no other file."""
    if not is_packaged(name):
        return None
    file = template_folder() / name
    return file.read_text(encoding="utf-8"), str(file), lambda: True
