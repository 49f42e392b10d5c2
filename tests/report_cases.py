"""Run folders whose reports are looked at: awkward data, two sets of predictions, a trained run; pages read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from fake_engine import FakeEngine
from tiny_world import write_world

from harness.cli import main, run_commands
from harness.opened_data import open_data
from harness.replay import replay_predictions

REFERENCE = "squad_v2:validation"
CONTEXTS = (
    "The river Elbe rises in the mountains, passes the old town of Dresden and ends in the North Sea near Cuxhaven.",
    "\U0001f30d Zażółć gęślą jaźń: the \u202ebridge\u202c was built in 1905 by Anna Müller; in 1905 none was longer.",
    "Short.",
)
QUESTIONS: tuple[tuple[str, int, str, tuple[str, ...]], ...] = (
    ("q-elbe-end", 0, "Where does the Elbe end?", ("the North Sea", "North Sea", "in the North Sea near Cuxhaven")),
    ("q-elbe-town", 0, "Which old town does it pass?", ("Dresden",)),
    ("q-elbe-none", 0, "How long is the Danube?", ()),
    ("q-bridge-who", 1, "Who built the bridge?", ("Anna Müller",)),
    ("q-bridge-when", 1, "When was the bridge built?", ("1905",)),
    ("q-bridge-none", 1, "Who painted the bridge?", ()),
    ("q-short", 2, "What is it?", ("Short",)),
)
"""Id, paragraph, question, reference answers."""
FIRST = {
    "q-elbe-end": "North Sea",
    "q-elbe-town": "town of Dresden",
    "q-elbe-none": "",
    "q-bridge-who": "Anna Müller",
    "q-bridge-when": "",
    "q-bridge-none": "Anna Müller",
    "q-short": "short!",
}
SECOND = {**FIRST, "q-elbe-town": "Dresden", "q-elbe-none": "mountains", "q-bridge-none": "", "q-bridge-when": "1906"}
RIGHT = (
    {"q-elbe-end", "q-elbe-none", "q-bridge-who", "q-short"},
    {"q-elbe-end", "q-elbe-town", "q-bridge-who", "q-bridge-none", "q-short"},
)
"""What the two sets of predictions have exactly right."""
NO_ANSWER = ({"q-elbe-none", "q-bridge-when"}, {"q-bridge-none"})
UNANSWERABLE = {"q-elbe-none", "q-bridge-none"}


def squad_file(folder: Path, change: Callable[[str], str] = str) -> Path:
    """The data set as a file; `change` is applied to every question and to the texts that answers are not cut from."""
    paragraphs = []
    for number, context in enumerate(CONTEXTS):
        qas = [
            {
                "id": qid,
                "question": change(question),
                "is_impossible": not answers,
                "answers": [{"text": text, "answer_start": context.index(text)} for text in answers],
            }
            for qid, paragraph, question, answers in QUESTIONS
            if paragraph == number
        ]
        paragraphs.append({"context": context, "qas": qas})
    file = folder / "data.json"
    file.write_text(json.dumps({"version": "v2.0", "data": [{"title": "t", "paragraphs": paragraphs}]}), "utf-8")
    return file


def replay(folder: Path, answers: Mapping[str, str], name: str = "org/model", data: Path | None = None) -> Path:
    """The run folder of some predictions, with null odds that fit them."""
    file, odds = folder / "answers.json", folder / "odds.json"
    file.write_text(json.dumps(answers), "utf-8")
    odds.write_text(json.dumps({qid: -3.5 + n for n, qid in enumerate(answers)}), "utf-8")
    uses = {"squad_v2": data or folder / "data.json"}
    opened = open_data(REFERENCE, uses)
    return replay_predictions(name, file, opened, folder / "runs", null_odds=odds, uses=uses)[0]


def reproduce(folder: Path, text: str, monkeypatch: Any, *options: str) -> Path:
    """The run folder of a card's recipe, carried out by an engine without models."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(run_commands, "_engine", lambda *_: FakeEngine())
    if not (folder / "base").exists():
        write_world(folder, text)
    (folder / "tiny.md").write_text(text, "utf-8")
    known = set((folder / "runs").glob("tiny-*"))
    uses = ("--use", "org/base=base", "--use", "mini:train=mini.json", "--use", "mini:validation=mini.json")
    assert main(["reproduce", "tiny.md", *uses, *options]) in (0, 1)
    (made,) = set((folder / "runs").glob("tiny-*")) - known
    return made


@dataclass
class Element:
    """One element of a parsed page."""

    name: str
    attributes: dict[str, str]
    parent: Element | None
    children: list[Element | str]

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, name: str = "", **wanted: str) -> list[Element]:
        """Elements below, in order, by name and attributes (``class_`` is one of its classes)."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if child.fits(name, wanted):
                    found.append(child)
                found += child.all(name, **wanted)
        return found

    def fits(self, name: str, wanted: Mapping[str, str]) -> bool:
        classes = self.attributes.get("class", "").split()
        return (not name or name == self.name) and all(
            value in classes if key == "class_" else self.attributes.get(key) == value for key, value in wanted.items()
        )

    def one(self, name: str = "", **wanted: str) -> Element:
        (found,) = self.all(name, **wanted)
        return found


_VOID = {"meta", "br", "input", "link", "img", "hr", "base", "source", "embed", "area", "col", "track", "wbr", "param"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.here = Element("", {}, None, [])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.here, [])
        assert len(element.attributes) == len(attrs), f"an attribute of {tag} twice"
        self.here.children.append(element)
        if tag not in _VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.here.name == tag, f"</{tag}> ends <{self.here.name}>"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")


def parse_page(text: str) -> Element:
    """The page as a tree; fails where an element is not ended by its own tag, or there is a comment."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.here is reader.root
    return reader.root
