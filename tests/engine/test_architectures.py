"""Each architecture predicts what its own forward gives for each window alone, whatever the batch."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
import numpy as np
import torch
from tiny_models import KINDS, write_model
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from harness.engine.computing import Computing
from harness.engine.features import Windowing, make_features
from harness.engine.loading import load_model, load_tokenizer, longest_input, quiet
from harness.engine.predict import predict
from harness.engine.reader import Reader
from harness.errors import ModelError, RecipeError
from harness.progress import silent
from harness.records import Decoding, Predictions, Question

pytestmark = [pytest.mark.torch, pytest.mark.parametrize("kind", KINDS)]

DECODING = Decoding(max_seq_len=64, doc_stride=12, max_query_length=30, n_best=64, max_answer_length=9)
TOLERANCE = 1e-4
RIGHT = [kind for kind in KINDS if kind != "xlnet"]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Several threads lose more by waiting than they gain on models this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A model of each kind, written once."""
    written: dict[str, Path] = {}

    def write(kind: str) -> Path:
        if kind not in written:
            written[kind] = write_model(kind, tmp_path_factory.mktemp(kind) / "model")
        return written[kind]

    return write


@pytest.fixture(scope="module")
def questions(make_questions: Callable[..., list[Question]]) -> list[Question]:
    """Questions of unequal length, with one window or several, with odd characters or none."""
    easy = make_questions(6)
    long = [replace(q, id=f"long-{q.id}", context=" ".join([q.context] * n)) for n, q in enumerate(easy[:3], start=2)]
    texts = {"accents": "Orv\u00e9l  lies \ufb01ne \U0001f600 by\tthe sea.", "empty": "", "blank": " \n "}
    return [*easy, *long, *(replace(easy[0], id=key, context=text) for key, text in texts.items())]


@dataclass(frozen=True, slots=True, eq=False)
class Alone:
    """A window as tokenizer and model give it to anyone who calls them."""

    logits: np.ndarray
    """[tokens, 2]"""
    offsets: list[tuple[int, int]]
    context: list[int]
    """Positions of context tokens."""
    cls: int


@pytest.fixture(scope="module")
def alone(folder: Callable[[str], Path], questions: list[Question]) -> Callable[[str], list[list[Alone]]]:
    """Each question's windows, each in a forward of its own, by transformers alone."""
    read: dict[str, list[list[Alone]]] = {}

    def windows(kind: str) -> list[list[Alone]]:
        if kind not in read:
            with quiet():
                tokenizer = AutoTokenizer.from_pretrained(folder(kind))
                model = AutoModelForQuestionAnswering.from_pretrained(folder(kind)).eval()
                read[kind] = [_windows(tokenizer, model, KINDS[kind].segments, question) for question in questions]
        return read[kind]

    return windows


def _windows(tokenizer: Any, model: Any, segments: bool, question: Question) -> list[Alone]:
    swap = tokenizer.padding_side == "left"
    asked, context = [question.question], [question.context]  # in lists: an empty text would be taken for none
    encoded = tokenizer(
        context if swap else asked,
        asked if swap else context,
        max_length=DECODING.max_seq_len,
        stride=DECODING.doc_stride,
        truncation="only_first" if swap else "only_second",
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=segments,
    )
    found = []
    for i, ids in enumerate(encoded["input_ids"]):
        inputs = {"input_ids": torch.tensor([ids])}
        if segments:
            inputs["token_type_ids"] = torch.tensor([encoded["token_type_ids"][i]])
        if model.config.model_type == "big_bird":
            model.bert.set_attention_type("block_sparse")  # as it was loaded
        with torch.no_grad():
            output = model(**inputs)
        logits = torch.stack([output.start_logits[0], output.end_logits[0]], dim=1).numpy()
        places = [at for at, text in enumerate(encoded.sequence_ids(i)) if text == (0 if swap else 1)]
        found.append(Alone(logits, encoded["offset_mapping"][i], places, len(ids) - 1 if swap else 0))
    return found


def null_score(windows: list[Alone]) -> float:
    return min(float(window.logits[window.cls].sum()) for window in windows)


def best_span(question: Question, windows: list[Alone]) -> tuple[float, str]:
    """The highest score of a span of visible context tokens in order and not too long, and its text."""
    found = [(-np.inf, "")]
    for window in windows:
        for first in window.context:
            for last in window.context:
                text = question.context[window.offsets[first][0] : window.offsets[last][1]]
                if 0 <= last - first < DECODING.max_answer_length and text:
                    found.append((float(window.logits[first, 0] + window.logits[last, 1]), text))
    return max(found, key=lambda item: item[0])


def score(found: Predictions, key: str, answer: str) -> float:
    candidates = (c for c in found.n_best[key] if c["text"] == answer)
    return max((float(c["start_logit"]) + float(c["end_logit"]) for c in candidates), default=-np.inf)


def check_same(one: Predictions, other: Predictions) -> None:
    """Equal null odds; equal answers, but for such as hardly differ in their scores."""
    assert one.null_odds == pytest.approx(dict(other.null_odds), abs=TOLERANCE)
    for key, answer in one.answers.items():
        if answer != other.answers[key]:
            assert score(one, key, answer) - score(one, key, other.answers[key]) < TOLERANCE


def test_logits_are_those_of_the_models_own_forward(
    kind: str, folder: Callable[[str], Path], alone: Callable[[str], list[list[Alone]]], questions: list[Question]
) -> None:
    reader = Reader.load(folder(kind), Computing(device="cpu", token_budget=300))
    features = make_features(reader.tokenizer, questions, Windowing.of(DECODING))
    logits = reader.logits(features, lambda done: None)
    expected = [window for windows in alone(kind) for window in windows]
    assert features.lengths.tolist() == [len(window.logits) for window in expected]
    assert features.cls.tolist() == [window.cls for window in expected]
    assert len(features) > len(questions)
    assert np.ptp(features.lengths) > 20
    # BigBird lowers the question's logits by a million.
    np.testing.assert_allclose(logits, np.concatenate([w.logits for w in expected]), rtol=1e-6, atol=TOLERANCE)


def test_batches_order_and_threads_change_nothing(
    kind: str, folder: Callable[[str], Path], questions: list[Question]
) -> None:
    def ask(asked: list[Question], budget: int) -> Predictions:
        return predict(folder(kind), asked, DECODING, silent, Computing(device="cpu", token_budget=budget))

    one_by_one = ask(questions, 1)
    check_same(ask(questions, 100_000), one_by_one)
    try:
        torch.set_num_threads(2)  # two batches at once
        check_same(ask(random.Random(1).sample(questions, len(questions)), 200), one_by_one)
    finally:
        torch.set_num_threads(1)


def test_answers_are_the_slices_that_the_models_outputs_single_out(
    kind: str, folder: Callable[[str], Path], alone: Callable[[str], list[list[Alone]]], questions: list[Question]
) -> None:
    decoding = replace(DECODING, forced_answer=True)
    found = predict(folder(kind), questions, decoding, silent, Computing(device="cpu"))
    for question, windows in zip(questions, alone(kind), strict=True):
        answer = found.answers[question.id]
        assert answer in question.context
        best, text = best_span(question, windows)
        if answer != text:
            assert best - score(found, question.id, answer) < TOLERANCE
        odds = null_score(windows) - (best if text else 0.0)
        assert found.null_odds[question.id] == pytest.approx(odds, abs=TOLERANCE)


def test_farm_windows_are_framed_as_the_tokenizer_frames_a_pair(
    kind: str, folder: Callable[[str], Path], questions: list[Question]
) -> None:
    tokenizer, windowing = load_tokenizer(folder(kind)), Windowing(64, 12, 30, "farm", "step")
    if kind not in RIGHT:
        with pytest.raises(ModelError, match="expects as the first token; use the protocol run_qa"):
            make_features(tokenizer, questions, windowing)
        return
    features = make_features(tokenizer, questions[:1], replace(windowing, max_seq_len=512))
    whole = tokenizer(questions[0].question, questions[0].context).encodings[0]
    assert features.ids.tolist() == whole.ids
    assert (features.types is None) == ("token_type_ids" not in tokenizer.model_input_names)
    assert features.types is None or features.types.tolist() == whole.type_ids
    decoding = replace(DECODING, protocol="farm", doc_stride_is="step", n_best=5)
    found = predict(folder(kind), questions, decoding, silent, Computing(device="cpu", token_budget=1))
    check_same(predict(folder(kind), questions, decoding, silent, Computing(device="cpu")), found)
    assert all(found.answers[question.id] in question.context for question in questions)
    assert any(found.answers.values())


def test_longest_input_is_what_the_forward_bears(kind: str, folder: Callable[[str], Path]) -> None:
    model, limit = load_model(folder(kind)), KINDS[kind].limit
    assert longest_input(model) == limit
    assert torch.isfinite(_forward(model, limit or 300)).all()
    if limit is not None:
        with pytest.raises((IndexError, RuntimeError)):
            _forward(model, limit + 1)


def test_windows_longer_than_that_are_refused(
    kind: str, folder: Callable[[str], Path], questions: list[Question]
) -> None:
    limit = KINDS[kind].limit or 200
    asked = [replace(questions[0], context=" ".join([questions[0].context] * 9))]
    decoding = replace(DECODING, max_seq_len=limit)
    assert predict(folder(kind), asked, decoding, silent, Computing(device="cpu")).answers.keys() == {asked[0].id}
    longer = replace(decoding, max_seq_len=limit + 1)
    if KINDS[kind].limit is None:
        predict(folder(kind), asked, longer, silent, Computing(device="cpu"))
    else:
        with pytest.raises(RecipeError, match=f"found windows of {limit + 1} tokens, expected at most the {limit} "):
            predict(folder(kind), asked, longer, silent, Computing(device="cpu"))


def _forward(model: Any, length: int) -> torch.Tensor:
    ids = torch.full((1, length), 20)
    ids[0, [3, 4, -1]] = model.config.sep_token_id or 0  # as many as Longformer insists on
    with torch.inference_mode():
        return model(input_ids=ids).start_logits
