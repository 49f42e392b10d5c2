"""The verdict by a run that stopped before all questions were asked."""

from __future__ import annotations

from harness.records import Bounds, Comparison, Verdict
from harness.verdict.by_zone import decide_zone
from harness.verdict.held import Held
from harness.verdict.zones import Measure, Zone

_KEYS = {"exact_match": ("exact", "exact_match"), "f1": ("f1",)}


def judge_early(held: Held, measure: Measure, value: float, bounds: Bounds) -> Comparison:
    """Decided where every figure that the bounds leave possible gives the same verdict.

    Args:
        held: The claim and the run.
        measure: The claim and its tolerance.
        value: The figure of the questions that were asked, in points.
        bounds: What is known of the figure of all questions.
    """
    low, high = _possible(held, bounds)
    told = (
        f"after {bounds.used} of {bounds.n} questions between {low:.2f} and {high:.2f} "
        f"(all intervals hold with {100 * (1 - bounds.alpha):g} %)"
    )
    spread = max(value - low, high - value, 0.0)
    nearest, farthest = measure.zones(low, high)
    # the printed digits are one figure among those that are within tolerance
    nearest = Zone.WITHIN if nearest is Zone.DIGITS and farthest is not Zone.DIGITS else nearest
    verdicts = {decide_zone(held, measure, zone, value, spread)[0] for zone in Zone if nearest <= zone <= farthest}
    if len(verdicts) > 1:
        reason = f"undecided {told}"
        return held.comparison(Verdict.INCONCLUSIVE, reason, value, measure.tolerance, undecided=True)
    verdict, reason, explained = decide_zone(held, measure, farthest, value, spread)
    return held.comparison(verdict, f"{reason}; {told}", value, measure.tolerance, explained_by=explained)


def _possible(held: Held, bounds: Bounds) -> tuple[float, float]:
    """The lowest and the highest figure, in points; of subsets, which are not waited for, nothing is known."""
    keys = _KEYS[held.claim.metric] if held.claim.subset == "all" else ()
    known = [(bounds.low[key], bounds.high[key]) for key in keys if key in bounds.low and key in bounds.high]
    return known[0] if known else (0.0, 100.0)
