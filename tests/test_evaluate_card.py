"""``harness evaluate --card``: decoded as the card says, judged by it, and explained where a claim is off."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from fake_engine import FakeEngine
from tiny_world import card, write_world

from harness.cli import evaluate_command, main
from harness.evidence import judge, open_card
from harness.records import Scores, from_json
from harness.released import with_flips
from harness.squad import summarize
from harness.store import load_run, save_run

DATA = ["mini:validation", "--use", "mini:validation=mini.json"]


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_world(tmp_path, card())
    (tmp_path / "base").rename(tmp_path / "tiny")
    engine = FakeEngine()
    monkeypatch.setattr(evaluate_command, "_engine", lambda *_: (engine, SimpleNamespace(resolved={})))
    return tmp_path


def call(capsys, *arguments):
    code = main(["evaluate", "tiny", *DATA, *map(str, arguments)])
    return (code, *capsys.readouterr())


def judged(capsys, *arguments):
    code, out, _ = call(capsys, "--card", "tiny.md", "--json", *arguments)
    result = json.loads(out)
    assert result["exit_code"] == code
    (comparison,) = result["run"]["comparisons"]
    return code, comparison, result["run"]


def test_a_claim_that_holds(world, capsys):
    code, comparison, run = judged(capsys)
    assert (code, comparison["verdict"], comparison["protocol"]) == (0, "matches", "assumed")
    assert run["alternatives"] is None  # nothing is to be explained
    folder = world / "runs" / run["id"]
    assert load_run(folder).comparisons[0].verdict.value == "matches"
    assert "matches" in (folder / "report.md").read_text("utf-8")
    code, _out, err = call(capsys, "--card", "tiny.md")
    assert code == 0
    assert "as claimed: matches 1" in err


def test_a_card_of_another_model_is_told(world, capsys):
    (world / "tiny").rename(world / "other")
    code = main(["evaluate", "other", *DATA, "--card", "tiny.md"])
    assert code == 0
    assert "note: the run evaluated other, the card is of tiny" in capsys.readouterr().err
    assert main(["evaluate", "other", *DATA, "--card", "tiny.md", "--strict", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["notes"] == ["the run evaluated other, the card is of tiny"]
    assert told["outcome"].startswith("not shown (strict), of another model")


def test_a_claim_that_does_not_hold_is_explained_as_far_as_the_run_allows(world, capsys):
    (world / "tiny.md").write_text(card("20.0"), "utf-8")
    code, comparison, run = judged(capsys)
    assert (code, comparison["verdict"]) == (0, "inconclusive")  # this engine keeps no logits
    assert f"none of {len(run['alternatives'])} other protocols tried gives it. No logits" in comparison["reason"]
    assert judged(capsys, "--strict")[0] == 1
    report = (world / "runs" / run["id"] / "report.md").read_text("utf-8")
    assert "## Other protocols" in report
    assert "exact match and F1 together by chance" in report
    assert main(["compare", "tiny.md", str(world / "runs" / run["id"]), "--data", *DATA]) == 0
    assert "harness evaluate with those options leaves a run that takes part" in capsys.readouterr().err
    # the figure of one of the protocols explains
    named = [(a["name"], a["scores"]["exact"]) for a in run["alternatives"] if "exact" in a["scores"]]
    name, figure = next((name, figure) for name, figure in named if abs(figure - 75.0) > 1)
    (world / "tiny.md").write_text(card(f"{figure:.4f}"), "utf-8")
    code, comparison, _ = judged(capsys)
    assert (code, comparison["verdict"], comparison["explained_by"]) == (0, "inconclusive", name)


def test_a_run_of_the_same_weights_that_comes_later_takes_part(world, capsys):
    (world / "tiny.md").write_text(card("20.0"), "utf-8")
    before = {a["name"] for a in judged(capsys)[2]["alternatives"]}
    assert call(capsys, "--max-seq-len", 40, "--doc-stride", 4, "--max-query-length", 20)[0] == 0
    after = {a["name"] for a in judged(capsys)[2]["alternatives"]}
    assert before < after
    assert any("max_seq_len 40" in name for name in after - before)


def test_the_card_says_how_to_decode_and_the_command_goes_before_it(world, capsys):
    (world / "tiny.md").write_text(card(settings="n_best = 5\nnull_threshold = -1\n"), "utf-8")
    decoding = judged(capsys)[2]["recipe"]["decoding"]
    assert (decoding["n_best"], decoding["null_threshold"]) == (5, -1)
    _code, comparison, run = judged(capsys, "--n-best", 7)
    assert (run["recipe"]["decoding"]["n_best"], run["recipe"]["decoding"]["null_threshold"]) == (7, -1)
    assert (comparison["verdict"], comparison["protocol"]) == ("inconclusive", "other")
    origins = run["recipe"]["origins"]
    assert (origins["n_best"]["how"], origins["null_threshold"]["how"]) == ("given", "stated")


def test_options_that_judge_need_a_card(world, capsys):
    for option in ("--until-certain", "--at-least", "--strict"):
        assert call(capsys, option)[0] == 2


def test_an_early_stop_for_a_card(world, capsys):
    (world / "tiny.md").write_text(card("20.0", "stage = main\nprotocol = run_qa\n"), "utf-8")
    code, comparison, run = judged(capsys, "--until-certain")
    assert run["bounds"]["n"] == 12
    assert comparison["protocol"] == "known"
    assert code == (1 if comparison["verdict"] == "differs" else 0)
    assert "until_certain" in run["signature"]
    full = judged(capsys)[2]
    assert full["id"] != run["id"]


def test_nothing_to_be_certain_about(world, capsys):
    (world / "tiny.md").write_text(card().replace("mini, name: mini", "squad, name: squad"), "utf-8")
    code, _, err = call(capsys, "--card", "tiny.md", "--until-certain")
    assert code == 2
    assert "found no claim of exact match or F1" in err


def test_questions_that_turned_are_named(world, capsys):
    (world / "tiny.md").write_text(card(settings="stage = main\nprotocol = run_qa\n"), "utf-8")
    opened = open_card(world / "tiny.md")
    first = world / "runs" / judged(capsys)[2]["id"]
    other = world / "runs" / "other"
    other.mkdir()
    scores = json.loads((first / "per_question.json").read_text("utf-8"))
    for qid in ("1", "2", "3", "5", "6", "7"):
        scores["exact"][qid] = scores["f1"][qid] = 0.0
    (other / "per_question.json").write_text(json.dumps(scores), "utf-8")
    figures = summarize(from_json(Scores, scores))
    assert figures["exact"] == 25.0
    run = replace(load_run(first), id="other", scores=figures)
    save_run(other, run)
    (comparison,) = judge(opened, run)
    assert comparison.verdict.value == "differs"
    (flipped,) = with_flips(run, [comparison], other, world / "runs")
    assert set(flipped.flipped) == {"1", "2", "3", "5", "6", "7"}
    assert f"6 questions score otherwise than in run {first.name}" in flipped.reason
    (alone,) = with_flips(run, [comparison], other, world / "elsewhere")
    assert alone.flipped == ()
    assert "which is 6.0 of 12 questions; no run on record gives the claimed figure" in alone.reason
