"""Claims in the body: the metrics block and the results table."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from harness import names
from harness.cards.about import Around
from harness.cards.blocks import Block, Fence, Heading, Prose, Span, Table
from harness.cards.figures import NUMBER, Figure, find_digits, to_claims
from harness.cards.source import Source
from harness.records import Claim, DataRef, Setting, Subset

_LANGUAGES = frozenset({"", "json", "text", "txt", "plaintext", "yaml", "yml"})
# What follows the figure must end it: no second figure, no decimal comma, no formula. What precedes the key must not
# be part of it: another key before a slash, or a word that says whose figure it is.
_ENTRY = re.compile(
    rf"""(?<![\w./-])(?<![A-Za-z][ \t])(?P<quote>["']?)(?P<key>[A-Za-z_]\w{{0,60}})(?P=quote)\s*[:=]\s*["']?
        (?P<digits>{NUMBER})\s*(?P<percent>%?)(?=["']?\s*(?:$|,(?!\d)|[;|)}}\]\#(±"'A-Za-z_]|\+/-))(?![\w.]*\w)""",
    re.VERBOSE,
)
_VALUE_HEADERS = frozenset(
    {"", "value", "score", "result", "results", "reported", "figure", "percent", "percentage", "points"}
)
_LOG_HEADER = re.compile(r"(?:train\w*|val\w*|eval\w*)[ _]loss|(?:global[ _])?steps?|epoch|iterations?", re.I)


def is_metrics(fence: Fence) -> bool:
    """Whether a fenced block prints scores: some line gives exact match or F1 a figure."""
    return (
        fence.language in _LANGUAGES
        and not fence.is_program()
        and any(names.is_score(match["key"]) for line in fence.lines for match in _ENTRY.finditer(line.text))
    )


def read_claims(
    blocks: Sequence[Block], source: Source, model: str, settings: Sequence[Setting], known: Sequence[DataRef]
) -> list[Claim]:
    """The claims of metrics blocks and tables, in order; see `about` for what each is about.

    Args:
        blocks: The body.
        source: The card.
        model: The card's model.
        settings: Everything that the card states.
        known: The data sets of the front matter.
    """
    around = Around(model, settings, known)
    claims: list[Claim] = []
    for block in blocks:
        if isinstance(block, (Heading, Prose)):
            around.read(block)
        elif isinstance(block, Table):
            claims += to_claims(_consistent(_table_figures(block, around), around), "table", source)
        elif is_metrics(block) and not around.others:
            claims += to_claims(_consistent(_fence_figures(block, around.data), around), "code", source)
    return claims


def _consistent(figures: Sequence[Figure], around: Around) -> list[Figure]:
    """The figures without those that say different things of the same: what tells them apart was not understood."""
    if around.subset is not None:
        figures = [dataclasses.replace(f, subset=around.subset) if f.subset == "all" else f for f in figures]
    values: dict[object, set[float]] = {}
    for figure in figures:
        values.setdefault((figure.metric, figure.subset, figure.data), set()).add(float(figure.digits))
    return [figure for figure in figures if len(values[figure.metric, figure.subset, figure.data]) == 1]


def _fence_figures(fence: Fence, data: DataRef | None) -> list[Figure]:
    figures = []
    for line in fence.lines:
        for match in _ENTRY.finditer(line.text):
            metric, subset = names.metric_name(match["key"])
            if not names.is_result(match["key"]):
                continue
            if find_digits(match["digits"]) is None:  # overflows
                continue
            start, end = line.start + match.start("digits"), line.start + match.end("digits")
            figures.append(Figure(metric, subset, match["digits"], bool(match["percent"]), start, end, data))
    return figures


def _plain(text: str) -> str:
    """Cell text without emphasis, code marks and a link's address."""
    text = re.sub(r"\[([^\]\[]{1,200})\]\([^()\s]{0,300}\)", r"\1", text)
    return re.sub(r"[*`]|(?<!\w)_+|_+(?!\w)", "", text).strip()


def _table_figures(table: Table, around: Around) -> list[Figure]:
    header = [_plain(cell.text) for cell in table.header]
    if any(_LOG_HEADER.fullmatch(text) for text in header):  # rows are checkpoints, not the model
        return []
    columns = [number for number, text in enumerate(header) if names.is_score(text)]
    figures = []
    for row in table.rows:
        if columns:
            others = [(h, c.text) for n, (h, c) in enumerate(zip(header, row, strict=False)) if n not in columns]
            cells = [(header[n], row[n]) for n in columns if n < len(row)]
        else:
            label = _plain(row[0].text) if row else ""
            if not names.is_score(label):
                continue
            values = _value_columns(header, row, around)
            others = [(header[n], row[n].text) for n in range(1, min(len(row), len(header))) if n not in values]
            others += [("version", header[n]) for n in values if not _is_value_header(header[n])]
            cells = [(label, row[n]) for n in values]
        context = _context(others, around)
        if context is not None:
            figures += _row_figures(cells, *context)
    return figures


def _is_value_header(text: str) -> bool:
    return re.sub(r"[^a-z]", "", text.casefold()) in _VALUE_HEADERS and not re.search(r"\d", text)


def _value_columns(header: Sequence[str], row: Sequence[Span], around: Around) -> list[int]:
    """The column with the card's own figure: the only one with figures, else the one that is titled so."""
    numeric = [n for n in range(1, min(len(row), len(header))) if find_digits(row[n].text)]
    own = [n for n in numeric if around.is_own(header[n])]
    titled = [n for n in numeric if _is_value_header(header[n])]
    return own[:1] or titled[:1] or (numeric if len(numeric) == 1 else [])


def _row_figures(cells: Sequence[tuple[str, Span]], data: DataRef | None, subset: Subset | None) -> list[Figure]:
    figures = []
    for label, cell in cells:
        found = find_digits(cell.text)
        if found:
            digits, percent, offset = found
            metric, own_subset = names.metric_name(label)
            start = cell.start + offset
            chosen = own_subset if own_subset != "all" or subset is None else subset
            figures.append(Figure(metric, chosen, digits, percent, start, start + len(digits), data))
    return figures


def _context(cells: Sequence[tuple[str, str]], around: Around) -> tuple[DataRef | None, Subset | None] | None:
    """Data set and subset of a row, by the other cells in it; None where the row is about something else."""
    data: DataRef | None = None
    subset: Subset | None = None
    split = ""
    own = False
    for header, cell in cells:
        text = _plain(cell)
        if not text or find_digits(text):
            if text and re.search("data|squad|version", header, re.I):
                return None
        elif (ref := around.one_data_set(text)) is not None:
            data = ref
        elif (part := names.subset_name(text)) is not None:
            subset = part
        elif names.split_name(text) in ("train", "validation", "test") or header.casefold() == "split":
            split = names.split_name(text)
        elif around.is_own(text):
            own = True
        else:
            return None
    if around.others and not own:
        return None
    data = around.data if data is None else data if split else around.completed(data)
    if data is not None and split and data.split.partition("[")[0] != split:
        data = dataclasses.replace(data, split=split)
    return data, subset
