"""What a run needs from outside, and which file stands for what."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fake_engine import write_model
from test_pipeline import stage

from harness.errors import DataError, ModelError, RecipeError
from harness.inputs import gather_inputs
from harness.records import DataRef, Decoding, ModelRef, Recipe


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
        {
            "id": f"{path.stem}{i}",
            "question": f"{path.stem} {i}?",
            "answers": [{"text": "here", "answer_start": start if i else 0}],
        }
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


def test_questions_that_are_trained_on_and_evaluated_are_told(tmp_path):
    train = write(tmp_path / "train.json", 0, 5)
    both = json.loads(train.read_text("utf-8"))
    paragraph = both["data"][0]["paragraphs"][0]
    paragraph["qas"] = [
        {"id": "other id", "question": " train 2? ", "answers": paragraph["qas"][2]["answers"]},
        {"id": "new", "question": "train 9?", "answers": []},
    ]
    (tmp_path / "both.json").write_text(json.dumps(both), "utf-8")
    plain = recipe(["x/train:train"], "x/eval:test")
    assert gather_inputs(plain, {"x/train": train, "x/eval": tmp_path / "both.json"}).warnings == (
        "x/eval:test: 1 of 2 questions are among those that the recipe trains on, the first is 'other id'; the figures "
        "say less of other questions",
    )
    paragraph["context"] = "here it stands otherwise"
    (tmp_path / "both.json").write_text(json.dumps(both), "utf-8")
    assert gather_inputs(plain, {"x/train": train, "x/eval": tmp_path / "both.json"}).warnings == ()


def test_what_does_not_fit_the_known_set_is_a_warning(tmp_path):
    files = {"squad_v2:train": write(tmp_path / "a.json", 0, 5), "squad": write(tmp_path / "b.json", 0, 5)}
    found = gather_inputs(recipe(["squad_v2:train"], "squad:validation"), files).warnings
    assert found == (
        "squad_v2:train: a.json has 5 questions, expected 130319",
        "squad:validation: b.json has 5 questions, expected 10570",
    )


@pytest.fixture
def corpus(tmp_path):
    file = tmp_path / "corpus.txt"
    file.write_text("".join(f"This is line {i}.\n" for i in range(10)), "utf-8")
    return file


def test_text_trains_where_no_labels_are_needed(files, corpus):
    hidden = stage(kind="distil_hidden", data=(DataRef.parse("the_pile:train[:4]"), DataRef.parse("x:train")))
    plain = Recipe((hidden,), DataRef.parse("y:test"), Decoding())
    inputs = gather_inputs(plain, {"the_pile": corpus, "x": files["a"], "y": files["b"]})
    questions, used = inputs.data[DataRef.parse("the_pile:train[:4]")]
    assert [q.context for q in questions][:1] == ["This is line 0."]
    assert (used.n, used.source) == (4, "corpus.txt")
    assert not any("the_pile" in warning for warning in inputs.warnings)


@pytest.mark.parametrize("kind", ["finetune", "distil_logits"])
def test_text_does_not_train_with_labels(files, corpus, kind):
    labelled = Recipe((stage(kind=kind, data=(DataRef("p", "train"),)),), DataRef("y", "test"), Decoding())
    with pytest.raises(DataError, match=f"p:train: found plain text.*stage teacher of kind {kind} expected questions"):
        gather_inputs(labelled, {"p": corpus, "y": files["b"]})


def test_text_is_not_evaluated(files, corpus):
    with pytest.raises(DataError, match=r"y:test\[:3\]: found plain text.*the recipe evaluates on it"):
        gather_inputs(recipe(["x:train"], "y:test[:3]"), {"x": files["a"], "y": corpus})


def augmented(**changes):
    values = {
        "kind": "distil_hidden",
        "data": (DataRef("x", "train"),),
        "augment": "farm",
        "masked_lm": ModelRef("pocket/masked-lm"),
    }
    return Recipe((stage(**(values | changes)),), DataRef("y", "test"), Decoding())


def test_what_augments_is_found_too(files, tmp_path):
    write_model(tmp_path / "mlm", "weights")
    vectors = tmp_path / "glove.txt"
    vectors.write_text("a 1 0\n", "utf-8")
    uses = {"x": files["a"], "y": files["b"], "bert": tmp_path / "mlm", "glove": vectors}
    inputs = gather_inputs(augmented(masked_lm=ModelRef("bert"), word_vectors=ModelRef("glove")), uses)
    assert inputs.models == {ModelRef("bert"): tmp_path / "mlm"}
    assert inputs.vectors == {ModelRef("glove"): vectors}
    data = {name: uses[name] for name in ("x", "y")}
    assert gather_inputs(augmented(), data).models == {}
    with pytest.raises(ModelError, match=r"word vectors glove: nothing is given.*--use glove=PATH"):
        gather_inputs(augmented(word_vectors=ModelRef("glove")), data)
    with pytest.raises(ModelError, match="is no file"):
        gather_inputs(augmented(word_vectors=ModelRef("glove")), data | {"glove": tmp_path})
    with pytest.raises(RecipeError, match="augments its data as farm and names no masked language model"):
        gather_inputs(augmented(masked_lm=None), data)
    with pytest.raises(RecipeError, match="which the recipe does not use"):
        gather_inputs(augmented(augment="none"), data | {"glove": vectors})


def test_a_student_of_random_weights_needs_none(tmp_path):
    write_model(tmp_path / "m", "x")
    (tmp_path / "m" / "model.safetensors").unlink()
    uses, ref = {"org/m": tmp_path / "m"}, ModelRef("org/m")
    data, evaluation = (DataRef("pocket", "train[:5]"),), DataRef("pocket", "validation[:5]")
    random = stage(name="one", student=ref, data=data, student_weights="random")
    assert gather_inputs(Recipe((random,), evaluation, Decoding()), uses).models == {ref: tmp_path / "m"}
    for change in ({"student_weights": "pretrained"}, {"teacher": ref}):  # somebody reads them after all
        second = replace(random, name="two", **change)
        with pytest.raises(ModelError, match="expected weights"):
            gather_inputs(Recipe((random, second), evaluation, Decoding()), uses)
