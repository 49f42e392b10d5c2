"""What a card says, as JSON: the form that ``harness claims --json`` prints."""

from __future__ import annotations

from typing import Any

from harness.claim_names import name_claims
from harness.records import Card, Claim, Setting


def describe_card(card: Card) -> dict[str, Any]:
    """The card as JSON values; its claims are those of its own and of other models in the order of the text.

    The card's own have names, those that deviations are listed under.
    """
    names = {id(claim): name for name, claim in name_claims(card.claims).items()}
    claims = sorted([*card.claims, *card.comparisons], key=lambda claim: (claim.place.start, claim.metric))
    return {
        "path": card.path,
        "name": card.name,
        "metadata": dict(card.metadata),
        "claims": [{"name": names.get(id(claim)), **_claim(claim)} for claim in claims],
        "settings": [_setting(setting) for setting in card.settings],
        "speeds": [
            {"ratio": speed.ratio, "than": speed.than, "text": speed.text, "line": speed.place.line}
            for speed in card.speeds
        ],
        "examples": [
            {
                "question": example.question,
                "context": example.context,
                "answer": example.answer,
                "start": example.start,
                "end": example.end,
                "score": example.score,
                "line": example.place.line,
            }
            for example in card.examples
        ],
        "problems": [
            {"code": finding.code, "severity": finding.severity, "message": finding.message, "line": finding.line}
            for finding in card.problems
        ],
    }


def _claim(claim: Claim) -> dict[str, Any]:
    data = claim.data
    return {
        "metric": claim.metric,
        "subset": claim.subset,
        "value": float(claim.digits),
        "digits": claim.digits,
        "unit": claim.unit,
        "dataset": None if data is None else data.name,
        "config": None if data is None else data.config,
        "split": None if data is None else data.split or None,
        "revision": None if data is None else data.revision,
        "origin": claim.origin,
        "line": claim.place.line,
        "confidence": claim.confidence,
        "own": claim.own,
        "verified": claim.verified,
    }


def _setting(setting: Setting) -> dict[str, Any]:
    return {
        "name": setting.name,
        "written_as": setting.written_as,
        "value": setting.value,
        "text": setting.text,
        "line": setting.place.line,
    }
