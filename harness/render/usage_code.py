"""Code that asks a model, for a card: with today's transformers, and with `harness ask`."""

from __future__ import annotations

import json
import shlex

from harness.records import Decoding

QUESTION = "Who founded Orvel?"
CONTEXT = "Orvel lies by the sea. It was founded by Tamsin Brako in 1204."

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


def transformers_code(model: str, decoding: Decoding, *, nothing: bool) -> str:
    """Python for transformers 5, which has no question-answering pipeline any more.

    It takes the best span of all windows by the sum of its logits, as ``run_qa.py`` does, with the lengths and the
    threshold of the run. ``n_best`` is not heeded: the best span is among the best starts and ends but for rare cases.

    Args:
        model: A Hub id or a folder.
        decoding: Lengths and threshold.
        nothing: The answer may be none, "".
    """
    overlaps = decoding.doc_stride_is == "overlap"
    stride = decoding.doc_stride if overlaps else decoding.max_seq_len // 4
    code = _CODE.format(
        name=_literal(model),
        question=_literal(QUESTION),
        context=_literal(CONTEXT),
        length=decoding.max_seq_len,
        stride=stride,
        answer_length=decoding.max_answer_length,
    )
    if not nothing:
        code = "\n".join(line for line in code.splitlines() if "nothing = min" not in line and "cls =" not in line)
        code = code.replace(
            'best, answer, nothing = float("-inf"), "", float("inf")', 'best, answer = float("-inf"), ""'
        )
        return f"{code}\nprint(answer)"
    return f"{code}{_NOTHING.format(threshold=repr(decoding.null_threshold))}print(answer)"


def ask_command(model: str, *, nothing: bool) -> str:
    """The command line of `harness ask`, quoted for a POSIX shell."""
    parts = ["harness", "ask", model, "-q", QUESTION, "-c", CONTEXT]
    return shlex.join([*parts, "--impossible"] if nothing else parts)


def _literal(text: str) -> str:
    """A string as Python and JSON both write it."""
    return json.dumps(text, ensure_ascii=False)
