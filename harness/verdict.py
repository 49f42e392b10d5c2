"""Claims against a run's figures: how far apart, how far they may be, and the verdict in words."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation

from harness.names import canonical_data, dataset_name
from harness.records import Claim, Comparison, DataRef, DataUsed, Run, Tolerance, Verdict

DEFAULTS = {
    "retrained": Tolerance(0.5, 0.8, 0.8, "default for a model trained again with one seed"),
    "distilled": Tolerance(1.0, 1.0, 2.0, "default for a model distilled again with one seed"),
    "released": Tolerance(0.05, 0.05, 2.0, "default for published weights, the claim's protocol being assumed"),
}
"""Points, by kind of run. Seeds on SQuAD 2.0 spread by about 0.15 points (docs/method.md gives the sources)."""

_WHOLE = {("squad", "validation"): 10_570, ("squad_v2", "validation"): 11_873}
"""Questions of the splits that claims are mostly about (dev-v1.1.json, dev-v2.0.json). A local file may hold fewer."""

_KEYS = {"exact_match": "exact", "f1": "f1"}
_PREFIXES = {"all": "", "has_ans": "HasAns_", "no_ans": "NoAns_"}
_FLOAT_NOISE = 1e-9
"""Two sums of the same 12,000 floats in another order differ by less, in points."""
_DECIMAL_DIGITS = 20
SURE = 0.6
"""A claim read with less confidence is never called false: what the figure is of was not understood."""
_COARSE = 1.0
"""A claim whose last printed digit is worth more points than this is too coarse for its digits to show agreement."""


def judge_claim(claim: Claim, run: Run | None, tolerance: Tolerance | None = None) -> Comparison:
    """Judge one claim against one run. Never raises: a claim that cannot be compared says why.

    Args:
        claim: What the card reports.
        run: The evidence; None leaves the claim unchecked.
        tolerance: In place of the default for the kind of run.
    """
    if run is None or run.status != "finished" or run.evaluated is None:
        return Comparison(claim, None, "no finished run to check it with")
    obstacle = _obstacle(claim, run.evaluated)
    if obstacle:
        return Comparison(claim, Verdict.NOT_COMPARABLE, obstacle)
    reproduced = _figure(claim, run)
    if reproduced is None:
        return Comparison(claim, Verdict.NOT_COMPARABLE, f"the run has no {claim.metric} of the subset {claim.subset}")
    tolerance = _for_run(tolerance or DEFAULTS[run.kind], run)
    difference = reproduced - claim.reported
    verdict, reason = _decide(claim, run, reproduced, tolerance)
    if verdict is Verdict.DIFFERS and claim.confidence < SURE:
        verdict = Verdict.INCONCLUSIVE
        reason = f"{reason}; but the card does not tell surely what the figure is of (confidence {claim.confidence:g})"
    return Comparison(claim, verdict, reason, reproduced, difference, tolerance)


def applies(metric: str, dataset: str | None, claim: Claim) -> bool:
    """Whether an override for `metric` on `dataset` (None: any) is about the claim."""
    about = dataset is None or (claim.data is not None and (dataset_name(dataset) or dataset) == _name(claim.data))
    return metric == claim.metric and about


def same_digits(reproduced: float, claim: Claim) -> bool:
    """Whether rounding or cutting the reproduced figure (in points) to the printed digits gives the claim."""
    printed = _decimal(claim.digits)
    if printed is None:
        return False
    scale = Decimal(100) if claim.unit == "fraction" else Decimal(1)
    value = Decimal(repr(reproduced)) / scale
    if abs(value - printed) <= Decimal(repr(_FLOAT_NOISE)) / scale:
        return True
    step = _step(printed)
    if value.adjusted() - step.adjusted() >= _DECIMAL_DIGITS:
        return False  # more digits than a double has: only the comparison above can tell
    return any(value.quantize(step, mode) == printed for mode in (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN))


def _obstacle(claim: Claim, evaluated: DataUsed) -> str | None:
    """Why the claim is about something else than what the run evaluated, in words; None if it is not."""
    if claim.metric not in _KEYS:
        return f"the run measured exact_match and f1, the claim is about {claim.metric}"
    if claim.data is None:
        return "the card does not say which data the figure was measured on"
    about, found = canonical_data(claim.data), canonical_data(evaluated.ref)
    for what, claimed, measured in (
        ("data set", about.name, found.name),
        ("config", _config(about), _config(found)),
        ("split", about.split, found.split),
        # a revision that one side leaves open is no contradiction
        ("revision", about.revision or found.revision, found.revision or about.revision),
    ):
        if claimed != measured:
            one, other = claimed or "one not stated", measured or "one not stated"
            return f"another {what}: the claim is about {one}, the run evaluated {other}"
    whole = _WHOLE.get((found.name, found.split), evaluated.n)
    if evaluated.n != whole:
        return f"other questions: the run evaluated {evaluated.n}, the claim is about all {whole} of {found}"
    return None


def _config(ref: DataRef) -> str | None:
    """The config; None for the one that a data set has when none is named, which the Hub calls ``default``."""
    return None if ref.config in ("default", ref.name) else ref.config


def _name(ref: DataRef) -> str:
    return dataset_name(ref.name) or ref.name


def _figure(claim: Claim, run: Run) -> float | None:
    prefix = _PREFIXES.get(claim.subset)
    if prefix is None:
        return None
    key = _KEYS[claim.metric]
    names = (f"{prefix}{key}", "exact_match") if (prefix, key) == ("", "exact") else (f"{prefix}{key}",)
    return next((run.scores[name] for name in names if name in run.scores), None)


def _for_run(tolerance: Tolerance, run: Run) -> Tolerance:
    if not run.recipe.assumed:
        return tolerance
    # a guess in the recipe can move the figure as much again
    return replace(tolerance, inconclusive=max(tolerance.inconclusive, 2 * tolerance.within))


def _decide(claim: Claim, run: Run, reproduced: float, tolerance: Tolerance) -> tuple[Verdict, str]:
    difference = reproduced - claim.reported
    # printed digits stand for up to half a last digit less, and, as they may be cut, up to a whole one more
    digit = _resolution(claim)
    undecided = digit if difference > 0 else digit / 2
    slack = 0.0 if digit > _COARSE else undecided
    gap = abs(difference)
    if same_digits(reproduced, claim) and (digit <= _COARSE or gap <= tolerance.within):
        return Verdict.MATCHES, "the reproduced figure gives the printed digits"
    direction = "above" if difference > 0 else "below"
    found = f"{gap:.2f} points {direction} the claim"
    assumed = f"; assumed: {', '.join(run.recipe.assumed)}" if run.recipe.assumed else ""
    if gap <= tolerance.within + slack:
        return Verdict.WITHIN_TOLERANCE, f"{found}, tolerance {tolerance.within:g}{assumed}"
    if gap <= tolerance.warned + slack:
        return Verdict.WITHIN_TOLERANCE, (
            f"{found}: warning, more than {tolerance.within:g} but within {tolerance.warned:g}{assumed}"
        )
    if slack < undecided and gap <= tolerance.inconclusive + undecided:
        return Verdict.INCONCLUSIVE, f"{found}: the claim is printed to {digit:g} points only, which is too coarse"
    if gap <= tolerance.inconclusive + slack:
        return Verdict.INCONCLUSIVE, (
            f"{found}: more than the tolerance of {tolerance.warned:g}, "
            f"but one run cannot tell gaps up to {tolerance.inconclusive:g} from chance{assumed}"
        )
    return Verdict.DIFFERS, f"{found}, tolerance {tolerance.warned:g}{assumed}"


def _resolution(claim: Claim) -> float:
    """One unit of the last printed digit, in points."""
    printed = _decimal(claim.digits)
    if printed is None:
        return 0.0
    return float(_step(printed)) * (100.0 if claim.unit == "fraction" else 1.0)


def _decimal(digits: str) -> Decimal | None:
    try:
        value = Decimal(digits)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _step(printed: Decimal) -> Decimal:
    exponent = printed.as_tuple().exponent
    # zeros that an exponent stands for are digits: 8e1 is printed to the unit
    return Decimal((0, (1,), min(exponent, 0) if isinstance(exponent, int) else 0))
