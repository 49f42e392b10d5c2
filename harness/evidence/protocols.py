"""How the figures of a card were scored, as far as it says, and whether a run scored them so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from harness.evidence.index import CardIndex, index_card
from harness.evidence.opened import Opened
from harness.names import canonical_data
from harness.records import Claim, Decoding, Run
from harness.signature import compare_decodings, decoding_parts


@dataclass(frozen=True, slots=True)
class Scoring:
    """How a run scored, beside what the card says of it."""

    protocol: Literal["known", "assumed", "other", "stated otherwise"]
    """``stated otherwise``: the card states a way of scoring, and the run has another."""
    differences: tuple[str, ...] = ()
    """In what the run scored otherwise than the card states or is taken to mean: ``name: the card's, the run's``."""


def how_scored(opened: Opened, claim: Claim, run: Run, index: CardIndex | None = None) -> Scoring:
    """Hold a run's decoding against the one that the card's figure was made with.

    A card states it by a signature line for the claim's data, or by a ``protocol`` or ``profile`` in the block of its
    last stage; what it leaves open then is what that has. A card that states neither is taken to mean the decoding of
    its recipe. `index` is the card's, where several claims are looked at.
    """
    index = index or index_card(opened)
    about = None if claim.data is None else canonical_data(claim.data)
    # a revision that the signature leaves open is no contradiction
    signed = None if about is None else index.signed.get(about) or index.signed.get(replace(about, revision=None))
    if signed is not None:
        theirs, ours = signed, decoding_parts(run.recipe.decoding)
        names = [name for name in dict.fromkeys([*theirs, *ours]) if theirs.get(name) != ours.get(name)]
        differences = tuple(f"{name}: {theirs.get(name, 'off')}, {ours.get(name, 'off')}" for name in names)
        return Scoring("stated otherwise" if differences else "known", differences)
    meant = meant_decoding(opened, run)
    differences = tuple(
        f"{difference.name}: {difference.first or 'off'}, {difference.second or 'off'}"
        for difference in compare_decodings(meant, run.recipe.decoding)
    )
    if _states_protocol(opened):
        return Scoring("stated otherwise" if differences else "known", differences)
    return Scoring("other" if differences else "assumed", differences)


def meant_decoding(opened: Opened, run: Run) -> Decoding:
    """The decoding of the card's recipe, on the data that a run evaluated."""
    decoding = opened.recipe.decoding
    origin = opened.recipe.origins.get("forced_answer")
    if origin is not None and origin.how in ("stated", "assumed"):
        return decoding
    evaluated = run.evaluated
    forced = evaluated is not None and evaluated.has_ans == evaluated.n  # where every question has an answer
    return replace(decoding, forced_answer=forced or decoding.forced_answer)


def _states_protocol(opened: Opened) -> bool:
    origins = opened.recipe.origins.get("protocol"), opened.recipe.stages[-1].origins.get("profile")
    return any(origin is not None and origin.how == "stated" for origin in origins)
