"""From printed figures to claims: digits, unit, points."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from harness import names
from harness.cards.source import Source
from harness.records import Claim, ClaimOrigin, DataRef, Subset

NUMBER = r"[-+]?(?:[0-9]{1,20}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][-+]?[0-9]{1,3})?"
_CELL = re.compile(rf"[\s*_`]*(?P<digits>{NUMBER})\s*(?P<percent>%?)[\s*_`]*(?:(?:±|\+/-|\+-)[^|]*)?")
_QUOTES = "\"'"


@dataclass(frozen=True, slots=True)
class Figure:
    """A printed figure of one metric; `start` and `end` are the digits' characters in the card."""

    metric: str
    subset: Subset
    digits: str
    percent: bool
    start: int
    end: int
    data: DataRef | None
    verified: bool = False


def find_digits(text: str) -> tuple[str, bool, int] | None:
    """Digits, whether ``%`` follows, and their offset, where a cell or value is one finite figure and nothing else."""
    stripped = text.strip(_QUOTES)
    match = _CELL.fullmatch(stripped)
    if match is None or not math.isfinite(float(match["digits"])):
        return None
    return match["digits"], bool(match["percent"]), match.start("digits") + text.find(stripped)


def to_claims(figures: Sequence[Figure], origin: ClaimOrigin, source: Source) -> list[Claim]:
    """Claims of one block or table, in points.

    Exact match and F1 are percentages. If all of them in the group are 1 or less, without ``%``, and not all are
    zero, they are fractions of 1 and are multiplied by 100. Other metrics are as printed.
    """
    scores = [figure for figure in figures if figure.metric in names.SCORES]
    values = [float(figure.digits) for figure in scores]
    fractions = (
        any(values) and all(0 <= value <= 1 for value in values) and not any(figure.percent for figure in scores)
    )
    claims = []
    for figure in figures:
        unit: Literal["percent", "fraction", "none"] = "percent" if figure.percent else "none"
        reported = float(figure.digits)
        if figure.metric in names.SCORES:
            unit = "fraction" if fractions else "percent"
            reported = float(Decimal(figure.digits) * 100) if fractions else reported
        place = source.place(figure.start, figure.end)
        claims.append(
            Claim(
                figure.metric,
                figure.subset,
                reported,
                figure.digits,
                unit,
                figure.data,
                origin,
                place,
                figure.verified,
            )
        )
    return claims
