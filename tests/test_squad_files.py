"""Reading SQuAD JSON, and what is said about files that are not."""

from __future__ import annotations

import json

import pytest

from harness.errors import DataError
from harness.squad_files import parse_squad, read_squad_file


def document(**qa):
    entry = {"id": "1", "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}]} | qa
    return {"version": "v2.0", "data": [{"title": "T", "paragraphs": [{"context": "Ada wrote.", "qas": [entry]}]}]}


def test_reads_questions_in_order(tmp_path):
    file = tmp_path / "data.json"
    content = document(kind="who", is_impossible=False)
    content["data"].append(
        {
            "title": "U",
            "paragraphs": [
                {"context": "c", "qas": [{"id": "2", "question": "Q", "answers": [], "is_impossible": True}]}
            ],
        }
    )
    file.write_text(json.dumps(content), "utf-8")
    first, second = read_squad_file(file)
    assert (first.id, first.answers[0].text, first.kind, first.passage_id) == ("1", "Ada", "who", "0:0")
    assert (second.id, second.answers, second.impossible, second.passage_id) == ("2", (), True, "1:0")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"{", ":1: not JSON"),
        (b"[]", "found list, expected an object with 'data'"),
        (b'{"data": {}}', "data: found dict, expected a list"),
        (b'{"data": []}', "holds no question"),
        (b"\xff\xfe", "not UTF-8"),
        (json.dumps(document(answers="x")).encode(), "answers: found str, expected a list"),
        (json.dumps(document(answers=[{"text": "Ada"}])).encode(), "'answer_start' is missing"),
        (json.dumps(document(answers=[{"text": "Ada", "answer_start": "0"}])).encode(), "expected a whole number"),
        (json.dumps(document(id=7)).encode(), "qas[0].id: found int, expected text"),
        (json.dumps(document(is_impossible="no")).encode(), "expected true or false"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_malformed_files_say_where(tmp_path, content, message):
    file = tmp_path / "data.json"
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_squad_file(file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_repeated_id():
    content = document()
    content["data"].append(content["data"][0])
    with pytest.raises(DataError, match="id '1' is used before"):
        parse_squad(content, "here")


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_squad_file(tmp_path / "none.json")
