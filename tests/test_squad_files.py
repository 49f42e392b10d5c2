"""Reading SQuAD JSON, and what is said about files that are not."""

from __future__ import annotations

import json
import os
import sys

import pytest

from harness.errors import DataError, MissingDependencyError
from harness.offsets import misplaced_answers
from harness.squad_files import read_squad_file
from harness.squad_json import parse_squad


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
        (b'{"a":' * 100_000, "nested too deeply"),
        (json.dumps(document()).encode()[:-20], ":1: not JSON"),
        (json.dumps(document(), indent=1).encode()[:-20], ":20: not JSON"),
        (json.dumps(document()).encode() + b"}", "not JSON (Extra data)"),
        (json.dumps(document(answers=[{"text": "Ada", "answer_start": float("nan")}])).encode(), "found nan, expected"),
        (json.dumps(document(answers=[{"text": "Ada", "answer_start": True}])).encode(), "found True, expected"),
        (json.dumps(document(answers=[{"text": None, "answer_start": 0}])).encode(), "text: found NoneType, expected"),
        (json.dumps(document(question="")).encode(), "the question of id '1' is empty"),
        (json.dumps(document(question="half \ud83d of it")).encode(), "character 5 is \\ud83d, half of a surrogate"),
        (json.dumps(document(id="\udc00")).encode(), "qas[0].id: character 0 is \\udc00"),
        (json.dumps(document()).replace("Ada wrote.", " ").encode(), "the context of id '1' is empty"),
        (b'{"data": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"56be4db0acb8001400a502ec": "Denver"}', "'data' is missing"),
        (b'{"data": NaN}', "data: found float, expected a list"),
        (b'{"data": [7]}', "data[0]: found int, expected an object with 'paragraphs'"),
        (b'{"data": [{"paragraphs": [{"qas": []}]}]}', "data[0].paragraphs[0]: 'context' is missing"),
        (json.dumps(document(answers=[{"text": "Ada", "answer_start": 0.0}])).encode(), "found 0.0, expected a whole"),
        (
            json.dumps(document(answers=[{"text": "Ada", "answer_start": 1e400}])).encode(),
            "found inf, expected a whole",
        ),
        (json.dumps(document()).encode("utf-16"), "byte 0 is not UTF-8"),
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


def test_files_that_cannot_be_opened(tmp_path, monkeypatch):
    file = tmp_path / "data.json"
    file.write_text(json.dumps(document()), "utf-8")
    for path, said in (
        (tmp_path / "none.json", "No such file"),
        (file / "inside", "Not a directory"),
        (tmp_path / ("x" * 5000), "File name too long"),
    ):
        with pytest.raises(DataError, match=rf"cannot be read \({said}.*\); expected a data set in SQuAD JSON"):
            read_squad_file(path)

    def forbid(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(file), "open", forbid)  # for a superuser no mode forbids it
    with pytest.raises(DataError, match=r"data.json: cannot be read \(Permission denied\); expected"):
        read_squad_file(file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(DataError, match=r"pipe\.json: is neither a file nor a folder"):
        read_squad_file(tmp_path / "pipe.json")


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_a_mark_before_the_text_and_line_ends_of_windows(tmp_path, start, newline):
    for name, content in (
        ("whole.json", json.dumps(document(), indent=1).encode()),
        ("rows.json", json.dumps([ROW], indent=1).encode()),
        ("lines.jsonl", json.dumps(ROW).encode() + b"\n" + json.dumps(ROW | {"id": "2"}).encode() + b"\n"),
        ("lines.json", json.dumps(ROW).encode() + b"\n"),
    ):
        file = tmp_path / name
        file.write_bytes(start + content.replace(b"\n", newline))
        question = read_squad_file(file)[0]
        assert (question.id, question.context, question.answers[0].text) == ("1", "Ada wrote.", "Ada")


def test_a_context_of_very_many_words(tmp_path):
    context = "Ada \u05de\u05d9 \u4e2d\u6587 \U0001f600 " * 12_500 + "Bo"
    file = tmp_path / "data.json"
    answers = [{"text": "Bo", "answer_start": len(context) - 2}]
    content = json.dumps(document(answers=answers)).replace("Ada wrote.", context)
    file.write_text(content, "utf-8")
    question = read_squad_file(file)[0]
    assert len(question.context.split()) == 50_001
    assert misplaced_answers([question]) == ()


def test_numbers_of_any_size_are_whole_and_misplaced(tmp_path):
    file = tmp_path / "data.json"
    answers = [{"text": "Ada", "answer_start": 10**30}]
    file.write_text(json.dumps(document(answers=answers)), "utf-8")
    questions = read_squad_file(file)
    assert misplaced_answers(questions) == questions


ROW = {"id": "1", "context": "Ada wrote.", "question": "Who?", "answers": {"text": ["Ada"], "answer_start": [0]}}


@pytest.mark.parametrize("name", ["data.jsonl", "data.json"])
def test_json_lines(tmp_path, name):
    file = tmp_path / name
    rows = [ROW, ROW | {"id": "2", "question": "Où ? \u05de\u05d9 \U0001f600"}]
    file.write_text("\ufeff" + "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    assert [(q.id, q.answers[0].text) for q in read_squad_file(file)] == [("1", "Ada"), ("2", "Ada")]


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"version": "x", "data": rows}])
def test_rows_in_one_json_document(tmp_path, wrap):
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(wrap([ROW, ROW | {"id": "2"}]), indent=1), "utf-8")
    assert [q.id for q in read_squad_file(file)] == ["1", "2"]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ('{"id": "2", "context', ":2: not JSON (Unterminated string"),
        (json.dumps(ROW), ":2: id '1' is used before"),
        (json.dumps({"id": "2"}), ":2: context, question, answers missing"),
        ("[" * 100_000, ":2: nested too deeply"),
        ("7", ":2: found int, expected a row"),
        (
            json.dumps(ROW | {"id": "2", "answers": {"text": ["Ada"], "answer_start": [None]}}),
            ":2: answers.answer_start",
        ),
        ('"\udcff"', ":2: byte 1 is not UTF-8"),
    ],
)
def test_malformed_lines_say_which(tmp_path, second, message):
    file = tmp_path / "data.jsonl"
    file.write_bytes((json.dumps(ROW) + "\n" + second + "\n").encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError) as caught:
        read_squad_file(file)
    assert f"{file}{message}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "\n", "\ufeff\r\n\r\n"])
def test_an_empty_file_of_lines(tmp_path, content):
    file = tmp_path / "data.jsonl"
    file.write_text(content, "utf-8")
    with pytest.raises(DataError, match="holds no question"):
        read_squad_file(file)


def test_empty_files_of_other_names(tmp_path):
    for name in ("data.json", "data", "data.txt"):
        (tmp_path / name).touch()
        with pytest.raises(DataError, match=f"{name}: the file is empty; expected a data set in SQuAD JSON"):
            read_squad_file(tmp_path / name)


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (None, "neither state.json nor dataset_dict.json"),
        ('{"splits": ["train", "test"]}', "has no split 'validation'; it has train, test"),
        ('{"splits": 3}', "has no split 'validation'; it has none"),
        ('{"splits": ["../secret"]}', "has no split 'validation'; it has ../secret"),
        ("[]", "it has none"),
        ("{", "dataset_dict.json:1: not JSON"),
    ],
)
def test_folders_that_nobody_saved(tmp_path, listed, message):
    if listed is not None:
        (tmp_path / "dataset_dict.json").write_text(listed, "utf-8")
    with pytest.raises(DataError) as caught:
        read_squad_file(tmp_path, "validation")
    assert message in str(caught.value)


def test_a_folder_of_splits_where_none_is_named(tmp_path):
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}', "utf-8")
    with pytest.raises(DataError, match="is of several splits, give the folder of one; it has train, test"):
        read_squad_file(tmp_path)


@pytest.mark.parametrize(
    "script", ["نص بالعربية", "כתב בעברית", "中文的文章", "日本語の文章", "한국어 글", "emoji 👩‍👩‍👧‍👦 🇩🇪", "e\u0301"]
)
def test_every_script_is_read_as_it_is(tmp_path, script):
    file = tmp_path / "data.json"
    answer = {"text": script[-4:], "answer_start": len(script) - 4}
    content = json.dumps(document(question=script, answers=[answer])).replace("Ada wrote.", script)
    file.write_text(content, "utf-8")
    question = read_squad_file(file)[0]
    assert (question.context, question.question, question.answers[0].text) == (script, script, script[-4:])


@pytest.mark.parametrize(("package", "make"), [("pyarrow", "parquet"), ("datasets", "folder")])
def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch, package, make):
    monkeypatch.setitem(sys.modules, package, None)
    path = tmp_path / "data.parquet"
    if make == "folder":
        path.mkdir()
        (path / "state.json").write_text("{}", "utf-8")
    else:
        path.write_bytes(b"PAR1")
    with pytest.raises(MissingDependencyError, match=f"needs the package {package}") as caught:
        read_squad_file(path)
    assert caught.value.command == f"pip install {package}"
