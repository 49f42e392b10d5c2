"""The command line: parses, prints and exits; everything else is done by the library."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from harness.cli import judge_commands, read_commands, run_commands, write_commands
from harness.errors import HarnessError, MissingDependencyError

app = typer.Typer(
    name="harness",
    help="Does a model do what its model card says, and would its recipe give that model again?",
    epilog="Exit codes: 0 as claimed, 1 findings or differences, 2 bad input or usage, 3 the run failed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (read_commands, run_commands, judge_commands, write_commands):
    module.register(app)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code instead of exiting."""
    try:
        app(args=list(sys.argv[1:] if argv is None else argv), prog_name="harness")
    except HarnessError as error:
        hint = f" ({error.command})" if isinstance(error, MissingDependencyError) else ""
        message = " ".join(f"{error}{hint}".split())
        print(f"harness: error: {message}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0 if error.code is None else 2
    return 0
