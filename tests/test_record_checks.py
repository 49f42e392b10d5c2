"""Records that contradict themselves are refused, and those that are merely odd are not."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main
from harness.errors import RecordError
from harness.record_checks import check_record, instant
from harness.records import Bounds, Run
from harness.store import find_runs, load_run, save_run

RUN_FILE = Path(__file__).parent / "data" / "runs" / "finished.json"
NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
PARTIAL = Bounds("m", 0.05, 1, 40, 400, {"exact": 60.0}, {"exact": 80.0}, decided=True)


@pytest.fixture
def run() -> Run:
    return load_run(RUN_FILE)


def scored(run, **scores):
    return replace(run, scores={key: value for key, value in {**run.scores, **scores}.items() if value is not None})


def counted(run, **fields):
    return replace(run, evaluated=replace(run.evaluated, **fields))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda run: replace(run, id=" "), "id: found ' ', expected a name"),
        (lambda run: replace(run, finished=None), "finished: found None, expected a date-time"),
        (lambda run: replace(run, finished="zzzz"), "finished: found 'zzzz', expected a date-time such as"),
        (lambda run: replace(run, finished="2026-06-02T00:00:01+00:00"), "expected no time after the present, 2026-06"),
        (lambda run: replace(run, finished="9999-12-31T23:59:59-14:00"), "expected no time after the present"),
        (lambda run: replace(run, started=""), "started: found ''"),
        (lambda run: counted(run, n=0, has_ans=0), "evaluated.n: found 0"),
        (lambda run: counted(run, has_ans=401), "evaluated.has_ans: found 401, expected 0 to 400"),
        (lambda run: counted(run, has_ans=-1), "evaluated.has_ans: found -1"),
        (lambda run: counted(run, whole=399), "evaluated.whole: found 399, expected 400 or more"),
        (lambda run: scored(run, exact=100.1), "scores.exact: found 100.1, expected 0 to 100 points"),
        (lambda run: scored(run, f1=-0.1), "scores.f1: found -0.1"),
        (lambda run: scored(run, exact_match=250.0), "scores.exact_match: found 250.0"),
        (lambda run: scored(run, NoAns_f1=101.0), "scores.NoAns_f1: found 101.0"),
        (lambda run: scored(run, total=401.0), "scores.total: found 401.0, expected 400"),
        (lambda run: scored(run, HasAns_total=199.0), "scores.HasAns_total: found 199.0, expected 200"),
        (lambda run: scored(run, total=None), "scores.total: found None, expected 400"),
        (lambda run: replace(run, best={"best_f1": 101.0}), "best.best_f1: found 101.0"),
        (lambda run: replace(run, by_kind={"who": {"exact": 50.0}}), "by_kind.who: found ['exact'], expected also f1"),
        (lambda run: replace(run, bounds=replace(PARTIAL, used=0)), "bounds.used: found 0, expected 1 to 400"),
        (lambda run: replace(run, bounds=replace(PARTIAL, used=401)), "bounds.used: found 401"),
        (lambda run: replace(run, bounds=replace(PARTIAL, n=399)), "bounds.n: found 399, expected 400"),
        (lambda run: replace(run, bounds=replace(PARTIAL, low={"exact": 81.0})), "bounds.low.exact: found 81.0"),
        (lambda run: replace(run, bounds=replace(PARTIAL, high={"exact": 101.0})), "that at most 100 points"),
        (lambda run: replace(run, bounds=replace(PARTIAL, high={"f1": 80.0})), "bounds.high: found ['f1']"),
        (lambda run: replace(run, bounds=PARTIAL), "scores.total: found 400.0, expected 40"),
    ],
)
def test_a_contradiction_is_refused_with_its_field(run, change, message):
    with pytest.raises(RecordError) as caught:
        check_record(change(run), "runs/a/record.json", NOW)
    assert str(caught.value).startswith("runs/a/record.json: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda run: run,
        lambda run: replace(run, status="running", finished=None, evaluated=None, scores={}, best={}),
        lambda run: replace(run, scores={"exact_match": 71.5, "f1": 73.5}),
        lambda run: replace(run, scores={"exact": 0.0, "f1": 100.0}),
        lambda run: replace(run, best={"best_exact": 72.0, "best_exact_thresh": -4.5}),
        lambda run: replace(run, finished="2026-06-01T23:59:59"),
        lambda run: replace(
            scored(run, total=40.0, HasAns_total=15.0, NoAns_total=25.0),
            bounds=PARTIAL,
        ),
        lambda run: replace(run, bounds=replace(PARTIAL, used=400)),
    ],
)
def test_what_runs_leave_behind_is_taken(run, change):
    check_record(change(run), "a", NOW)


def test_records_are_ordered_by_time_not_by_text(tmp_path, run):
    for name, finished in (
        ("east", "2026-01-02T08:00:00+09:00"),
        ("utc", "2026-01-02T00:00:00Z"),
        ("day", "20260101T22"),
    ):
        save_run(tmp_path / name, replace(run, id=name, finished=finished))
    assert [r.id for _, r in find_runs(run.card_name, [tmp_path])] == ["utc", "east", "day"]
    assert instant("2026-01-02T08:00:00") == instant("2026-01-02T08:00:00+00:00")


def test_a_record_of_no_time_outranks_nothing(tmp_path, run):
    save_run(tmp_path / "a", replace(run, finished="zzzz"))
    with pytest.raises(RecordError, match="finished: found 'zzzz'"):
        find_runs(run.card_name, [tmp_path])


def test_a_key_twice_is_refused(tmp_path):
    text = RUN_FILE.read_text("utf-8")
    file = tmp_path / "a.json"
    file.write_text(text.replace('"exact": 71.5,', '"exact": 71.5, "exact": 99.0,', 1), "utf-8")
    assert json.loads(file.read_text("utf-8")) != json.loads(text)
    with pytest.raises(RecordError, match=r"a\.json: found the key 'exact' twice"):
        load_run(file)


def test_a_report_of_an_odd_record_is_refused_in_a_line(tmp_path, run, capsys):
    save_run(tmp_path, scored(run, total=0.0))
    assert main(["report", str(tmp_path)]) == 2
    assert "scores.total: found 0.0, expected 400" in capsys.readouterr().err
