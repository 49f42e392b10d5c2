"""One claim against its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.records import Claim, Comparison, Run, Tolerance, Verdict
from harness.verdict.by_bounds import judge_early
from harness.verdict.by_seeds import judge_seeds
from harness.verdict.by_zone import decide_zone
from harness.verdict.digits import resolution
from harness.verdict.held import Held, Terms
from harness.verdict.recipes import count_seeds, same_but_seeds, seeds_of
from harness.verdict.scope import figure, obstacle
from harness.verdict.seeds import FEW, pool_seeds
from harness.verdict.tolerances import HALF_WIDTH
from harness.verdict.zones import Measure

SURE = 0.6
"""A claim read with less confidence is never called false: what the figure is of was not understood."""


def judge_claim(claim: Claim, runs: Run | Sequence[Run] | None, terms: Terms | None = None) -> Comparison:
    """Judge one claim. Never raises: a claim that cannot be compared says why.

    Args:
        claim: What the card reports.
        runs: The evidence: one run, or several of one recipe with different seeds; None leaves the claim unchecked.
        terms: How it is held against them.

    Returns:
        The verdict. Three seeds or more are judged by their prediction interval; two, or any number where a tolerance
        was set in points, by their mean like one. An early stop decides where every figure that it leaves possible
        gives the same verdict.
    """
    terms = terms or Terms()
    given = (runs,) if isinstance(runs, Run) else tuple(runs or ())
    if not given or any(run.status != "finished" or run.evaluated is None for run in given):
        return Comparison(claim, None, "no finished run to check it with")
    ids = tuple(run.id for run in given)
    hindrance = obstacle(claim, given[0], terms.total) or _mixed(given)
    if hindrance:
        return Comparison(claim, Verdict.NOT_COMPARABLE, hindrance, runs=ids)
    figures = [figure(claim, run) for run in given]
    known = [value for value in figures if value is not None]
    if len(known) < len(figures):
        missing = f"the run has no {claim.metric} of the subset {claim.subset}"
        return Comparison(claim, Verdict.NOT_COMPARABLE, missing, runs=ids)
    found = _judge(Held(claim, given, known, terms))
    comparison = replace(found, runs=ids, protocol=terms.protocol if given[0].kind == "released" else None)
    if comparison.verdict is Verdict.DIFFERS and claim.confidence < SURE:
        unsure = f"but the card does not tell surely what the figure is of (confidence {claim.confidence:g})"
        return replace(comparison, verdict=Verdict.INCONCLUSIVE, reason=f"{comparison.reason}; {unsure}")
    return comparison


def _mixed(runs: Sequence[Run]) -> str | None:
    """Why the runs are no seeds of one recipe on one data set, in words; None if they are."""
    if len({run.id for run in runs}) < len(runs):
        return "two runs of one id: each seed counts once"
    if len({run.evaluated.sha256 for run in runs if run.evaluated}) > 1:
        return "the runs evaluated different questions"
    if len(runs) > 1 and any(run.kind not in ("retrained", "distilled") for run in runs):
        return "several runs are pooled over seeds only, and these trained nothing"
    if any(not same_but_seeds(run.recipe, runs[0].recipe) for run in runs[1:]):
        return "the runs followed different recipes, and only seeds of one are pooled"
    if any(run.recipe.decoding != runs[0].recipe.decoding for run in runs[1:]):  # of one recipe: answers were forced
        return "the runs decoded in different ways, and only seeds of one are pooled"
    if len({seeds_of(run.recipe) for run in runs}) < len(runs):
        return "two runs have the same seeds: each seed counts once"
    if len(runs) > 1 and any(run.bounds is not None and run.bounds.partial for run in runs):
        return "runs that stopped early cannot be pooled"
    return None


def _judge(held: Held) -> Comparison:
    """A claim that can be compared."""
    tolerance = held.terms.tolerance or held.default()
    if len(held.runs) >= FEW and tolerance.half_width is not None:
        return judge_seeds(held, tolerance, tolerance.half_width)
    tolerance = held.widened(tolerance)
    value = sum(held.figures) / len(held.figures)
    measure = Measure(held.claim, tolerance, held.terms.at_least)
    bounds = held.run.bounds
    if bounds is not None and bounds.partial:
        return judge_early(held, measure, value, bounds)
    verdict, reason, explained = decide_zone(held, measure, measure.zone(value), value)
    if len(held.runs) == 1:
        return held.comparison(verdict, reason, value, tolerance, explained_by=explained)
    seeds = pool_seeds(held.figures, HALF_WIDTH, held.questions)
    reason = f"mean of {count_seeds([run.recipe for run in held.runs])}: {reason}"
    if _is_between(held, tolerance, verdict):
        apart = max(held.figures) - min(held.figures)
        verdict = Verdict.INCONCLUSIVE
        reason = f"{reason}; but the seeds are {apart:.2f} points apart, which is too far for a mean to show anything"
    return held.comparison(verdict, reason, value, tolerance, seeds=seeds)


def _is_between(held: Held, tolerance: Tolerance, verdict: Verdict) -> bool:
    """Whether seeds lie so far apart that their mean neither shows the claim nor speaks against it."""
    low, high, claimed = min(held.figures), max(held.figures), held.claim.reported
    if held.terms.at_least and low >= claimed:
        return False
    if high - low <= 2.0 * tolerance.warned + resolution(held.claim):  # all may be within tolerance of one claim
        return False
    agrees = verdict in (Verdict.MATCHES, Verdict.WITHIN_TOLERANCE)
    return agrees or low - tolerance.warned <= claimed <= high + tolerance.warned
