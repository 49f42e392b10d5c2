"""The FARM rule beside the ``run_qa`` rule: published test vectors, and the rule written out cell by cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.records import CLOSE, Decoding, from_json
from harness.spans import WindowLogits, decode_spans
from harness.spans.windows import Pieces

CONTEXT = "abcdefghijklmnopqrstuvwxyz"
FARM = Decoding(protocol="farm", max_answer_length=1000, n_best=5)


def window(start: Sequence[float], end: Sequence[float], low: int, first: int = 0) -> WindowLogits:
    """A window whose tokens from `low` to the last but one are letters of `CONTEXT`; CLS comes first."""
    high = len(start) - 1
    characters = np.zeros((len(start), 2), dtype=np.int32)
    for i in range(low, high):
        characters[i] = (first + i - low, first + i - low + 1)
    return WindowLogits(np.float32(start), np.float32(end), characters, (low, high), 0)


def one_span(span: float, null: float, first: int = 0) -> WindowLogits:
    """A window of one context token with these scores of the span and of no answer."""
    return window([null, 0, span, 0], [0, 0, 0, 0], 2, first)


@pytest.mark.parametrize(
    ("windows", "farm", "run_qa", "null_odds"),
    [
        ([one_span(5, 6), one_span(3, 3.5, 5)], "", "a", 0.5),
        ([one_span(5, 6), one_span(3, 2, 5)], "a", "a", -1.0),
        ([one_span(5, 5)], "", "a", 0.0),
    ],
    ids=["no answer in every window", "one window prefers its span", "a tie"],
)
def test_where_the_two_rules_part(windows: list[WindowLogits], farm: str, run_qa: str, null_odds: float) -> None:
    found = decode_spans("q", CONTEXT, windows, FARM)
    assert (found.answer, found.null_odds) == (farm, null_odds)
    assert decode_spans("q", CONTEXT, windows, Decoding()).answer == run_qa


def plainly(windows: Sequence[WindowLogits], longest: int) -> tuple[str, float]:
    """The answer and null odds from the whole score matrix of every window."""
    gap, best, text = -math.inf, -math.inf, ""
    for w in windows:
        top = -math.inf
        for i in range(*w.context):
            for j in range(i, min(w.context[1], i + longest)):
                score = float(w.start[i]) + float(w.end[j])
                top = max(top, score)
                if score > best:
                    best, text = score, CONTEXT[w.characters[i][0] : w.characters[j][1]]
        gap = max(gap, top - float(w.start[0]) - float(w.end[0]))
    return ("" if gap <= 0 else text), -gap


@st.composite
def windows(draw: st.DrawFn) -> list[WindowLogits]:
    logit = st.integers(-8, 8).map(lambda n: n / 2)
    made = []
    for _ in range(draw(st.integers(1, 3))):
        low, letters = draw(st.integers(2, 4)), draw(st.integers(1, 8))
        logits = st.lists(logit, min_size=low + letters + 1, max_size=low + letters + 1)
        made.append(window(draw(logits), draw(logits), low, draw(st.integers(0, 10))))
    return made


@settings(max_examples=500, deadline=None)
@given(windows(), st.sampled_from([1, 2, 5, 1000]), st.integers(1, 6))
def test_farm_equals_the_whole_matrix(found: list[WindowLogits], longest: int, n_best: int) -> None:
    decoded = decode_spans("q", CONTEXT, found, Decoding(protocol="farm", max_answer_length=longest, n_best=n_best))
    answer, null_odds = plainly(found, longest)
    assert decoded.null_odds == null_odds
    assert decoded.answer == answer
    if decoded.n_best:
        assert decoded.n_best[0]["text"] == decoded.answer
    scores = [candidate["start_logit"] + candidate["end_logit"] for candidate in decoded.n_best]
    assert scores == sorted(scores, reverse=True)
    spans = [tuple(place) for place in decoded.characters.tolist()]
    assert len(spans) == len(set(spans)) <= n_best


def moved(found: list[WindowLogits], seed: int) -> list[WindowLogits]:
    """The windows with every logit moved by less than a quarter of a close call."""
    noise = np.random.default_rng(seed)
    return [
        WindowLogits(
            *(
                (logits + noise.uniform(-CLOSE / 4, CLOSE / 4, len(logits)).astype(np.float32))
                for logits in (w.start, w.end)
            ),
            w.characters,
            w.context,
            w.cls,
        )
        for w in found
    ]


@settings(max_examples=300, deadline=None)
@given(windows(), st.sampled_from(["run_qa", "farm"]), st.booleans(), st.integers(0, 999))
def test_an_answer_that_rounding_changes_is_a_close_call(
    found: list[WindowLogits], protocol: str, forced: bool, seed: int
) -> None:
    decoding = from_json(Decoding, {"protocol": protocol, "forced_answer": forced})
    for n_best in (3, 20) if protocol == "farm" else (20,):
        settled = replace(decoding, n_best=n_best)
        decoded = decode_spans("q", CONTEXT, found, settled)
        if decode_spans("q", CONTEXT, moved(found, seed), settled).answer != decoded.answer:
            assert decoded.margin < CLOSE


def test_an_answer_that_is_far_from_another_is_none() -> None:
    assert decode_spans("q", CONTEXT, [one_span(5, 3)], Decoding()).margin == 2.0
    assert decode_spans("q", CONTEXT, [one_span(5, 6)], Decoding()).margin == 1.0
    assert decode_spans("q", CONTEXT, [one_span(5, 6)], Decoding(forced_answer=True)).margin == math.inf


def test_a_forced_farm_answer_has_characters_where_any_span_has() -> None:
    found = window([0, 0, 9, 1, 0], [0, 0, 9, 1, 0], 2)
    found.characters[2] = (1, 1)
    decoded = decode_spans("q", CONTEXT, [found], Decoding(protocol="farm", forced_answer=True))
    assert decoded.answer == "b"


def test_the_best_spans_are_all_found() -> None:
    generator = np.random.default_rng(0)
    found = window(generator.normal(size=24).tolist(), generator.normal(size=24).tolist(), 2)
    cells = sorted(
        (float(found.start[i]) + float(found.end[j]) for i in range(2, 23) for j in range(i, 23)), reverse=True
    )
    decoded = decode_spans("q", CONTEXT, [found], Decoding(protocol="farm", n_best=20, forced_answer=True))
    assert [c["start_logit"] + c["end_logit"] for c in decoded.n_best] == pytest.approx(cells[:20])


def test_no_answer_boost_is_minus_the_threshold() -> None:
    found = [one_span(5, 4)]
    answers = [
        decode_spans("q", CONTEXT, found, Decoding(protocol="farm", null_threshold=t)).answer for t in (-1.1, -1, -0.9)
    ]
    assert answers == ["", "", "a"]


def test_farm_answers_are_stripped_and_blank_ones_are_none() -> None:
    found = one_span(5, 1)
    found.characters[2] = (0, 3)
    assert decode_spans("q", " a  ", [found], FARM).answer == "a"
    assert decode_spans("q", "    ", [found], FARM).answer == ""


def test_forced_farm_answers() -> None:
    decoded = decode_spans("q", CONTEXT, [one_span(5, 60)], Decoding(protocol="farm", forced_answer=True))
    assert decoded.answer == "a"
    assert [candidate["text"] for candidate in decoded.n_best] == ["a"]


@pytest.mark.parametrize("forced", [False, True])
def test_farm_without_context_has_no_answer(forced: bool) -> None:
    found = window([3, 1, 1], [3, 1, 1], 2)
    decoded = decode_spans("q", "", [found], Decoding(protocol="farm", forced_answer=forced))
    assert (decoded.answer, decoded.null_odds) == ("", 6.0)
    assert len(decoded.n_best) == (not forced)


def test_older_records_of_decoding_still_load() -> None:
    old = {"protocol": "run_qa", "n_best": 20, "max_answer_length": 30, "null_threshold": 0.0, "max_seq_len": 384}
    assert from_json(Decoding, old) == Decoding()


WORDS = "ab cd ef gh ij kl mn op"
LETTERS = WORDS.replace(" ", "")
SQUAD = Decoding(protocol="run_squad", doc_stride_is="step", doc_stride=3, max_answer_length=4)


def word_window(start: Sequence[float], end: Sequence[float], first: int) -> WindowLogits:
    """A window whose tokens from 2 to the last but one are letters of `LETTERS`, two of which are a word."""
    places = range(first, first + len(start) - 3)
    characters = np.zeros((len(start), 2), dtype=np.int32)
    characters[2:-1] = [(3 * (i // 2), 3 * (i // 2) + 2) for i in places]
    texts = ["", "", *(LETTERS[i] for i in places), ""]
    later = ["", "", *(LETTERS[i] if i % 2 else f" {LETTERS[i]}" for i in places), ""]
    pieces = Pieces(
        np.arange(len(texts), dtype=np.int32),
        np.array([text.encode() for text in texts]),
        np.array([text.encode() for text in later]),
    )
    return WindowLogits(np.float32(start), np.float32(end), characters, (2, len(start) - 1), 0, pieces)


@st.composite
def word_windows(draw: st.DrawFn) -> list[WindowLogits]:
    logit = st.integers(-8, 8).map(lambda n: n / 2)
    letters, room = draw(st.integers(1, 16)), draw(st.integers(3, 8))
    made, first = [], 0
    while True:
        size = min(room, letters - first) + 3
        logits = st.lists(logit, min_size=size, max_size=size)
        made.append(word_window(draw(logits), draw(logits), first))
        if first + room >= letters:
            return made
        first += SQUAD.doc_stride


def plainly_by_words(windows: Sequence[WindowLogits], n_best: int) -> dict[str, float]:
    """Texts and scores of the candidates, the best first, one at a time."""
    candidates = []
    lengths = [w.context[1] - w.context[0] for w in windows]
    for k, w in enumerate(windows):
        starts, ends = (sorted(range(len(x)), key=lambda i, x=x: -x[i])[:n_best] for x in (w.start, w.end))
        for i in starts:
            place = 3 * k + i - 2
            context = [
                min(place - 3 * n, 3 * n + length - 1 - place) + 0.01 * length
                if 3 * n <= place < 3 * n + length
                else -1
                for n, length in enumerate(lengths)
            ]
            for j in ends:
                if 2 <= i <= j < min(w.context[1], i + 4) and context.index(max(context)) == k:
                    last = place + j - i
                    text = WORDS[place + place // 2 : last + last // 2 + 1]
                    candidates.append((float(w.start[i]) + float(w.end[j]), text))
    candidates.append((min(float(w.start[0]) + float(w.end[0]) for w in windows), ""))
    found: dict[str, float] = {}
    for score, text in sorted(candidates, key=lambda candidate: -candidate[0]):
        if len(found) < n_best:
            found.setdefault(text, score)
    found.setdefault("", candidates[-1][0])
    return found


@settings(max_examples=300, deadline=None)
@given(word_windows(), st.sampled_from([2, 5, 20]))
def test_run_squad_equals_the_rule_written_out_plainly(found: list[WindowLogits], n_best: int) -> None:
    decoded = decode_spans("q", WORDS, found, replace(SQUAD, n_best=n_best))
    expected = plainly_by_words(found, n_best)
    assert {c["text"]: c["start_logit"] + c["end_logit"] for c in decoded.n_best} == expected
    assert [c["text"] for c in decoded.n_best] == list(expected)
    texts = [text for text in expected if text]
    if texts:
        assert decoded.null_odds == expected[""] - expected[texts[0]]
        assert decoded.answer == ("" if decoded.null_odds > 0 else texts[0])
    forced = decode_spans("q", WORDS, found, replace(SQUAD, n_best=n_best, forced_answer=True))
    assert [c["text"] for c in forced.n_best][: len(texts)] == texts
    assert forced.answer == (texts[0] if texts else "")


@settings(max_examples=200, deadline=None)
@given(word_windows(), st.booleans(), st.integers(0, 999))
def test_a_run_squad_answer_that_rounding_changes_is_a_close_call(
    found: list[WindowLogits], forced: bool, seed: int
) -> None:
    decoding = replace(SQUAD, forced_answer=forced)
    decoded = decode_spans("q", WORDS, found, decoding)
    shaken = [replace(w, pieces=f.pieces) for w, f in zip(moved(found, seed), found, strict=True)]
    if decode_spans("q", WORDS, shaken, decoding).answer != decoded.answer:
        assert decoded.margin < CLOSE


def test_run_squad_answers_are_words_joined_by_single_blanks() -> None:
    found = word_window([0, 0, 0, 0, 9, 0, 0, 0], [0, 0, 0, 0, 0, 0, 9, 0], 0)
    spread = "\tab  cd\n\u202fef "
    found.characters[2:7] = [(1, 3), (1, 3), (5, 7), (5, 7), (9, 11)]
    whole = WindowLogits(found.start, found.end, found.characters, found.context, found.cls)
    assert decode_spans("q", spread, [whole], SQUAD).answer == "cd ef"
    assert decode_spans("q", spread, [found], SQUAD).answer == "cd e"
    assert decode_spans("q", spread, [found], SQUAD).context == "ab cd ef"


def test_run_squad_tells_where_a_question_has_no_answer() -> None:
    nothing = WindowLogits(np.float32([1, 0]), np.float32([2, 0]), np.zeros((2, 2), dtype=np.int32), (1, 1), 0)
    decoded = decode_spans("q", " ", [nothing], SQUAD)
    assert (decoded.answer, decoded.null_odds, [c["text"] for c in decoded.n_best]) == ("", 3.0, [""])
    assert decode_spans("q", " ", [nothing], replace(SQUAD, forced_answer=True)).n_best == ()
    found = [word_window([9, 0, 0, 0], [9, 0, 5, 0], 0)]
    assert decode_spans("q", WORDS, found, SQUAD).margin == 13.0
