"""Intervals against published tables, closed forms, and the distributions that they come from."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from harness import squad
from harness.errors import DataError
from harness.intervals import FEWEST, bootstrap, choose_interval, clopper_pearson, score_intervals, shown_intervals
from harness.prediction_files import read_predictions
from harness.squad_files import read_squad_file


def at_least(successes, trials, share):
    """Probability of at least so many successes, term by term."""
    terms = (
        math.exp(
            math.lgamma(trials + 1)
            - math.lgamma(k + 1)
            - math.lgamma(trials - k + 1)
            + k * math.log(share)
            + (trials - k) * math.log1p(-share)
        )
        for k in range(successes, trials + 1)
    )
    return math.fsum(terms)


# Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17, 1998, table I, method
# 5; and the example of R's binom.test (Conover, Practical Nonparametric Statistics, 1971, page 97)
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high", "digits"),
    [
        (81, 263, 0.2527, 0.3676, 4),
        (15, 148, 0.0578, 0.1617, 4),
        (0, 20, 0.0, 0.1684, 4),
        (1, 29, 0.0009, 0.1776, 4),
        (682, 925, 0.7076683, 0.7654066, 7),
    ],
)
def test_published_binomial_intervals(successes, trials, low, high, digits):
    interval = clopper_pearson(successes, trials)
    assert (round(interval.low / 100, digits), round(interval.high / 100, digits)) == (low, high)
    mirrored = clopper_pearson(trials - successes, trials)
    assert (mirrored.low, mirrored.high) == pytest.approx((100 - interval.high, 100 - interval.low))


@pytest.mark.parametrize("trials", [1, 2, 30, 5945, 1_000_000])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_binomial_interval_of_none_and_of_all_has_a_closed_form(trials, level):
    none, every = clopper_pearson(0, trials, level=level), clopper_pearson(trials, trials, level=level)
    bound = -100 * math.expm1(math.log((1 - level) / 2) / trials)
    assert (none.low, none.high) == (0.0, pytest.approx(bound, rel=1e-9))
    assert (every.low, every.high) == (pytest.approx(100 - bound), 100.0)


@pytest.mark.parametrize(("successes", "trials"), [(1, 2), (3, 10), (78, 100), (9349, 11873), (11872, 11873)])
def test_binomial_limits_leave_half_the_rest_on_each_side(successes, trials):
    interval = clopper_pearson(successes, trials, level=0.9)
    assert at_least(successes, trials, interval.low / 100) == pytest.approx(0.05, rel=1e-7)
    assert 1 - at_least(successes + 1, trials, interval.high / 100) == pytest.approx(0.05, rel=1e-7)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.77])
def test_binomial_interval_holds_the_share_as_often_as_it_says(share):
    limits = [clopper_pearson(k, 40, level=0.9) for k in range(41)]
    held = sum(
        math.comb(40, k) * share**k * (1 - share) ** (40 - k)
        for k, interval in enumerate(limits)
        if interval.low <= 100 * share <= interval.high
    )
    assert held >= 0.9


@pytest.mark.parametrize(("successes", "trials", "level"), [(-1, 3, 0.9), (4, 3, 0.9), (0, 0, 0.9), (1, 3, 1.0)])
def test_binomial_refuses_what_is_no_share(successes, trials, level):
    with pytest.raises(ValueError, match="successes of"):
        clopper_pearson(successes, trials, level=level)


def normal_limits(values, level):
    """What the quantiles of a mean of so many draws come to by the central limit theorem, in points."""
    spread = NormalDist(np.mean(values), np.std(values) / math.sqrt(len(values)))
    return 100 * spread.inv_cdf((1 - level) / 2), 100 * spread.inv_cdf((1 + level) / 2)


@pytest.mark.parametrize("kinds", [2, 90, 300, 400, 4000], ids=["two", "few", "some", "many", "all"])
def test_bootstrap_over_questions_spreads_as_the_mean_of_as_many_draws(kinds):
    generator = np.random.default_rng(5)
    columns = generator.choice(generator.random((kinds, 2)), 4000)
    intervals = bootstrap(columns.tolist(), level=0.9)
    for number, interval in enumerate(intervals):
        low, high = normal_limits(columns[:, number], 0.9)
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.03 * (high - low))
        assert (interval.units, interval.resamples, interval.seed) == (4000, 10_000, 0)


@pytest.mark.parametrize("clusters", [40, 1000])
def test_questions_that_go_together_count_once(clusters):
    # seven copies of each value carry no more than one of it
    values = np.random.default_rng(2).random(clusters)
    rows = [[value] for value in values for _ in range(7)]
    names = [str(number) for number in range(clusters) for _ in range(7)]
    (clustered,), (plain,) = bootstrap(rows, names), bootstrap(rows)
    low, high = normal_limits(values, 0.95)
    assert (clustered.low, clustered.high) == pytest.approx((low, high), abs=0.04 * (high - low))
    assert clustered.high - clustered.low == pytest.approx(math.sqrt(7) * (plain.high - plain.low), rel=0.08)
    assert (clustered.units, clustered.method) == (clusters, "bootstrap over paragraphs")


def test_a_resample_divides_by_the_questions_that_it_drew():
    # a paragraph with one question and one with nine: both drawn are the first (1/4), the second (1/4), or one of each
    rows, names = [[1.0]] + [[0.0]] * 9, ["a"] + ["b"] * 9
    assert [(i.low, i.high) for i in bootstrap(rows, names, level=0.9)] == [(0.0, 100.0)]
    assert [(i.low, i.high) for i in bootstrap(rows, names, level=0.4)] == [(10.0, 10.0)]


def test_columns_come_from_the_same_resamples():
    values = np.random.default_rng(3).random(300)
    first, second = bootstrap([[value, value] for value in values])
    assert (first.low, first.high) == (second.low, second.high)


@pytest.mark.parametrize("kinds", [5, 2000])
def test_a_seed_settles_the_interval_and_nothing_else_is_drawn_from(kinds):
    rows = [[(number % kinds) / kinds] for number in range(2000)]
    before = np.random.get_state()[1].tolist()
    first, again, other = bootstrap(rows), bootstrap(rows), bootstrap(rows, seed=1)
    assert first == again
    assert (first[0].low, first[0].high) != (other[0].low, other[0].high)
    assert np.random.get_state()[1].tolist() == before


@pytest.mark.parametrize("settings", [{"resamples": 0}, {"level": 0.0}, {"level": math.nan}])
def test_bootstrap_refuses_what_gives_no_interval(settings):
    with pytest.raises(ValueError, match="expected"):
        bootstrap([[1.0]], **settings)
    with pytest.raises(ValueError, match="0 rows"):
        bootstrap([])


def test_every_figure_has_its_intervals(make_question):
    questions = [make_question(str(i), ["x"] if i % 2 else [], passage_id=f"0:{i // 4}") for i in range(40)]
    answers = {q.id: "x" if int(q.id) % 3 else "" for q in questions}
    scores = squad.score_predictions(questions, answers)
    intervals = score_intervals(questions, scores, resamples=500)
    figures = squad.summarize(scores)
    assert list(intervals) == [key for key in figures if not key.endswith("total")]
    for key, found in intervals.items():
        methods = ["bootstrap over paragraphs", "bootstrap over questions", "Clopper-Pearson"]
        assert [interval.method for interval in found] == methods[: 3 if key.endswith("exact") else 2]
        assert [interval.units for interval in found] == [
            10,
            *[40 if key in ("exact", "f1") else 20] * (len(found) - 1),
        ]
        assert all(interval.low < figures[key] < interval.high for interval in found)


def test_each_figure_has_its_own_interval(make_question):
    questions = [make_question(str(i), ["x y"], passage_id=f"0:{i // 2}") for i in range(60)]
    answers = {q.id: ["x y", "x", "z"][int(q.id) % 3] for q in questions}  # F1 of "x" is 2/3
    scores = squad.score_predictions(questions, answers)
    intervals = score_intervals(questions, scores, resamples=2000)
    for exact, f1 in zip(intervals["exact_match"][:2], intervals["f1"], strict=True):
        assert exact.low < 100 / 3 < exact.high < 100 * 5 / 9 < f1.high
        assert exact.low < f1.low < 100 * 5 / 9


def test_one_question_or_one_paragraph_has_no_bootstrap(make_question):
    questions = [make_question("a", ["x"]), make_question("b", ["y"])]
    scores = squad.score_predictions(questions, {"a": "x", "b": "x"})
    intervals = score_intervals(questions, scores, resamples=50)
    assert [i.method for i in intervals["exact_match"]] == ["bootstrap over questions", "Clopper-Pearson"]
    assert [i.method for i in intervals["f1"]] == ["bootstrap over questions"]
    alone = score_intervals(questions[:1], squad.score_predictions(questions[:1], {"a": "x"}))
    (binomial,) = alone["exact_match"]
    assert (binomial.low, binomial.high) == (pytest.approx(2.5), 100.0)
    assert alone["f1"] == ()


@pytest.mark.parametrize(
    ("answer", "low", "high"), [("p q r", 69.1503, 100.0), ("p q", 0.0, 30.8497), ("s", 0.0, 30.8497)]
)
def test_questions_that_all_score_alike_say_nothing_of_how_far_others_would_be_apart(make_question, answer, low, high):
    # F1 of "p q" is 4/5: the means of so many of them are not the same to the last digit
    questions = [make_question(str(i), ["p q r"], passage_id=f"0:{i * i // 20}") for i in range(10)]
    scores = squad.score_predictions(questions, {q.id: answer for q in questions})
    (binomial,) = (intervals := score_intervals(questions, scores))["exact_match"]
    assert (binomial.low, binomial.high) == pytest.approx((low, high), abs=1e-4)
    assert intervals["f1"] == ()


def test_rules_1_1_have_two_figures(make_question):
    questions = [make_question("a", ["x"]), make_question("b", ["y"])]
    scores = squad.score_predictions(questions, {"a": "x", "b": "x"})
    assert list(score_intervals(questions, scores, resamples=50)) == ["exact_match", "f1"]
    with pytest.raises(DataError, match="not of the 1 of the data"):
        score_intervals(questions[:1], scores)


@pytest.mark.parametrize("count", [FEWEST - 1, FEWEST])
def test_one_interval_is_shown_and_few_paragraphs_have_none(make_question, count):
    questions = [make_question(str(i), ["x y"] if i % 3 else [], passage_id=f"0:{i % count}") for i in range(60)]
    answers = {q.id: ["x y", "x", ""][int(q.id) % 7 % 3] for q in questions}
    scores = squad.score_predictions(questions, answers)
    every, shown = score_intervals(questions, scores), shown_intervals(scores, questions)
    assert list(shown) == list(every)
    for key, interval in shown.items():
        few = every[key][0].units < FEWEST  # of the subset
        wanted = every[key][0] if not few else every[key][-1] if key.endswith("exact") else every[key][1]
        assert interval == (shown["NoAns_exact"] if key == "NoAns_f1" else wanted), key
    assert {each.method for each in shown.values()} == (
        {"bootstrap over paragraphs"} if count == FEWEST else {"Clopper-Pearson", "bootstrap over questions"}
    )


def test_without_the_questions_no_paragraphs_are_known(make_question):
    questions = [make_question(str(i), ["x y"], passage_id=f"0:{i // 2}") for i in range(40)]
    scores = squad.score_predictions(questions, {q.id: ["x y", "x"][int(q.id) % 2] for q in questions}, rules="2.0")
    every = score_intervals(questions, scores)
    shown = shown_intervals(scores)
    assert shown["exact"] == every["exact"][-1] and shown["exact"].method == "Clopper-Pearson"
    assert shown["f1"] == next(each for each in every["f1"] if each.method == "bootstrap over questions")


def test_what_a_few_questions_give_has_no_bootstrap(make_question):
    questions = [make_question(str(i), ["x y"], passage_id=f"0:{i}") for i in range(FEWEST - 1)]
    scores = squad.score_predictions(questions, {q.id: ["x y", "x"][int(q.id) % 2] for q in questions})
    shown = shown_intervals(scores, questions)
    assert list(shown) == ["exact_match"] and shown["exact_match"] == clopper_pearson(5, 9)
    assert choose_interval(()) is None


def test_published_predictions(shared):
    questions = read_squad_file(shared / "data" / "squad" / "dev-v2.0.json")
    answers = read_predictions(shared / "data" / "predictions" / "squad2-dev-bert.json")
    scores = squad.score_predictions(questions, answers)
    over_paragraphs, over_questions, binomial = score_intervals(questions, scores)["exact"]
    low, high = normal_limits(list(scores.exact.values()), 0.95)
    assert (over_questions.low, over_questions.high) == pytest.approx((low, high), abs=0.04)
    assert (binomial.low, binomial.high) == pytest.approx((low, high), abs=0.02)
    assert (over_paragraphs.units, over_questions.units) == (1204, 11873)
    assert over_paragraphs.high - over_paragraphs.low > over_questions.high - over_questions.low
