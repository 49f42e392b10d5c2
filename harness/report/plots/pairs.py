"""Runs against the first one, question by question: differences, and the questions that flipped."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records import Change, Flips, Paired
from harness.report.data import Plot
from harness.report.markup import as_probability
from harness.report.pairing import NO_INTERVAL, chosen_changes
from harness.report.plots.rows import LEFT, RIGHT, Axis, Bar, Dot, Key, Mark, Row, Strip, Whisker, draw_rows
from harness.report.plots.scales import stretch
from harness.report.plots.words import change, counted, points, sentences

_NAMES = {"exact": "exact match", "f1": "F1"}


def draw_pairs(plot_id: str, names: Sequence[str], pairs: Sequence[Paired | None]) -> Plot | None:
    """A forest plot of every run's difference from the first.

    Args:
        plot_id: The figure's id.
        names: Of all runs.
        pairs: One for each run after the first.
    """
    every = [
        (name, pair, found)
        for name, pair in zip(names[1:], pairs, strict=False)
        if pair is not None
        for found in chosen_changes(pair)
    ]
    if not every:
        return None
    ends = [value for _, _, found in every for value in (found.difference, found.low, found.high) if value is not None]
    limit = max(max(map(abs, ends)), 0.01)
    axis = Axis(
        stretch((-limit, limit), LEFT, RIGHT, about=6), "points more than the first run", signed=True, zero=True
    )
    title = f"Differences from {names[0]}"
    rows = [_row(name, pair, found) for name, pair, found in every]
    keys = [Key("exact match", Dot(0.0, "circle", "accent")), Key("F1", Dot(0.0, "square", "accent-2"))]
    caption = "Each run less the first on the same questions; right of zero it is better"
    drawn = [found for _, _, found in every if found.low is not None and found.high is not None]
    if drawn:
        keys.append(Key("interval", Whisker(0.0, 1.0, "ink")))
        levels = sorted({f"{100 * found.level:g} %" for found in drawn})
        units = sorted({found.over for found in drawn})
        caption += f". Lines are {' and '.join(levels)} intervals of the paired bootstrap over {' and '.join(units)}"
    if len(drawn) < len(every):
        caption += f"; {NO_INTERVAL}"
    decisive = {text for _, pair, _ in every for text in pair.decisive}
    if decisive:
        caption += f". Not only the models differ: {'; '.join(sorted(decisive)[:4])}"
    description = sentences(_words(name, found) for name, _, found in every)
    return Plot(plot_id, title, caption + ".", draw_rows(plot_id, title, description, axis, rows, keys))


def draw_flips(plot_id: str, first: str, second: str, pair: Paired) -> Plot | None:
    """What became of the questions that only one of two runs answers right; None where there are none."""
    if not pair.flips:
        return None
    most = max(len(flip.ids) for flip in pair.flips)
    axis = Axis(stretch((-most, most), LEFT, RIGHT, about=4), "questions lost, and won", signed=True, zero=True)
    title = f"Flipped questions: {second} against {first}"
    caption = (
        f"Questions of {pair.n:,} that exactly one of the two answers exactly right, by what {first} gives and what "
        f"{second} gives. {len(pair.only_second):,} won, {len(pair.only_first):,} lost."
    )
    svg = draw_rows(plot_id, title, sentences(map(_flip_words, pair.flips)), axis, [_flip_row(f) for f in pair.flips])
    return Plot(plot_id, title, caption, svg)


def _row(name: str, pair: Paired, found: Change) -> Row:
    shape, class_ = ("circle", "accent") if found.score == "exact" else ("square", "accent-2")
    marks: list[Mark] = []
    if found.low is not None and found.high is not None:
        marks.append(Whisker(found.low, found.high, class_))
    marks.append(Dot(found.difference, "circle" if shape == "circle" else "square", class_))
    before, after = pair.exact if found.score == "exact" else pair.f1
    detail = f"{_NAMES[found.score]} {points(before)} to {points(after)}, p {as_probability(found.randomization_p)}"
    return Row(name, (Strip(tuple(marks)),), _difference(found), "ink", (detail,), _words(name, found))


def _difference(found: Change) -> str:
    if found.low is None or found.high is None:
        return change(found.difference)
    return f"{change(found.difference)} ({change(found.low)} to {change(found.high)})"


def _words(name: str, found: Change) -> str:
    return (
        f"{name}: {_NAMES[found.score]} {_difference(found)}, over {counted(found.units, found.over[:-1])}, "
        f"p {as_probability(found.randomization_p)}"
    )


def _flip_row(flip: Flips) -> Row:
    count = len(flip.ids)
    bar = Bar(float(count), "good") if flip.gained else Bar(float(-count), "bad")
    detail = f"of questions {'with' if flip.has_ans else 'without'} an answer"
    label = f"{flip.first} → {flip.second}"
    return Row(label, (Strip((bar,)),), f"{count:,} {_side(flip)}", bar.class_, (detail,), _flip_words(flip))


def _flip_words(flip: Flips) -> str:
    which = "with" if flip.has_ans else "without"
    return f"{flip.first} to {flip.second}, questions {which} an answer: {len(flip.ids):,} {_side(flip)}"


def _side(flip: Flips) -> str:
    return "won" if flip.gained else "lost"
