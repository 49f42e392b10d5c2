"""How far apart a claim and a run may be, by kind of run."""

from __future__ import annotations

from harness.records import RunKind, Tolerance

HALF_WIDTH = 1.0
"""Points: the widest half of a 95 % prediction interval of several seeds that still shows agreement."""

DEFAULTS: dict[str, Tolerance] = {
    "replay": Tolerance(0.0, 0.0, 0.0, "default for stored predictions: the same figure"),
    "released": Tolerance(0.05, 0.10, 0.10, "default for published weights scored as the card states"),
    "assumed": Tolerance(0.05, 0.05, 2.0, "default for published weights, the claim's protocol being assumed"),
    "retrained": Tolerance(0.5, 0.8, 0.8, "default for a model trained again with one seed"),
    "distilled": Tolerance(1.0, 1.0, 2.0, "default for a model distilled again with one seed"),
}
"""Points, by kind of run; ``assumed``: a released one whose claim has no known protocol. Sources: docs/method.md."""


def default_tolerance(kind: RunKind, protocol: str = "assumed") -> Tolerance:
    """The default for a kind of run.

    Args:
        kind: The kind.
        protocol: Of weights as they were given: ``known`` where the run scored as the card states.
    """
    return DEFAULTS["assumed" if kind == "released" and protocol != "known" else kind]
