"""A model as it was given, evaluated through a fake engine: decoding planned, record left, run found again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fake_engine import FakeEngine, write_model

from harness.errors import DataError, RecipeError, RecordError, RunError
from harness.evaluation import evaluate_model, plan_decoding, rescore_run
from harness.models import weights_sha256
from harness.opened_data import open_data
from harness.records import Decoding, ModelRef, Run
from harness.render import render_report
from harness.store import load_run, save_run


def write_data(folder: Path, name: str = "set.json", *, unanswerable: bool = True) -> Path:
    answers = [{"text": "c", "answer_start": 0}]
    qas = [
        {"id": str(i), "question": "?", "answers": [] if unanswerable and i % 2 == 0 else answers} for i in range(12)
    ]
    path = folder / name
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": "c d", "qas": qas}]}]}), "utf-8")
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_model(tmp_path / "reader", "weights")
    return tmp_path / "reader"


def evaluate(model: Path, data: Path, runs: Path, engine: FakeEngine | None = None, **changes) -> tuple[Path, Run]:
    settings = {"decoding": Decoding(), "computing": {"dtype": "auto"}} | changes
    decoding = settings.pop("decoding")
    opened = open_data(str(data), {})
    return evaluate_model(
        ModelRef("org/reader"), model, opened, decoding, engine or FakeEngine(), runs, **settings
    )  # fmt: skip


def test_a_record_of_the_weights_as_they_were_given(tmp_path: Path, model: Path) -> None:
    folder, run = evaluate(model, write_data(tmp_path), tmp_path / "runs")
    assert (run.kind, run.status, run.scores["exact"]) == ("released", "finished", 75.0)
    assert run.card_path is run.card_sha256 is None
    assert run.model is not None
    assert (run.model.name, run.recipe.stages) == ("org/reader", ())
    assert run.model.weights_sha256 == weights_sha256(model)  # as a stage's, whatever the folder's other files say
    assert load_run(folder) == run
    assert folder.name.startswith("reader-")
    for name in ("predictions.json", "null_odds.json", "nbest_predictions.json", "per_question.json", "eval.json"):
        assert (folder / name).is_file()
    report = render_report(run)
    assert f"- Model: `org/reader`, SHA-256 `{run.model.sha256}`" in report
    assert "Card:" not in report
    assert "harness evaluate org/reader" in report


def test_the_same_call_finds_the_run_and_another_model_decoding_or_precision_makes_one(
    tmp_path: Path, model: Path
) -> None:
    data, runs = write_data(tmp_path), tmp_path / "runs"
    first = evaluate(model, data, runs)
    engine = FakeEngine()
    assert evaluate(model, data, runs, engine) == first
    assert engine.calls == []
    others = {
        evaluate(model, data, runs, decoding=Decoding(n_best=3))[0],
        evaluate(model, data, runs, computing={"dtype": "bfloat16"})[0],
        evaluate(model, write_data(tmp_path, "other.json", unanswerable=False), runs)[0],
    }
    (model / "model.safetensors").write_text("other weights", "utf-8")
    others.add(evaluate(model, data, runs)[0])
    assert len(others | {first[0]}) == 5
    evaluate(model, data, runs, engine, fresh=True)
    assert engine.calls == ["predict other w"]


def test_a_failed_prediction_leaves_a_record_that_says_so_and_goes_on(tmp_path: Path, model: Path) -> None:
    class Broken(FakeEngine):
        def predict(self, model, questions, decoding, progress, keep=None):
            keep.mkdir(parents=True)
            (keep / "part").touch()
            raise RuntimeError("device lost\nin several places")

    data, runs = write_data(tmp_path), tmp_path / "runs"
    with pytest.raises(RunError, match=r"device lost.*goes on from there") as caught:
        evaluate(model, data, runs, Broken())
    assert "\n" not in str(caught.value)
    (folder,) = runs.iterdir()
    assert load_run(folder).status == "failed"
    assert (folder / "logits" / "part").exists()
    assert evaluate(model, data, runs)[1].status == "finished"
    assert not (folder / "logits").exists()


def test_logits_are_kept_on_request_and_made_again_where_they_were_not(tmp_path: Path, model: Path) -> None:
    class Keeping(FakeEngine):
        def predict(self, model, questions, decoding, progress, keep=None):
            keep.mkdir(parents=True, exist_ok=True)
            return super().predict(model, questions, decoding, progress)

    data, runs, engine = write_data(tmp_path), tmp_path / "runs", Keeping()
    folder, _ = evaluate(model, data, runs, engine)
    assert not (folder / "logits").exists()
    for _ in range(2):
        evaluate(model, data, runs, engine, keep_logits=True)
        assert (folder / "logits").is_dir()
    assert len(engine.calls) == 2


def test_a_finished_record_stays_until_there_is_another(tmp_path: Path, model: Path) -> None:
    data, runs = write_data(tmp_path), tmp_path / "runs"
    folder, run = evaluate(model, data, runs)

    class Stopped(FakeEngine):
        def predict(self, model, questions, decoding, progress, keep=None):
            raise self.error

    for error in (KeyboardInterrupt(), RuntimeError("device lost")):
        engine = Stopped()
        engine.error = error
        with pytest.raises((KeyboardInterrupt, RunError)):
            evaluate(model, data, runs, engine, keep_logits=True)
        assert load_run(folder) == run


def test_a_file_that_is_given_for_nothing_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    path = write_data(tmp_path)
    uses = {"squad2": path, "org/reader": tmp_path}
    assert open_data("squad_v2:validation", uses, "org/reader").used.source == "set.json"
    for text, more in (
        ("squad_v2:validation", {"squad_v3": path}),
        ("squad_v2:validation", {"squad_v2": path}),  # the same data twice
        ("squad:validation", {}),
        (str(write_data(tmp_path, "dev-v2.0.json")), {}),
    ):
        with pytest.raises(DataError, match=r"--use names 'squad.*', which is not used; expected org/reader"):
            open_data(text, uses | more, "org/reader")


def test_a_part_of_a_known_file_is_a_warning(tmp_path: Path) -> None:
    path = write_data(tmp_path, "dev-v2.0.json")
    assert open_data(str(path), {}).warnings == (
        "dev-v2.0.json has 12 questions, expected 11873, those of squad_v2:validation",
    )


def test_answers_are_forced_where_no_question_is_unanswerable(tmp_path: Path) -> None:
    mixed = open_data(str(write_data(tmp_path)), {}).questions
    answerable = open_data(str(write_data(tmp_path, unanswerable=False)), {}).questions
    assert not plan_decoding({}, mixed)[0].forced_answer
    decoding, origins = plan_decoding({}, answerable)
    assert decoding.forced_answer
    assert origins["forced_answer"].note == "every question of the data has an answer"
    decoding, origins = plan_decoding({"forced_answer": False}, answerable)
    assert not decoding.forced_answer
    assert origins["forced_answer"].how == "given"
    assert plan_decoding({"protocol": "farm"}, mixed)[0].max_answer_length == 1000
    strides = {
        name: plan_decoding({"protocol": name}, mixed)[0].doc_stride_is for name in ("run_qa", "farm", "run_squad")
    }
    assert strides == {"run_qa": "overlap", "farm": "step", "run_squad": "step"}
    assert plan_decoding({"protocol": "farm", "doc_stride_is": "overlap"}, mixed)[0].doc_stride_is == "overlap"
    assert plan_decoding({"protocol": "farm", "max_answer_length": 5}, mixed)[0].max_answer_length == 5


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"null_threshold": float("nan")}, "null_threshold"),
        ({"protocol": "farm", "doc_stride": 0}, "doc_stride"),
        ({"doc_stride_is": "step", "doc_stride": 0}, "doc_stride"),
    ],
)
def test_impossible_decodings_are_refused(tmp_path: Path, given: dict[str, object], field: str) -> None:
    questions = open_data(str(write_data(tmp_path)), {}).questions
    with pytest.raises(RecipeError, match=rf"{field}: found .*, expected") as caught:
        plan_decoding(given, questions)
    assert caught.value.field == field


def test_data_are_a_reference_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    by_file = open_data("set.json", {})
    by_name = open_data("squad_v2:validation[:6]", {"squad_v2": path})
    assert (len(by_file.questions), len(by_name.questions)) == (12, 6)
    assert by_file.used.source == by_name.used.source == "set.json"
    assert by_name.warnings == ("squad_v2:validation[:6]: set.json has 12 questions before slicing, expected 11873",)
    for text in ("set2.json", "squad_v2", "a b:c"):
        with pytest.raises(DataError, match="there is no file of that name"):
            open_data(text, {})


def test_what_cannot_be_rescored(tmp_path: Path, model: Path) -> None:
    data, runs = write_data(tmp_path), tmp_path / "runs"
    folder, _ = evaluate(model, data, runs)
    opened = open_data(str(data), {})
    with pytest.raises(RecordError, match=r"found no kept logits.*harness evaluate --keep-logits"):
        rescore_run(folder, opened, {"n_best": 3}, runs)
    (folder / "logits").mkdir()
    other = open_data(str(write_data(tmp_path, "other.json", unanswerable=False)), {})
    with pytest.raises(RecordError, match="the run evaluated 12 questions with checksum"):
        rescore_run(folder, other, {"n_best": 3}, runs)
    with pytest.raises(RecipeError, match="null_threshold"):
        rescore_run(folder, opened, {"null_threshold": float("inf")}, runs)

    save_run(folder, replace(load_run(folder), status="failed"))
    assert load_run(folder).status == "failed"
    with pytest.raises(RecordError, match="has not finished"):
        rescore_run(folder, opened, {"n_best": 3}, runs)
