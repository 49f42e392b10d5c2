"""Early stop: asked one by one in a seeded order, stopped where the verdict is certain, and recorded as what it is."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_engine import FakeEngine, write_model

from harness.errors import RecipeError, RecordError
from harness.evaluation import evaluate_model, rescore_run
from harness.opened_data import OpenedData, open_data
from harness.records import Bounds, Decoding, ModelRef, Predictions, Run
from harness.sequences import confidence_sequence
from harness.signature import compare_signatures, may_compare, parse_signature
from harness.store import load_run
from harness.until_certain import EarlyStop, draw_order, predict_until_certain

N = 1500


class Reader(FakeEngine):
    """Answers four of five questions rightly, and some of the others partly, whatever their order."""

    def predict(self, model, questions, decoding, progress, keep=None):
        self.calls.append("predict")
        answers = {}
        for question in questions:
            luck = random.Random(question.id).random()
            right = question.answers[0].text if question.answers else ""
            answers[question.id] = right if luck < 0.8 else "c d e" if luck < 0.9 else "x"
        return Predictions(answers, dict.fromkeys(answers, 0.0), {})


def write_data(
    folder: Path, *, count: int = N, unanswerable: Callable[[int], bool] = lambda i: i % 2 == 0, gold: str = "c"
) -> Path:
    answers = [{"text": gold, "answer_start": 0}]
    qas = [{"id": f"q{i}", "question": "?", "answers": [] if unanswerable(i) else answers} for i in range(count)]
    path = folder / "set.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": f"{gold} d", "qas": qas}]}]}), "utf-8")
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_model(tmp_path / "reader", "weights")
    return tmp_path / "reader"


@pytest.fixture
def data(tmp_path: Path) -> OpenedData:
    return open_data(str(write_data(tmp_path)), {})


def outside(claimed: float) -> Callable[[Bounds], bool]:
    """Certain once a claim of this much is more than a point away, for all figures."""
    return lambda bounds: all(
        bounds.low[key] > claimed + 1 or bounds.high[key] < claimed - 1 for key in bounds.low
    )  # fmt: skip


def stop(claimed: float = 65.0, **changes) -> EarlyStop:
    return EarlyStop(outside(claimed), {"claimed": claimed}, **changes)


def never() -> EarlyStop:
    return EarlyStop(lambda bounds: False, {})


def evaluate(model: Path, data: OpenedData, runs: Path, until: EarlyStop | None, **changes) -> tuple[Path, Run]:
    settings = {"engine": Reader(), "computing": {"dtype": "auto"}} | changes
    engine = settings.pop("engine")
    return evaluate_model(
        ModelRef("org/reader"), model, data, Decoding(), engine, runs, until_certain=until, **settings
    )


def test_a_run_stops_where_it_is_certain_and_says_so(tmp_path: Path, model: Path, data: OpenedData) -> None:
    whole = evaluate(model, data, tmp_path / "runs", None)
    folder, run = evaluate(model, data, tmp_path / "runs", stop())
    assert run.bounds is not None
    used = run.bounds.used
    assert 50 < used < N / 2
    assert (run.bounds.decided, run.bounds.n, run.bounds.alpha, run.bounds.seed) == (True, N, 0.05, 0)
    assert run.bounds.method == "betting, without replacement"
    assert set(run.bounds.low) == set(run.bounds.high) == {"exact", "f1"}
    for key in ("exact", "f1"):
        assert run.bounds.low[key] <= whole[1].scores[key] <= run.bounds.high[key]
        assert run.bounds.low[key] > 66
    assert load_run(folder) == run
    assert run.scores["total"] == used
    asked = {question.id for question in draw_order(data.questions, 0)[:used]}
    in_order = [question.id for question in data.questions if question.id in asked]
    for name in ("predictions.json", "null_odds.json"):
        assert list(json.loads((folder / name).read_text("utf-8"))) == in_order
    scores = json.loads((folder / "per_question.json").read_text("utf-8"))
    assert list(scores["exact"]) == list(scores["f1"]) == in_order
    assert run.scores["exact"] == pytest.approx(100 * sum(scores["exact"].values()) / used)
    assert folder.name != whole[0].name


def test_its_signature_is_not_that_of_a_run_of_all_questions(tmp_path: Path, model: Path, data: OpenedData) -> None:
    whole = evaluate(model, data, tmp_path / "runs", None)[1].signature
    _, run = evaluate(model, data, tmp_path / "runs", stop())
    assert whole is not None
    assert run.signature is not None
    assert run.bounds is not None
    assert parse_signature(run.signature)["until_certain"] == f"{run.bounds.used} of {N}, seed 0, alpha 0.05"
    assert not may_compare(whole, run.signature)
    assert [d.name for d in compare_signatures(whole, run.signature) if d.decisive] == ["until_certain"]
    assert run.evaluated is not None
    assert run.evaluated.n == N


def test_it_stops_at_the_first_question_that_makes_certain(model: Path, data: OpenedData) -> None:
    _, bounds = predict_until_certain(model, data.questions, Decoding(), Reader(), stop(), lambda *a: None)
    drawn = draw_order(data.questions, 0)
    answers = Reader().predict(model, drawn, Decoding(), None).answers
    right = [q.answers[0].text if q.answers else "" for q in drawn]
    exact = [float(answers[q.id] == gold) for q, gold in zip(drawn, right, strict=True)]
    f1 = [0.5 if answers[q.id] == "c d e" and q.answers else value for q, value in zip(drawn, exact, strict=True)]
    paths = [confidence_sequence(values, N, 0.025) for values in (exact, f1)]
    plain = [all(100 * low[i] > 66.001 or 100 * high[i] < 63.999 for low, high in paths) for i in range(N)]
    assert abs(bounds.used - 1 - plain.index(True)) <= 3  # bounds are rounded to a thousandth
    for key, (low, high) in zip(("exact", "f1"), paths, strict=True):
        assert 0 <= 100 * low[bounds.used - 1] - bounds.low[key] <= 0.001 + 1e-9
        assert 0 <= bounds.high[key] - 100 * high[bounds.used - 1] <= 0.001 + 1e-9


def test_neither_chunks_nor_a_repetition_change_a_byte(
    tmp_path: Path, model: Path, data: OpenedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for smallest, largest in ((64, 1024), (64, 1024), (1, 3), (17, 17), (N, N)):
        monkeypatch.setattr("harness.until_certain._SMALLEST_CHUNK", smallest)
        monkeypatch.setattr("harness.until_certain._LARGEST_CHUNK", largest)
        engine = Reader()
        folder, run = evaluate(model, data, tmp_path / "runs", stop(), fresh=True, engine=engine)
        assert run.bounds is not None
        assert run.bounds.used <= engine.asked <= run.bounds.used + max(smallest, run.bounds.used // 10)
        files = {path.name: path.read_bytes() for path in folder.glob("*.json") if path.name != "record.json"}
        found.append((folder.name, files, run.bounds, run.scores, run.signature))
    assert all(one == found[0] for one in found)
    assert {"predictions.json", "per_question.json", "eval.json"} <= set(found[0][1])


def test_without_certainty_every_question_is_asked_and_the_figures_are_those_of_a_full_run(
    tmp_path: Path, model: Path, data: OpenedData
) -> None:
    folder, run = evaluate(model, data, tmp_path / "runs", never())
    plain, whole = evaluate(model, data, tmp_path / "runs", None)
    assert folder != plain
    assert run.bounds is not None
    assert (run.bounds.used, run.bounds.n, run.bounds.decided) == (N, N, False)
    assert run.bounds.low == run.bounds.high == {key: whole.scores[key] for key in ("exact", "f1")}
    assert run.scores == whole.scores
    assert run.signature == whole.signature
    for name in ("predictions.json", "null_odds.json", "per_question.json", "eval.json"):
        assert (folder / name).read_bytes() == (plain / name).read_bytes()


def test_the_last_question_may_decide(tmp_path: Path, model: Path) -> None:
    data = open_data(str(write_data(tmp_path, count=5)), {})
    exact = EarlyStop(lambda bounds: bounds.low == bounds.high, {})
    run = evaluate(model, data, tmp_path / "runs", exact)[1]
    assert run.bounds is not None
    assert (run.bounds.used, run.bounds.decided) == (5, True)


def test_what_it_is_to_be_certain_of_is_part_of_its_id(tmp_path: Path, model: Path, data: OpenedData) -> None:
    runs = tmp_path / "runs"
    first = evaluate(model, data, runs, stop())
    engine = Reader()
    assert evaluate(model, data, runs, stop(), engine=engine) == first
    assert engine.calls == []
    others = [evaluate(model, data, runs, until) for until in (stop(64.0), stop(seed=1), stop(alpha=0.01))]
    assert len({first[0], *(folder for folder, _ in others)}) == 4
    for _, run in others[2:]:  # surer takes longer
        assert run.bounds is not None
        assert first[1].bounds is not None
        assert run.bounds.used > first[1].bounds.used


def test_rules_are_those_of_the_whole_data(tmp_path: Path, model: Path) -> None:
    last = draw_order(list(range(N)), 0)[-1]  # type: ignore[arg-type]
    data = open_data(str(write_data(tmp_path, unanswerable=lambda i: i == last, gold="the")), {})
    folder, run = evaluate(model, data, tmp_path / "runs", stop(60.0))
    assert run.bounds is not None
    assert run.bounds.used < N / 2
    assert "exact" in run.scores
    assert run.bounds.low["f1"] <= run.scores["f1"] <= run.bounds.high["f1"]  # by rules 1.1 "the" has an F1 of 0
    assert json.loads((folder / "per_question.json").read_text("utf-8"))["rules"] == "2.0"
    every = open_data(str(write_data(tmp_path, unanswerable=lambda i: False)), {})
    older = evaluate(model, every, tmp_path / "runs", stop(60.0))[1].bounds
    assert older is not None
    assert set(older.low) == {"exact_match", "f1"}


def test_an_interrupted_run_goes_on_to_the_same_end(tmp_path: Path, model: Path, data: OpenedData) -> None:
    class Breaking(Reader):
        def predict_until(self, model, questions, sizes, enough, decoding, progress, keep=None):
            enough(self.predict(model, questions[: sizes[0]], decoding, progress).answers)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(model, data, tmp_path / "runs", stop(), engine=Breaking())
    folder, run = evaluate(model, data, tmp_path / "runs", stop())
    again, fresh = evaluate(model, data, tmp_path / "others", stop())
    assert folder.name == again.name
    assert (run.bounds, run.scores) == (fresh.bounds, fresh.scores)
    assert (folder / "predictions.json").read_bytes() == (again / "predictions.json").read_bytes()


def test_only_bounds_that_moved_are_judged(model: Path, data: OpenedData) -> None:
    seen: list[Bounds] = []

    def certain(bounds: Bounds) -> bool:
        seen.append(bounds)
        return False

    predict_until_certain(model, data.questions, Decoding(), Reader(), EarlyStop(certain, {}), lambda *a: None)
    assert seen[0].used == 1
    assert seen[-1].used == N
    assert not any(bounds.decided for bounds in seen)
    pairs = [(dict(bounds.low), dict(bounds.high)) for bounds in seen]
    assert all(one != other for one, other in itertools.pairwise(pairs))


def test_the_order_hangs_on_the_seed_and_the_data_alone() -> None:
    ten = list(range(10))
    assert draw_order(ten, 0) == [7, 8, 1, 5, 3, 4, 2, 0, 9, 6]  # type: ignore[arg-type]
    assert draw_order(ten, 1) != draw_order(ten, 0)  # type: ignore[arg-type]
    assert ten == list(range(10))


@pytest.mark.parametrize("changes", [{"alpha": 0.0}, {"alpha": 1.0}, {"alpha": float("nan")}, {"seed": -1}], ids=str)
def test_settings_that_make_no_sense_are_refused(changes: dict) -> None:
    with pytest.raises(RecipeError, match=f"{next(iter(changes))}: found"):
        stop(**changes)


def test_its_logits_are_not_kept_and_it_is_not_rescored(tmp_path: Path, model: Path, data: OpenedData) -> None:
    with pytest.raises(RecipeError, match="keep_logits: found it with an early stop"):
        evaluate(model, data, tmp_path / "runs", stop(), keep_logits=True)
    folder, _ = evaluate(model, data, tmp_path / "runs", stop())
    with pytest.raises(RecordError, match="stopped when a verdict was certain"):
        rescore_run(folder, data, {"n_best": 3}, tmp_path / "runs")
