"""The machine and software that a record names."""

from __future__ import annotations

import platform
import subprocess

import pytest

from harness.environment import capture_environment


def git(folder, *arguments):
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_outside_a_checkout_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    environment = capture_environment(tmp_path)
    assert (environment.commit, environment.dirty) == (None, None)
    assert environment.python == platform.python_version()
    assert "numpy" in environment.packages


def test_commit_and_state_of_a_checkout(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "a").write_text("1", "utf-8")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "one")
    environment = capture_environment(tmp_path)
    assert (environment.commit, environment.dirty) == (git(tmp_path, "rev-parse", "HEAD"), False)
    (tmp_path / "a").write_text("2", "utf-8")
    assert capture_environment(tmp_path).dirty is True


@pytest.mark.parametrize(("asked", "threads"), [("3", 3), ("", None), ("0", None), ("many", None)])
def test_threads(tmp_path, monkeypatch, asked, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    found = capture_environment(tmp_path).threads
    assert found == threads if threads else found >= 1
