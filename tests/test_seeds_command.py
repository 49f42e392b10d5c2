"""Several seeds of one recipe, from the command line to one verdict."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fake_engine import FakeEngine
from tiny_world import card, write_world

from harness.cli import main, run_commands
from harness.evidence import find_evidence, judge, open_card
from harness.store import find_runs, load_run, save_run

USES = ["--use", "org/base=base", "--use", "mini:train=mini.json", "--use", "mini:validation=mini.json"]


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_world(tmp_path, card())
    engine = FakeEngine()
    monkeypatch.setattr(run_commands, "_engine", lambda *_: engine)
    return tmp_path


def call(capsys, *arguments):
    code = main(list(map(str, arguments)))
    return (code, *capsys.readouterr())


def move(world, seed, exact):
    """Another figure in the record of a seed."""
    for path, run in find_runs("tiny", [world / "runs"]):
        if run.recipe.stages[0].seed == seed:
            change(path.parent, exact)


def change(folder, exact):
    """Another figure in a record; the scores beside it, which would not fit any more, are taken away."""
    run = load_run(folder)
    (folder / "per_question.json").unlink(missing_ok=True)
    save_run(folder, replace(run, scores={**run.scores, "exact": exact}))


def test_seeds_are_the_cards_own_and_those_after_it(world, capsys):
    code, out, _ = call(capsys, "run", "tiny.md", *USES, "--seeds", 3, "--json")
    assert code == 0
    own = open_card(world / "tiny.md").recipe.stages[0].seed
    assert [run["recipe"]["stages"][0]["seed"] for run in json.loads(out)] == [own, own + 1, own + 2]
    code, out, _ = call(capsys, "run", "tiny.md", *USES, "--seed", 7, "--seeds", 2, "--json")
    assert [run["recipe"]["stages"][0]["seed"] for run in json.loads(out)] == [7, 8]


def test_the_claims_are_judged_by_all_seeds_and_every_record_says_so(world, capsys):
    code, out, _err = call(capsys, "reproduce", "tiny.md", *USES, "--seeds", 3, "--json")
    assert code == 0
    (comparison,) = json.loads(out)["runs"][0]["comparisons"]
    assert comparison["verdict"] == "matches"
    assert comparison["seeds"]["values"] == [75.0, 75.0, 75.0]
    assert {json.dumps(run["comparisons"]) for run in json.loads(out)["runs"]} == {json.dumps([comparison])}
    code, out, _ = call(capsys, "reproduce", "tiny.md", *USES, "--seeds", 3)
    assert "3 seeds" in out
    assert "half of the 95 % interval" in out


def test_recorded_seeds_are_found_and_pooled(world, capsys):
    call(capsys, "run", "tiny.md", *USES, "--seeds", 2)
    opened = open_card(world / "tiny.md")
    own = opened.recipe.stages[0].seed
    assert len(find_evidence(opened, world / "runs")) == 1
    call(capsys, "run", "tiny.md", *USES, "--seeds", 4)
    move(world, own + 1, 74.9)
    move(world, own + 3, 75.1)
    found = find_evidence(opened, world / "runs")
    assert next(run.recipe.stages[0].seed for _, run in found) == own
    assert len(found) == 4
    (judged,) = judge(opened, [run for _, run in found])
    assert (judged.seeds.mean, len(judged.runs)) == (pytest.approx(75.0), 4)


def test_seeds_that_spread_too_far_show_nothing(world, capsys):
    call(capsys, "run", "tiny.md", *USES, "--seeds", 3)
    own = open_card(world / "tiny.md").recipe.stages[0].seed
    move(world, own, 74.0)
    move(world, own + 1, 77.0)
    folders = sorted((world / "runs").glob("tiny-*"))
    code, out, _err = call(capsys, "compare", "tiny.md", *folders, "--json")
    assert (code, json.loads(out)["comparisons"][0]["verdict"]) == (0, "inconclusive")
    assert call(capsys, "compare", "tiny.md", *folders, "--strict")[0] == 1
    assert "seeds would do" in json.loads(out)["comparisons"][0]["reason"]


def test_one_run_twice_is_not_two_seeds(world, capsys):
    call(capsys, "run", "tiny.md", *USES)
    (folder,) = (world / "runs").glob("tiny-*")
    code, out, _ = call(capsys, "compare", "tiny.md", folder, folder, folder, "--json")
    (comparison,) = json.loads(out)["comparisons"]
    assert (code, comparison["verdict"]) == (1, "not_comparable")
    assert "two runs of one id" in comparison["reason"]


def test_a_project_and_a_command_line_set_tolerances(world, capsys):
    call(capsys, "run", "tiny.md", *USES)
    (folder,) = (world / "runs").glob("tiny-*")
    change(folder, 30.0)
    assert call(capsys, "compare", "tiny.md", folder)[0] == 1
    assert call(capsys, "compare", "tiny.md", folder, "--tolerance", 46)[0] == 0
    entry = '[[tool.harness.tolerances]]\nmetric = "exact_match"\npoints = 46\nreason = "a small model"\n'
    (world / "pyproject.toml").write_text('[tool.harness]\nruns = "runs"\n' + entry, "utf-8")
    code, out, _ = call(capsys, "compare", "tiny.md", folder, "--json")
    (comparison,) = json.loads(out)["comparisons"]
    assert (code, comparison["verdict"], comparison["tolerance"]["reason"]) == (0, "within_tolerance", "a small model")
    change(folder, 25.0)
    assert call(capsys, "compare", "tiny.md", folder)[0] == 1
    assert call(capsys, "compare", "tiny.md", folder, "--at-least")[0] == 1
    (world / "tiny.md").write_text(card("20.0"), "utf-8")
    change(folder, 75.0)
    assert call(capsys, "compare", "tiny.md", folder)[0] == 1
    assert call(capsys, "compare", "tiny.md", folder, "--at-least")[0] == 0


@pytest.mark.parametrize("points", ["-1", "nan", "inf", "much", "101"])
def test_a_tolerance_that_is_none(world, capsys, points):
    call(capsys, "run", "tiny.md", *USES)
    (folder,) = (world / "runs").glob("tiny-*")
    code, _, err = call(capsys, "compare", "tiny.md", folder, "--tolerance", points)
    assert code == 2
    assert "--tolerance" in err
