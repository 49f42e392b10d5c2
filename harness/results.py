"""Results for machines: `model-index`, and a JSON document with a version (docs/results.schema.json)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from harness.claim_names import name_claims
from harness.errors import RecordError
from harness.names import hub_name
from harness.records import (
    Card,
    Claim,
    Comparison,
    DataRef,
    DataUsed,
    ModelUsed,
    Run,
    evidence_sha256,
    seal,
    to_json,
)
from harness.verdict.scope import figure_in

SCHEMA = "harness-results/1"
_TITLES = {"exact_match": "Exact Match", "f1": "F1"}
_UNJUDGED = "nothing was held against it"


def describe_results(card: Card | None, runs: Sequence[Run], comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """A card's claims with their verdicts, and the runs that they rest on, as JSON values.

    Args:
        card: The card; None for runs of a model that has none. All its claims are in the result, those that nothing was
            held against with no verdict.
        runs: Finished runs with their checksums, the one that speaks for the model first.
        comparisons: Verdicts on claims of the card.

    Raises:
        RecordError: A run is not finished, has no checksum, or was changed since; or a figure is no finite number.
    """
    for run in runs:
        check_sealed(run)
    by_claim = {comparison.claim: comparison for comparison in comparisons}
    claims = card.claims if card is not None else tuple(by_claim)
    by_id = {run.id: run for run in runs}
    result = {
        "schema": SCHEMA,
        "model": _model(card, runs),
        "card": None if card is None else {"path": card.path, "sha256": card.sha256},
        "runs": [_run(run) for run in runs],
        "claims": [
            _claim(name, claim, by_claim.get(claim) or Comparison(claim, None, _UNJUDGED), by_id)
            for name, claim in name_claims(claims).items()
        ],
    }
    try:
        json.dumps(result, allow_nan=False)
    except ValueError as error:
        raise RecordError(f"results: found a figure that is no finite number ({error}); run it again") from None
    return result


def results_index(name: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """What runs measured, as the ``model-index`` of a card: exact match and F1 of all questions, to four decimals.

    One result for each data set, of the first run on it. A run that left questions out, or scored none, gives none; no
    results give no index. Marks and tokens of verification are never written.
    """
    found: dict[DataRef, dict[str, Any]] = {}
    for run in runs:
        data = run.evaluated
        if data is None or data.ref in found or (run.bounds is not None and run.bounds.partial):
            continue
        metrics = [
            {"type": metric, "value": round(run.scores[key], 4), "name": _TITLES[metric]}
            for metric, keys in (("exact_match", ("exact", "exact_match")), ("f1", ("f1",)))
            for key in keys
            if key in run.scores
        ]
        if metrics:
            task = {"type": "question-answering", "name": "Question Answering"}
            found[data.ref] = {"task": task, "dataset": _dataset(data), "metrics": metrics}
    return [{"name": name, "results": list(found.values())}] if found else []


def check_sealed(run: Run) -> None:
    """Raise `RecordError` unless a run is finished, and its record is what was written when it was."""
    if run.status != "finished":
        raise RecordError(
            f"{run.id}: found a run that is {run.status}, expected a finished one; run it to its end first"
        )
    if run.sha256 is None:
        raise RecordError(
            f"{run.id}: found no checksum in its record, which an earlier version wrote, expected one; run it again "
            "with --fresh, so that what is published rests on a record that nobody can have changed"
        )
    if run.sha256 != seal(run):
        raise RecordError(
            f"{run.id}: found a record that was changed since it was written, expected its checksum {run.sha256}; run "
            "it again with --fresh"
        )


def _model(card: Card | None, runs: Sequence[Run]) -> dict[str, Any]:
    first = runs[0] if runs else None
    given = None if first is None else first.model
    name = card.name if card is not None else "" if first is None else first.card_name
    return {
        "name": name if given is None or card is not None else given.name,
        "revision": None if given is None else given.revision,
        "weights_sha256": None if first is None else _weights(first, given),
    }


def _weights(run: Run, given: ModelUsed | None) -> str | None:
    if given is not None:
        return given.sha256
    return run.stages[-1].weights_sha256 if run.stages else None


def _run(run: Run) -> dict[str, Any]:
    used = [("training", stage.name, data) for stage in run.stages for data in stage.data]
    evaluated = [] if run.evaluated is None else [("evaluation", None, run.evaluated)]
    return {
        "id": run.id,
        "kind": run.kind,
        "finished": run.finished,
        "evidence_sha256": evidence_sha256(run),
        "signature": run.signature,
        "weights_sha256": _weights(run, run.model),
        "predictions_sha256": run.predictions_sha256,
        "seeds": [{"stage": stage.name, "seed": stage.seed} for stage in run.recipe.stages] if run.stages else [],
        "environment": to_json(run.environment),
        "data": [_data_used(*row) for row in (*used, *evaluated)],
        "scores": dict(run.scores),
        "bounds": None if run.bounds is None else to_json(run.bounds),
    }


def _data_used(purpose: str, stage: str | None, data: DataUsed) -> dict[str, Any]:
    return {
        "used_for": purpose,
        "stage": stage,
        **_ref(data.ref),
        "questions": data.n,
        "with_answer": data.has_ans,
        "source": data.source,
        "sha256": data.sha256,
    }


def _ref(ref: DataRef) -> dict[str, Any]:
    return {"name": ref.name, "config": ref.config, "split": ref.split or None, "revision": ref.revision}


def _claim(name: str, claim: Claim, found: Comparison, runs: dict[str, Run]) -> dict[str, Any]:
    tolerance = found.tolerance
    return {
        "name": name,
        "metric": claim.metric,
        "subset": claim.subset,
        "data": None if claim.data is None else _ref(claim.data),
        "reported": claim.reported,
        "digits": claim.digits,
        "unit": claim.unit,
        "place": {"origin": claim.origin, "line": claim.place.line, "start": claim.place.start, "end": claim.place.end},
        "reproduced": found.reproduced,
        "difference": found.difference,
        "interval": _interval(found, runs),
        "tolerance": None
        if tolerance is None
        else {
            "within": tolerance.within,
            "warned": tolerance.warned,
            "inconclusive": tolerance.inconclusive,
            "reason": tolerance.reason,
        },
        "verdict": found.state,
        "reason": found.reason,
        "deviation": found.deviation,
        "runs": list(found.runs),
    }


def _interval(found: Comparison, runs: dict[str, Run]) -> dict[str, Any] | None:
    """Of several seeds the interval for one more run; of a run that left questions out, the bounds over all."""
    if found.seeds is not None:
        mean, half = found.seeds.mean, found.seeds.half_95
        method = f"prediction interval for one more of {len(found.seeds.values)} seeds, Student's t"
        return {"low": mean - half, "high": mean + half, "level": 0.95, "method": method}
    bounds = next((runs[run].bounds for run in found.runs if run in runs), None)
    if bounds is None or not bounds.partial:
        return None
    low, high = figure_in(found.claim, bounds.low), figure_in(found.claim, bounds.high)
    if low is None or high is None:
        return None
    return {
        "low": low,
        "high": high,
        "level": 1.0 - bounds.alpha,
        "method": f"all questions, from {bounds.used} of {bounds.n}: {bounds.method}",
    }


def _dataset(data: DataUsed) -> dict[str, str]:
    ref = data.ref
    fields = {
        "name": f"{ref.name} {ref.config}" if ref.config else ref.name,
        "type": hub_name(ref.name),
        "config": ref.config,
        "split": ref.split,
        "revision": ref.revision or _commit(data),
    }
    return {key: value for key, value in fields.items() if value}


def _commit(data: DataUsed) -> str | None:
    """The commit of data that came from the Hub: the source is then ``id@commit``."""
    _, at, commit = data.source.rpartition("@")
    is_commit = len(commit) == 40 and all(c in "0123456789abcdef" for c in commit)
    return commit if at and is_commit else None
