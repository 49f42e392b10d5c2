"""Reports from run records."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from documents import HOSTILE, MARKDOWN, finished_run, hostile_run, plain, structure, tables
from tiny_world import card, write_world

from harness.cli import main
from harness.errors import TemplateError
from harness.examples import judge_example
from harness.opened_data import open_data
from harness.records import (
    DataRef,
    Decoding,
    Example,
    ExampleComparison,
    Origin,
    Place,
    ProbableAnswer,
    Recipe,
    Run,
    Verdict,
    from_json,
    to_json,
)
from harness.render import render_report
from harness.render.sandbox import render_template
from harness.render.views import recipe_tables, repeat_command
from harness.replay import replay_predictions


@pytest.fixture
def run() -> Run:
    return finished_run()


def test_the_fixture_is_a_record(run: Run) -> None:
    assert from_json(Run, to_json(run)) == run


def test_report_is_the_same_bytes_each_time(run: Run) -> None:
    assert render_report(run) == render_report(from_json(Run, to_json(run)))


def test_report_shows_every_verdict(run: Run) -> None:
    header, *rows = tables(render_report(run))["Claims"]
    assert [row[header.index("verdict")] for row in rows] == ["matches", "within_tolerance", "differs", "unchecked"]
    for row, comparison in zip(rows, run.comparisons, strict=True):
        cells = dict(zip(header, row, strict=True))
        assert cells["metric"] == comparison.claim.metric
        assert cells["subset"] == comparison.claim.subset
        assert cells["data"] == (str(comparison.claim.data) if comparison.claim.data else "not stated")
        assert cells["reported"].split()[0] == comparison.claim.digits
        assert cells["reason"] == comparison.reason
        assert cells["line"] == str(comparison.claim.place.line)
        if comparison.reproduced is None:
            assert cells["reproduced"] == cells["difference"] == cells["tolerance"] == ""
        else:
            assert comparison.difference is not None
            assert comparison.tolerance is not None
            assert float(cells["reproduced"]) == pytest.approx(comparison.reproduced, abs=5e-5)
            assert float(cells["difference"]) == pytest.approx(comparison.difference, abs=5e-5)
            assert float(cells["tolerance"]) == comparison.tolerance.within


def test_report_puts_verdicts_first(run: Run) -> None:
    headings = [line for line in render_report(run).splitlines() if line.startswith("## ")]
    assert headings == [
        "## Claims",
        "## Signature",
        "## Data",
        "## Scores",
        "## Scores by kind of question",
        "## Stages",
        "## Predictions",
        "## Recipe",
        "## Environment",
        "## How to repeat",
    ]


def test_report_shows_scores_and_checksums(run: Run) -> None:
    text = render_report(run)
    found = tables(text)
    assert {key: float(value) for key, value in found["Scores"][1:]} == pytest.approx(run.scores, abs=5e-5)
    assert ["founder", "66.4000", "68.3488", "250"] in found["Scores by kind of question"]
    for stage in run.stages:
        assert stage.weights_sha256 in text
        assert all(used.sha256 in text for used in stage.data)
    assert run.evaluated is not None
    assert run.evaluated.sha256 in text
    assert str(run.signature) in text


def test_report_names_the_origin_of_every_value(run: Run) -> None:
    found = tables(render_report(run))
    teacher = {name: (value, origin) for name, value, origin in found["Stage teacher"][1:]}
    assert teacher["student"] == ("pocket/roberta-2x64", "stated, line 31")
    assert teacher["adam_beta2"] == ("0.98", "assumed: 0.999 diverged | with this batch size")
    assert teacher["weight_decay"] == ("0", "default: transformers TrainingArguments")
    assert "warmup_rounding" in teacher
    idle = {"teacher", "temperature", "distillation_loss_weight", "distillation_loss", "layer_map", "masked_lm"}
    assert not idle & teacher.keys()
    student = {name: value for name, value, _ in found["Stage student"][1:]}
    assert student["data"] == "pocket:train[:2000] + pocket:train"
    evaluation = {name: (value, origin) for name, value, origin in found["Evaluation"][1:]}
    assert evaluation["max_answer_length"] == ("30", "default: run_qa.py")


def test_report_says_how_to_repeat(run: Run) -> None:
    odd = replace(run, card_path="my cards/it's.md", used={"a/b": "c d"})
    assert "harness reproduce cards/pocket__distilled/README.md --use squad_v2=dev-v2.0.json\n" in render_report(run)
    assert """harness reproduce 'my cards/it'"'"'s.md' --use 'a/b=c d'\n""" in render_report(odd)


def test_report_leaves_out_what_the_record_lacks(run: Run) -> None:
    failed = Run(
        run.schema, run.id, run.kind, "failed", run.card_name, run.card_path, run.card_sha256, run.recipe, {},
        replace(run.environment, commit=None, dirty=None), run.started, error="stage teacher: loss is not finite",
    )  # fmt: skip
    text = render_report(failed)
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["## Recipe", "## Environment", "## How to repeat"]
    assert "Error: stage teacher: loss is not finite" in text
    assert "None" not in text
    assert "Finished" not in text


@pytest.mark.parametrize("text", HOSTILE)
def test_report_shows_hostile_text_as_text(run: Run, text: str) -> None:
    harmless, hostile = render_report(hostile_run(run, "words")), render_report(hostile_run(run, text))
    assert structure(hostile) == structure(harmless)
    assert "<!-- /harness:evidence" not in hostile
    shown = re.sub(r"\n+", " ", text).strip()
    assert shown in next(plain(token) for token in MARKDOWN.parse(hostile) if token.type == "inline")


def test_the_command_repeats_a_seed_given_for_the_run(run: Run) -> None:
    assert "--seed" not in render_report(run)
    stages = tuple(replace(stage, seed=7, origins={"seed": Origin("given")}) for stage in run.recipe.stages)
    seeded = replace(run, recipe=replace(run.recipe, stages=stages))
    assert f"harness reproduce {run.card_path} --seed 7" in render_report(seeded)


def test_the_command_repeats_a_seed_given_for_one_stage(run: Run) -> None:
    first = run.recipe.stages[0]
    two = (replace(first, name="one", seed=7), replace(first, name="two", seed=4, origins={"seed": Origin("given")}))
    begin = f"harness reproduce {run.card_path} --seed"
    assert f"{begin} two=4 --use" in repeat_command(replace(run, recipe=replace(run.recipe, stages=two)))
    both = tuple(replace(stage, origins={"seed": Origin("given")}) for stage in two)
    assert f"{begin} one=7 --seed two=4 --use" in repeat_command(replace(run, recipe=replace(run.recipe, stages=both)))


def replayed(run: Run, **changes: object) -> Run:
    recipe = Recipe((), DataRef("mini", "validation"), Decoding(), {})
    return replace(run, kind="replay", recipe=recipe, used={"mini": "my mini.json"}, best={}, **changes)  # type: ignore


def test_the_command_repeats_a_replay(run: Run) -> None:
    data = "data:mini:validation | n:12 | sha256:0 | rules:2.0"
    plain_run = replayed(run, predictions_file="answers.json", signature=f"{data} | v:1")
    begin, use = "harness compare CARD answers.json --data mini:validation", "--use 'mini=my mini.json'"
    assert repeat_command(plain_run) == f"{begin} {use}"
    assert repeat_command(replace(plain_run, best={"best_f1": 1.0})) == f"{begin} --na-prob-file NULL_ODDS {use}"
    lacking = replace(plain_run, signature=f"{data} | missing:3 scored 0 | v:1")
    assert repeat_command(lacking) == f"{begin} --missing zero {use}"
    assert repeat_command(replace(lacking, best={"best_f1": 1.0})) == (
        f"{begin} --na-prob-file NULL_ODDS --missing zero {use}"
    )
    bare = replace(plain_run, predictions_file=None, signature=None, used={})
    assert repeat_command(bare) == "harness compare CARD predictions.json --data mini:validation"


def test_the_command_of_a_replay_gives_the_same_run_again(tmp_path, monkeypatch, capsys):
    """What it says is carried out, with the words in capitals replaced."""
    monkeypatch.chdir(tmp_path)
    write_world(tmp_path, card())
    answers = {str(i): "c" if i % 2 else "" for i in range(11)}  # the last has none
    Path("predictions.json").write_text(json.dumps(answers), "utf-8")
    Path("odds.json").write_text(json.dumps({qid: float(i) for i, qid in enumerate(answers)}), "utf-8")
    data = open_data("mini:validation", {"mini": Path("mini.json")})
    _, first = replay_predictions(
        *("tiny", Path("predictions.json"), data, Path("runs")),
        null_odds=Path("odds.json"),
        uses={"mini": Path("mini.json")},
        missing="zero",
    )
    words = shlex.split(repeat_command(first).replace("CARD", "tiny.md").replace("NULL_ODDS", "odds.json"))
    assert main([*words[1:], "--runs", "again"]) in (0, 1)
    assert f"again/{first.id}/record.json" in capsys.readouterr().err


def test_fields_without_effect_are_shown_where_somebody_told_them(run: Run) -> None:
    def shown(**changes: object) -> set[str]:
        stage = replace(run.recipe.stages[0], kind="finetune", teacher=None, **changes)  # type: ignore[arg-type]
        tables = recipe_tables(replace(run, recipe=replace(run.recipe, stages=(stage,))))
        return {row.name for row in tables[0].rows}

    silent = shown(origins={})
    assert not silent & {"teacher", "temperature", "attention_target", "augment_factor", "space_words"}
    assert silent >= {"kind", "student", "data", "epochs", "seed", "augment", "layer_map"} - {"layer_map"}
    told = shown(origins={"temperature": Origin("stated"), "space_words": Origin("default", "d")})
    assert told - silent == {"temperature"}
    assert "teacher" in shown(origins={"teacher": Origin("assumed", "a reason")})
    distilled = replace(run.recipe.stages[0], kind="distil_logits", hidden_loss_weight=1.0, origins={})
    rows = recipe_tables(replace(run, recipe=replace(run.recipe, stages=(distilled,))))[0].rows
    assert {"teacher", "temperature", "layer_map"} <= {row.name for row in rows}


def test_a_template_that_cannot_be_rendered_is_one_error(run: Run) -> None:
    with pytest.raises(TemplateError, match=r"^report\.md\.j2:1: the package's template cannot be rendered \(.*fault"):
        render_template("report.md.j2", {})
    fields = {"given": (), "comparisons": (object(),), "show_line": True}
    with pytest.raises(TemplateError, match=r"^_results\.md\.j2:\d+: "):  # the file that is to blame
        render_template("_results.md.j2", fields)


def with_examples(run: Run) -> Run:
    context = "Ada | Merk founded it in *1204*."
    printed = Example("Who | what?", context, "Ada | Merk", 0, 10, 0.9, Place(5, 15, 12))
    examples = (
        judge_example(printed, ProbableAnswer("Ada | Merk", 0.9, 0, 10)),
        judge_example(replace(printed, score=None, answer=""), ProbableAnswer("*1204*", 0.25, 25, 31)),
        judge_example(printed, None),
        ExampleComparison(printed, Verdict.NOT_COMPARABLE, "it could not be asked: <b>", asked=False),
    )
    return replace(run, examples=examples)


def test_report_shows_examples(run: Run) -> None:
    text = render_report(with_examples(run))
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings[:3] == ["## Claims", "## Examples", "## Signature"]
    _, *rows = tables(text)["Examples"]
    assert [row[:7] for row in rows] == [
        ["12", "Who | what?", "Ada | Merk", "Ada | Merk", "0.9000", "0.9000", "matches"],
        ["12", "Who | what?", "no answer", "*1204*", "", "0.2500", "differs"],
        ["12", "Who | what?", "Ada | Merk", "no answer", "0.9000", "", "differs"],
        ["12", "Who | what?", "Ada | Merk", "not asked", "0.9000", "", "not_comparable"],
    ]
    assert [row[7] for row in rows] == [comparison.reason for comparison in with_examples(run).examples]


@pytest.mark.parametrize("text", HOSTILE)
def test_report_shows_hostile_examples_as_text(run: Run, text: str) -> None:
    harmless, hostile = (render_report(hostile_run(with_examples(run), words)) for words in ("words", text))
    assert structure(hostile) == structure(harmless)
    assert "<!-- /harness:evidence" not in hostile
