"""The evidence section of a card: where it stands, and whether harness wrote what it says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt

from harness.cards.front_matter import read_front_matter
from harness.cards.source import Source, split_lines
from harness.errors import CardError

OPENING = "<!-- harness:evidence -->"
CLOSING = "<!-- /harness:evidence -->"
MEASURED = "<!-- harness:figures measured -->"
"""Follows the opening mark where the card's figures are the run's."""
_MARK = re.compile(r"<!--\s*(?P<end>/?)harness:evidence\s*-->")
_ALONE = re.compile(r" {0,3}<!--\s*/?harness:evidence\s*-->[ \t]*")
_MEASURED = re.compile(r" {0,3}<!--\s*harness:figures measured\s*-->\s*")
_CHECKSUM = re.compile(r"^<!-- harness:section (?P<sha>[0-9a-f]{64}) -->\n", re.MULTILINE)
_ID = r"\[?(?P<ticks>`+) ?(?P<id>[^`\n]{1,300}?) ?(?P=ticks)"
_RUN = re.compile(rf"^- (?:Run|Beside it): {_ID}", re.MULTILINE)
_OTHER = re.compile(rf"^- Same weights: {_ID}", re.MULTILINE)
_NAMED = re.compile(
    r"^- Named: (?P<ticks>`+) ?(?P<card>[^\n]{1,300}?) ?(?P=ticks) here, "
    r"(?P<marks>`+) ?(?P<run>[^\n]{1,300}?) ?(?P=marks) in the run$",
    re.MULTILINE,
)
_EVIDENCE = re.compile(r"[Ee]vidence:? SHA-256 `(?P<sha>[0-9a-f]{64})`")
_WRITTEN = re.compile(
    r"\s*|## Reproducibility|### Speed|\|.*\|\s*"
    r"|- (?:Run|Named|Beside it|Same weights|Signature|Seeds|Environment|Evidence|Speed|Measured on): .*"
    r"|</?details>|<summary>Checksums</summary>"
    r"|<!-- (?:/?harness:evidence|harness:figures measured|harness:section [0-9a-f]{64}) -->\s*"
    r"|These values were assumed, where the card leaves them open or `--seed` replaced them:"
    r"|The figures above that this run measured are the run's\."
    r"|Of the figures above, those that this run measured are the run's; \d+ that may be too (?:is|are) as reported\."
    r"|Each claim of this card, as reported, is held against the run (?:below|in its row)\."
    r"|Claims that are not shown: .*"
    r"|Figures are in points; a verdict is matches for the printed digits, .*"
)
"""The lines that some version writes into a section."""
# As the reader of cards sees blocks (`harness.cards.blocks`); without inline rules the work grows with the length.
_PARSER = MarkdownIt("commonmark").enable("table").disable("inline")


@dataclass(frozen=True, slots=True)
class Section:
    """The evidence section of a card."""

    start: int
    """First character of its opening mark."""
    end: int
    """One past the last character of its closing mark, before the line's end."""
    line: int
    text: str
    """With line feeds."""
    measured: bool
    """It says that the card's figures are the run's."""
    runs: tuple[str, ...]
    """Ids of the runs that it names: the one that it shows, and the seeds beside it."""
    others: tuple[str, ...]
    """Ids of the evaluations of the same weights that it names."""
    evidence: frozenset[str]
    """Checksums over evidence that it names; see `harness.records.evidence_sha256`."""
    named: tuple[str, str] | None
    """The name of the card that it was written into, and that of the run's, where the model was named after the run."""
    intact: bool | None
    """Whether it is as it was written, by its own checksum; None where it has none, as earlier versions wrote it."""


def find_section(text: str, path: str) -> Section | None:
    """The card's evidence section, if it has one.

    Marks count where the reader of cards obeys them; those that a code block shows are none.

    Args:
        text: The card.
        path: For messages.

    Raises:
        CardError: marks that are not one pair, in order, each alone on a line of its own outside lists, quotations and
            HTML; or text between them that harness did not write.
    """
    source = split_lines(path, text)
    marks = list(_marks(source))
    if not marks:
        return None
    first = source.line_at(marks[0].start)
    if [mark.closing for mark in marks] != [False, True]:
        found = ", ".join(f"{'closing' if m.closing else 'opening'} in line {source.line_at(m.start)}" for m in marks)
        raise source.error(
            f"found marks of an evidence section that are no pair ({found:.200}), expected one "
            f"{OPENING} and after it one {CLOSING}; remove the others, or close the code block or comment that "
            "swallows one",
            marks[0].start,
        )
    for mark in marks:
        if not mark.alone:
            raise source.error(
                "found a mark of an evidence section beside other text, or in a list or quotation, expected it alone "
                "on a line of its own; put it there",
                mark.start,
            )
    start, end = marks[0].start, marks[1].end
    inside = re.sub(r"\r\n|\r", "\n", text[start:end])
    intact = _is_intact(inside)
    if not intact:
        _check_lines(source, inside, first)
    lines, named = inside.split("\n"), _NAMED.search(inside)
    return Section(
        start,
        end,
        first,
        inside,
        len(lines) > 1 and _MEASURED.fullmatch(lines[1]) is not None,
        tuple(match["id"] for match in _RUN.finditer(inside)),
        tuple(match["id"] for match in _OTHER.finditer(inside)),
        frozenset(match["sha"] for match in _EVIDENCE.finditer(inside)),
        None if named is None else (named["card"], named["run"]),
        intact,
    )


def without_section(text: str, section: Section | None) -> str:
    """The text with nothing between the marks; as long as before, line for line."""
    if section is None:
        return text
    blank = re.sub(r"[^\r\n]", " ", text[section.start : section.end])
    return text[: section.start] + blank + text[section.end :]


def with_checksum(section: str) -> str:
    """A section, with line feeds, that says of itself what it was when it was written."""
    head, mark, rest = section.rpartition(CLOSING)
    return f"{head}<!-- harness:section {_digest(section)} -->\n{mark}{rest}"


@dataclass(frozen=True, slots=True)
class _Mark:
    start: int
    end: int
    closing: bool
    alone: bool


def _marks(source: Source) -> Iterator[_Mark]:
    """Every mark that stands in a block of HTML, as `harness.cards.blocks` looks for them."""
    if "harness:evidence" not in source.text:
        return
    body = read_front_matter(source).body_line
    lines = [source.line(number) for number in range(body, len(source.starts))]
    for token in _PARSER.parse("\n".join(lines)):
        if token.type != "html_block" or token.map is None:
            continue
        count = len(_MARK.findall(token.content))
        for number in range(token.map[0] + body, token.map[1] + body):
            line = source.line(number)
            for match in _MARK.finditer(line):
                start = source.starts[number] + match.start()
                alone = token.level == 0 and token.map[1] - token.map[0] == 1 and _ALONE.fullmatch(line) is not None
                yield _Mark(start, start + len(match[0]), bool(match["end"]), alone)
                count -= 1
        if count:  # over several lines
            start = source.starts[token.map[0] + body]
            yield _Mark(start, start, False, False)


def _is_intact(section: str) -> bool | None:
    found = _CHECKSUM.search(section)
    if found is None:
        return None
    return _digest(section[: found.start()] + section[found.end() :]) == found["sha"]


def _digest(section: str) -> str:
    """Over its lines: blanks at their ends are no part of what it says."""
    lines = "\n".join(line.rstrip() for line in section.strip().split("\n"))
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()


def _check_lines(source: Source, section: str, first: int) -> None:
    for number, line in enumerate(section.split("\n")):
        if not _WRITTEN.fullmatch(line):
            raise CardError(
                f"{source.path}:{first + number}: found {line.strip()!r:.80} in the evidence section, which harness "
                "did not write and no reader of the card's claims sees; expected only what it wrote between the marks: "
                "move the text outside, or remove it",
                path=source.path,
                line=first + number,
            )
