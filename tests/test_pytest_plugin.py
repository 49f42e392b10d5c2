"""The plugin, by running pytest inside pytest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.evidence import open_card
from harness.records import DataRef, DataUsed
from harness.store import load_run, save_run

RUN_FILE = Path(__file__).parent / "data" / "runs" / "finished.json"

CARD = """---
model-index:
- name: tiny
  results:
  - task: {type: question-answering}
    dataset: {type: pocket, name: pocket, split: validation}
    metrics:
    - {type: exact_match, value: 75.0}
    - {type: f1, value: 80.0}
---

# tiny

```
base_model = "pocket/roberta-1x64"
train_data = "pocket:train[:10]"
eval_data = "pocket:validation"
```

Evaluated on pocket validation:

```
"exact": 75.0,
"HasAns_exact": 70.0
```
"""


@pytest.fixture
def cards(pytester):
    folder = pytester.path / "cards" / "tiny"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(CARD, "utf-8")
    pytester.makeini("[pytest]\nharness_cards = cards\n")
    return folder


def record(folder, **scores):
    opened = open_card(folder)
    run = load_run(RUN_FILE)
    data = DataUsed(DataRef("pocket", "validation"), 2000, 1000, "0" * 64, "pocket.json")
    run = replace(
        run, card_name="tiny", kind="retrained", recipe=opened.recipe, scores=scores, evaluated=data, status="finished"
    )
    save_run(folder.parents[1] / "runs" / "one", run)


def test_every_claim_is_an_item_with_a_readable_id(pytester, cards):
    result = pytester.runpytest("--collect-only", "-q")
    result.stdout.fnmatch_lines(
        [
            "cards/tiny/README.md::pocket/validation::exact_match[[]all[]]@front_matter",
            "cards/tiny/README.md::pocket/validation::f1[[]all[]]@front_matter",
            "cards/tiny/README.md::pocket/validation::exact_match[[]all[]]@code",
            "cards/tiny/README.md::pocket/validation::exact_match[[]has_ans[]]@code",
        ]
    )


def test_claims_are_skipped_with_the_command_where_there_is_no_run(pytester, cards):
    result = pytester.runpytest("-ra")
    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(["*no recorded run. Run harness reproduce *README.md*"])
    pytester.runpytest("--card-strict").assert_outcomes(failed=4)


def test_verdicts_become_outcomes(pytester, cards):
    record(cards, exact=75.0, f1=83.0)
    result = pytester.runpytest("-ra")
    # exact matches twice, f1 differs by 3 points, the run has no has_ans figure
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*README.md:9: f1[[]all[]] on pocket:validation: differs", "*reproduced  83.0000"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*Error*")
    pytester.runpytest("--card-strict").assert_outcomes(passed=2, failed=2)


def test_a_card_whose_recipe_changed_has_no_evidence(pytester, cards):
    record(cards, exact=75.0, f1=80.0, HasAns_exact=70.0)
    pytester.runpytest().assert_outcomes(passed=4)
    readme = cards / "README.md"
    readme.write_text(readme.read_text("utf-8").replace("train[:10]", "train[:20]"), "utf-8")
    result = pytester.runpytest("-ra")
    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(["*the recipe or the embedded data set has changed since the recorded run*"])


def test_one_claim_can_be_named(pytester, cards):
    record(cards, exact=75.0, f1=80.0, HasAns_exact=70.0)
    node = "cards/tiny/README.md::pocket/validation::exact_match[all]@code"
    pytester.runpytest(node).assert_outcomes(passed=1)
    pytester.runpytest("-k", "has_ans").assert_outcomes(passed=1, deselected=3)


def test_cards_option_and_other_tests_side_by_side(pytester, cards):
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(test_other="def test_other(): assert True")
    pytester.runpytest().assert_outcomes(passed=1)
    pytester.runpytest("--cards", "cards", "test_other.py").assert_outcomes(passed=1, skipped=4)
    result = pytester.runpytest("--cards", "nowhere")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_claim_is_not_collected_twice(pytester, cards):
    pytester.makepyfile(test_other="def test_other(): assert True")
    pytester.runpytest().assert_outcomes(passed=1, skipped=4)
    pytester.runpytest("--cards", "cards").assert_outcomes(passed=1, skipped=4)


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
    assert len(lines) == len(set(lines)) == 5


def test_names_from_a_card_make_ids_that_can_be_named(pytester, cards):
    readme = cards / "README.md"
    text = readme.read_text("utf-8").replace("type: f1, value", 'type: "a::b[c]\\e/d", value')
    readme.write_text(text.replace("split: validation}", 'split: "va::li[:3]"}'), "utf-8")
    lines = [line for line in pytester.runpytest("--collect-only", "-q").outlines if "::" in line]
    assert all(line.count("::") == 2 for line in lines)
    assert len(set(lines)) == 4
    for line in lines:
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
    pytester.runpytest().assert_outcomes(skipped=4)


def test_malformed_settings_fail_instead_of_skipping(pytester, cards):
    record(cards, exact=75.0, f1=80.0, HasAns_exact=70.0)
    (pytester.path / "pyproject.toml").write_text("[tool.harness]\nrun = 'elsewhere'\n", "utf-8")
    result = pytester.runpytest()
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(["*pyproject.toml: *unknown key 'run'*"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*Error*")


def test_a_page_about_the_cards_is_no_card(pytester, cards):
    (cards.parent / "README.md").write_text("# Our cards\n\nOne folder each.\n", "utf-8")
    pytester.runpytest().assert_outcomes(skipped=4)
    (cards.parent / "README.md").write_text(CARD, "utf-8")
    pytester.runpytest().assert_outcomes(skipped=8)
