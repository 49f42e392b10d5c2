"""``harness report``: runs as a page, as Markdown, or in short on the terminal."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.output import emit, note, print_json

if TYPE_CHECKING:
    from harness.records import Run
    from harness.report.data import ReportData

_SUFFIXES = {".html": "html", ".htm": "html", ".md": "md", ".markdown": "md", ".json": "results"}


class FormatChoice(str, Enum):  # noqa: UP042
    """``--format``."""

    HTML = "html"
    MD = "md"
    TEXT = "text"
    RESULTS = "results"
    MODEL_INDEX = "model-index"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: harness report runs/pocket-distilled-0123456789 -o report.html")(report)


def report(
    run: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Run folders, record files or ids of runs; others are compared with the first."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write a page (.html), Markdown of one run (.md), or results (.json).",
        ),
    ] = None,
    as_format: Annotated[
        FormatChoice | None,
        typer.Option(
            "--format",
            help="In place of what the file's name says; without a file: text. results: JSON for machines, with a "
            "schema; model-index: YAML for the front matter of a card.",
        ),
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(
            "--card", metavar="CARD", help="Judge this card's claims, as they are now; else the verdicts on record."
        ),
    ] = None,
    use: o.UseOption = None,
    runs: o.RunsOption = None,
    as_json: o.JsonOption = False,
) -> None:
    """Report runs: a summary on the terminal, or all of it as one HTML file that needs nothing else.

    The page shows verdicts, figures, scores by question type and length, every question with what was answered, the
    recipe with the origin of every value, findings in the card, and the evidence. Data that the package does not embed
    are given with --use, e.g. --use squad_v2=dev-v2.0.json; nothing is fetched.
    """
    chosen = _chosen(output, as_format, as_json)
    uses = o.parse_uses(use)
    paths = [o.run_path(text, runs) for text in run]
    if as_json or chosen is FormatChoice.MD:
        if card is not None:
            raise typer.BadParameter(
                "--card goes with a page, a summary or results; here, use harness compare CARD RUN"
            )
        _write_record(paths, output, uses=bool(uses), as_json=as_json)
        return
    from harness.evidence import open_card
    from harness.report.gather import gather_report
    from harness.store import load_run

    records = [load_run(path) for path in paths]
    opened = None if card is None else open_card(card, reading=records[0].recipe.reading)
    data = gather_report(paths, uses, opened)
    if chosen in (FormatChoice.RESULTS, FormatChoice.MODEL_INDEX):
        emit(_for_machines(data, records, index=chosen is FormatChoice.MODEL_INDEX), output)
        return
    if output is None:
        from harness.cli.report_text import print_summary

        print_summary(data, uses, card)
        return
    from harness.report.page import render_page
    from harness.report.plots import draw_all

    drawn = draw_all(data)
    data = replace(data, notes=(*data.notes, *drawn.notes))
    emit(render_page(data, drawn.plots), output)
    _note_gaps(data)


def _chosen(output: Path | None, as_format: FormatChoice | None, as_json: bool) -> FormatChoice:
    """The format that is asked for; a usage error where it cannot be known or written."""
    if as_json and (output is not None or as_format is not None):
        raise typer.BadParameter("--json prints records on stdout: leave out -o and --format")
    if output is None:
        if as_format is FormatChoice.HTML:
            raise typer.BadParameter("--format html is written to a file: name it with -o FILE")
        return as_format or FormatChoice.TEXT
    known = _SUFFIXES.get(output.suffix.lower())
    if as_format is FormatChoice.TEXT:
        raise typer.BadParameter("--format text is for the terminal: leave out -o, or give it an .html or .md file")
    if as_format is None and known is None:
        raise typer.BadParameter(f"-o {output}: expected a name that ends in .html, .md or .json, or --format")
    return as_format or FormatChoice(known)


def _write_record(paths: list[Path], output: Path | None, *, uses: bool, as_json: bool) -> None:
    """Records as JSON on stdout, or the Markdown report of one."""
    from harness.per_question import load_intact

    what = "--json prints records" if as_json else "the Markdown report"
    if uses:
        raise typer.BadParameter(f"--use: {what} shows no questions; leave it out, or write a page with -o FILE.html")
    if not as_json and len(paths) > 1:
        raise typer.BadParameter(f"{what} is of one run; write a page of several with -o FILE.html")
    records = [load_intact(path) for path in paths]
    if as_json:
        print_json(records[0] if len(records) == 1 else records)
        return
    from harness.render import render_report

    emit(render_report(records[0]), output)


def _for_machines(data: ReportData, runs: list[Run], *, index: bool) -> str:
    """Results as JSON, or the ``model-index`` alone as YAML; `runs` are as recorded."""
    import json

    from harness.render.escape import as_yaml
    from harness.results import describe_results, results_index

    if index:
        name = runs[0].card_name if data.card is None else data.card.name
        return as_yaml({"model-index": results_index(name, runs)}) + "\n"
    result = describe_results(data.card, runs, data.runs[0].run.comparisons)
    return json.dumps(result, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _note_gaps(data: ReportData) -> None:
    """What the page lacks, and how to have it."""
    for one in data.runs:
        for text in one.notes:
            note(f"note: {one.run.id}: {text}" if len(data.runs) > 1 else f"note: {text}")
    for text in data.notes:
        note(f"note: {text}")
