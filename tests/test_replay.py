"""Stored predictions as evidence: scored by the official rules, recorded, and held against cards."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_world import card, write_world

from harness import environment, run_folder
from harness.cli import main
from harness.errors import PredictionsError, RecordError
from harness.evidence import find_evidence, judge, open_card, outcome
from harness.opened_data import open_data
from harness.replay import replay_predictions
from harness.store import load_run, save_run

ANSWERS = {str(i): "c" if i % 2 else "" for i in range(12)} | {"1": "d", "3": "d", "0": "c"}
"""Nine of twelve right."""


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_world(tmp_path, card())
    (tmp_path / "answers.json").write_text(json.dumps(ANSWERS), "utf-8")
    return tmp_path


def call(capsys, *arguments):
    code = main(["compare", *map(str, arguments)])
    return (code, *capsys.readouterr())


DATA = ["--data", "mini:validation", "--use", "mini:validation=mini.json"]


def test_a_prediction_file_is_evidence_and_leaves_a_record(world, capsys):
    code, out, err = call(capsys, "tiny.md", "answers.json", *DATA, "--json")
    (comparison,) = json.loads(out)["comparisons"]
    assert (code, comparison["verdict"], comparison["reproduced"]) == (0, "matches", 75.0)
    (record,) = (world / "runs").glob("*/record.json")
    assert f"record: {record}" in err
    run = load_run(record)
    assert (run.kind, run.card_name, run.model, run.stages) == ("replay", "tiny", None, ())
    assert run.signature.startswith("data:mini:validation | n:12 | ")
    assert "decoding" not in run.signature
    assert [found.kind for _, found in find_evidence(open_card(world / "tiny.md"), world / "runs", "replay")] == [
        "replay"
    ]
    assert call(capsys, "tiny.md", run.id)[0] == 0  # and by its id
    assert "tells nothing of the card's training" in call(capsys, "tiny.md", "answers.json", *DATA)[2]


def test_a_record_that_was_edited_is_not_believed(world, capsys):
    (world / "tiny.md").write_text(card("90.0"), "utf-8")
    assert call(capsys, "tiny.md", "answers.json", *DATA)[0] == 1
    (folder,) = (world / "runs").iterdir()
    run = load_run(folder)
    save_run(folder, replace(run, scores={**run.scores, "exact": 90.0}))
    code, _, err = call(capsys, "tiny.md", folder)
    assert code == 2
    assert "its predictions or scores are not those of its record" in err
    with pytest.raises(RecordError, match="not those of its record"):
        find_evidence(open_card(world / "tiny.md"), world / "runs")
    assert call(capsys, "tiny.md", "answers.json", *DATA)[0] == 1  # predictions are always scored
    assert load_run(folder).scores["exact"] == 75.0


def test_some_of_the_questions_are_no_evidence_for_all(world, capsys):
    """The size of the split is known, and the file has fewer questions."""
    text = card().replace("type: mini, name: mini, split: validation", "type: squadshifts, config: amazon, split: test")
    (world / "tiny.md").write_text(text.replace("mini", "squadshifts:amazon"), "utf-8")
    arguments = ["--data", "squadshifts:amazon:test", "--use", "squadshifts=mini.json", "--json"]
    code, out, _ = call(capsys, "tiny.md", "answers.json", *arguments)
    (comparison,) = json.loads(out)["comparisons"]
    assert (code, comparison["verdict"]) == (1, "not_comparable")
    assert "the run evaluated 12, the claim is about all 9885" in comparison["reason"]


def test_one_digit_more_differs(world, capsys):
    (world / "tiny.md").write_text(card("75.1"), "utf-8")
    code, out, _ = call(capsys, "tiny.md", "answers.json", *DATA, "--json")
    (comparison,) = json.loads(out)["comparisons"]
    assert (code, comparison["verdict"]) == (1, "differs")
    assert comparison["reason"].endswith("the stored predictions do not give the printed digits")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"5": None}, "expected text"),
        ({"99": "c"}, "99"),
    ],
)
def test_files_that_are_no_predictions_of_the_data(world, capsys, change, said):
    (world / "answers.json").write_text(json.dumps(ANSWERS | change), "utf-8")
    code, _, err = call(capsys, "tiny.md", "answers.json", *DATA)
    assert code == 2
    assert said in err and "answers.json" in err
    assert not (world / "runs").exists()


def test_missing_ids_are_an_error_unless_scored_zero(world, capsys):
    del (answers := dict(ANSWERS))["5"]
    (world / "answers.json").write_text(json.dumps(answers), "utf-8")
    code, _, err = call(capsys, "tiny.md", "answers.json", *DATA)
    assert code == 2
    assert "answers.json: 1 of 12 questions have no prediction" in err
    assert not (world / "runs").exists()
    code, out, _ = call(capsys, "tiny.md", "answers.json", *DATA, "--missing", "zero", "--json")
    (comparison,) = json.loads(out)["comparisons"]
    assert (code, comparison["reproduced"]) == (1, pytest.approx(100 * 8 / 12))


def test_repeated_ids_are_an_error(world, capsys):
    (world / "answers.json").write_text('{"1": "c", "1": "d"}', "utf-8")
    assert call(capsys, "tiny.md", "answers.json", *DATA)[0] == 2


def test_without_data_predictions_are_not_compared(world, capsys):
    code, _, err = call(capsys, "tiny.md", "answers.json")
    assert code == 2
    assert "--data" in err


def test_null_odds_give_the_best_figures(world, tmp_path):
    data = open_data("mini:validation", {"mini:validation": Path("mini.json")})
    odds = tmp_path / "odds.json"
    odds.write_text(json.dumps({str(i): float(i % 2 == 0) for i in range(12)}), "utf-8")
    _, run = replay_predictions("tiny", Path("answers.json"), data, tmp_path / "runs", null_odds=odds)
    # without an answer where the odds say so, the answer to question 0 is none, and right
    assert run.best["best_exact"] == pytest.approx(100 * 10 / 12)
    assert replay_predictions("tiny", Path("answers.json"), data, tmp_path / "runs")[1].best == {}
    for content, message in (('{"0": 1.0}', "null odds are not of the questions"), ('{"0": "1"}', "expected a number")):
        odds.write_text(content, "utf-8")
        with pytest.raises(PredictionsError, match=message):
            replay_predictions("tiny", Path("answers.json"), data, tmp_path / "others", null_odds=odds)
    assert not (tmp_path / "others").exists()


def test_a_replay_is_the_same_run_whatever_else_is_installed(world, monkeypatch):
    data = open_data("mini:validation", {"mini:validation": Path("mini.json")})
    _, run = replay_predictions("tiny", Path("answers.json"), data, world / "runs")
    assert run.environment.packages == {}
    known = environment._version
    monkeypatch.setattr(environment, "_version", lambda name: "9" if name == "torch" else known(name))
    assert replay_predictions("tiny", Path("answers.json"), data, world / "runs")[1].id == run.id
    monkeypatch.setattr(environment, "_version", lambda name: None if name != "modelcard-harness" else known(name))
    assert replay_predictions("tiny", Path("answers.json"), data, world / "runs")[1].id == run.id
    monkeypatch.setattr(run_folder, "harness_version", lambda: "999")
    assert replay_predictions("tiny", Path("answers.json"), data, world / "runs")[1].id != run.id


def test_a_report_of_a_replay_says_nothing_of_a_decoding(world, capsys):
    assert call(capsys, "tiny.md", "answers.json", *DATA)[0] == 0
    (folder,) = (world / "runs").iterdir()
    run = load_run(folder)
    save_run(folder, replace(run, environment=replace(run.environment, packages={"torch": "2.9"})))  # of an earlier one
    assert main(["report", str(folder), "--format", "md"]) == 0
    assert main(["report", str(folder), "-o", "page.html", "--use", "mini=mini.json"]) == 0
    assert main(["report", str(folder)]) == 0
    shown = capsys.readouterr().out
    page = (world / "page.html").read_text("utf-8")
    unknown = "predictions of another program; how they were decoded is not known"
    assert f"evaluation: mini:validation; {unknown}" in " ".join(shown.split())
    for text in (shown, page):
        assert unknown in text and "mini:validation" in text
        for untrue in ("n_best", "max_answer_length", "run_qa", "predictions were given", "torch"):
            assert untrue not in text, untrue


SEEDS = {
    "distiled-roberta-squad2.md": {"differs": 8},
    "roberta-base-1B-1-finetuned-squadv2.md": {"differs": 8, "not_comparable": 2},  # best figures need null odds
    "roberta-base-squad2-distilled.md": {"differs": 4, "not_comparable": 14},  # of other data sets
    "tinyroberta-squad2.md": {"differs": 8},
    "xlm-roberta-base-squad2-distilled.md": {"differs": 2},
}


def test_the_published_cards_with_another_systems_predictions(shared, tmp_path):
    data = open_data("squad_v2:validation", {"squad_v2": shared / "data" / "squad" / "dev-v2.0.json"})
    bert = shared / "data" / "predictions" / "squad2-dev-bert.json"
    for name, expected in SEEDS.items():
        opened = open_card(shared / "seeds" / name)
        _, run = replay_predictions(opened.card.name, bert, data, tmp_path)
        comparisons = judge(opened, run)
        assert Counter(c.state for c in comparisons) == expected, name
        assert outcome(comparisons)[0] == 1
        for comparison in comparisons:
            if comparison.state == "not_comparable":
                assert comparison.reason.startswith(("another data set", "the run has no"))
            else:
                assert comparison.claim.data.name == "squad_v2"


def test_a_card_that_claims_what_the_predictions_give(shared, tmp_path):
    """The official figures of that system, as its card would print them."""
    data = open_data("squad_v2:validation", {"squad_v2": shared / "data" / "squad" / "dev-v2.0.json"})
    bert = shared / "data" / "predictions" / "squad2-dev-bert.json"
    figures = {"exact": "78.74168280973637", "f1": "81.77528052374727", "HasAns_exact": "74.10593792172739"}
    block = "".join(f'  "{key}": {value},\n' for key, value in figures.items())
    text = (
        "---\nmodel-index:\n- name: bert\n  results:\n  - task: {type: question-answering}\n"
        "    dataset: {type: squad_v2, name: SQuAD, split: validation}\n    metrics:\n"
        "    - {type: exact_match, value: 78.742}\n    - {type: f1, value: 81.77}\n---\n\n# bert\n\n"
        f'Evaluated on the SQuAD 2.0 dev set:\n\n```\n{block}  "total": 11873\n```\n'
    )
    (tmp_path / "bert.md").write_text(text, "utf-8")
    opened = open_card(tmp_path / "bert.md")
    _, run = replay_predictions("bert", bert, data, tmp_path / "runs")
    comparisons = judge(opened, run)
    assert len(comparisons) == 5
    assert {c.state for c in comparisons} == {"matches"}  # rounded, cut, and in full
    wrong = open_card(_write(tmp_path / "wrong.md", text.replace("11873", "11870")))
    states = Counter(c.state for c in judge(wrong, run))
    assert states == {"matches": 3, "not_comparable": 2}  # has_ans has a total of its own


def _write(path, text):
    path.write_text(text, "utf-8")
    return path


def test_what_is_missing_is_named(world, capsys):
    code, _, err = call(capsys, "tiny.md", "anwsers.json", *DATA)
    assert code == 2
    assert "anwsers.json: found no card, run or prediction file" in " ".join(err.replace("│", " ").split())
    (world / "answers.json").write_text("{", "utf-8")
    code, _, err = call(capsys, "tiny.md", "answers.json", *DATA)
    assert (code, "run record" in err) == (2, False)


def test_a_file_whose_name_says_nothing_is_explained(world, capsys):
    code, _, err = call(capsys, "tiny.md", "answers.json", "--data", "mini.json")
    if code:  # the file's name is not that of the data set
        assert "mini:validation as the data, with --use mini:validation=mini.json" in err
    (world / "mini.json").rename(world / "mine.json")
    code, _, err = call(capsys, "tiny.md", "answers.json", "--data", "mine.json")
    assert code == 1
    assert "if mine.json holds what the card claims to be about, say so: mini:validation as the data" in err
    assert "claims are about it)" in err


def test_data_of_two_names_in_a_card_are_explained(world, capsys):
    """A reference that fits some claims: only the card can say that its other name is the same."""
    card = (world / "tiny.md").read_text("utf-8")
    (world / "tiny.md").write_text(f"{card}\n## Results on Miniature\n\nEvaluated on Miniature: EM is 50.0.\n", "utf-8")
    _, _, err = call(capsys, "tiny.md", "answers.json", *DATA)
    assert "the card also names Miniature: if that is mini too, write mini in its place" in err


def test_the_report_of_a_replay_says_how_to_repeat_it(world, capsys):
    assert call(capsys, "tiny.md", "answers.json", *DATA)[0] == 0
    (folder,) = (world / "runs").iterdir()
    assert main(["report", str(folder), "--format", "md"]) == 0
    out = capsys.readouterr().out
    assert "harness compare CARD predictions.json --data mini:validation" in out
    assert "| exact_match | all |" in out
