"""The token-level metric of FARM and haystack 1.0 to 1.3 (``FARMReader.eval_on_file``).

A prediction is a pair of token numbers in the context, first and last, or (-1, -1) for no answer; a right answer is
one of the question's labels. No text is looked at, so neither case nor punctuation nor articles are forgiven, and a
word that the tokenizer cuts into pieces counts once for each piece. Sources: ``squad_EM`` and ``squad_f1`` of
``haystack/modeling/evaluation/metrics.py``, ``QuestionAnsweringHead.aggregate_preds`` and ``SquadProcessor``, 1.2.0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.records import Answer, Decoding, Question
from harness.spans.windows import Ints, WindowLogits

Span = tuple[int, int]
"""First and last token of the context, from 0."""

NO_ANSWER: Span = (-1, -1)


def score_tokens(question: Question, windows: Sequence[WindowLogits], decoding: Decoding) -> tuple[float, float] | None:
    """Exact match and F1, as fractions, of the answer that FARM's rule chooses.

    Args:
        question: With its reference answers.
        windows: All windows of it; their tokens have characters of their own, not those of whole words.
        decoding: How the windows were cut, from which follow the tokens' numbers in the context; FARM's own rule
            has no limit on the length of an answer, and no threshold.

    Returns:
        None where FARM left the question out of the mean: a context without tokens, or an answer that the context
        does not have at its place.
    """
    lows = [window.context[0] for window in windows]
    places = [window.characters[window.context[0] : window.context[1], 0] for window in windows]
    if not len(places[0]):
        return None
    step = find_step(len(places[0]), decoding)
    labels = find_labels(question, places, step)
    if labels is None:
        return None
    chosen = choose_span(windows)
    if chosen is not None:
        number, first, last = chosen
        moved = number * step - lows[number]
        span = first + moved, last + moved
    else:
        span = NO_ANSWER
    return float(span in labels), max(overlap(span, label) for label in labels)


def find_step(room: int, decoding: Decoding) -> int:
    """Tokens from the start of a window to that of the next, where the first has `room` of the context."""
    return decoding.doc_stride if decoding.doc_stride_is == "step" else room - decoding.doc_stride


def find_labels(question: Question, places: Sequence[Ints], step: int) -> frozenset[Span] | None:
    """Every distinct label of every answer in every window, or `NO_ANSWER` alone; None for a question left out.

    Args:
        question: With its reference answers; none means unanswerable.
        places: First character of each context token, window by window.
        step: Context tokens from the start of a window to that of the next.
    """
    starts = np.concatenate([places[0], *(place[len(places[0]) - step :] for place in places[1:])])
    found = set()
    for answer in question.answers:
        first, last = find_token(starts, answer.start), find_token(starts, answer.start + len(answer.text) - 1)
        for number, place in enumerate(places):
            moved = number * step
            # the end may be the separator behind the window; see `find_token`
            if 0 <= first - moved < len(place) and 0 <= last - moved <= len(place):
                found.add((first, last))
            if first >= moved and last - moved < len(place) and not stands_there(question, answer):
                return None
    return frozenset(found or {NO_ANSWER})


def find_token(starts: Ints, character: int) -> int:
    """The token of a character: the last that begins at or before it, but one more in the last token.

    That one more is a fault of 1.0 to 1.3 which labels the end of such an answer with the separator behind the
    context, where no prediction ends.
    """
    if character >= starts.max():
        return int(np.argmax(starts)) + 1
    return int(np.argmax(starts > character)) - 1


def stands_there(question: Question, answer: Answer) -> bool:
    """Whether the context has the answer's text at its place, blanks at either end aside."""
    there = question.context[answer.start : answer.start + len(answer.text)]
    return answer.text in question.context and there.strip() == answer.text.strip()


def choose_span(windows: Sequence[WindowLogits]) -> tuple[int, int, int] | None:
    """Window, first and last token in it of the best span of all; None where no answer wins or ties in each window."""
    gap = best = -np.inf
    chosen = None
    for number, window in enumerate(windows):
        low, high = window.context
        if low == high:
            continue
        start, end = (logits[low:high].astype(np.float64) for logits in (window.start, window.end))
        scores = start + np.maximum.accumulate(end[::-1])[::-1]  # of the best end at or behind each start
        first = int(scores.argmax())
        gap = max(gap, scores[first] - float(window.start[window.cls]) - float(window.end[window.cls]))
        if scores[first] > best:
            best = scores[first]
            chosen = number, low + first, low + first + int(end[first:].argmax())
    return chosen if gap > 0 else None


def overlap(span: Span, label: Span) -> float:
    """F1 of the two sets of tokens; where either has the sum 0, as the first token alone has, 1 for equal starts."""
    if sum(span) == 0 or sum(label) == 0:
        return float(span[0] == label[0])
    same = min(span[1], label[1]) - max(span[0], label[0]) + 1
    if same <= 0:
        return 0.0
    precision, recall = same / (span[1] - span[0] + 1), same / (label[1] - label[0] + 1)
    return 2 * precision * recall / (precision + recall)
