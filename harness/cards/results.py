"""Claims in the body: every figure of tables, code blocks, lists and sentences, and what it is a result of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from harness import names
from harness.cards.about import Around
from harness.cards.blocks import Block, Fence, Heading, Html, Prose, Table
from harness.cards.figures import Figure, to_claims
from harness.cards.html_tables import html_tables
from harness.cards.lines import Entry, entries, entry_figures, fence_figures, is_metrics
from harness.cards.reports import fence_table, report_figures
from harness.cards.sentences import prose_figures
from harness.cards.source import Source
from harness.cards.tables import table_figures
from harness.records import Claim, ClaimOrigin, Count, Setting

__all__ = ["is_metrics", "read_claims", "read_counts"]

_UNCERTAIN = 0.5
_THOUSANDS = re.compile(r"(?:,[0-9]{3}){1,3}(?![\w.,]*\w)")
_TOTAL = re.compile(r"(?:eval[_ ])?(?:(?P<subset>has_?ans|no_?ans)[_ ])?total", re.I)
_CONDITION = re.compile(r"\b(?:with|without|on|for|in|at|using|after|before)\b", re.I)
_FIGURE_HEADING = re.compile(
    r"\s{0,9}#{1,6}\s{0,9}[*_]{0,3}[\w -]{1,40}[*_]{0,3}\s{0,9}[:=]\s{0,9}[*_]{0,3}\d{1,3}(?:\.\d{1,20})?"
    r"\s{0,9}%?[*_#\s]{0,40}"
)
_LARGEST_BLOCK = 2_000
"""Items, rows or lines of one block that are searched: more of them are no card's results."""
_MOST_BLOCKS = 3_000
_MOST_CLAIMS = 10_000


def read_claims(
    blocks: Sequence[Block], source: Source, around: Around, first_group: int, settings: Sequence[Setting] = ()
) -> list[Claim]:
    """The figures of the body, in order; each block is a group of its own.

    Args:
        blocks: The body.
        source: The card.
        around: What is known before the body.
        first_group: The number of groups in the front matter.
        settings: What the card states; a line such as ``Training data: ...`` makes no claim.
    """
    claims: list[Claim] = []
    stated = {setting.place.line for setting in settings if setting.block is None and setting.name != "teacher"}
    items: list[Prose] = []
    for number, block in enumerate((*blocks[:_MOST_BLOCKS], Heading(6, ""))):
        if len(claims) > _MOST_CLAIMS:
            break
        if isinstance(block, Prose) and block.depth:
            items.append(block)
            continue
        if items:
            figures = _list_figures(items, around)
            claims += _claims(figures, "list", source, around, first_group + number - len(items))
            items = []
            around.end_list()
        if number == min(len(blocks), _MOST_BLOCKS):
            break
        figures, origin = _block_figures(block, around)
        claims += _claims(figures, origin, source, around, first_group + number)
    claims = [claim for claim in claims if claim.place.line not in stated]
    return sorted(claims, key=lambda claim: claim.place.start)


def _block_figures(block: Block, around: Around) -> tuple[list[Figure], ClaimOrigin]:
    if isinstance(block, Heading):
        around.read(block)
        found = list(entries(block.line)) if _FIGURE_HEADING.fullmatch(block.line.text) else []
        return [f for entry in found for f in entry_figures(entry, around, around.data, known_only=True)], "prose"
    block = _cut(block)
    if isinstance(block, Table):
        around.data_names.contrast(" ".join(cell.text for row in (block.header, *block.rows) for cell in row))
        return table_figures(block, around), "table"
    if isinstance(block, Html):
        tables = html_tables(block.text, block.start)
        return [figure for table in tables for figure in table_figures(table, around)], "table"
    if isinstance(block, Prose):
        around.read(block)
        return _prose_figures(block, around), "prose"
    around.data_names.contrast("\n".join(line.text for line in block.lines))
    if (report := report_figures(block, around)) is not None:
        return report, "code"
    if (table := fence_table(block)) is not None:
        return table_figures(table, around), "code"
    return (fence_figures(block, around) if is_metrics(block) else []), "code"


def _cut(block: Table | Prose | Fence | Html) -> Table | Prose | Fence | Html:
    if isinstance(block, Table) and len(block.rows) > _LARGEST_BLOCK:
        return replace(block, rows=block.rows[:_LARGEST_BLOCK])
    if isinstance(block, (Prose, Fence)) and len(block.lines) > _LARGEST_BLOCK:
        return replace(block, lines=block.lines[:_LARGEST_BLOCK])
    return block


def _prose_figures(prose: Prose, around: Around) -> list[Figure]:
    """The figures of a paragraph: of lines that begin with a name and give it a figure, then of its sentences."""
    figures: list[Figure] = []
    unknown: list[Entry] = []
    for line in prose.lines:
        for entry in entries(line) if len(line.text) <= 5_000 else ():
            found = entry_figures(entry, around, around.data, known_only=True) if entry.leads else []
            if not found and line.text.strip(" \t*->`_").startswith(entry.label.split("_")[0][:20]):
                unknown.append(entry)
            figures += found
    if len(figures) > 1 and len(figures) >= len(prose.lines) // 2:
        for entry in unknown:
            figures += entry_figures(entry, around, around.data, known_only=False)
    return figures + prose_figures(prose, around, [figure.start for figure in figures])


def _list_figures(items: Sequence[Prose], around: Around) -> list[Figure]:
    """The figures of a list; names that are no known metrics count where the list has some that are."""
    figures: list[Figure] = []
    unknown: list[tuple[Entry, Prose]] = []
    for item in items[:_LARGEST_BLOCK]:
        around.read(item)
        found = []
        for line in item.lines:
            for entry in entries(line) if len(line.text) <= 5_000 else ():
                now = entry_figures(entry, around, around.data, known_only=True) if entry.leads else []
                if not now and entry.leads:
                    unknown.append((entry, item))
                found += now
        figures += found + prose_figures(item, around, [figure.start for figure in found])
    if any(figure.own for figure in figures):
        for entry, item in unknown:
            if len(item.lines) == 1 and item.lines[0].text.strip(" \t*-+>`").startswith(entry.label[:20]):
                figures += entry_figures(entry, around, around.data, known_only=False)
    return figures


def _claims(figures: Sequence[Figure], origin: ClaimOrigin, source: Source, around: Around, group: int) -> list[Claim]:
    unique = {figure.start: figure for figure in reversed(figures)}
    ordered = [unique[start] for start in sorted(unique)]
    around.result_digits.update(figure.digits for figure in ordered if figure.own)
    return to_claims(_doubting(ordered), origin, source, group=group)


def _doubting(figures: Sequence[Figure]) -> list[Figure]:
    """The figures; those that say different things of the same are told apart by their labels, or are less sure."""
    clashing = _clashes(figures)
    labels = Counter(figure.label for figure in figures)
    told = [
        replace(f, metric=f.label)
        if labels[f.label] == 1
        and f.label
        and not _CONDITION.search(f.label)
        and f.metric not in names.SCORES
        and _key(f) in clashing
        else f
        for f in figures
    ]
    clashing = _clashes(told)
    return [replace(f, confidence=min(f.confidence, _UNCERTAIN)) if _key(f) in clashing else f for f in told]


def _key(figure: Figure) -> object:
    return figure.metric, figure.subset, figure.data, figure.own


def _clashes(figures: Sequence[Figure]) -> set[object]:
    values: dict[object, set[float]] = {}
    for figure in figures:
        values.setdefault(_key(figure), set()).add(float(figure.digits))
    return {key for key, different in values.items() if len(different) > 1}


def read_counts(blocks: Sequence[Block], source: Source, first_group: int) -> list[Count]:
    """Numbers of questions beside scores: ``total``, ``HasAns_total``, ``eval_NoAns_total``."""
    counts = []
    listed = 0
    for number, block in enumerate(blocks[:_MOST_BLOCKS]):
        is_item = isinstance(block, Prose) and block.depth > 0
        listed = listed + 1 if is_item else 0
        if not isinstance(block, Prose) and not (isinstance(block, Fence) and is_metrics(block)):
            continue
        group = first_group + number - max(listed - 1, 0)
        for line in block.lines[:_LARGEST_BLOCK]:
            for entry in entries(line) if "total" in line.text.casefold() else ():
                match = _TOTAL.fullmatch(entry.label)
                subset = names.subset_name(match["subset"]) if match and match["subset"] else "all"
                if match and subset and entry.digits.removesuffix(".0").isdigit() and len(entry.digits) < 12:
                    end = entry.start + len(entry.digits)
                    thousands = _THOUSANDS.match(source.text, end)
                    digits = entry.digits if thousands is None else entry.digits + thousands[0].replace(",", "")
                    place = source.place(entry.start, end if thousands is None else thousands.end())
                    counts.append(Count(subset, int(float(digits)), group, place))
    return counts
