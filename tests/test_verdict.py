"""Verdicts, at and around every boundary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.names.sizes import split_size
from harness.records import Claim, DataRef, Origin, Place, Run, Tolerance, Verdict
from harness.squad_files import read_squad_file
from harness.store import load_run
from harness.verdict import Terms, applies, judge_claim, same_digits

RUN = load_run(Path(__file__).parent / "data" / "runs" / "finished.json")
DATA = DataRef("squad_v2", "validation")


def run_with(kind="retrained", assumed="", data=DATA, n=11_873, **scores) -> Run:
    guess = {assumed: Origin("assumed", "a guess")} if assumed else {}
    recipe = replace(
        RUN.recipe,
        stages=tuple(replace(stage, origins={} if assumed == "n_best" else guess) for stage in RUN.recipe.stages),
        origins=guess if assumed == "n_best" else {},
    )
    return replace(
        RUN, kind=kind, recipe=recipe, scores=scores or {"exact": 80.0}, evaluated=replace(RUN.evaluated, ref=data, n=n)
    )


def claim(digits="80.0", metric="exact_match", subset="all", data=DATA, unit="percent") -> Claim:
    reported = float(digits) * (100 if unit == "fraction" else 1)
    return Claim(metric, subset, reported, digits, unit, data, "front_matter", Place(0, 1, 1))


@pytest.mark.parametrize(
    ("digits", "unit", "value", "same"),
    [
        ("78.69", "percent", 78.6911, True),
        ("78.69", "percent", 78.6999, True),  # cut
        ("78.70", "percent", 78.6999, True),  # rounded
        ("78.70", "percent", 78.7099, True),
        ("78.70", "percent", 78.7100, False),
        ("78.70", "percent", 78.6949, False),
        ("80.2", "percent", 80.14999999999999, True),  # a tie, but for the last bit
        ("80.1", "percent", 80.0, False),
        ("80.0", "percent", 80.1, False),
        ("79", "percent", 78.5, True),
        ("78", "percent", 78.5, True),
        ("0.787", "fraction", 78.7, True),
        ("0.787", "fraction", 78.799, True),
        ("0.787", "fraction", 78.6, False),
        ("78.69114798281817", "percent", 78.69114798281816, True),
        ("78.69114798281817", "percent", 78.69114898, False),
        ("78.69114798281817000000000000000000", "percent", 78.69114798281817, True),
        ("78.69", "percent", 100.0, False),
        ("7.869e1", "percent", 78.6911, True),
        ("8e1", "percent", 80.4, True),
        ("8e1", "percent", 84.0, False),
    ],
)
def test_same_digits(digits, unit, value, same):
    assert same_digits(value, claim(digits, unit=unit)) is same


@pytest.mark.parametrize(
    ("kind", "value", "verdict"),
    [
        ("retrained", 80.0, Verdict.MATCHES),
        ("retrained", 79.451, Verdict.WITHIN_TOLERANCE),  # 0.5, and half a last digit below
        ("retrained", 80.599, Verdict.WITHIN_TOLERANCE),  # 0.5, and a whole one above: the claim may be cut
        ("retrained", 79.16, Verdict.WITHIN_TOLERANCE),  # up to 0.8 with a warning
        ("retrained", 79.14, Verdict.DIFFERS),
        ("retrained", 80.91, Verdict.DIFFERS),
        ("distilled", 79.0, Verdict.WITHIN_TOLERANCE),
        ("distilled", 81.09, Verdict.WITHIN_TOLERANCE),
        ("distilled", 78.5, Verdict.INCONCLUSIVE),
        ("distilled", 77.94, Verdict.DIFFERS),
        ("distilled", 82.11, Verdict.DIFFERS),
    ],
)
def test_boundaries(kind, value, verdict):
    comparison = judge_claim(claim(), run_with(kind, exact=value))
    assert comparison.verdict is verdict
    assert comparison.reproduced == value
    assert comparison.difference == pytest.approx(value - 80.0)


def test_the_warning_is_in_the_reason():
    assert "warning" in judge_claim(claim(), run_with(exact=79.3)).reason
    assert "warning" not in judge_claim(claim(), run_with(exact=79.6)).reason


def test_assumed_values_widen_what_cannot_be_decided_but_not_what_agrees():
    assert judge_claim(claim(), run_with(exact=79.1)).verdict is Verdict.DIFFERS
    guessed = judge_claim(claim(), run_with(exact=79.1, assumed="epochs"))
    assert guessed.verdict is Verdict.INCONCLUSIVE
    assert "with assumed values that affect training, gaps up to 1 decide nothing" in guessed.reason
    assert "teacher.epochs" in guessed.reason
    assert judge_claim(claim(), run_with(exact=78.9, assumed="epochs")).verdict is Verdict.DIFFERS


@pytest.mark.parametrize("name", ["n_best", "seed"])
def test_assumed_values_that_do_not_affect_training_are_listed_and_widen_nothing(name):
    judged = judge_claim(claim(), run_with(exact=79.1, assumed=name))
    assert judged.verdict is Verdict.DIFFERS
    assert name in judged.reason
    assert name in judge_claim(claim(), run_with(exact=80.0, assumed=name)).reason


def test_a_figure_that_was_not_understood_is_never_called_false():
    unsure = replace(claim("90.0"), confidence=0.5)
    assert judge_claim(claim("90.0"), run_with(exact=80.0)).verdict is Verdict.DIFFERS
    judged = judge_claim(unsure, run_with(exact=80.0))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "confidence 0.5" in judged.reason


def test_an_override_replaces_the_default():
    wide = Tolerance(3.0, 3.0, 3.0, "measured")
    comparison = judge_claim(claim(), run_with(exact=77.5), Terms(wide))
    assert (comparison.verdict, comparison.tolerance) == (Verdict.WITHIN_TOLERANCE, wide)


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        (claim(data=DataRef("squad_v2", "validation[8697:]")), "another split"),
        (claim(data=DataRef("squad", "validation")), "another data set"),
        (claim(data=DataRef("squad_v2", "test")), "another split"),
        (claim(data=DataRef("squad_v2", "")), "another split"),
        (claim(data=None), "does not say which data"),
        (claim(metric="accuracy"), "measured exact_match and f1"),
        (claim(subset="best"), "no exact_match of the subset best"),
        (claim(subset="has_ans"), "no exact_match of the subset has_ans"),
    ],
)
def test_not_comparable(about, reason):
    comparison = judge_claim(about, run_with(exact=80.0))
    assert comparison.verdict is Verdict.NOT_COMPARABLE
    assert reason in comparison.reason


def test_a_slice_is_never_evidence_for_the_whole_split():
    run = run_with(data=DataRef("squad_v2", "validation[8697:]"))
    assert judge_claim(claim(), run).verdict is Verdict.NOT_COMPARABLE
    same = claim(data=DataRef("rajpurkar/squad_v2", "validation[8697:]"))
    assert judge_claim(same, run).verdict is Verdict.MATCHES


def test_configs():
    run = run_with(data=DataRef("squadshifts", "test", "amazon"), n=9_885)
    assert judge_claim(claim(data=DataRef("squadshifts", "test", "amazon")), run).verdict is Verdict.MATCHES
    assert judge_claim(claim(data=DataRef("squadshifts", "test", "nyt")), run).verdict is Verdict.NOT_COMPARABLE
    whole = run_with(data=DATA)
    assert judge_claim(claim(data=DataRef("squad_v2", "validation", "squad_v2")), whole).verdict is Verdict.MATCHES


def test_subsets_and_rules_1_1_keys():
    run = run_with(exact=1.0, HasAns_exact=80.0, NoAns_f1=70.0)
    assert judge_claim(claim(subset="has_ans"), run).verdict is Verdict.MATCHES
    assert judge_claim(claim("70", metric="f1", subset="no_ans"), run).verdict is Verdict.MATCHES
    assert judge_claim(claim(), run_with(exact_match=80.0)).verdict is Verdict.MATCHES


def test_without_evidence_a_claim_is_unchecked():
    for run in (None, replace(RUN, status="failed"), replace(RUN, evaluated=None)):
        comparison = judge_claim(claim(), run)
        assert (comparison.verdict, comparison.state) == (None, "unchecked")


def test_which_claims_an_override_is_about():
    assert applies("exact_match", None, claim())
    assert applies("exact_match", "rajpurkar/squad_v2", claim())
    assert not applies("f1", None, claim())
    assert not applies("exact_match", "squad", claim())
    assert not applies("exact_match", "squad_v2", claim(data=None))


@pytest.mark.parametrize(
    ("claimed", "evaluated", "comparable"),
    [
        (("squadshifts", "test"), ("squadshifts", "test", "amazon"), False),
        (("squadshifts", "test", "amazon"), ("squadshifts", "test"), False),
        (("mini", "test", "default"), ("mini", "test"), True),
        (("mini", "test", "hard"), ("mini", "test"), False),
        (("mini", "dev"), ("mini", "validation"), True),
        (("mini", "test", None, "abc"), ("mini", "test", None, "def"), False),
        (("mini", "test", None, "abc"), ("mini", "test"), True),
        (("mini", "test[:10]"), ("mini", "test"), False),
    ],
)
def test_the_same_name_is_not_the_same_data(claimed, evaluated, comparable):
    comparison = judge_claim(claim(data=DataRef(*claimed)), run_with(data=DataRef(*evaluated)))
    assert (comparison.verdict is Verdict.MATCHES) is comparable
    assert (comparison.verdict is Verdict.NOT_COMPARABLE) is not comparable


@pytest.mark.parametrize(
    ("digits", "unit", "value", "verdict"),
    [
        ("1", "fraction", 57.0, Verdict.INCONCLUSIVE),  # 57 rounds to 1 as a fraction without decimals
        ("0.8", "fraction", 89.9, Verdict.INCONCLUSIVE),
        ("0.8", "fraction", 80.2, Verdict.MATCHES),
        ("0.8", "fraction", 80.7, Verdict.WITHIN_TOLERANCE),
        ("0.8", "fraction", 70.0, Verdict.DIFFERS),
        ("1e2", "percent", 57.0, Verdict.DIFFERS),
        ("0.80", "fraction", 80.9, Verdict.MATCHES),
        ("80", "percent", 80.9, Verdict.MATCHES),
    ],
)
def test_a_claim_printed_too_coarsely_is_not_shown_by_its_digits(digits, unit, value, verdict):
    assert judge_claim(claim(digits, unit=unit), run_with(exact=value)).verdict is verdict


def test_a_file_with_fewer_questions_is_not_the_whole_split():
    comparison = judge_claim(claim(), run_with(n=3176))
    assert comparison.verdict is Verdict.NOT_COMPARABLE
    assert comparison.reason == (
        "other questions: the run evaluated 3176, the claim is about all 11873 of squad_v2:validation"
    )
    part = DataRef("squad_v2", "validation[8697:]")
    assert judge_claim(claim(data=part), run_with(data=part, n=3176)).verdict is Verdict.MATCHES
    other = DataRef("mini", "validation")
    assert judge_claim(claim(data=other), run_with(data=other, n=12)).verdict is Verdict.MATCHES


def test_the_numbers_of_questions_are_those_of_the_published_files(shared):
    for name, file in (("squad", "dev-v1.1.json"), ("squad_v2", "dev-v2.0.json")):
        assert split_size(DataRef(name, "validation")).n == len(read_squad_file(shared / "data" / "squad" / file))
