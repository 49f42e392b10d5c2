"""Figures of lines: a name, a colon or equals sign, a figure; in code blocks, lists and paragraphs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness import names
from harness.cards.about import Around
from harness.cards.blocks import Fence, Span
from harness.cards.figures import NUMBER, Figure
from harness.cards.models import is_model_like
from harness.cards.parts import part_behind
from harness.names import MetricMention
from harness.records import DataRef, Subset

_GIVEN = re.compile(
    rf"""(?P<mark>[:=→]|\bis\b)[\s"'*_`~≈(\[]*(?P<digits>{NUMBER})(?![\w.]*\w)[*_`]*\s*(?P<percent>%?)
        (?:[*_`"']*\s*(?P<more>[/|&]|,(?=\s*{NUMBER}\s*%?\s*$)|\()[\s*_`"']*(?P<second>{NUMBER})(?![\w.]*\w)\s*(?P<second_percent>%?))?""",
    re.VERBOSE,
)
_LONGEST_LINE = 20_000
"""Characters of a line that are searched for figures."""
_VALUE = re.compile(NUMBER)
_ARRAY = re.compile(rf"[:=][\s*_`]*\[\s*(?P<values>{NUMBER}(?:\s*,\s*{NUMBER}){{1,50}})\s*,?\s*\]")
_BOUNDARY = re.compile(r"[,;{}()\t|]|\s{3,}|\.\s| - |\band\b|&|\[|\bwith\b|\bINFO\b")
_UNIT = re.compile(
    r"\s*(?:ms\b|s\b|sec|min|hours?|h\b|[GMK]i?B\b|[kKMB]\b|epochs?|steps?|x\b|×|tokens?|params?|million"
    r"|billion|questions"
    r"|samples|examples|words|°|W\b|€|\$)"
)
_FLAG = re.compile(r"(?:^|\s)--[A-Za-z]")
_NO_SCORES = frozenset({"ini", "toml", "cfg", "properties", "bibtex", "diff"})
_EDGE = " \t\"'*_`-•+>#\\[]"
_IDENTIFIER = re.compile(r"[A-Za-z][\w@.-]{0,60}")
_CONTEXT = re.compile(
    r"""^\s*(?:#+\s*)?["'*_`-]*\s*(?P<name>[^{}\[\]"'=]{2,80}?)["'*_`]*\s*(?::\s*[{\[]*|=\s*\{)\s*$|^\s*#+\s*(?P<comment>.{2,80})$"""
)
_IN_STRING = re.compile(r"""[=:]\s*(?:"[^"]*|'[^']*|`[^`]*)$""")
_RESULT = re.compile(r"(?:final )?(?:test|eval(?:uation)?|validation|dev)[ _](?:result|score)s?", re.I)
_AT = re.compile(r"\b(?:precision|recall)\s?@\s?\d+\s?%", re.I)
_LOGGED = re.compile(r"""["'](?:learning_rate|step|grad_norm)["']\s*:""")
_NESTED = re.compile(r"""["']?(?P<name>[\w./-][\w./ -]{0,60})["']?\s*:\s*\{|\}""")
_FILLER = re.compile(r"\W+|\b(?:on|for|in|of|score|scores)\b", re.I)
_ARITHMETIC = re.compile(r"\s*[*+/^-]\s*[\w(]|\s*/\s*\(")

_Context = tuple[DataRef | None, bool, Subset | None]
"""Data set, whether it is the card's model, subset."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A label and the figure that it is given."""

    label: str
    digits: str
    percent: bool
    start: int
    """First character of the digits in the card."""
    second: tuple[str, bool, int] | None = None
    """A second figure behind a slash: digits, percent sign, first character."""
    leads: bool = True
    """Its label begins the line, or follows the figure before."""
    part: Subset | None = None
    """The subset that stands behind the figure: ``77.4 (HasAns)``, ``77.4 on answerable questions``."""


def entries(line: Span) -> Iterator[Entry]:
    """The named figures of a line, left to right."""
    last = 0
    for match in _GIVEN.finditer(line.text, 0, _LONGEST_LINE):
        if match.start() < last:
            continue
        label_from = last
        before = line.text[last : match.start()]
        last = match.end()
        if len(before) > 200:
            continue
        label_from = last - len(match[0]) - len(before) + _label_start(before)
        label = line.text[label_from : match.start()]
        skipped = before[: len(before) - len(label)]
        if not math.isfinite(float(match["digits"])):
            continue
        if _IN_STRING.search(line.text, max(0, match.start() - 300), match.start()):
            continue
        if _UNIT.match(line.text, match.end("digits")) or _ARITHMETIC.match(line.text, match.end()):
            continue
        second = None
        if match["second"] is not None:
            second = (match["second"], bool(match["second_percent"]), line.start + match.start("second"))
        name = _label(label)
        leads = not re.search(r"[A-Za-z]{3}", skipped) or names.is_metric(name.rpartition(": ")[2])
        if (array := _ARRAY.match(line.text, match.start())) is not None:
            for value in _VALUE.finditer(array["values"]):
                yield Entry(name, value[0], False, line.start + array.start("values") + value.start(), None, leads)
            last = array.end()
            continue
        start = line.start + match.start("digits")
        part = part_behind(line.text, match.end("percent") if second is None else match.end())
        yield Entry(name, match["digits"], bool(match["percent"]), start, second, leads, part)


def _label_start(before: str) -> int:
    """Where the label of a figure begins in the text before it: behind the last boundary, but with its metric."""
    starts = [
        boundary.end()
        for boundary in _BOUNDARY.finditer(before)
        if before[boundary.end() :].strip(_EDGE) and before[boundary.start()] != "("
    ]
    for start in reversed(starts):
        if names.is_metric(_label(before[start:])) or names.metric_mentions(before[start:]):
            return start
    if names.metric_mentions(before) and not re.search(r"\d\.\d", before):
        return 0
    return starts[-1] if starts else 0


def _label(text: str) -> str:
    text = re.sub(r"\[([^\]\[]{0,100})\]\([^()\s]{0,200}\)", r"\1", text)
    text = re.sub(r"[*`]|(?<!\w)_+|(?<!_)_+(?!\w)", "", text.replace("\\_", "_"))
    if text.count("(") > text.count(")"):
        text = text.rpartition("(")[2]
    return text.strip(_EDGE + "(")


def entry_figures(
    entry: Entry, around: Around, data: DataRef | None, *, known_only: bool, part: Subset | None = None
) -> list[Figure]:
    """The figures of an entry; none where the label names no result.

    Args:
        entry: The label and its figures.
        around: The text before.
        data: The data set where the label names none.
        known_only: Whether a label that is no known metric names no result.
        part: The subset where the label names none, before that of the text.
    """
    metrics = names.metric_mentions(entry.label)
    label = entry.label
    if _RESULT.fullmatch(label) and around.sole_metric is not None:
        metrics = [around.sole_metric]
    if _AT.search(label):
        metrics = []
    if re.match(r"(?:train\w*|best_\w*thresh\w*)\b", label, re.I) or re.search(
        r"thresh|total|[Dd]rop|delta|gain|improve|loss[ _]weight|speed|rate$", label, re.I
    ):
        return []
    if not metrics and ": " in label and names.is_metric(label.rpartition(": ")[2]):
        label = label.rpartition(": ")[2]
    if not metrics and names.is_metric(label):
        metrics = [MetricMention(*names.metric_name(label), 0, len(label))]
    if metrics and not _fits(label, metrics):
        return []
    if not metrics:
        if known_only or not names.is_result(label) or not _IDENTIFIER.match(label) or len(label.split()) > 6:
            return []
        if "." not in entry.digits and not entry.percent:
            return []
        metrics = [MetricMention(*names.metric_name(label), 0, 0)]
    own = not around.others
    named = around.data_names.named(label) if len(label) > len(metrics[0].name) + 3 else []
    rest = label
    for mention in reversed(metrics):
        rest = rest[: mention.start] + " " + rest[mention.end :]
    if rest.strip(" ()") and (
        around.names.is_about_others(rest) or (is_model_like(rest.strip(" ()-")) and not around.names.is_own(rest))
    ):
        own = False
    if named:
        data = around.completed(named[0]) if len(named) == 1 and named[0].name else None
    split = re.search(r"(?<![a-zA-Z])(dev|test|val|validation)(?![a-zA-Z])", rest, re.I)
    if split and data is not None and not data.split:
        data = replace(data, split=names.split_name(split[1]))
    subset = (
        next((m.subset for m in metrics if m.subset != "all"), None)
        or _part(rest)
        or entry.part
        or part
        or around.subset
    )
    values = [(entry.digits, entry.percent, entry.start)]
    if len(metrics) > 1:
        if len(metrics) != 2 or entry.second is None:
            return []
        values.append(entry.second)
    elif entry.second is not None and not re.search(r"[(]", label):
        return []
    return [
        Figure(
            metric.name, metric.subset if metric.subset != "all" else subset or "all", digits, percent, start,
            start + len(digits), data, own=own, confidence=0.95,
            label=label if re.search(r"[A-Za-z]{2}", rest) and len(metrics) == 1 else "",
        )
        for metric, (digits, percent, start) in zip(metrics, values, strict=False)
    ]  # fmt: skip


def _part(rest: str) -> Subset | None:
    """The subset that a label names beside its metric."""
    named = {mention.subset for mention in names.subset_mentions(rest)}
    return names.subset_name(_FILLER.sub(" ", rest)) or (named.pop() if len(named) == 1 else None)


def _fits(label: str, metrics: Sequence[MetricMention]) -> bool:
    """Whether a label is a metric with a few words around it, and not a sentence that happens to have one."""
    rest = len(label.split()) - len(label[metrics[0].start : metrics[-1].end].split())
    tail = label[metrics[-1].end :]
    return rest <= 7 and not re.search(r"\b(?:weight|penalty|function|of training|threshold)\b", tail, re.I)


def is_metrics(fence: Fence) -> bool:
    """Whether a code block prints scores: some line gives a known metric a figure."""
    return (
        fence.language not in _NO_SCORES
        and not fence.is_program()
        and any(names.is_metric(entry.label) for line in fence.lines for entry in _block_entries(line))
    )


def _block_entries(line: Span) -> Iterator[Entry]:
    """The entries of a line of a code block, unless it passes flags to a command."""
    return iter(()) if _FLAG.search(line.text) else entries(line)


def fence_figures(fence: Fence, around: Around) -> list[Figure]:
    """The figures of a code block of scores; a comment, a heading line or a key that holds others says of what."""
    figures: list[Figure] = []
    logged = any(_LOGGED.search(line.text) for line in fence.lines)
    contexts: list[_Context] = [(around.data, True, None)]
    for line in fence.lines:
        found = list(_block_entries(line))
        if not found and (heading := _CONTEXT.match(line.text)):
            contexts[-1] = _context((heading["name"] or heading["comment"]).strip(), around, contexts[-1])
        marks = [*_NESTED.finditer(line.text, 0, _LONGEST_LINE)] if found or len(contexts) > 1 else []
        events: list[tuple[int, re.Match[str] | Entry]] = sorted(
            [*((line.start + mark.start(), mark) for mark in marks), *((e.start, e) for e in found)], key=_first
        )
        for _, event in events:
            if isinstance(event, Entry):
                data, own, part = contexts[-1]
                read = entry_figures(event, around, data, known_only=False, part=part)
                if logged and event.label.casefold() == "loss":  # of training, in the log of a trainer
                    continue
                figures += [replace(figure, own=figure.own and own) for figure in read]
            elif event["name"]:
                contexts.append(_context(event["name"], around, contexts[-1]))
            elif len(contexts) > 1:
                contexts.pop()
    return figures


def _first(event: tuple[int, re.Match[str] | Entry]) -> int:
    return event[0]


def _context(text: str, around: Around, before: _Context) -> _Context:
    """What a name says of the figures that stand below it."""
    if (part := names.subset_name(text)) is not None:
        return before[0], before[1], part
    named = around.data_names.named(text)
    if named:
        return (around.completed(named[0]) if len(named) == 1 and named[0].name else None), True, None
    if known := names.dataset_name(text):
        return around.completed(DataRef(known, "")), True, None
    if around.names.says_ours(text) or around.names.is_own(text):
        return before[0], True, before[2]
    if around.names.is_about_others(text) or (is_model_like(text) and around.names.likeness(text) < 0.6):
        return before[0], False, before[2]
    return before
