"""What ``run_squad`` would choose on windows that another protocol cut.

Its candidates, each start in the window alone that gives it the most context, and its no-answer rule; but the text is
that of the tokens, since only windows of its own hold what its way of aligning texts needs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.records import Decoding
from harness.spans.run_squad import find_candidates
from harness.spans.windows import WindowLogits


def choose_max_context(context: str, windows: Sequence[WindowLogits], decoding: Decoding) -> str:
    """The answer, "" for none; a span whose tokens have no characters takes no part.

    Args:
        context: What the answer is a slice of.
        windows: All windows of the question.
        decoding: n_best, max_answer_length, null_threshold and forced_answer, and how the windows were cut.
    """
    spans, logits = find_candidates(windows, decoding)
    characters = np.zeros((len(spans), 2), dtype=np.int64)
    for number, window in enumerate(windows):
        own = spans[:, 0] == number
        characters[own] = window.characters[spans[own, 1:], [0, 1]]
    visible = characters[:, 1] > characters[:, 0]
    if not visible.any():
        return ""
    scores = np.where(visible, logits.sum(axis=1), -np.inf)
    best = int(scores.argmax())
    null = min(float(window.start[window.cls]) + float(window.end[window.cls]) for window in windows)
    if null - float(scores[best]) > decoding.null_threshold and not decoding.forced_answer:
        return ""
    return context[slice(*characters[best].tolist())]
