"""Answers against those of the eras' own code, from the windows that it made; no model and no tokenizer here."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from era_records import CASES, Case, all_questions, compare

from harness.spans import WindowLogits, decode_spans
from harness.spans.basic_tokenizer import align, tokenize_basic
from harness.spans.run_squad import WORD, find_owner
from harness.spans.windows import Pieces

SQUAD = [case for case in CASES if case.era.startswith("run_squad")]


def read_tokens(case: Case) -> dict[int, str]:
    if (case.folder / "vocab.txt").exists():
        return dict(enumerate((case.folder / "vocab.txt").read_text("utf-8").split("\n")))
    return {number: token for token, number in json.loads((case.folder / "vocab.json").read_text("utf-8")).items()}


def byte_of(letter: str) -> int:
    """The byte that a letter of a byte-level vocabulary stands for."""
    if letter in map(chr, (*range(33, 127), *range(161, 173), *range(174, 256))):
        return ord(letter)
    others = [byte for byte in range(256) if not (33 <= byte < 127 or 161 <= byte < 173 or byte >= 174)]
    return others[ord(letter) - 256]


def pieces_of(case: Case, tokens: dict[int, str], ids: list[int]) -> Pieces:
    texts = [tokens[number] for number in ids]
    if "roberta" in case.tokenizer:
        first = later = [bytes(byte_of(letter) for letter in text) for text in texts]
    else:
        first = [text.encode() for text in texts]
        later = [(text.removeprefix("##") if text.startswith("##") else f" {text}").encode() for text in texts]
    return Pieces(np.arange(len(ids), dtype=np.int32), np.array(first), np.array(later))


def characters_of(context: str, window: Any) -> list[tuple[int, int]]:
    """Of the context tokens, as the protocol has them."""
    if "words" in window:
        words = [match.span() for match in WORD.finditer(context)]
        return [words[number] for number in window["words"]]
    if "offsets" in window:
        return list(zip(window["offsets"][::2], window["offsets"][1::2], strict=True))
    return [(start, -1) for start in window["starts"]]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_answers(case: Case) -> None:
    tokens, recorded = read_tokens(case), case.windows()
    assert len(recorded) > 15
    for number, windows in recorded.items():
        context = all_questions()[number].context
        ends = {}
        if case.era == "farm-1.x":  # a token ends where the next one starts
            starts = {window["token"] + i: start for window in windows for i, start in enumerate(window["starts"])}
            ends = {i: starts.get(i + 1, len(context)) for i in starts}
        found = []
        for window, (start, end) in zip(windows, case.logits(windows), strict=True):
            low, high = window["first"], window["first"] + window["count"]
            characters = np.zeros((len(window["ids"]), 2), dtype=np.int32)
            characters[low:high] = np.array(characters_of(context, window), dtype=np.int32).reshape(-1, 2)
            if ends:
                characters[low:high, 1] = [ends[window["token"] + i] for i in range(window["count"])]
            pieces = pieces_of(case, tokens, window["ids"]) if case in SQUAD else None
            found.append(WindowLogits(start, end, characters, (low, high), 0, pieces))
        compare(case, number, decode_spans(str(number), context, found, case.decoding))


@pytest.mark.parametrize("case", SQUAD, ids=str)
def test_a_token_belongs_to_the_window_with_most_context(case: Case) -> None:
    for windows in case.windows().values():
        lengths = [window["count"] for window in windows]
        for number, window in enumerate(windows):
            places = range(window["token"], window["token"] + window["count"])
            own = [find_owner(lengths, case.decoding.doc_stride, place) == number for place in places]
            assert "".join("01"[owned] for owned in own) == window["own"]


@pytest.mark.parametrize(
    ("text", "lower_case", "words"),
    [
        ("O'Neil paid $12.50!", False, ["O", "'", "Neil", "paid", "$", "12", ".", "50", "!"]),
        ("\u00c9T\u00c9 in Tokyo\u6771\u4eac", True, ["ete", "in", "tokyo", "\u6771", "\u4eac"]),
        ("a\u2014b\u00a0c", False, ["a", "\u2014", "b", "c"]),
        ("", True, []),
    ],
)
def test_basic_tokenizer(text: str, lower_case: bool, words: list[str]) -> None:
    assert tokenize_basic(text, lower_case=lower_case, clean=False) == words
    assert tokenize_basic(f"{text}\u200b\ufffd", lower_case=lower_case, clean=True) == words
    assert tokenize_basic("a\u200bb", lower_case=False, clean=False) == ["a\u200bb"]


@pytest.mark.parametrize(
    ("piece", "whole", "found"),
    [
        ("steve smith", "Steve Smith's", "Steve Smith"),
        ("smith ' s", "Steve Smith's", "Smith's"),
        ("stevesmith", "Steve Smith's", None),
        ("", "Steve", None),
        ("ecole", "l'\u00e9cole,", "\u00e9cole"),
        ("a", "a \ud55c", None),  # the second word is two letters more without its accents
    ],
)
def test_alignment(piece: str, whole: str, found: str | None) -> None:
    tokenized = " ".join(tokenize_basic(whole, lower_case=True, clean=False))
    place = align(piece, whole, tokenized)
    assert (None if place is None else whole[slice(*place)]) == found
