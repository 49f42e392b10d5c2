"""The command gate: whether cards may be released."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.output import note, print_json, print_line, print_table

if TYPE_CHECKING:
    from harness.gate import GateResult, GateRow


class KindChoice(str, Enum):  # noqa: UP042 - typer shows the values of a str Enum as choices
    """``--kind``."""

    RETRAINED = "retrained"
    RELEASED = "released"
    REPLAY = "replay"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: harness gate cards/pocket__distilled, or harness gate --strict cards")(gate)


def gate(
    cards: Annotated[list[Path], typer.Argument(metavar="DIR", help="Folders of cards, or cards' files.")],
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Also exit 1 for warnings of the audit, for claims and examples that are inconclusive or not "
            "comparable, and for evidence that does not tell what the card claimed then.",
        ),
    ] = False,
    kind: Annotated[
        KindChoice | None, typer.Option("--kind", help="The kind of evidence, instead of the first that there is.")
    ] = None,
    tolerance: o.ToleranceOption = None,
    at_least: o.AtLeastOption = False,
    runs: o.RunsOption = None,
    as_json: o.JsonOption = False,
) -> None:
    """Say whether cards may be released: their audit, their evidence and its age, and every claim.

    Exits 1 on an error of the audit, on a claim that differs and is no known deviation, on a card that makes claims and
    has no evidence or none of what it says now, and where nothing was checked; 2 where a card, a record or a path
    cannot be read.
    """
    from harness.evidence import Options
    from harness.gate import Terms, check_release

    try:
        options = Options(tolerance, at_least, o.project_tolerances())
    except ValueError as error:
        raise typer.BadParameter(f"--{error}") from None
    terms = Terms(o.runs_folder(runs), options, strict, None if kind is None else kind.value)
    result = check_release(cards, terms)
    if as_json:
        print_json(result)
    else:
        _print(result)
    note(result.outcome)
    raise typer.Exit(result.exit_code)


def _print(result: GateResult) -> None:
    """The table, and beneath it why what does not pass does not."""
    headings = ("gate", "card", "check", "what", "reported", "reproduced", "tolerance", "result")
    cells = ((row.state, _short(row.card), row.check, row.what, *_figures(row), row.result) for row in result.rows)
    print_table(headings, cells)
    for row in result.rows:
        if row.state != "pass":
            place = row.card if row.line is None else f"{row.card}:{row.line}"
            print_line(f"{row.state}: {place}: {row.check} {row.what}".rstrip() + f": {row.result}: {row.reason}")


def _figures(row: GateRow) -> tuple[str, str, str]:
    found = row.comparison
    if found is None:
        return "", "", ""
    reproduced = "" if found.reproduced is None else f"{found.reproduced:.4f}"
    tolerance = "" if found.tolerance is None else f"{found.tolerance.within:g}"
    return found.claim.digits, reproduced, tolerance


def _short(card: str) -> str:
    path = Path(card)
    named = path.name.casefold() == "readme.md" and path.parent.name
    return path.parent.name if named else card
