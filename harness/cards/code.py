"""Code blocks and links of the body, and usage examples with their printed answers."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Sequence

from harness.cards.blocks import Block, Fence, Prose, Table
from harness.cards.source import Source
from harness.records import Code, Example, Link, Place

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\[\n]{1,200})\]\((?P<target>[^()\s]{1,400})(?:\s+\"[^\"\n]{0,100}\")?\)")
_ANSWER = re.compile(r"\{[^{}]{0,400}['\"]answer['\"][^{}]{0,400}\}")
_ASKED = re.compile(
    r"""['"]?\b(?P<key>question|context)['"]?\s*[:=]\s*(?P<text>(?P<q>'''|\"\"\"|"|')(?:\\.|(?!(?P=q))[^\\]){1,4000}(?P=q))""",
    re.DOTALL,
)
_MAX_BLOCK = 20_000


def read_code(blocks: Sequence[Block], source: Source) -> Iterator[Code]:
    """Every fenced or indented block, as text."""
    for block in blocks:
        if isinstance(block, Fence):
            line = source.line_at(block.lines[0].start) if block.lines else 1
            yield Code(block.language, "\n".join(part.text for part in block.lines), line, block.closed)


def read_links(blocks: Sequence[Block], source: Source) -> Iterator[Link]:
    """Every inline link of paragraphs, list items and tables."""
    for block in blocks:
        if isinstance(block, Prose):
            parts = block.lines
        elif isinstance(block, Table):
            parts = (*block.header, *(cell for row in block.rows for cell in row))
        else:
            continue
        for part in parts:
            if "](" not in part.text:
                continue
            for match in _LINK.finditer(part.text):
                place = source.place(part.start + match.start(), part.start + match.end())
                yield Link(match["text"], match["target"], place)


def read_examples(blocks: Sequence[Block], source: Source) -> Iterator[Example]:
    """Question-answering examples: a question and a context in code, and an answer printed after them.

    The code is never run: string literals are read as Python writes them, and the printed answer as a Python literal.
    """
    asked: dict[str, str] = {}
    for block in blocks:
        if not isinstance(block, Fence) or not block.lines:
            continue
        start = block.lines[0].start
        end = block.lines[-1].start + len(block.lines[-1].text)
        if end - start > _MAX_BLOCK:
            continue
        text = source.text[start:end]
        found = {match["key"]: (match.start(), match["text"]) for match in _ASKED.finditer(text)}
        fresh = {key: value for key, (_, literal) in found.items() if isinstance(value := _literal(literal), str)}
        asked = fresh if len(fresh) == 2 else asked | fresh
        after = max((position for position, _ in found.values()), default=-1)
        for match in _ANSWER.finditer(text):
            answer = _literal(match[0])
            if match.start() > after and isinstance(answer, dict) and len(asked) == 2:
                example = _example(asked, answer, source.place(start + match.start(), start + match.end()))
                if example is not None:
                    yield example


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _example(asked: dict[str, str], answer: dict[object, object], place: Place) -> Example | None:
    text, start, end, score = (answer.get(key) for key in ("answer", "start", "end", "score"))
    if not isinstance(text, str):
        return None
    return Example(
        asked["question"],
        asked["context"],
        text,
        start if type(start) is int else None,
        end if type(end) is int else None,
        float(score) if type(score) is float and math.isfinite(score) else None,
        place,
    )
