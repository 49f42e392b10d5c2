"""What judging asks of a card again for each of its claims, looked up once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.assumptions import AcceptedDeviation
from harness.claim_names import name_claims
from harness.errors import RecordError
from harness.evidence.opened import Opened
from harness.names import canonical_data
from harness.records import Claim, DataRef
from harness.signature import parse_signature

_SIGNATURE = re.compile(r"[Ss]ignature[^\n`|]{0,40}(?P<ticks>`+)(?P<line>[^\n`]{1,2000})(?P=ticks)")
_OPENING = re.compile(r"<!-- harness:evidence -->(?P<measured>\s{1,4}<!-- harness:figures measured -->)?")
_CLOSING = "<!-- /harness:evidence -->"
_SHARED = ("data", "n", "sha256", "rules", "dtype", "packages", "v", "missing", "extra", "na_prob_thresh")
"""Parts of a signature that are not of the decoding."""

_Place = tuple[int | None, DataRef | None]


@dataclass(frozen=True, slots=True)
class CardIndex:
    """A card's claims by place, and what it says of them."""

    together: Mapping[_Place, Mapping[tuple[str, str], tuple[Claim, ...]]]
    """Group and data -> metric and subset -> claims, best figures apart; of several that say the same, the first."""
    counts: Mapping[tuple[int | None, str], frozenset[int]]
    """Group and subset -> the numbers of questions that are printed there."""
    signed: Mapping[DataRef, Mapping[str, str]]
    """Canonical data -> the parts about decoding of the first signature line for them."""
    deviations: Mapping[Claim, AcceptedDeviation]
    """The known deviation of a claim, expired or not; the last day decides between several."""


def index_card(opened: Opened) -> CardIndex:
    """Look up what judging every claim of the card needs; the work grows with the card, not with its square."""
    together: dict[_Place, dict[tuple[str, str], dict[tuple[str, str, float], Claim]]] = {}
    for claim in opened.card.claims:
        if claim.group is not None and claim.subset != "best":
            told = together.setdefault((claim.group, claim.data), {}).setdefault((claim.metric, claim.subset), {})
            told.setdefault((claim.digits, claim.unit, claim.reported), claim)
    counts: dict[tuple[int | None, str], set[int]] = {}
    for count in opened.card.counts:
        counts.setdefault((count.group, count.subset), set()).add(count.value)
    return CardIndex(
        {place: {told: tuple(c.values()) for told, c in metrics.items()} for place, metrics in together.items()},
        {place: frozenset(values) for place, values in counts.items()},
        _signed(_own_words(opened.card.text)),
        _deviations(opened),
    )


def _own_words(text: str) -> str:
    """The card without its evidence section, unless that says that the card's figures are the run's.

    A section on what others reported tells how a run was scored, and nothing of how their figures were.
    """
    opening = _OPENING.search(text)
    closing = text.rfind(_CLOSING)
    if opening is None or closing < opening.end() or opening["measured"]:
        return text
    return text[: opening.start()] + text[closing:]


def _signed(text: str) -> dict[DataRef, Mapping[str, str]]:
    found: dict[DataRef, Mapping[str, str]] = {}
    for match in _SIGNATURE.finditer(text):
        try:
            parts = parse_signature(match["line"])
            data = DataRef.parse(parts.get("data", ""))
        except (RecordError, ValueError):
            continue
        if "decoding" in parts:
            own = {name: value for name, value in parts.items() if name not in _SHARED}
            found.setdefault(canonical_data(data), own)
    return found


def _deviations(opened: Opened) -> dict[Claim, AcceptedDeviation]:
    entries: Sequence[AcceptedDeviation] = () if opened.assumptions is None else opened.assumptions.deviations
    if not entries:
        return {}
    named = name_claims(opened.card.claims)
    found: dict[Claim, AcceptedDeviation] = {}
    for entry in entries:
        claim = named.get(entry.claim)
        if claim is not None and (claim not in found or entry.expires > found[claim].expires):
            found[claim] = entry
    return found
