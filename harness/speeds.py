"""Claims of speed against measured speeds.

A claim is of one device, one software and one size of batch, of which cards name none. So a model that keeps the
promise at either batch keeps it, and one that falls short here may not where it was measured: only far below, at
every batch, is a claim called false.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from harness.distributions import t_quantile
from harness.records import Card, Speed, SpeedBatch, SpeedComparison, SpeedMeasured, SpeedRatio, Verdict
from harness.speed_names import Naming, names_base
from harness.verdict.summary import sum_up

TOLERANCE = 0.1
"""Share of the claimed ratio that a measured one may lack."""
WIDEST = 0.1
"""Share of the ratio that the upper half of its interval may have for the ratio alone to show agreement."""
DEVICE = 1.5
"""Factor by which the ratio of two models may differ from device to device (docs/method.md gives the sources)."""
LEAST_ROUNDS = 3
"""Fewer give an interval by Student's t that decides nothing: its half-width at two is 9 standard deviations."""

_FIGURE = re.compile(r"(?:speed-?up of )?(?P<figure>\d+(?:\.(?P<decimals>\d+))?)\s?(?P<percent>%)?")
_AT: Mapping[SpeedBatch, str] = {"one": "one question at a time", "best": "at each model's best batch"}
_STRONGEST_FIRST = (Verdict.MATCHES, Verdict.WITHIN_TOLERANCE, Verdict.INCONCLUSIVE, Verdict.DIFFERS)


def measured_ratio(batch: SpeedBatch, seconds: Sequence[float], base_seconds: Sequence[float]) -> SpeedRatio:
    """The ratio of two speeds and its 95 % interval from paired rounds.

    Of each round the logarithm of ``base_seconds / seconds`` is taken; their mean and Student's t interval (Student
    1908; n - 1 degrees of freedom) are turned back. What slows a whole round down cancels.

    Raises:
        ValueError: fewer than two rounds, another number of them for the base, or a time that is not positive.
    """
    if len(seconds) != len(base_seconds) or len(seconds) < 2:
        raise ValueError(f"{len(seconds)} and {len(base_seconds)} rounds: expected as many of both, and at least two")
    if not all(math.isfinite(second) and second > 0 for second in (*seconds, *base_seconds)):
        raise ValueError("expected times above zero")
    logs = [math.log(base / own) for own, base in zip(seconds, base_seconds, strict=True)]
    n = len(logs)
    mean = sum(logs) / n
    deviation = math.sqrt(sum((log - mean) ** 2 for log in logs) / (n - 1))
    half = t_quantile(0.975, n - 1) * deviation / math.sqrt(n)
    return SpeedRatio(
        batch, tuple(seconds), tuple(base_seconds), math.exp(mean), math.exp(mean - half), math.exp(mean + half)
    )


def judge_speed(claim: Speed, measured: SpeedMeasured, base_names: Sequence[str] = ()) -> SpeedComparison:
    """Judge one claim of speed. Never raises: what cannot be compared says why.

    Of the two batches the one that speaks more for the claim decides. With c the claimed ratio and l the lower of
    ``c - half a last digit`` and ``c * (1 - TOLERANCE)``:

    - ``matches``: the ratio rounded or cut has the printed digits, and is no further from c than `TOLERANCE`.
    - ``within_tolerance``: the ratio is at least l; a faster model than claimed is no failure.
    - Both need an interval whose upper half is at most `WIDEST` of the ratio, or for the second all of it at least l.
    - ``differs``: at every batch the whole interval is below ``l / DEVICE``.
    - ``inconclusive``: everything between; also where the card names a base and nothing tells whether it was measured.
    - ``not_comparable``: the claim is clearly about another base.

    Args:
        claim: What the card says.
        measured: Both models, measured beside each other.
        base_names: Models that the card's front matter names as base; see `stated_bases`.
    """
    if not (math.isfinite(claim.ratio) and claim.ratio > 0 and measured.ratios):
        return SpeedComparison(claim, Verdict.NOT_COMPARABLE, "the claim states no speed, or none was measured")
    naming, about = names_base(claim.than, measured, base_names)
    if naming is Naming.ANOTHER:
        return SpeedComparison(claim, Verdict.NOT_COMPARABLE, about)
    zones = {ratio.batch: _zone(claim, ratio) for ratio in measured.ratios}
    decisive = min(measured.ratios, key=lambda ratio: (_STRONGEST_FIRST.index(zones[ratio.batch]), -ratio.ratio))
    verdict = zones[decisive.batch]
    reason = _explain(claim, measured.ratios, decisive, verdict)
    if naming is Naming.UNKNOWN and verdict is not Verdict.INCONCLUSIVE:
        verdict = Verdict.INCONCLUSIVE
    return SpeedComparison(claim, verdict, "; ".join(filter(None, (reason, about))), decisive)


def most_favourable(comparisons: Sequence[SpeedComparison]) -> SpeedComparison:
    """Of one claim against several measurements the one that speaks most for it, as a claim names no device.

    One that cannot be compared counts only where no other can.
    """
    order = (*_STRONGEST_FIRST, Verdict.NOT_COMPARABLE)
    return min(comparisons, key=lambda comparison: order.index(comparison.verdict))


def stated_bases(card: Card) -> tuple[str, ...]:
    """The models that a card's front matter names as ``base_model``."""
    return named_bases(card.metadata)


def named_bases(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """The models that front matter names as ``base_model``."""
    value = metadata.get("base_model")
    listed = value if isinstance(value, (list, tuple)) else [value]
    return tuple(name.strip() for name in listed if isinstance(name, str) and name.strip())


def outcome(comparisons: Iterable[SpeedComparison], *, strict: bool = False) -> tuple[int, str]:
    """Exit code and a sentence: 0 as claimed, 1 where a claim differs, or none could be compared.

    Args:
        comparisons: What was judged.
        strict: Inconclusive and not comparable claims count as failures too.
    """
    verdicts = (comparison.verdict for comparison in comparisons)
    return sum_up(verdicts, "as fast as claimed", "the card claims no speed", strict=strict)


def last_digit(claim: Speed) -> float:
    """What a unit of the last printed digit is worth in the ratio: 1 of ``twice``, 0.1 of ``2.0x``, 0.01 of ``60%``."""
    match = _FIGURE.match(claim.text)
    if match is not None:
        unit = 10.0 ** -len(match["decimals"] or "")
        return unit / 100 if match["percent"] else unit
    exponent = Decimal(repr(claim.ratio)).normalize().as_tuple().exponent
    return 10.0**exponent if isinstance(exponent, int) and exponent < 0 else 1.0


def _limit(claim: Speed) -> float:
    """The least ratio that keeps the claim."""
    return max(0.0, min(claim.ratio - last_digit(claim) / 2, claim.ratio * (1 - TOLERANCE)))


def _narrow(measured: SpeedRatio) -> bool:
    return measured.high <= measured.ratio * (1 + WIDEST)


def _printed(claim: Speed, ratio: float) -> bool:
    digit = last_digit(claim)
    return -digit / 2 <= ratio - claim.ratio < digit and abs(ratio / claim.ratio - 1) <= TOLERANCE


def _zone(claim: Speed, measured: SpeedRatio) -> Verdict:
    limit = _limit(claim)
    if measured.high < limit / DEVICE:
        return Verdict.DIFFERS
    if _narrow(measured) and _printed(claim, measured.ratio):
        return Verdict.MATCHES
    shown = measured.low >= limit or (_narrow(measured) and measured.ratio >= limit)
    return Verdict.WITHIN_TOLERANCE if shown else Verdict.INCONCLUSIVE


def _explain(claim: Speed, ratios: Sequence[SpeedRatio], decisive: SpeedRatio, verdict: Verdict) -> str:
    others = [ratio for ratio in ratios if ratio is not decisive]
    found = "; ".join(map(_shown, (decisive, *others)))
    limit = _limit(claim)
    if verdict is Verdict.DIFFERS:
        return f"{found}: below {limit / DEVICE:.3g}, the claim's least, {limit:.3g}, less a factor of {DEVICE:g}"
    if verdict is Verdict.MATCHES:
        return found
    if verdict is Verdict.WITHIN_TOLERANCE:
        if decisive.ratio > claim.ratio:
            return f"{found}: faster than the claimed {claim.ratio:g} times"
        return f"{found}: at least {limit:.3g}, which a claim of {claim.ratio:g} times stands for"
    if decisive.ratio >= limit:
        return f"{found}: the interval is wider than {WIDEST:.0%} of the ratio; more rounds make it narrower"
    return (
        f"{found}: below {limit:.3g}, which a claim of {claim.ratio:g} times stands for, but another device, which the "
        f"card does not name, may give up to {DEVICE:g} times the ratio"
    )


def _shown(ratio: SpeedRatio) -> str:
    return f"{_AT[ratio.batch]} {ratio.ratio:.2f} times as fast ({ratio.low:.2f} to {ratio.high:.2f})"
