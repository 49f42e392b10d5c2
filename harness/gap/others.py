"""Other runs of the same model on the same data: protocols that need the model again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.gap.known import Known
from harness.prediction_files import read_predictions
from harness.records import Rescored, Run
from harness.scoring import PREDICTIONS
from harness.signature import compare_decodings, compare_signatures
from harness.store import file_sha256


def other_runs(known: Known, run: Run, others: Sequence[tuple[Path, Run]]) -> Iterator[Rescored]:
    """What finished runs of the same weights on the same questions came to under other protocols.

    Passed over are the run itself, runs of other weights or data, or that stopped early, and folders without the
    predictions of their record.

    Args:
        known: The run that is to be explained.
        run: Its record.
        others: Run folders, or record files in them, and the records.
    """
    for path, other in others:
        folder = path.parent if path.is_file() else path
        place = folder / PREDICTIONS
        if not _alike(run, other) or not place.is_file():
            continue
        if file_sha256(place) != other.predictions_sha256:
            continue
        name, how = _differing(run, other)
        if name:
            answers = read_predictions(place)
            asked = {question.id: answers[question.id] for question in known.questions if question.id in answers}
            scores = known.score(asked)
            yield known.compare(name, f"{how}: run {other.id}", scores, other.scores, other.recipe.decoding)


def _alike(run: Run, other: Run) -> bool:
    partial = other.bounds is not None and other.bounds.partial
    finished = other.status == "finished" and not partial and other.kind != "replay"
    data = run.evaluated is not None and other.evaluated is not None and run.evaluated.sha256 == other.evaluated.sha256
    return finished and data and run.scores.keys() == other.scores.keys() and _weights(run) is not None and (
        _weights(run) == _weights(other)
    )  # fmt: skip


def _weights(run: Run) -> str | None:
    """What tells a run's weights from others."""
    if run.model is not None:
        return run.model.sha256
    return run.stages[-1].weights_sha256 if run.stages else None


def _differing(run: Run, other: Run) -> tuple[str, str]:
    """A name from the parts of the decoding or the number format that differ, and both sides; empty for none."""
    differences = compare_decodings(run.recipe.decoding, other.recipe.decoding)
    if not differences and run.signature and other.signature:
        found = compare_signatures(run.signature, other.signature)
        differences = tuple(one for one in found if one.name == "dtype" and None not in (one.first, one.second))
    # a switch that a decoding does not state is off
    name = ", ".join(f"{one.name} {'no' if one.second is None else one.second}" for one in differences)
    return name, "; ".join(map(str, differences))
