"""The verdict on one figure, by how far it is from the claim."""

from __future__ import annotations

from harness.records import Verdict
from harness.verdict.by_protocol import decide_protocol, find_explanation, named
from harness.verdict.held import Held
from harness.verdict.zones import Measure, Zone


def decide_zone(
    held: Held, measure: Measure, zone: Zone, value: float, spread: float = 0.0
) -> tuple[Verdict, str, str | None]:
    """Verdict, reason, and the protocol that gives the claimed figure, by the zone of the figure.

    `spread` is how far the figure itself may be off: of a run that stopped early.
    """
    run, tolerance = held.run, measure.tolerance
    found = held.gap(value)
    if run.kind == "replay" and zone is Zone.WITHIN and not tolerance.within and not held.above(value):
        zone = Zone.DIFFERS  # nothing moves stored predictions
    if run.kind == "released" and held.terms.protocol != "known":
        return decide_protocol(held, measure, zone, spread)
    if zone is Zone.DIGITS:
        return Verdict.MATCHES, f"the reproduced figure gives the printed digits{held.assumed()}", None
    if zone is Zone.WITHIN:
        return Verdict.WITHIN_TOLERANCE, f"{found}, {held.allowed(value, tolerance)}{held.assumed()}", None
    if zone is Zone.WARNED:
        warning = f"warning, more than {tolerance.within:g} but within {tolerance.warned:g}"
        return Verdict.WITHIN_TOLERANCE, f"{found}: {warning}{held.assumed()}", None
    if zone is Zone.COARSE:
        return Verdict.INCONCLUSIVE, f"{found}: {held.coarse()}", None
    if zone is Zone.INCONCLUSIVE:
        few = f" on {held.questions} questions" if tolerance.inconclusive > 2.0 * tolerance.warned else ""
        why = f"one run{few} cannot tell gaps up to {tolerance.inconclusive:.3g} from chance"
        if held.guesses() and tolerance.inconclusive <= 2.0 * tolerance.within:
            why = f"with assumed values that affect training, gaps up to {tolerance.inconclusive:g} decide nothing"
        reason = f"{found}: more than the tolerance of {tolerance.warned:g}, but {why}{held.assumed()}"
        return Verdict.INCONCLUSIVE, reason, None
    if run.kind == "replay":
        return Verdict.DIFFERS, f"{found}: the stored predictions do not give the printed digits", None
    explained = find_explanation(held, tolerance, spread)
    told = "" if explained is None else f"; {named(explained)} would give the claimed figure"
    reason = f"{found}, tolerance {tolerance.warned:g}{told}{held.assumed()}"
    return Verdict.DIFFERS, reason, None if explained is None else explained.name
