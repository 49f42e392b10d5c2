"""What the eras' own code did, as ``tests/data/eras`` has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from record_eras import unpack, window_logits

from harness.records import Answer, Decoding, Question
from harness.spans import Decoded

ERAS = Path(__file__).parent / "data" / "eras"
DECODINGS = {
    "farm-1.x": Decoding(protocol="farm", doc_stride_is="step", max_answer_length=1000, n_best=5),
    "run_squad-3.0": Decoding(protocol="run_squad", doc_stride_is="step", space_words=False),
    "run_squad-3.4": Decoding(protocol="run_squad", doc_stride_is="step"),
    "run_qa": Decoding(max_query_length=None),
}


@cache
def read(name: str) -> Any:
    """A JSON file of the folder."""
    return json.loads((ERAS / f"{name}.json").read_text("utf-8"))


@cache
def all_questions() -> tuple[Question, ...]:
    """The questions, by their numbers."""
    return tuple(
        Question(
            item["id"],
            "0:0",
            paragraph["context"],
            item["question"],
            tuple(Answer(answer["text"], answer["answer_start"]) for answer in item["answers"]),
            impossible=item["is_impossible"],
        )
        for article in read("questions")["data"]
        for paragraph in article["paragraphs"]
        for item in paragraph["qas"]
    )


@dataclass(frozen=True)
class Case:
    """One era with one tokenizer at one setting."""

    era: str
    tokenizer: str
    setting: str

    def __str__(self) -> str:
        return f"{self.era} {self.tokenizer} {self.setting}"

    @property
    def features(self) -> Any:
        """The record of windows and labels."""
        return read(self.era)["features"][self.tokenizer][self.setting]

    @property
    def answers(self) -> Any:
        """The record of answers, by question number, where no padding takes part."""
        return read(self.era)["answers"][self.tokenizer][self.setting]

    @property
    def folder(self) -> Path:
        """That of the tokenizer."""
        return ERAS / "tokenizers" / self.tokenizer.removesuffix("-lower")

    @property
    def decoding(self) -> Decoding:
        """What the era did."""
        lengths = dict(self.features["lengths"])
        if self.era == "run_qa":
            del lengths["max_query_length"]  # which it has none of
        lower = self.era.startswith("run_squad") and self.tokenizer != "roberta"
        return replace(DECODINGS[self.era], lower_case=lower, **lengths)

    def windows(self) -> dict[int, list[Any]]:
        """The recorded windows of every question that has any."""
        found: dict[int, list[Any]] = {}
        for window in unpack(self.features):
            found.setdefault(window["question"], []).append(window)
        return found

    def logits(self, windows: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        """Start and end logits of the windows of a question, without padding."""
        for number, window in enumerate(windows):
            of = self.tokenizer, self.setting, window["question"], number, window
            starts, ends = window_logits(*of, len(window["ids"]))
            yield np.float32(starts), np.float32(ends)


CASES = [
    Case(era, tokenizer, setting)
    for era in DECODINGS
    for tokenizer, settings in read(era)["features"].items()
    for setting in settings
]


def compare(case: Case, number: int, decoded: Decoded) -> None:
    """Assert that a question is answered as the record says, as far as the era's code did answer it."""
    if case.era == "farm-1.x":
        _compare_farm(case.answers["reader"][str(number)], decoded, 1)
        _compare_farm(case.answers["head"][str(number)], decoded, case.decoding.n_best)
        return
    there = case.answers[str(number)]
    placeholders = [text for text, _ in there["n_best"] if text == "empty"]
    if placeholders:  # nothing is found
        assert [one["text"] for one in decoded.n_best] == [""]
        return
    assert (decoded.answer, decoded.null_odds) == (there["text"], pytest.approx(there["null_odds"], abs=1e-5)), number
    if case.era.startswith("run_squad"):
        assert len(decoded.n_best) == there["found"], number
        assert [text for text, _ in there["n_best"]] == [one["text"] for one in decoded.n_best][:5], number
    _compare_spans(there["n_best"], decoded, 5)


def _compare_farm(there: Any, decoded: Decoded, n_best: int) -> None:
    if isinstance(there, str):  # fewer spans than the head wants crash it
        return
    candidates = [["" if text == "no_answer" else text, score] for text, _, _, score, _ in there["candidates"]]
    assert decoded.answer == candidates[0][0]
    assert decoded.null_odds == pytest.approx(-there["gap"], abs=1e-5)
    _compare_spans([one for one in candidates if one[1] > -500][:n_best], decoded, n_best)


def _compare_spans(there: Any, decoded: Decoded, most: int) -> None:
    """Assert that the best spans are the same, counting each text once and blank ones not at all."""
    lists: tuple[dict[str, float], dict[str, float]] = {}, {}
    found = [(one["text"], one["start_logit"] + one["end_logit"]) for one in decoded.n_best]
    for scores, pairs in zip(lists, (there, found), strict=True):
        for text, score in pairs:
            if text:
                scores.setdefault(text, score)
    expected = list(lists[0].items())[:most]
    assert list(lists[1].items())[: len(expected)] == [
        (text, pytest.approx(score, abs=1e-5)) for text, score in expected
    ]
