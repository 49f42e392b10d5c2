"""A measured value in the digits that a card prints: as many decimals, and in the same form."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from harness.records import Claim
from harness.verdict import same_digits

_FORM = re.compile(
    r"(?P<sign>[-+]?)(?P<whole>[0-9]*)(?P<point>\.?)(?P<decimals>[0-9]*)(?P<exponent>(?:[eE][-+]?[0-9]+)?)"
)
_WIDEST = Decimal(1000)
"""A mantissa from here on is no longer written with the exponent that was printed."""


def print_as(digits: str, value: float, whole: bool = False) -> str:
    """A value in the form of printed digits: rounded half up to as many decimals, with the same exponent.

    Args:
        digits: As a card prints them: ``83.860``, ``.5``, ``+8.3``, ``1e-1``, ``84.``.
        value: In the unit of the digits.
        whole: With all decimals that it has, where the digits have decimals and no exponent.

    Raises:
        ValueError: `digits` is no number.
    """
    form = _FORM.fullmatch(digits)
    if form is None or not (form["whole"] or form["decimals"]):
        raise ValueError(f"found {digits!r:.80}, expected a number")
    exponent = int(form["exponent"][1:] or 0) if form["exponent"] else 0
    places = len(form["decimals"])
    exact = Decimal(repr(value))
    if whole and places and not form["exponent"]:
        places = max(1, -int(exact.normalize().as_tuple().exponent))
    mantissa = exact.scaleb(-exponent)
    written = form["exponent"]
    if written and abs(mantissa) >= _WIDEST:
        mantissa, places, written = exact, max(0, places - exponent), ""
    rounded = mantissa.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = format(rounded if rounded else abs(rounded), "f")
    if places == 0 and form["point"] and not (form["exponent"] and not written):
        text += "."
    if not form["whole"] and text.lstrip("-").startswith("0."):
        text = text.replace("0.", ".", 1)
    if form["sign"] == "+" and not text.startswith("-"):
        text = f"+{text}"
    return text + written


def agree(digits: str, value: float, claim: Claim) -> bool:
    """Whether rounding or cutting a value gives printed digits; `claim` lends the rest of a claim's fields."""
    return same_digits(value, replace(claim, digits=digits, unit="none"))
