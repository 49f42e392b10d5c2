"""Files appear whole or not at all, and records are read back strictly."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness import store
from harness.errors import RecordError
from harness.records import Run, evidence_sha256, seal, to_json

RUN_FILE = Path(__file__).parent / "data" / "runs" / "finished.json"


@pytest.fixture
def run() -> Run:
    return store.load_run(RUN_FILE)


def test_a_failed_write_keeps_the_old_file(tmp_path):
    file = tmp_path / "a.json"
    store.write_json(file, {"x": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        store.write_json(file, {"x": float("nan")})
    assert json.loads(file.read_text("utf-8")) == {"x": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_write_into_an_unwritable_place_says_so(tmp_path):
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(RecordError, match="cannot be written"):
        store.write_text(tmp_path / "file" / "a.json", "x")


def test_unwritable_run_folder(tmp_path):
    (tmp_path / "runs").write_text("x", "utf-8")
    with pytest.raises(RecordError, match=r"cannot be written .* Give another with --runs"):
        store.make_folder(tmp_path / "runs" / "a")


def test_record_round_trip(tmp_path, run):
    saved = store.save_run(tmp_path, run)
    assert saved == replace(run, sha256=seal(run))
    assert store.load_run(tmp_path) == saved
    assert store.load_run(tmp_path / store.RECORD) == saved


def _leaves(value, path=()):
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, (*path, key))
    elif value is not None:
        yield path, value


def test_a_change_of_any_value_breaks_the_seal(tmp_path, run):
    store.save_run(tmp_path, run)
    file = tmp_path / store.RECORD
    written = json.loads(file.read_text("utf-8"))
    changed = 0
    for path, value in _leaves(written):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or path == ("schema",):
            continue
        data = json.loads(file.read_text("utf-8"))
        place = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value + 1
        other = tmp_path / "other.json"
        other.write_text(json.dumps(data), "utf-8")
        with pytest.raises(RecordError):
            store.load_run(other)
        changed += 1
    assert changed > 50
    data = json.loads(file.read_text("utf-8"))
    data["comparisons"][0]["verdict"] = "differs"
    other.write_text(json.dumps(data), "utf-8")
    with pytest.raises(RecordError, match="changed after it was written"):
        store.load_run(other)


def test_evidence_is_what_was_measured(run):
    later = replace(
        run,
        comparisons=(),
        card_path="elsewhere",
        card_sha256="1" * 64,
        started="2020-01-01T00:00:00",
        finished="2020-01-02T00:00:00",
        predict_seconds=99.0,
        stages=tuple(replace(stage, seconds=1.5) for stage in run.stages),
        environment=replace(run.environment, commit="0" * 40, dirty=True),
    )
    assert evidence_sha256(later) == evidence_sha256(run)
    assert seal(later) != seal(run)
    for other in (
        replace(run, scores={**run.scores, "f1": 1.0}),
        replace(run, predictions_sha256="0" * 64),
        replace(run, signature="data:other"),
        replace(run, stages=(replace(run.stages[0], weights_sha256="0" * 64), *run.stages[1:])),
    ):
        assert evidence_sha256(other) != evidence_sha256(run)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a JSON file"),
        ("[]", "found schema 'list'"),
        pytest.param("9" * 5000, "not a JSON file", id="digits"),
        pytest.param("[" * 100_000, "not a JSON file", id="nested"),
        ('{"schema": 99}', "found schema 99, expected a run record of schema 1"),
        ('{"schema": 1}', "is missing"),
    ],
)
def test_malformed_records(tmp_path, content, message):
    (tmp_path / store.RECORD).write_text(content, "utf-8")
    with pytest.raises(RecordError) as caught:
        store.load_run(tmp_path)
    assert message in str(caught.value)


def test_no_record(tmp_path):
    with pytest.raises(RecordError, match="no run record there"):
        store.load_run(tmp_path)


def test_newest_finished_run_of_a_card_first(tmp_path, run):
    for name, finished in (("old", "2026-01-01T00:00:00+00:00"), ("new", "2026-01-02T00:00:00+00:00")):
        store.save_run(tmp_path / name, replace(run, id=name, finished=finished))
    late = "2026-02-01T00:00:00+00:00"
    store.save_run(tmp_path / "failed", replace(run, id="failed", status="failed", finished=late))
    store.save_run(tmp_path / "other", replace(run, id="other", card_name="someone else"))
    store.write_json(tmp_path / "kept.json", to_json(replace(run, id="kept", finished="2026-01-03T00:00:00+00:00")))
    (tmp_path / "stray.json").write_text("{", "utf-8")
    found = [r.id for _, r in store.find_runs(run.card_name, [tmp_path, tmp_path / "none"])]
    assert found == ["kept", "new", "old"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs flock")
def test_one_process_at_a_time(tmp_path):
    with store.locked(tmp_path), pytest.raises(RecordError, match="another process"), store.locked(tmp_path):
        pass
    with store.locked(tmp_path):  # free again
        pass


def test_replace_folder_takes_the_place_of_an_old_one(tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    store.replace_folder(tmp_path / "new", tmp_path / "old")
    assert [p.name for p in (tmp_path / "old").iterdir()] == ["new"]


def test_text_that_utf_8_cannot_hold(tmp_path):
    store.write_json(tmp_path / "a.json", {"q": "\ud800 é"})
    assert store.read_json(tmp_path / "a.json") == {"q": "\ud800 é"}
    with pytest.raises(RecordError, match="cannot be written"):
        store.write_text(tmp_path / "a.md", "\ud800")
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_device_or_folder_is_never_replaced(tmp_path):
    for path in (Path(os.devnull), tmp_path):
        with pytest.raises(RecordError, match="not a regular file"):
            store.write_text(path, "x")
    assert not Path(os.devnull).is_file()
