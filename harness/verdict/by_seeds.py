"""The verdict by several seeds."""

from __future__ import annotations

from harness.records import Comparison, Tolerance, Verdict
from harness.verdict.held import Held
from harness.verdict.recipes import count_seeds, share_a_seed
from harness.verdict.seeds import pool_seeds
from harness.verdict.tolerances import HALF_WIDTH
from harness.verdict.zones import Measure, Zone


def judge_seeds(held: Held, tolerance: Tolerance, limit: float) -> Comparison:
    """Three seeds or more: the claim against the interval in which one more run would fall."""
    seeds = pool_seeds(held.figures, limit, held.questions)
    recipes = [run.recipe for run in held.runs]
    counted = count_seeds(recipes)
    # what seeds that runs share would add is not in the interval, but it is in the figure that the card claims
    shared = share_a_seed(recipes)
    least = max(seeds.half_99, tolerance.inconclusive) if shared else seeds.half_99
    spread = Tolerance(
        seeds.half_95,
        seeds.half_99,
        max(least, 2.0 * seeds.half_95) if held.guesses() else least,
        f"prediction interval of {counted}, 95 and 99 %" + ("" if limit == HALF_WIDTH else f"; {tolerance.reason}"),
        limit,
    )
    measure = Measure(held.claim, spread, held.terms.at_least)
    zone = measure.zone(seeds.mean)
    found = (
        f"{held.gap(seeds.mean)}: mean {seeds.mean:.2f} of {counted}, which spread by "
        f"{seeds.deviation:.2f}, half of the 95 % interval {seeds.half_95:.2f}"
    )
    own = [value for value, run in zip(held.figures, held.runs, strict=True) if run.id == held.terms.own]
    one_run = Measure(held.claim, held.terms.tolerance or held.default())
    if any(one_run.zone(value) is Zone.DIGITS for value in own):
        reason = f"the run with the card's own seeds gives the printed digits; {found}"
        verdict = Verdict.MATCHES
    elif zone is Zone.DIFFERS:
        verdict, reason = Verdict.DIFFERS, f"{found}; the claim is outside that of 99 %{held.assumed()}"
    elif seeds.half_95 > limit and not (held.terms.at_least and held.above(seeds.mean - seeds.half_95)):
        enough = f"{seeds.enough} seeds would do" if seeds.enough else "no number of seeds would do with such a spread"
        verdict = Verdict.INCONCLUSIVE
        reason = f"{found}, wider than {limit:g}, so that it shows nothing: {enough}{held.assumed()}"
    elif zone in (Zone.DIGITS, Zone.WITHIN):
        verdict, reason = Verdict.WITHIN_TOLERANCE, f"{found}{held.assumed()}"
        if zone is Zone.DIGITS:
            verdict, reason = Verdict.MATCHES, f"the mean gives the printed digits; {found}"
    elif zone is Zone.WARNED:
        verdict = Verdict.WITHIN_TOLERANCE
        reason = f"{found}: warning, the claim is outside that of 95 % and inside that of 99 %{held.assumed()}"
    else:
        verdict = Verdict.INCONCLUSIVE
        why = ", but runs have a stage's seed in common" if shared and not held.guesses() else held.assumed()
        reason = f"{found}: {held.coarse()}" if zone is Zone.COARSE else f"{found}: outside{why}"
    return held.comparison(verdict, reason, seeds.mean, spread, seeds=seeds)
