"""The rule that a decoding names, applied to questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.records import Decoding, Question
from harness.spans.farm import decode_farm
from harness.spans.run_qa import decode_run_qa
from harness.spans.run_squad import decode_run_squad
from harness.spans.windows import Decoded, Floats, WindowLogits, Windows, check_windows


def decode_spans(question_id: str, context: str, windows: Sequence[WindowLogits], decoding: Decoding) -> Decoded:
    """Choose the answer to one question from all its windows, by the rule of ``decoding.protocol``.

    Raises:
        RunError: a logit is not a finite number, or there is no window.
    """
    found = tuple(windows)
    check_windows(question_id, found)
    match decoding.protocol:
        case "run_qa":
            return decode_run_qa(context, found, decoding)
        case "farm":
            return decode_farm(context, found, decoding)
        case "run_squad":
            return decode_run_squad(context, found, decoding)


def decode_questions(
    questions: Sequence[Question], windows: Windows, logits: Floats, decoding: Decoding
) -> Iterator[tuple[str, Decoded]]:
    """Question ids and answers, from the windows of these questions and logits [tokens, 2]."""
    for question, found in zip(questions, windows.by_question(len(questions), logits), strict=True):
        yield question.id, decode_spans(question.id, question.context, found, decoding)
