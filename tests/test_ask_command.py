"""``harness ask``: what it refuses before any model is loaded."""

from __future__ import annotations

import pytest

from harness.cli import main

ASK = ["--question", "Who?", "--context", "Ada Merk built it."]


def refused(capsys, *arguments):
    assert main(["ask", *map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.mark.parametrize("context", ["", " \n\t"])
def test_a_context_without_text_is_refused(context, tmp_path, capsys):
    assert "--context: found no text" in refused(capsys, tmp_path, "-q", "Who?", "-c", context)
    file = tmp_path / "context.txt"
    file.write_text(context, "utf-8")
    assert f"{file}: found no text" in refused(capsys, tmp_path, "-q", "Who?", "--context-file", file)


def test_a_question_without_text_is_refused(tmp_path, capsys):
    assert "--question: found no text" in refused(capsys, tmp_path, "-q", " ", "-c", "Ada Merk built it.")


def test_a_context_file_that_is_no_text_is_refused(tmp_path, capsys):
    file = tmp_path / "context.txt"
    file.write_bytes(b"Ada \xff Merk")
    assert "found byte 0xff at 4" in refused(capsys, tmp_path, "-q", "Who?", "--context-file", file)
    missing = tmp_path / "missing.txt"
    assert f"{missing}: cannot be used" in refused(capsys, tmp_path, "-q", "Who?", "--context-file", missing)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], "give --question"),
        (["-q", "Who?"], "give --question"),
        (["-c", "Ada Merk"], "give --question"),
        ([*ASK, "--context-file", "x"], "give --question"),
        ([*ASK, "--strict"], "--strict is for --card"),
        (["-q", "Who?", "--card", "x"], "leave out --question"),
        (["-c", "Ada", "--card", "x"], "leave out --question"),
        (["--context-file", "x", "--card", "x"], "leave out --question"),
        (["--top-k", "2", "--card", "x"], "leave out --question"),
    ],
)
def test_options_that_do_not_go_together(options, reason, tmp_path, capsys):
    assert reason in refused(capsys, tmp_path, *options)


@pytest.mark.parametrize("model", ["nowhere/at/all", "./nowhere", "../nowhere", "/nowhere", "~/nowhere", "no where"])
def test_a_folder_that_is_not_there(model, capsys):
    assert f"{model}: found no such folder" in refused(capsys, model, *ASK)


def test_a_file_or_an_empty_folder_is_no_model(tmp_path, capsys):
    file = tmp_path / "model"
    file.write_text("", "utf-8")
    assert "found no such folder" in refused(capsys, file, *ASK)
    assert f"{tmp_path}: has no config.json" in refused(capsys, tmp_path, *ASK)


def test_an_id_that_the_hub_does_not_give(monkeypatch, capsys):
    asked = []

    def fetch(name, revision=None, **options):
        asked.append((name, revision))
        raise OSError("offline")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    err = refused(capsys, "owner/reader@v1", *ASK)
    assert "owner/reader@v1: found no such folder here, and the Hub does not give it (OSError)" in err
    assert "--use" not in err
    assert asked == [("owner/reader", "v1")]


def test_what_the_hub_gives_is_checked(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **options: str(tmp_path))
    assert f"{tmp_path}: has no config.json" in refused(capsys, "owner/reader", *ASK)


def test_a_card_without_an_example_is_refused(tmp_path, capsys):
    card = tmp_path / "card.md"
    card.write_text(
        "---\nlicense: mit\n---\n\n# reader\n\n```python\nqa(question='Who?', context='Ada')\n```\n", "utf-8"
    )
    assert f"{card}: found no usage example" in refused(capsys, tmp_path, "--card", card)
