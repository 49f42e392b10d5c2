"""Two runs on the same questions, in pairs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fake_engine import FakeEngine
from test_pipeline import CARD, RECIPE, STUDENT, TEACHER, uses  # noqa: F401 - a fixture

from harness.errors import RecordError
from harness.paired import compare_runs
from harness.pipeline import run_recipe
from harness.records import DataRef, Decoding, Paired, from_json, to_json
from harness.store import RECORD, load_run, save_run


def test_two_runs_in_pairs(tmp_path, uses):  # noqa: F811
    one, _ = run_recipe(CARD, RECIPE, FakeEngine(4), tmp_path / "runs", uses=uses)
    seeded = replace(RECIPE, stages=(TEACHER, replace(STUDENT, seed=2)))
    two, _ = run_recipe(CARD, seeded, FakeEngine(6), tmp_path / "runs", uses=uses)
    paired = compare_runs(one, two)
    # wrong in the first: 0, 4, 8; in the second: 0, 6
    assert (paired.n, paired.both_wrong, paired.both_right) == (12, 1, 8)
    assert (paired.only_first, paired.only_second) == (("6",), ("4", "8"))
    assert paired.exact == (75.0, pytest.approx(100 * 10 / 12))
    same = compare_runs(one, one)
    assert (same.only_first, same.only_second, same.same_answer) == ((), (), 12)


def test_runs_on_other_questions_are_not_compared(tmp_path, uses):  # noqa: F811
    one, _ = run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)
    part = replace(RECIPE, evaluation=DataRef("set", "validation[:6]"))
    two, _ = run_recipe(CARD, part, FakeEngine(), tmp_path / "runs", uses=uses)
    with pytest.raises(RecordError, match="on the same questions only"):
        compare_runs(one, two)
    (one / "per_question.json").unlink()
    with pytest.raises(RecordError, match=r"has no per_question\.json"):
        compare_runs(one, one)


def test_what_differs_between_the_signatures_is_part_of_the_comparison(tmp_path, uses):  # noqa: F811
    one, first = run_recipe(CARD, RECIPE, FakeEngine(4), tmp_path / "runs", uses=uses)
    recipe = replace(RECIPE, decoding=Decoding(protocol="farm", null_threshold=-1.5, doc_stride_is="step"))
    two, _ = run_recipe(CARD, recipe, FakeEngine(6), tmp_path / "runs", uses=uses)
    save_run(two, replace(load_run(two), signature=load_run(two).signature + " | dtype:bfloat16"))
    paired = compare_runs(one, two)
    assert paired.differences == (
        "decoding: run_qa against farm",
        "null_threshold: 0 against -1.5",
        "doc_stride: 128 overlap against 128 step",
        "dtype: not stated against bfloat16",
    )
    assert paired.decisive == paired.differences[:3]
    assert paired.signatures == (first.signature, load_run(two).signature)
    assert from_json(Paired, to_json(paired)) == paired
    same = compare_runs(one, one)
    assert (same.differences, same.decisive) == ((), ())


@pytest.mark.parametrize(
    ("signature", "message"),
    [(None, "does not say how its scores were made"), ("no colon", "expected parts of the form")],
)
@pytest.mark.parametrize("order", [1, -1])
def test_a_run_that_does_not_say_how_it_was_scored_is_refused(folder, tmp_path, uses, signature, message, order):  # noqa: F811
    other, _ = run_recipe(CARD, replace(RECIPE, decoding=Decoding(n_best=3)), FakeEngine(), tmp_path / "b", uses=uses)
    save_run(other, replace(load_run(other), signature=signature))
    with pytest.raises(RecordError, match=message) as caught:
        compare_runs(*[folder, other][::order])
    assert str(other) in str(caught.value)


def test_scores_by_other_rules_are_not_compared(folder, tmp_path, uses):  # noqa: F811
    other, run = run_recipe(CARD, replace(RECIPE, decoding=Decoding(n_best=3)), FakeEngine(), tmp_path / "b", uses=uses)
    scores = json.loads((other / "per_question.json").read_text("utf-8")) | {"rules": "1.1"}
    (other / "per_question.json").write_text(json.dumps(scores), "utf-8")
    save_run(other, replace(run, scores={"exact_match": run.scores["exact"], "f1": run.scores["f1"]}))
    with pytest.raises(RecordError, match=r"scored by rules 2\.0, .* by rules 1\.1"):
        compare_runs(folder, other)


def test_a_run_that_did_not_train_is_called_by_its_id_alone(folder):
    run = load_run(folder)
    assert compare_runs(folder, folder).runs == (f"{run.id} (seed 1)",) * 2
    save_run(folder, replace(run, recipe=replace(run.recipe, stages=())))
    assert compare_runs(folder, folder).runs == (run.id, run.id)


@pytest.fixture
def folder(tmp_path, uses):  # noqa: F811
    return run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)[0]


@pytest.mark.parametrize("file", ["predictions.json", "per_question.json", RECORD])
def test_files_that_are_not_those_of_the_record(folder, file):
    data = json.loads((folder / file).read_text("utf-8"))
    change = {"predictions.json": data, "per_question.json": data.get("exact"), RECORD: data.get("scores")}[file]
    change[next(iter(change))] = "another answer" if file == "predictions.json" else 1.0
    (folder / file).write_text(json.dumps(data), "utf-8")
    with pytest.raises(RecordError, match="not those of its record"):
        compare_runs(folder, folder)


def test_an_unfinished_run_and_a_lone_record_are_refused(folder):
    with pytest.raises(RecordError, match=r"has no per_question\.json"):
        compare_runs(folder / RECORD, folder)
    save_run(folder, replace(load_run(folder), status="failed", evaluated=None))
    with pytest.raises(RecordError, match="must be finished"):
        compare_runs(folder, folder)
