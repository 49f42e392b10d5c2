"""Two runs, or two files of predictions, on the same questions, in pairs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from fake_engine import FakeEngine
from test_pipeline import CARD, RECIPE, STUDENT, TEACHER, uses  # noqa: F401 - a fixture
from test_significance import RECORD as PROGRAMS
from test_significance import check

from harness.cli.paired_table import print_paired
from harness.data import describe, load_data
from harness.errors import DataError, PredictionsError, RecordError
from harness.paired import compare_predictions, compare_runs
from harness.pipeline import run_recipe
from harness.records import Bounds, DataRef, Decoding, Paired, from_json, to_json
from harness.regression import fails_below
from harness.squad_files import read_squad_file
from harness.store import RECORD, load_run, save_run


def copy_run(folder, name="copy"):
    """The same run under another id."""
    other = folder.with_name(name)
    shutil.copytree(folder, other)
    save_run(other, replace(load_run(folder), id=name))
    return other


def write(folder, name, answers):
    path = folder / name
    path.write_text(json.dumps(answers), "utf-8")
    return path


def compare(folder, questions, one, other, **options):
    """Two sets of answers, through files."""
    used = describe(DataRef("set", "validation"), questions, "set.json")
    files = write(folder, "one.json", one), write(folder, "other.json", other)
    return compare_predictions(questions, used, *files, **options)


def test_two_runs_in_pairs(tmp_path, uses):  # noqa: F811
    one, _ = run_recipe(CARD, RECIPE, FakeEngine(4), tmp_path / "runs", uses=uses)
    seeded = replace(RECIPE, stages=(TEACHER, replace(STUDENT, seed=2)))
    two, _ = run_recipe(CARD, seeded, FakeEngine(6), tmp_path / "runs", uses=uses)
    paired = compare_runs(one, two)
    # wrong in the first: 0, 4, 8; in the second: 0, 6
    assert (paired.n, paired.both_wrong, paired.both_right) == (12, 1, 8)
    assert (paired.only_first, paired.only_second) == (("6",), ("4", "8"))
    assert paired.exact == (75.0, pytest.approx(100 * 10 / 12))
    # agreement 9/12, by chance 9/12 of 10/12 and 3/12 of 2/12
    assert paired.kappa == pytest.approx((9 / 12 - 96 / 144) / (1 - 96 / 144))
    assert paired.mcnemar.p == 1.0
    assert [(flip.first, flip.second, flip.gained, flip.has_ans, flip.ids) for flip in paired.flips] == [
        ("no answer", "an answer", False, False, ("6",)),
        ("an answer", "no answer", True, False, ("4", "8")),
    ]
    assert [(change.score, change.over) for change in paired.changes] == [("exact", "questions"), ("f1", "questions")]
    assert [(g.by, g.name, g.n, g.only_first, g.only_second) for g in paired.groups] == [
        ("answer", "has_ans", 6, 0, 0),
        ("answer", "no_ans", 6, 1, 2),
    ]
    (note,) = paired.notes
    assert note.startswith(
        "the folder of a run does not hold the data: intervals and p-values are over single questions"
    )
    assert paired.runs[1].endswith("(seeds 1, 2)")
    same = compare_runs(one, copy_run(one))
    assert (same.only_first, same.only_second, same.same_answer, same.kappa) == ((), (), 12, 1.0)
    assert [change.randomization_p for change in same.changes] == [1.0, 1.0]


def test_data_that_is_given_tells_paragraphs_and_kinds(tmp_path, uses):  # noqa: F811
    one, _ = run_recipe(CARD, RECIPE, FakeEngine(4), tmp_path / "runs", uses=uses)
    two, _ = run_recipe(CARD, replace(RECIPE, decoding=Decoding(n_best=3)), FakeEngine(6), tmp_path / "b", uses=uses)
    questions, _ = load_data(DataRef("set", "validation"), uses)
    paired = compare_runs(one, two, questions, resamples=100, seed=3)
    assert [(c.score, c.over, c.units, c.resamples, c.seed) for c in paired.changes] == [
        ("exact", "paragraphs", 1, 100, 3),
        ("exact", "questions", 12, 100, 3),
        ("f1", "paragraphs", 1, 100, 3),
        ("f1", "questions", 12, 100, 3),
    ]
    assert [(g.name, g.n, g.exact, g.only_first, g.only_second) for g in paired.groups if g.by == "kind"] == [
        ("k0", 4, (75.0, 50.0), 1, 0),
        ("k1", 4, (75.0, 100.0), 0, 1),
        ("k2", 4, (75.0, 100.0), 0, 1),
    ]
    assert paired.notes == ()
    with pytest.raises(DataError, match=r"the 11 questions given are not the 12 of set\.json"):
        compare_runs(one, two, questions[1:])
    with pytest.raises(DataError, match="give the same data"):
        compare_runs(one, two, (replace(questions[0], question="Another?"), *questions[1:]))


def test_embedded_data_needs_not_be_given(tmp_path, uses):  # noqa: F811
    uses = {"set:train": uses["set:train"]}
    recipe = replace(RECIPE, evaluation=DataRef("pocket", "validation[:300]"))
    one, _ = run_recipe(CARD, recipe, FakeEngine(4), tmp_path / "runs", uses=uses)
    two, _ = run_recipe(CARD, replace(recipe, decoding=Decoding(n_best=3)), FakeEngine(3), tmp_path / "b", uses=uses)
    paired = compare_runs(one, two)
    exact = paired.changes[0]
    assert (exact.over, paired.notes) == ("paragraphs", ())
    assert 1 < exact.units < 300
    assert exact.low < exact.difference < exact.high
    assert {group.by for group in paired.groups} == {"answer", "kind", "question-word"}
    for by in ("answer", "kind", "question-word"):
        groups = [group for group in paired.groups if group.by == by]
        assert sum(group.n for group in groups) == 300
        assert sum(group.only_first for group in groups) == len(paired.only_first)
        assert sum(group.exact[1] * group.n for group in groups) == pytest.approx(300 * paired.exact[1])
    # another version of the package may have other questions under that name
    for folder in (one, two):
        run = load_run(folder)
        save_run(folder, replace(run, evaluated=replace(run.evaluated, sha256="0" * 64)))
    assert compare_runs(one, two).notes[0].startswith("the folder of a run does not hold the data")


def test_one_run_twice_and_two_of_one_id_are_refused(folder):
    with pytest.raises(RecordError, match=r"one run, given twice \("):
        compare_runs(folder, folder)
    copy = copy_run(folder)
    save_run(copy, load_run(folder))
    with pytest.raises(RecordError, match="one run, given twice"):
        compare_runs(folder, copy)
    save_run(copy, replace(load_run(folder), finished="2020-01-01T00:00:00+00:00"))
    with pytest.raises(RecordError, match="two runs of one id, and their records differ"):
        compare_runs(folder, copy)


def test_runs_that_stopped_early_are_compared_where_they_asked_the_same(folder):
    other = copy_run(folder)
    bounds = Bounds("x", 0.05, 0, 6, 12, {}, {}, decided=True)
    for path, used in ((folder, 12), (other, 6)):
        scores = json.loads((path / "per_question.json").read_text("utf-8"))
        kept = {name: dict(list(scores[name].items())[:used]) for name in ("exact", "f1", "has_ans")}
        write(path, "per_question.json", scores | kept)
        run = load_run(path)
        figures = {"HasAns_total": used / 2, "NoAns_total": used / 2, "total": used}
        exact = {"HasAns_exact": 100.0, "NoAns_exact": 100 - 100 * 2 / 3 if used == 6 else 50.0}
        figures |= exact | {name.replace("exact", "f1"): value for name, value in exact.items()}
        figures |= dict.fromkeys(("exact", "f1"), (exact["HasAns_exact"] + exact["NoAns_exact"]) / 2)
        save_run(path, replace(run, bounds=bounds if used == 6 else None, scores=figures))
    with pytest.raises(RecordError, match=r"not of the same questions: \S*copy stopped early"):
        compare_runs(folder, other)
    third = copy_run(other, "third")
    assert compare_runs(other, third).notes[0].startswith("only the 6 questions are compared that a run asked")


def test_runs_on_other_questions_are_not_compared(tmp_path, uses):  # noqa: F811
    one, _ = run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)
    part = replace(RECIPE, evaluation=DataRef("set", "validation[:6]"))
    two, _ = run_recipe(CARD, part, FakeEngine(), tmp_path / "runs", uses=uses)
    with pytest.raises(RecordError, match="on the same questions only"):
        compare_runs(one, two)
    other = copy_run(one)
    (one / "per_question.json").unlink()
    with pytest.raises(RecordError, match=r"has no per_question\.json"):
        compare_runs(one, other)


def test_what_differs_between_the_signatures_is_part_of_the_comparison(tmp_path, uses):  # noqa: F811
    one, first = run_recipe(CARD, RECIPE, FakeEngine(4), tmp_path / "runs", uses=uses)
    recipe = replace(RECIPE, decoding=Decoding(protocol="farm", null_threshold=-1.5, doc_stride_is="step"))
    two, _ = run_recipe(CARD, recipe, FakeEngine(6), tmp_path / "runs", uses=uses)
    save_run(two, replace(load_run(two), signature=load_run(two).signature + " | dtype:bfloat16"))
    paired = compare_runs(one, two)
    assert paired.differences == (
        "decoding: run_qa against farm",
        "null_threshold: 0 against -1.5",
        "doc_stride: 128 overlap against 128 step",
        "dtype: not stated against bfloat16",
    )
    assert paired.decisive == paired.differences[:3]
    assert paired.signatures == (first.signature, load_run(two).signature)
    assert from_json(Paired, to_json(paired)) == paired
    same = compare_runs(one, copy_run(one))
    assert (same.differences, same.decisive) == ((), ())


@pytest.mark.parametrize(
    ("signature", "message"),
    [(None, "does not say how its scores were made"), ("no colon", "expected parts of the form")],
)
@pytest.mark.parametrize("order", [1, -1])
def test_a_run_that_does_not_say_how_it_was_scored_is_refused(folder, tmp_path, uses, signature, message, order):  # noqa: F811
    other, _ = run_recipe(CARD, replace(RECIPE, decoding=Decoding(n_best=3)), FakeEngine(), tmp_path / "b", uses=uses)
    save_run(other, replace(load_run(other), signature=signature))
    with pytest.raises(RecordError, match=message) as caught:
        compare_runs(*[folder, other][::order])
    assert str(other) in str(caught.value)


def test_scores_by_other_rules_are_not_compared(folder, tmp_path, uses):  # noqa: F811
    other, run = run_recipe(CARD, replace(RECIPE, decoding=Decoding(n_best=3)), FakeEngine(), tmp_path / "b", uses=uses)
    scores = json.loads((other / "per_question.json").read_text("utf-8")) | {"rules": "1.1"}
    (other / "per_question.json").write_text(json.dumps(scores), "utf-8")
    save_run(other, replace(run, scores={"exact_match": run.scores["exact"], "f1": run.scores["f1"]}))
    with pytest.raises(RecordError, match=r"scored by rules 2\.0, .* by rules 1\.1"):
        compare_runs(folder, other)


def test_a_run_that_did_not_train_is_called_by_its_id_alone(folder):
    run, other = load_run(folder), copy_run(folder)
    assert compare_runs(folder, other).runs == (f"{run.id} (seed 1)", "copy (seed 1)")
    save_run(folder, replace(run, recipe=replace(run.recipe, stages=())))
    assert compare_runs(folder, other).runs == (run.id, "copy (seed 1)")


@pytest.fixture
def folder(tmp_path, uses):  # noqa: F811
    return run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)[0]


@pytest.mark.parametrize("file", ["predictions.json", "per_question.json", RECORD])
def test_files_that_are_not_those_of_the_record(folder, file):
    other = copy_run(folder)
    data = json.loads((folder / file).read_text("utf-8"))
    change = {"predictions.json": data, "per_question.json": data.get("exact"), RECORD: data.get("scores")}[file]
    change[next(iter(change))] = "another answer" if file == "predictions.json" else 1.0
    data.pop("sha256", None)  # as of an earlier version: a sealed record is refused before
    (folder / file).write_text(json.dumps(data), "utf-8")
    with pytest.raises(RecordError, match="not those of its record"):
        compare_runs(folder, other)


def test_an_unfinished_run_and_a_lone_record_are_refused(folder):
    other = copy_run(folder)
    with pytest.raises(RecordError, match=r"has no per_question\.json"):
        compare_runs(folder / RECORD, other)
    save_run(folder, replace(load_run(folder), status="failed", evaluated=None))
    with pytest.raises(RecordError, match="must be finished"):
        compare_runs(folder, other)


@pytest.fixture
def hundred(make_question):
    """Questions in paragraphs of five, every fourth without an answer."""
    return [make_question(str(i), ["c d"] if i % 4 else [], passage_id=f"0:{i // 5}") for i in range(100)]


def right(questions):
    return {q.id: q.answers[0].text if q.answers else "" for q in questions}


def test_flips_of_every_kind(hundred, tmp_path):
    good = right(hundred)
    # 1, 2, 3, 5 have an answer, 0, 4 have none
    one = good | {"1": "d c", "2": "the", "0": "x"}
    other = good | {"3": "d c", "5": "", "4": "the c"}
    paired = compare(tmp_path, hundred, one, other)
    assert [(flip.first, flip.second, flip.gained, flip.has_ans, flip.ids) for flip in paired.flips] == [
        ("right answer", "wrong answer", False, True, ("3",)),
        ("right answer", "no answer", False, True, ("5",)),
        ("wrong answer", "right answer", True, True, ("1",)),
        ("no answer", "right answer", True, True, ("2",)),
        ("no answer", "an answer", False, False, ("4",)),
        ("an answer", "no answer", True, False, ("0",)),
    ]
    assert (paired.only_first, paired.only_second, paired.same_answer) == (("3", "4", "5"), ("0", "1", "2"), 94)
    assert (paired.runs, paired.notes) == (("one.json", "other.json"), ())
    assert from_json(Paired, to_json(paired)) == paired


def test_files_of_other_questions_are_refused(hundred, tmp_path):
    good = right(hundred)
    less = {qid: text for qid, text in good.items() if qid != "7"}
    with pytest.raises(PredictionsError, match=r"other\.json: 1 of 100 questions have no prediction: '7'") as caught:
        compare(tmp_path, hundred, good, less)
    assert caught.value.ids == ("7",)
    with pytest.raises(PredictionsError, match=r"one\.json: predictions name 1 id\(s\) that the data does not have"):
        compare(tmp_path, hundred, good | {"x": "c"}, good)
    used = describe(DataRef("set", "validation"), hundred, "set.json")
    one, twice = write(tmp_path, "one.json", good), tmp_path / "twice.json"
    twice.write_text('{"1": "a", "1": "b"}', "utf-8")
    with pytest.raises(PredictionsError, match="1"):
        compare_predictions(hundred, used, one, twice)
    with pytest.raises(PredictionsError, match="one file, given twice"):
        compare_predictions(hundred, used, one, tmp_path / ".." / tmp_path.name / "one.json")
    with pytest.raises(DataError, match="the 99 questions given are not the 100"):
        compare_predictions(hundred[1:], used, one, write(tmp_path, "other.json", good))


def test_missing_predictions_are_told_where_they_are_allowed(hundred, tmp_path):
    good = right(hundred)
    less = {qid: text for qid, text in good.items() if qid not in ("4", "7")} | {"x": "c"}
    paired = compare(tmp_path, hundred, less, good, missing="zero")
    assert [(flip.first, flip.second, flip.ids) for flip in paired.flips] == [
        ("no prediction", "right answer", ("7",)),
        ("no prediction", "no answer", ("4",)),
    ]
    assert paired.notes == (
        "one.json: 2 questions have no prediction and were scored 0",
        "one.json: 1 predictions are for ids that the data does not have and were left out",
    )
    assert paired.differences == ("missing: 2 scored 0 against not stated", "extra: 1 left out against not stated")
    both = compare(tmp_path, hundred, less, less, missing="zero")
    assert (both.same_answer, both.both_right, both.both_wrong) == (98, 98, 2)


def test_files_of_one_name_are_told_apart_by_their_folders(hundred, tmp_path):
    used = describe(DataRef("set", "validation"), hundred, "set.json")
    files = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        files.append(write(tmp_path / name, "predictions.json", right(hundred)))
    paired = compare_predictions(hundred, used, *files)
    assert paired.runs == (str(files[0]), str(files[1]))
    assert (paired.kappa, paired.exact, paired.flips) == (None, (100.0, 100.0), ())


def test_a_fall_beyond_the_limit_is_told_with_its_interval(hundred, tmp_path):
    good = right(hundred)
    worse = good | {str(i): "x" for i in range(0, 96, 8)}
    paired = compare(tmp_path, hundred, good, worse)
    exact, f1 = fails_below(paired, -0.3)
    low, high, p = (getattr(paired.changes[0], name) for name in ("low", "high", "randomization_p"))
    assert paired.changes[0].over == "paragraphs"
    assert exact == (
        "exact fell by 12.0000 points, from 100.0000 to 88.0000, and 0.3 is allowed; 95 % interval "
        f"{low:+.4f} to {high:+.4f} over paragraphs, p = {p:.4f} by randomization over paragraphs: "
        "chance could hardly explain a difference"
    )
    assert f1.startswith("f1 fell by 12.0000 points")
    assert fails_below(paired, -12.0) == fails_below(paired, -50.0) == ()
    assert len(fails_below(paired, -11.9999)) == 2
    mirrored = compare(tmp_path, hundred, worse, good)
    assert fails_below(mirrored, 0.0) == fails_below(mirrored, 0.0, certain=True) == ()
    assert fails_below(compare(tmp_path, hundred, good, good), 0.0) == ()
    # certain: the interval reaches above -12, and lies whole below -1
    assert fails_below(paired, -11.0, certain=True) == ()
    assert fails_below(paired, -1.0, certain=True) == fails_below(paired, -1.0)


def test_without_an_interval_a_fall_is_certain_by_exact_match_alone(hundred, tmp_path):
    good = right(hundred)
    worse = good | {str(i): "x" for i in range(0, 40, 5)}
    paired = compare(tmp_path, hundred, good, worse)
    assert (paired.changes[0].low, paired.changes[0].differing) == (None, 8)
    exact, f1 = fails_below(paired, -1.0)
    low, high = paired.mcnemar.low, paired.mcnemar.high
    assert f"; 95 % interval {low:+.4f} to {high:+.4f} over questions, by Tango, p = 0.0" in exact
    assert "; no interval, as only 8 of 20 paragraphs differ, p = 0.0" in f1
    assert high < -1.0
    assert fails_below(paired, -1.0, certain=True) == (exact,)
    few = compare(tmp_path, hundred, good, good | {"1": "x"})
    assert fails_below(few, 0.0)[0].endswith("chance could explain a difference")
    assert fails_below(few, 0.0, certain=True) == ()
    three = compare(tmp_path, hundred, good, good | {"1": "x", "11": "x", "21": "x"})
    assert 0.05 < three.changes[0].randomization_p < 0.5
    assert fails_below(three, 0.0)[0].endswith("chance could explain a difference")


def test_a_single_figure_may_fall(hundred, tmp_path):
    good = right(hundred)
    partly = good | {str(i): "c" for i in range(1, 100, 4)}  # F1 of "c" is 2/3
    (exact,) = fails_below(compare(tmp_path, hundred, good, partly), -10.0)
    assert exact.startswith("exact fell by 25.0000 points")


@pytest.mark.parametrize("limit", [0.3, float("nan"), float("-inf"), float("inf")])
def test_a_limit_that_is_none_is_refused(hundred, tmp_path, limit):
    paired = compare(tmp_path, hundred, right(hundred), right(hundred))
    with pytest.raises(ValueError, match="expected a finite number of points, 0 or less"):
        fails_below(paired, limit)


def test_what_is_printed(hundred, tmp_path, capsys):
    good = right(hundred)
    paired = compare(tmp_path, hundred, good, good | {str(i): "x" for i in range(0, 96, 8)})
    print_paired(replace(paired, runs=("a", "[red]evil\x1b[2J"), notes=("not\x07 known",)))
    out, err = capsys.readouterr()
    change = paired.changes[0]
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    interval = f"{change.low:+.4f} to {change.high:+.4f}"
    probabilities = [f"{change.randomization_p:.4f}", f"{change.bootstrap_p:.4f}"]
    cells = ["exact", "100.0000", "88.0000", "-12.0000", "20 paragraphs", interval]
    assert lines[0][:6] == cells
    assert lines[0][6:] == [p if p != "0.0001" else lines[0][6 + i] for i, p in enumerate(probabilities)]
    assert ["no_ans", "no answer", "an answer", "-", "12"] in lines
    assert ["both right", "88", "88.00"] in lines
    assert ["answer", "no_ans", "25", "100.00 to 52.00 (-48.00)", "100.00 to 52.00 (-48.00)", "12", "0"] in lines
    assert "\x1b" not in out + err
    assert "[red]evil\\x1b[2J" in out
    assert err == "note: not\\x07 known\n"
    # nothing to flip, and too few for intervals
    print_paired(compare(tmp_path, hundred[:3], right(hundred[:3]), right(hundred[:3])))
    assert "flipped" not in capsys.readouterr().out


@pytest.mark.parametrize("every", ["1", "97"])
def test_published_predictions_against_scipy_and_statsmodels(shared, tmp_path, every):
    recorded = PROGRAMS["published"][every]
    questions = read_squad_file(shared / "data" / "squad" / "dev-v2.0.json")[:: int(every)]
    ids = {q.id for q in questions}
    answers = []
    for name in ("squad2-dev-bert.json", "squad2-dev-bidaf-elmo.json"):
        given = json.loads((shared / "data" / "predictions" / name).read_text("utf-8"))
        answers.append({qid: text for qid, text in given.items() if qid in ids})
    paired = compare(tmp_path, questions, *answers)
    for change in paired.changes:
        check(change, recorded[change.score][change.over])
    assert [len(paired.only_first), len(paired.only_second)] == recorded["mcnemar"]["counts"]
    assert paired.mcnemar.p == pytest.approx(recorded["mcnemar"]["scipy"], rel=1e-10)
    interval = recorded["tango"]["low"], recorded["tango"]["high"]
    assert (paired.mcnemar.low, paired.mcnemar.high) == pytest.approx(interval, abs=1e-5)
