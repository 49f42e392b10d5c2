"""What the printed digits of a claim stand for."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation

from harness.records import Claim

COARSE = 1.0
"""A claim whose last printed digit is worth more points than this is too coarse for its digits to show agreement."""

_FLOAT_NOISE = 1e-9
"""Two sums of the same 12,000 floats in another order differ by less, in points."""
_DECIMAL_DIGITS = 20


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
    noise = Decimal(repr(_FLOAT_NOISE)) / scale  # a tie may have come out a last bit too low
    return any(
        near.quantize(step, mode) == printed
        for near in (value, value + noise)
        for mode in (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN)
    )


def resolution(claim: Claim) -> float:
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
