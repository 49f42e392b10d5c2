"""The rule of FARM and haystack 1.0 to 1.3, ranking by raw scores (``QuestionAnsweringHead``).

Every span of context tokens takes part. No answer wins only where it beats or ties the best span in *every* window:
``gap = max over windows of (best span - no answer) <= 0``; otherwise the answer is the best span of all windows, be it
from a window that itself prefers no answer. Of the head's settings, `n_best` is both ``n_best`` and
``n_best_per_sample``, ``duplicate_filtering`` is off, and ``no_ans_boost`` is minus `null_threshold`.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harness.records import Decoding
from harness.spans.windows import Decoded, WindowLogits, find_margin


def decode_farm(context: str, windows: tuple[WindowLogits, ...], decoding: Decoding) -> Decoded:
    """Choose the answer to one question.

    Equal scores rank: no answer, then by window, start, end. The no-answer candidate has the score of the best span
    less the gap, written as two logits of half of it; there is none in forced-answer mode. A best span of blanks
    alone is no answer.
    """
    nulls = [float(window.start[window.cls]) + float(window.end[window.cls]) for window in windows]
    found = [_best_spans(window, decoding) for window in windows]
    gaps = [logits[0].sum() - null for (logits, _), null in zip(found, nulls, strict=True) if len(logits)]
    if not gaps:
        empty = np.zeros((0 if decoding.forced_answer else 1, 2), dtype=np.int32)
        return Decoded("", min(nulls), context, empty, np.full(empty.shape, min(nulls) / 2, dtype=np.float32))
    null_odds = -float(max(gaps))
    logits, characters = _merge(
        np.concatenate([logits for logits, _ in found]), np.concatenate([characters for _, characters in found])
    )
    characters = np.array([_strip(context, first, end) for first, end in characters.tolist()], dtype=np.int64)
    visible = characters[:, 1] > characters[:, 0]
    if decoding.forced_answer and visible.any():  # a span of blanks, or of a token without characters, is no answer
        logits, characters = logits[visible], characters[visible]
    best = int(logits.sum(axis=1).argmax())
    no_answer = null_odds >= decoding.null_threshold and not decoding.forced_answer
    answer = "" if no_answer else context[slice(*characters[best].tolist())]
    margin = find_margin(context, answer, logits.sum(axis=1), characters, null_odds, decoding)
    if not decoding.forced_answer:
        score = logits[best].sum() + null_odds
        logits = np.concatenate([[[score / 2, score / 2]], logits])
        characters = np.concatenate([np.zeros((1, 2), dtype=np.int64), characters])
    ranked = np.argsort(-logits.sum(axis=1), kind="stable")[: decoding.n_best]
    return Decoded(
        answer, null_odds, context, characters[ranked].astype(np.int32), logits[ranked].astype(np.float32), margin
    )


def _best_spans(window: WindowLogits, decoding: Decoding) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits [spans, 2] and characters [spans, 2] of a window's best spans, best first."""
    low, high = window.context
    if low == high:
        return np.zeros((0, 2)), np.zeros((0, 2), dtype=np.int64)
    start, end = window.start[low:high].astype(np.float64), window.end[low:high].astype(np.float64)
    longest = min(decoding.max_answer_length, len(start))
    padded = np.concatenate([end, np.full(longest - 1, -np.inf)])
    scores = start[:, None] + sliding_window_view(padded, longest)  # [start, length - 1]
    # The best n spans start at the n positions with the best spans of their own.
    rows = np.sort(np.argsort(-scores.max(axis=1), kind="stable")[: decoding.n_best])
    inner = scores[rows].ravel()
    order = np.argsort(-inner, kind="stable")[: decoding.n_best]
    order = order[np.isfinite(inner[order])]
    first = rows[order // longest]
    last = first + order % longest
    logits = np.stack([start[first], end[last]], axis=1)
    return logits, np.stack([window.characters[low + first, 0], window.characters[low + last, 1]], axis=1)


def _merge(logits: NDArray[np.float64], characters: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Keep a span that several windows found once, where its score is best."""
    best: dict[tuple[int, int], int] = {}
    scores = logits.sum(axis=1)
    for i, (first, end) in enumerate(characters.tolist()):
        if (first, end) not in best or scores[i] > scores[best[first, end]]:
            best[first, end] = i
    kept = sorted(best.values())
    return logits[kept], characters[kept]


def _strip(context: str, first: int, end: int) -> tuple[int, int]:
    text = context[first:end]
    first += len(text) - len(text.lstrip())
    return first, first + len(text.strip())
