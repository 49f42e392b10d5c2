"""References to questions: slices, local files, checksums, and what is missing."""

from __future__ import annotations

import json

import pytest

from harness.data import checksum, data_warnings, describe, load_data
from harness.errors import DataError
from harness.records import DataRef, DataUsed


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
        ("validation[10%:20%]", 1, 1),
        ("validation[-25%:]", 8, 2),
        ("validation[:-1]", 0, 9),
        ("validation[:100%]", 0, 10),
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
        ("validation[:101%]", "a percentage beyond 100"),
        ("validation[50%:20%]", "the slice is empty"),
        ("validation[:1%]", "the slice is empty"),
        ("train+validation", "is not of the form"),
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


def used(ref, n, has_ans, sha256="0" * 64, source="a.json"):
    return DataUsed(DataRef.parse(ref), n, has_ans, sha256, source)


@pytest.mark.parametrize(
    "fine",
    [
        used("squad_v2:validation", 11_873, 5_928),
        used("rajpurkar/squad_v2:squad_v2:validation", 11_873, 5_928),
        used("squad_v2:validation[8697:]", 3_176, 1_632),
        used("squad_v2:validation[:75%]", 8_905, 3),  # 8904.75; how many are answerable is not known
        used("squad:validation[:10%]", 1_057, 1_057),
        used("someone/qa:test", 3, 1),
        used("xquad:en:validation", 1_190, 1_190, source="google/xquad@0"),
        used("xquad:en:validation[:10]", 10, 10),  # the checksum is of the whole
        used("mlqa:mlqa.de.en:dev", 512, 512),
        used("squad_adversarial:AddOneSent", 1_787, 1_787),
        used("pocket:train", 3, 1, source="embedded"),
        used("squad:other:validation", 3, 3),
    ],
    ids=lambda data: str(data.ref),
)
def test_data_as_it_is_known(fine):
    assert data_warnings(fine) == ()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (used("squad_v2:validation", 11_872, 5_928), "a.json has 11872 questions, expected 11873"),
        (used("squad_v2:validation", 11_873, 5_927), "a.json has 5927 answerable questions, expected 5928"),
        (used("squad:validation[:10%]", 1_058, 1_058), "a.json has 1058 questions in this slice, expected 1057"),
        (
            used("squad:validation[:10%]", 1_057, 1_000),
            "a.json has 1000 answerable questions in this slice, expected 1057",
        ),
        (
            used("squad:validation[:20000]", 20_000, 20_000),
            "a.json has more than the 10570 questions that this split has",
        ),
        (
            used("squad_v2:validation", 3, 2, source="rajpurkar/squad_v2@0"),
            "the copy on the Hub has 3 questions, expected 11873",
        ),
        (
            used("adversarial_qa:adversarialQA:test", 3_000, 0),
            "none of its 3000 questions has a reference answer; its publisher withholds them",
        ),
        (
            used("squad_v2:validation[3:5]", 2, 0),
            "none of its 2 questions has a reference answer; each counts as unanswerable",
        ),
        (used("someone/qa:test", 1, 0), "none of its 1 questions has a reference answer; each counts as unanswerable"),
        *(
            (
                used(f"xquad:{config}:validation", 1_190, 1_190),
                "a.json differs from the published file in ids, texts, offsets or order",
            )
            for config in ("xquad.en", "en")
        ),
        (used("mlqa:de-en:test", 4_518, 4_518), "a.json has 4518 questions, expected 4517"),
    ],
    ids=lambda value: str(value.ref) if isinstance(value, DataUsed) else "",
)
def test_data_that_is_not_what_is_known(other, said):
    warnings = data_warnings(other)
    assert warnings == (f"{other.ref}: {said}",)


def test_two_things_may_be_wrong_at_once():
    other = used("adversarial_qa:dbert:test[:50%]", 3, 0)
    assert data_warnings(other) == (
        "adversarial_qa:dbert:test[:50%]: a.json has 3 questions in this slice, expected 500",
        "adversarial_qa:dbert:test[:50%]: none of its 3 questions has a reference answer; its publisher withholds them",
    )


@pytest.mark.parametrize(
    ("ref", "file"),
    [
        ("squad:validation", "squad/dev-v1.1.json"),
        ("squad_v2:validation", "squad/dev-v2.0.json"),
        *((f"xquad:xquad.{language}:validation", f"xquad/xquad.{language}.json") for language in ("ar", "en", "zh")),
        *((f"squadshifts:{name}:test", f"squadshifts/{name}.json") for name in ("amazon", "new_wiki")),
    ],
)
def test_published_files_are_what_is_known(shared, ref, file):
    data = DataRef.parse(ref)
    assert data_warnings(load_data(data, {data.name: shared / "data" / file})[1]) == ()


def test_text_need_not_have_answers():
    text = used("the_pile:train", 3, 0, source="corpus.txt")
    assert data_warnings(text, labelled=False) == ()
    squad = used("squad_v2:train", 3, 0, source="corpus.txt")
    assert data_warnings(squad, labelled=False) == ("squad_v2:train: corpus.txt has 3 questions, expected 130319",)
