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
