"""Claims of speed against made-up measurements."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cards import parse_card
from harness.records import (
    DataRef,
    DataUsed,
    Environment,
    Place,
    Speed,
    SpeedComparison,
    SpeedMeasured,
    SpeedModel,
    SpeedRatio,
    Swept,
    Verdict,
    from_json,
    to_json,
)
from harness.speed_names import Naming, names_base
from harness.speeds import DEVICE, judge_speed, last_digit, measured_ratio, outcome, stated_bases

BERT = {"type": "bert", "layers": 12, "width": 768}
ROBERTA = BERT | {"type": "roberta"}
HALF = {"type": "roberta", "layers": 6, "width": 768}


def model(name="org/base", type="bert", layers=12, width=768):
    return SpeedModel(
        name, "0" * 64, None, type, layers, width, 110, 85, 3e10, 180.0, "float32", 1024, (Swept(1024, 4.0),)
    )


def ratio(batch, value, low=None, high=None):
    low, high = value * 0.98 if low is None else low, value * 1.02 if high is None else high
    return SpeedRatio(batch, (1.0, 1.0, 1.0), (value, value, value), value, low, high)


def measured(one=(2.0,), best=(2.0,), base=None, own=None):
    return SpeedMeasured(
        model=own or model("org/student", **HALF),
        base=base or model(),
        data=DataUsed(DataRef("mini", "validation"), 12, 6, "1" * 64, "mini.json"),
        questions=12,
        max_seq_len=384,
        doc_stride=128,
        device="cpu",
        threads=1,
        environment=Environment("1", "3.11", "x", "y", 1, {}),
        ratios=(ratio("one", *one), ratio("best", *best)),
    )


def claim(text="twice the speed of the base model"):
    (speed,) = parse_card(f"---\na: b\n---\n\nIt runs {text}.\n").speeds
    return speed


def judged(speed, *ratios, **changes):
    comparison = judge_speed(speed, measured(*ratios, **changes))
    return comparison.state, comparison.reason


def test_the_interval_is_that_of_students_t_on_logarithms():
    # numpy 2.4 and scipy 1.17: exp(stats.t.interval(0.95, 4, mean(log), sem(log)))
    found = measured_ratio("one", [2.0, 2.2, 1.9, 2.1, 2.05], [4.1, 4.3, 4.0, 4.0, 4.4])
    assert found.ratio == pytest.approx(2.0301545819928855, rel=1e-12)
    assert (found.low, found.high) == pytest.approx((1.9078490738099776, 2.160300667052248), rel=1e-9)


@pytest.mark.parametrize(
    ("seconds", "base"), [([1.0], [1.0]), ([], []), ([1.0, 1.0], [1.0]), ([1.0, 0.0], [1.0, 1.0]), ([1, -1], [1, 1])]
)
def test_too_few_rounds_give_no_interval(seconds, base):
    with pytest.raises(ValueError, match="expected"):
        measured_ratio("one", seconds, base)


@given(st.lists(st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)), min_size=2, max_size=9), st.floats(0.1, 10))
def test_what_slows_a_round_down_cancels(rounds, slower):
    own, base = [a for a, _ in rounds], [b for _, b in rounds]
    plain = measured_ratio("one", own, base)
    slowed = measured_ratio("one", [own[0] * slower, *own[1:]], [base[0] * slower, *base[1:]])
    turned = measured_ratio("one", base, own)
    assert (slowed.ratio, slowed.low, slowed.high) == pytest.approx((plain.ratio, plain.low, plain.high), rel=1e-9)
    assert (1 / turned.ratio, 1 / turned.high, 1 / turned.low) == pytest.approx(
        (plain.ratio, plain.low, plain.high), rel=1e-9
    )


def test_the_ratio_is_that_of_the_speeds_which_are_printed():
    found = measured_ratio("one", [2.0, 3.0, 2.5], [4.0, 7.0, 5.0])
    both = measured()
    speeds = [both.questions_per_second(seconds) for seconds in (found.seconds, found.base_seconds)]
    assert speeds[0] / speeds[1] == pytest.approx(found.ratio)
    assert both.questions_per_second([2.0, 2.0]) == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("text", "digit"),
    [
        ("twice the speed of the base model", 1.0),
        ("three times as fast", 1.0),
        ("2x faster than y-base", 1.0),
        ("10x faster", 1.0),
        ("2.0x faster", 0.1),
        ("1.85 times faster", 0.01),
        ("60% faster than BERT", 0.01),
        ("62.5 % faster", 0.001),
        ("a speed-up of 2.6x over z-large", 0.1),
        ("at a speedup of three times", 1.0),
    ],
)
def test_the_worth_of_the_last_digit(text, digit):
    assert last_digit(claim(text)) == pytest.approx(digit)


def test_a_claim_whose_text_has_no_figure_has_the_digits_of_its_ratio():
    assert last_digit(Speed(1.25, "", "quicker", Place(0, 1, 1))) == pytest.approx(0.01)
    assert last_digit(Speed(100.0, "", "quicker", Place(0, 1, 1))) == 1.0


@pytest.mark.parametrize(
    ("text", "one", "state"),
    [
        # c = 2, a whole digit: matches within 10 %, within from 1.5, differs below 1
        ("twice the speed of bert-base", 2.0, "matches"),
        ("twice the speed of bert-base", 1.81, "matches"),
        ("twice the speed of bert-base", 2.19, "matches"),
        ("twice the speed of bert-base", 1.79, "within_tolerance"),
        ("twice the speed of bert-base", 1.501, "within_tolerance"),
        ("twice the speed of bert-base", 1.499, "inconclusive"),
        ("twice the speed of bert-base", 1.0, "inconclusive"),
        ("twice the speed of bert-base", 0.97, "differs"),
        ("twice the speed of bert-base", 2.21, "within_tolerance"),
        ("twice the speed of bert-base", 9.0, "within_tolerance"),
        # 1.8: a tenth
        ("1.8 times as fast as bert-base", 1.76, "matches"),
        ("1.8 times as fast as bert-base", 1.89, "matches"),
        ("1.8 times as fast as bert-base", 1.91, "within_tolerance"),
        ("1.8 times as fast as bert-base", 1.74, "within_tolerance"),
        ("1.8 times as fast as bert-base", 1.63, "within_tolerance"),
        ("1.8 times as fast as bert-base", 1.61, "inconclusive"),
        ("1.8 times as fast as bert-base", 1.05, "differs"),
        # 60 %: the least is 1.44, differs below 0.96
        ("60% faster than bert-base", 1.605, "matches"),
        ("60% faster than bert-base", 1.62, "within_tolerance"),
        ("60% faster than bert-base", 1.45, "within_tolerance"),
        ("60% faster than bert-base", 1.43, "inconclusive"),
        ("60% faster than bert-base", 0.93, "differs"),
        ("5.3x faster than bert-base", 4.8, "within_tolerance"),
        ("5.3x faster than bert-base", 4.7, "inconclusive"),
        ("5.3x faster than bert-base", 3.1, "differs"),
    ],
)
def test_verdicts(text, one, state):
    assert judged(claim(text), (one,), (0.2,))[0] == state
    assert judged(claim(text), (0.2,), (one,))[0] == state


def test_the_batch_that_keeps_the_promise_decides():
    state, reason = judged(claim(), (1.2,), (1.9,))
    assert state == "matches"
    assert reason.startswith(
        "at each model's best batch 1.90 times as fast (1.86 to 1.94); one question at a time 1.20"
    )
    comparison = judge_speed(claim(), measured((1.6,), (1.7,)))
    assert comparison.state == "within_tolerance"
    assert comparison.measured == ratio("best", 1.7)


def test_differs_only_where_no_batch_can_be_explained():
    assert judged(claim(), (0.5,), (0.6,))[0] == "differs"
    assert judged(claim(), (0.5,), (1.1,))[0] == "inconclusive"
    assert judged(claim(), (0.5,), (0.6, 0.3, 1.01))[0] == "inconclusive"
    assert judged(claim(), (0.5,), (0.6, 0.3, 0.99))[0] == "differs"
    assert "below 1, the claim's least, 1.5, less a factor of 1.5" in judged(claim(), (0.5,), (0.6,))[1]


def test_a_wide_interval_shows_nothing():
    state, reason = judged(claim(), (2.0, 1.4, 2.6), (2.0, 1.0, 4.0))
    assert (state, "more rounds" in reason) == ("inconclusive", True)
    assert judged(claim(), (2.0, 1.5, 2.6), (2.0, 1.9, 2.1))[0] == "matches"
    assert judged(claim(), (9.0, 1.0, 81.0), (0.1,))[0] == "inconclusive"
    # unless all of it keeps the promise
    assert judged(claim(), (2.0, 1.51, 2.6), (0.1,))[0] == "within_tolerance"
    assert judged(claim(), (9.0, 1.51, 54.0), (0.1,))[0] == "within_tolerance"
    assert judged(claim(), (2.0, 1.49, 2.6), (0.1,))[0] == "inconclusive"


def test_a_faster_model_is_no_failure():
    state, reason = judged(claim(), (3.5,), (3.0,))
    assert (state, "faster than the claimed 2 times" in reason) == ("within_tolerance", True)


@given(st.floats(0.05, 20), st.floats(0.05, 20), st.sampled_from(["twice", "1.2x", "60%", "5.3x"]))
def test_a_faster_model_is_never_judged_worse(slow, fast, figure):
    words = {"twice": "twice as fast", "60%": "60% faster"}.get(figure, f"{figure} faster")
    order = ["differs", "inconclusive", "within_tolerance"]
    slow, fast = sorted((slow, fast))
    one, other = (
        order.index(state.replace("matches", "within_tolerance"))
        for state in (judged(claim(words), (value,), (value,))[0] for value in (slow, fast))
    )
    assert one <= other
    if other == 0:  # false only where the ratio is less than the claim by more than the factor
        assert fast * DEVICE < claim(words).ratio


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_claim_of_nothing_is_not_comparable(value):
    speed = Speed(value, "", "0x faster", Place(0, 1, 1))
    assert judge_speed(speed, measured()).verdict is Verdict.NOT_COMPARABLE


SAME, UNNAMED, UNKNOWN, ANOTHER = Naming


@pytest.mark.parametrize(
    ("than", "base", "naming"),
    [
        ("bert-base-uncased", model("bert-base-uncased"), SAME),
        ("google-bert/bert-base-uncased", model("bert-base-uncased"), SAME),
        ("bert-base", model("models-base"), SAME),
        ("BERT-base", model("bert-base-uncased"), SAME),
        ("BERT", model("bert-base-uncased"), SAME),
        ("bert base model", model("bert-base-uncased"), SAME),
        ("roberta-base", model("deepset/roberta-base-squad2", **ROBERTA), SAME),
        ("deepset/roberta-base-squad2", model("distil-roberta-base-squad2", **HALF), ANOTHER),
        ("bert-large", model("bert-base-uncased"), ANOTHER),
        ("bert-large model", model("bert-base-uncased"), ANOTHER),
        ("bert large model", model("bert-base-uncased"), ANOTHER),
        ("roberta-large", model("teacher", **ROBERTA), ANOTHER),
        ("BERT", model("roberta-base", **ROBERTA), ANOTHER),
        ("roberta", model("xlm-roberta-big", "xlm-roberta"), UNKNOWN),
        ("z-large", model("org/other"), UNKNOWN),
        ("x/reader", model("org/other"), ANOTHER),
        ("x/reader", model("x/reader"), SAME),
        ("x/reader", model("elsewhere/reader"), SAME),
        ("x/reader", model("folder"), UNKNOWN),
        ("base model", model("anything"), UNNAMED),
        ("", model("anything"), UNNAMED),
        ("while", model("anything"), UNNAMED),
        ("teacher model", model("anything"), UNNAMED),
    ],
)
def test_which_base_is_meant(than, base, naming):
    assert names_base(than, measured(base=base))[0] is naming


def test_the_base_model_of_the_front_matter_is_the_one_that_is_meant():
    given_base = measured(base=model("bert-base-uncased"))
    assert names_base("base model", given_base, ["bert-base-uncased"]) == (SAME, "")
    assert names_base("base model", given_base, ["bert-large-uncased"])[0] is ANOTHER
    assert names_base("base model", given_base, ["bert-large-uncased", "bert-base-uncased"])[0] is SAME
    assert names_base("base model", measured(base=model("org/reader")), ["x/y"])[0] is UNNAMED
    # what a student starts from is not what it is compared with
    assert names_base("base model", given_base, ["deepset/tinyroberta-6l-768d"])[0] is UNNAMED
    assert names_base("teacher model", given_base, ["bert-large-uncased"])[0] is UNNAMED
    assert names_base("bert-base", given_base, ["bert-large-uncased"])[0] is SAME


def test_another_base_is_not_comparable_and_an_unknown_one_decides_nothing():
    state, reason = judged(claim("twice as fast as bert-large"), (2.0,), (2.0,))
    assert state == "not_comparable"
    assert "the claim is relative to bert-large, org/base was measured, a bert of 12 layers of 768 units" in reason
    for value in (2.0, 0.5):
        state, reason = judged(claim("twice as fast as z-reader"), (value,), (value,))
        assert (state, "--use z-reader=PATH" in reason) == ("inconclusive", True)
    state, reason = judged(claim(), (2.0,), (2.0,))
    assert (state, "org/base is taken for it" in reason) == ("matches", True)


def test_bases_that_a_card_states():
    def bases(front):
        return stated_bases(parse_card(f"---\n{front}\n---\n\n# x\n"))

    assert bases("base_model: a/b") == ("a/b",)
    assert bases("base_model: [a/b, ' c ', 3]") == ("a/b", "c")
    assert bases("base_model: {a: b}") == bases("license: mit") == bases("base_model: ''") == ()


M, W, I, D, N = Verdict  # noqa: E741


@pytest.mark.parametrize(
    ("verdicts", "code", "strict", "sentence"),
    [
        ([M, W], 0, 0, "as fast as claimed: matches 1, within_tolerance 1"),
        ([M, I], 0, 1, "nothing differs: matches 1, inconclusive 1"),
        ([M, N], 0, 1, "nothing differs: matches 1, not_comparable 1"),
        ([M, D, I], 1, 1, "not as fast as claimed: matches 1, inconclusive 1, differs 1"),
        ([N], 1, 1, "nothing was compared: not_comparable 1"),
        ([], 1, 1, "nothing was compared: the card claims no speed"),
    ],
)
def test_exit_codes(verdicts, code, strict, sentence):
    comparisons = [SpeedComparison(claim(), verdict, "why") for verdict in verdicts]
    assert outcome(comparisons) == (code, sentence)
    assert outcome(comparisons, strict=True)[0] == strict


def test_the_records_go_to_json_and_back():
    both = measured()
    assert from_json(SpeedMeasured, to_json(both)) == both
    comparison = judge_speed(claim(), both)
    assert from_json(SpeedComparison, to_json(comparison)) == comparison
