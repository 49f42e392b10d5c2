"""Quantiles of the beta and of Student's t distribution, with nothing but the standard library."""

from __future__ import annotations

import math
from functools import cache

_BISECTIONS = 100
_FRACTION_TERMS = 100_000
_TINY = 1e-300


@cache
def t_quantile(probability: float, freedom: int) -> float:
    """Where Student's t distribution with `freedom` degrees reaches a probability of at least 1/2.

    Its square over the square plus the degrees of freedom has a beta distribution (DLMF 8.17; Abramowitz and Stegun,
    26.7.1).

    Raises:
        ValueError: not 0.5 <= probability < 1, or no degree of freedom.
    """
    if not 0.5 <= probability < 1.0 or freedom < 1:
        raise ValueError(f"probability {probability}, {freedom} degrees: expected 0.5 to below 1, and at least one")
    share = beta_quantile(2.0 * probability - 1.0, 0.5, freedom / 2.0)
    return math.sqrt(freedom * share / (1.0 - share))


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Where the regularised incomplete beta function reaches a probability; it rises, so the interval is halved."""
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (middle, high) if beta_share(middle, a, b) < probability else (low, middle)
    return (low + high) / 2.0


def beta_share(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b), 0 < x < 1, from its continued fraction (DLMF 8.17.22)."""
    if x > (a + 1.0) / (a + b + 2.0):  # on this side the fraction converges slowly; I_x(a, b) = 1 - I_(1-x)(b, a)
        return 1.0 - beta_share(1.0 - x, b, a)
    log_front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_front) / a * _beta_fraction(x, a, b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    """1/(1 + d1/(1 + d2/(1 + ...))) of DLMF 8.17.23, by Lentz's method."""
    value, c, d = 1.0, 1.0, 0.0
    for number in range(_FRACTION_TERMS):
        m = number // 2
        if number == 0:
            term = 1.0
        elif number % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1.0 / (1.0 + term * d or _TINY)
        c = 1.0 + term / c or _TINY
        value *= c * d
        if abs(c * d - 1.0) < 1e-15 and number > 0:
            break
    return value - 1.0
