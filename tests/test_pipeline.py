"""Runs through a fake engine: order, records, resuming, failures."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fake_engine import FakeEngine, write_model

from harness.errors import DataError, ModelError, RecipeError, RecordError, RunError
from harness.pipeline import run_recipe
from harness.records import Card, DataRef, Decoding, Example, ModelRef, Origin, Place, Recipe, Stage
from harness.squad import score_predictions, summarize
from harness.squad_files import read_squad_file
from harness.store import load_run
from harness.verdict.recipes import same_but_seeds, same_recipe

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
    return {"set:train": file, "set:validation": file}


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
    questions = read_squad_file(uses["set:train"])
    answers = json.loads((folder / "predictions.json").read_text("utf-8"))
    assert run.scores == summarize(score_predictions(questions, answers))
    assert run.scores["exact"] == 75.0
    assert sum(kind["total"] for kind in run.by_kind.values()) == 12
    assert load_run(folder) == run
    assert run.used == {"set:train": "set.json", "set:validation": "set.json"}
    assert "n:12" in run.signature


def test_answers_are_forced_where_every_question_has_one(tmp_path, uses):
    """The program of SQuAD 1.1 knew no empty answer; which data these are is no word of a card's."""
    data = json.loads(uses["set:train"].read_text("utf-8"))
    answerable = [q for q in data["data"][0]["paragraphs"][0]["qas"] if q["answers"]]
    data["data"][0]["paragraphs"][0]["qas"] = answerable
    (tmp_path / "answerable.json").write_text(json.dumps(data), "utf-8")
    forced, free = FakeEngine(), FakeEngine()
    _, run = run_recipe(
        CARD, RECIPE, forced, tmp_path / "runs", uses=uses | {"set:validation": tmp_path / "answerable.json"}
    )
    _, other = run_recipe(CARD, RECIPE, free, tmp_path / "runs", uses=uses)
    assert (run.recipe.decoding.forced_answer, other.recipe.decoding.forced_answer) == (True, False)
    assert ([d.forced_answer for d in forced.decodings], [d.forced_answer for d in free.decodings]) == ([True], [False])
    assert "forced_answer:yes" in run.signature
    assert run.recipe.origins["forced_answer"].note == "every question of the data has an answer"
    assert same_recipe(run.recipe, RECIPE)  # of the card that states it
    assert same_but_seeds(run.recipe, RECIPE)


def test_the_same_call_finds_the_finished_run(tmp_path, uses):
    folder, run = run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)
    engine, said = FakeEngine(), []
    again = run_recipe(CARD, RECIPE, engine, tmp_path / "runs", uses=uses, progress=lambda *step: said.append(step))
    assert again == (folder, run)
    assert engine.calls == []
    assert said == [(folder.name, 1, 1, "finished before and taken as it is; --fresh does it again")]
    run_recipe(CARD, RECIPE, engine, tmp_path / "runs", uses=uses, fresh=True)
    assert "train teacher" in engine.calls


def test_another_seed_or_other_data_is_another_run(tmp_path, uses):
    folder, _ = run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)
    seeded = replace(RECIPE, stages=(TEACHER, replace(STUDENT, seed=2)))
    assert run_recipe(CARD, seeded, FakeEngine(), tmp_path / "runs", uses=uses)[0] != folder
    uses["set:train"].write_text(uses["set:train"].read_text("utf-8").replace("c d", "c e"), "utf-8")
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
        run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses | {"sett": uses["set:train"]})


def test_unwritable_run_folder(tmp_path, uses):
    (tmp_path / "runs").write_text("x", "utf-8")
    with pytest.raises(RecordError, match="cannot be written"):
        run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)


def test_the_run_folder_is_named_after_the_card(tmp_path, uses):
    card = replace(CARD, name="../../etc/passwd\n")
    folder, _ = run_recipe(card, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)
    assert folder.parent == tmp_path / "runs"
    assert Path(folder.name).name == folder.name


def test_the_data_to_evaluate_on_is_part_of_the_id(tmp_path, uses):
    # the same data in the same order either way: only their use differs
    data = (DataRef("set", "train[:4]"), DataRef("set", "train[4:]"))
    recipes = [Recipe((stage(data=data),), ref, Decoding()) for ref in data]
    uses = {"set:train": uses["set:train"]}
    runs = [run_recipe(CARD, recipe, FakeEngine(), tmp_path / "runs", uses=uses)[1] for recipe in recipes]
    assert [run.evaluated.n for run in runs] == [4, 8]


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "vocab.txt"])
def test_another_tokenizer_or_configuration_is_another_run(tmp_path, uses, name):
    recipe = Recipe((stage(student=ModelRef("org/base")),), RECIPE.evaluation, Decoding())
    uses = uses | {"org/base": tmp_path / "base"}
    write_model(tmp_path / "base", "given")
    folder, _ = run_recipe(CARD, recipe, FakeEngine(), tmp_path / "runs", uses=uses)
    (tmp_path / "base" / "README.md").write_text("says nothing about the model's work", "utf-8")
    assert run_recipe(CARD, recipe, FakeEngine(), tmp_path / "runs", uses=uses)[0] == folder
    (tmp_path / "base" / name).write_text('{"a": 1}', "utf-8")
    assert run_recipe(CARD, recipe, FakeEngine(), tmp_path / "runs", uses=uses)[0] != folder


def test_a_mark_that_changes_the_rules_is_another_run(tmp_path, uses):
    file = uses["set:train"]
    document = json.loads(file.read_text("utf-8"))
    entries = [qa for qa in document["data"][0]["paragraphs"][0]["qas"] if qa["answers"]]
    document["data"][0]["paragraphs"][0]["qas"] = entries
    rules = []
    for mark in (False, True):
        entries[0]["is_impossible"] = mark
        file.write_text(json.dumps(document), "utf-8")
        recipe = replace(RECIPE, stages=(replace(TEACHER, data=(DataRef("set", "train[:3]"),)),))
        run = run_recipe(CARD, recipe, FakeEngine(), tmp_path / "runs", uses=uses)[1]
        rules.append("rules:2.0" in run.signature)
    assert rules == [False, True]


def test_a_finished_record_is_of_the_card_as_it_is_now(tmp_path, uses):
    guess = replace(RECIPE, origins={"n_best": Origin("assumed", "a guess")})
    folder, _ = run_recipe(CARD, guess, FakeEngine(), tmp_path / "runs", uses=uses)
    card = replace(CARD, sha256="1" * 64)
    engine = FakeEngine()
    again, run = run_recipe(card, RECIPE, engine, tmp_path / "runs", uses=uses)
    assert (again, engine.calls) == (folder, [])
    assert (run.card_sha256, run.recipe.assumed) == ("1" * 64, ())
    assert load_run(folder) == run


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": 1}'])
def test_a_damaged_stage_record_is_an_unfinished_stage(tmp_path, uses, content):
    with pytest.raises(RunError):
        run_recipe(CARD, RECIPE, FakeEngine(fail_at="student"), tmp_path / "runs", uses=uses)
    (place,) = (tmp_path / "runs").glob("*/stages/1-teacher")
    (place / "stage.json").write_text(content, "utf-8")
    engine = FakeEngine()
    assert run_recipe(CARD, RECIPE, engine, tmp_path / "runs", uses=uses)[1].status == "finished"
    assert engine.calls[:2] == ["train teacher", "train student"]


def test_a_damaged_record_says_how_to_go_on(tmp_path, uses):
    folder, _ = run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)
    (folder / "record.json").write_text("{", "utf-8")
    with pytest.raises(RecordError, match="anew with --fresh"):
        run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)
    assert run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses, fresh=True)[1].status == "finished"


class Odd(FakeEngine):
    """Fails as tokenizers and safetensors do: with an exception of no family; or predicts what is no number."""

    def predict(self, model, questions, decoding, progress, keep=None):
        if self.fail_at == "predict":
            raise Exception("invalid header")
        return replace(super().predict(model, questions, decoding, progress), null_odds={"0": float("nan")})


@pytest.mark.parametrize(("fail_at", "message"), [("predict", "invalid header"), (None, "JSON compliant")])
def test_whatever_an_engine_raises_the_run_has_failed(tmp_path, uses, fail_at, message):
    with pytest.raises(RunError, match=message):
        run_recipe(CARD, RECIPE, Odd(fail_at=fail_at), tmp_path / "runs", uses=uses)
    (folder,) = (tmp_path / "runs").iterdir()
    assert load_run(folder).status == "failed"


class Keeping(FakeEngine):
    """Leaves something in the folder that it is given to work in."""

    def train(self, stage, student, teacher, questions, out, progress, *, work=None, cache=None):
        self.calls.append(f"found {sorted(path.name for path in work.iterdir()) if work.exists() else []}")
        work.mkdir(exist_ok=True)
        (work / "checkpoint").touch()
        assert cache == work.parents[3] / ".teachers"
        return super().train(stage, student, teacher, questions, out, progress)


def test_what_an_interrupted_stage_left_is_taken_up_by_the_same_stage_alone(tmp_path, uses):
    for stage_name in ("teacher", "student"):
        with pytest.raises(RunError):
            run_recipe(CARD, RECIPE, Keeping(fail_at=stage_name), tmp_path / "runs", uses=uses)
    engine = Keeping()
    folder, _ = run_recipe(CARD, RECIPE, engine, tmp_path / "runs", uses=uses)
    assert engine.calls[0] == "found ['checkpoint']"
    assert not list(folder.glob("stages/*.partial"))
    assert not list(folder.glob("stages/*/work"))
    # a teacher that came out otherwise makes another student of it
    with pytest.raises(RunError):
        run_recipe(CARD, RECIPE, Keeping(fail_at="student"), tmp_path / "runs", uses=uses, fresh=True)
    (begun,) = folder.glob("stages/2-student.partial/begun.json")
    begun.write_text(begun.read_text("utf-8").replace('"teacher": "', '"teacher": "0'), "utf-8")
    engine = Keeping()
    run_recipe(CARD, RECIPE, engine, tmp_path / "runs", uses=uses)
    assert engine.calls[0] == "found []"


def test_augmented_data_are_trained_on_and_counted(tmp_path, uses):
    write_model(tmp_path / "lm", "masked")
    augmented = stage(augment="farm", augment_factor=3, masked_lm=ModelRef("org/lm"))
    engine = FakeEngine()
    recipe = Recipe((augmented,), RECIPE.evaluation, Decoding())
    _, run = run_recipe(CARD, recipe, engine, tmp_path / "runs", uses=uses | {"org/lm": tmp_path / "lm"})
    assert f"augment {augmented.name} with masked" in engine.calls
    (result,) = run.stages
    assert (result.augmented, engine.lengths[augmented.name]) == (3 * result.questions, 3 * result.questions)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from fake_engine import FakeEngine
from test_pipeline import CARD, RECIPE
from harness.pipeline import run_recipe

class Killed(FakeEngine):
    def train(self, stage, student, teacher, questions, out, progress, **folders):
        training = super().train(stage, student, teacher, questions, out, progress, **folders)
        if stage.name == "student":
            os.kill(os.getpid(), signal.SIGKILL)
        return training

file = Path({file!r})
run_recipe(CARD, RECIPE, Killed(), Path({runs!r}), uses={{"set:train": file, "set:validation": file}})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_run_goes_on_and_leaves_no_lock(tmp_path, uses):
    code = KILLED.format(tests=str(Path(__file__).parent), file=str(uses["set:train"]), runs=str(tmp_path / "runs"))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    (folder,) = (tmp_path / "runs").iterdir()
    assert load_run(folder).status == "running"
    assert [p.name for p in sorted((folder / "stages").iterdir())] == ["1-teacher", "2-student.partial"]
    engine = FakeEngine()
    again, run = run_recipe(CARD, RECIPE, engine, tmp_path / "runs", uses=uses)
    assert (again, run.status) == (folder, "finished")
    assert engine.calls == ["train student", "predict student"]
    assert [p.name for p in sorted((folder / "stages").iterdir())] == ["1-teacher", "2-student"]
    whole = run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "whole", uses=uses)[1]
    assert [s.weights_sha256 for s in run.stages] == [s.weights_sha256 for s in whole.stages]


def example(question="Who?", answer="Ada"):
    return Example(question, "Ada Merk built it.", answer, None, None, None, Place(0, 3, 7))


def test_the_last_model_is_asked_what_the_card_prints(tmp_path, uses):
    engine = FakeEngine()
    card = replace(CARD, examples=(example(), example("Where?", "Merk")))
    folder, run = run_recipe(card, RECIPE, engine, tmp_path / "runs", uses=uses)
    assert engine.calls[-2:] == ["predict student", "ask student 2"]
    assert [(c.example, c.state) for c in run.examples] == [
        (card.examples[0], "matches"),
        (card.examples[1], "differs"),
    ]
    assert load_run(folder) == run


def test_a_finished_run_answers_for_the_card_as_it_is_now(tmp_path, uses):
    engine = FakeEngine()
    card = replace(CARD, examples=(example("Where?", "Merk"),))
    run_recipe(card, RECIPE, engine, tmp_path / "runs", uses=uses)
    before = list(engine.calls)
    changed = replace(CARD, sha256="1" * 64, examples=(example("Where?", "Ada"), example()))
    folder, run = run_recipe(changed, RECIPE, engine, tmp_path / "runs", uses=uses)
    assert engine.calls == [*before, "ask student 1"]
    assert [(c.example, c.state) for c in run.examples] == [(e, "matches") for e in changed.examples]
    assert load_run(folder) == run
    _, run = run_recipe(replace(CARD, sha256="2" * 64), RECIPE, engine, tmp_path / "runs", uses=uses)
    assert run.examples == ()
