"""Windows, labels and answers against what the eras' own code made of the same questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
import numpy as np
from era_records import CASES, DECODINGS, Case, all_questions, compare
from transformers import PreTrainedTokenizerBase

from harness.engine import TorchEngine
from harness.engine.features import Features, Windowing, make_features, make_labels
from harness.engine.loading import load_tokenizer
from harness.errors import RecordError
from harness.records import Decoding, Question
from harness.spans import decode_questions
from harness.spans.kept import rescore_logits
from harness.spans.run_squad import WORD


def asked(case: Case) -> list[int]:
    """Numbers of the questions that did not crash the era's code."""
    return [n for n in case.features["questions"] if str(n) not in case.features["crashed"]]


def of(features: Features, window: int, name: str) -> Any:
    return getattr(features, name)[features.bounds[window] : features.bounds[window + 1]]


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture(scope="module")
def made(case: Case) -> tuple[list[int], list[Question], Features]:
    numbers = asked(case)
    questions = [all_questions()[n] for n in numbers]
    return numbers, questions, make_features(load(case), questions, Windowing.of(case.decoding))


def load(case: Case) -> PreTrainedTokenizerBase:
    return load_tokenizer(case.folder)


def test_windows(case: Case, made: tuple[list[int], list[Question], Features]) -> None:
    numbers, questions, features = made
    recorded = case.windows()
    for i, number in enumerate(numbers):
        windows = np.flatnonzero(features.question == i).tolist()
        if number not in recorded:
            assert len(windows) == 1
            continue
        for there, here in zip(recorded[number], windows, strict=True):
            assert of(features, here, "ids").tolist() == there["ids"], number
            low, high = features.context[here].tolist()
            assert high - low == there["count"], number
            assert low == there["first"] or not there["count"], number
            if features.types is not None:
                assert of(features, here, "types").tolist() == [0] * there["segment"] + [1] * (
                    len(there["ids"]) - there["segment"]
                )
            characters = of(features, here, "characters")[low:high]
            if "starts" in there:
                assert characters[:, 0].tolist() == there["starts"]
            elif "offsets" in there:
                assert characters.ravel().tolist() == there["offsets"]
            else:
                words = [match.span() for match in WORD.finditer(questions[i].context)]
                assert characters.tolist() == [list(words[n]) for n in there["words"]]


def test_kept_logits_tell_the_same_answers(
    build: Callable[..., Path], questions: list[Question], decoding: Decoding, tmp_path: Path
) -> None:
    for name, settings in DECODINGS.items():
        lengths = {field: getattr(decoding, field) for field in ("max_seq_len", "doc_stride", "max_query_length")}
        settings = replace(settings, **lengths, n_best=20)
        folder = tmp_path / name
        made = TorchEngine().predict(build(), questions, settings, keep=folder)
        again = rescore_logits(folder, questions, settings)
        assert (again.answers, again.null_odds, dict(again.n_best)) == (made.answers, made.null_odds, dict(made.n_best))
        forced = rescore_logits(folder, questions, replace(settings, forced_answer=True))
        assert all(forced.answers.values())
        for change in ({"doc_stride_is": "step" if name == "run_qa" else "overlap"}, {"lower_case": True}):
            other = replace(settings, **change)
            with pytest.raises(RecordError, match=f"found logits with {next(iter(change))}"):
                rescore_logits(folder, questions, other)
            with pytest.raises(RecordError, match=f"found logits with another {next(iter(change))}"):
                TorchEngine().predict(build(), questions, other, keep=folder)


def test_labels(case: Case, made: tuple[list[int], list[Question], Features]) -> None:
    numbers, questions, features = made
    labels, kept = make_labels(features, questions, Windowing.of(case.decoding), True)
    recorded, left_out = case.windows(), case.features["dropped"] + case.features["skipped"]
    for i, number in enumerate(numbers):
        windows = np.flatnonzero(features.question == i).tolist()
        if str(number) in case.features["skipped_crashed"]:
            continue
        assert kept[windows].tolist() == [number not in left_out] * len(windows), number
        if number not in left_out:
            expected = [window["labels"][0] for window in recorded[number]]
            assert labels[windows].tolist() == expected, number


def test_answers(case: Case, made: tuple[list[int], list[Question], Features]) -> None:
    numbers, questions, features = made
    logits = np.zeros((len(features.ids), 2), dtype=np.float32)
    recorded = case.windows()
    for i, number in enumerate(numbers):
        begin = features.bounds[np.flatnonzero(features.question == i)[0]]
        for starts, ends in case.logits(recorded.get(number, ())):
            logits[begin : begin + len(starts)] = np.stack([starts, ends], axis=1)
            begin += len(starts)
    decoded = dict(decode_questions(questions, features, logits, case.decoding))
    answered = [(i, number) for i, number in enumerate(numbers) if number in recorded]
    assert len(answered) > 15
    for i, number in answered:
        compare(case, number, decoded[questions[i].id])


def test_a_flag_that_the_tokenizer_ignored_changes_no_window() -> None:
    """From transformers 3.4 on, ``--do_lower_case`` reached no cased tokenizer, only the comparison of answers."""
    case = next(case for case in CASES if case.era == "run_squad-3.4" and "roberta" in case.tokenizer)
    tokenizer, questions = load_tokenizer(case.folder), all_questions()[:20]

    def cut(lower: bool, marked: bool) -> list[int]:
        windowing = Windowing(96, 16, 24, "run_squad", "step", lower, marked)
        return list(make_features(tokenizer, questions, windowing).ids)

    assert cut(True, True) == cut(False, True)
    assert cut(True, False) != cut(False, False)
