"""From start and end logits to an answer, its n-best list and its null odds.

The rule is the one of the transformers question-answering example (``run_qa``): in each window the best starts are
paired with the best ends, spans of context tokens that are in order and not too long are candidates, and the
no-answer candidate is the window's CLS position with the lowest score. Two departures: padding never takes part, so
the result does not depend on the batch, and a question without any candidate is answered with "" instead of a
placeholder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import RunError
from harness.records import Decoding

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class WindowLogits:
    """The logits of one window, without padding."""

    start: Floats
    """[tokens]"""
    end: Floats
    """[tokens]"""
    characters: Ints
    """[tokens, 2]: first character of the token in the context, and one past its last."""
    context: tuple[int, int]
    """First context token, and one past the last; equal where the window has none."""
    cls: int
    """Position of the CLS token."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The answer to one question."""

    answer: str
    """An exact slice of the context, or "" for no answer."""
    null_odds: float
    """No-answer score minus best-answer score, a logit difference; the no-answer score alone where there is no span."""
    n_best: tuple[Mapping[str, Any], ...]
    """Candidates by falling score, the no-answer candidate ("") among them: text, probability, start_logit, end_logit.
    Probabilities are the softmax over these candidates."""


def decode_spans(question_id: str, context: str, windows: Sequence[WindowLogits], decoding: Decoding) -> Decoded:
    """Choose the answer to one question from all its windows.

    Candidates with equal scores keep the order: window, rank of the start, rank of the end, no-answer last; positions
    with equal logits rank from left to right.

    Raises:
        RunError: a logit is not a finite number, or there is no window.
    """
    _check(question_id, windows)
    found = [_candidates(window, decoding) for window in windows]
    nulls = np.array([(window.start[window.cls], window.end[window.cls]) for window in windows], dtype=np.float64)
    logits = np.concatenate([logits for logits, _ in found] + [nulls[[nulls.sum(axis=1).argmin()]]])
    characters = np.concatenate([characters for _, characters in found] + [np.zeros((1, 2), dtype=np.int64)])
    scores = logits.sum(axis=1)
    null = len(scores) - 1
    ranked = np.argsort(-scores, kind="stable")[: decoding.n_best]
    if null not in ranked:
        ranked = np.append(ranked, null)
    weights = np.exp(scores[ranked] - scores[ranked].max())
    n_best = tuple(
        {"text": context[first:end], "probability": probability, "start_logit": start, "end_logit": stop}
        for (first, end), probability, (start, stop) in zip(
            characters[ranked].tolist(), (weights / weights.sum()).tolist(), logits[ranked].tolist(), strict=True
        )
    )
    if null == 0:
        return Decoded("", float(scores[null]), n_best)
    best = int(scores[:null].argmax())
    null_odds = float(scores[null] - scores[best])
    answer = "" if null_odds > decoding.null_threshold else context[slice(*characters[best].tolist())]
    return Decoded(answer, null_odds, n_best)


def _check(question_id: str, windows: Sequence[WindowLogits]) -> None:
    if not windows:
        raise RunError(f"question {question_id}: found no window, expected one or more; report this as a defect")
    if not all(np.isfinite(window.start).all() and np.isfinite(window.end).all() for window in windows):
        raise RunError(
            f"question {question_id}: found logits that are no finite numbers, expected finite ones; "
            "the model's weights are damaged or its training diverged: train it again, with a lower learning rate"
        )


def _candidates(window: WindowLogits, decoding: Decoding) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits [candidates, 2] and characters [candidates, 2] of a window's spans, best starts first."""
    starts, ends = _in_context(window.start, window, decoding), _in_context(window.end, window, decoding)
    length = ends[None, :] - starts[:, None] + 1
    first, last = np.nonzero((length > 0) & (length <= decoding.max_answer_length))
    starts, ends = starts[first], ends[last]
    characters = np.stack([window.characters[starts, 0], window.characters[ends, 1]], axis=1).astype(np.int64)
    logits = np.stack([window.start[starts], window.end[ends]], axis=1).astype(np.float64)
    # Some tokenizers have tokens without characters; a span of nothing else is no answer.
    visible = characters[:, 1] > characters[:, 0]
    return logits[visible], characters[visible]


def _in_context(logits: Floats, window: WindowLogits, decoding: Decoding) -> NDArray[np.intp]:
    """The best positions of the whole window, then those of them that are context tokens, best first."""
    best = np.argsort(-logits, kind="stable")[: decoding.n_best]
    low, high = window.context
    return best[(best >= low) & (best < high)]
