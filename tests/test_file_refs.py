"""What a local data set is called in a signature."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.file_refs import file_ref
from harness.records import DataRef


@pytest.mark.parametrize(
    ("name", "questions", "ref"),
    [
        ("dev-v2.0.json", 11_873, "squad_v2:validation"),
        ("dev-v2.0.json", 11_872, "dev-v2.0"),
        ("train-v2.0.json", 130_319, "squad_v2:train"),
        ("dev-v1.1.json", 10_570, "squad:validation"),
        ("dev-v1.1.json", 11_873, "dev-v1.1"),
        ("train-v1.1.json", 87_599, "squad:train"),
        ("dev-v2.0.jsonl", 11_873, "dev-v2.0"),
        ("my-dev-v2.0.json", 11_873, "my-dev-v2.0"),
        ("squad_v2.json", 11_873, "squad_v2"),  # names no split
        ("mini.json", 11_873, "mini"),
        ("squad_v2:validation[:100]", 11_873, "squad_v2:validation[:100]"),
        ("squad_v2:validation[:100]", 100, "squad_v2:validation[:100]"),
        ("noend", 3, "noend"),
        (".hidden", 3, ".hidden"),
    ],
)
def test_names(tmp_path, name, questions, ref):
    found = file_ref(tmp_path / name, range(questions))
    assert str(found) == ref
    assert bool(found.split) == (ref in {"squad_v2:validation", "squad_v2:train", "squad:validation", "squad:train"})


def test_a_folder_keeps_its_whole_name(tmp_path):
    (tmp_path / "xquad.en").mkdir()
    assert file_ref(tmp_path / "xquad.en", range(3)) == DataRef("xquad.en", "")


@pytest.mark.parametrize("path", [".", "..", "a/..", "../set.d/."])
def test_a_relative_path_has_the_name_of_its_folder(tmp_path, monkeypatch, path):
    (tmp_path / "set.d" / "a").mkdir(parents=True)
    place = tmp_path / "set.d"
    monkeypatch.chdir(place / "a" if path == ".." else place)
    assert file_ref(Path(path), range(3)) == DataRef("set.d", "")


def test_a_link_is_called_what_its_owner_calls_it(tmp_path):
    (tmp_path / "0f3a").write_text("", "utf-8")
    (tmp_path / "dev-v2.0.json").symlink_to(tmp_path / "0f3a")
    assert str(file_ref(tmp_path / "dev-v2.0.json", range(11_873))) == "squad_v2:validation"
