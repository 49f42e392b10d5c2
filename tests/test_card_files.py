"""Which cards a path means."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.card_files import CardFile, Unread, find_cards, model_cards
from harness.errors import CardError

FRONT = "---\nlicense: mit\n---\n# x\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place, text in {
        "top/b/README.md": FRONT,
        "top/b/runs/card.md": FRONT,
        "top/b/notes.md": "# No front matter\n",
        "top/b/data.json": FRONT,
        "top/a/readme.MD": "# A model\n",
        "top/a/Second.md": "\ufeff\n<!-- a comment\nof two lines -->\n---\r\nlicense: mit\r\n---\r\n",
        "top/a/first.md": FRONT,
        "top/a/rule.md": "----\n# x\n",
        "top/.hidden/README.md": FRONT,
        "top/README.md": FRONT,
        "other/empty/notes.md": "# x\n",
    }.items():
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Path(place).write_text(text, "utf-8")
    return tmp_path


def found(*paths):
    return [str(item.path) for item in find_cards([Path(path) for path in paths])]


def test_a_folder_is_searched_in_one_order(folder):
    expected = ["README.md", "a/readme.MD", "a/Second.md", "a/first.md", "b/README.md", "b/runs/card.md"]
    assert found("top") == [f"top/{place}" for place in expected]


def test_files_are_cards_whatever_their_name_and_paths_keep_their_order(folder):
    assert found("top/b/notes.md", "top/b/data.json", "top/a/first.md") == [
        "top/b/notes.md",
        "top/b/data.json",
        "top/a/first.md",
    ]


def test_a_card_is_read_once(folder):
    assert found("top/b", "top/b/README.md", "./top/b/../b") == ["top/b/README.md", "top/b/runs/card.md"]


def test_a_hidden_folder_can_be_named(folder):
    assert found("top/.hidden") == ["top/.hidden/README.md"]


def test_a_folder_without_cards_is_said(folder):
    (item,) = find_cards([Path("other")])
    assert isinstance(item, Unread)
    assert item.message.startswith("other: found no card in the folder, expected ")


def test_a_link_to_a_folder_above_ends(folder):
    Path("top/b/loop").symlink_to(folder / "top")
    Path("top/b/linked.md").symlink_to(folder / "top" / "a" / "first.md")
    assert found("top/b") == ["top/b/README.md", "top/b/linked.md", "top/b/runs/card.md"]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are files on this system only")
def test_a_pipe_in_a_folder_is_left_alone(folder):
    os.mkfifo("top/a/pipe.md")
    assert "top/a/pipe.md" not in found("top/a")


def test_what_is_not_there_fails_when_it_is_read(folder):
    for path in ("nothing.md", "a" * 5000):
        (item,) = find_cards([Path(path)])
        assert isinstance(item, CardFile)
        with pytest.raises(CardError) as caught:
            item.read()
        assert "\n" not in str(caught.value)
        assert caught.value.path == path


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes and links")
def test_what_has_a_cards_name_and_is_no_file_is_said(tmp_path):
    for name in ("link", "pipe", "device", "folder", "good"):
        (tmp_path / name).mkdir()
    (tmp_path / "link" / "README.md").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe" / "README.md")
    (tmp_path / "device" / "readme.md").symlink_to("/dev/zero")
    (tmp_path / "folder" / "README.md").mkdir()
    (tmp_path / "good" / "README.md").write_text(FRONT, "utf-8")
    for find in (find_cards, model_cards):
        items = list(find([tmp_path]))
        assert [Path(item.path).parent.name for item in items if isinstance(item, CardFile)] == ["good"]
        unread = [item for item in items if isinstance(item, Unread)]
        assert sorted(Path(item.path).parent.name for item in unread) == ["device", "folder", "link", "pipe"]
        assert all("found no regular file under a card's name" in item.message for item in unread)
