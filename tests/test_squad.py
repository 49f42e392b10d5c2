"""The rules, against figures of the official scripts and against worked cases."""

from __future__ import annotations

import re
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import squad
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


# prediction, references, exact and f1 under rules 2.0, and under 1.1 (None: the rules do not allow it)
CASES = [
    ("Denver Broncos", ["Denver Broncos"], (1, 1), (1, 1)),
    ("the Denver  Broncos!", ["Denver Broncos"], (1, 1), (1, 1)),
    ("Broncos", ["Denver Broncos"], (0, 2 / 3), (0, 2 / 3)),
    ("Broncos", ["Denver", "Broncos"], (1, 1), (1, 1)),
    ("a a b", ["b b"], (0, 2 / 3), (0, 2 / 3)),
    ("", ["Denver"], (0, 0), (0, 0)),
    ("", [], (1, 1), None),
    ("Denver", [], (0, 0), None),
    ("the", [], (1, 1), None),  # normalises to nothing
    ("", ["the"], (1, 1), (1, 0)),  # a reference that normalises to nothing: 2.0 drops it, 1.1 counts no word
    ("the", ["the", "Denver"], (0, 0), (1, 0)),
    ("sixty-two", ["sixty two"], (0, 0), (0, 0)),  # ASCII punctuation is dropped, not replaced by a blank
    ("sixty–two", ["sixty–two"], (1, 1), (1, 1)),  # other dashes are letters to the rules
    ("10\N{NO-BREAK SPACE}km", ["10 km"], (1, 1), (1, 1)),
    ("Theatre", ["atre"], (0, 0), (0, 0)),  # articles are whole words
    ("an-apple", ["anapple"], (1, 1), (1, 1)),  # punctuation goes before articles do
]


@pytest.mark.parametrize(("prediction", "references", "rules_2", "rules_1"), CASES)
def test_worked_cases(make_question, prediction, references, rules_2, rules_1):
    question = make_question("q", references)
    scores = squad.score_predictions([question], {"q": prediction}, rules="2.0")
    assert (scores.exact["q"], scores.f1["q"]) == pytest.approx(rules_2)
    if rules_1 is None:
        with pytest.raises(DataError, match="no answer"):
            squad.score_predictions([question], {"q": prediction}, rules="1.1")
    else:
        scores = squad.score_predictions([question], {"q": prediction}, rules="1.1")
        assert (scores.exact["q"], scores.f1["q"]) == pytest.approx(rules_1)


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


def test_best_threshold_by_hand(make_question):
    # sorted by odds: a (+1), b (answered, unanswerable: -1), c (+0.5 f1); two of four start as right
    questions = [make_question("a", ["x"]), make_question("b"), make_question("c", ["y z w"]), make_question("d")]
    answers = {"a": "x", "b": "wrong", "c": "y", "d": ""}
    scores = squad.score_predictions(questions, answers)
    best = squad.best_thresholds(scores, answers, {"c": 3.0, "a": -2.0, "b": 0.5, "d": 4.0})
    assert best == {"best_exact": 75.0, "best_exact_thresh": -2.0, "best_f1": 75.0, "best_f1_thresh": -2.0}


def test_null_odds_must_cover_the_questions(make_question):
    scores = squad.score_predictions([make_question("a", ["x"]), make_question("b")], {"a": "x", "b": ""})
    with pytest.raises(PredictionsError, match="lack 1 of 2"):
        squad.apply_threshold(scores, {"a": "x", "b": ""}, {"a": 0.0}, 1.0)
    with pytest.raises(PredictionsError, match="'z'"):
        squad.best_thresholds(scores, {"a": "x", "b": ""}, {"a": 0.0, "b": 0.0, "z": 1.0})


def test_a_missing_prediction_is_never_right_whatever_the_threshold(make_question):
    questions = [make_question("a", ["x"]), make_question("b"), make_question("c")]
    answers = {"a": "x", "b": ""}
    scores = squad.score_predictions(questions, answers, missing="zero")
    for odds in ({"a": -1.0, "b": 2.0}, {"a": -1.0, "b": 2.0, "c": 3.0}):
        cut = squad.apply_threshold(scores, answers, odds, 0.0)
        assert cut.exact == {"a": 1.0, "b": 1.0, "c": 0.0}
        best = squad.best_thresholds(scores, answers, odds)
        assert best["best_exact"] == best["best_f1"] == pytest.approx(100 * 2 / 3)


def test_null_odds_of_stray_predictions_are_left_out_with_them(make_question):
    questions = [make_question("a", ["x"]), make_question("b")]
    answers = {"a": "x", "z": "y"}
    scores = squad.score_predictions(questions, answers, missing="zero")
    assert squad.best_thresholds(scores, answers, {"z": -5.0, "a": 1.0})["best_exact"] == 50.0
    with pytest.raises(PredictionsError, match="'y'"):
        squad.best_thresholds(scores, answers, {"a": 1.0, "y": 0.0})


def official_2_0(dataset, predictions, odds, threshold):
    """The rules of evaluate-v2.0.py said again as it says them: gold lists, token lists, sums in the data's order."""

    def norm(text):
        bare = "".join(c for c in text.lower() if c not in set(string.punctuation))
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())

    def f1(gold, guess):
        ours, theirs = norm(gold).split(), norm(guess).split()
        same = sum((Counter(ours) & Counter(theirs)).values())
        if not ours or not theirs:
            return int(ours == theirs)
        if same == 0:
            return 0
        precision, recall = 1.0 * same / len(theirs), 1.0 * same / len(ours)
        return (2 * precision * recall) / (precision + recall)

    raw = {"exact": {}, "f1": {}}
    for qid, texts in dataset.items():
        golds = [text for text in texts if norm(text)] or [""]
        raw["exact"][qid] = max(int(norm(gold) == norm(predictions[qid])) for gold in golds)
        raw["f1"][qid] = max(f1(gold, predictions[qid]) for gold in golds)
    figures = {}
    for prefix, ids in (
        ("", list(dataset)),
        ("HasAns_", [qid for qid in dataset if dataset[qid]]),
        ("NoAns_", [qid for qid in dataset if not dataset[qid]]),
    ):
        for name, values in raw.items():
            cut = {q: float(not dataset[q]) if odds[q] > threshold else v for q, v in values.items()}
            if ids:
                figures[prefix + name] = 100.0 * sum(cut[q] for q in ids) / len(ids)
        if ids:
            figures[prefix + "total"] = len(ids)
    for name, values in raw.items():
        current = best = sum(1 for qid in dataset if not dataset[qid])
        at = 0.0
        for qid in sorted(odds, key=lambda k: odds[k]):
            current += values[qid] if dataset[qid] else (-1 if predictions[qid] else 0)
            if current > best:
                best, at = current, odds[qid]
        figures[f"best_{name}"], figures[f"best_{name}_thresh"] = 100.0 * best / len(values), at
    return figures


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
    ours |= squad.best_thresholds(raw, answers, odds)
    golds = {q.id: [a.text for a in q.answers] for q in questions}
    assert ours == official_2_0(golds, answers, odds, threshold)


@given(st.lists(st.lists(words.filter(lambda w: squad.normalize_answer(w) != ""), max_size=3), min_size=1, max_size=8))
def test_perfect_predictions_score_100(golds):
    questions = [
        Question(str(i), "0:0", "", "", tuple(Answer(text, 0) for text in texts)) for i, texts in enumerate(golds)
    ]
    answers = {q.id: q.answers[-1].text if q.answers else "" for q in questions}
    figures = squad.summarize(squad.score_predictions(questions, answers, rules="2.0"))
    assert figures["exact"] == figures["f1"] == 100.0
