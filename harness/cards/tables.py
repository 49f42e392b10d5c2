"""Figures of tables: which cell is a result, of which metric, data set and model.

A table says this with its headers, its row labels and the text before it, in any orientation; a cell takes its
column's word before its row's, and its row's before the text's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from harness import names
from harness.cards.about import Around
from harness.cards.blocks import Span, Table
from harness.cards.figures import Figure, find_digits, find_several
from harness.cards.grid import BENCHMARK, Grid, make_grid
from harness.cards.labels import AVERAGES, COST, UNKNOWN_METRIC, Label, data_name, is_part, own_rows, plain, read_label
from harness.cards.logs import is_log, log_figures
from harness.names import MetricMention
from harness.records import DataRef, Subset

_SPREAD = re.compile(
    r"(?:std|st\.? ?dev|stdev|standard deviation|variance|delta|diff\w*|improvement|gain|change|relative)\b", re.I
)
_AVERAGE = re.compile(r"(?P<kind>macro|micro|weighted)[ -]?(?:avg|average)?\.?", re.I)
_PARAMETER = re.compile(
    r"(?:random )?seeds?|temperature|thresholds?|k|n|runs?|folds?|lr|learning rate|batch(?: size)?|alpha|beta|lambda"
    r"|max(?:imum)? ?(?:seq(?:uence)?)? ?len(?:gth)?|doc ?stride|epochs?|steps?|iterations?",
    re.I,
)


def table_figures(table: Table, around: Around) -> list[Figure]:
    """The results in a table; a training log gives those of the published checkpoint only."""
    grid = make_grid(table, around)
    if not grid.value_columns:
        return []
    if is_log(grid):
        return log_figures(grid, around)
    labels = [_row_labels(row, grid, around) for row in grid.rows]
    labels = _with_parts(_with_models(grid, labels, around))
    figures: list[Figure] = []
    for row, row_labels in zip(grid.rows, labels, strict=True):
        if row_labels is not None:
            for column in grid.value_columns:
                if column < len(row):
                    figures += _cell_figures(row[column], grid.headers[column], row_labels, grid, around)
    return figures


def _row_labels(row: Sequence[Span], grid: Grid, around: Around) -> list[Label] | None:
    """What the row's other cells name; None where the row is one of a series over a parameter."""
    labels = []
    if any(_SPREAD.match(plain(row[column].text)) for column in grid.label_columns[:1] if column < len(row)):
        return None
    for column in grid.label_columns:
        cell = row[column].text if column < len(row) else ""
        header = grid.headers[column]
        kind = header.kind if header.text else ""
        text = plain(cell)
        if not text:
            continue
        if find_digits(cell) and kind == "data" and "squad" in header.text.casefold():
            text = f"SQuAD {text}"
        elif find_digits(cell) and not names.metric_mentions(text):
            if len(grid.rows) > 1 and _PARAMETER.fullmatch(header.text):
                return None
            continue
        label = read_label(text, around)
        own = True if around.names.is_own(cell) else label.own
        if kind in ("config", "split", "metric"):
            own = None
        labels.append(replace(label, own=own, kind=kind))
    if grid.label_columns and not labels and _PARAMETER.fullmatch(grid.headers[grid.label_columns[0]].text):
        return None
    return labels


def _with_models(grid: Grid, labels: list[list[Label] | None], around: Around) -> list[list[Label] | None]:
    """Settle which rows are the card's model: in a column of models exactly the ones most like its name are."""
    for position in range(max((len(row) for row in labels if row), default=0)):
        column = [row[position] if row and position < len(row) else None for row in labels]
        present = [label for label in column if label is not None and not label.metrics]
        if not present or present[0].kind in ("config", "split", "metric"):
            continue
        if present[0].kind in ("data", "value") and not any(label.own for label in present):
            continue
        models = present[0].kind == "model" or any(label.own is not None for label in present)
        if not models:
            continue
        named = [label for label in present if label.own is not None or label.subset is None]
        chosen = own_rows(named, present[0].kind == "model", around)
        for number, label in enumerate(column):
            row = labels[number]
            if label is not None and row is not None and label in named:
                row[position] = replace(label, own=label in chosen)
    return labels


def _with_parts(labels: list[list[Label] | None]) -> list[list[Label] | None]:
    """Rows of all questions beside rows of a part of them, which are no averages over data sets."""
    for position in range(max((len(row) for row in labels if row), default=0)):
        column = [row[position] for row in labels if row and position < len(row)]
        if any(is_part(label) and label.subset != "all" for label in column):
            for row in labels:
                if row and position < len(row) and row[position].subset == "all":
                    row[position] = replace(row[position], kind="")
    return labels


def _cell_figures(cell: Span, column: Label, row: Sequence[Label], grid: Grid, around: Around) -> list[Figure]:
    row_metrics = next((label.metrics for label in row if label.metrics), ())
    metrics, confidence = column.metrics, 0.95
    if not metrics or (len(metrics) == 1 and len(row_metrics) > 1):
        metrics = row_metrics or metrics
    if not metrics and not grid.names_metrics and not any(label.kind == "metric" for label in row):
        metrics, confidence = (around.metrics, 0.8) if re.search(r"\d[.,]\d|%", cell.text) else ((), 0.0)
    if not metrics and (written := _written_metric(column, row, grid)):
        metrics, confidence = (MetricMention(written, "all", 0, 0),), 0.5
    if not metrics:
        return []
    values = find_several(cell.text, len(metrics)) if len(metrics) > 1 else []
    if not values and (single := find_digits(cell.text)) is not None:
        values, metrics = [single], metrics[:1] if len(metrics) == 1 or not column.metrics else ()
    elif not values and len(metrics) == 1 and (values := find_several(cell.text, 2)):
        metrics, confidence = metrics * 2, 0.5
    subset = _subset((column, *row)) or around.subset
    confidence = confidence if column.sure else min(confidence, 0.5)
    own = _is_own(column, row, around, cell.text)
    data, sure = _data(column, row, around) if column.sure or column.metrics else (None, False)
    figures = []
    for mention, (digits, percent, offset) in zip(metrics, values, strict=False):
        if not digits:
            continue
        mention = _averaged(mention, row)
        chosen = mention.subset if mention.subset != "all" else subset or "all"
        start = cell.start + offset
        figures.append(
            Figure(
                mention.name, chosen, digits, percent, start, start + len(digits), data,
                own=own, confidence=confidence if sure else min(confidence, 0.7),
            )
        )  # fmt: skip
    return figures


def _subset(labels: Sequence[Label]) -> Subset | None:
    """The subset that the labels of a cell name; one of all questions says least."""
    named = [label.subset for label in labels if label.subset]
    return next((subset for subset in named if subset != "all"), named[0] if named else None)


def _averaged(mention: MetricMention, row: Sequence[Label]) -> MetricMention:
    """The metric in a row of averages, or of accuracy, of a classification report."""
    for label in row:
        if (average := _AVERAGE.fullmatch(label.text)) and mention.name in ("f1", "precision", "recall"):
            return replace(mention, name=f"{mention.name}_{average['kind'].casefold()}")
        if label.metrics and label.metrics[0].name == "accuracy" and mention.name in ("f1", "precision", "recall"):
            return replace(mention, name="accuracy")
    return mention


def _written_metric(column: Label, row: Sequence[Label], grid: Grid) -> str | None:
    """A metric that is not known, by the name in the card.

    In a column of metrics beside one of values; at the head of the only column of figures beside a column of models; or
    just a score, where rows or columns are benchmarks.
    """
    if grid.names_metrics and not any(label.kind == "metric" for label in row):
        return None
    of_models = any(label.own is not None for label in row)
    benchmark = next((label for label in (column, *row) if BENCHMARK.match(label.text)), None)
    if benchmark is not None and not any(label.kind == "metric" for label in row):
        return "score"
    if (
        of_models
        and len(grid.value_columns) == 1
        and (re.fullmatch(r"[A-Z][A-Za-z0-9@-]{1,11}", column.text) or UNKNOWN_METRIC.fullmatch(column.text))
        and column.data is None
    ):
        return column.text
    for label in row:
        titled = label.kind == "metric" or (label.kind == "value" and column.kind == "value")
        if titled and names.is_result(label.text) and not COST.search(label.text):
            return label.text
    return None


def _is_own(column: Label, row: Sequence[Label], around: Around, cell: str) -> bool:
    verdicts = [label.own for label in (column, *row) if label.own is not None]
    if re.search(r"\((?:this|ours?|this (?:model|one|card|version))\)", cell, re.I):
        return True
    if verdicts:
        return all(verdicts)
    return not around.others


def _data(column: Label, row: Sequence[Label], around: Around) -> tuple[DataRef | None, bool]:
    """Data set of a cell, and whether it was named with it and not taken from afar."""
    data: DataRef | None = None
    split = config = ""
    for label in (*row, column):
        if label.data is not None:
            data = label.data
        elif label.kind == "data" and AVERAGES.fullmatch(label.text):
            return None, True
        elif label.kind == "data" and label.rest and label.own is None and not label.metrics:
            data = around.data_names.called(data_name(label.text), label.split)
        elif label.kind == "config" and label.rest and label.own is None:
            config = label.text
        if label.split:
            split = label.split
    if data is None and column.kind == "data" and AVERAGES.fullmatch(column.text):
        return None, True
    if data is None and column.kind == "data":
        data = around.data_names.called(data_name(column.text))
    sure = data is not None or around.data is not None
    data = around.data if data is None else data if split else around.with_split(around.completed(data))
    if data is not None and split and data.split.partition("[")[0] != split:
        data = replace(data, split=split)
    if data is not None and config:
        data = replace(data, config=around.config(data.name, config))
    return data, sure
