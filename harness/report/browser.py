"""The questions of a report as HTML: every paragraph once, and below it what was asked, is right, and was answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.records import Question, Scores
from harness.report.data import ReportData, RunData
from harness.report.marks import Piece, Span, gold_spans, predicted_span, snippets
from harness.report.markup import Html, as_html, seen
from harness.squad import split_answer


@dataclass(frozen=True, slots=True)
class Browser:
    """The questions of one data set, and the runs that answered them."""

    runs: tuple[int, ...]
    """Numbers of the runs in the report, from 1."""
    data: str
    n: int
    unanswerable: int
    flipped: int
    """Right by some of the runs and wrong by others."""
    answers: bool
    """Of every run the answers are at hand."""
    left_out: str
    """Which runs are not here, and why; empty where all are."""
    parts: tuple[Html, ...]
    """A section for every paragraph."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One run's part."""

    number: int
    scores: Scores
    answers: Mapping[str, str] | None


def browse_questions(data: ReportData) -> Browser | None:
    """The questions of the first run whose questions and scores are at hand, with all runs of the same questions.

    None where there is no such run; its notes then say what is missing.
    """
    whole = [one for one in data.runs if one.questions is not None and one.scores is not None]
    if not whole:
        return None
    first = whole[0]
    chosen = [one for one in data.runs if _same_questions(first, one)]
    columns = tuple(_column(data.runs.index(one) + 1, one) for one in chosen)
    asked = [q for q in first.questions or () if q.id in columns[0].scores.exact]
    writer = _Writer(columns)
    parts = tuple(
        writer.paragraph(number, context, list(questions))
        for number, ((_, context), questions) in enumerate(groupby(asked, lambda q: (q.passage_id, q.context)), 1)
    )
    others = [str(number) for number, one in enumerate(data.runs, 1) if one not in chosen]
    return Browser(
        runs=tuple(column.number for column in columns),
        data="" if first.run.evaluated is None else str(first.run.evaluated.ref),
        n=len(asked),
        unanswerable=writer.unanswerable,
        flipped=writer.flipped,
        answers=all(column.answers is not None for column in columns),
        left_out=""
        if not others
        else f"Run {', '.join(others)}: of other questions, or without scores of single ones; not shown here.",
        parts=parts,
    )


def _same_questions(first: RunData, other: RunData) -> bool:
    one, two = first.scores, other.scores
    if one is None or two is None or first.run.evaluated is None or other.run.evaluated is None:
        return False
    return first.run.evaluated.sha256 == other.run.evaluated.sha256 and list(one.exact) == list(two.exact)


def _column(number: int, one: RunData) -> _Column:
    if one.scores is None:
        raise ValueError(f"run {one.run.id}: found no scores of single questions, expected them")
    return _Column(number, one.scores, None if one.predictions is None else one.predictions.answers)


class _Writer:
    """Writes sections, and counts what is in them."""

    def __init__(self, columns: Sequence[_Column]) -> None:
        self.columns = columns
        self.written = self.unanswerable = self.flipped = 0

    def paragraph(self, number: int, context: str, questions: Sequence[Question]) -> Html:
        places = _places(context)
        rows = "\n".join(self._question(question, places) for question in questions)
        return Html(
            f'<section class="pg" id="p{number}"><h3>Paragraph {number}</h3>'
            f'<p class="c" dir="auto">{as_html(context)}</p>\n<ol>\n{rows}\n</ol></section>\n'
        )

    def _question(self, question: Question, places: Sequence[int] | None) -> str:
        self.written += 1
        gold = gold_spans(question)
        spans: list[Span] = []
        states, lines = [], []
        for column in self.columns:
            right = column.scores.exact[question.id] == 1.0
            text = None if column.answers is None else column.answers.get(question.id)
            span = predicted_span(question.context, text or "", gold)
            if span is not None:
                spans.append(span)
            given = "?" if column.answers is None else "m" if text is None else "a" if split_answer(text) else "n"
            states.append(f"{'r' if right else 'w'}{given}")
            lines.append(self._given(column, question, right, text, span is not None))
        unanswerable = not self.columns[0].scores.has_ans[question.id]
        self.unanswerable += unanswerable
        self.flipped += len({state[0] for state in states}) > 1
        shown = "".join(_snippet(pieces) for pieces in snippets(question.context, gold, spans))
        marks = "".join(
            f' data-{name}="{_written(found, places)}"' for name, found in (("g", gold), ("p", spans)) if found
        )
        return (
            f'<li id="q{self.written}" data-k="{"u" if unanswerable else "h"}{"".join(states)}"{marks}>'
            f'<a href="#q{self.written}" dir="auto">{as_html(question.question)}</a> '
            f"<small>{as_html(question.id)}</small>"
            f"<p><b>gold</b> {_gold(question)}</p>{''.join(lines)}{shown}</li>"
        )

    def _given(self, column: _Column, question: Question, right: bool, text: str | None, placed: bool) -> str:
        word = "right" if right else "wrong"
        run = f"run {column.number}: " if len(self.columns) > 1 else ""
        if column.answers is None:
            shown = "<em>answer not at hand</em>"
        elif text is None:
            shown = "<em>no prediction</em>"
        elif not text.strip():
            shown = "<em>no answer</em>"
        else:
            shown = f"<bdi>{as_html(text)}</bdi>{'' if placed else ' <em>(not in the paragraph as written)</em>'}"
        f1 = column.scores.f1[question.id]
        partly = f" <i>F1 {100 * f1:.0f}</i>" if not right and f1 else ""
        return f'<p class="{word[0]}"><b>{run}{word}</b> {shown}{partly}</p>'


def _gold(question: Question) -> str:
    texts = dict.fromkeys(answer.text for answer in question.answers)
    return " · ".join(f"<bdi>{as_html(text)}</bdi>" for text in texts) or "<em>no answer</em>"


def _snippet(pieces: Sequence[Piece]) -> str:
    return f'<p class="s" dir="auto">… {"".join(_marked(pieces))} …</p>'


def _marked(pieces: Sequence[Piece]) -> Iterator[str]:
    for piece in pieces:
        kinds = " ".join(name for name, on in (("g", piece.gold), ("p", piece.predicted)) if on)
        yield f'<mark class="{kinds}">{as_html(piece.text)}</mark>' if kinds else as_html(piece.text)


def _places(context: str) -> Sequence[int] | None:
    """Where each character of a context begins in its text on the page, in units of UTF-16 as scripts count; or None
    where that is the same number."""
    shown = seen(context)
    if shown == context and (shown.isascii() or max(shown) <= "\uffff"):
        return None
    places = [0]
    for character in context:
        places.append(places[-1] + len(seen(character).encode("utf-16-le")) // 2)
    return places


def _written(spans: Sequence[Span], places: Sequence[int] | None) -> str:
    at = [(start, end) if places is None else (places[start], places[end]) for start, end in spans]
    return ",".join(f"{start}-{end}" for start, end in dict.fromkeys(at))
