"""Plain text as training data."""

from __future__ import annotations

import gc
import json
import tracemalloc

import pytest

from harness.data import checksum, load_data, load_training_data
from harness.errors import DataError
from harness.records import DataRef, Question
from harness.squad_files import read_squad_file, read_training_file
from harness.text_lines import TextLines, is_text


def write(path, content: bytes):
    path.write_bytes(content)
    return path


def test_a_line_is_a_context_of_which_nothing_is_asked(tmp_path):
    lines = TextLines.open(
        write(tmp_path / "a.txt", b"\xef\xbb\xbfOne line.\r\n\n \t\n  two \xe4\xb8\xad\x0blines\nlast")
    )
    assert [(q.id, q.context) for q in lines] == [("L1", "One line."), ("L4", "  two 中\x0blines"), ("L5", "last")]
    assert lines[1] == Question("L4", "L4", "  two 中\x0blines", "", (), kind="text")
    assert (len(lines), lines[-1].context) == (3, "last")
    with pytest.raises(IndexError):
        lines[3]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_the_last_line_may_end_or_not(tmp_path, end):
    lines = TextLines.open(write(tmp_path / "a.txt", b"a\nb" + end))
    assert [q.context for q in lines] == ["a", "b"]


def test_a_slice_is_a_view(tmp_path):
    lines = TextLines.open(write(tmp_path / "a.txt", b"".join(b"%d\n" % i for i in range(20))))
    view = lines[5:15]
    assert isinstance(view, TextLines)
    assert [q.context for q in view[2:4]] == ["7", "8"]
    assert [q.id for q in view[::-5]] == ["L15", "L10"]
    assert checksum(view) == checksum(tuple(lines)[5:15])


def test_a_folder_counts_as_one_text_in_the_order_of_names(tmp_path):
    write(tmp_path / "b.txt", b"three\nfour\n")
    write(tmp_path / "a.txt", b"one\n\ntwo")
    write(tmp_path / "c.txt", b"")
    write(tmp_path / "d.txt", b"five\n")
    write(tmp_path / "notes.md", b"other\n")
    lines = read_training_file(tmp_path)
    assert [(q.id, q.context) for q in lines] == [
        ("L1", "one"),
        ("L3", "two"),
        ("L4", "three"),
        ("L5", "four"),
        ("L6", "five"),
    ]


def test_what_is_no_utf8_is_named(tmp_path):
    write(tmp_path / "a.txt", b"fine\n")
    bad = write(tmp_path / "b.txt", b"fine\nab\xff\n")
    with pytest.raises(DataError) as caught:
        TextLines.open(tmp_path)
    assert f"{bad}:2: byte 2 of the line is not UTF-8" in str(caught.value)


@pytest.mark.parametrize("content", [b"\n \n", b"\xef\xbb\xbf\n"])
def test_a_text_without_text(tmp_path, content):
    with pytest.raises(DataError, match="holds no text, expected at least one line"):
        read_training_file(write(tmp_path / "a.txt", content))


def test_a_text_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        TextLines.open(tmp_path / "a.txt")
    with pytest.raises(DataError, match="cannot be read"):
        read_training_file(tmp_path / "a.txt")


def test_text_is_told_from_json_of_the_same_name(tmp_path):
    row = {"id": "1", "context": "c d", "question": "q", "answers": {"text": ["c"], "answer_start": [0]}}
    for content in (json.dumps(row), json.dumps([row], indent=1), json.dumps({"data": [row]}, indent=1)):
        file = write(tmp_path / "a.txt", content.encode())
        assert not is_text(read_training_file(file))
        assert read_squad_file(file)[0].id == "1"
    for content in ("[1] A footnote.", "{curly} text", "x"):
        assert is_text(read_training_file(write(tmp_path / "a.txt", content.encode())))


def test_text_is_no_data_to_score(tmp_path):
    with pytest.raises(DataError, match="found plain text, of which nothing is asked; expected a data set"):
        read_squad_file(write(tmp_path / "a.txt", b"a line\n"))


def test_text_by_reference(tmp_path):
    uses = {"the_pile": write(tmp_path / "corpus.txt", b"".join(b"line %d\n" % i for i in range(10)))}
    questions, used = load_training_data(DataRef.parse("the_pile:train[2:5]"), uses)
    assert [q.context for q in questions] == ["line 2", "line 3", "line 4"]
    assert (used.n, used.has_ans, used.source, used.whole) == (3, 0, "corpus.txt", 10)
    assert used.sha256 == checksum(tuple(questions))
    with pytest.raises(DataError, match=r"the_pile:train: found plain text.*distil_hidden"):
        load_data(DataRef.parse("the_pile:train"), uses)


def test_memory_does_not_grow_with_the_text(tmp_path):
    line = b"word " * 400 + b"\n"
    file = tmp_path / "large.txt"
    with file.open("wb") as opened:
        for _ in range(5_000):
            opened.write(line)
    assert file.stat().st_size > 10_000_000
    tracemalloc.start()
    try:
        questions, used = load_training_data(DataRef("x", "train"), {"x": file})
        questions = questions[100:]
        gc.collect()
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (used.n, len(questions)) == (5_000, 4_900)
    assert held < 500_000
    assert peak < 1_000_000
