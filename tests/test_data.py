"""References to questions: slices, local files, checksums, and what is missing."""

from __future__ import annotations

import json

import pytest

from harness.data import checksum, describe, load_data, questions_from_rows
from harness.errors import DataError
from harness.records import DataRef


@pytest.fixture
def ten(tmp_path):
    qas = [{"id": str(i), "question": f"q{i}", "answers": [{"text": "c", "answer_start": 0}]} for i in range(10)]
    file = tmp_path / "ten.json"
    file.write_text(json.dumps({"data": [{"paragraphs": [{"context": "c", "qas": qas}]}]}), "utf-8")
    return file


@pytest.mark.parametrize(
    ("split", "first", "n"),
    [
        ("validation", 0, 10),
        ("validation[:3]", 0, 3),
        ("validation[7:]", 7, 3),
        ("validation[2:5]", 2, 3),
        ("validation[-2:]", 8, 2),
        ("validation[:25%]", 0, 2),  # `datasets` rounds 2.5 to the even neighbour
        ("validation[75%:]", 8, 2),
    ],
)
def test_slices(ten, split, first, n):
    questions, used = load_data(DataRef("squad_v2", split), {"squad_v2": ten})
    assert [q.id for q in questions] == [str(i) for i in range(first, first + n)]
    assert (used.n, used.has_ans, used.source) == (n, n, "ten.json")


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("validation[5:5]", "the slice is empty"),
        ("validation[:11]", "reaches beyond the 10 questions"),
        ("validation[a:]", "is not of the form"),
        ("validation[:" + "9" * 5000 + "]", "is not of the form"),
        ("validation[2:50%]", "mixes a percentage with a count"),  # `datasets` takes both for percentages
        ("", "is not of the form"),
    ],
)
def test_impossible_slices(ten, split, message):
    with pytest.raises(DataError, match=message):
        load_data(DataRef("squad_v2", split), {"squad_v2": ten})


def test_a_file_stands_for_any_spelling_of_the_data_set(ten):
    for name in ("squad_v2", "rajpurkar/squad_v2"):
        assert load_data(DataRef(name, "validation"), {"rajpurkar/squad_v2": ten})[1].n == 10


def test_a_config_of_its_own_wins(ten, tmp_path):
    other = tmp_path / "other.json"
    other.write_text(ten.read_text("utf-8").replace('"q0"', '"other q0"'), "utf-8")
    uses = {"squadshifts": ten, "squadshifts:amazon": other}
    assert load_data(DataRef("squadshifts", "test", "amazon"), uses)[0][0].question == "other q0"
    assert load_data(DataRef("squadshifts", "test", "new_wiki"), uses)[0][0].question == "q0"


def test_checksum_is_of_the_content(ten, tmp_path):
    questions, used = load_data(DataRef("squad_v2", "validation"), {"squad_v2": ten})
    spaced = tmp_path / "spaced.json"
    spaced.write_text(json.dumps(json.loads(ten.read_text("utf-8")), indent=3), "utf-8")
    assert load_data(DataRef("x", "validation"), {"x": spaced})[1].sha256 == used.sha256
    assert checksum(questions[::-1]) != used.sha256
    assert describe(DataRef("x", "y"), questions[:4], "s").n == 4


def test_embedded_data_has_two_splits():
    questions, used = load_data(DataRef("pocket", "validation[:5]"), {})
    assert (len(questions), used.source) == (5, "embedded")
    with pytest.raises(DataError, match="splits train and validation"):
        load_data(DataRef("pocket", "test"), {})


def test_known_counts_of_the_reference_data(shared):
    ref = DataRef("squad_v2", "validation")
    used = load_data(ref, {"squad_v2": shared / "data" / "squad" / "dev-v2.0.json"})[1]
    assert (used.n, used.has_ans) == (11873, 5928)
    used = load_data(DataRef("squad_v2", "validation[8697:]"), {"squad_v2": shared / "data/squad/dev-v2.0.json"})[1]
    assert (used.n, used.has_ans) == (3176, 1632)


@pytest.mark.torch
def test_a_data_set_that_is_not_at_hand_says_what_to_do(monkeypatch):
    pytest.importorskip("datasets")
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"--use nobody/nothing:train=PATH"):
        load_data(DataRef("nobody/nothing", "train"), {})


ROW = {"id": "a", "context": "c d", "question": "?", "answers": {"text": ["c"], "answer_start": [0]}}


def test_rows_of_the_hub():
    rows = [ROW, ROW | {"id": "b", "answers": {"text": [], "answer_start": []}}, ROW | {"id": "c", "context": "e"}]
    questions = questions_from_rows(rows, "x")
    assert [(q.id, q.passage_id, q.impossible, len(q.answers)) for q in questions] == [
        ("a", "0", False, 1),
        ("b", "0", True, 0),
        ("c", "1", False, 1),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"answers": "c"},
        {"answers": ["c"]},
        {"answers": {"text": ["c"]}},
        {"answers": {"text": ["c"], "answer_start": []}},
        {"answers": {"text": [1], "answer_start": [0]}},
        {"answers": None},
        {"id": 7},
        {"context": None},
        {"id": "before"},
    ],
)
def test_malformed_rows_of_the_hub(change):
    with pytest.raises(DataError, match=r"^x: row 1: "):
        questions_from_rows([ROW | {"id": "before"}, ROW | change], "x")
