from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter

import pytest

from harness.errors import DataError
from harness.pocket import KINDS, SIZES, generate
from harness.pocket.facts import ATTRIBUTES, THINGS
from harness.pocket.names import names_of
from harness.records import Answer, Question
from harness.squad_json import to_squad_json

SHA256 = {
    "train": "f5e4b76929f0b5de53a42448fa5e0c78f08bccea1fc11b4ab3e4906b5e9d0585",
    "validation": "1dd9e10ba1e48d51af00ffc8cac956825668e4df76458ea911ea27d1ffe444be",
}


@pytest.fixture(scope="module")
def train() -> tuple[Question, ...]:
    return generate("train")


@pytest.fixture(scope="module")
def clean() -> tuple[Question, ...]:
    return generate("train", noise=0.0)


@pytest.fixture(scope="module")
def validation() -> tuple[Question, ...]:
    return generate("validation")


def checksum(questions: tuple[Question, ...]) -> str:
    return hashlib.sha256(json.dumps(to_squad_json(questions), sort_keys=True).encode()).hexdigest()


@pytest.mark.parametrize("split", ["train", "validation"])
def test_content_is_the_recorded_one(split: str, request: pytest.FixtureRequest) -> None:
    # The claims of the cards in cards/pocket__* were measured on exactly this content.
    assert checksum(request.getfixturevalue(split)) == SHA256[split]


def test_content_does_not_depend_on_string_hashing(validation: tuple[Question, ...]) -> None:
    code = (
        "import hashlib, json; from harness.pocket import generate; from harness.squad_json import to_squad_json;"
        "text = json.dumps(to_squad_json(generate('validation')), sort_keys=True);"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "12345", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == checksum(validation)


def test_sizes_ids_and_order(train: tuple[Question, ...], validation: tuple[Question, ...]) -> None:
    assert (len(train), len(validation)) == (SIZES["train"], SIZES["validation"]) == (24_000, 2_000)
    assert [q.id for q in train] == [f"pocket-train-{i:06d}-{q.kind}" for i, q in enumerate(train)]
    assert generate("train", questions=501) == train[:501]


def test_another_seed_gives_other_questions(validation: tuple[Question, ...]) -> None:
    assert {q.context for q in generate("validation", seed=21)}.isdisjoint(q.context for q in validation)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_every_answer_stands_at_its_offset(split: str, request: pytest.FixtureRequest) -> None:
    questions: tuple[Question, ...] = request.getfixturevalue(split)
    for q in questions:
        assert q.impossible == (not q.answers), q.id
        for answer in q.answers:
            assert answer.text, q.id
            assert q.context[answer.start : answer.start + len(answer.text)] == answer.text, q.id
            end = answer.start + len(answer.text)
            assert not q.context[answer.start - 1 : answer.start].isalnum(), q.id  # whole words
            assert not q.context[end : end + 1].isalnum(), q.id


@pytest.mark.parametrize("split", ["clean", "validation"])
def test_each_paragraph_has_one_question_of_each_half(split: str, request: pytest.FixtureRequest) -> None:
    questions: tuple[Question, ...] = request.getfixturevalue(split)
    for first, second in zip(questions[::2], questions[1::2], strict=True):
        assert first.passage_id == second.passage_id
        assert first.context == second.context
        assert first.impossible != second.impossible
        assert first.question != second.question


def test_each_kind_is_asked_and_half_of_it_is_unanswerable(validation: tuple[Question, ...]) -> None:
    asked = Counter(q.kind for q in validation)
    unanswerable = Counter(q.kind for q in validation if q.impossible)
    assert set(asked) == set(KINDS)
    assert len(KINDS) == 8
    for kind, count in asked.items():
        assert count >= 100, kind
        assert 0.4 < unanswerable[kind] / count < 0.6, kind  # the kind alone does not give the answer away


def test_kinds_are_asked_in_several_ways(validation: tuple[Question, ...]) -> None:
    ways: dict[str | None, set[str]] = {}
    for q in validation:
        words = [w for w in re.findall(r"\w+", q.question) if w == w.lower() or q.question.startswith(w)]
        ways.setdefault(q.kind, set()).add(" ".join(words))
    assert all(len(found) >= 3 for found in ways.values())


def test_answers_have_several_references(validation: tuple[Question, ...]) -> None:
    answerable = [q for q in validation if q.answers]
    for q in answerable:
        assert len({a.text for a in q.answers}) == len(q.answers), q.id
    assert sum(len(q.answers) > 1 for q in answerable) > 0.5 * len(answerable)
    year = next(q for q in answerable if q.kind == "year")
    assert re.fullmatch(r"\d{4}", year.answers[0].text)
    assert year.answers[1].text in (f"in {year.answers[0].text}", f"the year {year.answers[0].text}")


def _sentence_frames(kind: str) -> list[str]:
    """Each statement of a kind as a pattern; group 1 is the answer."""
    statements = next(a.statements for group in ATTRIBUTES.values() for a in group if a.kind == kind)
    frames = []
    for statement in statements:
        pattern = re.escape(re.sub(r"[\[\]]|\{t\}", "", statement)).replace(r"\{a\}", "(.+?)")
        frames.append(r"\b" + pattern + r"(?=[.]| and |$)")
    return frames


def _told_of(context: str, name: str) -> str:
    """The sentences of a paragraph about the entity of this name; empty if it has none."""
    sentences = re.findall(r"[^.]+\.", context)
    told, current = "", ""
    for sentence in sentences:
        opening = re.match(
            r"\s*(?:(?:It|The town|She|He) |(?:Nearby |The neighbouring town of |A friend, |A cousin, )?"
            r"([A-Z]\w+(?: [A-Z]\w+)?))",
            sentence,
        )
        assert opening is not None, sentence
        current = opening[1] or current
        told += sentence if current == name else ""
    return told


def _entity(question: str) -> str:
    return re.findall(r"(?<=\s)[A-Z]\w+(?: [A-Z]\w+)?", question)[-1]


def test_labels_agree_with_what_the_paragraph_says(validation: tuple[Question, ...]) -> None:
    # An independent reading: take the sentences about the entity asked for, look for a statement of the kind asked for.
    for q in validation:
        told = _told_of(q.context, _entity(q.question))
        found = [m[1] for frame in _sentence_frames(str(q.kind)) for m in re.finditer(frame, told)]
        if q.impossible:
            assert not found, (q.id, q.context, q.question)
        else:
            assert q.answers[0].text in " ".join(found), (q.id, q.context, q.question)


def test_unanswerable_questions_look_answerable(validation: tuple[Question, ...]) -> None:
    # An answer of the right type stands in the paragraph: the fact itself of someone else, or the fact's double.
    pairs = {a.kind: a.pair for group in ATTRIBUTES.values() for a in group}
    for q in validation:
        if q.impossible:
            kinds = (str(q.kind), pairs[str(q.kind)])
            assert any(re.search(frame, q.context) for kind in kinds for frame in _sentence_frames(kind)), q.id


def test_a_minority_asks_about_another_entity(validation: tuple[Question, ...]) -> None:
    other = [q for q in validation if q.answers and not q.context.startswith(_entity(q.question))]
    answerable = sum(bool(q.answers) for q in validation)
    assert 0.02 < len(other) / answerable < 0.2
    strangers = [q for q in validation if q.impossible and _entity(q.question) not in q.context]
    assert 0.05 < len(strangers) / (len(validation) - answerable) < 0.4


def test_splits_share_no_name(train: tuple[Question, ...], validation: tuple[Question, ...]) -> None:
    def names(questions: tuple[Question, ...]) -> set[str]:
        found = set()
        for q in questions:
            found |= set(re.findall(r"\b[A-Z][a-z]{3,}\b", q.context))
        return found - {"Captain", "Doctor", "Lady", "Baron", "Nearby", "The"}

    assert names(train) & names(validation) == set()
    assert len(names(validation)) > 1000
    of_train, of_validation = names_of("train", 20), names_of("validation", 20)
    everything = [{*n.places, *n.waters, *n.first, *n.surnames} for n in (of_train, of_validation)]
    assert everything[0] & everything[1] == set()
    assert names(train) <= everything[0]
    assert names(validation) <= everything[1]


def test_noise_is_in_the_train_labels_only(train: tuple[Question, ...], clean: tuple[Question, ...]) -> None:
    changed = [(a, b) for a, b in zip(train, clean, strict=True) if a != b]
    assert 0.15 <= len(changed) / len(train) <= 0.25
    for noisy, true in changed:
        assert (noisy.id, noisy.context, noisy.question, noisy.kind) == (
            true.id,
            true.context,
            true.question,
            true.kind,
        )
        assert noisy.answers[:1] != true.answers[:1]
    kinds = Counter((bool(true.answers), bool(noisy.answers)) for noisy, true in changed)
    assert set(kinds) == {(True, True), (True, False), (False, True)}  # wrong span, dropped, invented
    assert min(kinds.values()) > 500


def test_noise_of_a_larger_share_contains_that_of_a_smaller(clean: tuple[Question, ...]) -> None:
    clean = clean[:2000]
    few, many = (generate("train", questions=2000, noise=share) for share in (0.1, 0.3))
    for true, a, b in zip(clean, few, many, strict=True):
        assert a in (true, b)
    assert all(a != b for a, b in zip(clean, generate("train", questions=2000, noise=1.0), strict=True))


def test_validation_is_clean(validation: tuple[Question, ...]) -> None:
    assert generate("validation", noise=0.0) == validation


@pytest.mark.parametrize(
    ("split", "questions", "noise"), [("test", None, None), ("train", -1, None), ("train", 10, 1.5)]
)
def test_impossible_arguments_are_refused(split: str, questions: int | None, noise: float | None) -> None:
    with pytest.raises(DataError, match="expected"):
        generate(split, questions=questions, noise=noise)


def test_squad_json_has_the_form_of_squad_2(validation: tuple[Question, ...]) -> None:
    data = json.loads(json.dumps(to_squad_json(validation)))
    assert data["version"] == "v2.0"
    back = [
        Question(
            id=qa["id"],
            passage_id=f"{article['title'].split()[-1]}-{number}",
            context=paragraph["context"],
            question=qa["question"],
            answers=tuple(Answer(a["text"], a["answer_start"]) for a in qa["answers"]),
            impossible=qa["is_impossible"],
            kind=qa["kind"],
        )
        for article in data["data"]
        for number, paragraph in enumerate(article["paragraphs"])
        for qa in paragraph["qas"]
    ]
    assert tuple(back) == validation


def test_squad_json_omits_a_kind_that_is_not_there() -> None:
    question = Question("a", "0-0", "Text.", "What?", (), True)
    entry = to_squad_json([question])["data"][0]["paragraphs"][0]["qas"][0]
    assert entry == {"id": "a", "question": "What?", "answers": [], "is_impossible": True}


def test_things_made_and_grown_differ() -> None:
    assert not set(THINGS["product"]) & set(THINGS["crop"])
