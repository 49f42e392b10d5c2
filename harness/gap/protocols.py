"""Ways of decoding the same windows that evaluators have used, each under one name.

A protocol is here because some program scores so, not because it gives yet another figure: with every further one it
becomes likelier that one of them gives a claimed figure by chance (`harness.gap.chance`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.records import Decoding, Question

if TYPE_CHECKING:
    from harness.spans import WindowLogits

GREEDY = 1
"""n_best of scripts that take the best start and the best end and pair no others."""
EXAMPLES = 20
"""n_best of ``run_squad`` and ``run_qa``, and before them of BERT's own ``run_squad.py``."""
LENGTHS = (15, 30, 1000)
"""max_answer_length of transformers' question-answering pipeline; of ``run_squad`` and ``run_qa``; of FARM."""
PIPELINE_LENGTH = 15
PIPELINE_SPANS = 12
"""Spans that the pipeline takes from each window for one answer of whole words: ``2 * top_k + 10``."""


@dataclass(frozen=True, slots=True)
class OtherDecoding:
    """One rule with other settings on the same windows: `harness rescore` gives the same."""

    name: str
    how: str
    decoding: Decoding


@dataclass(frozen=True, slots=True)
class OtherRule:
    """Another program's rule on windows that were not cut for it."""

    name: str
    how: str
    answer: Callable[[Question, Sequence[WindowLogits]], str]


def other_decodings(own: Decoding) -> tuple[OtherDecoding, ...]:
    """The run's rule with the settings that others use, its own left out."""
    found = []
    if not own.forced_answer:
        # the pipeline without handle_impossible_answer, and run_qa without --version_2_with_negative
        how = "the best span is the answer, whatever the null odds"
        found.append(OtherDecoding("forced answer", how, replace(own, forced_answer=True)))
    else:
        # run_qa with --version_2_with_negative on data of SQuAD 1.1
        how = f"the answer is empty where the null odds are above {own.null_threshold:g}"
        found.append(OtherDecoding("empty answers", how, replace(own, forced_answer=False)))
    if own.null_threshold and not own.forced_answer:
        how = "the answer is empty where no answer scores higher, no threshold"
        found.append(OtherDecoding("null_threshold 0", how, replace(own, null_threshold=0.0)))
    if own.protocol != "farm":  # which ranks every span
        for count, why in ((GREEDY, "the best start and the best end alone"), (EXAMPLES, "the 20 best of each")):
            if count != own.n_best:
                found.append(OtherDecoding(f"n_best {count}", f"{why} are paired", replace(own, n_best=count)))
    most = own.max_seq_len
    for length in LENGTHS:
        if min(length, most) != min(own.max_answer_length, most):
            how = "no limit on the length of an answer" if length >= most else f"answers of {length} tokens at most"
            decoding = replace(own, max_answer_length=length)
            found.append(OtherDecoding(f"max_answer_length {length}", how, decoding))
    return tuple(found)


def other_rules(own: Decoding, *, may_be_empty: bool) -> tuple[OtherRule, ...]:
    """Other programs' rules with their own settings; none on windows of ``run_squad``, whose tokens are whole words.

    Args:
        own: Of the run.
        may_be_empty: Whether the rules of scoring let an empty answer be right.
    """
    if own.protocol == "run_squad":
        return ()
    example = replace(own, protocol="run_qa", n_best=20, max_answer_length=30, null_threshold=0.0)
    found = [
        OtherRule(
            "run_squad",
            "the rule of run_squad on the run's windows: a start counts only where its window gives it the most "
            "context; the text is that of the tokens",
            _by_run_squad(example),
        ),
        OtherRule(
            "pipeline",
            "the rule of transformers' question-answering pipeline, which the Hub's automatic evaluation asked, on "
            "the run's windows: probabilities of each window for itself, answers of 15 tokens at most, widened to "
            "whole words",
            _by_pipeline(may_be_empty),
        ),
    ]
    if own.protocol == "farm":
        how = "the rule of run_qa on the run's windows: n_best 20, max_answer_length 30"
        return (OtherRule("run_qa", how, _by_decoding(example)), *found)
    how = "FARM's rule on the run's windows: every span, and no answer only where it wins in each window"
    return (OtherRule("farm", how, _by_farm(own)), *found)


def _by_decoding(decoding: Decoding) -> Callable[[Question, Sequence[WindowLogits]], str]:
    from harness.spans import decode_spans

    def answer(question: Question, windows: Sequence[WindowLogits]) -> str:
        return decode_spans(question.id, question.context, windows, decoding).answer

    return answer


def _by_farm(own: Decoding) -> Callable[[Question, Sequence[WindowLogits]], str]:
    from harness.spans.farm_tokens import choose_span

    if own.forced_answer:  # a span of blanks must not leave the question without another
        return _by_decoding(replace(own, protocol="farm", n_best=EXAMPLES, max_answer_length=1000, null_threshold=0.0))

    def answer(question: Question, windows: Sequence[WindowLogits]) -> str:
        chosen = choose_span(windows)
        if chosen is None:
            return ""
        number, first, last = chosen
        characters = windows[number].characters
        return question.context[characters[first, 0] : characters[last, 1]].strip()

    return answer


def _by_run_squad(decoding: Decoding) -> Callable[[Question, Sequence[WindowLogits]], str]:
    from harness.spans.max_context import choose_max_context

    def answer(question: Question, windows: Sequence[WindowLogits]) -> str:
        return choose_max_context(question.context, windows, decoding)

    return answer


def _by_pipeline(impossible: bool) -> Callable[[Question, Sequence[WindowLogits]], str]:
    from harness.spans.probable import rank_answers
    from harness.spans.whole_words import widen_tokens

    def answer(question: Question, windows: Sequence[WindowLogits]) -> str:
        ranked = rank_answers(
            question.context,
            widen_tokens(question.context, windows),
            top_k=1,
            per_window=PIPELINE_SPANS,
            max_answer_length=PIPELINE_LENGTH,
            impossible=impossible,
        )
        return ranked[0].answer if ranked else ""

    return answer
