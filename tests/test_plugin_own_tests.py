"""`harness.testing.find_claims` and the fixture ``harness_run`` in people's own tests, and several processes."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from plugin_cards import (
    EXAMPLES,
    OTHERS_OFF,
    SCORES,
    assume,
    deviation,
    edit,
    make_card,
    record,
)

# loaded here once, not in each run
import harness.audited
import harness.pytest_plugin.checks
import harness.pytest_plugin.collection  # noqa: F401
from harness.errors import CardError
from harness.testing import FoundClaim, find_claims

DOCUMENT = Path(__file__).parents[1] / "docs" / "testing.md"
OUTSIDE = {"exact": 75.0, "f1": 83.0, "HasAns_exact": 70.0}
OWN = """
import pytest
from harness.testing import find_claims

@pytest.mark.parametrize("claim", find_claims("cards"), ids=str)
def test_claim(claim, harness_run):
    harness_run.check(claim)
"""
F1 = "test_claim[tiny::pocket/validation::f1[all@front_matter]]"


@pytest.fixture
def cards(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", OTHERS_OFF)
    pytester.makeini("[pytest]\n")
    return make_card(pytester.path / "cards" / "tiny")


def test_claims_are_found_in_a_card_and_in_folders(cards):
    found = find_claims(cards.parent)
    assert [str(claim) for claim in found][1] == "tiny::pocket/validation::f1[all@front_matter]"
    assert len(found) == len(set(found)) == 4
    assert found[1].claim.reported == 80.0
    assert found[1].opened.card.name == "tiny"
    assert find_claims(str(cards)) == find_claims(cards / "README.md") == found
    with pytest.raises(FrozenInstanceError):
        found[0].name = "other"
    make_card(cards.parent / "more" / "tiny")
    (cards.parent / "README.md").write_text("# A page about the cards\n", "utf-8")
    names = [claim.name.partition("::")[0] for claim in find_claims(cards.parent)]
    assert names == ["more/tiny"] * 4 + ["tiny"] * 4


@pytest.mark.parametrize("place", ["nowhere", "empty", "pages", "silent"])
def test_where_nothing_would_be_checked_finding_is_an_error(tmp_path, place):
    (tmp_path / "empty").mkdir()
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "README.md").write_text("# Ours\n", "utf-8")
    make_card(tmp_path / "silent", "---\nlicense: mit\n---\n\nA reader.\n")
    with pytest.raises(CardError, match=place):
        find_claims(tmp_path / place)


def test_own_tests_have_the_outcomes_of_the_items(pytester, cards):
    record(cards, **OUTSIDE)
    pytester.makepyfile(test_own=OWN)
    result = pytester.runpytest()
    result.assert_outcomes(passed=3, failed=1)
    items = pytester.runpytest("--cards", "cards")
    text = [line.removeprefix("E").strip() for line in result.outlines]
    start = items.outlines.index("cards/tiny/README.md:10: f1[all] on pocket:validation: differs")
    for line in items.outlines[start : start + 9]:
        assert any(line.strip() in other for other in text), line
    result.stdout.no_fnmatch_line("*pytest_plugin*")
    assume(cards, deviation("pocket/validation::f1[all@front_matter]", "2999-12-31"))
    pytester.runpytest().assert_outcomes(passed=3, xfailed=1)
    pytester.runpytest("--runxfail").assert_outcomes(passed=3, failed=1)


def test_own_tests_skip_what_is_not_shown(pytester, cards):
    pytester.makepyfile(test_own=OWN)
    result = pytester.runpytest("-rs")
    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(["*unchecked: *no recorded run*"])
    pytester.runpytest("--card-strict").assert_outcomes(failed=4)
    record(cards, **SCORES)
    pytester.runpytest("--card-strict", f"test_own.py::{F1}").assert_outcomes(passed=1)


def test_runs_and_tolerances_can_be_given(pytester, cards):
    path = record(cards, runs=pytester.path / "elsewhere", **OUTSIDE)
    pytester.makepyfile(
        test_own=f"""
import pytest
from pathlib import Path
from harness.errors import RecordError
from harness.store import load_run
from harness.testing import find_claims

CLAIM = find_claims("cards")[1]
RECORD = Path({str(path)!r})

def test_it(harness_run):
    assert harness_run.judge(CLAIM).state == "unchecked"
    for run in (RECORD, str(RECORD.parent), load_run(RECORD), [load_run(RECORD)]):
        assert harness_run.judge(CLAIM, run).state == "differs"
        assert harness_run.judge(CLAIM, run, tolerance=3).state == "within_tolerance"
    assert harness_run.check(CLAIM, RECORD, tolerance=3.0).reproduced == 83.0
    with pytest.raises(AssertionError, match="differs"):
        harness_run.check(CLAIM, RECORD)
    with pytest.raises(RecordError, match="no run record"):
        harness_run.judge(CLAIM, "nowhere")
    for wrong in (-1, float("nan"), float("inf"), 101):
        with pytest.raises(ValueError, match="expected 0 to 100 points"):
            harness_run.judge(CLAIM, RECORD, tolerance=wrong)
"""
    )
    result = pytester.runpytest("--junitxml", "out.xml")
    result.assert_outcomes(passed=1)
    assert '<property name="reproduced" value="83.0"' in (pytester.path / "out.xml").read_text("utf-8")


def test_the_example_of_the_document_works(pytester, cards):
    text = DOCUMENT.read_text("utf-8")
    (example,) = [block.partition("```")[0] for block in text.split("```python\n")[1:]]
    record(cards, **OUTSIDE | {"exact": 75.2})
    tests = pytester.path / "tests"
    tests.mkdir()
    (tests / "test_claims_of_ours.py").write_text(example, "utf-8")
    result = pytester.runpytest("-rA")
    counted = result.parseoutcomes()
    assert counted["failed"] == 2  # F1 differs, by the item's terms and by half a point
    assert counted["passed"] == 4


@pytest.mark.skipif(importlib.util.find_spec("xdist") is None, reason="pytest-xdist is not installed")
def test_several_processes_give_the_same_items_and_outcomes(pytester, cards):
    pytester.makeini("[pytest]\nharness_cards = cards\n")
    edit(cards, "license: mit\n", "")
    edit(cards, "# tiny\n", "# tiny\n" + EXAMPLES)
    make_card(cards.parent / "other")
    record(cards, **OUTSIDE)
    pytester.makepyfile(test_own=OWN)
    alone = pytester.runpytest("-rA", "--junitxml", "alone.xml")
    together = pytester.runpytest_subprocess("-rA", "-n", "2", "--junitxml", "together.xml", timeout=60)
    assert alone.parseoutcomes() == together.parseoutcomes()

    def summary(result):
        return sorted(line for line in result.outlines if line.startswith(("PASSED", "FAILED", "SKIPPED", "XFAIL")))

    assert summary(alone) == summary(together)
    one, two = ((pytester.path / name).read_text("utf-8") for name in ("alone.xml", "together.xml"))
    assert one.count('<property name="signature"') == two.count('<property name="signature"') > 0


def test_loading_the_plugin_needs_the_standard_library_and_pytest_only():
    code = (
        "import sys, json, pytest, argparse; before = set(sys.modules); import harness.pytest_plugin; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in json.loads(done.stdout) if name.split(".")[0] not in sys.stdlib_module_names] == [
        "harness",
        "harness.pytest_plugin",
    ]


def test_a_run_without_cards_loads_nothing_more(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", OTHERS_OFF)
    pytester.makepyfile(
        "import sys\n"
        "def test_it():\n"
        "    assert [name for name in sys.modules if name.startswith('harness.')] == ['harness.pytest_plugin']\n"
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_claim_that_was_found_shows_no_card_in_its_text(cards):
    assert repr(find_claims(cards)[0]) == "FoundClaim(name='tiny::pocket/validation::exact_match[all@front_matter]')"
    assert isinstance(find_claims(cards)[0], FoundClaim)
