"""A card's claims on its own terms: tolerances, protocols, printed counts, known deviations, kinds of evidence."""

from __future__ import annotations

import datetime
import shutil
import time
from dataclasses import replace
from pathlib import Path

import plugin_cards
import pytest

from harness.config import read_config
from harness.errors import RecipeError, RecordError
from harness.evidence import (
    Options,
    failing,
    find_evidence,
    found,
    gather_evidence,
    how_scored,
    judge,
    judge_one,
    open_card,
    outcome,
    same_name,
)
from harness.records import Bounds, DataRef, DataUsed, Recipe, Rescored, StageResult, Verdict
from harness.signature import signature
from harness.squad import score_predictions
from harness.squad_files import read_squad_file
from harness.store import load_run, save_run

RUN = load_run(Path(__file__).parent / "data" / "runs" / "finished.json")
DAY = datetime.date(2026, 6, 1)

CARD = """---
model-index:
- name: owner/tiny
  results:
  - task: {type: question-answering}
    dataset: {type: mini, name: mini, split: validation}
    metrics:
    - {type: exact_match, value: 80.000}
---

# tiny

```
base_model = "org/base"
train_data = "mini:train"
eval_data = "mini:validation"
%s```
"""
NAME = "mini/validation::exact_match[all@front_matter]"


@pytest.fixture
def write(tmp_path):
    def write(settings="", assumptions=None, text=CARD):
        folder = tmp_path / "owner__tiny"
        folder.mkdir(exist_ok=True)
        (folder / "README.md").write_text(text % settings, "utf-8")
        if assumptions is not None:
            (folder / "assumptions.yaml").write_text("schema: 1\n" + assumptions, "utf-8")
        return open_card(folder)

    return write


def run_of(opened, exact, kind="retrained", seed=None, **change):
    """A finished run; of weights as they were given it is decoded as the card is taken to mean."""
    recipe = opened.recipe
    if seed is not None:
        recipe = replace(recipe, stages=tuple(replace(stage, seed=seed) for stage in recipe.stages))
    if kind in ("released", "replay"):
        recipe = Recipe((), DataRef("mini", "validation"), recipe.decoding)
    data = DataUsed(DataRef("mini", "validation"), 2000, 1000, "a" * 64, "mini.json")
    return replace(
        RUN,
        id=f"{kind}-{seed}-{exact}",
        kind=kind,
        status="finished",
        card_name=opened.card.name,
        recipe=recipe,
        scores={"exact": exact, "total": 2000.0},
        evaluated=data,
        comparisons=(),
        **change,
    )


def verdict(opened, run, **options):
    (comparison,) = judge(opened, run, Options(today=DAY, **options))
    return comparison


@pytest.mark.parametrize(
    ("entry", "kind", "exact", "expected"),
    [
        ("{metric: exact_match, points: 3, reason: r}", "retrained", 77.5, Verdict.WITHIN_TOLERANCE),
        ("{metric: exact_match, points: 3, reason: r}", "distilled", 77.5, Verdict.WITHIN_TOLERANCE),
        ("{metric: exact_match, points: 3, reason: r}", "released", 77.5, Verdict.INCONCLUSIVE),  # of training alone
        ("{metric: exact_match, points: 3, reason: r, kind: released}", "released", 77.5, Verdict.WITHIN_TOLERANCE),
        ("{metric: exact_match, points: 3, reason: r, kind: released}", "retrained", 77.5, Verdict.DIFFERS),
        ("{metric: exact_match, points: 1, reason: r, kind: replay}", "replay", 79.1, Verdict.WITHIN_TOLERANCE),
        ("{metric: exact_match, points: 1, warned: 2, reason: r}", "retrained", 78.1, Verdict.WITHIN_TOLERANCE),
        ("{metric: exact_match, points: 1, inconclusive: 4, reason: r}", "retrained", 76.1, Verdict.INCONCLUSIVE),
        ("{metric: f1, points: 30, reason: r}", "retrained", 77.5, Verdict.DIFFERS),
        ("{metric: exact_match, points: 30, reason: r, dataset: squad}", "retrained", 77.5, Verdict.DIFFERS),
    ],
)
def test_a_card_sets_tolerances_by_kind_of_run(write, entry, kind, exact, expected):
    opened = write(assumptions=f"tolerances:\n- {entry}\n")
    comparison = verdict(opened, run_of(opened, exact, kind))
    assert comparison.verdict is expected
    if expected is Verdict.WITHIN_TOLERANCE:
        assert comparison.tolerance.reason == "r"


def test_who_goes_before_whom(write, tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[[tool.harness.tolerances]]\nmetric = "exact_match"\npoints = 4\nreason = "project"\n', "utf-8"
    )
    project = read_config(tmp_path).tolerances
    bare = write()
    assert verdict(bare, run_of(bare, 77.5), tolerances=project).tolerance.reason == "project"
    own = write(assumptions="tolerances:\n- {metric: exact_match, points: 3, reason: card}\n")
    assert verdict(own, run_of(own, 77.5), tolerances=project).tolerance.reason == "card"
    assert verdict(own, run_of(own, 77.5), tolerance=5.0).tolerance.within == 5.0


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("metric: exact_match, points: -1, reason: r", "points: found -1, expected 0 to 100"),
        ("metric: exact_match, points: .nan, reason: r", "points: found"),
        ("metric: exact_match, points: wide, reason: r", "points: found 'wide'"),
        ("metric: exact_match, points: true, reason: r", "points: found True"),
        ("metric: exact_match, reason: r", "found neither points nor half_width"),
        ("metric: exact_match, points: 1", "'reason'"),
        ("metric: exact_match, points: 1, reason: r, kind: trained", "kind: found 'trained', expected one of replay"),
        ("metric: exact_match, points: 2, warned: 1, reason: r", "warned: found 1, expected at least 2"),
        ("metric: exact_match, half_width: 2, warned: 1, reason: r", "warned: found 1, expected points beside it"),
        ("metric: accuracy, points: 1, reason: r", "metric: found 'accuracy'"),
        ("metric: exact_match, points: 1, reason: r, pionts: 3", "unknown key 'pionts'"),
    ],
)
def test_entries_that_cannot_be_used(write, tmp_path, entry, said):
    with pytest.raises(RecipeError, match=r"assumptions.yaml:\d") as caught:
        write(assumptions=f"tolerances:\n- {{{entry}}}\n")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('metric = "exact_match"\npoints = -1\nreason = "r"', "entry 1 of tool.harness.tolerances: points: found -1"),
        ('metric = "exact_match"\npoints = nan\nreason = "r"', "points: found nan"),
        ('metric = "exact_match"\npoints = 1\nreason = " "', "reason: found ' '"),
        ('metric = "exact_match"\npoints = 1\nreason = "r"\nother = 1', "other: is no key of a tolerance"),
    ],
)
def test_entries_of_a_project_that_cannot_be_used(tmp_path, text, said):
    (tmp_path / "pyproject.toml").write_text(f"[[tool.harness.tolerances]]\n{text}\n", "utf-8")
    with pytest.raises(RecordError) as caught:
        read_config(tmp_path)
    assert said in str(caught.value)


def test_a_narrower_interval_of_seeds_can_be_asked_for(write):
    opened = write(assumptions="tolerances:\n- {metric: exact_match, half_width: 0.2, reason: strict}\n")
    runs = [run_of(opened, exact, seed=seed) for seed, exact in enumerate((79.9, 80.0, 80.1), 42)]
    assert verdict(opened, runs).verdict is Verdict.INCONCLUSIVE
    bare = write(assumptions="")
    assert verdict(bare, [*runs[1:], run_of(bare, 80.2, seed=50)]).verdict is Verdict.WITHIN_TOLERANCE


def test_a_deviation_that_is_known_counts_until_its_day(write):
    entry = f"deviations:\n- {{claim: '{NAME}', reason: old weights, expires: 2026-06-01}}\n"
    opened = write(assumptions=entry)
    comparison = verdict(opened, run_of(opened, 60.0))
    assert (comparison.verdict, comparison.deviation, failing(comparison)) == (Verdict.DIFFERS, "old weights", False)
    assert outcome([comparison]) == (0, "nothing differs: known deviation 1")
    assert outcome([comparison], strict=True)[0] == 0
    (late,) = judge(opened, run_of(opened, 60.0), Options(today=DAY + datetime.timedelta(1)))
    assert (late.deviation, failing(late)) == (None, True)
    assert "a known deviation until 2026-06-01, which is over: old weights" in late.reason
    assert verdict(opened, run_of(opened, 80.0)).deviation is None


def test_a_deviation_of_no_claim_is_refused(write):
    with pytest.raises(RecipeError, match=r"yaml:3: deviations: found no claim 'f1', expected one of mini/"):
        write(assumptions="deviations:\n- {claim: f1, reason: r, expires: 2030-01-01}\n")


@pytest.mark.parametrize("statement", ["protocol = run_qa", "profile = run_qa"])
def test_a_card_that_states_its_protocol(write, statement):
    opened = write(settings=f"stage = main\n{statement}\n")
    run = run_of(opened, 79.93, "released")
    comparison = verdict(opened, run)
    assert (comparison.verdict, comparison.protocol) == (Verdict.WITHIN_TOLERANCE, "known")
    assert verdict(opened, run_of(opened, 79.8, "released")).verdict is Verdict.DIFFERS
    other = replace(run, recipe=replace(run.recipe, decoding=replace(run.recipe.decoding, n_best=5)))
    comparison = verdict(opened, other)
    assert comparison.verdict is Verdict.NOT_COMPARABLE
    assert "the run scored otherwise (n_best: 20, 5): evaluate with --card" in comparison.reason
    stated = Rescored("n_best 20", "twenty", {"exact": 80.0}, 1, 1, run.recipe.decoding)
    comparison = verdict(opened, replace(other, alternatives=(stated,)))
    assert (comparison.verdict, comparison.reproduced) == (Verdict.MATCHES, 80.0)
    assert "its logits were scored as the card states, n_best 20" in comparison.reason


def test_a_card_that_does_not_state_its_protocol(write):
    opened = write()
    run = run_of(opened, 80.0, "released")
    assert verdict(opened, run).protocol == "assumed"
    other = replace(run, recipe=replace(run.recipe, decoding=replace(run.recipe.decoding, null_threshold=-2.0)))
    comparison = verdict(opened, other)
    assert (comparison.verdict, comparison.protocol) == (Verdict.INCONCLUSIVE, "other")
    assert "null_threshold: 0, -2" in comparison.reason


def test_answers_are_forced_where_every_question_has_one(write):
    opened = write()
    run = run_of(opened, 80.0, "released")
    forced = replace(run.recipe.decoding, forced_answer=True)
    run = replace(run, recipe=replace(run.recipe, decoding=forced))
    assert verdict(opened, run).protocol == "other"
    every = replace(run, evaluated=replace(run.evaluated, has_ans=run.evaluated.n))
    assert verdict(opened, every).protocol == "assumed"


def test_a_signature_line_states_the_protocol(write, tmp_path):
    opened = write()
    run = run_of(opened, 79.93, "released")
    scores = score_predictions(read_squad_file(_tiny(tmp_path)), {"1": "c"})

    def signed(decoding, data="mini"):
        used = replace(run.evaluated, ref=DataRef(data, "validation"))
        line = signature(used, scores, decoding).replace("%", "%%")
        return write(text=CARD + f"\n- Signature: `{line}`\n")

    same = signed(run.recipe.decoding)
    assert how_scored(same, same.card.claims[0], run).protocol == "known"
    assert verdict(same, run).verdict is Verdict.WITHIN_TOLERANCE
    other = signed(replace(run.recipe.decoding, max_answer_length=15))
    comparison = verdict(other, run)
    assert comparison.verdict is Verdict.NOT_COMPARABLE
    assert "max_answer_length: 15, 30" in comparison.reason
    elsewhere = signed(replace(run.recipe.decoding, max_answer_length=15), "other")
    assert verdict(elsewhere, run).protocol == "assumed"


def _tiny(folder):
    file = folder / "tiny.json"
    qas = '{"id": "1", "question": "?", "answers": [{"text": "c", "answer_start": 0}]}'
    file.write_text(f'{{"data": [{{"paragraphs": [{{"context": "c d", "qas": [{qas}]}}]}}]}}', "utf-8")
    return file


def test_the_number_of_questions_that_a_card_prints(write):
    block = '\nEvaluated on mini validation:\n\n```\n"exact": 80.0,\n"f1": 81.0,\n"total": %d\n```\n'
    opened = write(text=CARD + block % 1998)
    run = run_of(opened, 80.0, "replay")
    by_origin = {c.claim.origin: c for c in judge(opened, run) if c.claim.metric == "exact_match"}
    assert by_origin["front_matter"].verdict is Verdict.MATCHES
    assert by_origin["code"].verdict is Verdict.NOT_COMPARABLE
    assert "the card prints 1998 beside the figure" in by_origin["code"].reason


def keep(tmp_path, *runs):
    for run in runs:
        save_run_folder = tmp_path / "runs" / run.id
        save_run_folder.mkdir(parents=True)
        save_run(save_run_folder, run)
    return tmp_path / "runs"


def test_which_kind_of_evidence_is_found(write, tmp_path):
    opened = write()
    runs = keep(
        tmp_path,
        run_of(opened, 80.0, "replay"),
        replace(run_of(opened, 80.0, "released"), card_name="TINY"),
        run_of(opened, 80.0),
    )
    kinds = {kind: [run.kind for _, run in find_evidence(opened, runs, kind)] for kind in ("replay", "released")}
    assert kinds == {"replay": ["replay"], "released": ["released"]}
    assert [run.kind for _, run in find_evidence(opened, runs)] == ["retrained"]
    assert [run.kind for _, run in find_evidence(opened, runs, "retrained")] == ["retrained"]


def test_without_evidence_the_error_says_what_makes_some(write, tmp_path):
    opened = write()
    for kind, command in (
        (None, "harness reproduce"),
        ("retrained", "harness reproduce"),
        ("released", "harness evaluate MODEL DATA --card"),
        ("replay", "harness compare .* PREDICTIONS --data DATA"),
    ):
        with pytest.raises(RecordError, match=command):
            find_evidence(opened, tmp_path / "runs", kind)


def test_other_seeds_alone_are_evidence_from_three_on(write, tmp_path):
    opened = write()
    runs = keep(tmp_path, run_of(opened, 80.0, seed=7), run_of(opened, 80.1, seed=8))
    with pytest.raises(RecordError, match="no recorded run has the card's own seeds"):
        find_evidence(opened, runs)
    keep(tmp_path, run_of(opened, 80.2, seed=9))
    assert {run.recipe.stages[0].seed for _, run in find_evidence(opened, runs)} == {7, 8, 9}


def test_seeds_on_other_data_are_not_pooled(write, tmp_path):
    opened = write()
    odd = run_of(opened, 70.0, seed=9)
    odd = replace(odd, evaluated=replace(odd.evaluated, sha256="b" * 64))
    own = run_of(opened, 80.0)
    runs = keep(tmp_path, own, run_of(opened, 80.1, seed=7), run_of(opened, 80.2, seed=8), odd)
    assert {run.id for _, run in find_evidence(opened, runs)} == {own.id, "retrained-7-80.1", "retrained-8-80.2"}


@pytest.mark.parametrize("points", [-0.1, float("nan"), float("inf"), 100.1])
def test_an_impossible_tolerance_is_refused(points):
    with pytest.raises(ValueError, match="expected 0 to 100 points"):
        Options(tolerance=points)


def test_each_claim_is_held_against_the_evidence_of_its_data(write, tmp_path):
    text = CARD.replace(
        "---\n\n# tiny",
        "  - task: {type: question-answering}\n    dataset: {type: other, name: other, split: test}\n    metrics:\n"
        "    - {type: exact_match, value: 70.000}\n---\n\n# tiny",
    )
    opened = write(text=text)
    run = run_of(opened, 80.0, "released")
    elsewhere = replace(run, id="elsewhere", scores={"exact": 70.0}, finished="2026-06-01T00:00:00+00:00")
    elsewhere = replace(elsewhere, evaluated=replace(run.evaluated, ref=DataRef("other", "test"), sha256="c" * 64))
    evidence = gather_evidence(opened, keep(tmp_path, run, elsewhere))
    first, second = opened.card.claims
    assert [member.id for _, member in evidence.of(first)] == [run.id]
    assert [member.id for _, member in evidence.of(second)] == ["elsewhere"]
    assert len(evidence.used(opened.card.claims)) == 2
    states = [judge(opened, [r for _, r in evidence.of(c)])[n].state for n, c in enumerate(opened.card.claims)]
    assert states == ["matches", "matches"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("owner/tiny", "Owner/Tiny", True),
        ("owner/tiny", "tiny", True),
        ("owner/tiny", "thief/tiny", False),
        ("owner/tiny", "owner/tin", False),
    ],
)
def test_an_owner_may_be_left_out_and_not_be_another(one, other, same):
    assert same_name(one, other) is same_name(other, one) is same


def test_a_record_that_cannot_be_read_is_not_passed_over(write, tmp_path):
    opened = write()
    runs = keep(tmp_path, run_of(opened, 80.0), run_of(opened, 60.0, seed=7))
    assert find_evidence(opened, runs)
    broken = runs / "retrained-7-60.0" / "record.json"
    broken.write_text(broken.read_text("utf-8")[:-20], "utf-8")
    with pytest.raises(RecordError, match=r"record.json"):
        find_evidence(opened, runs)
    broken.write_text('{"schema": 1, "recipe": {}, "card_name": "somebody/else"}', "utf-8")
    assert find_evidence(opened, runs)
    (runs / "notes.json").write_text("no JSON at all", "utf-8")
    assert find_evidence(opened, runs)


def test_training_on_other_data_says_nothing_against_a_recipe(write):
    opened = write()
    result = StageResult("s", "0", "0", 21, 21, 1, 1.0, 1.0, (DataUsed(DataRef("squad_v2", "train"), 21, 9, "d", "x"),))
    for exact in (60.0, 80.0):
        comparison = verdict(opened, replace(run_of(opened, exact), stages=(result,)))
        assert comparison.verdict is Verdict.INCONCLUSIVE
        assert "trained on 21 of 130319 questions of squad_v2:train, which is not the recipe" in comparison.reason
    sliced = replace(result, data=(DataUsed(DataRef("squad_v2", "train[:21]"), 21, 9, "d", "x"),))
    assert verdict(opened, replace(run_of(opened, 80.0), stages=(sliced,))).verdict is Verdict.MATCHES


def test_bounds_of_one_protocol_are_not_those_of_another(write):
    opened = write(settings="stage = main\nprotocol = run_qa\n")
    run = run_of(opened, 80.0, "released")
    stated = Rescored("n_best 20", "twenty", {"exact": 80.0}, 1, 1, run.recipe.decoding)
    other = replace(run, recipe=replace(run.recipe, decoding=replace(run.recipe.decoding, n_best=5)))
    bounds = Bounds("b", 0.05, 0, 100, 2000, {"exact": 79.99}, {"exact": 80.01}, True)
    comparison = verdict(opened, replace(other, alternatives=(stated,), bounds=bounds))
    assert comparison.verdict is Verdict.NOT_COMPARABLE
    assert "stopped early" in comparison.reason


def test_two_entries_for_the_same_thing_are_refused(write, tmp_path):
    entry = "- {metric: exact_match, points: %d, reason: r}\n"
    with pytest.raises(RecipeError, match=r"yaml:4: tolerances: found a second entry"):
        write(assumptions="tolerances:\n" + entry % 3 + entry % 30)
    text = '[[tool.harness.tolerances]]\nmetric = "f1"\npoints = 1\nreason = "r"\n'
    (tmp_path / "pyproject.toml").write_text(text * 2, "utf-8")
    with pytest.raises(RecordError, match="found two entries for f1"):
        read_config(tmp_path)


def test_a_half_width_alone_leaves_the_zone_of_few_questions(write):
    opened = write(assumptions="tolerances:\n- {metric: exact_match, half_width: 2.0, reason: r}\n")
    assert verdict(opened, run_of(opened, 78.1)).verdict is Verdict.INCONCLUSIVE  # 0.8 times the root of 11873 / 2000
    assert verdict(opened, run_of(opened, 78.0)).verdict is Verdict.DIFFERS


def test_a_broken_file_beside_a_card_is_not_passed_over(write, tmp_path):
    opened = write()
    own = opened.path.parent / "runs"
    own.mkdir()
    save_run(own, run_of(opened, 80.0))
    (own / "record.json").rename(own / "one.json")
    assert find_evidence(opened, tmp_path / "runs")
    (own / "two.json").write_text("{", "utf-8")
    with pytest.raises(RecordError, match=r"two.json"):
        find_evidence(opened, tmp_path / "runs")


@pytest.mark.parametrize("kind", ["retrained", "released"])
def test_thousands_of_claims_cost_no_square(tmp_path, kind):
    figures = "".join(
        f"    - {{type: {('exact_match', 'f1')[n % 2]}, value: {75 + n / 1e5:.5f}}}\n" for n in range(6_000)
    )
    text = plugin_cards.CARD.replace("    - {type: exact_match, value: 75.0}\n    - {type: f1, value: 80.0}\n", figures)
    opened = open_card(plugin_cards.make_card(tmp_path / "tiny", text))
    assert len(opened.card.claims) > 6_000
    run = plugin_cards.run_of(tmp_path / "tiny", kind=kind, **plugin_cards.SCORES)
    before = time.perf_counter()
    together = judge(opened, run)
    assert time.perf_counter() - before < 8
    for number in (0, 3_000, 5_999):
        assert judge_one(opened, run, opened.card.claims[number]) == together[number]


def newer(run, **change):
    return replace(run, id=f"{run.id}-newer", finished="2026-03-01T00:00:00+00:00", **change)


def test_the_newest_run_does_not_hide_the_one_that_answers(write, tmp_path):
    opened = write(settings="stage = main\nprotocol = run_qa\n")
    (claim,) = opened.card.claims
    run = run_of(opened, 80.0, "released")
    decoded = replace(run.recipe, decoding=replace(run.recipe.decoding, n_best=5))
    bounds = Bounds("b", 0.05, 0, 100, 2000, {"exact": 10.0}, {"exact": 90.0}, False)
    early = newer(run, bounds=bounds, scores={"exact": 50.0, "total": 100.0})
    other = replace(newer(run, recipe=decoded), id="decoded")
    elsewhere = newer(run_of(opened, 70.0, "released"), evaluated=replace(run.evaluated, ref=DataRef("other", "test")))
    runs = keep(tmp_path, run, early, other, replace(elsewhere, id="elsewhere"))
    ((_, chosen),) = gather_evidence(opened, runs).of(claim)
    assert chosen.id == run.id
    whole = replace(newer(run), kind="replay", id="replay")
    keep(tmp_path, whole)
    assert gather_evidence(opened, runs).of(claim)[0][1].id == run.id
    shutil.rmtree(runs / run.id)
    shutil.rmtree(runs / "decoded")
    assert gather_evidence(opened, runs).of(claim)[0][1].id == "replay"  # whole, before what stopped early


def test_a_seed_on_other_data_does_not_take_the_place_of_that_seed(write, tmp_path):
    opened = write()
    own = run_of(opened, 80.0)
    small = newer(own, scores={"exact": 60.0}, evaluated=replace(own.evaluated, sha256="d" * 64, n=50, has_ans=25))
    runs = keep(tmp_path, own, small, run_of(opened, 80.1, seed=7), run_of(opened, 80.2, seed=8))
    evidence = gather_evidence(opened, runs)
    seeds = {own.id, "retrained-7-80.1", "retrained-8-80.2"}
    assert {run.id for _, run in evidence.groups[1]} == seeds
    assert [run.id for _, run in evidence.groups[0]] == [small.id]
    assert {run.id for _, run in evidence.of(opened.card.claims[0])} == seeds


def test_a_record_is_held_against_its_scores_once(write, tmp_path, monkeypatch):
    opened = write()
    looked = []
    monkeypatch.setattr(found, "check_intact", lambda path, run: looked.append(path))
    evidence = gather_evidence(opened, keep(tmp_path, run_of(opened, 80.0)))
    for _ in range(3):
        evidence.of(opened.card.claims[0])
    assert len(looked) == 1


def test_every_seed_has_to_be_trained_on_the_recipes_data(write):
    opened = write()
    few = StageResult("s", "0", "0", 21, 21, 1, 1.0, 1.0, (DataUsed(DataRef("squad_v2", "train"), 21, 9, "d", "x"),))
    runs = [run_of(opened, exact, seed=seed) for seed, exact in enumerate((79.9, 80.0, 80.1), 42)]
    assert verdict(opened, runs).verdict is Verdict.MATCHES
    assert verdict(opened, [*runs[:2], replace(runs[2], stages=(few,))]).verdict is Verdict.INCONCLUSIVE


def test_records_of_others_and_of_older_versions_do_not_stand_in_the_way(write, tmp_path):
    opened = write()
    runs = keep(tmp_path, run_of(opened, 80.0))
    for name, text in (
        ("torn", '{"schema": 1, "card_name": "someone/else", "recipe": {'),
        ("old", '{"schema": 0, "card_name": "owner/tiny"}'),
    ):
        (runs / name).mkdir()
        (runs / name / "record.json").write_text(text, "utf-8")
    assert find_evidence(opened, runs)
    (runs / "torn" / "record.json").write_text('{"schema": 1, "card_name": "owner/tiny", "recipe": {', "utf-8")
    with pytest.raises(RecordError, match="torn"):
        find_evidence(opened, runs)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ('{"rules": "1.1", "exact": {}, "f1": {}, "has_ans": {}}', "scores of no or of different questions"),
        ('{"rules": "2.0", "exact": {"a": 1.0}, "f1": {}, "has_ans": {}}', "scores of no or of different questions"),
        ('{"rules": "2.0", "exact": {"a": 1.0}, "f1": {"a": 1.0}, "has_ans": {"a": true}}', "not those of its record"),
    ],
)
def test_scores_that_are_not_the_records(write, tmp_path, scores, said):
    opened = write()
    run = run_of(opened, 80.0)
    runs = keep(tmp_path, run)
    (runs / run.id / "per_question.json").write_text(scores, "utf-8")
    with pytest.raises(RecordError, match=said):
        find_evidence(opened, runs)
