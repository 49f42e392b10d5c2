"""Several seeds of one recipe, from the command line to one verdict."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fake_engine import FakeEngine
from tiny_world import card, write_world

from harness.cli import main, run_commands
from harness.errors import RecipeError
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


TWO = """epochs = 1
```

```
stage = "first"
seed = 1
```

```
stage = "second"
seed = 2
base_model = "first"
"""


@pytest.fixture
def two(world):
    """A card of two stages."""
    (world / "tiny.md").write_text(card().replace("epochs = 1\n", TWO), "utf-8")
    return world


def seeds(out):
    runs = json.loads(out)
    stages = [run["recipe"]["stages"] for run in (runs if isinstance(runs, list) else [runs])]
    return [tuple(stage["seed"] for stage in each) for each in stages]


@pytest.mark.parametrize(
    ("options", "ran"),
    [
        ((), [(1, 2)]),
        (("--seed", "7"), [(7, 7)]),
        (("--seed", "second=4"), [(1, 4)]),
        (("--seed", " first = 0 "), [(0, 2)]),
        (("--seed", "second=4", "--seed", "first=3"), [(3, 4)]),
        (("--seed", "second=4", "--seed", "7"), [(7, 4)]),
        (("--seed", "second=4294967295"), [(1, 4294967295)]),
        (("--seeds", "3"), [(1, 2), (3, 3), (4, 4)]),
        (("--seed", "7", "--seeds", "3"), [(7, 7), (8, 8), (9, 9)]),
        (("--seed", "second=4", "--seeds", "3"), [(1, 4), (1, 5), (1, 6)]),
        (("--seed", "second=4", "--seed", "7", "--seeds", "2"), [(7, 4), (8, 5)]),
    ],
)
def test_the_seed_of_one_stage(two, capsys, options, ran):
    code, out, _ = call(capsys, "run", "tiny.md", *USES, *options, "--json")
    assert (code, seeds(out)) == (0, ran)
    if "--seeds" not in options:
        code, out, _ = call(capsys, "plan", "tiny.md", *options, "--json")
        assert (code, seeds(out and f'{{"recipe": {out}}}')) == (0, ran)


def test_where_the_seed_of_one_stage_comes_from(two, capsys):
    _, out, _ = call(capsys, "plan", "tiny.md", "--seed", "second=4", "--json")
    assert [stage["origins"]["seed"]["how"] for stage in json.loads(out)["stages"]] == ["stated", "given"]
    opened = open_card(two / "tiny.md", seed=3, stage_seeds={"second": 4})
    assert [stage.seed for stage in opened.recipe.stages] == [3, 4]
    with pytest.raises(RecipeError, match="found the stage 'third', expected one of first, second"):
        open_card(two / "tiny.md", stage_seeds={"third": 4})


@pytest.mark.parametrize("command", ["run", "reproduce", "plan"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["third=4"], "found no stage 'third', expected one of first, second"),
        (["second=4", "second=5"], "the stage 'second' twice"),
        (["4", "4"], "of every stage twice"),
        (["second=x"], "not of the form"),
        (["second="], "not of the form"),
        (["=4"], "not of the form"),
        (["second"], "not of the form"),
        (["second=-1"], "not of the form"),
        (["-1"], "not of the form"),
        (["1.5"], "not of the form"),
        (["second=1_0"], "not of the form"),
        (["\u0664"], "not of the form"),
        (["4294967296"], "not of the form"),
        (["9" * 5000], "not of the form"),
        ([""], "not of the form"),
    ],
)
def test_seeds_that_are_none(two, capsys, command, given, message):
    options = [word for text in given for word in ("--seed", text)]
    code, out, err = call(capsys, command, "tiny.md", *options)
    assert (code, out) == (2, "")
    assert message in " ".join(err.replace("│", " ").split())
    assert not (two / "runs").exists()


def test_seeds_of_one_stage_are_evidence_and_say_so(two, capsys):
    code, out, err = call(capsys, "reproduce", "tiny.md", *USES, "--seed", "second=2", "--seeds", 3)
    assert code == 0
    assert "3 seeds of stage second alone" in " ".join(out.split())
    runs = [run for _, run in find_runs("tiny", [two / "runs"])]
    (trained,) = [run.id for run in runs if run.stages[0].taken_from is None]
    assert err.count(f"first: 3/3 taken from run {trained}\n") == 2
    assert sorted(str(run.stages[0].taken_from) for run in runs) == sorted(["None", trained, trained])
    opened = open_card(two / "tiny.md")
    found = find_evidence(opened, two / "runs")
    assert len(found) == 3
    assert [stage.seed for stage in found[0][1].recipe.stages] == [1, 2]  # the card's own first
    (judged,) = judge(opened, [run for _, run in found])
    assert (judged.verdict.value, len(judged.runs)) == ("matches", 3)


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
