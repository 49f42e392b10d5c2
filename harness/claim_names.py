"""Names for the claims of a card: readable, unique, and the same for the same card."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from harness.records import Claim


def name_claims(claims: Iterable[Claim]) -> dict[str, Claim]:
    """Name -> claim, in the order given: ``squad_v2/validation::exact_match[all@front_matter]``.

    A name that several claims of one data set would have carries line and first character: ``...@code:12:340]``. The
    bracket stands last since pytest takes it for parameters.
    """
    every = [(data_name(claim), f"{readable(claim.metric)}[{claim.subset}@{claim.origin}", claim) for claim in claims]
    counts = Counter((data, name) for data, name, _ in every)
    return {f"{data}::{name}{_place(claim) if counts[data, name] > 1 else ''}]": claim for data, name, claim in every}


def data_name(claim: Claim) -> str:
    """The data set that a claim is about, as part of a name: ``squadshifts/amazon/test``."""
    data = claim.data
    if data is None:
        return "data-not-stated"
    return readable("/".join(part for part in (data.name, data.config, data.split) if part))


def readable(text: str) -> str:
    """Text of a card as part of a name, where brackets and colons mean something."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return re.sub(":{2,}", ":", shown.replace("[", "(").replace("]", ")")).strip(":") or "?"


def _place(claim: Claim) -> str:
    return f":{claim.place.line}:{claim.place.start}"
