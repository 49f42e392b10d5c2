"""When a card's headline claims are decided, for a run that asks no more questions than that takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.errors import CardError
from harness.evidence import Opened, Options, judge_one
from harness.opened_data import OpenedData
from harness.records import SCHEMA, Bounds, Claim, Comparison, Decoding, Environment, Recipe, Run, Verdict, to_json
from harness.until_certain import EarlyStop

HEADLINE = ("exact_match", "f1")
TELLING = 2.0
"""Points: half of bounds that are narrow enough to tell by what other protocols come to on the same questions."""
_SHARE = 0.1
"""Of a wider difference, half of the bounds may be so much: a protocol has to make nine tenths of it."""


def stop_when_decided(
    opened: Opened, data: OpenedData, decoding: Decoding, options: Options, *, alpha: float, seed: int
) -> EarlyStop:
    """An early stop at the first question after which every headline claim about the data is decided.

    Headline claims are exact match and F1 over all questions. Where a card does not say how it scored, other protocols
    may explain a difference: the run goes on until its bounds are narrow enough to tell which of them can.

    Args:
        opened: The card.
        data: What is to be evaluated.
        decoding: How answers are to be made.
        options: As for the verdicts.
        alpha: Probability, at most, that any bound is ever wrong.
        seed: Of the order of the questions.

    Raises:
        CardError: the card makes no headline claim that the run can check.
    """
    blank = _blank_run(data, decoding)
    claims = [
        claim
        for claim in opened.card.claims
        if claim.metric in HEADLINE
        and claim.subset == "all"
        and judge_one(opened, blank, claim, options).verdict is not Verdict.NOT_COMPARABLE
    ]
    if not claims:
        raise CardError(
            f"{opened.path}: found no claim of exact match or F1 over all of {data.used.ref}, scored as the run would; "
            "expected one to be certain about. Evaluate without the early stop",
            path=str(opened.path),
        )
    return EarlyStop(_certain(opened, blank, claims, options), _about(opened, blank, claims, options), alpha, seed)


def _certain(opened: Opened, blank: Run, claims: Sequence[Claim], options: Options) -> Callable[[Bounds], bool]:
    def certain(bounds: Bounds) -> bool:
        run = replace(
            blank, bounds=bounds, scores={key: (bounds.low[key] + bounds.high[key]) / 2 for key in bounds.low}
        )
        half = max((bounds.high[key] - bounds.low[key]) / 2 for key in bounds.low)
        return all(_is_certain(judge_one(opened, run, claim, options), half) for claim in claims)

    return certain


def _is_certain(comparison: Comparison, half: float) -> bool:
    """Whether no more questions are needed; a difference that a protocol could explain needs narrow bounds."""
    explicable = comparison.verdict is Verdict.DIFFERS and comparison.protocol != "known"
    telling = max(TELLING, abs(comparison.difference or 0.0) * _SHARE)
    return not comparison.undecided and (half <= telling or not explicable)


def _about(opened: Opened, blank: Run, claims: Sequence[Claim], options: Options) -> dict[str, object]:
    """All that the stop hangs on besides the answers."""
    judged = [judge_one(opened, blank, claim, options) for claim in claims]
    told = [[c.claim.metric, c.claim.digits, c.claim.unit, c.protocol, to_json(c.tolerance)] for c in judged]
    return {"claims": told, "at_least": options.at_least}


def _blank_run(data: OpenedData, decoding: Decoding) -> Run:
    """A run of which nothing is known yet but how it scores: every figure is possible."""
    nowhere = Environment(harness="", python="", platform="", processor="", threads=0, packages={})
    exact = "exact" if data.used.has_ans < data.used.n else "exact_match"
    nothing, everything = {exact: 0.0, "f1": 0.0}, {exact: 100.0, "f1": 100.0}
    bounds = Bounds("", 0.0, 0, 0, data.used.n, nothing, everything, decided=False)
    return Run(
        schema=SCHEMA,
        id="",
        kind="released",
        status="finished",
        card_name="",
        card_path=None,
        card_sha256=None,
        recipe=Recipe((), data.used.ref, decoding),
        used={},
        environment=nowhere,
        started="",
        evaluated=data.used,
        scores=nothing,
        bounds=bounds,
        alternatives=(),
    )
