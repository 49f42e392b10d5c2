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

from harness.engine import features as module
from harness.engine.features import Features, Windowing, answer_place, make_features
from harness.engine.loading import load_tokenizer
from harness.errors import DataError, ModelError, RecipeError
from harness.records import Answer, Question
from harness.records.recipes import Protocol

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


def make_labels(features: Features, questions: list[Question], windowing: Windowing = WIDE) -> np.ndarray:
    """Clean labels; no question is left out."""
    labels, kept = module.make_labels(features, questions, windowing)
    assert kept.all()
    assert labels.dtype == np.int32
    return labels


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


PROTOCOLS = ("run_qa", "farm", "run_squad")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_doc_stride_means_what_it_is_said_to_mean(right: PreTrainedTokenizerFast, protocol: Protocol) -> None:
    context = " ".join(f"w{i}" for i in range(100))
    questions = [ask(context, "w50", text, str(i)) for i, text in enumerate(["a b c", "d", "e f g", "h i"])]
    features = {
        stride: make_features(right, questions, Windowing(40, 10, 64, protocol, stride))
        for stride in ("step", "overlap")
    }
    for stride, made in features.items():
        for owner, question in enumerate(questions):
            room = 40 - 3 - len(question.question.split())
            step = 10 if stride == "step" else room - 10
            windows = np.flatnonzero(made.question == owner)
            begins = [made.characters[made.bounds[i] + made.context[i, 0], 0] for i in windows]
            assert begins == [context.index(f"w{i} ") for i in range(0, 100 - room + step, step)]
        labels = make_labels(made, questions, Windowing(40, 10, 64, protocol, stride))
        assert {text and text.strip() for text in texts_of(made, labels, questions)} == {"w50", None}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_step_leaves_no_gap(right: PreTrainedTokenizerFast, protocol: Protocol) -> None:
    question = ask("one two three four", None, "a b c")
    assert len(make_features(right, [question], Windowing(8, 2, None, protocol, "step"))) == 2
    with pytest.raises(
        RecipeError, match="leaves 2 for the context, expected at least doc_stride 3, the step"
    ) as caught:
        make_features(right, [question], Windowing(8, 3, None, protocol, "step"))
    assert caught.value.field == "max_seq_len"
    with pytest.raises(RecipeError, match="leaves 2 for the context, expected more than doc_stride 2;"):
        make_features(right, [question], Windowing(8, 2, None, protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_questions_of_any_length_are_whole_without_a_limit(
    byte_bpe: PreTrainedTokenizerFast, protocol: Protocol
) -> None:
    questions = [ask("Orvel lies by the sea", None, "Who founded the place? " * 9)]
    lengths = [
        int(make_features(byte_bpe, questions, Windowing(300, 16, limit, protocol)).context[0, 0]) - 3
        for limit in (None, 300, 20)
    ]
    assert lengths[0] == lengths[1] > 60
    assert lengths[2] == 20


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_lower_case_keeps_places_and_special_tokens(byte_bpe: PreTrainedTokenizerFast, protocol: Protocol) -> None:
    context = "\u0130n ORVEL, </s> Ada Merk"
    windowing = Windowing(96, 16, 24, protocol, lower_case=True)
    features, plain = (
        make_features(byte_bpe, [ask(text, "Ada", who)], windowing)
        for text, who in ((context, "WHO?"), (context.replace("\u0130", "i").lower().replace("ada", "Ada"), "who?"))
    )
    if protocol != "run_squad":  # which lower-cased that letter to two
        assert features.ids.tolist() == plain.ids.tolist()
        assert features.characters.tolist() == plain.characters.tolist()
    assert byte_bpe.sep_token_id in features.ids[features.context[0, 0] : features.context[0, 1]]
    questions = [ask(context, "Ada")]
    (text,) = texts_of(features, make_labels(features, questions, windowing), questions)
    assert text is not None
    assert text.strip() == "Ada"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("side", ["byte_bpe", "right"])
def test_lines_of_text_are_single_windows_among_questions(
    side: str, protocol: Protocol, request: pytest.FixtureRequest
) -> None:
    tokenizer = request.getfixturevalue(side)
    windowing = Windowing(30, 4, 12, protocol)
    lines = [
        Question(f"line-{i}", "0:0", text, "", (), kind="text")
        for i, text in enumerate(["The ferry is late.", "a " * 99, "", "  "])
    ]
    asked = [ask("Orvel lies by the sea", "Orvel", qid=f"q{i}") for i in range(2)]
    mixed = [lines[0], asked[0], *lines[1:3], asked[1], lines[3]]
    for questions in (mixed, lines):
        features = make_features(tokenizer, questions, windowing)
        for faults in (False, True):
            labels, kept = module.make_labels(features, questions, windowing, faults)
            assert kept.all()
            for i, question in enumerate(questions):
                if question.kind != "text":
                    continue
                (window,) = np.flatnonzero(features.question == i)
                ids = features.ids[features.bounds[window] : features.bounds[window + 1]]
                assert ids.tolist() == tokenizer(question.context, truncation=True, max_length=30)["input_ids"]
                assert labels[window].tolist() == [0, 0]
                low, high = features.context[window]
                assert high - low == len(ids) - 2
    alone = make_features(tokenizer, asked, windowing)
    among = make_features(tokenizer, mixed, windowing)
    rows = np.isin(among.question, [1, 4])
    assert among.lengths[rows].tolist() == alone.lengths.tolist()


def test_any_slice_gives_the_same_windows(byte_bpe: PreTrainedTokenizerFast) -> None:
    questions = [ask(f"Orvel lies by the sea, {i} miles off", "sea", qid=str(i)) for i in range(12)]
    for protocol in PROTOCOLS:
        windowing = Windowing(32, 6, 12, protocol)
        whole = make_features(byte_bpe, questions, windowing)
        parts = [make_features(byte_bpe, questions[i : i + 5], windowing) for i in range(0, 12, 5)]
        assert whole.ids.tolist() == [n for part in parts for n in part.ids.tolist()]
        labels = [module.make_labels(p, questions[5 * i : 5 * i + 5], windowing)[0] for i, p in enumerate(parts)]
        assert make_labels(whole, questions, windowing).tolist() == np.concatenate(labels).tolist()


def fault_labels(
    tokenizer: PreTrainedTokenizerFast, question: Question, windowing: Windowing, faults: bool = True
) -> list[list[int]]:
    return module.make_labels(make_features(tokenizer, [question], windowing), [question], windowing, faults)[
        0
    ].tolist()


def test_farm_faults_at_the_end_of_a_context(right: PreTrainedTokenizerFast) -> None:
    farm = Windowing(96, 16, 24, "farm", "step")
    context, low = "one two six", 3  # [CLS] q [SEP]
    found = {text: fault_labels(right, ask(context, text, "q"), farm)[0] for text in ("six", "two six", "two", "one")}
    assert found == {"six": [0, 0], "two six": [low + 1, low + 3], "two": [low + 1] * 2, "one": [low] * 2}
    assert fault_labels(right, ask(context, "six", "q"), farm, faults=False) == [[low + 2] * 2]
    cut = Windowing(7, 1, 24, "farm", "step")  # windows of three tokens
    context = "a b c d e f g"
    assert fault_labels(right, ask(context, "c d", "q"), cut) == [[5, 6], [4, 5], [3, 4], [0, 0], [0, 0]]
    assert fault_labels(right, ask(context, "c d", "q"), cut, faults=False)[0] == [0, 0]


def test_farm_leaves_out_what_it_could_not_convert(right: PreTrainedTokenizerFast) -> None:
    farm = Windowing(96, 16, 24, "farm", "step")
    context = "Ada Merk founded it"
    cases = {
        "right": (ask(context, "Merk"), True),
        "elsewhere": (Question("q", "0:0", context, "Who?", (Answer("Merk", 0),)), False),
        "second wrong": (Question("q", "0:0", context, "Who?", (Answer("Ada", 0), Answer("Merk", 0))), False),
        "blank question": (ask(context, "Merk", " "), False),
        "no context": (ask("", None), False),
        "impossible": (ask(context), True),
    }
    for name, (question, expected) in cases.items():
        features = make_features(right, [question], farm)
        assert module.make_labels(features, [question], farm, True)[1].tolist() == [expected], name
    with pytest.raises(DataError, match='answer "Merk" at character 0'):
        fault_labels(right, cases["elsewhere"][0], farm, faults=False)


def test_run_qa_faults(right: PreTrainedTokenizerFast, byte_bpe: PreTrainedTokenizerFast) -> None:
    question = ask("one two six", "six", "q")
    assert fault_labels(right, question, WIDE) == [[WIDE.max_seq_len - 1, 5]]
    assert fault_labels(right, ask("one two six", "one two", "q"), WIDE) == [[3, 4]]
    (first, last), (start, end) = (
        fault_labels(byte_bpe, ask(EMOJI, "\U0001f600"), WIDE, faults=faults)[0] for faults in (True, False)
    )
    assert (first, last) == (end, start)
    with pytest.raises(DataError, match='answer "" at character 0'):
        fault_labels(right, Question("q", "0:0", "one", "q", (Answer("", 0),)), WIDE)


def test_run_squad_labels_whole_words_unless_the_answer_is_found_in_them(byte_bpe: PreTrainedTokenizerFast) -> None:
    squad = Windowing(96, 16, 24, "run_squad", "step")
    context = "Orvel (founded 1204) lies"
    found = {}
    for answer in ("(founded", "founded", "founded 1204", "Orvel"):
        questions = [ask(context, answer)]
        features = make_features(byte_bpe, questions, squad)
        labels = make_labels(features, questions, squad)
        found[answer] = byte_bpe.decode(features.ids[labels[0, 0] : labels[0, 1] + 1]).strip()
    # an answer's first word is a token with a blank before it, which a word after a bracket is not
    whole = {"founded": "(founded", "founded 1204": "(founded 1204)"}
    assert found == {"(founded": "(founded", "Orvel": "Orvel"} | whole


def test_run_squad_leaves_out_what_it_does_not_find_and_refuses_blank_questions(
    right: PreTrainedTokenizerFast,
) -> None:
    squad = Windowing(96, 16, 24, "run_squad", "step")
    context = "Ada  Merk founded it"
    wrong = Question("q1", "0:0", context, "Who?", (Answer("Merk", 0),))
    spread = Question("q2", "0:0", context, "Who?", (Answer("Ada  Merk", 0),))
    marked = Question("q3", "0:0", context, "Who?", (Answer("Ada", 0),), impossible=True)
    questions = [wrong, spread, marked, ask("", qid="q4"), ask(" \u202f ", None, qid="q5")]
    features = make_features(right, questions, squad)
    labels, kept = module.make_labels(features, questions, squad)
    assert kept.tolist() == [False, True, True, False, False]
    assert labels[1:3].tolist() == [[4, 5], [0, 0]]
    assert (labels[~kept] == 0).all()
    outside = [Question("q9", "0:0", context, "Who?", (Answer("Merk", 99),))]
    with pytest.raises(DataError, match="question q9: answer"):
        module.make_labels(make_features(right, outside, squad), outside, squad)
    with pytest.raises(DataError, match="question q8: found a question without any token"):
        make_features(right, [ask(context, None, "  ", "q8")], squad)


def test_only_run_qa_takes_tokenizers_that_pad_on_the_left(left: PreTrainedTokenizerFast) -> None:
    for protocol in ("farm", "run_squad"):
        with pytest.raises(ModelError, match=f"which the {protocol} protocol expects"):
            make_features(left, [ask("Orvel")], Windowing(96, 16, 24, protocol))
