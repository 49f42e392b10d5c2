"""Code that asks a model, for a card: with today's transformers, and with `harness ask`."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.names import metric_mentions
from harness.records import Decoding, Question, Scores

QUESTION = "Who founded Orvel?"
CONTEXT = "Orvel lies by the sea. It was founded by Tamsin Brako in 1204."

_PLAIN = re.compile(r"\w[\w ,.;:?!()'\u2019-]*")
_LONGEST = {"question": 150, "context": 400, "answer": 60}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the code of a card asks."""

    question: str
    context: str
    answer: str | None = None
    """What the model answers; None where that is not known."""


NEUTRAL = Asked(QUESTION, CONTEXT)


def choose_asked(
    questions: Sequence[Question] | None,
    predictions: Mapping[str, str] | None,
    scores: Scores | None,
    max_query_length: int | None,
) -> Asked:
    """A question of an evaluation that the model answered right, with the shortest context; `NEUTRAL` where none fits.

    Data are written by others: only plain words of a moderate length are taken, on one line and without figures' names.

    Args:
        questions: The questions.
        predictions: The model's answers by the questions' ids.
        scores: The scores of every question.
        max_query_length: Tokens of a question that the evaluation took; the code takes all. A token has a byte or more.
    """
    if questions is None or predictions is None or scores is None:
        return NEUTRAL
    longest = _LONGEST["question"] if max_query_length is None else max_query_length
    short = (question for question in questions if len(question.question.encode("utf-8", "replace")) < longest)
    right = (question for question in short if scores.exact.get(question.id) == 1.0)
    fitting = [asked for question in right if (asked := _asked(question, predictions.get(question.id))) is not None]
    return min(fitting, key=lambda asked: (len(asked.context), asked.context, asked.question), default=NEUTRAL)


def _asked(question: Question, answer: str | None) -> Asked | None:
    if not isinstance(answer, str) or answer not in question.context:
        return None
    texts = {"question": question.question, "context": question.context, "answer": answer}
    plain = all(
        len(text) <= _LONGEST[name] and _PLAIN.fullmatch(text) and text == " ".join(text.split())
        for name, text in texts.items()
    )
    return Asked(**texts) if plain and not any(metric_mentions(text) for text in texts.values()) else None


_CODE = """\
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

model_name = {name}
tokenizer = AutoTokenizer.from_pretrained(model_name)
model = AutoModelForQuestionAnswering.from_pretrained(model_name).eval()

question = {question}
context = {context}
windows = tokenizer(
    question,
    context,
    truncation="only_second",
    max_length={length},
    stride={stride},
    padding=True,
    return_overflowing_tokens=True,
    return_offsets_mapping=True,
    return_tensors="pt",
)
offsets = windows.pop("offset_mapping")
windows.pop("overflow_to_sample_mapping")
with torch.no_grad():
    logits = model(**windows)

best, answer, nothing = float("-inf"), "", float("inf")
for i, (start, end) in enumerate(zip(logits.start_logits, logits.end_logits)):
    cls = windows["input_ids"][i].tolist().index(tokenizer.cls_token_id)
    nothing = min(nothing, (start[cls] + end[cls]).item())
    inside = torch.tensor([part == 1 for part in windows.sequence_ids(i)])
    spans = (inside[:, None] & inside[None, :]).triu().tril({answer_length} - 1)
    scores = (start[:, None] + end[None, :]).masked_fill(~spans, float("-inf"))
    first, last = divmod(scores.argmax().item(), len(start))
    if scores[first, last] > best:
        best = scores[first, last].item()
        answer = context[offsets[i, first, 0] : offsets[i, last, 1]]
"""
_NOTHING = """\
if nothing - best > {threshold}:
    answer = ""  # the context does not say
"""


def transformers_code(
    model: str, decoding: Decoding, *, nothing: bool, asked: Asked = NEUTRAL, is_folder: bool = False
) -> str:
    """Python for transformers 5, which has no question-answering pipeline any more.

    It takes the best span of all windows by the sum of its logits, as ``run_qa.py`` does, with the lengths and the
    threshold of the run. ``n_best`` is not heeded: the best span is among the best starts and ends but for rare cases.
    Neither is ``max_query_length``.

    Args:
        model: A Hub id or a folder.
        decoding: Lengths and threshold.
        nothing: The answer may be none, "".
        asked: The question, and the answer that is printed, where it is known.
        is_folder: The model is said to be a folder.
    """
    overlaps = decoding.doc_stride_is == "overlap"
    stride = decoding.doc_stride if overlaps else decoding.max_seq_len // 4
    code = _CODE.format(
        name=_literal(model) + ("  # the folder of the model" if is_folder else ""),
        question=_literal(asked.question),
        context=_literal(asked.context),
        length=decoding.max_seq_len,
        stride=stride,
        answer_length=decoding.max_answer_length,
    )
    printed = "print(answer)" if asked.answer is None else f"print(answer)  # prints: {asked.answer}"
    if not nothing:
        code = "\n".join(line for line in code.splitlines() if "nothing = min" not in line and "cls =" not in line)
        code = code.replace(
            'best, answer, nothing = float("-inf"), "", float("inf")', 'best, answer = float("-inf"), ""'
        )
        return f"{code}\n{printed}"
    return f"{code}{_NOTHING.format(threshold=repr(decoding.null_threshold))}{printed}"


def ask_command(model: str, *, nothing: bool, asked: Asked = NEUTRAL) -> str:
    """The command line of `harness ask`, quoted for a POSIX shell."""
    parts = ["harness", "ask", model, "-q", asked.question, "-c", asked.context]
    return shlex.join([*parts, "--impossible"] if nothing else parts)


def _literal(text: str) -> str:
    """A string as Python and JSON both write it."""
    return json.dumps(text, ensure_ascii=False)
