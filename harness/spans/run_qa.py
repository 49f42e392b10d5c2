"""The rule of the transformers question-answering example (``run_qa``).

In each window the best starts are paired with the best ends, spans of context tokens that are in order and not too
long are candidates, and the no-answer candidate is the window's CLS position with the lowest score. Two departures:
padding never takes part, so the result does not depend on the batch, and a question without any candidate is answered
with "" instead of a placeholder.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.records import Decoding
from harness.spans.windows import Decoded, Floats, WindowLogits, find_margin


def decode_run_qa(context: str, windows: tuple[WindowLogits, ...], decoding: Decoding) -> Decoded:
    """Choose the answer to one question.

    Candidates with equal scores keep the order: window, rank of the start, rank of the end, no-answer last; positions
    with equal logits rank from left to right. The no-answer candidate is always among the candidates returned, in
    forced-answer mode never.
    """
    found = [_candidates(window, decoding) for window in windows]
    nulls = np.array([(window.start[window.cls], window.end[window.cls]) for window in windows], dtype=np.float64)
    logits = np.concatenate([logits for logits, _ in found] + [nulls[[nulls.sum(axis=1).argmin()]]])
    characters = np.concatenate([characters for _, characters in found] + [np.zeros((1, 2), dtype=np.int64)])
    scores = logits.sum(axis=1)
    null = len(scores) - 1
    if decoding.forced_answer:
        ranked = np.argsort(-scores[:null], kind="stable")[: decoding.n_best]
    else:
        ranked = np.argsort(-scores, kind="stable")[: decoding.n_best]
        if null not in ranked:
            ranked = np.append(ranked, null)
    kept = characters[ranked].astype(np.int32), logits[ranked].astype(np.float32)
    if null == 0:
        return Decoded("", float(scores[null]), context, *kept)
    best = int(scores[:null].argmax())
    null_odds = float(scores[null] - scores[best])
    empty = null_odds > decoding.null_threshold and not decoding.forced_answer
    answer = "" if empty else context[slice(*characters[best].tolist())]
    margin = find_margin(context, answer, scores[:null], characters[:null], null_odds, decoding)
    return Decoded(answer, null_odds, context, *kept, margin)


def _candidates(window: WindowLogits, decoding: Decoding) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits [candidates, 2] and characters [candidates, 2] of a window's spans, best starts first."""
    starts, ends = find_spans(window, decoding)
    characters = np.stack([window.characters[starts, 0], window.characters[ends, 1]], axis=1).astype(np.int64)
    logits = np.stack([window.start[starts], window.end[ends]], axis=1).astype(np.float64)
    # Some tokenizers have tokens without characters; a span of nothing else is no answer.
    visible = characters[:, 1] > characters[:, 0]
    return logits[visible], characters[visible]


def find_spans(window: WindowLogits, decoding: Decoding) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last tokens [candidates] of a window's spans, best starts first, and for each the best ends first."""
    starts, ends = _in_context(window.start, window, decoding), _in_context(window.end, window, decoding)
    length = ends[None, :] - starts[:, None] + 1
    first, last = np.nonzero((length > 0) & (length <= decoding.max_answer_length))
    return starts[first], ends[last]


def _in_context(logits: Floats, window: WindowLogits, decoding: Decoding) -> NDArray[np.intp]:
    """The best positions of the whole window, then those of them that are context tokens, best first."""
    best = np.argsort(-logits, kind="stable")[: decoding.n_best]
    low, high = window.context
    return best[(best >= low) & (best < high)]
