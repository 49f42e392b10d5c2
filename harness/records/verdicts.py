"""Verdicts."""

from __future__ import annotations

import enum


class Verdict(enum.Enum):
    """How a claim stands against what came out."""

    MATCHES = "matches"
    WITHIN_TOLERANCE = "within_tolerance"
    INCONCLUSIVE = "inconclusive"
    DIFFERS = "differs"
    NOT_COMPARABLE = "not_comparable"
