"""Tests of differences against scipy and statsmodels, closed forms, and what must not matter to them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.significance import FEWEST, mcnemar, measure_change, measure_discordance

RECORD = json.loads((Path(__file__).parent / "data" / "significance.json").read_text("utf-8"))
"""What `record_significance.py` wrote."""

SCORES = st.sampled_from([0.0, 0.4, 0.5, 2 / 3, 0.8, 1.0])
PAIRS = st.lists(st.tuples(SCORES, SCORES, st.sampled_from("abcdefghijklmnop")), min_size=1, max_size=40)


def check(change, recorded):
    """Ours within five standard errors of two Monte Carlo estimates, of 10,000 and of 100,000 resamples."""
    resamples = 1 / 10_000 + 1 / RECORD["resamples"]
    assert change.difference == pytest.approx(recorded["difference"], abs=1e-9)
    for p, name in ((change.randomization_p, "randomization_p"), (change.bootstrap_p, "bootstrap_p")):
        wanted = recorded[name]
        assert p == pytest.approx(wanted, abs=5 * math.sqrt(wanted * (1 - wanted) * resamples) + 2e-4), name
    width = recorded["high"] - recorded["low"]
    # standard error of a normal distribution's 2.5 % quantile, in widths of the 95 % interval
    error = math.sqrt(0.025 * 0.975 * resamples) / 0.05845 / (2 * 1.96)
    assert (change.low, change.high) == pytest.approx((recorded["low"], recorded["high"]), abs=5 * error * width)


@pytest.mark.parametrize("pair", RECORD["pairs"], ids=lambda pair: f"{len(pair['first'])} questions")
@pytest.mark.parametrize("over", ["questions", "paragraphs"])
def test_made_up_scores_against_scipy(pair, over):
    clusters = pair["clusters"] if over == "paragraphs" else None
    change = measure_change("f1", pair["first"], pair["second"], clusters)
    check(change, pair[over])
    assert (change.over, change.resamples, change.level, change.seed) == (over, 10_000, 0.95, 0)


@pytest.mark.parametrize("recorded", RECORD["mcnemar"], ids=lambda recorded: str(recorded["counts"]))
def test_mcnemar_against_scipy_and_statsmodels(recorded):
    p = mcnemar(*recorded["counts"])
    assert p == pytest.approx(recorded["statsmodels"], rel=1e-10)
    assert p == pytest.approx(recorded["scipy"], rel=1e-10)


@pytest.mark.parametrize("recorded", RECORD["tango"], ids=lambda recorded: str(recorded["counts"]))
def test_tango_against_the_likelihood_maximised_by_scipy(recorded):
    found = measure_discordance(*recorded["counts"])
    assert (found.low, found.high) == pytest.approx((recorded["low"], recorded["high"]), abs=1e-5)


def test_published_interval_and_p():
    # Cavo et al., Blood 120, 2012, in Fagerland, Lydersen and Laake, Statistical Analysis of Contingency Tables, 2017,
    # chapter 8; the values are those that the authors' R package contingencytables 3.0.0 is tested with
    found = measure_discordance(16, 6, 161)
    assert (round(found.low / 100, 4), round(found.high / 100, 4), round(found.p, 6)) == (-0.1240, -0.0054, 0.052479)


@pytest.mark.parametrize("n", [1, 10, 11873])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_interval_of_no_discordant_question_has_a_closed_form(n, level):
    z = {0.8: 1.2815515655446004, 0.95: 1.959963984540054}[level]
    found = measure_discordance(0, 0, n, level=level)
    bound = 100 * z * z / (n + z * z)
    assert (found.p, found.low, found.high) == (1.0, pytest.approx(-bound), pytest.approx(bound))


def test_tango_refuses_no_difference_where_the_statistic_of_mcnemar_does():
    for fewer in range(8):
        for more in range(fewer + 1, 30):
            refused = (more - fewer) ** 2 / (more + fewer) > 1.959963984540054**2
            assert (measure_discordance(fewer, more, 100).low > 0) == refused


def test_mcnemar_is_the_binomial_tail_and_symmetric():
    for more in range(1, 25):
        for fewer in range(more):
            tail = sum(math.comb(more + fewer, k) for k in range(fewer + 1)) / 2 ** (more + fewer)
            assert mcnemar(fewer, more) == pytest.approx(min(1.0, 2 * tail), rel=1e-12)
            assert mcnemar(more, fewer) == mcnemar(fewer, more)


@pytest.mark.parametrize(
    ("counts", "level"), [((-1, 0, 3), 0.95), ((2, 2, 3), 0.95), ((0, 0, 0), 0.95), ((1, 1, 3), 1)]
)
def test_counts_that_are_none_are_refused(counts, level):
    with pytest.raises(ValueError, match="expected parts of some questions"):
        measure_discordance(*counts, level=level)


def test_randomization_over_questions_is_the_binomial_test_of_exact_match():
    first = [1.0] * 30 + [0.0] * 50 + [1.0] * 200
    second = [0.0] * 30 + [1.0] * 50 + [1.0] * 200
    change, exact = measure_change("exact", first, second), mcnemar(30, 50)
    assert change.randomization_p == pytest.approx(exact, abs=5 * math.sqrt(exact * (1 - exact) / 10_000))


def test_randomization_of_few_units_counts_the_exchanges():
    # 3 paragraphs: sums 1, 1, 0.5; of the 8 exchanges 2 give as much as 2.5
    first, second = [0.0, 0.5, 0.0, 0.0], [1.0, 1.0, 0.5, 0.5]
    change = measure_change("f1", first, second, ["a", "b", "b", "c"])
    assert change.randomization_p == pytest.approx(2 / 8, abs=0.025)
    # and over questions, 1, 0.5, 0.5, 0.5: 2 of 16
    assert measure_change("f1", first, second).randomization_p == pytest.approx(2 / 16, abs=0.02)


def test_ties_count_as_as_far_whatever_their_rounding():
    # three times a third is one: exchanged or not, the sums are the same to the last digit only on paper
    first = [0.0, 2 / 3, 1 / 3, 0.0]
    second = [1 / 3, 1.0, 2 / 3, 1.0]
    change = measure_change("f1", first, second, resamples=20_000)
    assert change.randomization_p == pytest.approx(2 / 16, abs=0.015)


@pytest.mark.parametrize("over", ["questions", "paragraphs"])
def test_nothing_that_differs_is_no_difference(over):
    scores = [0.0, 0.4, 1.0] * 20
    change = measure_change("f1", scores, scores, None if over == "questions" else [str(i // 4) for i in range(60)])
    assert (change.difference, change.differing, change.randomization_p) == (0.0, 0, 1.0)
    assert (change.low, change.high, change.bootstrap_p) == (None, None, None)
    assert change.units == (60 if over == "questions" else 15)


def test_a_difference_of_none_that_is_made_of_many_has_an_interval_about_it():
    change = measure_change("exact", [0.0, 1.0] * 50 + [1.0] * 100, [1.0, 0.0] * 50 + [1.0] * 100)
    assert (change.difference, change.differing) == (0.0, 100)
    assert (change.randomization_p, change.bootstrap_p) == (1.0, 1.0)
    assert change.low == pytest.approx(-change.high, abs=1.0)
    assert change.high == pytest.approx(196 * math.sqrt(0.5 / 200), rel=0.1)


@pytest.mark.parametrize(("differing", "given"), [(FEWEST - 1, False), (FEWEST, True)])
def test_too_few_units_that_differ_have_no_bootstrap(differing, given):
    second = [0.0] * differing + [1.0] * (100 - differing)
    change = measure_change("exact", [1.0] * 100, second)
    assert change.differing == differing
    assert [value is not None for value in (change.low, change.high, change.bootstrap_p)] == [given] * 3
    assert change.randomization_p < 0.05


def test_units_that_all_differ_by_as_much_have_no_bootstrap():
    change = measure_change("exact", [1.0] * 40, [0.0] * 40)
    assert (change.difference, change.low, change.bootstrap_p) == (-100.0, None, None)
    one_paragraph = measure_change("exact", [1.0, 0.0] * 20, [0.0] * 40, ["a"] * 40)
    assert (one_paragraph.low, one_paragraph.bootstrap_p, one_paragraph.randomization_p) == (None, None, 1.0)


def test_questions_that_go_together_count_once():
    differences = np.random.default_rng(2).choice([-1.0, 0.0, 0.0, 1.0], 400, p=[0.2, 0.3, 0.2, 0.3])
    first = [float(value < 0) for value in differences for _ in range(5)]
    second = [float(value > 0) for value in differences for _ in range(5)]
    names = [str(number) for number in range(400) for _ in range(5)]
    together, apart = measure_change("exact", first, second, names), measure_change("exact", first, second)
    alone = measure_change("exact", first[::5], second[::5])
    assert (together.units, together.difference) == (400, pytest.approx(alone.difference))
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high), abs=0.5)
    assert together.high - together.low == pytest.approx(math.sqrt(5) * (apart.high - apart.low), rel=0.08)
    assert together.randomization_p > apart.randomization_p


@given(PAIRS, st.booleans(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_of_questions_and_of_runs_changes_nothing_but_the_sign(pairs, clustered, random):
    def measured(rows):
        first, second, names = (list(column) for column in zip(*rows, strict=True))
        return measure_change("f1", first, second, names if clustered else None, resamples=200)

    change = measured(pairs)
    shuffled = random.sample(pairs, len(pairs))
    assert measured(shuffled) == change
    mirrored = measured([(b, a, name) for a, b, name in shuffled])
    sign = {name: None if (value := getattr(change, name)) is None else 0.0 - value for name in ("low", "high")}
    assert mirrored == replace(change, difference=0.0 - change.difference, low=sign["high"], high=sign["low"])


@pytest.mark.parametrize("names", [None, [str(i // 2) for i in range(37)]], ids=["questions", "paragraphs"])
def test_runs_that_are_level_are_mirrored_too(names):
    # as much lost as gained, but not in the same way
    first, second = [1.0] * 5 + [0.75] * 4 + [0.25] * 8 + [0.0] * 20, [0.0] * 17 + [0.5] * 20
    for seed in range(10):
        one = measure_change("f1", first, second, names, seed=seed)
        other = measure_change("f1", second, first, names, seed=seed)
        assert (other.low, other.high) == (-one.high, -one.low)


def test_the_last_bit_does_not_hang_on_the_order_within_a_paragraph():
    generator = np.random.default_rng(6)
    rows = [(*generator.choice([0.0, 0.1, 0.4, 2 / 3, 0.8, 1.0], 2), str(i % 20)) for i in range(400)]
    shuffled = [rows[i] for i in generator.permutation(400)]
    one, other = (
        measure_change("f1", *([float(row[i]) for row in given] for i in (0, 1)), [row[2] for row in given])
        for given in (rows, shuffled)
    )
    assert one == other


@given(PAIRS)
@settings(max_examples=20, deadline=None)
def test_paragraphs_of_one_question_are_questions(pairs):
    first, second = [a for a, _, _ in pairs], [b for _, b, _ in pairs]
    apart = measure_change("f1", first, second, [str(i) for i in range(len(pairs))], resamples=200)
    assert replace(apart, over="questions") == measure_change("f1", first, second, resamples=200)


def test_a_seed_settles_everything_and_nothing_else_is_drawn_from():
    pair = RECORD["pairs"][3]
    before = np.random.get_state()[1].tolist()
    one, again, other = (measure_change("f1", pair["first"], pair["second"], seed=seed) for seed in (0, 0, 1))
    assert one == again
    assert (one.low, one.randomization_p) != (other.low, other.randomization_p)
    assert np.random.get_state()[1].tolist() == before


@pytest.mark.parametrize(
    ("first", "second", "clusters", "options"),
    [
        ([], [], None, {}),
        ([1.0], [1.0, 0.0], None, {}),
        ([1.0], [1.0], ["a", "b"], {}),
        ([1.0], [100.0], None, {}),
        ([math.nan], [1.0], None, {}),
        ([1.0], [1.0], None, {"resamples": 0}),
        ([1.0], [1.0], None, {"level": 1.0}),
        ([1.0], [1.0], None, {"level": math.nan}),
    ],
)
def test_what_gives_no_figure_is_refused(first, second, clusters, options):
    with pytest.raises(ValueError, match="expected"):
        measure_change("f1", first, second, clusters, **options)


def test_false_alarms_under_no_difference():
    # 400 worlds in which paragraphs favour one or the other of two equal programs; clusters kept together are right,
    # questions taken alone find far too much
    generator = np.random.default_rng(11)
    names = [str(number) for number in range(60) for _ in range(8)]
    found = {"paragraphs": 0, "questions": 0}
    for seed in range(400):
        favour = np.repeat(generator.random(60), 8)
        differ = generator.random(480) < 0.4
        up = generator.random(480) < favour
        first, second = (differ & ~up).astype(float).tolist(), (differ & up).astype(float).tolist()
        for clusters in (names, None):
            change = measure_change("exact", first, second, clusters, resamples=199, seed=seed)
            found[change.over] += change.randomization_p <= 0.05
    assert 8 <= found["paragraphs"] <= 34  # 0.05 of 400, and three standard deviations
    assert found["questions"] > 40
