"""The rule of the question-answering pipeline that transformers had until version 4: answers with probabilities.

In each window a span's probability is that of its start times that of its end, each a softmax over the context and
CLS. The same text found twice, whatever its case, adds up, and so do spans of tokens that widen to the same words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harness.records import ProbableAnswer
from harness.spans.windows import Floats, WindowLogits


def rank_answers(
    context: str,
    windows: Sequence[WindowLogits],
    *,
    top_k: int,
    per_window: int,
    max_answer_length: int,
    impossible: bool,
) -> tuple[ProbableAnswer, ...]:
    """The most probable answers, the most probable first.

    Args:
        context: What the answers are slices of.
        windows: With the characters of whole words, where answers are to be whole words.
        top_k: Answers wanted; fewer where the context has fewer.
        per_window: Spans that each window brings in, its most probable ones; only these add up.
        max_answer_length: Longest answer, in tokens.
        impossible: Let no answer ("") take part, with its lowest probability over the windows.
    """
    scores: dict[str, float] = {}
    places: dict[str, tuple[int, int]] = {}
    nulls = []
    for window in windows:
        start, end = _probabilities(window.start, window), _probabilities(window.end, window)
        nulls.append(float(start[0] * end[0]))
        spans = _spans(start[1:], end[1:], max_answer_length)
        for place in np.argsort(-spans, axis=None, kind="stable")[:per_window].tolist():
            first, more = divmod(place, spans.shape[1])
            if first + more >= len(spans):
                break  # what would end behind the window comes last
            low = window.context[0] + first
            begin, stop = int(window.characters[low, 0]), int(window.characters[low + more, 1])
            key = context[begin:stop].lower()
            places.setdefault(key, (begin, stop))
            scores[key] = scores.get(key, 0.0) + float(spans[first, more])
    found = [ProbableAnswer(context[slice(*places[key])], score, *places[key]) for key, score in scores.items()]
    if impossible:
        found.append(ProbableAnswer("", min(nulls), 0, 0))
    return tuple(sorted(found, key=lambda answer: -answer.score)[:top_k])


def _spans(start: NDArray[np.float64], end: NDArray[np.float64], longest: int) -> NDArray[np.float64]:
    """[tokens, length - 1]: probability of the span that begins there and is so long; -1 where it would end behind."""
    width = min(longest, len(start))
    if width == 0:
        return np.zeros((0, 1))
    ends = sliding_window_view(np.append(end, np.full(width - 1, np.nan)), width)
    return np.asarray(np.nan_to_num(start[:, None] * ends, nan=-1.0))


def _probabilities(logits: Floats, window: WindowLogits) -> NDArray[np.float64]:
    """Softmax over CLS, which comes first, and the context."""
    low, high = window.context
    chosen = np.concatenate([logits[[window.cls]], logits[low:high]]).astype(np.float64)
    weights = np.exp(chosen - chosen.max())
    return np.asarray(weights / weights.sum())
