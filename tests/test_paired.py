"""Two runs on the same questions, in pairs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fake_engine import FakeEngine
from test_pipeline import CARD, RECIPE, STUDENT, TEACHER, uses  # noqa: F401 - a fixture

from harness.errors import RecordError
from harness.paired import compare_runs
from harness.pipeline import run_recipe
from harness.records import DataRef
from harness.store import RECORD, load_run, save_run


def test_two_runs_in_pairs(tmp_path, uses):  # noqa: F811
    one, _ = run_recipe(CARD, RECIPE, FakeEngine(4), tmp_path / "runs", uses=uses)
    seeded = replace(RECIPE, stages=(TEACHER, replace(STUDENT, seed=2)))
    two, _ = run_recipe(CARD, seeded, FakeEngine(6), tmp_path / "runs", uses=uses)
    paired = compare_runs(one, two)
    # wrong in the first: 0, 4, 8; in the second: 0, 6
    assert (paired.n, paired.both_wrong, paired.both_right) == (12, 1, 8)
    assert (paired.only_first, paired.only_second) == (("6",), ("4", "8"))
    assert paired.exact == (75.0, pytest.approx(100 * 10 / 12))
    same = compare_runs(one, one)
    assert (same.only_first, same.only_second, same.same_answer) == ((), (), 12)


def test_runs_on_other_questions_are_not_compared(tmp_path, uses):  # noqa: F811
    one, _ = run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)
    part = replace(RECIPE, evaluation=DataRef("set", "validation[:6]"))
    two, _ = run_recipe(CARD, part, FakeEngine(), tmp_path / "runs", uses=uses)
    with pytest.raises(RecordError, match="on the same questions only"):
        compare_runs(one, two)
    (one / "per_question.json").unlink()
    with pytest.raises(RecordError, match=r"has no per_question\.json"):
        compare_runs(one, one)


@pytest.fixture
def folder(tmp_path, uses):  # noqa: F811
    return run_recipe(CARD, RECIPE, FakeEngine(), tmp_path / "runs", uses=uses)[0]


@pytest.mark.parametrize("file", ["predictions.json", "per_question.json", RECORD])
def test_files_that_are_not_those_of_the_record(folder, file):
    data = json.loads((folder / file).read_text("utf-8"))
    change = {"predictions.json": data, "per_question.json": data.get("exact"), RECORD: data.get("scores")}[file]
    change[next(iter(change))] = "another answer" if file == "predictions.json" else 1.0
    (folder / file).write_text(json.dumps(data), "utf-8")
    with pytest.raises(RecordError, match="not those of its record"):
        compare_runs(folder, folder)


def test_an_unfinished_run_and_a_lone_record_are_refused(folder):
    with pytest.raises(RecordError, match=r"has no per_question\.json"):
        compare_runs(folder / RECORD, folder)
    save_run(folder, replace(load_run(folder), status="failed", evaluated=None))
    with pytest.raises(RecordError, match="must be finished"):
        compare_runs(folder, folder)
