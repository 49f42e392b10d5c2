"""Runs through a fake engine: order, records, resuming, failures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fake_engine import FakeEngine, write_model

from harness.errors import DataError, ModelError, RecipeError, RecordError, RunError
from harness.paired import compare_runs
from harness.pipeline import run_recipe
from harness.records import Card, DataRef, Decoding, ModelRef, Recipe, Stage
from harness.squad import score_predictions, summarize
from harness.squad_files import read_squad_file
from harness.store import load_run

CARD = Card("cards/x/README.md", "someone/some model", "0" * 64, "", {}, (), ())


def stage(name="teacher", **changes) -> Stage:
    values = {
        "name": name,
        "kind": "finetune",
        "student": ModelRef("pocket/roberta-2x64"),
        "teacher": None,
        "data": (DataRef("set", "train"),),
        "epochs": 1,
        "batch_size": 8,
        "learning_rate": 1e-3,
        "lr_schedule": "linear",
        "warmup_proportion": 0.1,
        "weight_decay": 0.01,
        "adam_beta2": 0.98,
        "max_grad_norm": 1.0,
        "max_seq_len": 128,
        "doc_stride": 32,
        "max_query_length": 64,
        "temperature": 2.0,
        "distillation_loss_weight": 1.0,
        "seed": 1,
    }
    return Stage(**(values | changes))


TEACHER = stage()
STUDENT = stage("student", kind="distil_logits", teacher=ModelRef("teacher"), data=(DataRef("set", "train[:3]"),))
RECIPE = Recipe((TEACHER, STUDENT), DataRef("set", "validation"), Decoding())


@pytest.fixture
def uses(tmp_path):
    qas = [
        {
            "id": str(i),
            "question": "?",
            "answers": [{"text": "c", "answer_start": 0}] if i % 2 else [],
            "kind": f"k{i % 3}",
        }
        for i in range(12)
    ]
    file = tmp_path / "set.json"
    file.write_text(json.dumps({"data": [{"paragraphs": [{"context": "c d", "qas": qas}]}]}), "utf-8")
    return {"set": file}


def test_stages_in_order_then_scores_by_the_official_rules(tmp_path, uses):
    engine = FakeEngine()
    folder, run = run_recipe(CARD, RECIPE, engine, tmp_path / "runs", uses=uses)
    assert engine.calls == [
        "build pocket/roberta-2x64 seed 1",
        "train teacher",
        "train student",
        "predict student",
    ]
    assert engine.lengths == {"teacher": 12, "student": 3}
    assert (run.status, run.kind) == ("finished", "distilled")
    assert run.stages[1].teacher_sha256 == run.stages[0].weights_sha256
    assert run.stages[0].student_sha256 == run.stages[1].student_sha256
    # what lies in the folder gives the same figures again
    questions = read_squad_file(uses["set"])
    answers = json.loads((folder / "predictions.json").read_text("utf-8"))
    assert run.scores == summarize(score_predictions(questions, answers))
    assert run.scores["exact"] == 75.0
    assert sum(kind["total"] for kind in run.by_kind.values()) == 12
    assert load_run(folder) == run
    assert run.used == {"set": "set.json"}
    assert "n:12" in run.signature


def test_the_same_call_finds_the_finished_run(tmp_path, uses):
    folder, run = run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)
    engine = FakeEngine()
    assert run_recipe(CARD, RECIPE, engine, tmp_path / "runs", uses=uses) == (folder, run)
    assert engine.calls == []
    run_recipe(CARD, RECIPE, engine, tmp_path / "runs", uses=uses, fresh=True)
    assert "train teacher" in engine.calls


def test_another_seed_or_other_data_is_another_run(tmp_path, uses):
    folder, _ = run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)
    seeded = replace(RECIPE, stages=(TEACHER, replace(STUDENT, seed=2)))
    assert run_recipe(CARD, seeded, FakeEngine(), tmp_path / "runs", uses=uses)[0] != folder
    uses["set"].write_text(uses["set"].read_text("utf-8").replace("c d", "c e"), "utf-8")
    assert run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)[0] != folder


def test_a_failed_run_goes_on_with_the_first_unfinished_stage(tmp_path, uses):
    with pytest.raises(RunError, match="RuntimeError: the machine caught fire") as caught:
        run_recipe(CARD, RECIPE, FakeEngine(fail_at="student"), tmp_path / "runs", uses=uses)
    assert "\n" not in str(caught.value)
    (folder,) = (tmp_path / "runs").iterdir()
    assert (load_run(folder).status, (folder / "predictions.json").exists()) == ("failed", False)
    engine = FakeEngine()
    again, run = run_recipe(CARD, RECIPE, engine, tmp_path / "runs", uses=uses)
    assert (again, run.status) == (folder, "finished")
    assert engine.calls == ["train student", "predict student"]


@pytest.mark.parametrize("damage", ["weights", "marker"])
def test_a_damaged_stage_is_trained_again(tmp_path, uses, damage):
    with pytest.raises(RunError):
        run_recipe(CARD, RECIPE, FakeEngine(fail_at="student"), tmp_path / "runs", uses=uses)
    (place,) = (tmp_path / "runs").glob("*/stages/1-teacher")
    if damage == "weights":
        (place / "model" / "model.safetensors").write_text("other", "utf-8")
    else:
        (place / "stage.json").unlink()
    engine = FakeEngine()
    run_recipe(CARD, RECIPE, engine, tmp_path / "runs", uses=uses)
    assert engine.calls[:2] == ["train teacher", "train student"]


def test_a_given_model_is_used_and_checked_before_training(tmp_path, uses):
    recipe = Recipe((stage(student=ModelRef("org/base")),), RECIPE.evaluation, Decoding())
    write_model(tmp_path / "base", "given")
    engine = FakeEngine()
    _, run = run_recipe(CARD, recipe, engine, tmp_path / "runs", uses=uses | {"org/base": tmp_path / "base"})
    assert engine.calls == ["train teacher", "predict teacher"]
    assert run.kind == "retrained"
    (tmp_path / "base" / "model.safetensors").rename(tmp_path / "base" / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"expected weights as \*\.safetensors, found only pytorch_model\.bin"):
        run_recipe(CARD, recipe, engine, tmp_path / "runs", uses=uses | {"org/base": tmp_path / "base"})


def test_nothing_is_trained_when_an_input_is_missing(tmp_path, uses):
    engine = FakeEngine()
    other = replace(RECIPE, evaluation=DataRef("set", "validation[100:]"))
    with pytest.raises(DataError):
        run_recipe(CARD, other, engine, tmp_path / "runs", uses=uses)
    with pytest.raises(RecipeError, match=r"nothing states teacher\.student"):
        run_recipe(CARD, replace(RECIPE, gaps=("teacher.student",)), engine, tmp_path / "runs", uses=uses)
    assert engine.calls == []
    assert not (tmp_path / "runs").exists()


def test_an_unused_use_is_an_error(tmp_path, uses):
    with pytest.raises(RecipeError, match="--use names 'sett'"):
        run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses | {"sett": uses["set"]})


def test_unwritable_run_folder(tmp_path, uses):
    (tmp_path / "runs").write_text("x", "utf-8")
    with pytest.raises(RecordError, match="cannot be written"):
        run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)


def test_two_runs_in_pairs(tmp_path, uses):
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


def test_runs_on_other_questions_are_not_compared(tmp_path, uses):
    one, _ = run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)
    part = replace(RECIPE, evaluation=DataRef("set", "validation[:6]"))
    two, _ = run_recipe(CARD, part, FakeEngine(), tmp_path / "runs", uses=uses)
    with pytest.raises(RecordError, match="on the same questions only"):
        compare_runs(one, two)
    (one / "per_question.json").unlink()
    with pytest.raises(RecordError, match=r"has no per_question\.json"):
        compare_runs(one, one)


def test_the_run_folder_is_named_after_the_card(tmp_path, uses):
    card = replace(CARD, name="../../etc/passwd\n")
    folder, _ = run_recipe(card, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)
    assert folder.parent == tmp_path / "runs"
    assert Path(folder.name).name == folder.name
