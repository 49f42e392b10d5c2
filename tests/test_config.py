"""Settings of a project, from its pyproject.toml."""

from __future__ import annotations

import pytest

from harness.config import read_config
from harness.errors import RecordError


def test_without_settings_runs_lie_in_the_folder(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n", "utf-8")
    assert read_config(tmp_path / "a").runs == tmp_path / "a" / "runs"


def test_the_nearest_settings_upwards_count_from_their_own_folder(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.harness]\nruns = 'kept/runs'\n", "utf-8")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (below / "pyproject.toml").write_text("[tool.other]\n", "utf-8")
    assert read_config(below).runs == tmp_path / "kept" / "runs"
    (below / "pyproject.toml").write_text("[tool.harness]\n", "utf-8")
    assert read_config(below).runs == below / "runs"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.harness", "cannot be read"),
        ("[tool.harness]\nrun = 'x'", "unknown key 'run'; known: runs"),
        ("[tool.harness]\nruns = 3", "runs is 3, expected the path of a folder"),
        ("[tool.harness]\nruns = ''", "expected the path of a folder"),
        ("[tool]\nharness = 'runs'", "expected a table"),
        ("\xff", "cannot be read"),
    ],
)
def test_malformed_settings(tmp_path, text, message):
    (tmp_path / "pyproject.toml").write_text(text, "latin-1")
    with pytest.raises(RecordError, match=r"pyproject\.toml") as caught:
        read_config(tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[tool.harness]\nruns = "a\\u0000b"', "expected the path of a folder"),
        pytest.param("a = " + "[" * 100_000, "nested too deeply", id="nested"),
        pytest.param("a = " + "9" * 10_000, "cannot be read", id="digits"),
        pytest.param("#" * 2_000_000, "larger than", id="large"),
    ],
)
def test_hostile_settings_are_refused_with_their_file(tmp_path, text, message):
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    with pytest.raises(RecordError, match=r"pyproject\.toml") as caught:
        read_config(tmp_path)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 1_000
