"""The command line: output, exit codes, and one line for bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_engine import FakeEngine
from tiny_world import card, write_world

from harness.cli import main, run_commands

CARDS = Path(__file__).parent / "data" / "cards"


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A card, a model and data of twelve questions, of which the engine gets three wrong."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_commands, "_engine", lambda *options: FakeEngine())
    write_world(tmp_path, card())
    return tmp_path


def call(capsys, *arguments):
    code = main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return code, out, err


USES = ("--use", "org/base=base", "--use", "mini:train=mini.json", "--use", "mini:validation=mini.json")


def test_reproduce_writes_report_and_card_and_says_as_claimed(world, capsys):
    code, out, err = call(capsys, "reproduce", "tiny.md", *USES)
    assert code == 0
    assert "matches" in out
    assert "as claimed: matches 1" in err
    assert 'always answering "no answer" scores exact 50.0000' in err
    (folder,) = (world / "runs").iterdir()
    assert {"record.json", "report.md", "card.md", "predictions.json", "null_odds.json", "eval.json"} <= {
        p.name for p in folder.iterdir()
    }
    record = json.loads((folder / "record.json").read_text("utf-8"))
    assert record["comparisons"][0]["verdict"] == "matches"
    # and every other command finds it by its id
    for command in (
        ["compare", "tiny.md", folder.name],
        ["report", folder.name],
        ["render", "tiny.md", "--run", folder.name],
    ):
        assert call(capsys, *command)[0] == 0
        assert call(capsys, *command, "--json")[0] == 0


@pytest.mark.parametrize(("value", "strict", "code"), [("75.3", (), 0), ("45.0", (), 1), ("75.6", ("--strict",), 0)])
def test_exit_code_follows_the_verdict(world, capsys, value, strict, code):
    (world / "tiny.md").write_text(card(value), "utf-8")
    assert call(capsys, "reproduce", "tiny.md", *USES, *strict)[0] == code


def test_json_output_is_json(world, capsys):
    code, out, _ = call(capsys, "reproduce", "tiny.md", *USES, "--json")
    data = json.loads(out)
    assert (code, data["exit_code"], data["run"]["status"]) == (0, 0, "finished")
    for command in (["claims", "tiny.md", "--json"], ["audit", "tiny.md", "--json"], ["plan", "tiny.md", "--json"]):
        json.loads(call(capsys, *command)[1])


def test_a_card_without_claims_checks_nothing(world, capsys):
    text = card("75.0").replace("metrics:\n    - {type: exact_match, value: 75.0}", "metrics: []")
    (world / "tiny.md").write_text(text, "utf-8")
    code, _, err = call(capsys, "reproduce", "tiny.md", *USES)
    assert code == 1
    assert "nothing was checked" in err


def test_a_claim_on_other_data_is_not_a_pass(world, capsys):
    (world / "tiny.md").write_text(card("75.0").replace("split: validation}", "split: test}"), "utf-8")
    code, out, err = call(capsys, "reproduce", "tiny.md", *USES)
    assert code == 1
    assert "not_comparable" in out
    assert "nothing was checked" in err


def test_a_failing_engine_is_exit_3(world, capsys, monkeypatch):
    monkeypatch.setattr(run_commands, "_engine", lambda *options: FakeEngine(fail_at="model"))
    code, _, err = call(capsys, "run", "tiny.md", *USES)
    if code != 3:  # the stage's name is the planner's choice
        (folder,) = (world / "runs").iterdir()
        stage = json.loads((folder / "record.json").read_text("utf-8"))["recipe"]["stages"][0]["name"]
        monkeypatch.setattr(run_commands, "_engine", lambda *options: FakeEngine(fail_at=stage))
        code, _, err = call(capsys, "run", "tiny.md", *USES, "--fresh")
    assert code == 3
    assert "the machine caught fire" in err
    assert err.strip().count("harness: error") == 1


def test_score_prints_the_official_object(world, capsys):
    (world / "p.json").write_text(json.dumps({str(i): "c" for i in range(12)}), "utf-8")
    (world / "odds.json").write_text(json.dumps({str(i): -float(i % 2) for i in range(12)}), "utf-8")
    code, out, err = call(capsys, "score", "mini.json", "p.json")
    figures = json.loads(out)
    assert (code, figures["exact"], figures["NoAns_exact"], figures["total"]) == (0, 50.0, 0.0, 12)
    assert "signature: data:mini | n:12 |" in err
    figures = json.loads(call(capsys, "score", "mini.json", "p.json", "-n", "odds.json", "-t", "-0.5")[1])
    assert (figures["exact"], figures["best_exact"], figures["best_exact_thresh"]) == (100.0, 100.0, -1.0)


def bad_inputs():
    yield "empty card", ["audit", "empty.md"], "empty.md"
    yield "card without front matter", ["plan", "plain.md"], "front matter"
    yield "broken YAML", ["plan", "broken.md"], "broken.md:"
    yield "no such card", ["claims", "none.md"], "none.md"
    yield "predictions are a list", ["score", "mini.json", "list.json"], "found a list"
    yield "data are empty", ["score", "empty.md", "list.json"], "the file is empty"
    yield "model without weights", ["run", "tiny.md", "--use", "org/base=hollow", *USES[2:]], "*.safetensors"
    yield "unknown field", ["plan", "unknown.md"], "unknown.md:"
    yield "unwritable runs", ["run", "tiny.md", *USES, "--runs", "list.json"], "cannot be written"
    yield "malformed use", ["run", "tiny.md", "--use", "base"], "ID=PATH"
    yield "use of nothing", ["run", "tiny.md", "--use", "org/base=nowhere"], "does not exist"
    yield "no such run", ["report", "nothing"], "no run record"
    yield "broken record", ["report", "list.json"], "schema"
    yield "unknown option", ["run", "--frobnicate"], "frobnicate"


@pytest.mark.parametrize(("arguments", "message"), [row[1:] for row in bad_inputs()], ids=[r[0] for r in bad_inputs()])
def test_bad_input_is_one_line_and_exit_2(world, capsys, arguments, message):
    (world / "empty.md").write_text("", "utf-8")
    (world / "plain.md").write_text("# A model\n\nGood.\n", "utf-8")
    (world / "broken.md").write_text("---\nlicense: [mit\ntags: x\n---\n# x\n", "utf-8")
    (world / "list.json").write_text("[]", "utf-8")
    (world / "unknown.md").write_text(card("1").replace("epochs = 1", 'stage = "a"\nepoches = 1'), "utf-8")
    (world / "hollow").mkdir()
    for name in ("config.json", "tokenizer.json"):
        (world / "hollow" / name).write_text("{}", "utf-8")
    before = sorted(p.name for p in world.iterdir())
    code, out, err = call(capsys, *arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert out == ""
    if "harness: error" in err:
        assert err.count("\n") == 1
    assert sorted(p.name for p in world.iterdir()) == before


def test_control_characters_never_reach_the_terminal(world, capsys):
    (world / "tiny.md").write_text(card("75.0").replace('"org/base"', '"org/\x1b[2Jbase"'), "utf-8")
    for command in (["claims", "tiny.md"], ["plan", "tiny.md"], ["audit", "tiny.md"]):
        _, out, err = call(capsys, *command)
        assert "\x1b" not in out + err


def test_no_arguments_shows_help(capsys):
    code, out, err = call(capsys)
    assert code == 2 or code == 0
    assert "reproduce" in out + err


def test_one_file_for_two_splits_is_refused_before_training(world, capsys):
    code, out, err = call(capsys, "run", "tiny.md", *USES[:2], "--use", "mini=mini.json")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--use mini:train=PATH --use mini:validation=PATH" in err
    assert not (world / "runs").exists()


def test_a_path_that_the_system_refuses_is_one_line(world, capsys):
    for command in ("report", "plan", "audit"):
        code, out, err = call(capsys, command, "a" * 5000)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "File name too long" in err


def test_errors_show_control_characters_as_escapes(world, capsys):
    code, _, err = call(capsys, "report", "no\x1b[2Jrun")
    assert code == 2
    assert "\x1b" not in err
    assert "\\x1b[2J" in err


@pytest.mark.parametrize(
    "options",
    [("-t", "-1"), ("-n", "odds.json", "-t", "nan"), ("-n", "odds.json", "--rules", "1.1")],
)
def test_a_threshold_that_would_be_left_out_is_refused(world, capsys, options):
    answerable = {"data": [{"paragraphs": [{"context": "c", "qas": []}]}]}
    answerable["data"][0]["paragraphs"][0]["qas"] = [
        {"id": "a", "question": "?", "answers": [{"text": "c", "answer_start": 0}]}
    ]
    (world / "d.json").write_text(json.dumps(answerable), "utf-8")
    (world / "p.json").write_text('{"a": "c"}', "utf-8")
    (world / "odds.json").write_text('{"a": 0.5}', "utf-8")
    code, out, err = call(capsys, "score", "d.json", "p.json", *options)
    assert (code, out) == (2, "")
    assert "--na-prob-" in err


def test_help_says_where_runs_lie(capsys):
    main(["run", "--help"])  # brackets would be taken for markup and vanish
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "(default: runs of tool.harness in pyproject.toml, else ./runs)" in shown


def test_an_interrupted_command_is_exit_130_and_goes_on(world, capsys, monkeypatch):
    def interrupt(self, model, questions, decoding, progress, keep):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FakeEngine, "predict", interrupt)
        code, _, err = call(capsys, "run", "tiny.md", *USES)
    assert code == 130
    assert "Traceback" not in err
    code, _, err = call(capsys, "run", "tiny.md", *USES)
    assert code == 0
    assert "already trained" in err


def test_a_terminal_that_lacks_characters(world):
    text = card("75.0").replace("epochs = 1", 'epochs = 1\nother = "\N{SNOWMAN}"')
    (world / "tiny.md").write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "harness", "claims", "tiny.md"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, b"\\u2603" in done.stdout, done.stderr) == (0, True, b"")
