"""Variants of contexts: words, choices, answers that stay where they stand, and the files they are kept in."""

from __future__ import annotations

import gzip
import itertools
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.augment import (
    AugmentManifest,
    AugmentSettings,
    Paragraph,
    Paragraphs,
    Splitting,
    check_settings,
    settings_of,
    split_words,
    variants_of,
    vectors_sha256,
)
from harness.augment.stored import FORMAT, AugmentedParts, AugmentedQuestions
from harness.augment.variants import replaceable
from harness.augment.vector_files import vector_lines
from harness.augment.words import split_sentences
from harness.errors import DataError, RecipeError, RecordError
from harness.records import Answer, Question

CASED = Splitting(lower_case=False, strip_accents=False, part_ideographs=False)
FARM = AugmentSettings("farm", factor=5, candidates=3, probability=0.5, seed=1)
TINY = replace(FARM, variant="tinybert")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Zoë's   naïve café.", ["zoe", "'", "s", "naive", "cafe", "."]),
        ("12.50$ in\tNew\nYork", ["12", ".", "50", "$", "in", "new", "york"]),
        ("a\u200bb\u00a0c\x00d\ufffd", ["ab", "cd"]),
        ("日本の go", ["日", "本", "の", "go"]),
        ("  ", []),
        ("x\u0301", ["x"]),
    ],
)
def test_words_as_bert_sees_them(text, words):
    assert [word.text for word in split_words(text, Splitting())] == words


def test_words_of_a_cased_model_keep_case_and_accents():
    words = split_words("Zoë (日本)", CASED)
    assert [(w.text, w.spaced) for w in words] == [("Zoë", True), ("(", True), ("日本", False), (")", False)]


@given(st.text(max_size=60))
def test_words_stand_where_they_say(text):
    words = split_words(text, CASED)
    for word in words:
        kept = [c for c in text[word.start : word.end] if c in word.text]
        assert "".join(kept) == word.text
    bounds = [place for word in words for place in (word.start, word.end)]
    assert bounds == sorted(bounds)


def test_words_equal_those_of_the_original():
    pytest.importorskip("transformers")
    legacy = pytest.importorskip("transformers.models.bert.tokenization_bert_legacy")
    oracle = legacy.BasicTokenizer(do_lower_case=True)

    @settings(max_examples=400)
    @given(st.text(st.one_of(st.sampled_from("abcX .,'$^`-é\u0301İß中\u2028\u00ad¿«\t"), st.characters(codec="utf-8"))))
    def compare(text):
        # the original looks past a mark to tell a final sigma
        text = text.replace("Σ", "")
        assert [word.text for word in split_words(text, Splitting())] == oracle.tokenize(text)

    compare()


def test_sentences_end_at_marks_and_where_there_is_no_room():
    words = split_words("One two. Three! four five six", Splitting())
    assert list(split_sentences(words, [1] * len(words), 10)) == [range(3), range(3, 5), range(5, 8)]
    assert list(split_sentences(words, [1] * len(words), 2)) == [range(2), range(2, 3), range(3, 5), *spans(5, 7, 8)]
    assert list(split_sentences(words[:2], [1, 9], 2)) == [range(1), range(1, 2)]
    assert list(split_sentences((), (), 2)) == []


def spans(*bounds):
    return list(itertools.starmap(range, itertools.pairwise(bounds)))


def question(context, *answers, name="q", **changes):
    found = tuple(Answer(text, start) for text, start in answers)
    return replace(Question(name, "0:0", context, "Who?", found, impossible=not found), **changes)


def variants(settings_, context, candidates, *answers):
    words = split_words(context, Splitting() if settings_.variant == "farm" else CASED)
    paragraph = Paragraph(context, (question(context, *answers), question(context, name="r", impossible=True)))
    wanted = replaceable(paragraph, words, settings_)
    options = [candidates if wish else () for wish in wanted]
    return list(variants_of(paragraph, words, options, settings_))


def test_farm_joins_words_keeps_questions_and_drops_answers():
    context = "Ada  Merk (1815) wrote."
    made = variants(replace(FARM, probability=0.0), context, ("x",), ("Ada  Merk", 0))
    assert [q.id for q in made[:4]] == ["q#1", "r#1", "q#2", "r#2"]
    assert len(made) == 10
    assert {q.context for q in made} == {"ada merk ( 1815 ) wrote ."}
    assert {q.answers for q in made} == {()}
    assert [q.impossible for q in made[:2]] == [False, True]
    assert made[2].passage_id == "0:0#2"
    assert {q.context for q in variants(replace(FARM, probability=1.0), context, ("x",))} == {
        "x x x x x x ."[:-1] + "x"
    }


def test_tinybert_keeps_the_original_and_leaves_out_repetitions():
    context = "Ada  Merk (1815) wrote."
    made = variants(replace(TINY, probability=0.0), context, ("x",), ("Merk", 5))
    assert [q.id for q in made] == ["q", "r"]
    made = variants(replace(TINY, probability=1.0), context, ("tall",), ("Merk", 5))
    assert [q.id for q in made] == ["q", "r", "q#1", "r#1"]
    assert made[2].context == "Tall  Merk (1815) tall."
    assert made[2].answers == (Answer("Merk", 6),)
    assert made[2].impossible is False


def test_tinybert_replaces_words_of_letters_that_are_no_stop_words():
    context = "NATO and the Allies met in 1949 , they signed"
    made = variants(replace(TINY, probability=1.0, factor=1), context, ("pact",))
    assert made[2].context == "PACT and the Pact pact in 1949 , they pact"
    mixed = variants(replace(TINY, probability=1.0, factor=1), context, ("McCoy",))
    assert mixed[2].context == "McCoy and the McCoy McCoy in 1949 , they McCoy"


def test_one_word_in_ten_thousand_is_as_likely_as_it_should_be():
    context = " ".join(["word"] * 2_000)
    made = variants(replace(FARM, factor=1, probability=0.4), context, ("a", "b"))[0].context.split()
    assert made.count("a") + made.count("b") == pytest.approx(800, abs=80)
    assert made.count("a") == pytest.approx(400, abs=60)


def test_choices_depend_on_seed_and_context_alone():
    context = "The quick brown fox jumps over the lazy dog near the river bank"
    many = variants(FARM, context, ("x", "y", "z"))
    assert variants(FARM, context, ("x", "y", "z")) == many
    assert len({q.context for q in many}) == 5
    # the first variants of many are those of few
    assert variants(replace(FARM, factor=2), context, ("x", "y", "z")) == many[:4]
    other = variants(replace(FARM, seed=2), context, ("x", "y", "z"))
    assert [q.context for q in other] != [q.context for q in many]


TEXTS = st.text("abÄé .,?中-\n1", min_size=1, max_size=60)


@given(TEXTS, st.lists(st.tuples(st.integers(0, 60), st.integers(1, 8)), max_size=3), st.integers(0, 9))
def test_answers_stand_in_every_variant(context, places, seed):
    answers = [(context[a : a + n], a) for a, n in places if a < len(context)]
    chosen = replace(TINY, probability=0.8, seed=seed)
    made = variants(chosen, context, ("", "long replacement", "z"), *answers)
    for q in made:
        assert len(q.answers) in (0, len(answers))
        for answer in q.answers:
            assert q.context[answer.start : answer.start + len(answer.text)] == answer.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variant": "none"}, "augment: found none, expected farm or tinybert"),
        ({"factor": 0}, "augment_factor: found 0"),
        ({"candidates": 0}, "augment_candidates: found 0"),
        ({"probability": 1.5}, "augment_probability: found 1.5"),
        ({"probability": float("nan")}, "augment_probability: found nan"),
    ],
)
def test_impossible_settings(change, message):
    check_settings(FARM)
    with pytest.raises(RecipeError, match=message):
        check_settings(replace(FARM, **change))


def test_settings_of_a_stage():
    from test_pipeline import stage

    found = settings_of(stage(augment="tinybert", augment_factor=3, seed=9))
    assert found == AugmentSettings("tinybert", 3, 15, 0.4, 9)
    with pytest.raises(RecipeError, match="augment: found none"):
        settings_of(stage())


def test_paragraphs_are_neighbours_about_one_context():
    questions = [
        question("one", name="a"),
        question("one", name="b"),
        question("two", name="c"),
        question("one", name="d"),
        question("one", name="e", passage_id="1:0"),
    ]
    paragraphs = Paragraphs(questions)
    assert [[q.id for q in paragraphs[i].questions] for i in range(len(paragraphs))] == [
        ["a", "b"],
        ["c"],
        ["d"],
        ["e"],
    ]
    assert paragraphs[1].context == "two"
    changed = [*questions[:-1], replace(questions[-1], impossible=False)]
    assert Paragraphs(changed).sha256 != paragraphs.sha256
    assert len(Paragraphs([])) == 0


def test_vectors_may_be_compressed(tmp_path):
    content = b"the 1 0\nof 0 1\n"
    plain, packed, archive = (tmp_path / f"v.{ending}" for ending in ("txt", "gz", "zip"))
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("v.txt", content)
    assert list(vector_lines(archive)) == [b"the 1 0", b"of 0 1"]
    assert len({vectors_sha256(path) for path in (plain, packed, archive)}) == 1


def test_vectors_that_cannot_be_read(tmp_path):
    archive, packed = tmp_path / "v.zip", tmp_path / "v.gz"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", b"")
        file.writestr("b.txt", b"")
    packed.write_bytes(b"no")
    for path, message in (
        (archive, "holds the files a.txt, b.txt, expected one"),
        (packed, "cannot be read"),
        (tmp_path / "nothing.txt", "cannot be read"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(DataError, match=message):
            list(vector_lines(path))


@pytest.fixture
def manifest():
    return AugmentManifest(FORMAT, "farm", 2, 3, 0.5, 1, "0", "0", None, "cpu float32", 2, 2)


QUESTIONS = [
    question("ä one", ("one", 2), name="a", kind="k"),
    question("ä one", name="b"),
    question("two", ("two", 0), ("t", 0), name="c"),
    question("three", name="d", impossible=False),
]


def fill(folder, manifest):
    kept = AugmentedParts.start(folder, manifest)
    for part in kept.missing():
        kept.write(part, QUESTIONS[2 * part : 2 * part + 2])
    return kept


def test_questions_come_back_as_they_went(tmp_path, manifest):
    pytest.importorskip("pyarrow")
    found = fill(tmp_path, manifest).questions()
    assert list(found) == QUESTIONS
    assert (len(found), found[-1], found[1]) == (4, QUESTIONS[-1], QUESTIONS[1])
    assert found[1:4] == tuple(QUESTIONS[1:4])
    assert found[::-2] == tuple(QUESTIONS[::-2])
    assert found[3:1] == ()
    for index in (4, -5):
        with pytest.raises(IndexError):
            found[index]


def test_more_parts_than_are_held_open(tmp_path, manifest, monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.setattr("harness.augment.stored._MOST_OPEN", 1)
    monkeypatch.setattr("harness.augment.stored._BLOCK", 1)
    found = fill(tmp_path, manifest).questions()
    assert list(found) == [found[i] for i in range(4)] == QUESTIONS


def test_a_part_that_is_damaged_is_made_again(tmp_path, manifest):
    pytest.importorskip("pyarrow")
    kept = fill(tmp_path, manifest)
    first, second = (kept.path(part) for part in range(2))
    whole = second.read_bytes()
    second.write_bytes(whole[:100])
    (tmp_path / ".part-00001.arrow.1.tmp").touch()
    with pytest.raises(RecordError, match=r"part-00001\.arrow: is absent or damaged"):
        AugmentedQuestions([first, second])
    again = AugmentedParts.start(tmp_path, manifest)
    assert again.missing() == [1]
    assert list(fill(tmp_path, manifest).questions()) == QUESTIONS
    assert second.read_bytes() == whole
    assert not list(tmp_path.glob(".*"))


def test_a_folder_of_something_else(tmp_path, manifest):
    pytest.importorskip("pyarrow")
    fill(tmp_path, manifest)
    with pytest.raises(RecordError, match="with another factor, seed, expected those of this stage"):
        AugmentedParts.start(tmp_path, replace(manifest, factor=3, seed=2))
    (tmp_path / "manifest.json").write_text("{", "utf-8")
    with pytest.raises(RecordError, match="cannot be read"):
        AugmentedParts.start(tmp_path, manifest)


def test_a_folder_that_cannot_be_written(tmp_path, manifest):
    pytest.importorskip("pyarrow")
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="cannot be written"):
        AugmentedParts.start(tmp_path / "file" / "folder", manifest)
