"""The plugin's options, deviations, examples and evidence, and what its reports carry."""

from __future__ import annotations

import shlex
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from plugin_cards import (
    EXAMPLES,
    OTHERS_OFF,
    SCORES,
    answered,
    assume,
    deviation,
    edit,
    keep_run,
    make_card,
    record,
    run_of,
    write_run,
)

# loaded here once, not in each run
import harness.audited
import harness.pytest_plugin.checks
import harness.pytest_plugin.collection  # noqa: F401
from harness.cli import main
from harness.records import DataRef, DataUsed

F1 = "cards/tiny/README.md::pocket/validation::f1[all@front_matter]"
OUTSIDE = {"exact": 75.0, "f1": 83.0, "HasAns_exact": 70.0}


@pytest.fixture
def cards(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", OTHERS_OFF)
    pytester.makeini("[pytest]\nharness_cards = cards\n")
    return make_card(pytester.path / "cards" / "tiny")


def outcomes(pytester, *options, **expected):
    result = pytester.runpytest("-ra", *options)
    result.assert_outcomes(**expected)
    return result


def printed(result):
    return "\n".join(result.outlines)


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "-inf", "1e400", "100.5", "wide", "", "0x1"])
def test_a_tolerance_that_is_none_is_a_usage_error(pytester, cards, value):
    result = pytester.runpytest("--card-tolerance", value)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--card-tolerance: *"])


def test_a_tolerance_goes_before_every_other(pytester, cards):
    record(cards, **OUTSIDE)
    outcomes(pytester, F1, failed=1)
    outcomes(pytester, F1, "--card-tolerance", "3", passed=1)
    assume(cards, "tolerances:\n- {metric: f1, points: 5, reason: wide}\n")
    outcomes(pytester, F1, passed=1)
    result = outcomes(pytester, F1, "--card-tolerance", "0.5", failed=1)
    result.stdout.fnmatch_lines(["*given for this comparison*", "*harness compare * --tolerance 0.5"])


def test_the_tolerances_of_the_project_count(pytester, cards):
    record(cards, **OUTSIDE)
    entry = "[[tool.harness.tolerances]]\nmetric = 'f1'\npoints = 5\nreason = 'wide'\n"
    (pytester.path / "pyproject.toml").write_text(entry, "utf-8")
    outcomes(pytester, F1, passed=1)


def test_at_least_takes_more_and_never_less(pytester, cards):
    record(cards, **OUTSIDE)
    outcomes(pytester, "--card-at-least", passed=5)
    record(cards, **OUTSIDE | {"f1": 77.0})
    outcomes(pytester, "--card-at-least", passed=4, failed=1)


def test_a_known_deviation_is_an_expected_failure_until_it_expires(pytester, cards):
    record(cards, **OUTSIDE)
    assume(cards, deviation("pocket/validation::f1[all@front_matter]", "2999-12-31"))
    result = outcomes(pytester, "--card-strict", passed=4, xfailed=1)
    result.stdout.fnmatch_lines([f"XFAIL {F1} - known deviation until 2999-12-31: measured*".replace("[", "[[]")])
    outcomes(pytester, "--runxfail", F1, failed=1)
    assume(cards, deviation("pocket/validation::f1[all@front_matter]", "2020-01-01"))
    result = outcomes(pytester, F1, failed=1)
    result.stdout.fnmatch_lines(["*a known deviation until 2020-01-01, which is over: measured on another day"])


def test_a_deviation_that_is_none_any_more_is_an_unexpected_pass(pytester, cards):
    record(cards, **SCORES)
    assume(cards, deviation("pocket/validation::f1[all@front_matter]", "2999-12-31"))
    outcomes(pytester, passed=4, xpassed=1)
    outcomes(pytester, "-o", "xfail_strict=true", passed=4, failed=1)
    # what cannot be compared shows nothing either way
    edit(cards, "split: validation", "split: test")
    assume(cards, deviation("pocket/test::f1[all@front_matter]", "2999-12-31"))
    name = F1.replace("validation", "test")
    outcomes(pytester, name, "-o", "xfail_strict=true", skipped=1)
    outcomes(pytester, name, "--card-strict", failed=1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (DataUsed(DataRef("squad_v2", "validation"), 11873, 5928, "0" * 64, "dev-v2.0.json"), "another data set"),
        (DataUsed(DataRef("pocket", "train"), 2000, 1000, "0" * 64, "pocket.json"), "another split"),
    ],
)
def test_runs_of_other_data_never_pass(pytester, cards, data, reason):
    record(cards, data=data, **SCORES)
    result = outcomes(pytester, "-m", "card_claim", skipped=4, deselected=1)
    assert f"not_comparable: {reason}" in printed(result)
    outcomes(pytester, "-m", "card_claim", "--card-strict", failed=4, deselected=1)


def test_runs_of_another_number_of_questions_never_pass(pytester, cards):
    edit(cards, '"exact": 75.0,', '"exact": 75.0,\n"total": 1999,')
    record(cards, **SCORES)
    result = outcomes(pytester, "-k", "code and all", skipped=1, deselected=4)
    assert "not_comparable: other questions: the run evaluated 2000, the card prints 1999" in printed(result)


def test_a_claim_without_data_never_passes(pytester, cards):
    record(cards, kind="released", **SCORES)
    edit(cards, 'eval_data = "pocket:validation"', "")
    edit(cards, "pocket:train[:10]", "squad:train")
    readme = cards / "README.md"
    head, _, tail = readme.read_text("utf-8").partition("Evaluated on pocket validation:")
    front = head[head.index("# tiny") :]
    readme.write_text(f"---\nlicense: mit\nmodel-index:\n- name: tiny\n---\n\n{front}Measured:{tail}", "utf-8")
    result = outcomes(pytester, "-m", "card_claim", skipped=2, deselected=1)
    assert "the card does not say which data" in printed(result)
    assert "data-not-stated" in printed(pytester.runpytest("--collect-only", "-q"))


def test_two_records_of_one_run_in_a_folder_are_an_error(pytester, cards):
    run = run_of(cards, **SCORES)
    write_run(run, pytester.path / "runs")
    kept = keep_run(run, cards)  # beside the card lies a copy of what is in the folder of runs
    outcomes(pytester, passed=5)
    other = keep_run(replace(run, scores=OUTSIDE), cards, "copy")
    result = outcomes(pytester, passed=1, failed=4)
    assert f"found a record of run tiny-1, which {kept} is too" in printed(result) or (
        f"found a record of run tiny-1, which {other} is too" in printed(result)
    )
    assert "Traceback" not in printed(result)


def test_the_kind_of_evidence_can_be_chosen(pytester, cards):
    record(cards, run="again", **SCORES)
    record(cards, run="weights", kind="released", exact=75.0, f1=90.0, HasAns_exact=70.0)
    outcomes(pytester, passed=5)
    result = outcomes(pytester, "--card-run", "released", F1, skipped=1)
    assert "inconclusive" in printed(result) or "10.00 points above" in printed(result)
    result = outcomes(pytester, "--card-run", "replay", F1, "--card-strict", failed=1)
    assert "no stored predictions on record" in printed(result)
    outcomes(pytester, "--card-run", "retrained", F1, passed=1)
    assert pytester.runpytest("--card-run", "other").ret == pytest.ExitCode.USAGE_ERROR


def test_three_seeds_are_judged_together(pytester, cards):
    for seed, f1 in enumerate((79.9, 80.0, 80.2)):
        run = run_of(cards, run=f"seed-{seed}", **SCORES | {"f1": f1})
        stages = tuple(replace(stage, seed=seed) for stage in run.recipe.stages)
        write_run(replace(run, recipe=replace(run.recipe, stages=stages)), pytester.path / "runs")
    outcomes(pytester, F1, "--junitxml", "out.xml", passed=1)
    (case,) = cases(pytester)
    assert [value for name, value in properties(case) if name == "run"] == ["seed-2", "seed-1", "seed-0"]


@pytest.mark.parametrize(
    ("text", "score", "outcome"),
    [("Ada Merk", 0.71, "passed"), ("Orvel", 0.71, "failed"), ("Ada Merk", 0.5, "skipped")],
)
def test_an_example_is_held_against_the_recorded_answer(pytester, cards, text, score, outcome):
    edit(cards, "# tiny\n", "# tiny\n" + EXAMPLES)
    name = "cards/tiny/README.md::examples::Who-built-it"
    outcomes(pytester, name, skipped=1)
    record(cards, run="again", **SCORES)
    result = outcomes(pytester, name, skipped=1)
    assert "unchecked: run again did not answer it. Run harness ask MODEL --card" in printed(result)
    run = replace(run_of(cards, run="weights", kind="released", **SCORES), examples=answered(cards, text, score))
    write_run(run, pytester.path / "runs")
    result = outcomes(pytester, name, "--junitxml", "out.xml", **{outcome: 1})
    found = dict(properties(cases(pytester)[0]))
    assert (found["reported"], found["reproduced"], found["run"]) == ("Ada Merk", text, "weights")
    if outcome != "passed":
        strict = outcomes(pytester, name, "--card-strict", failed=1)
        strict.stdout.fnmatch_lines(["cards/tiny/README.md:19: example: *", "  question *", "  Who built it?  'Ada*"])


def test_examples_that_ask_the_same_have_ids_of_their_own(pytester, cards):
    edit(cards, "# tiny\n", "# tiny\n" + EXAMPLES + EXAMPLES)
    lines = pytester.runpytest("--collect-only", "-q", "-m", "card_example").outlines
    assert len({line for line in lines if "::examples::Who-built-it:" in line}) == 2


def cases(pytester):
    return list(ET.parse(pytester.path / "out.xml").getroot().iter("testcase"))


def properties(case):
    return [(item.get("name"), item.get("value")) for item in case.iter("property")]


def test_the_xml_report_carries_figures_and_signature(pytester, cards):
    record(cards, **OUTSIDE)
    pytester.runpytest("--junitxml", "out.xml")
    found = {known.get("claim"): known for known in (dict(properties(case)) for case in cases(pytester))}
    assert found["pocket/validation::f1[all@front_matter]"] == {
        "claim": "pocket/validation::f1[all@front_matter]",
        "reported": "80.0",
        "reproduced": "83.0",
        "difference": "3.0",
        "tolerance": "0.5",
        "verdict": "differs",
        "reason": "3.00 points above the claim, tolerance 0.8",
        "run": "tiny-1",
        "signature": "data:pocket:validation | n:2000 | v:0",
    }
    assert found["pocket/validation::exact_match[all@front_matter]"]["verdict"] == "matches"


HOSTILE = r"\e[31m\a\0\uFFFE\u202E]]><x>&\n::"


def test_hostile_text_breaks_neither_terminal_nor_xml_nor_ids(pytester, cards):
    edit(cards, "type: f1, value: 80.0", f'type: "m{HOSTILE}", value: 80.0')
    edit(cards, "type: pocket, name: pocket", f'type: "d{HOSTILE}", name: pocket')
    edit(cards, "# tiny\n", "# tiny\n" + EXAMPLES.replace("Who built it?", "Who \x1b[31m\x07 ]]> built it?"))
    assume(cards, 'findings:\n- {code: dataset-id, reason: "\\e[31m\\0"}\n')
    run = run_of(cards, **SCORES)
    write_run(replace(run, signature="data:\x1b[31m\x07\x00\u202e\ufffe"), pytester.path / "runs")
    result = pytester.runpytest("--card-strict", "-ra", "--junitxml", "out.xml", "-v")
    text = printed(result)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert not set(text) & {"\x1b", "\x07", "\x00", "\u202e", "\ufffe"}
    assert all(value.isprintable() for case in cases(pytester) for _, value in properties(case))
    assert len(cases(pytester)) == len([line for line in text.splitlines() if line.endswith("%]")])
    lines = [line for line in pytester.runpytest("--collect-only", "-q", "-m", "card_claim").outlines if "::" in line]
    assert len(set(lines)) == 4
    for line in lines[:2]:
        outcomes(pytester, line, "--card-strict", failed=1)


def test_the_printed_command_repeats_the_verdict(pytester, cards, capsys, monkeypatch):
    record(cards, **OUTSIDE)
    result = pytester.runpytest(F1, "--card-at-least", "--card-tolerance", "1", "--card-strict")
    result.assert_outcomes(passed=1)
    record(cards, **OUTSIDE | {"f1": 70.0})
    result = pytester.runpytest(F1, "--card-at-least", "--card-tolerance", "1", "--card-strict")
    # where CI is set, pytest's summary repeats the whole failure
    (line,) = {line for line in result.outlines if "repeat with  harness compare" in line}
    assert line.endswith("record.json --tolerance 1 --at-least --strict")
    monkeypatch.chdir(pytester.path)
    capsys.readouterr()
    assert main(shlex.split(line.partition("harness ")[2])) == 1
    captured = capsys.readouterr()
    assert "70.0000" in captured.out
    assert "not as claimed: matches 3, differs 1" in captured.err


@pytest.mark.parametrize(
    ("assumptions", "message"),
    [
        ("deviations:\n- {claim: f1, reason: r, expires: 2030-01-01}\n", "*assumptions.yaml:3: deviations: found no *"),
        ("deviations:\n- {claim: f1, reason: r}\n", "*assumptions.yaml:3: *found no 'expires'*"),
        ("findings: [", "*assumptions.yaml:*"),
    ],
)
def test_assumptions_that_cannot_be_read_are_an_error(pytester, cards, assumptions, message):
    assume(cards, assumptions)
    result = outcomes(pytester, errors=1)
    result.stdout.fnmatch_lines([message])
    assert "Traceback" not in printed(result)
    assert "pytest_plugin" not in printed(result)
