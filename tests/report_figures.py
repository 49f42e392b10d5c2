"""Records for the tests of reports, and figures read back from their SVG."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from pathlib import Path

from documents import finished_run

from harness.curves import best_thresholds
from harness.data import describe
from harness.records import (
    Answer,
    Claim,
    Comparison,
    DataRef,
    Place,
    Predictions,
    Question,
    Run,
    Tolerance,
    Verdict,
)
from harness.report.data import Plot, RunData
from harness.squad import score_predictions, summarize

SVG = "{http://www.w3.org/2000/svg}"
REF = DataRef("set", "validation")
WORDS = ("What", "Who", "When", "Why", "How many")


def make_questions(n: int, paragraphs: int, *, kinds: bool = False) -> tuple[Question, ...]:
    made = []
    for number in range(n):
        answers = () if number % 3 == 0 else (Answer("one two three"[: 3 + 4 * (number % 2)], 0),)
        kind = ("river", "mayor")[number % 2] if kinds else None
        text = f"{WORDS[number % 5]} is {number}?"
        context = "one two three " + "word " * (60 * (number % paragraphs % 4))
        made.append(Question(f"q{number}", f"0:{number % paragraphs}", context, text, answers, not answers, kind))
    return tuple(made)


def make_run(
    *, n: int = 120, paragraphs: int = 15, seed: int = 0, kinds: bool = False, name: str = "model", odds: bool = True
) -> RunData:
    """A run on made questions: some answers right, some nearly, some of them none."""
    questions = make_questions(n, paragraphs, kinds=kinds)
    draw = random.Random(seed)
    answers, null_odds = {}, {}
    for question in questions:
        gold = question.answers[0].text if question.answers else "one"
        answers[question.id] = draw.choice([gold, gold, "one", "two one", ""])
        # rounded, so that some are equal
        null_odds[question.id] = round(draw.gauss(0.0, 2.0) - (2.0 if question.answers else 0.0), 1)
        if null_odds[question.id] > 0:
            answers[question.id] = ""
    scores = score_predictions(questions, answers, rules="2.0")
    best = best_thresholds(scores, answers, null_odds) if odds else {}
    run = replace(
        finished_run(),
        id=f"run-{name}-{seed}",
        card_name=name,
        model=None,
        scores=summarize(scores),
        best=best,
        bounds=None,
        evaluated=describe(REF, questions, "set.json"),
        comparisons=(),
        by_kind={},
    )
    return RunData(Path("runs") / run.id, run, questions, scores, Predictions(answers, null_odds if odds else {}))


def make_claim(metric: str = "exact_match", subset: str = "all", reported: float = 50.0, data: DataRef = REF) -> Claim:
    place = Place(0, 1, 3)
    return Claim(metric, subset, reported, f"{reported:.2f}", "percent", data, "front_matter", place)  # type: ignore[arg-type]


def make_comparison(run: Run, claim: Claim, key: str, verdict: Verdict, within: float = 0.5) -> Comparison:
    value = run.scores[key]
    tolerance = Tolerance(within, within, 2 * within, "a reason")
    return Comparison(claim, verdict, "a reason", value, value - claim.reported, tolerance, (run.id,))


def with_claims(data: RunData) -> RunData:
    """The run with claims of several verdicts."""
    run = data.run
    comparisons = (
        make_comparison(run, make_claim(reported=run.scores["exact"] - 0.25), "exact", Verdict.WITHIN_TOLERANCE),
        make_comparison(run, make_claim("f1", reported=run.scores["f1"] + 1.5), "f1", Verdict.DIFFERS),
        make_comparison(run, make_claim("f1", "no_ans", run.scores["NoAns_f1"]), "NoAns_f1", Verdict.MATCHES),
        Comparison(make_claim("f1", "best", 99.0), Verdict.NOT_COMPARABLE, "other data"),
    )
    return replace(data, run=replace(run, comparisons=comparisons))


@dataclass(frozen=True)
class Mark:
    x: float
    y: float
    title: str
    classes: tuple[str, ...]
    shape: str


class Drawing:
    """A figure, read back."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.root = ET.fromstring(plot.svg)
        self.parents = {child: parent for parent in self.root.iter() for child in parent}

    def all(self, name: str) -> list[ET.Element]:
        return list(self.root.iter(SVG + name))

    @property
    def title(self) -> str:
        return self.root.find(f"{SVG}title").text or ""

    @property
    def desc(self) -> str:
        return self.root.find(f"{SVG}desc").text or ""

    def texts(self) -> list[str]:
        return ["".join(part for part in element.itertext()) for element in self.all("text")]

    def across(self):
        """Place -> figure on the horizontal axis, by the ticks printed below."""
        return self._fit("x", {"middle"})

    def up(self):
        """Place -> figure on the vertical axis."""
        return self._fit("y", {"end"}, offset=-4.5)

    def _fit(self, along: str, anchors: set[str], offset: float = 0.0):
        ticks = [
            (float(element.get(along)) + offset, float(element.text.replace(",", "")))
            for element in self.all("text")
            if element.get("text-anchor") in anchors and re.fullmatch(r"[+-]?[\d,]+(\.\d+)?", element.text or "")
        ]
        # the outermost labels may have been moved inwards: the grid's places tell where the inner ones are
        ticks = sorted(set(ticks))
        inner = ticks[1:-1] if len(ticks) > 3 else ticks
        (a, low), (b, high) = inner[0], inner[-1]
        assert b != a
        return lambda place: low + (place - a) / (b - a) * (high - low)

    def marks(self, wanted: str = "") -> list[Mark]:
        found = []
        for element in self.root.iter():
            title = element.find(f"{SVG}title")
            if element.tag in (SVG + "circle", SVG + "polygon") and title is not None and wanted in (title.text or ""):
                found.append(self._mark(element, title.text or ""))
        return found

    def _mark(self, element: ET.Element, title: str) -> Mark:
        classes = tuple((element.get("class") or "").split())
        if element.tag == SVG + "circle":
            return Mark(float(element.get("cx")), float(element.get("cy")), title, classes, "circle")
        corners = [tuple(map(float, point.split(","))) for point in element.get("points").split()]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        middle = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
        on_a_point = " on a point" if abs(xs[0] - middle[0]) < 0.05 else ""
        return Mark(*middle, title, classes, f"{len(corners)} corners{on_a_point}")

    def rows(self) -> list[ET.Element]:
        """Groups of rows: those with a title of their own."""
        return [g for g in self.all("g") if g.find(f"{SVG}title") is not None]

    def whiskers(self, row: ET.Element) -> list[tuple[float, float]]:
        lines = [line for line in row.iter(SVG + "line") if line.get("y1") == line.get("y2")]
        return [(float(line.get("x1")), float(line.get("x2"))) for line in lines]


def path_points(d: str) -> list[tuple[float, float]]:
    """The corners of a path of M, L, H and V."""
    points: list[tuple[float, float]] = []
    for command, rest in re.findall(r"([MLHV])([^MLHVh]*)", d):
        values = [float(value) for value in rest.split()]
        if command in "ML":
            points.append((values[0], values[1]))
        elif command == "H":
            points.append((values[0], points[-1][1]))
        else:
            points.append((points[-1][0], values[0]))
    return points


def structure(svg: str) -> list[tuple[str, tuple[str, ...]]]:
    """Names of elements and attributes, in order: everything but words and numbers."""
    return [(element.tag, tuple(sorted(element.attrib))) for element in ET.fromstring(svg).iter()]
