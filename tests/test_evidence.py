"""Which run is evidence for a card, under which tolerance, and what it comes to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.data import load_data
from harness.errors import RecordError
from harness.evidence import gather_evidence, judge, newest_evidence, open_card, outcome, same_recipe
from harness.records import Comparison, DataRef, DataUsed, Verdict
from harness.store import load_run, save_run

RUN_FILE = Path(__file__).parent / "data" / "runs" / "finished.json"
CARD = """---
model-index:
- name: tiny
  results:
  - task: {type: question-answering}
    dataset: {type: mini, name: mini, split: validation}
    metrics:
    - {type: exact_match, value: 75.0}
    - {type: f1, value: 80.0}
---

# tiny

```
base_model = "org/base"
train_data = "mini:train"
eval_data = "mini:validation"
```
"""


@pytest.fixture
def card(tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "README.md").write_text(CARD, "utf-8")
    return folder


def recorded(opened, **scores):
    data = DataUsed(DataRef("mini", "validation"), 12_000, 6_000, "0" * 64, "mini.json")
    return replace(
        load_run(RUN_FILE),
        card_name="tiny",
        kind="retrained",
        recipe=opened.recipe,
        scores=scores,
        evaluated=data,
        status="finished",
        finished="2026-01-01T00:00:00+00:00",
    )


def assume(card, text):
    (card / "assumptions.yaml").write_text("schema: 1\n" + text, "utf-8")


def verdicts(opened, run):
    return [c.verdict for c in judge(opened, run)]


WIDE = "- {metric: exact_match, points: 20, reason: any data}\n"
NARROW = "- {metric: exact_match, dataset: mini, points: 1, reason: this data}\n"


@pytest.mark.parametrize("entries", [WIDE + NARROW, NARROW + WIDE])
def test_a_tolerance_for_the_data_set_goes_before_one_for_any(card, entries):
    assume(card, "tolerances:\n" + entries)
    opened = open_card(card)
    comparison = judge(opened, recorded(opened, exact=60.0, f1=80.0))[0]
    assert (comparison.verdict, comparison.tolerance.reason) == (Verdict.DIFFERS, "this data")


def test_a_tolerance_is_for_its_metric_and_data_alone(card):
    assume(card, "tolerances:\n- {metric: exact_match, dataset: squad_v2, points: 50, reason: other data}\n")
    opened = open_card(card)
    assert verdicts(opened, recorded(opened, exact=60.0, f1=60.0)) == [Verdict.DIFFERS] * 2
    assume(card, "tolerances:\n- {metric: exact_match, points: 50, reason: r}\n")
    opened = open_card(card)
    assert verdicts(opened, recorded(opened, exact=60.0, f1=60.0)) == [Verdict.WITHIN_TOLERANCE, Verdict.DIFFERS]


def test_a_tolerance_for_a_subset_is_for_that_subset_alone(card):
    text = CARD + '\n```\n"exact": 75.0,\n"HasAns_exact": 70.0\n```\n'
    (card / "README.md").write_text(text, "utf-8")
    subset = "- {metric: HasAns_exact, points: 9, reason: half the questions}\n"
    whole = "- {metric: exact_match, points: 3, reason: all}\n"
    for entries in (subset + whole, whole + subset):
        assume(card, "tolerances:\n" + entries)
        opened = open_card(card)
        found = judge(opened, recorded(opened, exact=83.0, HasAns_exact=78.0))
        by_subset = {c.claim.subset: c for c in found if c.claim.origin == "code"}
        assert by_subset["all"].tolerance.reason == "all"
        assert by_subset["all"].verdict is Verdict.DIFFERS
        assert by_subset["has_ans"].tolerance.reason == "half the questions"
        assert by_subset["has_ans"].verdict is Verdict.WITHIN_TOLERANCE
    assume(card, "tolerances:\n" + subset)
    opened = open_card(card)
    (claim, *_) = judge(opened, recorded(opened, exact=83.0, HasAns_exact=78.0))
    assert claim.tolerance.reason.startswith("default")


def test_what_is_stated_by_now_is_no_longer_an_assumption(card):
    assume(card, "settings:\n  epochs: {value: 3, reason: a guess}\n")
    guessed = open_card(card)
    run = recorded(guessed, exact=74.1, f1=80.0)
    assert verdicts(guessed, run)[0] is Verdict.INCONCLUSIVE
    (card / "assumptions.yaml").unlink()
    (card / "README.md").write_text(CARD.replace("eval_data", "epochs = 3\neval_data"), "utf-8")
    stated = open_card(card)
    assert same_recipe(stated.recipe, run.recipe)
    assert verdicts(stated, run)[0] is Verdict.DIFFERS


def test_without_a_run_every_claim_is_unchecked(card):
    assert [c.state for c in judge(open_card(card), None)] == ["unchecked", "unchecked"]


def test_only_runs_of_the_present_recipe_are_evidence(card, tmp_path):
    opened = open_card(card)
    with pytest.raises(RecordError, match="no recorded run"):
        newest_evidence(opened, tmp_path / "runs")
    run = recorded(opened, exact=75.0, f1=80.0)
    save_run(tmp_path / "runs" / "old", replace(run, id="old"))
    other = open_card(card, seed=7)
    save_run(tmp_path / "runs" / "new", replace(run, id="new", recipe=other.recipe, finished="2026-02-01T00:00:00"))
    assert newest_evidence(opened, tmp_path / "runs")[1].id == "old"
    (card / "README.md").write_text(CARD.replace("mini:train", "mini:train[:5]"), "utf-8")
    with pytest.raises(RecordError, match="has changed since the recorded run new"):
        newest_evidence(open_card(card), tmp_path / "runs")


def test_runs_that_were_made_to_answer_are_not_pooled_with_others(card, tmp_path):
    """Of one recipe and the same questions; records of before let a model answer nothing where it has to."""
    opened = open_card(card)
    for seed in range(4):
        run = recorded(open_card(card, seed=seed), exact=75.0, f1=80.0)
        decoding = replace(run.recipe.decoding, forced_answer=seed == 3)
        changed = replace(run, id=f"seed-{seed}", recipe=replace(run.recipe, decoding=decoding))
        save_run(tmp_path / "runs" / changed.id, changed)
    groups = gather_evidence(opened, tmp_path / "runs").groups
    assert [{run.id for _, run in group} for group in groups] == [{"seed-0", "seed-1", "seed-2"}]
    every = [load_run(path) for path in sorted((tmp_path / "runs").iterdir())]
    assert {c.reason for c in judge(opened, every)} == {
        "the runs decoded in different ways, and only seeds of one are pooled"
    }


def test_a_run_on_embedded_data_of_another_version_is_no_evidence(card, tmp_path):
    (card / "README.md").write_text(CARD.replace("mini", "pocket"), "utf-8")
    opened = open_card(card)
    used = load_data(DataRef("pocket", "validation"), {})[1]
    run = replace(recorded(opened, exact=75.0, f1=80.0), evaluated=used)
    saved = save_run(tmp_path / "runs" / "one", run)
    assert newest_evidence(opened, tmp_path / "runs")[1] == saved
    save_run(tmp_path / "runs" / "one", replace(run, evaluated=replace(used, sha256="0" * 64)))
    with pytest.raises(RecordError, match="embedded data set has changed"):
        newest_evidence(opened, tmp_path / "runs")


M, W, U, D, N = Verdict


@pytest.mark.parametrize(
    ("states", "code", "strict_code", "sentence"),
    [
        ([], 1, 1, "nothing was checked: the card makes no claim"),
        ([None, None], 1, 1, "nothing was checked: unchecked 2"),
        ([N, None], 1, 1, "nothing was checked: not_comparable 1, unchecked 1"),
        ([M, W], 0, 0, "as claimed: matches 1, within_tolerance 1"),
        ([M, U], 0, 1, "nothing differs: matches 1, inconclusive 1"),
        ([U], 0, 1, "nothing differs: inconclusive 1"),
        ([M, N], 0, 1, "nothing differs: matches 1, not_comparable 1"),
        ([M, D], 1, 1, "not as claimed: matches 1, differs 1"),
        ([D, None], 1, 1, "not as claimed: differs 1, unchecked 1"),
    ],
)
def test_exit_codes(card, states, code, strict_code, sentence):
    claim = open_card(card).card.claims[0]
    comparisons = [Comparison(claim, verdict, "r") for verdict in states]
    assert outcome(comparisons) == (code, sentence)
    assert outcome(comparisons, strict=True)[0] == strict_code
