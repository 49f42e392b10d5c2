"""Characters of whole words, for a rule that widens its answers to them, where only tokens were kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.spans.windows import WindowLogits

_WORD = re.compile(r"\w+|[^\w\s]")


def widen_tokens(context: str, windows: Sequence[WindowLogits]) -> tuple[WindowLogits, ...]:
    """The windows with the characters of each context token widened to the words that it begins and ends in.

    A word is a run of letters, digits and underscores, or one other mark: what most tokenizers part before they cut
    words into pieces, though not all of them in every case.
    """
    starts, ends = _find_words(context)
    widened = []
    for window in windows:
        low, high = window.context
        characters = window.characters.copy()
        inside = characters[low:high]
        some = inside[:, 1] > inside[:, 0]
        inside[some] = np.stack([starts[inside[some, 0]], ends[inside[some, 1]]], axis=1)
        widened.append(replace(window, characters=characters))
    return tuple(widened)


@lru_cache(maxsize=2)  # questions about one context follow each other
def _find_words(context: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """[characters + 1]: where the word begins that a token beginning there begins in, and where one ends."""
    starts, ends = np.arange(len(context) + 1), np.arange(len(context) + 1)
    for match in _WORD.finditer(context):
        first, end = match.span()
        starts[first:end] = first
        ends[first + 1 : end + 1] = end
    return starts, ends
