"""``harness speed``: what it refuses before anything is measured. With models: ``engine/test_speed.py``."""

from __future__ import annotations

import json

import pytest
from fake_engine import write_model

from harness.cli import main

CARD = "---\nlicense: mit\n---\n\n# reader\n\n{}\n"


@pytest.fixture
def world(tmp_path):
    write_model(tmp_path / "student", "s")
    write_model(tmp_path / "base", "b")
    qas = [{"id": "1", "question": "?", "answers": [{"text": "c", "answer_start": 0}]}]
    (tmp_path / "q.json").write_text(json.dumps({"data": [{"paragraphs": [{"context": "c d", "qas": qas}]}]}))
    (tmp_path / "fast.md").write_text(CARD.format("It is twice as fast as the base model."))
    (tmp_path / "slow.md").write_text(CARD.format("It is good."))
    return tmp_path


def refused(capsys, *arguments):
    assert main(["speed", *map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return " ".join(err.replace("│", " ").split())


def test_a_card_without_a_claim_of_speed_is_refused_first(world, capsys):
    error = refused(capsys, "nowhere", "nowhere", "nothing", "--card", world / "slow.md")
    assert f"{world / 'slow.md'}: found no claim of speed, expected one such as" in error
    assert str(world / "none.md") in refused(capsys, "a", "b", "c", "--card", world / "none.md")


def test_models_and_data_that_are_not_there_are_refused(world, capsys):
    data = world / "q.json"
    assert "found no such folder" in refused(capsys, world / "none", world / "base", data)
    assert "found no such folder" in refused(capsys, world / "student", world / "none", data)
    assert "is not a data reference" in refused(capsys, world / "student", world / "base", world / "none.json")
    (world / "base" / "model.safetensors").unlink()
    assert "expected weights as *.safetensors, found none" in refused(capsys, world / "student", world / "base", data)


def test_what_is_given_and_not_used_is_refused(world, capsys):
    models = [world / "student", world / "base", world / "q.json"]
    assert "--use names 'mini', which is not used" in refused(capsys, *models, "--use", f"mini={world / 'q.json'}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rounds", "2"], "greater than or equal to 3"),
        (["--questions", "0"], "greater than or equal to 1"),
        (["--strict"], "--strict is for --card"),
        (["--device", "abacus"], "'abacus' is not one of"),
    ],
)
def test_impossible_options_are_refused(world, capsys, options, said):
    assert said in refused(capsys, world / "student", world / "base", world / "q.json", *options)
