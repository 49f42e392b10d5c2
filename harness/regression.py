"""A gate for releases: did a run fall below another by more than is allowed?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.records import Change, McNemar, Paired

_ROUNDING = 1e-9
"""Points by which sums of the same scores may differ."""


def fails_below(paired: Paired, limit: float, *, certain: bool = False) -> tuple[str, ...]:
    """A sentence for each of exact match and F1 that fell by more than a limit; none where the second run passes.

    What decides is the difference that was observed: on these questions it is a fact, and a release gate asks for it on
    the same questions each time. Whether other questions would show a fall as well is another matter: the sentence
    gives the interval and the p-value, over paragraphs where they are known.

    Args:
        paired: The comparison; its first run is the one that is held on to.
        limit: The lowest difference that passes, in points and at most 0: with -0.3, a fall by 0.3 points passes.
        certain: Fail only where the whole interval lies below the limit. Where the bootstrap gives none, as too few
            units differ, Tango's interval stands in for that of exact match, and F1 does not fail.

    Raises:
        ValueError: the limit is above 0 or no finite number.
    """
    if not math.isfinite(limit) or limit > 0.0:
        raise ValueError(f"the limit is {limit}, expected a finite number of points, 0 or less, such as -0.3")
    changes: dict[str, Change] = {}
    for change in paired.changes:
        changes.setdefault(change.score, change)  # over paragraphs, where they are known, comes first
    figures = {"exact": paired.exact, "f1": paired.f1}
    return tuple(
        _fall(change, figures[score], limit, paired.mcnemar)
        for score, change in changes.items()
        if change.difference < limit - _ROUNDING
        and (not certain or _interval(change, paired.mcnemar)[1] < limit - _ROUNDING)
    )


def _interval(change: Change, mcnemar: McNemar) -> tuple[float, float]:
    """The bootstrap's, else McNemar's, else none: minus to plus infinity."""
    if change.low is not None and change.high is not None:
        return change.low, change.high
    return (mcnemar.low, mcnemar.high) if change.score == "exact" else (-math.inf, math.inf)


def _fall(change: Change, pair: Sequence[float], limit: float, mcnemar: McNemar) -> str:
    low, high = _interval(change, mcnemar)
    if math.isinf(high):
        interval = f"no interval, as only {change.differing} of {change.units} {change.over} differ"
    else:
        method = f"over {change.over}" if change.low is not None else "over questions, by Tango"
        interval = f"{100.0 * change.level:g} % interval {low:+.4f} to {high:+.4f} {method}"
    p = change.randomization_p
    chance = "could" if p > 1.0 - change.level else "could hardly"
    return (
        f"{change.score} fell by {-change.difference:.4f} points, from {pair[0]:.4f} to {pair[1]:.4f}, and "
        f"{abs(limit):g} is allowed; {interval}, p = {p:.4f} by randomization over {change.over}: "
        f"chance {chance} explain a difference"
    )
