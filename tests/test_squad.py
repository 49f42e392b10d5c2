"""The rules, against figures of the official scripts and against worked cases."""

from __future__ import annotations

import json
import unicodedata
from fractions import Fraction
from pathlib import Path

import plain_squad
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness import squad
from harness.curves import best_thresholds
from harness.errors import DataError, PredictionsError
from harness.prediction_files import read_predictions
from harness.records import Answer, Question
from harness.squad_files import read_squad_file

# Figures of the official scripts on published predictions.
REFERENCE = [
    (
        "squad/dev-v2.0.json",
        "squad2-dev-bert.json",
        {
            "exact": 78.74168280973637,
            "f1": 81.77528052374727,
            "total": 11873,
            "HasAns_exact": 74.10593792172739,
            "HasAns_f1": 80.18183293833516,
            "HasAns_total": 5928,
            "NoAns_exact": 83.36417157275021,
            "NoAns_f1": 83.36417157275021,
            "NoAns_total": 5945,
        },
    ),
    (
        "squad/dev-v2.0.json",
        "squad2-dev-bidaf-elmo.json",
        {
            "exact": 65.70369746483618,
            "f1": 67.8764892145134,
            "total": 11873,
            "HasAns_exact": 61.42037786774629,
            "HasAns_f1": 65.77219238257676,
            "HasAns_total": 5928,
            "NoAns_exact": 69.97476871320437,
            "NoAns_f1": 69.97476871320437,
            "NoAns_total": 5945,
        },
    ),
    ("squad/dev-v1.1.json", "squad1-dev-bert.json", {"exact_match": 86.20624408703878, "f1": 92.19557978351129}),
    (
        "squad/dev-v1.1.json",
        "squad1-dev-logistic-regression.json",
        {"exact_match": 40.14191106906339, "f1": 50.98153647324482},
    ),
]


@pytest.mark.parametrize(("data", "predictions", "figures"), REFERENCE, ids=[row[1] for row in REFERENCE])
def test_official_figures(shared, data, predictions, figures):
    questions = read_squad_file(shared / "data" / data)
    answers = read_predictions(shared / "data" / "predictions" / predictions)
    scores = squad.score_predictions(questions, answers, missing="zero")
    assert squad.summarize(scores) == pytest.approx(figures, abs=1e-9)
    assert list(squad.summarize(scores)) == list(figures)
    assert (scores.missing, scores.extra) == ((13, 28) if "logistic" in predictions else (0, 0))


CASES = json.loads((Path(__file__).parent / "data" / "squad_rules.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_worked_cases(make_question, case):
    question, answers = make_question("q", case["references"]), {"q": case["prediction"]}
    for rules in ("2.0", "1.1"):
        if case[f"rules {rules}"] is None:
            with pytest.raises(DataError, match="no answer"):
                squad.score_predictions([question], answers, rules=rules)
        else:
            scores = squad.score_predictions([question], answers, rules=rules)
            expected = [float(Fraction(value)) for value in case[f"rules {rules}"]]
            assert (scores.exact["q"], scores.f1["q"]) == pytest.approx(expected), rules


@given(plain_squad.rough_texts)
@example("the\x00a")
@example("a\u0301 the\u2013x")
@example("".join(map(chr, range(256))))
def test_normal_form_is_that_of_the_rules_written_plainly(text):
    assert squad.normalize_answer(text) == plain_squad.normal(text)


@given(st.text(max_size=20))
def test_normal_form_of_any_text(text):
    assert squad.normalize_answer(text) == plain_squad.normal(text)


def test_normal_form_beside_every_character_that_is_no_letter():
    for code in range(0x110000):
        beside = chr(code)
        if unicodedata.category(beside)[0] in "MNPSZ" or unicodedata.category(beside) in ("Cc", "Cf"):
            text = f"a{beside}an the{beside}"
            assert squad.normalize_answer(text) == plain_squad.normal(text), hex(code)


@given(st.lists(st.tuples(plain_squad.rough_texts, st.lists(plain_squad.rough_texts, max_size=3)), min_size=1))
def test_every_question_scores_as_by_the_rules_written_plainly(rows):
    questions = [
        Question(str(i), "0:0", "", "", tuple(Answer(text, 0) for text in golds)) for i, (_, golds) in enumerate(rows)
    ]
    answers = {str(i): guess for i, (guess, _) in enumerate(rows)}
    scores = squad.score_predictions(questions, answers, rules="2.0")
    assert scores.exact == {str(i): plain_squad.exact_2_0(golds, guess) for i, (guess, golds) in enumerate(rows)}
    assert scores.f1 == {str(i): plain_squad.f1_2_0(golds, guess) for i, (guess, golds) in enumerate(rows)}
    answered = [(i, guess, golds) for i, (guess, golds) in enumerate(rows) if golds]
    if answered:
        chosen = {str(i): answers[str(i)] for i, _, _ in answered}
        scores = squad.score_predictions([questions[i] for i, _, _ in answered], chosen, rules="1.1")
        assert scores.exact == {str(i): plain_squad.exact_1_1(golds, guess) for i, guess, golds in answered}
        assert scores.f1 == {str(i): plain_squad.f1_1_1(golds, guess) for i, guess, golds in answered}


@pytest.mark.parametrize(("data", "predictions"), [row[:2] for row in REFERENCE if "bert" in row[1]])
def test_every_question_of_published_predictions(shared, data, predictions):
    questions = read_squad_file(shared / "data" / data)
    answers = read_predictions(shared / "data" / "predictions" / predictions)
    scores = squad.score_predictions(questions, answers)
    exact, f1 = (
        (plain_squad.exact_2_0, plain_squad.f1_2_0)
        if scores.rules == "2.0"
        else (plain_squad.exact_1_1, plain_squad.f1_1_1)
    )
    for question in questions:
        golds = [answer.text for answer in question.answers]
        assert scores.exact[question.id] == exact(golds, answers[question.id])
        assert scores.f1[question.id] == f1(golds, answers[question.id])


def test_rules_follow_the_data(make_question):
    answerable = make_question("a", ["x"])
    marked = Question("m", "0:0", "x", "?", (Answer("x", 0),), impossible=True)
    assert squad.choose_rules([answerable]) == "1.1"
    assert squad.choose_rules([answerable, make_question("b")]) == "2.0"
    assert squad.choose_rules([answerable, marked]) == "2.0"


def test_missing_prediction_is_an_error_or_zero_but_never_a_smaller_denominator(make_question):
    questions = [make_question("a", ["x"]), make_question("b", ["y"])]
    with pytest.raises(PredictionsError, match="1 of 2 questions have no prediction: 'b'") as caught:
        squad.score_predictions(questions, {"a": "x"})
    assert caught.value.ids == ("b",)
    scores = squad.score_predictions(questions, {"a": "x"}, missing="zero")
    assert scores.missing == 1
    assert squad.summarize(scores) == {"exact_match": 50.0, "f1": 50.0}


def test_missing_prediction_of_an_unanswerable_question_scores_zero(make_question):
    questions = [make_question("a", ["x"]), make_question("b")]
    scores = squad.score_predictions(questions, {"a": "x"}, missing="zero")
    assert squad.summarize(scores)["NoAns_exact"] == 0.0


def test_predictions_for_another_version_of_the_data(make_question):
    questions = [make_question("a", ["x"]), make_question("b", ["y"])]
    with pytest.raises(PredictionsError, match="no prediction: 'b'"):
        squad.score_predictions(questions, {"a": "x", "z": "y"})
    scores = squad.score_predictions(questions, {"a": "x", "z": "y"}, missing="zero")
    assert (scores.missing, scores.extra, squad.summarize(scores)["f1"]) == (1, 1, 50.0)
    with pytest.raises(PredictionsError, match="'z'"):  # nothing in common: these are other data altogether
        squad.score_predictions(questions, {"z": "x"}, missing="zero")


def test_extra_ids_are_an_error(make_question):
    with pytest.raises(PredictionsError, match="id\\(s\\) that the data does not have: 'z'"):
        squad.score_predictions([make_question("a", ["x"])], {"a": "x", "z": "y"}, missing="zero")


@pytest.mark.parametrize("rules", ["1.1", "2.0"])
@pytest.mark.parametrize("answer", [None, 1976, ["x"]])
def test_what_is_no_text_is_no_answer_and_not_a_missing_one_either(make_question, rules, answer):
    questions = [make_question("a", ["x"]), make_question("b", ["y"])]
    with pytest.raises(PredictionsError, match=r"the prediction for 'b' is .*, expected text") as caught:
        squad.score_predictions(questions, {"a": "x", "b": answer}, rules=rules, missing="zero")
    assert caught.value.ids == ("b",)


def test_other_rules_are_refused(make_question):
    with pytest.raises(KeyError):
        squad.score_predictions([make_question("a", ["x"])], {"a": "x"}, rules="v2")


def test_repeated_ids_in_the_data_are_an_error(make_question):
    with pytest.raises(DataError, match="repeats 1 question id"):
        squad.score_predictions([make_question("a", ["x"]), make_question("a", ["y"])], {"a": "x"})


def test_no_questions_is_an_error():
    with pytest.raises(DataError, match="no question"):
        squad.score_predictions([], {})


def test_threshold_turns_answers_into_no_answer(make_question):
    questions = [make_question("a", ["x"]), make_question("b"), make_question("c", ["z"])]
    answers = {"a": "x", "b": "wrong", "c": "z"}
    scores = squad.score_predictions(questions, answers)
    cut = squad.apply_threshold(scores, answers, {"a": -1.0, "b": 2.0, "c": 1.0}, 1.0)
    assert cut.exact == {"a": 1.0, "b": 1.0, "c": 1.0}
    cut = squad.apply_threshold(scores, answers, {"a": -1.0, "b": 2.0, "c": 1.5}, 1.0)
    assert cut.exact == {"a": 1.0, "b": 1.0, "c": 0.0}


def test_null_odds_must_cover_the_questions(make_question):
    scores = squad.score_predictions([make_question("a", ["x"]), make_question("b")], {"a": "x", "b": ""})
    with pytest.raises(PredictionsError, match=r"lack 1 of 2 questions: 'b'\. Give every prediction its own"):
        squad.apply_threshold(scores, {"a": "x", "b": ""}, {"a": 0.0}, 1.0)
    with pytest.raises(PredictionsError, match="the null odds of 'b' are NaN") as caught:
        squad.apply_threshold(scores, {"a": "x", "b": ""}, {"a": 0.0, "b": float("nan")}, 1.0)
    assert caught.value.ids == ("b",)
    assert squad.apply_threshold(scores, {"a": "x", "b": ""}, {"a": 0.0, "b": float("inf")}, 1.0) == scores
    with pytest.raises(PredictionsError, match="'z'"):
        best_thresholds(scores, {"a": "x", "b": ""}, {"a": 0.0, "b": 0.0, "z": 1.0})


def test_a_missing_prediction_is_never_right_whatever_the_threshold(make_question):
    questions = [make_question("a", ["x"]), make_question("b"), make_question("c")]
    answers = {"a": "x", "b": ""}
    scores = squad.score_predictions(questions, answers, missing="zero")
    for odds in ({"a": -1.0, "b": 2.0}, {"a": -1.0, "b": 2.0, "c": 3.0}):
        cut = squad.apply_threshold(scores, answers, odds, 0.0)
        assert cut.exact == {"a": 1.0, "b": 1.0, "c": 0.0}
        best = best_thresholds(scores, answers, odds)
        assert best["best_exact"] == best["best_f1"] == pytest.approx(100 * 2 / 3)


def test_null_odds_of_stray_predictions_are_left_out_with_them(make_question):
    questions = [make_question("a", ["x"]), make_question("b")]
    answers = {"a": "x", "z": "y"}
    scores = squad.score_predictions(questions, answers, missing="zero")
    assert best_thresholds(scores, answers, {"z": -5.0, "a": 1.0})["best_exact"] == 50.0
    with pytest.raises(PredictionsError, match="'y'"):
        best_thresholds(scores, answers, {"a": 1.0, "y": 0.0})


words = st.lists(st.sampled_from(["a", "The", "x", "Y", "z.", "-", "é", " "]), max_size=5).map(" ".join)


@given(st.lists(st.tuples(words, st.lists(words, max_size=3)), min_size=1, max_size=8))
def test_scores_are_bounded_and_exact_implies_f1(rows):
    questions = [
        Question(str(i), "0:0", "", "", tuple(Answer(text, 0) for text in golds), impossible=not golds)
        for i, (_, golds) in enumerate(rows)
    ]
    answers = {str(i): guess for i, (guess, _) in enumerate(rows)}
    scores = squad.score_predictions(questions, answers, rules="2.0")
    for qid in answers:
        assert 0.0 <= scores.f1[qid] <= 1.0
        assert scores.exact[qid] <= scores.f1[qid]
    backwards = squad.score_predictions(questions[::-1], answers, rules="2.0")
    assert squad.summarize(backwards) == pytest.approx(squad.summarize(scores))


@given(
    st.lists(
        st.tuples(words, st.lists(words, max_size=3), st.sampled_from([-2.0, -0.5, 0.0, 0.5, 3.0])),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([-1.0, 0.0, 1.0]),
    st.randoms(use_true_random=False),
)
def test_every_key_equals_the_official_script(rows, threshold, random):
    questions = [
        Question(str(i), "0:0", "", "", tuple(Answer(text, 0) for text in golds), impossible=not golds)
        for i, (_, golds, _) in enumerate(rows)
    ]
    answers = {str(i): guess for i, (guess, _, _) in enumerate(rows)}
    odds = {str(i): value for i, (_, _, value) in enumerate(rows)}
    odds = dict(random.sample(sorted(odds.items()), len(odds)))
    raw = squad.score_predictions(questions, answers, rules="2.0")
    ours = squad.summarize(squad.apply_threshold(raw, answers, odds, threshold))
    ours |= best_thresholds(raw, answers, odds)
    golds = {q.id: [a.text for a in q.answers] for q in questions}
    assert ours == plain_squad.figures_2_0(golds, answers, odds, threshold)


@given(st.lists(st.lists(words.filter(lambda w: squad.normalize_answer(w) != ""), max_size=3), min_size=1, max_size=8))
def test_perfect_predictions_score_100(golds):
    questions = [
        Question(str(i), "0:0", "", "", tuple(Answer(text, 0) for text in texts)) for i, texts in enumerate(golds)
    ]
    answers = {q.id: q.answers[-1].text if q.answers else "" for q in questions}
    figures = squad.summarize(squad.score_predictions(questions, answers, rules="2.0"))
    assert figures["exact"] == figures["f1"] == 100.0
