"""The command line: parses, prints and exits; everything else is done by the library."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from harness.cli import (
    ask_command,
    audit_command,
    claims_command,
    compare_command,
    evaluate_command,
    gate_command,
    hub_commands,
    plan_command,
    render_command,
    report_command,
    run_commands,
    score_command,
    speed_command,
)
from harness.cli.output import note, print_line
from harness.errors import HarnessError, MissingDependencyError

app = typer.Typer(
    name="harness",
    help="Does a model do what its model card says, and would its recipe give that model again?",
    epilog="Exit codes: 0 as claimed, 1 findings or differences, 2 bad input or usage, 3 the run or the Hub failed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print_line(f"harness {version('modelcard-harness')}")
        except PackageNotFoundError:  # run from a checkout that is not installed
            print_line("harness, not installed")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of the program itself."""


for module in (
    audit_command,
    claims_command,
    plan_command,
    run_commands,
    evaluate_command,
    compare_command,
    score_command,
    report_command,
    render_command,
    ask_command,
    speed_command,
    gate_command,
    hub_commands,
):
    module.register(app)
for command in app.registered_commands:  # help is folded to the terminal, whatever the lines of the docstring
    paragraphs = (getattr(command.callback, "__doc__", None) or "").split("\n\n")
    command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code instead of exiting."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may lack characters that a card has
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app(args=list(sys.argv[1:] if argv is None else argv), prog_name="harness")
    except HarnessError as error:
        hint = f" ({error.command})" if isinstance(error, MissingDependencyError) else ""
        return _refuse(f"{error}{hint}", error.exit_code)
    except OSError as error:  # a name too long, a folder that may not be entered: whatever the path, one line
        where = f"{error.filename}: " if error.filename is not None else ""
        return _refuse(f"{where}cannot be used ({error.strerror or error}); check the path and its permissions", 2)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0 if error.code is None else 2
    return 0


def _refuse(message: str, code: int) -> int:
    note(f"harness: error: {' '.join(message.split())}")
    return code
