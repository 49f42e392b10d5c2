"""Commands that write documents: report, render."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.output import emit, print_json


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(epilog="Example: harness report runs/pocket-distilled-0123456789 -o report.md")(report)
    app.command(epilog="Example: harness render cards/pocket__distilled --run RUN -o card.md")(render)


def report(
    run: o.RunArgument,
    output: o.OutputOption = None,
    runs: o.RunsOption = None,
    as_json: o.JsonOption = False,
) -> None:
    """Write a run's report in Markdown: verdicts, scores, recipe with origins, environment."""
    from harness.per_question import load_intact
    from harness.render import render_report

    record = load_intact(o.run_path(run, runs))
    if as_json:
        print_json(record)
        return
    emit(render_report(record), output)


def render(
    card: o.CardArgument,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Evidence to show: a run folder, record file, or id.")
    ] = None,
    measured: Annotated[
        bool, typer.Option("--measured", help="State the run's own figures as the claims, for a first card.")
    ] = False,
    output: o.OutputOption = None,
    runs: o.RunsOption = None,
    as_json: o.JsonOption = False,
) -> None:
    """Regenerate a card from its facts, with the evidence of a run where one is given."""
    from harness.evidence import judge, open_card, with_judgement
    from harness.per_question import load_intact
    from harness.render import render_card

    record = None if run is None else load_intact(o.run_path(run, runs))
    opened = open_card(card, reading=None if record is None else record.recipe.reading)
    if record is not None and not measured:
        record = with_judgement(record, judge(opened, record))
    text = render_card(opened.card, opened.recipe, record, measured=measured)
    if as_json:
        print_json({"card": text})
    else:
        emit(text, output)
