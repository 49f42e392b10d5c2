"""Which figure of a run a claim is about, if any."""

from __future__ import annotations

from collections.abc import Mapping

from harness.names import canonical_data, dataset_name
from harness.names.sizes import split_size
from harness.records import Claim, DataRef, DataUsed, Run

_KEYS = {"exact_match": "exact", "f1": "f1"}
_PREFIXES = {"all": "", "has_ans": "HasAns_", "no_ans": "NoAns_", "best": "best_"}
_TOTALS = {"all": "total", "has_ans": "HasAns_total", "no_ans": "NoAns_total", "best": "total"}


def applies(metric: str, dataset: str | None, claim: Claim) -> bool:
    """Whether an override for `metric` on `dataset` (None: any) is about the claim."""
    about = dataset is None or (claim.data is not None and (dataset_name(dataset) or dataset) == _name(claim.data))
    return metric == claim.metric and about


def can_check(claim: Claim, run: Run) -> bool:
    """Whether a run measured what a claim is about."""
    return obstacle(claim, run, None) is None and figure(claim, run) is not None


def obstacle(claim: Claim, run: Run, total: int | None) -> str | None:
    """Why the claim is about something else than what the run evaluated, in words; None if it is not.

    Args:
        claim: The claim.
        run: A finished run.
        total: Questions that the card prints beside the claim's figure.
    """
    evaluated = run.evaluated
    if evaluated is None:
        return "the run evaluated nothing"
    if claim.metric not in _KEYS:
        return f"the run measured exact_match and f1, the claim is about {claim.metric}"
    if claim.data is None:
        return "the card does not say which data the figure was measured on"
    about, found = canonical_data(claim.data), canonical_data(evaluated.ref)
    for what, claimed, measured in (
        ("data set", about.name, found.name),
        ("config", _config(about), _config(found)),
        ("split", about.split, found.split),
        # a revision that one side leaves open is no contradiction
        ("revision", about.revision or found.revision, found.revision or about.revision),
    ):
        if claimed != measured:
            one, other = claimed or "one not stated", measured or "one not stated"
            return f"another {what}: the claim is about {one}, the run evaluated {other}"
    return _other_number(claim, run, evaluated, found, total)


def _other_number(claim: Claim, run: Run, evaluated: DataUsed, found: DataRef, total: int | None) -> str | None:
    size = None if "[" in found.split else split_size(found)  # a local file may hold fewer than the whole split
    whole = evaluated.n if size is None else size.n
    if evaluated.n != whole:
        return f"other questions: the run evaluated {evaluated.n}, the claim is about all {whole} of {found}"
    early = run.bounds is not None and run.bounds.partial
    # an early stop counts the questions it asked, which is no other number
    counted = evaluated.n if claim.subset in ("all", "best") else run.scores.get(_TOTALS[claim.subset])
    if total is not None and not early and counted is not None and counted != total:
        return f"other questions: the run evaluated {counted:g}, the card prints {total} beside the figure"
    return None


def count_questions(claim: Claim, run: Run) -> int:
    """Questions that the claim's figure is a mean over; 0 where the run does not say."""
    if run.evaluated is None:
        return 0
    counted = run.scores.get(_TOTALS.get(claim.subset, ""))
    return run.evaluated.n if counted is None or claim.subset in ("all", "best") else round(counted)


def figure(claim: Claim, run: Run) -> float | None:
    """The run's figure that the claim is about, in points; None where it has none."""
    return figure_in(claim, run.best if claim.subset == "best" else run.scores)


def figure_in(claim: Claim, scores: Mapping[str, float]) -> float | None:
    """The figure under official keys that the claim is about; None where there is none."""
    prefix, key = _PREFIXES.get(claim.subset), _KEYS.get(claim.metric)
    if prefix is None or key is None:
        return None
    names = (f"{prefix}{key}", "exact_match") if (prefix, key) == ("", "exact") else (f"{prefix}{key}",)
    return next((scores[name] for name in names if name in scores), None)


def _config(ref: DataRef) -> str | None:
    """The config; None for the one that a data set has when none is named, which the Hub calls ``default``."""
    return None if ref.config in ("default", ref.name) else ref.config


def _name(ref: DataRef) -> str:
    return dataset_name(ref.name) or ref.name
