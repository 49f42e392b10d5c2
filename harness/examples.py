"""A card's usage examples: what it prints, against what the model answers.

An example is one question, so there is nothing to count: text, place and score are compared as they are. Scores alone
never make a difference, since versions of the pipeline computed them in different ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from harness.engine_api import Engine
from harness.records import Card, Example, ExampleComparison, ProbableAnswer, Run, Verdict
from harness.verdict.summary import sum_up

WITHIN = 0.01
"""Largest difference of scores that counts as agreement."""
NOISE = 1e-5
"""Single precision on another machine moves a score by less."""

_OTHER_OFFSETS = "the printed offsets are not those of the printed answer"
_WEAKEST_LAST = (Verdict.MATCHES, Verdict.WITHIN_TOLERANCE, Verdict.INCONCLUSIVE)


def check_examples(
    examples: Iterable[Example], ask: Callable[[Example], ProbableAnswer | None]
) -> tuple[ExampleComparison, ...]:
    """Put every example to a model by `ask`, and judge what it answers; None is no answer at all."""
    return tuple(judge_example(example, ask(example)) for example in examples)


def answer_examples(card: Card, model: Path, engine: Engine) -> tuple[ExampleComparison, ...]:
    """Put every example of a card to a model, and judge what it answers; without examples no model is loaded.

    An example that cannot be asked, such as a question longer than the model reads, is ``not_comparable`` and says why.

    Args:
        card: What prints the examples.
        model: The model's folder.
        engine: What asks it.

    Raises:
        HarnessError: the model cannot be loaded.
    """
    if not card.examples:
        return ()
    given = engine.ask(model, card.examples)
    return tuple(
        ExampleComparison(example, Verdict.NOT_COMPARABLE, f"it could not be asked: {answer}", asked=False)
        if isinstance(answer, str)
        else judge_example(example, answer)
        for example, answer in zip(card.examples, given, strict=True)
    )


def retake_examples(card: Card, run: Run, model: Path, engine: Engine) -> tuple[ExampleComparison, ...]:
    """The examples of a card, which may have changed, for a finished run: what it has not answered yet is asked now.

    Args:
        card: What prints the examples.
        run: The record.
        model: The folder of the run's model; where it is gone, examples that were not asked are ``not_comparable``.
        engine: What asks it.

    Raises:
        HarnessError: the model cannot be loaded.
    """
    known = [recorded_example(example, run) for example in card.examples]
    unchanged = card.sha256 == run.card_sha256
    settled = [found if found is not None and (found.asked or unchanged) else None for found in known]
    missing = tuple(e for e, found in zip(card.examples, settled, strict=True) if found is None)
    if not model.is_dir():
        reason = "it was not asked when the model was there; --fresh makes the model anew"
        asked = [ExampleComparison(example, Verdict.NOT_COMPARABLE, reason, asked=False) for example in missing]
    else:
        asked = list(answer_examples(replace(card, examples=missing), model, engine))
    return tuple(found or asked.pop(0) for found in settled)


def recorded_example(example: Example, run: Run) -> ExampleComparison | None:
    """An example held against what a run's model answered to the same question; None where the run has no such answer.

    The question is the same if question and context are, character by character, and if no answer took part or did not
    then as it would now. The printed answer is that of `example`, which the card may have changed since.
    """
    for found in run.examples:
        asked = found.example
        if (asked.question, asked.context, not asked.answer) == (example.question, example.context, not example.answer):
            return judge_example(example, found.reproduced) if found.asked else replace(found, example=example)
    return None


def judge_example(example: Example, given: ProbableAnswer | None) -> ExampleComparison:
    """Judge one example. Never raises: what cannot be compared says why.

    ``matches``: same text, same place, and a score with the printed digits. ``within_tolerance``: the same but for case
    and blanks, for the signs around it, for a way to count the end, or for up to `WITHIN` of the score.
    ``inconclusive``: the same text elsewhere, or with another score. ``differs``: another text. ``not_comparable``: the
    printed answer does not stand in the printed context.
    """
    difference = None if given is None or example.score is None else given.score - example.score
    verdict, reason = _decide(example, given)
    return ExampleComparison(example, verdict, reason, given, difference)


def outcome(comparisons: Iterable[ExampleComparison], *, strict: bool = False) -> tuple[int, str]:
    """Exit code and a sentence: 0 as printed, 1 where an example differs, or none could be compared.

    Args:
        comparisons: What was judged.
        strict: Inconclusive and not comparable examples count as failures too.
    """
    verdicts = (comparison.verdict for comparison in comparisons)
    return sum_up(verdicts, "as printed", "the card prints no example", strict=strict)


def _decide(example: Example, given: ProbableAnswer | None) -> tuple[Verdict, str]:
    context, printed = example.context, example.answer
    if _loose(printed) not in _loose(context):
        return Verdict.NOT_COMPARABLE, "the printed answer does not stand in the printed context: one was changed"
    if given is None:
        return Verdict.DIFFERS, "the model gives no answer"
    start, end, notes = given.start, given.end, []
    if given.answer == printed:
        text = Verdict.MATCHES
    elif _loose(given.answer) == _loose(printed):
        text = Verdict.WITHIN_TOLERANCE
        notes.append("the text is the same but for case and blanks")
    else:
        start, end = _up_to_blanks(context, start, end)
        if not given.answer or context[start:end] != printed:
            return Verdict.DIFFERS, "another answer"
        text = Verdict.WITHIN_TOLERANCE
        notes.append("the text is the same but for signs around it, which older pipelines gave with the word")
    place, about = _place(example, start, end)
    score, how = _score(example, given)
    found = max(text, place, score, key=_WEAKEST_LAST.index)
    notes += [note for note in (about, how) if note]
    return found, "; ".join(notes) or "what is printed is what the model gives"


def _place(example: Example, start: int, end: int) -> tuple[Verdict, str]:
    """The printed offsets against those of the answer, as far as they are printed."""
    context, answer = example.context, example.answer
    first = start if example.start is None else example.start
    last = end if example.end is None else example.end
    if (first, last) == (start, end):
        return Verdict.MATCHES, ""
    if min(first, last) < 0:
        return Verdict.INCONCLUSIVE, _OTHER_OFFSETS
    between = context[min(first, start) : max(first, start)] + context[min(last, end) : max(last, end)]
    # the last character itself, or the blank behind the word: pipelines differed in what they called the end
    if not between.strip() or (first == start and last == end - 1):
        return Verdict.WITHIN_TOLERANCE, "the printed offsets are those of this place, with the ends counted otherwise"
    if example.end is None:
        last = first + len(answer)
    elif example.start is None:
        first = last - len(answer)
    if answer and _loose(context[max(0, first) : last]) == _loose(answer):
        return Verdict.INCONCLUSIVE, "the model gives the text from another place, which the card does not print"
    return Verdict.INCONCLUSIVE, _OTHER_OFFSETS


def _score(example: Example, given: ProbableAnswer) -> tuple[Verdict, str]:
    if example.score is None:
        return Verdict.MATCHES, ""
    difference = given.score - example.score
    # printed digits stand for up to half a last digit less, and, as they may be cut, up to a whole one more
    exponent = Decimal(repr(example.score)).as_tuple().exponent
    digit = 10.0**exponent if isinstance(exponent, int) else 0.0
    if abs(difference) <= NOISE or (digit <= WITHIN and -digit / 2 <= difference < digit):
        return Verdict.MATCHES, ""
    direction = "above" if difference > 0 else "below"
    if abs(difference) <= WITHIN:
        return Verdict.WITHIN_TOLERANCE, f"the score is {abs(difference):.2g} {direction}, tolerance {WITHIN:g}"
    reason = f"the score is {abs(difference):.2g} {direction}; versions of the pipeline computed it in different ways"
    return Verdict.INCONCLUSIVE, reason


def _up_to_blanks(context: str, start: int, end: int) -> tuple[int, int]:
    """The place widened to what stands between blanks."""
    while start > 0 and not context[start - 1].isspace():
        start -= 1
    while end < len(context) and not context[end].isspace():
        end += 1
    return start, end


def _loose(text: str) -> str:
    return " ".join(text.split()).casefold()
