"""Confidence sequences: every order of small populations, another program's capital, and what must hold always."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sequences import GAPS, LARGEST_BET, SHARES, MeanSequence, confidence_sequence

RECORDED = json.loads((Path(__file__).with_name("data") / "sequences.json").read_text("utf-8"))["cases"]
ROUNDING = 1e-12


def misses(values: tuple[float, ...], alpha: float) -> tuple[bool, bool]:
    """Whether the mean is ever below the lower, or above the upper bound."""
    low, high = confidence_sequence(values, len(values), alpha)
    mean = math.fsum(values) / len(values)
    return bool((low > mean + ROUNDING).any()), bool((high < mean - ROUNDING).any())


@pytest.mark.parametrize("alpha", [0.8, 0.3, 0.05])
def test_of_all_orders_of_every_small_population_at_most_alpha_miss_its_mean(alpha: float) -> None:
    ever = 0
    for n in range(3, 9):
        found: dict[float, list[tuple[bool, bool]]] = {}
        for order in itertools.product((0.0, 1.0), repeat=n):  # every order of every population of 0 and 1
            found.setdefault(sum(order), []).append(misses(order, alpha))
        for every in found.values():
            assert sum(below or above for below, above in every) <= alpha * len(every)
            assert sum(below for below, _ in every) <= alpha / 2 * len(every)
            assert sum(above for _, above in every) <= alpha / 2 * len(every)
            ever += sum(map(any, every))
    assert alpha < 0.8 or ever > 0  # bets that nobody wins would prove nothing


def test_of_all_orders_of_partial_scores_too() -> None:
    ever = 0
    for population in ((0.0, 0.0, 0.5, 1.0, 1.0, 1.0), (0.0, 0.2, 0.2, 0.9, 1.0, 1.0), (0.3, 0.4, 0.5, 1.0, 1.0, 1.0)):
        orders = list(itertools.permutations(population))
        found = {order: misses(order, 0.8) for order in set(orders)}
        ever += (missed := sum(any(found[order]) for order in orders))
        assert missed <= 0.8 * len(orders)
    assert ever > 0


@pytest.mark.parametrize(("population", "mean", "alpha"), [(150, 0.7, 0.3), (300, 0.9, 0.2)])
def test_in_random_orders_misses_come_about_as_often_as_allowed(population: int, mean: float, alpha: float) -> None:
    rng, orders = np.random.default_rng(1), 300
    values = np.arange(population) < mean * population
    missed = sum(any(misses(tuple(rng.permutation(values).astype(float)), alpha)) for _ in range(orders))
    assert missed / orders <= alpha + 2.5 * math.sqrt(alpha * (1 - alpha) / orders)
    assert missed / orders >= alpha / 10  # a bound that never errs is far too wide


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: f"{len(case['values'])} of {case['population']}")
def test_bounds_are_those_of_another_programs_capital_and_err_outwards_only(case: dict) -> None:
    low, high = confidence_sequence(case["values"], case["population"], case["alpha"])
    times = np.array(case["times"])
    theirs = np.array(case["bounds"])
    ours = np.stack((low, high), axis=1)[times - 1]
    assert (ours[:, 0] <= theirs[:, 0] + ROUNDING).all()
    assert (ours[:, 1] >= theirs[:, 1] - ROUNDING).all()
    width = theirs[:, 1] - theirs[:, 0]
    assert (np.abs(ours - theirs) <= 0.02 * width[:, None] + 1e-6).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.0, 1.0, 1.0, 1.0, 0.5, 2 / 3]), min_size=1, max_size=90),
    st.integers(0, 60),
    st.sampled_from([0.01, 0.05, 0.5]),
    st.randoms(use_true_random=False),
)
def test_bounds_keep_to_what_is_possible_and_hang_on_nothing_that_comes_later(values, more, alpha, random) -> None:
    population = len(values) + more
    low, high = confidence_sequence(values, population, alpha)
    sums, count = np.cumsum(values), np.arange(1, len(values) + 1)
    assert (low >= sums / population - ROUNDING).all()
    assert (high <= (sums + population - count) / population + ROUNDING).all()
    assert (low <= high + ROUNDING).all()
    sequence, ours = MeanSequence(population, alpha), []
    rest = list(values)
    while rest:  # however many are given at a time
        size = random.randint(1, len(rest))
        ours.append(np.stack(sequence.extend(rest[:size])))
        rest = rest[size:]
    assert (np.concatenate(ours, axis=1) == np.stack((low, high))).all()
    mirrored = confidence_sequence(1 - np.array(values), population, alpha)
    assert np.allclose(1 - mirrored[0], high, rtol=0, atol=1e-7)
    assert np.allclose(1 - mirrored[1], low, rtol=0, atol=1e-7)


def test_bounds_are_nested_and_end_in_the_mean_itself() -> None:
    values = np.random.default_rng(0).permutation(np.arange(4000) < 3200).astype(float)
    low, high = confidence_sequence(values, 4000, 0.05)
    assert low.max() <= 0.8 <= high.min()
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) <= 0).all()
    assert low[-1] == high[-1] == 0.8
    assert high[999] - low[999] < 0.08  # of 1,000 questions: 4 standard errors on each side would be 0.1
    some = values[:1000]
    assert confidence_sequence(some, 4000, 0.001)[0][-1] < confidence_sequence(some, 4000, 0.1)[0][-1]
    assert confidence_sequence(some, 1200, 0.05)[0][-1] > low[999]  # less is left


def test_a_bound_that_proves_wrong_gives_way() -> None:
    values = np.concatenate((np.ones(300), np.zeros(700)))  # no order that chance would give
    low, high = confidence_sequence(values, 1000, 0.05)
    assert low[299] > 0.9
    assert (low <= high).all()
    assert low[-1] == high[-1] == 0.3


def test_ones_only_leave_the_upper_bound_where_it_is() -> None:
    low, high = confidence_sequence(np.ones(50), 1000, 0.05)
    assert (high == 1).all()
    assert 0.8 < low[-1] < 1
    assert confidence_sequence([1.0], 1, 0.05) == (np.array([1.0]), np.array([1.0]))
    nothing, none = confidence_sequence([], 10, 0.05)
    assert len(nothing) == len(none) == 0


def test_the_capital_is_shared_out_whole() -> None:
    assert math.isclose(sum(SHARES), 1.0, abs_tol=1e-12)
    assert len(SHARES) == len(GAPS)
    assert 0 < LARGEST_BET < 1


@pytest.mark.parametrize(
    ("values", "population", "alpha", "told"),
    [
        ([0.5, 1.1], 5, 0.05, "from 0 to 1"),
        ([0.5, -0.1], 5, 0.05, "from 0 to 1"),
        ([0.5, math.nan], 5, 0.05, "from 0 to 1"),
        ([[0.5]], 5, 0.05, "in one row"),
        ([0.5, 0.5], 1, 0.05, "found 2, expected at most the population of 1"),
        ([], 0, 0.05, "population: found 0"),
        ([0.5], 5, 0.0, "alpha: found 0.0"),
        ([0.5], 5, 1.0, "alpha: found 1.0"),
        ([0.5], 5, math.nan, "alpha: found nan"),
    ],
)
def test_what_makes_no_sense_is_refused(values, population, alpha, told) -> None:
    with pytest.raises(ValueError, match=told):
        confidence_sequence(values, population, alpha)
