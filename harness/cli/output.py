"""What commands print: tables and JSON on stdout, progress on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.progress import Progress
from harness.records import CLOSE, Comparison, Finding, Run, to_json
from harness.visible import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

_PLAIN_WIDTH = 160
_VERDICTS_WIDTH = 140
_COLOURS = {
    "matches": "green",
    "within_tolerance": "green",
    "inconclusive": "yellow",
    "not_comparable": "yellow",
    "unchecked": "yellow",
    "differs": "red",
    "error": "red",
    "warning": "yellow",
    "pass": "green",
    "note": "yellow",
    "fail": "red",
}
_SECONDS_BETWEEN_LINES = 10.0


def print_json(value: Any) -> None:
    """A record, or a list of records, as JSON."""
    text = json.dumps(to_json(value), indent=2, ensure_ascii=True, default=str, allow_nan=False)
    sys.stdout.write(text + "\n")


def print_line(text: str) -> None:
    """One line on stdout."""
    sys.stdout.write(visible(text) + "\n")


def note(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(visible(text) + "\n")


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None) -> None:
    """A table on stdout; title, headings and cells are plain text, never markup."""
    from rich.table import Table
    from rich.text import Text

    shown = None if title is None else Text(visible(title))
    table = Table(title=shown, title_justify="left", highlight=False)
    for heading in headings:
        table.add_column(Text(visible(heading)), overflow="fold")  # a cut name or figure would be another one
    for row in rows:
        table.add_row(*(Text(visible(cell), style=_COLOURS.get(cell, "")) for cell in row))
    _console().print(table)


def print_findings(findings: Sequence[Finding]) -> None:
    """Findings, one row each."""
    rows = [(f.severity, f.code, "" if f.line is None else str(f.line), f.message) for f in findings]
    print_table(("severity", "code", "line", "message"), rows)


def print_comparisons(comparisons: Sequence[Comparison]) -> None:
    """The verdict table; on a narrow terminal fewer columns, and the rest beneath."""
    if not comparisons:
        return
    if _console().width < _VERDICTS_WIDTH:
        _print_comparisons_narrow(comparisons)
        return
    rows = []
    for c in comparisons:
        claim = c.claim
        rows.append(
            (
                f"{claim.metric}[{claim.subset}]",
                "" if claim.data is None else str(claim.data),
                f"{claim.origin}:{claim.place.line}",
                claim.digits,
                "" if c.reproduced is None else f"{c.reproduced:.4f}",
                "" if c.difference is None else f"{c.difference:+z.4f}",
                "" if c.tolerance is None else f"{c.tolerance.within:g}",
                c.state,
                c.reason,
            )
        )
    headings = ("claim", "data", "place", "reported", "reproduced", "difference", "tolerance", "verdict", "reason")
    print_table(headings, rows)


def _print_comparisons_narrow(comparisons: Sequence[Comparison]) -> None:
    rows = [
        (
            f"{c.claim.metric}[{c.claim.subset}]",
            c.claim.digits,
            "" if c.reproduced is None else f"{c.reproduced:.4f}",
            c.state,
        )
        for c in comparisons
    ]
    print_table(("claim", "reported", "reproduced", "verdict"), rows)
    for c in comparisons:
        if c.state == "matches":
            continue
        on = "" if c.claim.data is None else f" on {c.claim.data}"
        reason = f": {c.reason}" if c.reason else ""
        print_line(f"{c.claim.origin}:{c.claim.place.line} {c.claim.metric}[{c.claim.subset}]{on}{reason}")


def print_scores(record: Run) -> None:
    """A run's figures in tables; what of them is to be known beside, on stderr."""
    rows = [
        (name, f"{value:.0f}" if name.endswith("total") else f"{value:.4f}") for name, value in record.scores.items()
    ]
    print_table(("score", "value"), rows, title=str(record.evaluated.ref) if record.evaluated else None)
    if record.by_kind:
        kinds = [(kind, f"{v['exact']:.2f}", f"{v['f1']:.2f}", f"{v['total']:g}") for kind, v in record.by_kind.items()]
        print_table(("kind of question", "exact", "f1", "questions"), kinds)
    if "NoAns_total" in record.scores:
        always = 100.0 * record.scores["NoAns_total"] / record.scores["total"]
        note(f'always answering "no answer" scores exact {always:.4f}')
    note(f"signature: {record.signature}")
    computed = record.computed
    if computed is not None and computed.close_calls:
        note(
            f"{computed.close_calls} answers hang on less than {CLOSE:g} logit units: "
            "another batch, thread count or machine may give others"
        )
    for warning in record.warnings:
        note(f"warning: {warning}")


def print_spread(records: Sequence[Run]) -> None:
    """How far the figures of several seeds spread, with the interval in which one more would fall."""
    from harness.verdict import HALF_WIDTH, pool_seeds
    from harness.verdict.recipes import count_seeds

    if len(records) < 2:
        return
    rows = []
    for key in records[0].scores:
        values = [record.scores[key] for record in records if key in record.scores]
        if key.endswith("total") or len(values) < len(records):
            continue
        pooled = pool_seeds(values, HALF_WIDTH)
        rows.append((key, f"{pooled.mean:.4f}", f"{pooled.deviation:.4f}", f"{pooled.half_95:.4f}"))
    print_table(
        ("score", "mean", "standard deviation", "half of the 95 % interval"),
        rows,
        title=count_seeds([record.recipe for record in records]),
    )


def emit(text: str, output: Path | None) -> None:
    """Write a document to stdout, or whole to a file."""
    if output is None:
        sys.stdout.write(text)
        return
    from harness.store import write_text

    write_text(output, text)
    note(f"wrote {output}")


@contextmanager
def showing_progress() -> Iterator[Progress]:
    """A `Progress` that shows bars on a terminal, and a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int, text: str) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(visible(what), total=total, note="")
            bars.update(tasks[what], completed=done, total=total, note=visible(text))

        yield show


def _lines() -> Progress:
    last: dict[str, float] = {}

    def show(what: str, done: int, total: int, text: str) -> None:
        now = time.monotonic()
        if done >= total or now - last.get(what, -_SECONDS_BETWEEN_LINES) >= _SECONDS_BETWEEN_LINES:
            last[what] = now
            note(f"{what}: {done}/{total} {text}".rstrip())

    return show


def _console() -> Console:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH, highlight=False)
