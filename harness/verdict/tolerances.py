"""How far apart a claim and a run may be, by kind of run."""

from __future__ import annotations

import math
from dataclasses import replace

from harness.records import RunKind, Tolerance

HALF_WIDTH = 1.0
"""Points: the widest half of a 95 % prediction interval of several seeds that still shows agreement."""

DEFAULTS: dict[str, Tolerance] = {
    "replay": Tolerance(0.0, 0.0, 0.0, "default for stored predictions: the same figure"),
    "released": Tolerance(0.05, 0.10, 0.10, "default for published weights scored as the card states"),
    "assumed": Tolerance(0.05, 0.05, 2.0, "default for published weights, the claim's protocol being assumed"),
    "retrained": Tolerance(0.5, 0.8, 0.8, "default for a model trained again with one seed", HALF_WIDTH),
    "distilled": Tolerance(1.0, 1.0, 2.0, "default for a model distilled again with one seed", HALF_WIDTH),
}
"""Points, by kind of run; ``assumed``: a released one whose claim has no known protocol. Sources: docs/method.md."""


SOURCES_N = 11_873
"""Questions of the data set that the defaults for seeds were measured on."""


def default_tolerance(kind: RunKind, protocol: str = "assumed", n: int = SOURCES_N) -> Tolerance:
    """The default for a kind of run.

    On few questions chance moves a figure farther, and gaps that it may well have made decide nothing: of models that
    were trained again up to the tolerance times the square root of the ratio of numbers, as for a mean of independent
    questions; of weights scored as the card states, where rounding can turn an answer, up to one question.

    Args:
        kind: The kind.
        protocol: Of weights as they were given: ``known`` where the run scored as the card states.
        n: Questions that the figure is a mean over.
    """
    released = kind == "released"
    default = DEFAULTS["assumed" if released and protocol != "known" else kind]
    if kind == "replay" or n < 1:
        return default
    chance = 100.0 / n if released else default.warned * math.sqrt(SOURCES_N / n)
    if chance <= default.inconclusive:
        return default
    return replace(default, inconclusive=chance, reason=f"{default.reason}; chance on {n} questions")
