"""Usage examples of cards, held against answers written by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from documents import finished_run
from fake_engine import FakeEngine, write_model

from harness.examples import (
    answer_examples,
    check_examples,
    judge_example,
    outcome,
    recorded_example,
    retake_examples,
)
from harness.records import Card, Example, ExampleComparison, Place, ProbableAnswer, Verdict, from_json, to_json

CONTEXT = 'Ada Merk built it (in "Orvel"). Then Ada Merk  left Orvel.'
FIRST, SECOND = CONTEXT.index("Ada"), CONTEXT.rindex("Ada")
ORVEL = CONTEXT.index("Orvel")


def printed(answer="Ada Merk", start=None, end=None, score=None, context=CONTEXT):
    return Example("Who?", context, answer, start, end, score, Place(10, 20, 3))


def given(start=FIRST, end=FIRST + 8, score=0.7145650685380576, context=CONTEXT):
    return ProbableAnswer(context[start:end], score, start, end)


def judged(example, answer):
    comparison = judge_example(example, answer)
    return comparison.state, comparison.reason


@pytest.mark.parametrize(
    "example",
    [
        printed(),
        printed(start=0, end=8),
        printed(start=0),
        printed(end=8),
        printed(start=0, end=8, score=0.7145650685380576),
        printed(score=0.71457),
        printed(score=0.715),
        printed(score=0.714),
        printed(score=0.71),
        printed(score=0.7145599),
    ],
)
def test_what_is_printed_alike_matches(example):
    assert judged(example, given()) == ("matches", "what is printed is what the model gives")


@pytest.mark.parametrize("score", [0.7105, 0.7199, 0.72, 0.7])
def test_a_score_that_is_near_is_within_tolerance(score):
    state, reason = judged(printed(start=0, end=8, score=score), given(score=0.7099 if score == 0.7 else 0.7145))
    assert (state, "tolerance 0.01" in reason) == ("within_tolerance", True)


@pytest.mark.parametrize(("score", "direction"), [(0.9, "below"), (0.2, "above"), (0.7246, "below")])
def test_another_score_alone_decides_nothing(score, direction):
    example = printed(start=0, end=8, score=score)
    comparison = judge_example(example, given(score=0.7145))
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert direction in comparison.reason
    assert "versions of the pipeline" in comparison.reason
    assert comparison.difference == pytest.approx(0.7145 - score)


def test_coarse_digits_are_no_agreement():
    assert judged(printed(score=0.7), given(score=0.74))[0] == "inconclusive"
    assert judged(printed(score=1.0), given(score=0.999))[0] == "within_tolerance"


@pytest.mark.parametrize("answer", ["Bo", "Merk", "Ada Merk built", "ada merk built it"])
def test_another_text_differs(answer):
    context = CONTEXT + " Bo"
    assert judged(printed(answer, context=context), given()) == ("differs", "another answer")


def test_no_answer():
    assert judged(printed(), None) == ("differs", "the model gives no answer")
    assert judged(printed(), ProbableAnswer("", 0.9, 0, 0)) == ("differs", "another answer")
    assert judged(printed("", 0, 0, 0.9), ProbableAnswer("", 0.9, 0, 0))[0] == "matches"
    assert judged(printed("", 0, 0, 0.9), given()) == ("differs", "another answer")
    assert judge_example(printed(score=0.5), None).difference is None


def test_an_answer_that_is_not_in_the_context_cannot_be_compared():
    for answer in (given(), None):
        state, reason = judged(printed("Cleo Vant", 0, 9, 0.9), answer)
        assert (state, "does not stand in the printed context" in reason) == ("not_comparable", True)


@pytest.mark.parametrize("answer", ["ada merk", " Ada Merk", "Ada  Merk\n"])
def test_case_and_blanks_are_let_pass(answer):
    state, reason = judged(printed(answer, 0, 8), given())
    assert (state, "case and blanks" in reason) == ("within_tolerance", True)


def test_signs_around_the_word_are_let_pass():
    state, reason = judged(printed('"Orvel").', ORVEL - 1, ORVEL + 8, 0.5), given(ORVEL, ORVEL + 5, 0.5))
    assert (state, "signs around it" in reason) == ("within_tolerance", True)
    assert judged(printed('"Orvel"', ORVEL - 1, ORVEL + 6, 0.5), given(ORVEL, ORVEL + 5, 0.5))[0] == "differs"
    assert judged(printed('"Orvel").'), given(ORVEL, ORVEL + 5, 0.5))[0] == "within_tolerance"
    assert judged(printed('"Orvel").', ORVEL - 1, ORVEL + 8, 0.9), given(ORVEL, ORVEL + 5, 0.5))[0] == "inconclusive"


@pytest.mark.parametrize(
    ("start", "end"),
    [(SECOND, SECOND + 7), (SECOND, SECOND + 9), (SECOND, SECOND + 10), (SECOND - 1, SECOND + 8), (SECOND - 1, None)],
)
def test_an_end_counted_otherwise_is_let_pass(start, end):
    state, reason = judged(printed(start=start, end=end), given(SECOND, SECOND + 8))
    assert (state, "ends counted otherwise" in reason) == ("within_tolerance", True)


@pytest.mark.parametrize(("start", "end"), [(SECOND, SECOND + 8), (SECOND, None), (None, SECOND + 8)])
def test_the_same_text_elsewhere_decides_nothing(start, end):
    state, reason = judged(printed(start=start, end=end, score=0.7145), given())
    assert (state, "from another place" in reason) == ("inconclusive", True)


@pytest.mark.parametrize(("start", "end"), [(3, 11), (0, 6), (1, 8), (-5, 3), (-5, 8), (0, -1), (900, 908), (8, 0)])
def test_offsets_of_something_else_decide_nothing(start, end):
    state, reason = judged(printed(start=start, end=end), given())
    assert (state, "not those of the printed answer" in reason) == ("inconclusive", True)


def test_every_example_is_asked_in_turn():
    asked = []

    def ask(example):
        asked.append(example.answer)
        return given() if example.answer == "Ada Merk" else None

    comparisons = check_examples([printed(), printed("Orvel")], ask)
    assert asked == ["Ada Merk", "Orvel"]
    assert [c.state for c in comparisons] == ["matches", "differs"]
    assert comparisons[0].reproduced == given()
    assert check_examples([], ask) == ()


def comparison(verdict):
    return ExampleComparison(printed(), verdict, "why")


M, W, I, D, N = Verdict  # noqa: E741


@pytest.mark.parametrize(
    ("verdicts", "code", "strict", "sentence"),
    [
        ([M, W], 0, 0, "as printed: matches 1, within_tolerance 1"),
        ([M, I, I], 0, 1, "nothing differs: matches 1, inconclusive 2"),
        ([M, N], 0, 1, "nothing differs: matches 1, not_comparable 1"),
        ([M, D, I], 1, 1, "not as printed: matches 1, inconclusive 1, differs 1"),
        ([N], 1, 1, "nothing was compared: not_comparable 1"),
        ([], 1, 1, "nothing was compared: the card prints no example"),
    ],
)
def test_exit_codes(verdicts, code, strict, sentence):
    comparisons = [comparison(verdict) for verdict in verdicts]
    assert outcome(comparisons) == (code, sentence)
    assert outcome(comparisons, strict=True)[0] == strict


def test_the_record_goes_to_json_and_back():
    one = judge_example(printed(start=0, end=8, score=0.5), given())
    assert from_json(ExampleComparison, to_json(one)) == one


def asking(question="Who?", answer="Ada", context="Ada Merk built it.", **values):
    return replace(printed(answer, context=context, **values), question=question)


def card_of(*examples, sha256="0" * 64):
    return Card("card.md", "x", sha256, "", {}, (), (), examples=examples)


@pytest.fixture
def model(tmp_path):
    write_model(tmp_path / "model", "weights")
    return tmp_path / "model"


def test_a_card_is_asked_at_once_and_one_without_examples_not_at_all(model):
    engine = FakeEngine()
    found = answer_examples(card_of(asking(), asking(answer="Merk"), asking("It is too long?")), model, engine)
    assert engine.calls == ["ask weights 3"]
    assert [c.state for c in found] == ["matches", "differs", "not_comparable"]
    assert [c.asked for c in found] == [True, True, False]
    assert found[2].reason == "it could not be asked: it is too long"
    assert answer_examples(card_of(), Path("nowhere"), engine) == ()
    assert engine.calls == ["ask weights 3"]


def test_a_recorded_answer_is_judged_for_the_card_as_it_is_now(model):
    run = replace(finished_run(), examples=answer_examples(card_of(asking(answer="Merk")), model, FakeEngine()))
    assert run.examples[0].state == "differs"
    corrected = asking(answer="Ada", start=0, end=3, score=0.5)
    found = recorded_example(corrected, run)
    assert (found.state, found.example, found.reproduced) == ("matches", corrected, run.examples[0].reproduced)
    assert found.difference == 0.0
    for other in (asking("Who built?"), asking(context="Ada  Merk built it."), asking(answer="")):
        assert recorded_example(other, run) is None
    assert recorded_example(corrected, replace(run, examples=())) is None


def test_what_could_not_be_asked_stays_so(model):
    long = asking("It is too long?")
    run = replace(finished_run(), examples=answer_examples(card_of(long), model, FakeEngine()))
    changed = replace(long, answer="Merk")
    found = recorded_example(changed, run)
    assert (found.state, found.example, found.asked) == ("not_comparable", changed, False)
    assert found.reason == "it could not be asked: it is too long"


def test_a_finished_run_is_asked_only_what_it_has_not_answered(model):
    engine = FakeEngine()
    one, two, long = asking(), asking("Where?", "Merk"), asking("It is too long?")
    first = card_of(one, long)
    run = replace(finished_run(), card_sha256=first.sha256, examples=answer_examples(first, model, engine))
    assert retake_examples(first, run, model, engine) == run.examples
    assert engine.calls == ["ask weights 2"]
    found = retake_examples(card_of(two, one, long, sha256="1" * 64), run, model, engine)
    assert engine.calls == ["ask weights 2", "ask weights 2"]  # what could not be asked is tried again
    assert [(c.example, c.state) for c in found] == [(two, "differs"), (one, "matches"), (long, "not_comparable")]
    gone = retake_examples(card_of(two, one, sha256="1" * 64), run, Path("nowhere"), engine)
    assert [(c.state, c.asked) for c in gone] == [("not_comparable", False), ("matches", True)]
    assert "--fresh" in gone[0].reason
    assert len(engine.calls) == 2
    assert retake_examples(card_of(sha256="2" * 64), run, Path("nowhere"), engine) == ()
