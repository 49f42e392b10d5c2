"""The table of tolerances, kind of run by kind of run."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_verdict import claim, run_with

from harness.distributions import t_quantile
from harness.records import Bounds, DataRef, Rescored, Tolerance, Verdict
from harness.verdict import Terms, judge_claim, pool_seeds

KNOWN, ASSUMED, OTHER = Terms(protocol="known"), Terms(), Terms(protocol="other")


def released(exact, *alternatives, **rest):
    tried = tuple(Rescored(name, f"as {name}", {"exact": value}, 5, 7) for name, value in alternatives)
    return replace(run_with("released", exact=exact, **rest), alternatives=tried)


FORCED = replace(run_with().recipe.decoding, forced_answer=True)


def seeds(*values, kind="retrained", assumed=""):
    return [with_seed(run_with(kind, exact=value, assumed=assumed), number) for number, value in enumerate(values)]


def with_seed(run, seed):
    stages = tuple(replace(stage, seed=seed) for stage in run.recipe.stages)
    return replace(run, id=f"run-{seed}", recipe=replace(run.recipe, stages=stages))


def with_a_stage_before(runs, moving):
    """The same runs of a recipe of one more stage, whose seed moves with the other's or stands still."""

    def lengthen(run):
        first = replace(run.recipe.stages[0], name="before")
        first = first if moving else replace(first, seed=99)
        return replace(run, recipe=replace(run.recipe, stages=(first, *run.recipe.stages)))

    return [lengthen(run) for run in runs]


@pytest.mark.parametrize(("kind", "inconclusive"), [("retrained", 0.8), ("distilled", 2.0)])
def test_seeds_of_one_stage_alone_spread_less_than_those_of_all(kind, inconclusive):
    """What the other stages' seeds would add may be all that a true claim is off by."""

    def judged(digits, moving):
        runs = seeds(79.99, 80.0, 80.01, kind=kind)
        return judge_claim(claim(digits), with_a_stage_before(runs, moving))

    near, far = f"{80.0 + inconclusive - 0.1:.4f}", f"{80.0 + inconclusive + 0.1:.4f}"
    assert judged(near, True).verdict is Verdict.DIFFERS
    assert judged(near, False).verdict is Verdict.INCONCLUSIVE
    assert judged(far, False).verdict is Verdict.DIFFERS
    assert judged("80.0000", False).verdict is Verdict.MATCHES
    assert "mean 80.00 of 3 seeds, which" in judged(near, True).reason
    alone = "3 seeds of stages teacher, student alone"
    assert f"mean 80.00 of {alone}, which" in judged(near, False).reason
    assert judged(near, False).reason.endswith("outside, but runs have a stage's seed in common")
    assert judged(near, False).tolerance.reason == f"prediction interval of {alone}, 95 and 99 %"


@pytest.mark.parametrize(("kind", "inconclusive"), [("retrained", 0.8), ("distilled", 2.0)])
def test_seeds_of_one_stage_beside_seeds_of_all_spread_less_too(kind, inconclusive):
    """Four runs of one teacher and one of another are no five seeds, although no stage has one seed in all runs."""
    runs = with_a_stage_before(seeds(79.98, 79.99, 80.0, 80.01, 80.02, kind=kind), moving=False)
    first, *others = runs[4].recipe.stages
    runs[4] = replace(runs[4], recipe=replace(runs[4].recipe, stages=(replace(first, seed=4), *others)))
    judged = judge_claim(claim(f"{80.0 + inconclusive - 0.1:.4f}"), runs)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "mean 80.00 of 5 seeds, some with a stage's seed in common, which" in judged.reason
    assert judge_claim(claim(f"{80.0 + inconclusive + 0.1:.4f}"), runs).verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("digits", "value", "verdict"),
    [
        ("80.0", 80.0, Verdict.MATCHES),
        ("80.0", 80.04, Verdict.MATCHES),  # rounds to the digits
        ("80.0", 80.09, Verdict.MATCHES),  # cut to them
        ("80.0", 79.95, Verdict.MATCHES),
        ("80.0", 79.949, Verdict.DIFFERS),
        ("80.0", 80.1, Verdict.DIFFERS),
        ("80.00", 80.01, Verdict.DIFFERS),
        ("80", 80.9, Verdict.MATCHES),
        ("0.8", 80.4, Verdict.INCONCLUSIVE),  # ten points of resolution show nothing
        ("0.8", 50.0, Verdict.DIFFERS),
    ],
)
def test_replay(digits, value, verdict):
    unit = "fraction" if digits.startswith("0") else "percent"
    assert judge_claim(claim(digits, unit=unit), run_with("replay", exact=value)).verdict is verdict


def test_a_replay_of_other_questions_is_not_comparable():
    run = run_with("replay", exact=80.0)
    assert judge_claim(claim(), run, Terms(total=11_873)).verdict is Verdict.MATCHES
    judged = judge_claim(claim(), run, Terms(total=11_870))
    assert (judged.verdict, judged.reason) == (
        Verdict.NOT_COMPARABLE,
        "other questions: the run evaluated 11873, the card prints 11870 beside the figure",
    )
    parts = run_with("replay", exact=80.0, HasAns_exact=70.0, HasAns_total=5928.0)
    assert judge_claim(claim("70.0", subset="has_ans"), parts, Terms(total=5928)).verdict is Verdict.MATCHES
    assert judge_claim(claim("70.0", subset="has_ans"), parts, Terms(total=5926)).verdict is Verdict.NOT_COMPARABLE


@pytest.mark.parametrize(
    ("value", "verdict", "said"),
    [
        (80.0, Verdict.MATCHES, "printed digits"),
        (80.001, Verdict.WITHIN_TOLERANCE, "tolerance 0.05"),
        (79.9505, Verdict.WITHIN_TOLERANCE, "tolerance 0.05"),
        (80.0505, Verdict.WITHIN_TOLERANCE, "tolerance 0.05"),  # a whole last digit upwards
        (79.949, Verdict.WITHIN_TOLERANCE, "warning, more than 0.05 but within 0.1"),
        (80.1005, Verdict.WITHIN_TOLERANCE, "warning"),
        (79.899, Verdict.DIFFERS, "0.10 points below the claim, tolerance 0.1"),
        (80.102, Verdict.DIFFERS, "above"),
    ],
)
def test_released_under_a_known_protocol(value, verdict, said):
    judged = judge_claim(claim("80.000"), run_with("released", exact=value), KNOWN)
    assert judged.verdict is verdict
    assert said in judged.reason
    assert judged.protocol == "known"


def test_a_known_protocol_is_not_excused_by_another():
    judged = judge_claim(claim("80.000"), released(79.0, ("farm", 80.0)), KNOWN)
    assert (judged.verdict, judged.explained_by) == (Verdict.DIFFERS, "farm")
    assert "the protocol farm (as farm) would give the claimed figure" in judged.reason


@pytest.mark.parametrize(
    ("value", "alternatives", "verdict", "said"),
    [
        (80.0, (), Verdict.MATCHES, "protocol assumed"),
        (79.96, (), Verdict.WITHIN_TOLERANCE, "protocol assumed"),
        (79.93, (), Verdict.INCONCLUSIVE, "0.07 points below the claim"),
        (78.01, (("farm", 70.0),), Verdict.INCONCLUSIVE, "none of 1 other protocols tried gives it"),
        (77.9, (("farm", 70.0), ("cased", 60.0)), Verdict.DIFFERS, "none of 2 other protocols tried gives it"),
        (77.9, (("farm", 80.04),), Verdict.INCONCLUSIVE, "the protocol farm (as farm) gives the claimed figure"),
        (60.0, (("farm", 80.0),), Verdict.INCONCLUSIVE, "in which 12 questions are right otherwise"),
        (60.0, (("farm", 80.08),), Verdict.DIFFERS, "tolerance 0.05"),
    ],
)
def test_released_where_the_protocol_is_not_known(value, alternatives, verdict, said):
    judged = judge_claim(claim("80.000"), released(value, *alternatives), ASSUMED)
    assert judged.verdict is verdict
    assert said in judged.reason
    assert judged.protocol == "assumed"


def test_a_protocol_has_to_give_the_figures_that_stand_together():
    def tried(name, **scores):
        return Rescored(name, name, scores, 1, 1)

    beside = Terms(beside=(claim("82.000", metric="f1"),))
    run = replace(run_with("released", exact=79.0, f1=81.5), alternatives=(tried("chance", exact=80.0, f1=81.0),))
    judged = judge_claim(claim("80.000"), run, beside)
    assert (judged.verdict, judged.explained_by) == (Verdict.INCONCLUSIVE, None)
    assert "none of 1 other protocols tried gives it together with the figures beside it" in judged.reason
    assert judge_claim(claim("80.000"), run, Terms()).explained_by == "chance"
    both = replace(run, alternatives=(*run.alternatives, tried("farm", exact=80.01, f1=82.0)))
    assert judge_claim(claim("80.000"), both, beside).explained_by == "farm"
    exact_only = replace(run, scores={"exact": 79.0, "f1": 82.0}, alternatives=(tried("raw text", exact=80.0),))
    assert judge_claim(claim("80.000"), exact_only, beside).explained_by == "raw text"


def test_a_large_gap_is_no_difference_before_other_protocols_were_tried():
    judged = judge_claim(claim(), run_with("released", exact=60.0), ASSUMED)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "none was tried" in judged.reason


def test_a_large_gap_is_no_difference_where_logits_were_not_at_hand():
    run = replace(released(60.0, ("raw text", 59.0)), untried="No logits were kept.")
    judged = judge_claim(claim("80.000"), run, ASSUMED)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.reason.endswith("none of 1 other protocols tried gives it. No logits were kept.")


def test_agreement_under_a_protocol_of_ones_own_choice_shows_nothing():
    judged = judge_claim(claim(), released(80.0), OTHER)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "another protocol than the one that the card is taken to mean" in judged.reason
    assert judge_claim(claim(), released(70.0), OTHER).verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("spread", "distance", "verdict"),
    [
        (0.1, 0.0, Verdict.MATCHES),
        (0.1, 0.49, Verdict.WITHIN_TOLERANCE),  # 4.97 standard deviations
        (0.1, 0.52, Verdict.WITHIN_TOLERANCE),  # with a warning, to 11.46
        (0.1, 1.14, Verdict.WITHIN_TOLERANCE),
        (0.1, 1.16, Verdict.DIFFERS),
        (0.19, 0.9, Verdict.WITHIN_TOLERANCE),
        (0.21, 0.0, Verdict.INCONCLUSIVE),  # a half of 1.04 points
        (0.21, 0.9, Verdict.INCONCLUSIVE),
        (0.21, 2.38, Verdict.INCONCLUSIVE),
        (0.21, 2.43, Verdict.DIFFERS),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("kind", ["retrained", "distilled"])
def test_three_seeds(spread, distance, verdict, sign, kind):
    center = 80.0 + sign * distance
    runs = seeds(center - spread, center, center + spread, kind=kind)
    judged = judge_claim(claim("80.0000000"), runs)
    assert judged.verdict is verdict
    assert judged.reproduced == pytest.approx(center)
    assert judged.seeds.deviation == pytest.approx(spread)
    assert judged.seeds.half_95 == pytest.approx(4.968 * spread, rel=1e-3)
    assert judged.runs == ("run-0", "run-1", "run-2")
    assert ("warning" in judged.reason) is (verdict is Verdict.WITHIN_TOLERANCE and distance > 4.97 * spread)


def test_a_wide_spread_says_how_many_seeds_would_do():
    judged = judge_claim(claim(), seeds(79.6, 80.0, 80.4))
    assert judged.verdict is Verdict.INCONCLUSIVE
    enough = judged.seeds.enough
    assert f"{enough} seeds would do" in judged.reason

    def half(n):
        return t_quantile(0.975, n - 1) * judged.seeds.deviation * math.sqrt(1 + 1 / n)

    assert half(enough) <= 1.0 < half(enough - 1)
    wide = judge_claim(claim(), seeds(75.0, 80.0, 85.0))
    assert wide.seeds.enough is None
    assert "no number of seeds would do" in wide.reason


def test_the_widest_interval_that_counts_can_be_set():
    runs = seeds(79.6, 80.0, 80.4)
    allowed = Terms(Tolerance(0.5, 0.8, 0.8, "a small model", half_width=2.0))
    judged = judge_claim(claim("80.1000"), runs, allowed)
    assert judged.verdict is Verdict.WITHIN_TOLERANCE
    assert "a small model" in judged.tolerance.reason


def test_two_seeds_are_judged_by_their_mean_like_one_unless_they_lie_too_far_apart():
    judged = judge_claim(claim("80.0000"), seeds(79.0, 80.2))
    assert judged.verdict is Verdict.WITHIN_TOLERANCE
    assert judged.reason.startswith("mean of 2 seeds")
    assert judge_claim(claim("80.0000"), seeds(78.4, 79.2)).verdict is Verdict.DIFFERS
    assert judge_claim(claim("80.0000"), seeds(60.0, 62.0)).verdict is Verdict.DIFFERS  # both are far below
    assert judge_claim(claim("90.0"), seeds(95.0, 99.0), Terms(at_least=True)).verdict is Verdict.WITHIN_TOLERANCE
    for values in ((78.0, 80.2), (70.0, 90.0), (70.0, 95.0)):
        judged = judge_claim(claim("80.0"), seeds(*values))
        assert judged.verdict is Verdict.INCONCLUSIVE
        assert "too far for a mean to show anything" in judged.reason


def test_a_tolerance_in_points_judges_the_mean_of_any_number_of_seeds():
    wide = Terms(Tolerance(5.0, 5.0, 5.0, "given"))
    judged = judge_claim(claim("80.0000"), seeds(81.4, 81.5, 81.6), wide)
    assert (judged.verdict, judged.seeds.mean) == (Verdict.WITHIN_TOLERANCE, pytest.approx(81.5))
    assert judge_claim(claim("80.0000"), seeds(81.4, 81.5, 81.6)).verdict is Verdict.DIFFERS
    assert judge_claim(claim("80.0000"), seeds(70.0, 80.0, 90.0), wide).verdict is Verdict.INCONCLUSIVE
    assert judge_claim(claim("80.0000"), seeds(88.0, 89.0, 90.0), wide).verdict is Verdict.DIFFERS
    narrow = Terms(Tolerance(0.1, 0.1, 0.1, "given"))
    assert judge_claim(claim("90.0000"), seeds(79.9, 80.0, 80.1, 80.2, 80.3), narrow).verdict is Verdict.DIFFERS


def test_the_run_with_the_cards_own_seeds_is_worth_most():
    runs = seeds(80.1234, 75.0, 85.0)
    assert judge_claim(claim("80.1234"), runs).verdict is Verdict.INCONCLUSIVE
    judged = judge_claim(claim("80.1234"), runs, Terms(own="run-0"))
    assert (judged.verdict, judged.reason.split(";")[0]) == (
        Verdict.MATCHES,
        "the run with the card's own seeds gives the printed digits",
    )
    assert judge_claim(claim("80.1234"), runs, Terms(own="run-1")).verdict is Verdict.INCONCLUSIVE


def test_assumed_training_doubles_the_interval_that_decides_nothing():
    runs = seeds(79.9, 80.0, 80.1, assumed="epochs")
    # 99 %: 1.146 points, which is more than twice the 0.497 of 95 %
    assert judge_claim(claim("81.2000"), runs).verdict is Verdict.DIFFERS
    many = seeds(*[79.9, 80.1] * 5, assumed="epochs")
    half = judge_claim(claim("80.0000"), many).seeds.half_95
    assert judge_claim(claim(f"{80 + 1.9 * half:.4f}"), many).verdict is Verdict.INCONCLUSIVE
    assert judge_claim(claim(f"{80 + 2.1 * half:.4f}"), many).verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "run-0"}, "two runs of one id"),
        ({"recipe": with_seed(run_with(), 0).recipe}, "the same seeds"),
        ({"recipe": replace(with_seed(run_with(), 9).recipe, evaluation=None)}, "different recipes"),
        ({"recipe": replace(with_seed(run_with(), 9).recipe, decoding=FORCED)}, "decoded in different ways"),
        ({"kind": "released"}, "these trained nothing"),
        ({"evaluated": replace(run_with().evaluated, sha256="f" * 64)}, "different questions"),
        ({"bounds": Bounds("m", 0.05, 0, 1, 2, {}, {}, True)}, "stopped early"),
    ],
)
def test_runs_that_cannot_be_pooled(change, said):
    runs = seeds(80.0, 80.0, 80.0)
    judged = judge_claim(claim(), [*runs[:2], replace(runs[2], **change)])
    assert judged.verdict is Verdict.NOT_COMPARABLE
    assert said in judged.reason


def test_seeds_that_agree_to_the_question_do_not_make_an_interval_of_nothing():
    pooled = pool_seeds([80.0, 80.0, 80.0], 1.0, 1000)
    assert pooled.deviation == 0.0
    assert pooled.half_95 == pytest.approx(4.968 * 0.1 / math.sqrt(12), rel=1e-3)
    assert pool_seeds([80.0, 80.0, 80.0], 1.0).half_99 == 0.0


@pytest.mark.parametrize(
    ("kind", "n", "gap", "verdict"),
    [
        ("retrained", 2000, 0.79, Verdict.WITHIN_TOLERANCE),
        ("retrained", 2000, 1.94, Verdict.INCONCLUSIVE),  # 0.8 times the square root of 11873 / 2000
        ("retrained", 2000, 1.96, Verdict.DIFFERS),
        ("retrained", 12_000, 0.81, Verdict.DIFFERS),
        ("distilled", 4000, 1.99, Verdict.INCONCLUSIVE),
        ("distilled", 4000, 2.01, Verdict.DIFFERS),
        ("distilled", 1000, 3.44, Verdict.INCONCLUSIVE),
        ("distilled", 1000, 3.46, Verdict.DIFFERS),
        ("released", 500, 0.2, Verdict.INCONCLUSIVE),  # one question
        ("released", 500, 0.21, Verdict.DIFFERS),
        ("replay", 500, 0.2, Verdict.DIFFERS),
    ],
)
def test_on_few_questions_chance_decides_nothing(kind, n, gap, verdict):
    data = DataRef("mini", "validation")
    run = run_with(kind, data=data, n=n, exact=80.0 - gap)
    judged = judge_claim(claim("80.0000", data=data), run, KNOWN)
    assert judged.verdict is verdict
    assert (f"chance on {n} questions" in judged.tolerance.reason) is (n < 5000 and kind != "replay" and n != 4000)
    whole = judge_claim(claim("80.0000", data=data), run, Terms(Tolerance(0.5, 0.8, 0.8, "set"), "known"))
    assert whole.verdict is not Verdict.INCONCLUSIVE


def test_of_a_subset_its_own_questions_count():
    run = run_with(HasAns_exact=78.9, HasAns_total=5928.0, exact=78.9)
    assert judge_claim(claim(subset="has_ans"), run).verdict is Verdict.INCONCLUSIVE
    assert judge_claim(claim(), run).verdict is Verdict.DIFFERS


@given(st.lists(st.floats(0, 100, allow_nan=False), min_size=2, max_size=12))
def test_pooled_seeds_against_the_formula(values):
    pooled = pool_seeds(values, 1.0)
    n = len(values)
    mean = sum(values) / n
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    assert pooled.mean == pytest.approx(mean)
    assert pooled.deviation == pytest.approx(deviation, abs=1e-9)
    assert pooled.half_95 <= pooled.half_99
    assert pooled.enough is None or pooled.enough >= n


@pytest.mark.parametrize(
    ("probability", "freedom", "quantile"),
    [  # published tables, and scipy 1.17.1
        (0.975, 1, 12.706204736174694),
        (0.975, 2, 4.302652729749462),
        (0.995, 2, 9.92484320091829),
        (0.975, 4, 2.7764451051977934),
        (0.995, 9, 3.2498355415921254),
        (0.975, 200, 1.9718962236339095),
        (0.5, 3, 0.0),
    ],
)
def test_t_quantiles(probability, freedom, quantile):
    assert t_quantile(probability, freedom) == pytest.approx(quantile, rel=1e-7, abs=1e-9)


def test_at_least_is_one_sided():
    terms = Terms(at_least=True)
    assert judge_claim(claim(), run_with(exact=85.0)).verdict is Verdict.DIFFERS
    judged = judge_claim(claim(), run_with(exact=85.0), terms)
    assert judged.verdict is Verdict.WITHIN_TOLERANCE
    assert "at least what is claimed" in judged.reason
    assert judge_claim(claim(), run_with(exact=75.0), terms).verdict is Verdict.DIFFERS
    assert judge_claim(claim(), seeds(84.9, 85.0, 85.1), terms).verdict is Verdict.WITHIN_TOLERANCE
    assert judge_claim(claim(), seeds(70.0, 85.0, 99.0), terms).verdict is Verdict.INCONCLUSIVE
    assert judge_claim(claim(), run_with("replay", exact=85.0), terms).verdict is Verdict.WITHIN_TOLERANCE
    assert judge_claim(claim(), released(85.0), replace(terms, protocol="known")).verdict is Verdict.WITHIN_TOLERANCE


def stopped(low, high, kind="released", **rest):
    bounds = Bounds("test", 0.05, 0, 2000, 11_873, {"exact": low}, {"exact": high}, True)
    return replace(run_with(kind, exact=(low + high) / 2, **rest), bounds=bounds)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (77.0, 79.8, Verdict.DIFFERS),
        (80.2, 82.0, Verdict.DIFFERS),
        (79.0, 79.93, Verdict.INCONCLUSIVE),  # it may be within, with a warning
        (79.0, 81.0, Verdict.INCONCLUSIVE),
        (79.97, 80.03, Verdict.WITHIN_TOLERANCE),
    ],
)
def test_an_early_stop_decides_what_all_its_figures_say(low, high, verdict):
    judged = judge_claim(claim("80.0000"), stopped(low, high), KNOWN)
    assert judged.verdict is verdict
    assert "2000 of 11873 questions" in judged.reason
    assert judged.undecided is ("undecided" in judged.reason) is (verdict is Verdict.INCONCLUSIVE)


def test_an_early_stop_does_not_speak_of_subsets():
    run = stopped(77.0, 79.0)
    run = replace(run, scores={**run.scores, "HasAns_exact": 10.0})
    assert judge_claim(claim("80.0", subset="has_ans"), run, KNOWN).verdict is Verdict.INCONCLUSIVE


def test_an_early_stop_lets_protocols_explain_what_they_may():
    run = replace(stopped(75.0, 77.0), alternatives=(Rescored("farm", "as farm", {"exact": 79.2}, 1, 2),))
    judged = judge_claim(claim("80.0000"), run, ASSUMED)  # the other figure is as uncertain as the first
    assert (judged.verdict, judged.explained_by) == (Verdict.INCONCLUSIVE, "farm")
    assert "may give the claimed figure (79.20, give or take 1.00)" in judged.reason
    far = replace(run, alternatives=(Rescored("farm", "as farm", {"exact": 78.5}, 1, 2),))
    assert judge_claim(claim("80.0000"), far, ASSUMED).verdict is Verdict.DIFFERS


@given(
    st.sampled_from(["80", "80.0", "80.00", "79.9999"]),
    st.floats(0, 100, allow_nan=False),
    st.floats(0, 5),
    st.sampled_from(["replay", "released", "retrained", "distilled"]),
)
def test_a_figure_farther_away_is_never_a_better_verdict(digits, value, further, kind):
    order = [Verdict.MATCHES, Verdict.WITHIN_TOLERANCE, Verdict.INCONCLUSIVE, Verdict.DIFFERS]
    about = claim(digits)
    away = value + further if value >= about.reported else value - further
    near, far = (judge_claim(about, run_with(kind, exact=v), KNOWN).verdict for v in (value, away))
    assert order.index(near) <= order.index(far)


def test_the_best_figures_are_those_over_all_thresholds():
    run = replace(run_with("released", exact=79.0), best={"best_exact": 80.0, "best_f1": 82.0})
    assert judge_claim(claim("80.0", subset="best"), run).verdict is Verdict.MATCHES
    assert judge_claim(claim("82.0", metric="f1", subset="best"), run).verdict is Verdict.MATCHES
