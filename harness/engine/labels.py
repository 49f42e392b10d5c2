"""Answers to token labels: clean ones, and those that each era's code made of an answer at the end of a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.engine.windowing import LEFT_OUT, MISPLACED, Features, Windowing, is_line
from harness.errors import DataError
from harness.records import Answer, Question
from harness.spans.farm_tokens import find_token, stands_there

Labels = tuple[NDArray[np.int32], NDArray[np.bool_]]


def make_labels(
    features: Features, questions: Sequence[Question], windowing: Windowing, faults: bool = False
) -> Labels:
    """Label every window with the first and last token of the first reference answer, counted in the window.

    A window of an unanswerable question, or one that does not wholly contain the answer's characters, is labelled
    with its CLS token twice. A question is unanswerable if it has no reference answer. The protocol ``run_squad``
    labels whole words, except where the answer's own tokens stand in them, believes the data on what is unanswerable,
    and leaves out questions whose answer it does not find.

    With `faults`, as the era's code did:

    - ``farm`` (haystack 1.0 to 1.3): the end of an answer in the last token of the context, or cut off by one token,
      is the separator behind the window; an answer that begins in the last token is none. Questions or contexts
      without tokens, and questions with a wrong answer, are left out.
    - ``run_qa``: the start of an answer in the last context token of a window is the last token of the window padded
      to `max_seq_len`; where tokens share a character, the label begins with the last of them and ends with the first.

    Args:
        features: Of these questions, by this windowing.
        questions: The questions.
        windowing: How they were cut.
        faults: Label as the era did; ``run_squad`` has none.

    Returns:
        Labels [windows, 2], and [windows] whether training takes the window.

    Raises:
        DataError: the answer is blank, or the context has other text at its place.
    """
    labels = np.repeat(features.cls[:, None], 2, axis=1)
    kept = np.ones(len(features), dtype=np.bool_)
    if windowing.protocol == "run_squad" and features.labels is not None:
        misplaced = np.flatnonzero(features.labels[:, 0] == MISPLACED)
        if len(misplaced):
            answer_place(questions[int(features.question[misplaced[0]])])  # says what is wrong
        kept = features.labels[:, 0] > LEFT_OUT
        return np.where(kept[:, None], features.labels, labels), kept
    label = _label_clean if not faults else _label_farm if windowing.protocol == "farm" else _label_run_qa
    for owner, windows in _by_question(features, len(questions)):
        question = questions[owner]
        if is_line(question):
            continue
        if not label(features, question, windows, windowing, labels):
            kept[windows.start : windows.stop] = False
    return labels, kept


def answer_place(question: Question) -> tuple[int, int] | None:
    """First character of the first reference answer and one past its last, without blanks at either end.

    Differences in case and in the kind or number of blanks are let pass, since published data have them.

    Raises:
        DataError: the answer is blank, or the context has other text at its place.
    """
    if not question.answers:
        return None
    answer = question.answers[0]
    there = _there(question, answer)
    if not answer.text.strip() or _loose(there) != _loose(answer.text):
        raise DataError(
            f'question {question.id}: answer "{answer.text[:40]}" at character {answer.start}, where the context has '
            f'"{there[:40]}"; correct answer_start, or leave the answers empty if there is none',
        )
    start = answer.start + len(there) - len(there.lstrip())
    return start, start + len(there.strip())


def _there(question: Question, answer: Answer) -> str:
    return question.context[answer.start : answer.start + len(answer.text)] if answer.start >= 0 else ""


def _loose(text: str) -> str:
    return " ".join(text.split()).casefold()


def _by_question(features: Features, count: int) -> Iterator[tuple[int, range]]:
    firsts = np.searchsorted(features.question, np.arange(count + 1)).tolist()
    for owner in range(count):
        yield owner, range(firsts[owner], firsts[owner + 1])


def _characters(features: Features, window: int) -> NDArray[np.int32]:
    """[context tokens, 2]"""
    low, high = features.context[window].tolist()
    begin = int(features.bounds[window])
    return features.characters[begin + low : begin + high]


def _label_clean(
    features: Features, question: Question, windows: range, windowing: Windowing, labels: NDArray[np.int32]
) -> bool:
    place = answer_place(question)
    for window in windows if place is not None else ():
        characters, low = _characters(features, window), int(features.context[window, 0])
        if place is None or not len(characters):
            continue
        # The outermost windows also cover characters that the tokenizer drops at either end of the context.
        opens, closes = window == windows.start, window + 1 == windows.stop
        if not ((opens or characters[0, 0] <= place[0]) and (closes or place[1] <= characters[-1, 1])):
            continue
        first = int(np.argmax(characters[:, 1] > place[0]))
        last = len(characters) - 1 - int(np.argmax(characters[::-1, 0] < place[1]))
        if first <= last and characters[first, 1] > place[0] and characters[last, 0] < place[1]:
            labels[window] = low + first, low + last
    return True


def _label_farm(
    features: Features, question: Question, windows: range, windowing: Windowing, labels: NDArray[np.int32]
) -> bool:
    """FARM's labels; whether it kept the question."""
    if features.labels is not None and features.labels[windows.start, 0] == LEFT_OUT:
        return False
    places = [_characters(features, window)[:, 0] for window in windows]
    rooms = [len(place) for place in places]
    step = windowing.find_step(rooms[0])
    starts = np.concatenate([places[0], *(place[rooms[0] - step :] for place in places[1:])])
    for number, window in enumerate(windows):
        for i, answer in enumerate(question.answers):
            first, last = (
                find_token(starts, place) - number * step
                for place in (answer.start, answer.start + len(answer.text) - 1)
            )
            if i == 0 and 0 <= first < rooms[number] and 0 <= last <= rooms[number]:
                low = int(features.context[window, 0])
                labels[window] = low + first, low + last
            if first >= 0 and last < rooms[number] and not stands_there(question, answer):
                return False
    return True


def _label_run_qa(
    features: Features, question: Question, windows: range, windowing: Windowing, labels: NDArray[np.int32]
) -> bool:
    if not question.answers:
        return True
    answer = question.answers[0]
    if not answer.text:
        answer_place(question)  # says what is wrong
    start, end = answer.start, answer.start + len(answer.text)
    for window in windows:
        characters, low = _characters(features, window), int(features.context[window, 0])
        if not len(characters) or not (characters[0, 0] <= start and characters[-1, 1] >= end):
            continue
        later, before = characters[:, 0] > start, characters[::-1, 1] < end
        first = low + int(np.argmax(later)) - 1 if later.any() else windowing.max_seq_len - 1
        last = low + len(characters) - int(np.argmax(before)) if before.any() else low
        labels[window] = first, last
    return True
