"""``harness compare``: what differs in how two scores were made is never passed over."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from fake_engine import FakeEngine
from tiny_world import card, write_world

from harness.cli import main
from harness.cli.compare_command import _recipe_notes
from harness.evidence import open_card
from harness.pipeline import run_recipe
from harness.records import Origin
from harness.store import load_run, save_run


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A card that states a threshold, and runs of twelve questions."""
    monkeypatch.chdir(tmp_path)
    write_world(tmp_path, card(settings="null_threshold = -1.5\n"))
    return tmp_path


def make_run(world, **decoding):
    opened = open_card(world / "tiny.md")
    recipe = replace(opened.recipe, decoding=replace(opened.recipe.decoding, **decoding))
    data = json.loads((world / "mini.json").read_text("utf-8"))
    for question in (q for article in data["data"] for paragraph in article["paragraphs"] for q in paragraph["qas"]):
        question["question"] += " Or not?"
    (world / "train.json").write_text(json.dumps(data), "utf-8")
    uses = {"org/base": world / "base", "mini:train": world / "train.json", "mini:validation": world / "mini.json"}
    return run_recipe(opened.card, recipe, FakeEngine(), world / "runs", uses=uses)[0]


def call(capsys, *arguments):
    code = main(["compare", *map(str, arguments)])
    return (code, *capsys.readouterr())


def test_two_runs_that_were_decoded_alike(world, capsys):
    folder, copy = make_run(world), world / "runs" / "copy"
    shutil.copytree(folder, copy)
    save_run(copy, replace(load_run(folder), id="copy"))
    code, out, err = call(capsys, folder, copy, "--strict")
    assert code == 0
    assert "decisive" not in out
    assert err.count("signature of") == 2
    assert "warning" not in err


def test_two_runs_that_were_decoded_otherwise(world, capsys):
    one, two = make_run(world), make_run(world, null_threshold=2.0)
    save_run(two, replace(load_run(two), signature=load_run(two).signature.replace("| v:", "| v:9")))
    code, out, err = call(capsys, one, two)
    rows = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in out.splitlines() if " against " in line}
    assert list(rows.values()) == ["yes", "no"]
    first, second = rows
    assert first == "null_threshold: -1.5 against 2"
    assert second.startswith("v: ")
    assert "warning: the two scores were not made alike" in err
    assert err.splitlines()[-1].endswith("null_threshold: -1.5 against 2")
    assert code == 0
    assert call(capsys, one, two, "--strict")[0] == 1
    code, out, err = call(capsys, one, two, "--json")
    paired = json.loads(out)
    assert (code, paired["decisive"]) == (0, ["null_threshold: -1.5 against 2"])
    assert paired["differences"][0] == paired["decisive"][0]
    assert [line.partition(": ")[2] for line in err.splitlines()[:2]] == paired["signatures"]
    assert "warning: the two scores were not made alike" in err
    assert call(capsys, one, two, "--json", "--strict")[0] == 1


def test_a_card_and_a_run_of_its_recipe(world, capsys):
    folder = make_run(world)
    code, out, err = call(capsys, "tiny.md", folder, "--strict", "--json")
    assert (code, json.loads(out)["notes"], json.loads(out)["signature"]) == (0, [], load_run(folder).signature)
    assert "note:" not in err
    assert f"signature: {load_run(folder).signature}" in err


def test_a_run_that_decoded_otherwise_than_the_card_states(world, capsys):
    folder = make_run(world, null_threshold=2.0, n_best=5)
    code, out, err = call(capsys, "tiny.md", folder, "--json")
    notes = json.loads(out)["notes"]
    assert code == 0
    assert notes[0].endswith("followed another recipe than tiny.md states now")
    assert notes[1:] == [
        "decoded otherwise, n_best: the run had 5, the card states none, and 20 is what it is taken to mean",
        "decoded otherwise, null_threshold: the run had 2, the card states -1.5",
    ]
    assert [line.removeprefix("note: ") for line in err.splitlines() if line.startswith("note: ")] == notes
    code, out, err = call(capsys, "tiny.md", folder, "--json", "--strict")
    assert (code, json.loads(out)["exit_code"]) == (1, 1)
    outcome = "not shown (strict), decoded otherwise than the card states; as claimed: matches 1"
    assert json.loads(out)["outcome"] == err.splitlines()[-1] == outcome
    card = world / "tiny.md"
    card.write_text(card.read_text("utf-8").replace("75.0", "45.0"), "utf-8")
    code, out, _ = call(capsys, card, folder, "--json", "--strict")
    assert (code, json.loads(out)["outcome"]) == (1, "not as claimed: differs 1")


def test_what_the_card_does_not_state_fails_nothing(world, capsys):
    folder = make_run(world, protocol="farm")
    code, _, err = call(capsys, "tiny.md", folder, "--strict")
    assert code == 0
    assert "decoded otherwise, decoding: the run had farm, the card states none, and run_qa is what" in err


def test_a_protocol_that_a_card_states_counts(world):
    opened, run = open_card(world / "tiny.md"), load_run(make_run(world, protocol="farm"))
    assert _recipe_notes(opened, run)[1] == []
    stated = replace(opened.recipe, origins={**opened.recipe.origins, "protocol": Origin("stated")})
    notes, against = _recipe_notes(replace(opened, recipe=stated), run)
    assert against == ["decoded otherwise than the card states"]
    assert notes[1] == "decoded otherwise, decoding: the run had farm, the card states run_qa"


def test_published_weights_follow_no_recipe(world, capsys):
    folder = make_run(world)
    run = load_run(folder)
    save_run(folder, replace(run, kind="released", recipe=replace(run.recipe, stages=()), warnings=("odd data",)))
    code, out, _ = call(capsys, "tiny.md", folder, "--json", "--strict")
    first, second = json.loads(out)["notes"]
    assert first.endswith("evaluated weights as they were given, and tells nothing of the card's training")
    assert (code, second) == (0, "odd data")
