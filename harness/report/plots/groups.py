"""Scores by what questions are like, several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.breakdown import By, group_questions
from harness.errors import DataError
from harness.records import Question, Scores
from harness.report.data import Plot, RunData
from harness.report.plots.marks import COLOURS, SHAPES
from harness.report.plots.rows import LEFT, RIGHT, Axis, Dot, Key, Mark, Row, Strip, Whisker, draw_rows
from harness.report.plots.scales import stretch
from harness.report.plots.words import between, counted, points, sentences

GROUPINGS: tuple[tuple[By, str], ...] = (
    ("question-word", "question word"),
    ("answer-length", "answer length, in words"),
    ("context-length", "context length, in words"),
    ("kind", "kind of question"),
)
MOST_RUNS = 5
"""With figures of their own; more would make the page no clearer."""
_MOST_GROUPS = 40
_RESAMPLES = 2000
_BESIDE = 108.0


@dataclass(frozen=True, slots=True)
class Figures:
    """One run's figures on one group of questions, in points."""

    exact: float
    f1: float
    low: float
    """Of exact match."""
    high: float
    clustered: bool
    """The interval is over paragraphs; else of questions taken for independent."""


def measure_group(questions: Sequence[Question], scores: Scores) -> Figures:
    """Exact match with an interval, and F1, of some questions, one or more.

    Which interval is shown, `harness.intervals.choose_interval` says.
    """
    from harness.intervals import bootstrap, choose_interval, clopper_pearson

    exact = [scores.exact[question.id] for question in questions]
    f1 = [scores.f1[question.id] for question in questions]
    n, paragraphs = len(questions), [question.passage_id for question in questions]
    means = 100.0 * sum(exact) / n, 100.0 * sum(f1) / n
    binomial = clopper_pearson(round(sum(exact)), n)
    clustered = bootstrap([(value,) for value in exact], paragraphs, resamples=_RESAMPLES)
    interval = choose_interval((*clustered, binomial)) or binomial
    return Figures(*means, interval.low, interval.high, clustered=interval is not binomial)


def draw_groups(plot_id: str, names: Sequence[str], runs: Sequence[RunData]) -> list[Plot]:
    """A figure for each grouping that tells questions apart.

    Args:
        plot_id: What their ids begin with.
        names: Of the runs.
        runs: Scored on the same questions, all of which are at hand.
    """
    questions = runs[0].questions or ()
    every = [(run.scores, name) for run, name in zip(runs, names, strict=True) if run.scores is not None]
    asked = [question for question in questions if every and question.id in every[0][0].exact]
    plots = []
    for by, words in GROUPINGS:
        try:
            groups = group_questions(asked, by)
        except DataError:
            continue  # the data names no kinds
        if len(groups) > 1:
            plots.append(_draw(f"{plot_id}-{by}", words, groups, asked, every))
    return plots


def _draw(
    plot_id: str,
    by: str,
    groups: Mapping[str, Sequence[str]],
    questions: Sequence[Question],
    every: Sequence[tuple[Scores, str]],
) -> Plot:
    known = {question.id: question for question in questions}
    shown = every[:MOST_RUNS]
    rows, words, clustered, reached = [], [], set[bool](), list[float]()
    for group, ids in list(groups.items())[:_MOST_GROUPS]:
        members = [known[qid] for qid in ids]
        found = [measure_group(members, scores) for scores, _ in shown]
        clustered |= {each.clustered for each in found}
        reached += [value for each in found for value in (each.low, each.high, each.f1)]
        strips = tuple(_strip(number, each, shown[number][1]) for number, each in enumerate(found))
        rows.append(Row(group, strips, counted(len(ids), "question"), "muted"))
        told = (_told(each, name if len(shown) > 1 else "") for each, (_, name) in zip(found, shown, strict=True))
        words.append(f"{group}, {counted(len(ids), 'question')}: {', '.join(told)}")
    title = f"Scores by {by}"
    axis = Axis(stretch(reached, LEFT, RIGHT - _BESIDE), "points")
    return Plot(
        plot_id,
        title,
        _caption(clustered, len(every), len(groups)),
        draw_rows(plot_id, title, sentences(words), axis, rows, _keys([name for _, name in shown])),
    )


def _strip(number: int, each: Figures, name: str) -> Strip:
    shape, class_ = SHAPES[number], COLOURS[number]
    marks: tuple[Mark, ...] = (
        Whisker(each.low, each.high, class_),
        Dot(each.f1, shape, class_, hollow=True, title=f"{name}: F1 {points(each.f1)}"),
        Dot(each.exact, shape, class_, title=f"{name}: exact match {points(each.exact)}"),
    )
    return Strip(marks, f"{each.exact:.1f} / {each.f1:.1f}")


def _told(each: Figures, name: str) -> str:
    figures = f"exact match {points(each.exact)} ({between(each.low, each.high)}), F1 {points(each.f1)}"
    return f"{name} {figures}" if name else figures


def _keys(names: Sequence[str]) -> list[Key]:
    if len(names) == 1:
        keys = [Key("exact match", Dot(0.0, SHAPES[0], COLOURS[0]))]
    else:
        keys = [Key(name, Dot(0.0, SHAPES[number], COLOURS[number])) for number, name in enumerate(names)]
    return [*keys, Key("F1 (hollow)" if len(names) > 1 else "F1", Dot(0.0, SHAPES[0], COLOURS[0], hollow=True))]


def _caption(clustered: set[bool], runs: int, groups: int) -> str:
    from harness.intervals import FEWEST

    text = "Filled marks are exact match, hollow ones F1; both stand at the right"
    kinds = {
        True: f"bootstrap over paragraphs ({_RESAMPLES:,} resamples)",
        False: f"Clopper-Pearson where there are fewer than {FEWEST} paragraphs or none differs",
    }
    made = "; ".join(kinds[each] for each in sorted(clustered, reverse=True))
    text += f". Lines are 95 % intervals of exact match: {made}"
    if runs > MOST_RUNS:
        text += f". The first {MOST_RUNS} of {runs} runs are drawn"
    if groups > _MOST_GROUPS:
        text += f". The first {_MOST_GROUPS} of {groups} groups are drawn"
    return text + "."
