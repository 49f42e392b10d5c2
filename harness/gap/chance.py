"""How likely one of several protocols gives a claimed figure by chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, product

from harness.records import Rescored

HALF_WIDTH = 0.05
"""Points from a protocol's figure that count as giving it: the tolerance for weights as they were given."""
WITHIN = 2.0
"""Points from the run's own figure that claims are spread over: another evaluator moves a figure by 0.1 to 2.0."""

Box = tuple[tuple[float, float], ...]


def find_chance(
    own: Mapping[str, float],
    tried: Iterable[Rescored],
    keys: Sequence[str],
    *,
    half_width: float = HALF_WIDTH,
    within: float = WITHIN,
) -> float:
    """Probability, 0 to 1, that some protocol gives all of a claim's figures though it has nothing to do with them.

    The claim is thought of as drawn evenly from everything up to `within` points from the run's own figures, and not
    already given by those. Several figures count as given where one protocol gives all of them.

    Args:
        own: Official key -> points, of the run.
        tried: The protocols; those without one of the keys are passed over.
        keys: The figures that are claimed together, such as exact and f1.
        half_width: Points from a figure that count as giving it; less than `within`.
        within: Points from the run's figures that a claim may be.

    Returns:
        0 where there is no key.
    """
    if not keys:
        return 0.0
    boxes = [
        tuple((item.scores[key] - half_width, item.scores[key] + half_width) for key in keys)
        for item in tried
        if all(key in item.scores for key in keys)
    ]
    whole: Box = tuple((own[key] - within, own[key] + within) for key in keys)
    center: Box = tuple((own[key] - half_width, own[key] + half_width) for key in keys)
    edges = [
        sorted({min(max(edge, low), high) for box in (*boxes, whole, center) for edge in box[axis]})
        for axis, (low, high) in enumerate(whole)
    ]
    covered = everything = 0.0
    for cell in product(*(list(pairwise(along)) for along in edges)):
        middle = [(low + high) / 2 for low, high in cell]
        if _holds(center, middle):
            continue
        size = 1.0
        for low, high in cell:
            size *= high - low
        everything += size
        covered += size if any(_holds(box, middle) for box in boxes) else 0.0
    return covered / everything


def _holds(box: Box, place: Sequence[float]) -> bool:
    return all(low <= value <= high for (low, high), value in zip(box, place, strict=True))
