"""Claims in the body: the metrics block, the results table, and the data set that the text around them names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness import names
from harness.cards.blocks import Block, Fence, Heading, Prose, Span, Table
from harness.cards.figures import NUMBER, Figure, find_digits, to_claims
from harness.cards.source import Source
from harness.records import Claim, DataRef, Setting, Subset

_LANGUAGES = frozenset({"", "json", "text", "txt", "plaintext", "yaml", "yml"})
_ENTRY = re.compile(
    rf"""(?<![\w.-])(?P<quote>["']?)(?P<key>[A-Za-z_]\w{{0,60}})(?P=quote)\s*[:=]\s*["']?
        (?P<digits>{NUMBER})\s*(?P<percent>%?)(?![\w.]*\w)""",
    re.VERBOSE,
)
_NOT_SCORES = re.compile(r".*(?:total|thresh|samples|runtime|per_second|epoch|steps?)", re.I)
_VALUE_HEADERS = frozenset({"value", "score", "result", "results", "reported", "figure"})
_EVALUATED = re.compile(r"\b(?:evaluat\w+|tested|results?|performance|scores?)\b[^.]{0,60}$", re.I)


@dataclass(slots=True)
class _Section:
    level: int
    named: list[DataRef] = field(default_factory=list)
    """Data sets named by the latest of its texts that names any."""


def is_metrics(fence: Fence) -> bool:
    """Whether a fenced block prints scores: some line gives exact match or F1 a figure."""
    return fence.language in _LANGUAGES and any(
        names.is_score(match["key"]) for line in fence.lines for match in _ENTRY.finditer(line.text)
    )


def read_claims(
    blocks: Sequence[Block], source: Source, model: str, settings: Sequence[Setting], known: Sequence[DataRef]
) -> list[Claim]:
    """The claims of metrics blocks and tables, in order.

    A claim is about the data set that its row names, else the one that the text before it in its section names (or
    in the section around that, but not under the card's title), else the one of the ``Eval data`` line, else of an
    ``eval_data`` setting, else the only one in `known` (the front matter's).
    """
    default = _default_data(settings, known)
    claims: list[Claim] = []
    sections = [_Section(0)]
    for block in blocks:
        if isinstance(block, Heading):
            sections = [section for section in sections if 0 < section.level < block.level]
            sections.append(_Section(block.level, _named_data(block.text)))
        elif isinstance(block, Prose):
            section = sections[-1]
            section.named = _named_data("\n".join(line.text for line in block.lines)) or section.named
        elif isinstance(block, Table):
            figures = _table_figures(block, model, _section_data(sections, default))
            claims += to_claims(figures, "table", source)
        elif is_metrics(block):
            figures = _fence_figures(block, _section_data(sections, default))
            claims += to_claims(figures, "code", source)
    return claims


def _default_data(settings: Sequence[Setting], known: Sequence[DataRef]) -> DataRef | None:
    stated = [setting for setting in settings if setting.name == "eval_data"]
    for setting in sorted(stated, key=lambda s: s.block is not None):
        if (ref := _one_data_set(setting.text)) is not None:
            return ref
    return known[0] if len(known) == 1 else None


def _one_data_set(text: str) -> DataRef | None:
    try:
        return names.canonical_data(DataRef.parse(text))
    except ValueError:
        refs = {mention.ref for mention in names.data_mentions(text)}
        return names.data_phrase(text) or (refs.pop() if len(refs) == 1 else None)


def _named_data(text: str) -> list[DataRef]:
    """The data sets that a text names; where they are several, only those that it says something was evaluated on."""
    mentions = names.data_mentions(text)
    refs = list(dict.fromkeys(mention.ref for mention in mentions))
    if len(refs) > 1:
        evaluated = [m.ref for m in mentions if _EVALUATED.search(text[max(0, m.start - 90) : m.start])]
        return list(dict.fromkeys(evaluated)) or refs
    return refs


def _section_data(sections: Sequence[_Section], default: DataRef | None) -> DataRef | None:
    """The data set that the nearest text naming any names; None where it names several."""
    for section in reversed(sections):
        if section.level == 1 and section is not sections[-1]:
            break
        if section.named:
            ref = section.named[0]
            if len(section.named) > 1:
                return None
            same = default is not None and default.name == ref.name and ref.config in (None, default.config)
            return default if same and not ref.split else ref
    return default


def _fence_figures(fence: Fence, data: DataRef | None) -> list[Figure]:
    figures = []
    for line in fence.lines:
        for match in _ENTRY.finditer(line.text):
            metric, subset = names.metric_name(match["key"])
            if metric not in names.SCORES and _NOT_SCORES.fullmatch(match["key"]):
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


def _table_figures(table: Table, model: str, data: DataRef | None) -> list[Figure]:
    header = [_plain(cell.text) for cell in table.header]
    columns = [number for number, text in enumerate(header) if names.is_score(text)]
    figures = []
    for row in table.rows:
        if columns:
            context = _context(
                [(h, c) for n, (h, c) in enumerate(zip(header, row, strict=False)) if n not in columns], model
            )
            cells = [(header[n], row[n]) for n in columns if n < len(row)]
        else:
            label = _plain(row[0].text) if row else ""
            if not names.is_score(label):
                continue
            values = _value_columns(header, row)
            context = _context(
                [(header[n], row[n]) for n in range(1, len(row)) if n not in values and n < len(header)], model
            )
            cells = [(label, row[n]) for n in values]
        if context is not None:
            named, subset = context
            figures += _row_figures(cells, named or data, subset)
    return figures


def _value_columns(header: Sequence[str], row: Sequence[Span]) -> list[int]:
    """The column with the card's own figure: the only one with figures, else the one that is titled so."""
    numeric = [n for n in range(1, min(len(row), len(header))) if find_digits(row[n].text)]
    titled = [n for n in numeric if re.sub(r"[^a-z]", "", header[n].casefold()) in _VALUE_HEADERS]
    return titled[:1] or (numeric if len(numeric) == 1 else [])


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


def _context(cells: Sequence[tuple[str, Span]], model: str) -> tuple[DataRef | None, Subset | None] | None:
    """Data set and subset that the other cells of a row name; None where the row is about something else."""
    data: DataRef | None = None
    subset: Subset | None = None
    split = ""
    for header, cell in cells:
        text = _plain(cell.text)
        if not text or find_digits(text):
            continue
        if (ref := _one_data_set(text)) is not None:
            data = ref
        elif (part := names.subset_name(text)) is not None:
            subset = part
        elif names.split_name(text) in ("train", "validation", "test") or header.casefold() == "split":
            split = names.split_name(text)
        elif text.casefold() not in (model.casefold(), model.casefold().rpartition("/")[2]):
            return None
    if data is not None and split and not data.split:
        data = DataRef(data.name, split, data.config, data.revision)
    return data, subset
