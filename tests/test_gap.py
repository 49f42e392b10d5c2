"""Protocols: each by hand, the token-level metric against haystack's own functions, counts against brute force."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import plain_squad
import pytest
from era_records import CASES, all_questions
from gap_runs import asked, make_run
from hypothesis import given, settings
from hypothesis import strategies as st
from test_protocols import CONTEXT, FARM, one_span, window, windows

from harness import squad
from harness.errors import PredictionsError, RecordError
from harness.gap import find_chance, try_protocols, untried
from harness.prediction_files import read_predictions
from harness.records import Bounds, Decoding, Predictions, Question, Rescored, Run
from harness.spans import WindowLogits, decode_spans
from harness.spans.farm_tokens import choose_span, find_labels, overlap, score_tokens
from harness.spans.kept import rescore_logits, rescore_many
from harness.spans.max_context import choose_max_context
from harness.spans.run_qa import decode_run_qa
from harness.spans.whole_words import widen_tokens
from harness.squad_files import read_squad_file
from harness.store import file_sha256, read_json, write_json

WORDS = "zero one two three four five six seven eight nine"
LONG = " ".join(f"w{i}" for i in range(40))
SMALL = Decoding(max_seq_len=48, doc_stride=4, max_query_length=4)
"""Windows of 8 words with 4 in common."""
METRIC = json.loads((Path(__file__).parent / "data" / "farm_metric.json").read_text("utf-8"))


def two(null: tuple[float, float], score: tuple[float, float]) -> list[tuple]:
    """Two windows of `WORDS`: no-answer scores and those of the span "one", and of "nine"."""
    return [
        (0, 8, null[0] / 2, {1: score[0]}, {1: 0.0}),
        (4, 10, null[1] / 2, {9: score[1]}, {9: 0.0}),
    ]


def by_name(tried: tuple[Rescored, ...]) -> dict[str, Rescored]:
    assert len({item.name for item in tried}) == len(tried)
    return {item.name: item for item in tried}


@pytest.fixture
def hand(tmp_path: Path) -> tuple[Path, Run, list[Question], dict[str, Rescored]]:
    """Questions of which each is answered otherwise under some of the protocols."""
    questions = [
        asked("parted", WORDS),  # no answer beats the span in every window: FARM declines, run_qa answers
        asked("joined", WORDS, "one"),  # one window prefers its span: all answer
        asked("twisted", WORDS, "one"),  # best end before best start
        asked("long", LONG, " ".join(f"w{i}" for i in range(2, 22)), "w2"),  # 20 tokens
        asked("longer", LONG, " ".join(f"w{i}" for i in range(40))),  # 40 tokens
        asked("declined", WORDS, "two three"),
        asked("cased", "zero The one, two", "one", "zero", "one,"),
        asked("edge", WORDS, "six"),  # the best start stands at the end of its window
    ]
    of = {
        "parted": two((6, 3.5), (5, 3)),
        "joined": two((6, 2), (5, 3)),
        "twisted": [(0, 8, -5, {5: 4.0, 1: 3.0}, {1: 4.0, 5: 1.0})],
        "long": [(0, 40, -5, {2: 3.0}, {21: 3.0, 2: 2.0})],
        "longer": [(0, 40, -5, {0: 3.0}, {39: 3.0, 1: 1.0})],
        "declined": [(0, 8, 2.5, {2: 2.0}, {3: 2.0})],
        "cased": [(0, 4, -5, {1: 3.0}, {2: 3.0})],
        "edge": [(0, 8, -5, {7: 4.0}, {7: 4.0}), (4, 10, -5, {6: 3.0}, {6: 3.0})],
    }
    run = make_run(tmp_path / "r", questions, SMALL, of)
    return tmp_path / "r", run, questions, by_name(try_protocols(tmp_path / "r", run, questions))


def test_the_run_by_hand(hand) -> None:
    folder, run, _, _ = hand
    assert read_predictions(folder / "predictions.json") == {
        "parted": "one", "joined": "one", "twisted": "one", "long": " ".join(f"w{i}" for i in range(2, 22)),
        "longer": "w0 w1", "declined": "", "cased": "The one,", "edge": "seven",
    }  # fmt: skip
    assert run.scores["exact"] == 50.0


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("forced answer", {"joined", "twisted", "long", "declined", "cased"}),
        ("n_best 1", {"parted", "long", "cased"}),  # where a best start is CLS, or behind the best end, nothing is left
        ("max_answer_length 15", {"joined", "twisted", "long", "cased"}),
        ("max_answer_length 1000", {"joined", "twisted", "long", "longer", "cased"}),
        ("farm", {"parted", "joined", "twisted", "long", "longer", "cased"}),
        ("run_squad", {"joined", "twisted", "long", "cased", "edge"}),
    ],
)
def test_other_decodings_by_hand(hand, name: str, right: set[str]) -> None:
    _, _, questions, tried = hand
    own = {"joined", "twisted", "long", "cased"}
    item = tried[name]
    assert "null_threshold 0" not in tried
    assert item.scores["exact"] == pytest.approx(100 * len(right) / len(questions))
    assert (item.gained, item.lost) == (len(right - own), len(own - right))
    assert (item.decoding is None) == (name in {"farm", "run_squad"})


def test_the_pipeline_by_hand(tmp_path: Path) -> None:
    """Probabilities of each window for itself, and pieces of words widened to words."""
    questions = [asked("sure", WORDS, "nine"), asked("none", WORDS, "one")]
    of = {
        # the higher score stands in the window where another span rivals it
        "sure": [(0, 8, -5, {1: 5.0, 3: 5.0}, {1: 0.0, 3: 0.0}), (4, 10, -5, {9: 4.0}, {9: 0.0})],
        # where every question has an answer, no answer takes no part
        "none": [(0, 8, 3.0, {1: 1.2}, {1: 1.2})],
    }
    run = make_run(tmp_path / "r", questions, SMALL, of)
    assert read_predictions(tmp_path / "r" / "predictions.json") == {"sure": "one", "none": ""}
    item = by_name(try_protocols(tmp_path / "r", run, questions))["pipeline"]
    assert (item.scores["exact_match"], item.gained, item.lost) == (100.0, 2, 0)
    # elsewhere it has the lowest of its probabilities: about .9 * .9 and .5 * .5 against .5 * .5 and the span's .1 * .1
    more = [questions[1], asked("empty", WORDS)]
    of |= {"empty": [(0, 8, 3.0, {1: 0.8}, {1: 0.8}), (4, 10, 1.0, {9: 0.99}, {9: 0.99})]}
    run = make_run(tmp_path / "m", more, replace(SMALL, forced_answer=True), of)
    item = by_name(try_protocols(tmp_path / "m", run, more))["pipeline"]
    assert (item.scores["HasAns_exact"], item.scores["NoAns_exact"]) == (0.0, 100.0)


def test_the_pipeline_adds_up_what_widens_to_the_same_words(tmp_path: Path) -> None:
    """Tokens of three letters: "abc" and "abcdef" are one answer, more probable than "xyz", the best span."""
    questions = [asked("a", "abcdef xyz", "abcdef"), asked("b", "uvw abcdef xyz", "abcdef")]
    of = {
        "a": [(0, 3, -9, {0: 2.0, 2: 2.1}, {0: 2.0, 1: 2.0, 2: 2.3})],
        "b": [(0, 4, -9, {1: 2.0}, {1: 2.0})],
    }
    run = make_run(tmp_path, questions, SMALL, of, token=r"\S{1,3}")
    assert read_predictions(tmp_path / "predictions.json") == {"a": "xyz", "b": "abc"}
    item = by_name(try_protocols(tmp_path, run, questions))["pipeline"]
    assert (item.scores["exact_match"], item.gained) == (100.0, 2)


def test_the_pipeline_answers_with_15_tokens_at_most(tmp_path: Path) -> None:
    questions = [asked("many", LONG, "w3"), asked("few", LONG, " ".join(f"w{i}" for i in range(3, 18)))]
    of = {
        "many": [(0, 40, -5, {3: 3.0}, {3: 2.0, 18: 3.0})],  # 16 tokens
        "few": [(0, 40, -5, {3: 3.0}, {3: 2.0, 17: 3.0})],
    }
    run = make_run(tmp_path, questions, SMALL, of)
    assert read_predictions(tmp_path / "predictions.json")["many"].endswith("w18")
    assert by_name(try_protocols(tmp_path, run, questions))["pipeline"].scores["exact_match"] == 100.0


def test_tokens_are_widened_to_whole_words() -> None:
    context = "the under-stated, .."
    places = [(0, 0), (0, 3), (4, 6), (6, 9), (9, 10), (10, 16), (16, 17), (18, 19), (19, 19), (0, 0)]
    characters = np.array(places, dtype=np.int32)
    zeros = np.zeros(len(places), dtype=np.float32)
    (wide,) = widen_tokens(context, [WindowLogits(zeros, zeros, characters, (1, 9), 0)])
    widened = [(0, 3), (4, 9), (4, 9), (9, 10), (10, 16), (16, 17), (18, 19), (19, 19)]
    assert wide.characters[1:9].tolist() == [list(pair) for pair in widened]
    assert characters.tolist() == [list(pair) for pair in places]


def test_thresholds_by_hand(tmp_path: Path) -> None:
    """Spans score 0; the run answers a and b, of which b has no answer."""
    golds = {"a": ["one"], "b": [], "c": ["one"], "d": ["one two"], "e": [], "f": [], "g": ["one"]}
    odds = {"a": -6, "b": -2, "c": 1, "d": 3, "e": 5, "f": 2, "g": 3.5}
    questions = [asked(qid, WORDS, *answers) for qid, answers in golds.items()]
    of = {qid: [(0, 8, null / 2, {1: 0.0}, {1: 0.0})] for qid, null in odds.items()}
    run = make_run(tmp_path, questions, SMALL, of)
    assert run.scores["exact"] == pytest.approx(300 / 7)
    tried = by_name(try_protocols(tmp_path, run, questions))
    # no answer to any question gets 3; a 4, b 3, and no more as the run declined the others
    best = tried["best threshold"]
    assert best.scores == pytest.approx({"exact": 400 / 7, "f1": 400 / 7, "total": 7})
    assert "(-6 and -6)" in best.how
    assert (best.gained, best.lost) == (1, 0)
    # forced: a 4, b 3, c 4, f 3, d 3 (f1 3.67), g 4 (f1 4.67), e 3
    exact, f1 = tried["threshold for exact"], tried["threshold for f1"]
    assert (exact.scores["exact"], exact.scores["f1"]) == pytest.approx((400 / 7, 400 / 7))
    assert f1.scores["f1"] == pytest.approx(100 * (4 + 2 / 3) / 7)
    assert (f1.scores["HasAns_exact"], f1.scores["NoAns_exact"]) == pytest.approx((75, 100 / 3))
    assert "above 3.5," in f1.how
    # without probabilities the script counts along the data: a 4, b 3, then what the run declined
    assert tried["no-answer probability 0"].scores == pytest.approx(
        {"best_exact": 400 / 7, "best_exact_thresh": 0.0, "best_f1": 400 / 7, "best_f1_thresh": 0.0}
    )


def test_what_counts_as_right_by_hand(hand) -> None:
    _, run, _, tried = hand
    # "The one," is "one" but for case, article and mark
    assert tried["raw text"].scores == {"exact": 37.5, "total": 8}
    assert (tried["raw text"].gained, tried["raw text"].lost) == (0, 1)
    assert tried["first reference"].scores["exact"] == run.scores["exact"]
    assert tried["first reference"].scores["f1"] == run.scores["f1"]
    assert tried["answerable only"].scores["exact"] == run.scores["HasAns_exact"]
    assert tried["answerable only"].scores["total"] == 7
    assert set(tried["answerable only"].scores) == {"exact", "f1", "total"}
    assert tried["answerable only, forced answer"].scores["exact"] == tried["forced answer"].scores["HasAns_exact"]


def test_the_first_reference_alone(tmp_path: Path) -> None:
    questions = [asked("a", WORDS, "two", "one"), asked("b", WORDS, "one", "two")]
    run = make_run(tmp_path, questions, SMALL, None, Predictions({"a": "one", "b": "one"}, {}), model=None)
    item = by_name(try_protocols(tmp_path, run, questions))["first reference"]
    assert (item.scores["exact_match"], item.gained, item.lost) == (50.0, 0, 1)


def test_missing_predictions_left_out(tmp_path: Path) -> None:
    questions = [asked("a", WORDS, "one"), asked("b", WORDS, "two"), asked("c", WORDS)]
    answers = {"a": "one", "c": "zero"}
    scores = squad.score_predictions(questions, answers, missing="zero")
    run = make_run(tmp_path, questions, SMALL, None, Predictions({**answers, "b": ""}, {}), model=None)
    write_json(tmp_path / "predictions.json", answers)
    run = replace(run, scores=squad.summarize(scores), predictions_sha256=file_sha256(tmp_path / "predictions.json"))
    tried = by_name(try_protocols(tmp_path, run, questions))
    assert tried["missing left out"].scores["exact"] == 50.0
    assert tried["missing left out"].scores["total"] == 2
    assert tried["answerable only"].scores["exact"] == 50.0


def test_an_answer_of_squad_1_1_may_be_empty(tmp_path: Path) -> None:
    questions = [asked("a", WORDS, "one"), asked("b", WORDS, "one")]
    of = {"a": two((6, 2), (5, 3)), "b": two((6, 9), (5, 3))}
    run = make_run(tmp_path, questions, replace(SMALL, forced_answer=True), of)
    tried = by_name(try_protocols(tmp_path, run, questions))
    assert run.scores["exact_match"] == 100.0
    assert tried["empty answers"].scores["exact_match"] == 50.0
    assert tried["farm"].scores["exact_match"] == 100.0
    assert tried["farm eval_on_file"].scores == {"exact_match": 50.0, "f1": 50.0, "total": 2}  # FARM always may decline
    assert not {"forced answer", "best threshold", "answerable only"} & tried.keys()


# The token-level metric.


@pytest.mark.parametrize(
    ("first", "last", "label"), [(8, 10, None), (4, 10, (1, 3)), (4, 6, (1, 1)), (0, 2, (0, 0)), (0, 6, (0, 1))]
)
def test_labels_by_hand(first: int, last: int, label: tuple[int, int] | None) -> None:
    """Tokens at 0, 4 and 8 of 11 characters: what begins in the last one is no answer, what ends there ends behind."""
    context = "abc def ghi"
    question = asked("q", context, context[first : last + 1])
    found = find_labels(question, [np.array([0, 4, 8])], 3)
    assert found == {label or (-1, -1)}


def test_labels_of_two_windows_by_hand() -> None:
    """Windows of tokens 0 to 2 and 2 to 4: an answer that one window cuts is none there, but for one token."""
    context = "a b c d e"
    places = [np.array([0, 2, 4]), np.array([4, 6, 8])]
    assert find_labels(asked("q", context, "b c"), places, 2) == {(1, 2)}
    assert find_labels(asked("q", context, "c d"), places, 2) == {(2, 3)}
    assert find_labels(asked("q", context, "a b c d"), places, 2) == {(0, 3)}  # cut off by one token in the first
    assert find_labels(asked("q", context, "b c d e"), places, 2) == {(-1, -1)}
    assert find_labels(asked("q", context, "b", "a", "b c d e"), places, 2) == {(1, 1), (0, 0)}
    wrong = replace(asked("q", context, "b"), answers=(replace(asked("q", context, "b").answers[0], text="x"),))
    assert find_labels(wrong, places, 2) is None


@pytest.mark.parametrize(
    ("span", "label", "f1"),
    [
        ((2, 4), (2, 4), 1.0),
        ((2, 4), (3, 6), 2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4)),
        ((2, 4), (5, 6), 0.0),
        ((-1, -1), (-1, -1), 1.0),
        ((-1, -1), (0, 3), 0.0),
        ((0, 0), (0, 3), 1.0),  # the first token alone counts as all that begins there
        ((1, 3), (0, 0), 0.0),
        ((0, 3), (0, 0), 1.0),
    ],
)
def test_overlap_by_hand(span: tuple[int, int], label: tuple[int, int], f1: float) -> None:
    assert overlap(span, label) == pytest.approx(f1)


@pytest.mark.parametrize("case", [case for case in CASES if case.era == "farm-1.x"], ids=str)
def test_labels_and_scores_are_those_of_haystack(case) -> None:
    record, recorded = METRIC[case.tokenizer][case.setting], case.windows()
    assert len(record) > 50
    seen = 0
    for number, there in record.items():
        own = recorded[int(number)]
        places = [np.array(w["starts"], dtype=np.int32) for w in own]
        if not len(places[0]):
            continue
        labels = find_labels(all_questions()[int(number)], places, case.decoding.doc_stride)
        assert labels is not None
        assert sorted(labels) == [tuple(label) for label in there["labels"]], number
        for first, last, exact, f1 in there["spans"]:
            assert float((first, last) in labels) == exact
            assert max(overlap((first, last), label) for label in labels) == pytest.approx(f1, abs=1e-9)
            seen += 1
    assert seen > 400


@pytest.mark.parametrize("case", [case for case in CASES if case.era == "farm-1.x"], ids=str)
def test_questions_that_haystack_left_out(case) -> None:
    left_out = {n for n in case.features["dropped"] + case.features["skipped"] if n in case.windows()}
    for number in left_out:
        places = [np.array(w["starts"], dtype=np.int32) for w in case.windows()[number]]
        assert not len(places[0]) or find_labels(all_questions()[number], places, case.decoding.doc_stride) is None


def test_eval_on_file_by_hand(hand) -> None:
    _, _, _, tried = hand
    right = {
        "parted": 1.0,  # declined, as none of its windows prefers the span
        "joined": 1.0,
        "twisted": 1.0,
        "long": 1.0,
        "longer": 0.0,  # the last word is the last token: the label ends behind it, 40 of 41 tokens
        "declined": 0.0,
        "cased": 0.0,  # tokens 1 to 2 against 2, 0 and 2
        "edge": 0.0,
    }
    item = tried["farm eval_on_file"]
    assert item.scores["exact"] == pytest.approx(100 * sum(right.values()) / 8)
    f1 = sum(right.values()) + 2 * (40 / 41) / (1 + 40 / 41) + 2 / 3
    assert item.scores["f1"] == pytest.approx(100 * f1 / 8)


@pytest.mark.parametrize("stride_is", ["overlap", "step"])
def test_tokens_of_a_later_window_count_on(tmp_path: Path, stride_is: str) -> None:
    """Windows of words 0 to 7 and 4 to 9, or 5 to 9: the ninth word is the second window's."""
    step = 4 if stride_is == "overlap" else 5
    misplaced = asked("left out", WORDS, "one")
    misplaced = replace(misplaced, answers=(replace(misplaced.answers[0], text="won"),))
    questions = [
        asked("a", WORDS, "eight"),
        asked("b", WORDS, "seven eight", "one"),
        misplaced,
        asked("c", WORDS, "six"),
    ]
    of = {q.id: [(0, 8, -5, {1: 2.0}, {1: 2.0}), (step, 10, -5, {8: 3.0}, {8: 3.0})] for q in questions}
    of["c"] = [(0, 8, -5, {1: 2.0}, {1: 2.0}), (step, 10, -5, {6: 3.0}, {6: 3.0})]  # in both windows
    decoding = replace(SMALL, doc_stride_is=stride_is, doc_stride=step)
    run = make_run(tmp_path, questions, decoding, of)
    item = by_name(try_protocols(tmp_path, run, questions))["farm eval_on_file"]
    assert item.scores == pytest.approx({"exact_match": 200 / 3, "f1": 100 * (2 + 2 / 3) / 3, "total": 3})
    assert item.how.endswith("left out, as FARM drops them: 1")


def test_a_context_without_tokens_is_left_out_of_the_mean() -> None:
    nothing = WindowLogits(np.float32([1, 0]), np.float32([2, 0]), np.zeros((2, 2), dtype=np.int32), (1, 1), 0)
    assert score_tokens(asked("q", " "), [nothing], SMALL) is None


@settings(max_examples=150, deadline=None)
@given(windows())
def test_the_span_is_that_of_the_farm_rule(found: list[WindowLogits]) -> None:
    chosen = choose_span(found)
    decoded = decode_spans("q", CONTEXT, found, FARM)
    if chosen is None:
        assert decoded.answer == ""
    else:
        number, first, last = chosen
        characters = found[number].characters
        assert decoded.answer == CONTEXT[characters[first, 0] : characters[last, 1]]


@settings(max_examples=80, deadline=None)
@given(windows(), st.sampled_from([1, 2, 20]), st.integers(1, 6))
def test_one_window_needs_no_owner(found: list[WindowLogits], n_best: int, longest: int) -> None:
    """With all context in one window, the best span under ``run_squad`` is that of ``run_qa``."""
    alone = (found[0],)
    for forced in (False, True):
        decoding = Decoding(n_best=n_best, max_answer_length=longest, forced_answer=forced)
        assert choose_max_context(CONTEXT, alone, decoding) == decode_run_qa(CONTEXT, alone, decoding).answer


def test_a_start_counts_where_it_has_most_context() -> None:
    """Letters a to h and e to l: "f" has most context in the first window, "g" in the second."""

    def peak(letter: str, score: float, first: int) -> WindowLogits:
        logits = [-9.0] * 11
        logits[2 + CONTEXT.index(letter) - first] = score
        return window(logits, logits, 2, first)

    decoding = Decoding(doc_stride=4)
    for letter, answer in (("f", "f"), ("g", "h")):
        found = peak(letter, 9, 0), peak("h", 3, 4)
        assert decode_run_qa(CONTEXT, found, decoding).answer == letter
        assert choose_max_context(CONTEXT, found, decoding) == answer
    assert choose_max_context(CONTEXT, [one_span(3, 5)], Decoding()) == ""
    assert choose_max_context(CONTEXT, [one_span(3, 5)], Decoding(forced_answer=True)) == "a"
    assert choose_max_context(CONTEXT, [one_span(3, 5), one_span(3, 2)], Decoding()) == "a"  # the lowest counts


# What is in a folder.


def test_several_decodings_at_once_are_those_one_by_one(hand) -> None:
    folder, _, questions, _ = hand
    decodings = [
        SMALL,
        replace(SMALL, n_best=2),
        replace(SMALL, forced_answer=True),
        replace(SMALL, null_threshold=1.5),
    ]
    together = rescore_many(folder / "logits", questions, decodings)
    for made, decoding in zip(together, decodings, strict=True):
        alone = rescore_logits(folder / "logits", questions, decoding)
        assert (made.answers, made.null_odds, made.computed) == (alone.answers, alone.null_odds, alone.computed)
        assert len(made.n_best) == 0 < len(alone.n_best)
    with pytest.raises(RecordError, match="found logits with doc_stride 4, expected 5"):
        rescore_many(folder / "logits", questions, [SMALL, replace(SMALL, doc_stride=5)])


def test_without_logits_the_same_figures_come_from_the_files(hand, tmp_path: Path) -> None:
    folder, run, questions, tried = hand
    (folder / "logits").rename(tmp_path / "aside")
    without = by_name(try_protocols(folder, run, questions))
    assert set(without) == {
        "forced answer", "best threshold", "threshold for f1", "threshold for exact", "no-answer probability 0",
        "raw text", "first reference", "answerable only", "answerable only, forced answer",
    }  # fmt: skip
    assert all(replace(tried[name], decoding=None) == item for name, item in without.items())
    said = untried(folder, run)
    assert said is not None
    assert "harness evaluate --keep-logits" in said
    write_json(folder / "nbest_predictions.json", {"parted": []})
    with pytest.raises(PredictionsError, match="lacks 7 of 8 questions"):
        try_protocols(folder, run, questions)
    write_json(folder / "nbest_predictions.json", {q.id: [{"txt": ""}] for q in questions})
    with pytest.raises(PredictionsError, match="has no text"):
        try_protocols(folder, run, questions)


def test_predictions_alone(tmp_path: Path) -> None:
    questions = [asked("a", WORDS, "one"), asked("b", WORDS)]
    run = make_run(tmp_path, questions, SMALL, None, Predictions({"a": "one", "b": ""}, {}), model=None)
    assert set(by_name(try_protocols(tmp_path, run, questions))) == {
        "no-answer probability 0", "raw text", "answerable only",
    }  # fmt: skip
    assert "logits" in (untried(tmp_path, run) or "")


def test_what_cannot_be_tried_is_said(hand) -> None:
    folder, run, _questions, _ = hand
    assert "No logits" not in (untried(folder, run) or "")
    assert "need the model again" in (untried(folder, run) or "")


def test_windows_of_whole_words_are_left_to_their_own_rule(tmp_path: Path) -> None:
    questions = [asked("a", WORDS, "one"), asked("b", WORDS)]
    of = {"a": two((6, 2), (5, 3)), "b": two((6, 9), (5, 3))}
    decoding = replace(SMALL, protocol="run_squad", doc_stride_is="step")
    run = make_run(tmp_path, questions, decoding, of)
    tried = by_name(try_protocols(tmp_path, run, questions))
    assert not {"farm", "pipeline", "farm eval_on_file", "run_qa", "run_squad"} & tried.keys()
    assert {"forced answer", "n_best 1", "max_answer_length 15"} <= tried.keys()
    assert "Windows of run_squad" in (untried(tmp_path, run) or "")


def test_a_farm_run_tries_the_rule_of_the_examples(tmp_path: Path) -> None:
    questions = [asked("parted", WORDS, "one"), asked("b", WORDS), asked("near", WORDS)]
    of = {"parted": two((6, 3.5), (5, 3)), "b": two((6, 9), (5, 3)), "near": two((5.125, 9), (5, 3))}
    decoding = replace(SMALL, protocol="farm", doc_stride_is="step", max_answer_length=1000, null_threshold=0.25)
    run = make_run(tmp_path, questions, decoding, of)
    tried = by_name(try_protocols(tmp_path, run, questions))
    assert (tried["run_qa"].gained, tried["run_qa"].lost) == (2, 0)  # "near" is within the run's threshold
    assert not {"farm", "max_answer_length 1000"} & tried.keys()
    assert not any(name.startswith("n_best") for name in tried)
    assert {"null_threshold 0", "max_answer_length 15", "max_answer_length 30", "run_squad"} <= tried.keys()


LONGER = replace(SMALL, max_seq_len=64, doc_stride=8)


def test_runs_of_the_same_weights_are_protocols(hand, tmp_path: Path) -> None:
    folder, run, questions, tried = hand
    answers = read_predictions(folder / "predictions.json")
    made = Predictions({**answers, "edge": "six", "long": "no"}, {})
    other = make_run(tmp_path / "o", questions, LONGER, None, made, run_id="o")
    forced = make_run(tmp_path / "f", questions, replace(SMALL, forced_answer=True), None, made, run_id="f")
    others = [(folder, run), (tmp_path / "o" / "record.json", other), (tmp_path / "f", forced)]
    found = by_name(try_protocols(folder, run, questions, others=others))
    # the forced answers were tried on the run's own logits
    assert found.keys() - tried.keys() == {"max_seq_len 64, doc_stride 8 overlap"}
    item = found["max_seq_len 64, doc_stride 8 overlap"]
    assert (item.scores, item.gained, item.lost) == (other.scores, 1, 1)
    assert item.decoding == LONGER
    assert "run o" in item.how
    half = replace(run, id="half", signature=run.signature.replace("float32", "bfloat16"))
    unsigned = replace(run, id="unsigned", signature=run.signature.replace(" | dtype:float32", ""))
    others = [(folder, half), (folder, unsigned), (folder, run)]
    found = by_name(try_protocols(folder, run, questions, others=others))
    assert found.keys() - tried.keys() == {"dtype bfloat16"}


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "r", "recipe": None},
        {"model": None},
        {"model": "x"},
        {"kind": "replay"},
        {"status": "running"},
        {"bounds": Bounds("betting", 0.05, 1, 3, 8, {}, {}, True)},
        {"evaluated": None},
        {"scores": {"exact_match": 1.0, "f1": 1.0}},
        {"predictions_sha256": "0"},
    ],
    ids=lambda changes: next(reversed(changes)),
)
def test_other_runs_are_passed_over(hand, tmp_path: Path, changes: dict) -> None:
    folder, run, questions, tried = hand
    answers = read_predictions(folder / "predictions.json")
    other = make_run(tmp_path / "o", questions, LONGER, None, Predictions(answers, {}), run_id="o")
    if changes.get("model"):
        changes = {"model": replace(other.model, sha256="x")}
    if "recipe" in changes:
        changes = {"id": run.id, "recipe": run.recipe}
    others = [(tmp_path / "o", replace(other, **changes)), (tmp_path / "gone", other)]
    assert by_name(try_protocols(folder, run, questions, others=others)).keys() == tried.keys()


def test_runs_on_other_data_are_passed_over(hand, tmp_path: Path) -> None:
    folder, run, questions, tried = hand
    asked_otherwise = [replace(q, question="Who?") for q in questions]
    answers = read_predictions(folder / "predictions.json")
    other = make_run(tmp_path / "o", asked_otherwise, LONGER, None, Predictions(answers, {}), run_id="o")
    found = try_protocols(folder, run, questions, others=[(tmp_path / "o", other)])
    assert by_name(found).keys() == tried.keys()


def test_other_questions_and_changed_files_are_refused(hand) -> None:
    folder, run, questions, _ = hand
    with pytest.raises(RecordError, match="give the data of the run"):
        try_protocols(folder, run, questions[1:])
    with pytest.raises(RecordError, match="not finished"):
        try_protocols(folder, replace(run, status="failed"), questions)
    with pytest.raises(RecordError, match="not those of its record"):
        try_protocols(folder, replace(run, scores={**run.scores, "exact": 51.0}), questions)
    odds = read_json(folder / "null_odds.json")
    write_json(folder / "null_odds.json", {**odds, "more": 1.0})
    with pytest.raises(PredictionsError, match="null odds name 1 id"):
        try_protocols(folder, run, questions)
    write_json(folder / "null_odds.json", odds)
    other = replace(run, recipe=replace(run.recipe, decoding=replace(run.recipe.decoding, max_answer_length=1)))
    with pytest.raises(RecordError, match="do not give its predictions"):
        try_protocols(folder, other, questions)
    answers = read_predictions(folder / "predictions.json")
    write_json(folder / "predictions.json", {**answers, "edge": "other"})
    with pytest.raises(RecordError, match="not those of its record"):
        try_protocols(folder, run, questions)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_thresholds_and_counts_are_those_of_brute_force(tmp_path_factory, data: st.DataObject) -> None:
    words = ("one", "two", "one two", "")
    rows = data.draw(
        st.lists(
            st.tuples(st.lists(st.sampled_from(words[:3]), max_size=2), st.sampled_from(words), st.integers(-3, 3)),
            min_size=2, max_size=7,
        )
    )  # fmt: skip
    questions = [asked(str(i), WORDS, *texts) for i, (texts, _, _) in enumerate(rows)] + [asked("none", WORDS)]
    answers = {str(i): guess for i, (_, guess, _) in enumerate(rows)} | {"none": "two"}
    odds = {str(i): float(value) for i, (_, _, value) in enumerate(rows)} | {"none": 0.0}
    folder = tmp_path_factory.mktemp("run")
    run = make_run(folder, questions, replace(SMALL, n_best=1), None, Predictions(answers, odds))
    tried = by_name(try_protocols(folder, run, questions))
    golds = {q.id: [a.text for a in q.answers] for q in questions}
    official = plain_squad.figures_2_0(golds, answers, odds, np.inf)
    best = tried["best threshold"]
    assert best.scores == {"exact": official["best_exact"], "f1": official["best_f1"], "total": len(questions)}
    own = {q.id: plain_squad.exact_2_0(golds[q.id], answers[q.id]) == 1 for q in questions}
    cut = {qid: not golds[qid] if odds[qid] > official["best_exact_thresh"] else own[qid] for qid in own}
    assert best.gained == sum(cut[i] and not own[i] for i in own)
    assert best.lost == sum(own[i] and not cut[i] for i in own)
    for name in ("exact", "f1"):
        at = plain_squad.figures_2_0(golds, answers, odds, official[f"best_{name}_thresh"])
        expected = {key: value for key, value in at.items() if not key.startswith("best")}
        assert tried[f"threshold for {name}"].scores == pytest.approx(expected)
    zeros = plain_squad.figures_2_0(golds, answers, dict.fromkeys(odds, 0.0), 0.0)
    assert tried["no-answer probability 0"].scores["best_f1"] == zeros["best_f1"]
    raw = {q.id: answers[q.id] in (golds[q.id] or [""]) for q in questions}
    assert tried["raw text"].gained == sum(raw[i] and not own[i] for i in raw)
    assert tried["raw text"].lost == sum(own[i] and not raw[i] for i in raw)


# The chance.


def rescored(name: str, **scores: float) -> Rescored:
    return Rescored(name, "", scores, 0, 0)


def test_the_chance_by_hand() -> None:
    own = {"exact": 80.0, "f1": 84.0}
    one = rescored("one", exact=81.0, f1=85.0)
    near = rescored("near", exact=81.05, f1=83.0)
    far = rescored("far", exact=70.0, f1=84.0)
    edge = rescored("edge", exact=82.0, f1=86.0)
    half = rescored("half", exact=79.0)
    whole = 4 - 0.1
    assert find_chance(own, [one], ["exact"]) == pytest.approx(0.1 / whole)
    assert find_chance(own, [one, near], ["exact"]) == pytest.approx(0.15 / whole)
    assert find_chance(own, [one, near, far, edge, half], ["exact"]) == pytest.approx(0.3 / whole)
    assert find_chance(own, [one, near, half, edge], ["exact", "f1"]) == pytest.approx((0.02 + 0.0025) / (16 - 0.01))
    assert find_chance(own, [rescored("same", exact=80.0)], ["exact"]) == 0.0
    assert find_chance(own, [], ["exact"]) == 0.0
    assert find_chance(own, [one], []) == 0.0
    assert find_chance(own, [one], ["exact"], half_width=0.5, within=1.0) == pytest.approx(0.5)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-25, 25), st.integers(-25, 25)), max_size=6),
    st.sampled_from([["exact"], ["exact", "f1"]]),
)
def test_the_chance_is_the_share_of_a_grid(places: list[tuple[int, int]], keys: list[str]) -> None:
    """Figures a tenth apart and boxes of half a tenth more: every grid place is in or out as a whole."""
    own = {"exact": 50.0, "f1": 60.0}
    tried = [rescored(str(i), exact=50 + x / 10, f1=60 + y / 10) for i, (x, y) in enumerate(places)]
    grid = [(x, y) for x in range(-20, 20) for y in (range(-20, 20) if len(keys) == 2 else (0,))]
    inside = out = 0
    for x, y in grid:
        # cells of a tenth; a box reaches from two tenths below its figure to two above
        def held(cx: int, cy: int, x: int = x, y: int = y) -> bool:
            return cx - 2 <= x < cx + 2 and (len(keys) == 1 or cy - 2 <= y < cy + 2)

        if held(0, 0):
            continue
        out += 1
        inside += any(held(cx, cy) for cx, cy in places)
    assert find_chance(own, tried, keys, half_width=0.2) == pytest.approx(inside / out, abs=1e-9)


def test_published_predictions_without_odds(shared: Path, tmp_path: Path) -> None:
    questions = read_squad_file(shared / "data" / "squad" / "dev-v2.0.json")
    answers = read_predictions(shared / "data" / "predictions" / "squad2-dev-bert.json")
    run = make_run(tmp_path, questions, Decoding(), None, Predictions(answers, {}), model=None)
    tried = by_name(try_protocols(tmp_path, run, questions))
    assert set(tried) == {"no-answer probability 0", "raw text", "first reference", "answerable only"}
    assert tried["answerable only"].scores["f1"] == run.scores["HasAns_f1"]
    golds = {q.id: [a.text for a in q.answers] for q in questions}
    right = sum(answers[qid] in (texts or [""]) for qid, texts in golds.items())
    assert tried["raw text"].scores["exact"] == pytest.approx(100 * right / len(golds))
