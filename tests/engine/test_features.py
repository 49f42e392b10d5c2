"""Windows, the way back to characters, and labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from harness.engine.features import Features, Windowing, answer_place, make_features, make_labels
from harness.engine.loading import load_tokenizer
from harness.errors import DataError, RecipeError
from harness.records import Answer, Question

pytestmark = pytest.mark.torch

WIDE = Windowing(max_seq_len=96, doc_stride=16, max_query_length=24)
EMOJI = "The \U0001f468\u200d\U0001f469\u200d\U0001f467 family \U0001f600 of Orvel \u00e9t\u00e9."


def ask(context: str, answer: str | None = None, question: str = "Who founded it?", qid: str = "q1") -> Question:
    answers = () if answer is None else (Answer(answer, context.index(answer)),)
    return Question(qid, "0:0", context, question, answers)


@pytest.fixture(scope="module")
def byte_bpe(build: Callable[..., Path]) -> PreTrainedTokenizerFast:
    return load_tokenizer(build())


def words(template: str, side: str) -> PreTrainedTokenizerFast:
    """A tokenizer of letters and digits, one word one token, with segment ids."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(special)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair=template, special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        padding_side=side,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


@pytest.fixture(scope="module")
def right() -> PreTrainedTokenizerFast:
    return words("[CLS] $A [SEP] $B:1 [SEP]:1", "right")


@pytest.fixture(scope="module")
def left() -> PreTrainedTokenizerFast:
    return words("$A [SEP] $B:1 [SEP]:1 [CLS]:2", "left")


def texts_of(features: Features, labels: np.ndarray, questions: list[Question]) -> list[str | None]:
    """The text under each window's label; None for CLS."""
    found: list[str | None] = []
    for i, (first, last) in enumerate(labels.tolist()):
        characters = features.characters[features.bounds[i] : features.bounds[i + 1]]
        context = questions[features.question[i]].context
        is_cls = first == last == features.cls[i]
        found.append(None if is_cls else context[characters[first, 0] : characters[last, 1]])
    return found


@pytest.mark.parametrize("side", ["byte_bpe", "right", "left"])
@pytest.mark.parametrize("answer", ["Orvel", "in 1204", "Ada Merk", "1204"])
def test_label_covers_exactly_the_answer(side: str, answer: str, request: pytest.FixtureRequest) -> None:
    questions = [ask("Orvel was founded by Ada Merk in 1204", answer)]
    features = make_features(request.getfixturevalue(side), questions, WIDE)
    assert texts_of(features, make_labels(features, questions), questions) == [answer]


def test_doc_stride_is_the_overlap_and_all_windows_are_kept(right: PreTrainedTokenizerFast) -> None:
    context = " ".join(f"w{i}" for i in range(500))
    questions = [ask(context, "w300", "one two three four five six seven eight nine ten eleven twelve")]
    features = make_features(right, questions, Windowing(384, 128, 64))
    # Room for the context: 384 - 12 - 3 = 369; the second window starts 369 - 128 = 241 tokens later.
    assert len(features) == 2
    begins = [features.characters[features.bounds[i] + features.context[i, 0], 0] for i in range(2)]
    assert begins == [0, context.index("w241")]
    assert features.lengths.max() == 384
    labels = make_labels(features, questions)
    assert texts_of(features, labels, questions) == ["w300", "w300"]
    assert labels.tolist() == [[14 + 300] * 2, [14 + 300 - 241] * 2]


def test_a_window_that_cuts_the_answer_is_labelled_cls(right: PreTrainedTokenizerFast) -> None:
    context = " ".join(f"w{i}" for i in range(30))
    narrow = Windowing(max_seq_len=18, doc_stride=5, max_query_length=4)
    questions = [ask(context, "w9 w10 w11", "who is it"), ask(context, "w20", "who is it", "q2"), ask(context)]
    features = make_features(right, questions[:2], narrow)
    # Windows of 12 context tokens: 0-11, 7-18, 14-25, 21-29.
    assert texts_of(features, make_labels(features, questions), questions) == [
        *("w9 w10 w11", "w9 w10 w11", None, None),
        *(None, None, "w20", None),
    ]
    cut = [ask(context, "w10 w11 w12", "who is it")]
    features = make_features(right, cut, narrow)
    assert texts_of(features, make_labels(features, cut), cut) == [None, "w10 w11 w12", None, None]


def test_context_first_and_cls_last_where_padding_is_on_the_left(left: PreTrainedTokenizerFast) -> None:
    questions = [ask("Orvel lies by the sea", None, "Where is it?")]
    features = make_features(left, questions, WIDE)
    assert features.context.tolist() == [[0, 5]]
    assert features.cls.tolist() == [features.lengths[0] - 1]
    assert make_labels(features, questions).tolist() == [[features.cls[0]] * 2]
    assert features.types is not None
    assert features.types[-1] == 2


@pytest.mark.parametrize("side", ["byte_bpe", "right", "left"])
@pytest.mark.parametrize("context", ["", "   ", "\u200b"], ids=["empty", "blank", "invisible"])
def test_empty_context_gives_one_window(side: str, context: str, request: pytest.FixtureRequest) -> None:
    questions = [ask(context)]
    features = make_features(request.getfixturevalue(side), questions, WIDE)
    assert len(features) == 1
    assert make_labels(features, questions).tolist() == [[features.cls[0]] * 2]


@pytest.mark.parametrize("side", ["byte_bpe", "right", "left"])
def test_blank_question(side: str, request: pytest.FixtureRequest) -> None:
    questions = [ask("Orvel lies by the sea", "the sea", "  \n ")]
    features = make_features(request.getfixturevalue(side), questions, WIDE)
    assert texts_of(features, make_labels(features, questions), questions) == ["the sea"]


def test_question_is_stripped_on_the_left_and_cut(byte_bpe: PreTrainedTokenizerFast) -> None:
    def question_tokens(text: str, limit: int) -> int:
        features = make_features(byte_bpe, [ask("Orvel lies by the sea", None, text)], Windowing(96, 16, limit))
        return int(features.context[0, 0]) - 3  # <s> question </s></s>

    assert question_tokens("  \t Who founded it?", 24) == question_tokens("Who founded it?", 24)
    for limit in (1, 5, 24):
        assert limit - 3 <= question_tokens("Who founded the place \U0001f600 by the sea? " * 9, limit) <= limit


def test_tokens_that_share_a_character_belong_to_one_label(byte_bpe: PreTrainedTokenizerFast) -> None:
    questions = [ask(EMOJI, "\U0001f600"), ask(EMOJI, "\U0001f468\u200d\U0001f469\u200d\U0001f467", qid="q2")]
    questions.append(ask(EMOJI, "\u00e9t\u00e9", qid="q3"))
    features = make_features(byte_bpe, questions, WIDE)
    labels = make_labels(features, questions)
    assert texts_of(features, labels, questions) == [question.answers[0].text for question in questions]
    assert (labels[:2, 1] - labels[:2, 0] >= 3).all()  # an emoji is four bytes, here with no token of its own


def test_models_without_segments_get_none(byte_bpe: PreTrainedTokenizerFast, right: PreTrainedTokenizerFast) -> None:
    assert make_features(byte_bpe, [ask("Orvel")], WIDE).types is None
    types = make_features(right, [ask("Orvel lies", None, "Who?")], WIDE).types
    assert types is not None
    assert types.tolist() == [0, 0, 0, 0, 1, 1, 1]


@settings(max_examples=60, deadline=None)
@given(
    context=st.text(st.characters(codec="utf-8"), min_size=1, max_size=80),
    question=st.text(max_size=20),
    data=st.data(),
)
def test_any_text_has_windows_that_map_back_to_it(
    byte_bpe: PreTrainedTokenizerFast, context: str, question: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(context) - 1))
    text = context[start : data.draw(st.integers(start + 1, len(context)))]
    answers = (Answer(text, start),) if text.strip() else ()
    questions = [Question("q", "0:0", context, question, answers)]
    features = make_features(byte_bpe, questions, Windowing(48, 6, 12))
    labels = make_labels(features, questions)
    for i in range(len(features)):
        characters = features.characters[features.bounds[i] : features.bounds[i + 1]]
        low, high = features.context[i]
        assert (np.diff(characters[low:high, 0]) >= 0).all()
        assert (characters[low:high] <= len(context)).all()
        first, last = labels[i]
        if first != features.cls[i]:
            assert low <= first <= last < high
            place = answer_place(questions[0])
            assert place is not None
            assert characters[first, 0] <= place[0] < characters[first, 1]  # a token may reach past the answer
            assert characters[last, 0] < place[1] <= characters[last, 1]


@pytest.mark.parametrize(
    "answer",
    [Answer("Merk", 3), Answer("Orvel", -1), Answer("Orvel", 400), Answer("", 0), Answer("  ", 5)],
    ids=["other text", "before the context", "after the context", "empty", "blank"],
)
def test_answer_that_is_not_at_its_place_names_the_question(answer: Answer) -> None:
    with pytest.raises(DataError, match="question q7:"):
        answer_place(Question("q7", "0:0", "Orvel was founded by Ada Merk.", "Who?", (answer,)))


def test_differences_in_case_and_blanks_are_let_pass() -> None:
    context = "founded by  Ada\u00a0Merk in 1204"
    assert answer_place(Question("q", "0:0", context, "?", (Answer(" ada merk", 11),))) == (12, 20)


def test_only_the_first_answer_counts() -> None:
    context = "Ada Merk, once Ada Tull"
    question = Question("q", "0:0", context, "?", (Answer("Ada Merk", 0), Answer("Ada", 15)))
    assert answer_place(question) == (0, 8)


def test_no_room_for_the_context_is_an_error_that_names_the_lengths(byte_bpe: PreTrainedTokenizerFast) -> None:
    with pytest.raises(RecipeError, match=r"question q1: max_seq_len 24 .* doc_stride 16") as caught:
        make_features(byte_bpe, [ask("Orvel")], Windowing(24, 16, 24))
    assert caught.value.field == "max_seq_len"


def test_progress_counts_questions(right: PreTrainedTokenizerFast) -> None:
    seen: list[int] = []
    make_features(right, [ask("Orvel")] * 1500, WIDE, seen.append)
    assert seen == [1000, 1500]
