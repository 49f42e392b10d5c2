"""The plugin, by running pytest inside pytest."""

from __future__ import annotations

import pytest
from plugin_cards import CARD, EXAMPLES, OTHERS_OFF, SCORES, assume, edit, make_card, record

# loaded here once, not in each run
import harness.audited
import harness.pytest_plugin.checks
import harness.pytest_plugin.collection  # noqa: F401


@pytest.fixture
def cards(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", OTHERS_OFF)
    pytester.makeini("[pytest]\nharness_cards = cards\n")
    return make_card(pytester.path / "cards" / "tiny")


def test_every_claim_is_an_item_with_a_readable_id(pytester, cards):
    result = pytester.runpytest("--collect-only", "-q")
    result.stdout.fnmatch_lines(
        [
            "cards/tiny/README.md::audit::clean",
            "cards/tiny/README.md::pocket/validation::exact_match[[]all@front_matter[]]",
            "cards/tiny/README.md::pocket/validation::f1[[]all@front_matter[]]",
            "cards/tiny/README.md::pocket/validation::exact_match[[]all@code[]]",
            "cards/tiny/README.md::pocket/validation::exact_match[[]has_ans@code[]]",
        ]
    )


def test_claims_are_skipped_with_the_command_where_there_is_no_run(pytester, cards):
    result = pytester.runpytest("-ra")
    result.assert_outcomes(passed=1, skipped=4)
    result.stdout.fnmatch_lines(
        ["SKIPPED [[]4[]] *README.md:1: unchecked: *no recorded run. Run harness reproduce *README.md*"]
    )
    pytester.runpytest("--card-strict").assert_outcomes(passed=1, failed=4)


def test_verdicts_become_outcomes(pytester, cards):
    record(cards, exact=75.0, f1=83.0)
    result = pytester.runpytest("-ra")
    # exact matches twice, f1 differs by 3 points, the run has no has_ans figure
    result.assert_outcomes(passed=3, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "cards/tiny/README.md:10: f1[[]all[]] on pocket:validation: differs",
            "  claim    data               place            reported  reproduced  difference  tolerance  verdict",
            "  f1[[]all[]]  pocket:validation  front_matter:10  80.0      83.0000     +3.0000     0.5        differs",
            "  reason       3.00 points above the claim*",
            "  repeat with  harness compare cards/tiny/README.md runs/tiny-1/record.json",
            "  repeat with  harness reproduce cards/tiny/README.md",
            "SKIPPED [[]1[]] cards/tiny/README.md:25: not_comparable: the run has no exact_match of the subset has_ans",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin*")
    pytester.runpytest("--card-strict").assert_outcomes(passed=3, failed=2)


def test_a_card_whose_recipe_changed_has_no_evidence(pytester, cards):
    record(cards, **SCORES)
    pytester.runpytest().assert_outcomes(passed=5)
    edit(cards, "train[:10]", "train[:20]")
    result = pytester.runpytest("-ra")
    result.assert_outcomes(passed=1, skipped=4)
    result.stdout.fnmatch_lines(["*the recipe has changed since the recorded run*"])


def test_one_claim_can_be_named(pytester, cards):
    record(cards, **SCORES)
    node = "cards/tiny/README.md::pocket/validation::exact_match[all@code]"
    pytester.runpytest(node).assert_outcomes(passed=1)
    pytester.runpytest("-k", "has_ans").assert_outcomes(passed=1, deselected=4)
    pytester.runpytest("-k", "tiny and f1").assert_outcomes(passed=1, deselected=4)


def test_cards_option_and_other_tests_side_by_side(pytester, cards):
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(test_other="def test_other(): assert True")
    pytester.runpytest().assert_outcomes(passed=1)
    pytester.runpytest("--cards", "cards", "test_other.py").assert_outcomes(passed=2, skipped=4)
    result = pytester.runpytest("--cards", "nowhere")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_claim_is_not_collected_twice(pytester, cards):
    pytester.makepyfile(test_other="def test_other(): assert True")
    pytester.runpytest().assert_outcomes(passed=2, skipped=4)
    for options in (["--cards", "cards"], ["--cards", "cards", "--cards", "./cards/tiny", "--cards", "cards"]):
        pytester.runpytest(*options).assert_outcomes(passed=2, skipped=4)


def test_an_unreadable_card_is_an_error_with_its_reason(pytester, cards):
    (cards / "README.md").write_text("", "utf-8")
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*README.md*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_repeated_claims_have_ids_of_their_own(pytester, cards):
    readme = cards / "README.md"
    text = readme.read_text("utf-8") + '\n```\n"exact": 74.0\n```\n'
    readme.write_text(text, "utf-8")
    lines = [line for line in pytester.runpytest("--collect-only", "-q").outlines if "::" in line]
    assert len(lines) == len(set(lines)) == 6


def test_names_from_a_card_make_ids_that_can_be_named(pytester, cards):
    readme = cards / "README.md"
    text = readme.read_text("utf-8").replace("type: f1, value", 'type: ":::a:::b[c]\\e/d::", value')
    readme.write_text(text.replace("split: validation}", 'split: ":va:::li[:3]::"}'), "utf-8")
    lines = [line for line in pytester.runpytest("-m", "card_claim", "--collect-only", "-q").outlines if "::" in line]
    assert all(line.count("::") == 2 for line in lines)
    assert len(set(lines)) == 4
    for line in lines[1:3]:
        pytester.runpytest(line).assert_outcomes(skipped=1)


def test_a_stated_folder_that_is_not_there_is_an_error(pytester, cards):
    pytester.makeini("[pytest]\nharness_cards = crads\n")
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*harness_cards: *crads is not a folder*"])


def test_cards_behind_a_link_are_found(pytester, cards, monkeypatch):
    away = pytester.mkdir("away")
    cards.parent.rename(away / "cards")
    root = pytester.mkdir("project")
    (root / "cards").symlink_to(away / "cards", target_is_directory=True)
    (root / "pytest.ini").write_text("[pytest]\nharness_cards = cards\n", "utf-8")
    monkeypatch.chdir(root)
    pytester.runpytest().assert_outcomes(passed=1, skipped=4)


def test_malformed_settings_fail_instead_of_skipping(pytester, cards):
    record(cards, **SCORES)
    (pytester.path / "pyproject.toml").write_text("[tool.harness]\nrun = 'elsewhere'\n", "utf-8")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, failed=4)
    result.stdout.fnmatch_lines(["*pyproject.toml: *unknown key 'run'*"])
    result.stdout.no_fnmatch_line("*pytest_plugin*")


def test_a_page_about_the_cards_is_no_card(pytester, cards):
    (cards.parent / "README.md").write_text("# Our cards\n\nOne folder each.\n", "utf-8")
    pytester.runpytest().assert_outcomes(passed=1, skipped=4)
    (cards.parent / "README.md").write_text(CARD, "utf-8")
    pytester.runpytest().assert_outcomes(passed=2, skipped=8)


def test_findings_are_items_by_code(pytester, cards):
    edit(cards, "license: mit\n", "")
    edit(cards, "value: 80.0", "value: 101.0")
    result = pytester.runpytest("-rs", "-m", "card_audit")
    result.assert_outcomes(failed=1, skipped=1, deselected=4)
    result.stdout.fnmatch_lines(
        [
            "cards/tiny/README.md:9: error: out-of-range: *",
            "  repeat with  harness audit cards/tiny/README.md",
            "SKIPPED [[]1[]] cards/tiny/README.md:2: warning: the front matter states no licence*",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin*")
    pytester.runpytest("--card-strict", "-m", "card_audit").assert_outcomes(failed=2, deselected=4)
    assume(cards, "findings:\n- {code: out-of-range, reason: points of another kind}\n")
    result = pytester.runpytest("-rx", "--card-strict", "cards/tiny/README.md::audit::out-of-range")
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["XFAIL *README.md::audit::out-of-range - accepted: points of another kind"])
    pytester.runpytest("--runxfail", "cards/tiny/README.md::audit::out-of-range").assert_outcomes(failed=1)
    assume(cards, "findings:\n- {code: out-of-range, reason: for a while, expires: 2020-01-01}\n")
    result = pytester.runpytest("cards/tiny/README.md::audit::out-of-range")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*(accepted until 2020-01-01, which is over: for a while*"])


def test_an_audit_alone_looks_for_no_evidence(pytester, cards):
    (pytester.path / "pyproject.toml").write_text("[tool.harness]\nrun = 'elsewhere'\n", "utf-8")
    pytester.runpytest("--card-run", "audit").assert_outcomes(passed=1)
    edit(cards, 'base_model = "pocket/roberta-1x64"', "epochs = many")  # no recipe, which is a finding of the audit
    pytester.runpytest("--card-run", "audit").assert_outcomes(skipped=1)
    pytester.runpytest().assert_outcomes(errors=1)


def test_every_kind_of_item_has_its_marker(pytester, cards):
    edit(cards, "# tiny\n", "# tiny\n" + EXAMPLES)
    pytester.makepyfile(test_other="def test_other(): assert True")
    for marker, number in {"card": 6, "card_audit": 1, "card_claim": 4, "card_example": 1, "not card": 1}.items():
        result = pytester.runpytest("--strict-markers", "--collect-only", "-q", "-m", marker)
        assert len([line for line in result.outlines if "::" in line]) == number, marker


def test_a_readme_that_is_no_file_is_an_error(pytester, cards):
    (pytester.path / "cards" / "lost").mkdir()
    (pytester.path / "cards" / "lost" / "README.md").symlink_to(pytester.path / "nothing")
    result = pytester.runpytest("--card-run", "audit")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*lost/README.md: found no card*"])
    result = pytester.runpytest("--card-run", "audit", "--continue-on-collection-errors")
    result.assert_outcomes(passed=1, errors=1)


def test_a_folder_that_is_not_there_is_named_without_control_characters(pytester, cards):
    result = pytester.runpytest("--cards", "a\x1b[31m")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = result.stderr.str()
    assert "\\x1b[31m is not a folder" in text
    assert "\x1b" not in text
