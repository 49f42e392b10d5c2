"""Predicting until enough is known, with a model: as `predict` answers, chunk by chunk, going on after a stop."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

pytest.importorskip("torch")

from harness.data import describe
from harness.engine import TorchEngine
from harness.engine import predict as module
from harness.evaluation import evaluate_model
from harness.opened_data import OpenedData
from harness.records import DataRef, Decoding, ModelRef, Question
from harness.until_certain import EarlyStop, draw_order

pytestmark = pytest.mark.torch


def first(count: int, seen: list[int], order: Sequence[str]) -> Callable[[Mapping[str, str]], Sequence[str] | None]:
    """Enough are so many questions, in this order."""
    known: list[str] = []

    def enough(answers: Mapping[str, str]) -> Sequence[str] | None:
        known.extend(answers)
        seen.append(len(answers))
        return [i for i in order if i in known[:count]] if len(known) >= count else None

    return enough


def test_chunks_give_the_answers_of_one_prediction(
    build: Callable[..., Path], questions: list[Question], decoding: Decoding, tmp_path: Path
) -> None:
    engine, model, seen = TorchEngine(), build(), list[int]()
    whole = engine.predict(model, questions, decoding)
    order = [question.id for question in reversed(questions)]
    sizes = (4, 5, 6, len(questions) - 15)
    found = engine.predict_until(model, questions, sizes, first(13, seen, order), decoding, keep=tmp_path / "kept")
    assert seen == [4, 5, 6]
    wanted = [i for i in order if i in {question.id for question in questions[:13]}]
    assert list(found.answers) == list(found.null_odds) == list(found.n_best) == wanted
    assert found.answers == {i: whole.answers[i] for i in wanted}
    assert found.null_odds == pytest.approx({i: whole.null_odds[i] for i in wanted}, abs=1e-4)
    only = engine.predict(model, questions[:13], decoding).computed
    assert found.computed is not None
    assert only is not None
    assert (found.computed.windows, found.computed.close_calls) == (only.windows, only.close_calls)
    assert len(list((tmp_path / "kept").glob("part-*.npz"))) == 3
    every = engine.predict_until(model, questions, sizes, lambda answers: None, decoding)
    assert every.answers == whole.answers
    assert every.computed == whole.computed


def test_large_chunks_are_divided_where_memory_asks_for_it(
    build: Callable[..., Path], questions: list[Question], decoding: Decoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PART_QUESTIONS", 5)
    seen: list[int] = []
    order = [question.id for question in questions]
    TorchEngine().predict_until(build(), questions, (12, len(order) - 12), first(len(order), seen, order), decoding)
    assert seen == [5, 5, 2, 5, 5, 2][: len(seen)]
    assert sum(seen) == len(order)


def test_a_stopped_run_goes_on_from_its_logits_and_removes_them(
    build: Callable[..., Path],
    questions: list[Question],
    decoding: Decoding,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harness.until_certain._SMALLEST_CHUNK", 4)
    ref = DataRef("tiny", "validation")
    data = OpenedData(tuple(questions), describe(ref, questions, "tiny"), ())
    calls: list[int] = []

    def evaluate(runs: Path, *, breaks_at: int | None):
        def certain(bounds):
            calls.append(bounds.used)
            if bounds.used == breaks_at:
                raise KeyboardInterrupt
            return bounds.used >= 14

        stop = EarlyStop(certain, {"used": 14})
        return evaluate_model(
            ModelRef("org/tiny"), build(), data, decoding, TorchEngine(), runs, computing={}, until_certain=stop
        )  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        evaluate(tmp_path / "runs", breaks_at=10)
    (kept,) = (tmp_path / "runs").glob("*/logits")
    parts = {part: part.stat().st_mtime_ns for part in kept.glob("part-*.npz")}
    assert len(parts) == 3
    folder, run = evaluate(tmp_path / "runs", breaks_at=None)
    assert not kept.exists()
    other, fresh = evaluate(tmp_path / "fresh", breaks_at=None)
    assert run.bounds is not None
    assert run.bounds == fresh.bounds
    assert run.computed == fresh.computed
    for name in ("predictions.json", "per_question.json", "nbest_predictions.json", "null_odds.json"):
        assert (folder / name).read_bytes() == (other / name).read_bytes()
    assert set(run.bounds.low) == {"exact", "f1"}
    assert run.scores["total"] == run.bounds.used < len(questions)
    assert {q.id for q in draw_order(questions, 0)[: run.bounds.used]} == {
        *json.loads((folder / "predictions.json").read_text("utf-8"))
    }
