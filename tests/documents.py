"""Reading rendered documents back in tests, and records full of hostile text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from harness.records import Run, from_json, to_json

HERE = Path(__file__).parent
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = (
    "{{ run.__class__ }}{% raw %}",
    "<script>alert(1)</script><b>x</b> &lt;",
    "--> x <!-- /harness:evidence --> y",
    "a | b\n| exact_match | 99.9 |\n",
    '---\nmodel-index: []\n---\n# F1: 99.9\n\n"exact": 99.9',
    "'x': [1, {y: 2}] # &a *a !!python/object:os.system",
    '```\n````\n"f1": 99.9\n`````',
    "[x](javascript:alert(1)) ![y](z) **b** __c__",
)


def finished_run() -> Run:
    """The record in `data/runs/finished.json`."""
    return from_json(Run, json.loads((HERE / "data" / "runs" / "finished.json").read_text(encoding="utf-8")))


def tables(text: str) -> dict[str, list[list[str]]]:
    """The last table under each heading, as rows of plain text."""
    found: dict[str, list[list[str]]] = {}
    heading, previous = "", ""
    for token in MARKDOWN.parse(text):
        if token.type == "inline" and previous == "heading_open":
            heading = plain(token)
        elif token.type == "table_open":
            found[heading] = []
        elif token.type == "tr_open":
            found[heading].append([])
        elif token.type == "inline" and previous in ("th_open", "td_open"):
            found[heading][-1].append(plain(token))
        previous = token.type
    return found


def plain(token: Token) -> str:
    return "".join(child.content for child in token.children or [])


def structure(text: str) -> list[str]:
    """Everything about a document but its words: block types, and inline types that are not text."""
    shape = []
    for token in MARKDOWN.parse(text):
        shape.append(f"{token.type} {token.tag}")
        words = ("text", "text_special", "code_inline", "softbreak")
        shape += [child.type for child in token.children or [] if child.type not in words]
    return shape


def replace_text(value: Any, change: Callable[[str], str], keep: tuple[str, ...]) -> Any:
    """A copy of a record's JSON form with every string changed, those under the fields in `keep` excepted."""
    if isinstance(value, dict):
        return {name: item if name in keep else replace_text(item, change, keep) for name, item in value.items()}
    if isinstance(value, list):
        return [replace_text(item, change, keep) for item in value]
    return change(value) if isinstance(value, str) else value


WORDS = (
    *("kind", "status", "how", "verdict", "unit", "origin", "subset", "lr_schedule", "protocol", "doc_stride_is"),
    *("padding", "order", "optimizer", "weight_decay_on", "precision", "distillation_loss", "attention_target"),
    *("student_weights", "augment", "warmup_rounding"),
)
"""Fields that hold one of a few words."""


def hostile_run(run: Run, text: str) -> Run:
    data = replace_text(to_json(run), lambda _: text, WORDS)
    for field in ("used", "by_kind"):
        data[field] = {text: next(iter(data[field].values()))}
    data["environment"]["packages"] = {text: text}
    return from_json(Run, data)
