"""``harness score``: the official object, and what its options add to it."""

from __future__ import annotations

import json

import pytest

from harness.cli import main
from harness.signature import parse_signature

PARAGRAPHS = [
    ("Orvel lies by the sea.", [("q1", "Where is Orvel?", "by the sea"), ("q2", "Who founded Orvel?", None)]),
    ("Tamsin has two mills.", [("q3", "How many mills are there?", "two"), ("q4", "What has Tamsin?", "two mills")]),
]
ANSWERS = {"q1": "by the sea", "q2": "the sea", "q3": "", "q4": "mills"}
ODDS = {"q1": -3.0, "q2": 1.0, "q3": 2.0, "q4": -1.0}


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paragraphs = []
    for context, questions in PARAGRAPHS:
        qas = [
            {
                "id": qid,
                "question": text,
                "answers": [] if answer is None else [{"text": answer, "answer_start": context.index(answer)}],
                "is_impossible": answer is None,
            }
            for qid, text, answer in questions
        ]
        paragraphs.append({"context": context, "qas": qas})
    (tmp_path / "d.json").write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), "utf-8")
    (tmp_path / "p.json").write_text(json.dumps(ANSWERS), "utf-8")
    (tmp_path / "odds.json").write_text(json.dumps(ODDS), "utf-8")
    return tmp_path


def call(capsys, *options):
    code = main(["score", "d.json", "p.json", *options])
    out, err = capsys.readouterr()
    assert code == 0, err
    return json.loads(out), err


def test_options_only_add_keys(world, capsys):
    plain, err = call(capsys)
    assert list(plain) == [f"{group}{key}" for group in ("", "HasAns_", "NoAns_") for key in ("exact", "f1", "total")]
    more, more_err = call(capsys, "--by", "question-word", "--by", "article", "--intervals")
    assert list(more) == [*plain, "by", "intervals"]
    assert {key: more[key] for key in plain} == plain
    assert more_err == err


def test_groups(world, capsys):
    by = call(capsys, "--by", "question-word", "--by", "article")[0]["by"]
    assert list(by) == ["question-word", "article"]
    assert {name: group["exact"] for name, group in by["question-word"].items()} == {
        "what": 0.0,
        "who": 0.0,
        "where": 100.0,
        "how many": 0.0,
    }
    assert by["article"]["0"]["total"] == 4


def test_groups_are_of_the_scores_after_the_threshold(world, capsys):
    figures, _ = call(capsys, "-n", "odds.json", "-t", "0", "--by", "question-word")
    assert figures["by"]["question-word"]["who"]["exact"] == 100.0


def test_intervals(world, capsys):
    intervals = call(capsys, "--intervals")[0]["intervals"]
    assert list(intervals) == ["exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1"]
    assert [interval["method"] for interval in intervals["exact"]] == [
        "bootstrap over paragraphs",
        "bootstrap over questions",
        "Clopper-Pearson",
    ]
    assert [interval["units"] for interval in intervals["exact"]] == [2, 4, 4]


def test_curve(world, capsys):
    figures, _ = call(capsys, "-n", "odds.json", "--curve")
    # by rising odds: q1 right, q4 with F1 2/3, q2 without an answer, q3 wrong
    assert figures["pr_exact_ap"] == pytest.approx(100 / 3)
    assert figures["pr_f1_ap"] == pytest.approx(100 * (1 / 3 + 5 / 6 * 2 / 9))
    assert figures["curves"]["pr_oracle"]["recall"] == pytest.approx([1 / 3, 2 / 3, 2 / 3, 1])
    assert "pr_exact_ap" not in call(capsys, "-n", "odds.json")[0]


def test_best_figures_and_curves_are_of_the_answers_before_the_threshold(world, capsys):
    every, _ = call(capsys, "-n", "odds.json", "--curve")
    none, _ = call(capsys, "-n", "odds.json", "--curve", "-t", "-5")
    assert (none["exact"], none["NoAns_exact"]) == (25.0, 100.0)
    for key in ("best_exact", "best_f1", "pr_exact_ap", "pr_f1_ap", "curves"):
        assert none[key] == every[key]
    assert (none["best_exact"], none["best_exact_thresh"]) == (50.0, -3.0)


def test_a_curve_without_null_odds_is_refused(world, capsys):
    assert main(["score", "d.json", "p.json", "--curve"]) == 2
    assert "--na-prob-file" in capsys.readouterr().err


def said(err):
    """The parts of the signature line."""
    (line,) = [line for line in err.splitlines() if line.startswith("signature:")]
    return parse_signature(line)


def test_a_known_file_is_called_what_it_is(world, capsys):
    qas = [{"id": str(i), "question": "?", "answers": [{"text": "x", "answer_start": 0}]} for i in range(10_570)]
    for name, count in (("dev-v1.1.json", 10_570), ("dev-v2.0.json", 10_570), ("other.json", 10_569)):
        document = {"data": [{"paragraphs": [{"context": "x", "qas": qas[:count]}]}]}
        (world / name).write_text(json.dumps(document), "utf-8")
        (world / "p.json").write_text(json.dumps({qa["id"]: "x" for qa in qas[:count]}), "utf-8")
        assert main(["score", name, "p.json"]) == 0
        out, err = capsys.readouterr()
        assert json.loads(out) == {"exact_match": 100.0, "f1": 100.0}
        assert said(err)["data"] == ("squad:validation" if name == "dev-v1.1.json" else name.removesuffix(".json"))


def test_published_predictions(shared, capsys):
    files = "squad/dev-v2.0.json", "predictions/squad2-dev-bidaf-elmo.json"
    assert main(["score", *(str(shared / "data" / file) for file in files)]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["exact"] == pytest.approx(65.70369746483618, abs=1e-9)
    assert (said(err)["data"], said(err)["n"], said(err)["rules"]) == ("squad_v2:validation", "11873", "2.0")


ROWS = [
    {"id": qid, "context": context, "question": text, "answers": {"text": [], "answer_start": []}}
    for context, questions in PARAGRAPHS
    for qid, text, _ in questions
]
BAD = [
    ("p.json", "[]", [], "p.json: found a list, expected a JSON object from question id to answer text"),
    ("p.json", json.dumps(ANSWERS | {"q1": 1976}), [], "p.json: the prediction for 'q1' is the number 1976"),
    ("p.json", '{"q1": "x", "q1": "y"}', [], "p.json: id 'q1' is given more than once"),
    ("p.json", "", [], "p.json: the file is empty"),
    ("p.json", '{"q1": "x"', [], "p.json:1: not JSON"),
    ("p.json", '{"q1": "x"}', [], "3 of 4 questions have no prediction: 'q2', 'q3', 'q4'. Add them, or score them 0"),
    ("p.json", json.dumps(ANSWERS | {"q5": "x"}), [], "predictions name 1 id(s) that the data does not have: 'q5'"),
    ("p.json", '{"q5": "x"}', ["--missing", "zero"], "predictions name 1 id(s) that the data does not have: 'q5'"),
    ("odds.json", '{"q1": NaN}', ["-n", "odds.json"], "odds.json: the null odds of 'q1' are the number nan"),
    ("odds.json", '{"q1": 1e999}', ["-n", "odds.json"], "odds.json: the null odds of 'q1' are the number inf"),
    ("odds.json", '{"q1": true}', ["-n", "odds.json"], "odds.json: the null odds of 'q1' are true or false"),
    ("odds.json", '{"q1": 1}', ["-n", "odds.json"], "null odds lack 3 of 4 questions: 'q2', 'q3', 'q4'"),
    (
        "odds.json",
        json.dumps(ODDS | {"q5": 0}),
        ["-n", "odds.json"],
        "null odds name 1 id(s) that the data does not have",
    ),
    ("d.json", "{}", [], "d.json: 'data' is missing"),
    ("d.json", "\n".join(map(json.dumps, ROWS)), ["--by", "article"], "'q1' belongs to no article"),
    ("d.json", "\n".join(map(json.dumps, ROWS)), ["--by", "kind"], "'q1' has no kind"),
    (
        "d.json",
        "\n".join(map(json.dumps, ROWS)),
        ["--rules", "1.1"],
        "'q1' has no answer, which rules 1.1 do not allow",
    ),
]


@pytest.mark.parametrize(("file", "content", "options", "message"), BAD, ids=[f"{row[0]} {row[3]}" for row in BAD])
def test_bad_input_is_one_line_and_no_figure(world, capsys, file, content, options, message):
    (world / file).write_text(content, "utf-8")
    assert main(["score", "d.json", "p.json", *options]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err.startswith("harness: error: ")) == ("", 1, True)
    assert message in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rules", "1.1", "-n", "odds.json"], "belongs to rules 2.0"),
        (["-t", "0.5"], "needs --na-prob-file"),
        (["-n", "odds.json", "-t", "nan"], "takes a number"),
        (["--by", "colour"], "is not one of"),
    ],
)
def test_options_that_do_not_go_together(world, capsys, options, message):
    answerable = {"context": "x", "qas": [{"id": "q1", "question": "?", "answers": [{"text": "x", "answer_start": 0}]}]}
    (world / "d.json").write_text(json.dumps({"data": [{"paragraphs": [answerable]}]}), "utf-8")
    (world / "p.json").write_text('{"q1": "x"}', "utf-8")
    assert main(["score", "d.json", "p.json", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in " ".join(err.replace("│", " ").split())


def test_data_of_unanswerable_questions_alone(world, capsys):
    (world / "d.json").write_text("\n".join(map(json.dumps, ROWS)), "utf-8")
    figures, _ = call(capsys, "-n", "odds.json", "--curve")
    assert list(figures) == [
        *["exact", "f1", "total", "NoAns_exact", "NoAns_f1", "NoAns_total"],
        *["best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh", "curves"],
    ]
    # by the script's default threshold of 1 the answer of q3 alone is dropped, and it was "" before
    assert (figures["exact"], figures["best_exact"], figures["best_exact_thresh"]) == (25.0, 100.0, 0.0)
    assert figures["curves"] == {}


def test_the_signature_reads_back(world, capsys):
    (line,) = [line for line in call(capsys)[1].splitlines() if line.startswith("signature:")]
    assert parse_signature(line)["n"] == "4"
    (line,) = [line for line in call(capsys, "-n", "odds.json", "-t", "0.5")[1].splitlines() if "signature:" in line]
    assert parse_signature(line)["na_prob_thresh"] == "0.5"
