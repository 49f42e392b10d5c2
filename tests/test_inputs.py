"""What a run needs from outside, and which file stands for what."""

from __future__ import annotations

import json

import pytest
from test_pipeline import stage

from harness.errors import DataError, RecipeError
from harness.inputs import gather_inputs
from harness.records import DataRef, Decoding, Recipe


@pytest.fixture
def files(tmp_path):
    made = {}
    for name in ("a", "b"):
        qas = [{"id": f"{name}{i}", "question": "?", "answers": []} for i in range(10)]
        made[name] = tmp_path / f"{name}.json"
        made[name].write_text(json.dumps({"data": [{"paragraphs": [{"context": "c", "qas": qas}]}]}), "utf-8")
    return made


def recipe(train, evaluation):
    return Recipe((stage(data=tuple(map(DataRef.parse, train))),), DataRef.parse(evaluation), Decoding())


def test_one_file_never_stands_for_two_splits(files):
    plain = recipe(["squad_v2:train[:3]"], "squad_v2:validation")
    with pytest.raises(RecipeError, match="both squad_v2:train and squad_v2:validation") as caught:
        gather_inputs(plain, {"rajpurkar/squad_v2": files["a"]})
    assert "--use squad_v2:train=PATH --use squad_v2:validation=PATH" in str(caught.value)
    for uses in (
        {"squad_v2:train": files["a"], "squad_v2:validation": files["b"]},
        {"squad_v2": files["a"], "rajpurkar/squad_v2:validation": files["b"]},
    ):
        data = gather_inputs(plain, uses).data
        assert [used.source for _, used in data.values()] == ["a.json", "b.json"]


def test_one_file_never_stands_for_two_configs(files):
    shifts = recipe(["squadshifts:nyt:test"], "squadshifts:amazon:test")
    with pytest.raises(RecipeError, match="squadshifts:nyt:test and squadshifts:amazon:test"):
        gather_inputs(shifts, {"squadshifts": files["a"]})
    data = gather_inputs(shifts, {"squadshifts:nyt": files["a"], "squadshifts": files["b"]}).data
    assert [used.source for _, used in data.values()] == ["a.json", "b.json"]


def test_two_slices_of_one_split_are_one_file(files):
    data = gather_inputs(recipe(["squad_v2:validation[:4]"], "squad_v2:validation[8:]"), {"squad_v2": files["a"]}).data
    assert [used.n for _, used in data.values()] == [4, 2]


@pytest.mark.parametrize("name", ["squadshifts:amazn", "squad_v2:trian", "squad", "squadshifts:new_wiki:validation"])
def test_a_mistyped_use_is_an_error(files, name):
    mixed = recipe(["squadshifts:new_wiki:test"], "squad_v2:validation")
    uses = {"squadshifts": files["a"], "squad_v2": files["b"], name: files["a"]}
    with pytest.raises(RecipeError, match="which the recipe does not use"):
        gather_inputs(mixed, uses)


def test_two_names_of_one_data_set_are_an_error(files):
    plain = recipe(["squad_v2:validation[:3]"], "squad_v2:validation[3:]")
    with pytest.raises(RecipeError, match="are the same data"):
        gather_inputs(plain, {"squad_v2": files["a"], "rajpurkar/squad_v2": files["b"]})


def write(path, start, count):
    qas = [
        {"id": f"{path.stem}{i}", "question": "?", "answers": [{"text": "here", "answer_start": start if i else 0}]}
        for i in range(count)
    ]
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": "here it stands", "qas": qas}]}]}), "utf-8")
    return path


def test_misplaced_answers_stop_training_before_it_begins_and_not_an_evaluation(tmp_path):
    good, bad = write(tmp_path / "good.json", 0, 5), write(tmp_path / "bad.json", 1, 5)
    plain = recipe(["x/train:train"], "x/eval:test")
    with pytest.raises(DataError, match="x/train:train: 4 of 5 questions have an answer that does not stand") as caught:
        gather_inputs(plain, {"x/train": bad, "x/eval": good})
    assert "the first is 'bad1' ('here' at 1)" in str(caught.value)
    (warning,) = gather_inputs(plain, {"x/train": good, "x/eval": bad}).warnings
    assert warning.startswith("x/eval:test: 4 of 5 questions")
    assert gather_inputs(plain, {"x/train": good, "x/eval": write(tmp_path / "other.json", 0, 5)}).warnings == ()


def test_what_does_not_fit_the_known_set_is_a_warning(tmp_path):
    files = {"squad_v2:train": write(tmp_path / "a.json", 0, 5), "squad": write(tmp_path / "b.json", 0, 5)}
    found = gather_inputs(recipe(["squad_v2:train"], "squad:validation"), files).warnings
    assert found == (
        "squad_v2:train: a.json has 5 questions, expected 130319",
        "squad:validation: b.json has 5 questions, expected 10570",
    )
