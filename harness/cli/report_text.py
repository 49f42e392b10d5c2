"""A report on the terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

from harness.cli.output import note, print_line, print_table
from harness.report.data import ReportData
from harness.visible import visible

_WIDEST = 80
_INDENT = 2
_NARROWEST = 20


def print_summary(data: ReportData, uses: Mapping[str, Path] | None = None, card: Path | None = None) -> None:
    """The first run in short on stdout, and how others differ from it; what is to be known beside, on stderr.

    Args:
        data: The runs.
        uses: What ``--use`` gave for it.
        card: What ``--card`` gave.
    """
    from harness.report.summary import summarize_run

    summary = summarize_run(data, uses, card)
    _print_text(summary.heading)
    _print_text(summary.sentence)
    for table in summary.tables:
        print_line("")
        print_table(table.headings, table.rows, title=table.title)
        for text in table.below:
            _print_text(text)
    print_line("")
    print_line("recipe")
    for text in summary.recipe:
        _print_text(text, _INDENT)
    print_line("")
    for name, text in summary.evidence:
        _print_text(f"{name}: {text}")
    for text in summary.more:
        print_line(text)  # a command in one piece can be copied
    for text in summary.notes:
        note(text)


def _print_text(text: str, indent: int = 0) -> None:
    """Text in lines of at most 80 columns, and on a narrower terminal of as many as it has."""
    shown = " " * indent + visible(text)
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDEST
    width = max(min(columns, _WIDEST), _NARROWEST)
    for line in textwrap.wrap(shown, width, subsequent_indent=" " * (indent + _INDENT), break_on_hyphens=False):
        print_line(line)
