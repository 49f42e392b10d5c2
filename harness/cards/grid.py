"""A table as labels and columns of figures: header rows joined, and what only all headers together tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from harness import names
from harness.cards.about import Around
from harness.cards.blocks import Span, Table
from harness.cards.figures import find_digits, find_several
from harness.cards.labels import (
    CHANGED,
    COST,
    DATA_NAME,
    Label,
    as_metrics,
    data_name,
    is_part,
    own_rows,
    plain,
    read_label,
)

_OFFICIAL = re.compile(r"\b(?:official|papers?|authors?|published|reported|leaderboard)\b", re.I)
_DATA_ID = re.compile(r"[a-z]+[-_](?:dev|test|val\w*|train|[a-z]{2})")
_COUNTED = r"questions?|examples?|samples?|documents?|sentences?|tokens?|steps?|epochs?|iterations?|no\.?|year"
_CONDITION = re.compile(rf"(?=.*\b(?:{_COUNTED})\b)(?!.*\b(?:number|count|per|train\w*|avg|average|total)\b).*", re.I)
"""Headers of what may be counted or may be a kind of question; beside rows of exact match or F1 the latter."""
BENCHMARK = re.compile(
    r"(?:MNLI|QQP|QNLI|SST-?2|CoLA|STS-?B|MRPC|RTE|WNLI|BoolQ|MMLU|Hella ?Swag|ARC\b|AI2 Reasoning|TruthfulQA"
    r"|Wino[Gg]rande"
    r"|GSM-?8K|HumanEval|MBPP|PIQA|SIQA|OpenBookQA|XNLI|ANLI|COPA|LAMBADA|IFEval|BBH|GPQA|MATH\b|MT-?Bench"
    r"|AlpacaEval|GLUE|SuperGLUE)"
)


@dataclass(slots=True)
class Grid:
    headers: list[Label]
    rows: list[list[Span]]
    raw_headers: list[str]
    value_columns: list[int] = field(default_factory=list)
    label_columns: list[int] = field(default_factory=list)
    names_metrics: bool = False
    """Some header or row label names a metric: then nothing is a metric only by the text before."""


def make_grid(table: Table, around: Around) -> Grid:
    header, rows = list(table.header), [list(row) for row in table.rows]
    if any(find_digits(cell.text) for cell in header) and any(names.metric_mentions(plain(c.text)) for c in header):
        rows, header = [header, *rows], [Span("", cell.start) for cell in header]
    texts = [plain(cell.text).lstrip("# ") if not re.match(r"#\s*$", cell.text) else "#" for cell in header]
    above: list[str] = []
    if rows and _is_header(rows[0], texts):
        below = [plain(cell.text).lstrip("# ") for cell in rows[0]]
        above, texts = _continued(texts, len(below)), below
        rows = rows[1:]
    rows = [row for row in rows if any(cell.text.strip(" -:") for cell in row)]
    headers = [read_label(text, around) for text in texts]
    if above:
        headers = [_under(label, read_label(text, around), around) for label, text in zip(headers, above, strict=False)]
    headers = _with_columns(headers, rows, around)
    grid = Grid(headers, rows, [cell.text for cell in header])
    first = [names.metric_mentions(plain(row[0].text)) for row in rows if row]
    of_scores = any(mention.name in names.SCORES for mentions in first for mention in mentions)
    for number, label in enumerate(headers):
        cells = [
            row[number].text for row in rows if number < len(row) and plain(row[number].text).strip(" -–—xX/?.\\|")
        ]
        figures = [cell for cell in cells if _is_figure(cell, max(1, len(label.metrics)), around)]
        if figures and 2 * len(figures) >= len(cells) and (number or label.metrics or is_part(label)):
            if is_part(label) and _are_counts(label, figures):
                continue
            if label.metrics or is_part(label) or not COST.search(label.text):
                grid.value_columns.append(number)
            elif of_scores and _CONDITION.fullmatch(label.text) and not _are_whole(figures):
                headers[number] = replace(label, sure=False)
                grid.value_columns.append(number)
        elif not label.metrics:
            grid.label_columns.append(number)
    grid.names_metrics = any(label.metrics for label in headers) or any(
        names.metric_mentions(plain(row[column].text))
        for row in rows
        for column in grid.label_columns
        if column < len(row)
    )
    return grid


def _with_columns(headers: Sequence[Label], rows: Sequence[Sequence[Span]], around: Around) -> list[Label]:
    """Headers with what only the whole row of them tells: unknown metrics beside known ones, models, data sets."""
    if any(label.metrics for label in headers):
        return as_metrics(headers)
    split = any(is_part(label) and label.subset != "all" for label in headers)
    plain_headers = [
        label
        for label in headers[1:]
        if label.text
        and not label.kind
        and label.data is None
        and not (is_part(label) and (split or label.subset != "all"))
        and not COST.search(label.text)
    ]
    if not plain_headers:
        return list(headers)
    of_metrics = headers[0].kind == "metric" or any(names.metric_mentions(plain(row[0].text)) for row in rows if row)
    if sum(bool(BENCHMARK.match(label.text)) for label in plain_headers) * 2 > len(plain_headers):
        return [replace(label, kind="data") if label in plain_headers else label for label in headers]
    looks_like_data = [
        label for label in plain_headers if DATA_NAME.search(label.text) or _DATA_ID.fullmatch(label.text)
    ]
    models = any(label.own is not None for label in headers[1:]) or (headers[0].kind == "data" and not of_metrics)
    changed = any(CHANGED.match(label.text) for label in plain_headers)
    of_data = (headers[0].kind == "model" or of_metrics) and not models and not changed
    if of_data and looks_like_data and len(looks_like_data) >= len(plain_headers) - 1:
        return [replace(label, kind="data") if label in plain_headers else label for label in headers]
    if models or changed:
        chosen = own_rows(plain_headers, False, around)
        if not chosen:
            chosen = [label for label in plain_headers if label.own is None and not _OFFICIAL.search(label.text)]
            chosen = chosen if len(chosen) == 1 or any(CHANGED.match(label.text) for label in chosen) else []
        return [replace(label, own=label in chosen) if label in plain_headers else label for label in headers]
    return [
        replace(label, own=False) if label in plain_headers and _OFFICIAL.search(label.text) else label
        for label in headers
    ]


def _are_counts(label: Label, figures: Sequence[str]) -> bool:
    """Whether a column of a part of the questions says how many they are."""
    large = any((found := find_digits(text)) and float(found[0]) > 100 for text in figures)
    return _are_whole(figures) and ("question" in label.text.casefold() or large)


def _are_whole(figures: Sequence[str]) -> bool:
    return all((found := find_digits(text)) is not None and found[0].isdigit() for text in figures)


def _is_figure(text: str, metrics: int, around: Around) -> bool:
    counts = {1, metrics, len(around.metrics) or 1}
    return find_digits(text) is not None or any(n > 1 and find_several(text, n) for n in (*counts, 2))


def _is_header(row: Sequence[Span], texts: Sequence[str]) -> bool:
    """Whether the first row continues the header: it names metrics and holds no figure."""
    cells = [plain(cell.text) for cell in row]
    named = [cell for cell in cells if names.metric_mentions(cell)]
    others = [cell for cell in cells[1:] if cell and cell not in named]
    metric_above = any(names.metric_mentions(text) for text in texts)
    return len(named) >= 1 and not others and not metric_above and not any(find_digits(cell.text) for cell in row)


def _continued(above: Sequence[str], count: int) -> list[str]:
    """The upper of two header rows: an empty cell continues the one before it."""
    texts, last = [], ""
    for number in range(count):
        text = above[number] if number < len(above) else ""
        last = text or (last if number else "")
        texts.append(last)
    return texts


def _under(label: Label, upper: Label, around: Around) -> Label:
    """A header below another: what it does not name the upper one does; an unknown name above metrics is a data set."""
    data = label.data or upper.data
    own = label.own if label.own is not None else upper.own
    if data is None and own is None and upper.rest and upper.subset is None and not upper.kind:
        data = around.data_names.called(data_name(upper.text), upper.split)
    metrics = label.metrics or upper.metrics
    return replace(
        label, metrics=metrics, data=data, own=own, split=label.split or upper.split,
        subset=label.subset or upper.subset,
        text=f"{upper.text} {label.text}".strip(),
    )  # fmt: skip
