"""Weights as they are, where the card does not say how it scored: which protocol gives the claimed figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.records import Claim, Rescored, Tolerance, Verdict
from harness.verdict.held import Held
from harness.verdict.scope import figure, figure_in
from harness.verdict.zones import Measure, Zone


def decide_protocol(held: Held, measure: Measure, zone: Zone, spread: float) -> tuple[Verdict, str, str | None]:
    """Weights as they are, where the card does not say how it scored."""
    tolerance, other, value = measure.tolerance, held.terms.protocol == "other", held.figures[0]
    found = held.gap(value)
    if zone <= Zone.WARNED and not other:
        if zone is Zone.DIGITS:
            return Verdict.MATCHES, "the reproduced figure gives the printed digits; protocol assumed", None
        warning = f": warning, more than {tolerance.within:g}" if zone is Zone.WARNED else ""
        allowed = held.allowed(value, tolerance)
        return Verdict.WITHIN_TOLERANCE, f"{found}{warning}, {allowed}; protocol assumed", None
    if zone <= Zone.WARNED:
        reason = f"{found}, but under another protocol than the one that the card is taken to mean"
        return Verdict.INCONCLUSIVE, reason, None
    if zone is Zone.COARSE:
        return Verdict.INCONCLUSIVE, f"{found}: {held.coarse()}", None
    tried = held.run.alternatives
    explained = find_explanation(held, tolerance, spread)
    if explained is not None:
        moved, gives = explained.gained + explained.lost, "gives the claimed figure"
        if spread > 0.0:
            figure_there = figure_in(held.claim, explained.scores)
            gives = f"may give the claimed figure ({figure_there:.2f}, give or take {spread:.2f})"
        reason = (
            f"{found}; {named(explained)} {gives}, one of {len(tried or ())} other protocols "
            f"tried, in which {moved} questions are right otherwise; the card does not say how it scored"
        )
        return Verdict.INCONCLUSIVE, reason, explained.name
    if zone is Zone.INCONCLUSIVE:
        protocols = _none_gives(held, tried) if tried else "no other one was tried"
        reason = (
            f"{found}: the card does not say how it scored, and another protocol can move a figure by up to "
            f"{tolerance.inconclusive:g}; {protocols}"
        )
        return Verdict.INCONCLUSIVE, reason, None
    if tried is None:
        reason = (
            f"{found}: more than other protocols usually move a figure, but none was tried: evaluate with --card, "
            "or with --keep-logits and compare with the data"
        )
        return Verdict.INCONCLUSIVE, reason, None
    if held.run.untried is not None:
        return Verdict.INCONCLUSIVE, f"{found}, and {_none_gives(held, tried)}. {held.run.untried}", None
    reason = f"{found}, tolerance {tolerance.within:g}, and {_none_gives(held, tried)}"
    return Verdict.DIFFERS, reason, None


def find_explanation(held: Held, tolerance: Tolerance, spread: float) -> Rescored | None:
    """The first protocol under which the claim, and those beside it, are within tolerance."""
    run, narrow = held.run, replace(tolerance, warned=tolerance.within)

    def gives(claim: Claim, tried: Rescored) -> bool:
        value = figure_in(claim, tried.scores)
        if value is None and claim is not held.claim:
            value = figure(claim, run)  # a protocol that says nothing of it leaves it as it is
        if value is None:
            return False
        return Measure(claim, narrow).zones(value - spread, value + spread)[0] <= Zone.WITHIN

    claims = (held.claim, *held.terms.beside)
    return next((t for t in run.alternatives or () if all(gives(claim, t) for claim in claims)), None)


def named(tried: Rescored) -> str:
    """A protocol in a reason."""
    return f"the protocol {tried.name} ({tried.how})"


def _none_gives(held: Held, tried: Sequence[Rescored]) -> str:
    together = " together with the figures beside it" if held.terms.beside else ""
    return f"none of {len(tried)} other protocols tried gives it{together}"
