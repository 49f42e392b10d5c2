"""Stages that another run has finished are taken from it, where the training would give the very same bytes."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace

import pytest
from fake_engine import FakeEngine, write_model
from test_pipeline import CARD, stage

from harness import pipeline
from harness.environment import capture_environment
from harness.errors import RunError
from harness.pipeline import run_recipe
from harness.records import DataRef, Decoding, ModelRef, Recipe
from harness.records.seal import evidence_sha256
from harness.store import load_run, read_json, write_json

BASE = ModelRef("org/base")
TEACHER = stage(student=BASE)
STUDENT = stage("student", kind="distil_logits", student=BASE, teacher=ModelRef("teacher"))
RECIPE = Recipe((TEACHER, STUDENT), DataRef("set", "validation"), Decoding())
OTHER = replace(RECIPE, stages=(TEACHER, replace(STUDENT, seed=2)))
OTHER_REST = (RECIPE.evaluation, Decoding())
TRAINED = ["train teacher", "train student"]


class Seeded(FakeEngine):
    """Weights depend on the stage's seed, too; batches are taken whole."""

    def train(self, stage, student, teacher, questions, out, progress, **folders):
        training = super().train(stage, student, teacher, questions, out, progress, **folders)
        weights = out / "model.safetensors"
        weights.write_text(f"{weights.read_text('utf-8')}/{stage.seed}", "utf-8")
        return training


@pytest.fixture
def uses(tmp_path):
    qas = [{"id": str(i), "question": "?", "answers": [{"text": "c", "answer_start": 0}]} for i in range(12)]
    file = tmp_path / "set.json"
    file.write_text(json.dumps({"data": [{"paragraphs": [{"context": "c d", "qas": qas}]}]}), "utf-8")
    write_model(tmp_path / "base", "given")
    return {"set:train": file, "set:validation": file, "org/base": tmp_path / "base"}


@pytest.fixture
def first(tmp_path, uses):
    """The folder of the run that trained both stages."""
    return run_recipe(CARD, RECIPE, Seeded(), tmp_path / "runs", uses=uses)[0]


def run_other(tmp_path, uses, recipe=OTHER, engine=None, **options):
    """What was trained, the folder and the record."""
    engine = engine or Seeded()
    folder, run = run_recipe(CARD, recipe, engine, tmp_path / "runs", uses=uses, **options)
    return [call for call in engine.calls if call.startswith("train")], folder, run


def rewrite(file, **changes):
    write_json(file, read_json(file) | changes)


def test_a_stage_that_another_run_trained_is_taken(tmp_path, uses, first):
    said = []
    trained, folder, run = run_other(tmp_path, uses, progress=lambda *step: said.append(step))
    assert trained == ["train student"]
    assert ("teacher", 3, 3, f"taken from run {first.name}") in said
    assert [result.taken_from for result in run.stages] == [first.name, None]
    done = load_run(first).stages[0]
    assert replace(run.stages[0], taken_from=None) == done
    ours, theirs = folder / "stages" / "1-teacher", first / "stages" / "1-teacher"
    for name in ("model/config.json", "model/tokenizer.json", "model/model.safetensors", "training.jsonl"):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes()
    assert (ours / "model" / "model.safetensors").stat().st_nlink == 2
    assert load_run(folder) == run
    assert sorted(path.name for path in (folder / "stages").iterdir()) == ["1-teacher", "2-student"]
    # what was taken is this run's own from now on
    shutil.rmtree(first)
    assert run_other(tmp_path, uses)[2] == run


def test_the_evidence_is_that_of_a_run_that_trained_it(tmp_path, uses, first):
    _, folder, run = run_other(tmp_path, uses)
    alone, own = run_recipe(CARD, OTHER, Seeded(), tmp_path / "elsewhere", uses=uses)
    assert alone.name == folder.name
    assert own.stages[0].taken_from is None
    assert evidence_sha256(run) == evidence_sha256(own)


def test_the_run_that_trained_it_is_named_however_often_it_is_taken(tmp_path, uses, first):
    run_other(tmp_path, uses)
    shutil.rmtree(first)
    third = replace(RECIPE, stages=(TEACHER, replace(STUDENT, seed=3)))
    trained, _, run = run_other(tmp_path, uses, third)
    assert (trained, run.stages[0].taken_from) == (["train student"], first.name)


def test_a_stage_of_an_unfinished_run_and_at_another_place_is_taken(tmp_path, uses):
    with pytest.raises(RunError):
        run_recipe(CARD, RECIPE, Seeded(fail_at="student"), tmp_path / "runs", uses=uses)
    moved = Recipe((replace(STUDENT, name="early", teacher=None, kind="finetune"), *OTHER.stages), *OTHER_REST)
    trained, _, _ = run_other(tmp_path, uses, moved)
    assert trained == ["train early", "train student"]


def test_a_stage_is_taken_in_the_place_of_one_that_was_interrupted(tmp_path, uses):
    with pytest.raises(RunError):
        run_recipe(CARD, OTHER, Seeded(fail_at="teacher"), tmp_path / "runs", uses=uses)
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "stages" / "1-teacher.partial").is_dir()
    run_recipe(CARD, RECIPE, Seeded(), tmp_path / "runs", uses=uses)
    assert run_other(tmp_path, uses)[0] == ["train student"]
    assert not list(folder.glob("stages/*.partial"))


def test_fresh_takes_nothing(tmp_path, uses, first):
    assert run_other(tmp_path, uses, fresh=True)[0] == TRAINED


def test_the_same_bytes_are_needed_not_the_same_name(tmp_path, uses, first):
    """Each value of the stage, and what it is made from."""
    longer = replace(OTHER, stages=(replace(TEACHER, epochs=2), OTHER.stages[1]))
    assert run_other(tmp_path, uses, longer)[0] == TRAINED
    seeded = replace(OTHER, stages=(replace(TEACHER, seed=5), OTHER.stages[1]))
    assert run_other(tmp_path, uses, seeded)[0] == TRAINED
    named = replace(TEACHER, name="t")
    other = replace(OTHER, stages=(named, replace(OTHER.stages[1], teacher=ModelRef("t"))))
    assert run_other(tmp_path, uses, other)[0] == ["train t", "train student"]


def test_other_data_under_the_same_name(tmp_path, uses, first):
    text = uses["set:train"].read_text("utf-8")
    (tmp_path / "new.json").write_text(text.replace("c d", "c e"), "utf-8")
    assert run_other(tmp_path, {**uses, "set:train": tmp_path / "new.json"})[0] == TRAINED


def test_another_file_with_the_same_questions(tmp_path, uses, first):
    shutil.copy(uses["set:train"], tmp_path / "copy.json")
    trained, folder, run = run_other(tmp_path, {**uses, "set:train": tmp_path / "copy.json"})
    assert trained == ["train student"]
    assert run.stages[0].data[0].source == "copy.json"  # as if it had been trained
    assert load_run(folder) == run


def test_the_order_of_the_data(tmp_path, uses):
    """Two names of other contents each: the values are the same, only the checksums change places."""
    both = replace(TEACHER, data=(DataRef("a", "train"), DataRef("b", "train")))
    first_ = Recipe((both,), *OTHER_REST)
    text = uses["set:train"].read_text("utf-8")
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(text.replace('"?"', f'"{name}?"').replace('"id": "', f'"id": "{name}'))
    given = {
        "set:validation": uses["set:validation"],
        "org/base": uses["org/base"],
        "a:train": tmp_path / "a.json",
        "b:train": tmp_path / "b.json",
    }
    run_recipe(CARD, first_, Seeded(), tmp_path / "runs", uses=given)
    decoded = replace(first_, decoding=Decoding(n_best=5))
    assert run_other(tmp_path, given, decoded)[0] == []
    crossed = {**given, "a:train": given["b:train"], "b:train": given["a:train"]}
    assert run_other(tmp_path, crossed, decoded)[0] == ["train teacher"]


@pytest.mark.parametrize("changed", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("role", ["student", "teacher", "masked_lm"])
def test_another_model_under_the_same_name(tmp_path, uses, role, changed):
    one = stage(
        "only",
        kind="distil_logits",
        student=ModelRef("org/student"),
        teacher=ModelRef("org/teacher"),
        augment="farm",
        augment_factor=2,
        masked_lm=ModelRef("org/masked_lm"),
    )
    for name in ("student", "teacher", "masked_lm"):
        write_model(tmp_path / name, name)
    given = {f"org/{name}": tmp_path / name for name in ("student", "teacher", "masked_lm")}
    given |= {name: path for name, path in uses.items() if name != "org/base"}
    run_recipe(CARD, Recipe((one,), *OTHER_REST), Seeded(), tmp_path / "runs", uses=given)
    other = Recipe((one,), RECIPE.evaluation, Decoding(n_best=5))
    assert run_other(tmp_path, given, other)[0] == []
    shutil.rmtree(tmp_path / "runs" / run_other(tmp_path, given, other)[1].name)
    file = tmp_path / role / changed
    file.write_text(file.read_text("utf-8") + " ", "utf-8")
    assert run_other(tmp_path, given, other)[0] == ["train only"]


def test_other_word_vectors(tmp_path, uses):
    (tmp_path / "glove.txt").write_text("a 1.0\n", "utf-8")
    write_model(tmp_path / "lm", "masked")
    one = stage("only", student=BASE, augment="farm", masked_lm=ModelRef("org/lm"), word_vectors=ModelRef("glove"))
    given = uses | {"org/lm": tmp_path / "lm", "glove": tmp_path / "glove.txt"}
    run_recipe(CARD, Recipe((one,), *OTHER_REST), Seeded(), tmp_path / "runs", uses=given)
    (tmp_path / "glove.txt").write_text("a 2.0\n", "utf-8")
    assert run_other(tmp_path, given, Recipe((one,), *OTHER_REST))[0] == ["train only"]


def test_an_embedded_masked_language_model_is_not_built_to_take_a_stage(tmp_path, uses):
    one = stage("only", augment="farm", augment_factor=2, masked_lm=ModelRef("pocket/masked-lm"))
    del uses["org/base"]
    run_recipe(CARD, Recipe((one,), *OTHER_REST), Seeded(), tmp_path / "runs", uses=uses)
    engine = Seeded()
    trained, _, run = run_other(tmp_path, uses, Recipe((one,), RECIPE.evaluation, Decoding(n_best=5)), engine)
    assert trained == []
    assert run.stages[0].augmented == 24
    assert [call for call in engine.calls if call.startswith("build")] == ["build pocket/roberta-2x64 seed 1"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("harness", "9.9"),
        ("python", "3.0"),
        ("platform", "another"),
        ("processor", "another"),
        ("threads", 999),
        ("packages", {"safetensors": "0.0"}),
    ],
)
def test_another_machine_or_other_software(tmp_path, uses, first, monkeypatch, name, value):
    changed = replace(capture_environment(tmp_path), **{name: value})
    monkeypatch.setattr(pipeline, "capture_environment", lambda _: changed)
    assert run_other(tmp_path, uses)[0] == TRAINED


def test_another_commit_of_the_working_folder_does_not_count(tmp_path, uses, first, monkeypatch):
    changed = replace(capture_environment(tmp_path), commit="0" * 40, dirty=True)
    monkeypatch.setattr(pipeline, "capture_environment", lambda _: changed)
    assert run_other(tmp_path, uses)[0] == ["train student"]


def test_what_the_engine_says_counts(tmp_path, uses, first):
    assert run_other(tmp_path, uses, engine=Seeded(told={"compiled": True}))[0] == TRAINED


def test_an_engine_that_cannot_say_takes_nothing_and_gives_nothing(tmp_path, uses):
    run_recipe(CARD, RECIPE, Seeded(told=None), tmp_path / "runs", uses=uses)
    assert run_other(tmp_path, uses, engine=Seeded(told=None))[0] == TRAINED
    third = replace(RECIPE, stages=(TEACHER, replace(STUDENT, seed=3)))
    assert run_other(tmp_path, uses, third)[0] == TRAINED


@pytest.mark.parametrize("changes", [{"micro_batch": 4}, {"devices": 2}])
def test_smaller_micro_batches_than_were_asked_for_or_several_processes(tmp_path, uses, first, changes):
    rewrite(first / "stages" / "1-teacher" / "stage.json", **changes)
    assert run_other(tmp_path, uses)[0] == TRAINED


def test_a_stage_that_was_begun_otherwise_than_it_was_finished_is_of_neither(tmp_path, uses):
    with pytest.raises(RunError):
        run_recipe(CARD, RECIPE, Seeded(fail_at="teacher", told={"compiled": True}), tmp_path / "runs", uses=uses)
    run_recipe(CARD, RECIPE, Seeded(), tmp_path / "runs", uses=uses)
    assert run_other(tmp_path, uses)[0] == TRAINED
    compiled = replace(RECIPE, stages=(TEACHER, replace(STUDENT, seed=3)))
    assert run_other(tmp_path, uses, compiled, Seeded(told={"compiled": True}))[0] == TRAINED


def test_what_an_earlier_version_left_goes_on_and_is_not_taken(tmp_path, uses):
    """It does not say with what it was trained."""
    with pytest.raises(RunError):
        run_recipe(CARD, RECIPE, Seeded(fail_at="student"), tmp_path / "runs", uses=uses)
    (folder,) = (tmp_path / "runs").iterdir()
    for begun in folder.glob("stages/*/begun.json"):
        kept = {name: value for name, value in read_json(begun).items() if name in ("stage", "student", "teacher")}
        write_json(begun, kept)
    (folder / "stages" / "2-student.partial" / "work").mkdir()
    engine = Seeded()
    run_recipe(CARD, RECIPE, engine, tmp_path / "runs", uses=uses)
    assert [call for call in engine.calls if call.startswith("train")] == ["train student"]
    assert run_other(tmp_path, uses)[0] == TRAINED
    # nor the stage that this version finished: how it was begun is not known
    again = replace(RECIPE, decoding=Decoding(n_best=5))
    shutil.rmtree(tmp_path / "runs" / run_other(tmp_path, uses)[1].name)
    assert run_other(tmp_path, uses, again)[0] == TRAINED


def _replace_by_link(path):
    moved = path.with_name(path.name + "-moved")
    path.rename(moved)
    path.symlink_to(moved, target_is_directory=moved.is_dir())


def _move_out(folder):
    """Out of the folder of runs, with a link in its place."""
    outside = folder.parents[1] / "outside"
    folder.rename(outside)
    folder.symlink_to(outside, target_is_directory=True)


DAMAGES = {
    "weights": lambda place: (place / "model" / "model.safetensors").write_text("other", "utf-8"),
    "configuration": lambda place: (place / "model" / "config.json").write_text('{"a": 1}', "utf-8"),
    "no configuration": lambda place: (place / "model" / "config.json").unlink(),
    "one file more": lambda place: (place / "model" / "added.json").write_text("{}", "utf-8"),
    "no model": lambda place: shutil.rmtree(place / "model"),
    "a model that is a file": lambda place: (shutil.rmtree(place / "model"), (place / "model").touch()),
    "no weights": lambda place: (place / "model" / "model.safetensors").unlink(),
    "no result": lambda place: (place / "stage.json").unlink(),
    "no beginning": lambda place: (place / "begun.json").unlink(),
    "torn result": lambda place: (place / "stage.json").write_text('{"name": "te', "utf-8"),
    "torn beginning": lambda place: (place / "begun.json").write_text("{", "utf-8"),
    "a list": lambda place: (place / "begun.json").write_text("[]", "utf-8"),
    "deep": lambda place: (place / "begun.json").write_text("[" * 100_000, "utf-8"),
    "no bytes of text": lambda place: (place / "begun.json").write_bytes(b"\xff\xfe"),
    "another field": lambda place: rewrite(place / "stage.json", extra=1),
    "no number": lambda place: (place / "stage.json").write_text(
        (place / "stage.json").read_text("utf-8").replace('"loss": 0.5', '"loss": NaN'), "utf-8"
    ),
    "a path for an id": lambda place: rewrite(place / "stage.json", taken_from="../../x\n"),
    "another checksum": lambda place: rewrite(place / "stage.json", weights_sha256="0" * 64),
    "another name": lambda place: rewrite(place / "stage.json", name="student"),
    "a linked model": lambda place: _replace_by_link(place / "model"),
    "linked weights": lambda place: _replace_by_link(place / "model" / "model.safetensors"),
    "a linked configuration": lambda place: _replace_by_link(place / "model" / "config.json"),
    "a linked result": lambda place: _replace_by_link(place / "stage.json"),
    "a linked beginning": lambda place: _replace_by_link(place / "begun.json"),
    "a linked history": lambda place: _replace_by_link(place / "training.jsonl"),
    "a linked stage": _replace_by_link,
    "linked stages": lambda place: _replace_by_link(place.parent),
    "a linked run": lambda place: _move_out(place.parents[1]),
    "a pipe": lambda place: ((place / "begun.json").unlink(), os.mkfifo(place / "begun.json")),
    "a pipe among the model": lambda place: (
        (place / "model" / "config.json").unlink(),
        os.mkfifo(place / "model" / "config.json"),
    ),
    "a folder": lambda place: ((place / "begun.json").unlink(), (place / "begun.json").mkdir()),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX files")
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_or_leads_elsewhere_is_passed_over(tmp_path, uses, first, damage):
    DAMAGES[damage](first / "stages" / "1-teacher")
    trained, folder, run = run_other(tmp_path, uses)
    assert (trained, run.stages[0].taken_from) == (TRAINED, None)
    assert sorted(path.name for path in (folder / "stages").iterdir()) == ["1-teacher", "2-student"]


def test_after_a_damaged_one_the_next_is_taken(tmp_path, uses, first):
    _, second, _ = run_other(tmp_path, uses)
    for place, others in ((first, second), (second, first)):
        weights = place / "stages" / "1-teacher" / "model" / "model.safetensors"
        kept = weights.read_bytes()
        weights.unlink()  # its other name is the other run's
        weights.write_text("other", "utf-8")
        third = replace(RECIPE, stages=(TEACHER, replace(STUDENT, seed=len(others.name) + len(kept))))
        trained, folder, _ = run_other(tmp_path, uses, third)
        assert trained == ["train student"]
        assert (folder / "stages" / "1-teacher" / "model" / "model.safetensors").read_bytes() == kept
        shutil.rmtree(folder)
        weights.write_bytes(kept)


def test_strange_names_beside_are_passed_over(tmp_path, uses, first):
    runs = tmp_path / "runs"
    first.rename(runs / "a\nb")
    (runs / "file").touch()
    (runs / "empty").mkdir()
    (runs / "odd" / "stages").mkdir(parents=True)
    (runs / "odd" / "stages" / "x-teacher").touch()
    (runs / "odd" / "stages" / "1-teacher").mkdir()
    assert run_other(tmp_path, uses)[0] == TRAINED


def test_nothing_but_the_model_is_copied(tmp_path, uses, first):
    model = first / "stages" / "1-teacher" / "model"
    for name in ("run_me.py", "extra.pkl", "harness-results.json"):
        (model / name).write_text("{}", "utf-8")
    (first / "stages" / "1-teacher" / "more").mkdir()
    trained, folder, _ = run_other(tmp_path, uses)
    assert trained == ["train student"]
    place = folder / "stages" / "1-teacher"
    assert sorted(path.name for path in place.iterdir()) == ["begun.json", "model", "stage.json", "training.jsonl"]
    assert sorted(path.name for path in (place / "model").iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]


def test_where_no_link_can_be_made_it_is_copied(tmp_path, uses, first, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    trained, folder, _ = run_other(tmp_path, uses)
    weights = folder / "stages" / "1-teacher" / "model" / "model.safetensors"
    assert (trained, weights.stat().st_nlink) == (["train student"], 1)
    assert json.loads((folder / "record.json").read_text("utf-8"))["stages"][0]["taken_from"] == first.name
