"""From a model folder and questions to answers."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
import numpy as np
import torch

from harness.engine import TorchEngine
from harness.engine.features import Windowing, make_features
from harness.engine.loading import load_model, load_tokenizer, save
from harness.engine.meter import Meter
from harness.engine.predict import window_logits
from harness.errors import DataError, RecipeError, RunError
from harness.progress import silent
from harness.records import Decoding, Question

pytestmark = pytest.mark.torch
engine = TorchEngine()


@pytest.fixture
def mixed(make_questions: Callable[..., list[Question]]) -> list[Question]:
    """Questions of unequal length, some with several windows, some odd."""
    easy = make_questions(30)
    long = [replace(q, id=f"long-{q.id}", context=q.context * n) for n, q in enumerate(easy[:8], start=2)]
    odd = [
        replace(easy[0], id="empty", context="", answers=()),
        replace(easy[0], id="blank", question="   "),
        replace(easy[0], id="emoji", context="\U0001f600 by \U0001f468\u200d\U0001f469\u200d\U0001f467."),
        replace(easy[0], id="wordy", question="Who founded it? " * 40),
    ]
    return [*easy, *long, *odd]


def test_every_question_gets_an_answer_from_its_context(sharp: Path, mixed: list[Question], decoding: Decoding) -> None:
    found = engine.predict(sharp, mixed, replace(decoding, null_threshold=1e9))
    assert list(found.answers) == list(found.null_odds) == list(found.n_best) == [q.id for q in mixed]
    for question in mixed:
        answer = found.answers[question.id]
        assert answer in question.context
        assert bool(answer) == bool(question.context)
        assert {candidate["text"] for candidate in found.n_best[question.id]} >= {answer, ""}
    assert set(engine.predict(sharp, mixed, replace(decoding, null_threshold=-1e9)).answers.values()) == {""}


def test_order_of_questions_does_not_matter(sharp: Path, mixed: list[Question], decoding: Decoding) -> None:
    shuffled = random.Random(1).sample(mixed, len(mixed))
    one, other = engine.predict(sharp, mixed, decoding), engine.predict(sharp, shuffled, decoding)
    assert one.answers == other.answers
    assert one.null_odds == other.null_odds
    assert list(other.answers) == [question.id for question in shuffled]


def test_batching_does_not_matter(sharp: Path, mixed: list[Question], decoding: Decoding) -> None:
    together = engine.predict(sharp, mixed, decoding)
    alone = [engine.predict(sharp, [question], decoding) for question in mixed]
    assert together.answers == {key: answer for found in alone for key, answer in found.answers.items()}
    odds = {key: value for found in alone for key, value in found.null_odds.items()}
    assert together.null_odds == pytest.approx(odds, abs=1e-3)


def test_logits_equal_the_models_own(sharp: Path, mixed: list[Question]) -> None:
    tokenizer, model = load_tokenizer(sharp), load_model(sharp)
    features = make_features(tokenizer, mixed, Windowing(96, 16, 24))
    logits = window_logits(model, tokenizer, features, Meter(silent, "", len(mixed), ""))
    for window in range(0, len(features), 7):
        tokens = slice(features.bounds[window], features.bounds[window + 1])
        with torch.no_grad():
            output = model(torch.tensor(features.ids[tokens])[None])
        np.testing.assert_allclose(logits[tokens, 0], output.start_logits[0], atol=1e-3)
        np.testing.assert_allclose(logits[tokens, 1], output.end_logits[0], atol=1e-3)


def test_nothing_global_changes(
    sharp: Path, mixed: list[Question], decoding: Decoding, capfd: pytest.CaptureFixture[str]
) -> None:
    state, gradients = torch.random.get_rng_state(), torch.is_grad_enabled()
    engine.predict(sharp, mixed, decoding)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.is_grad_enabled() == gradients
    assert capfd.readouterr() == ("", "")


def test_progress(sharp: Path, mixed: list[Question], decoding: Decoding) -> None:
    seen: list[tuple[str, int, int, str]] = []
    engine.predict(sharp, mixed, decoding, lambda *report: seen.append(report))
    assert all(0 <= done <= total == 42 for _, done, total, _ in seen)
    assert seen[-1][:3] == ("predict", 42, 42)
    assert seen[-1][3].endswith(" questions/s")


def test_no_questions_no_answers(sharp: Path, decoding: Decoding) -> None:
    assert engine.predict(sharp, [], decoding).answers == {}


def test_repeated_ids_are_refused(sharp: Path, mixed: list[Question], decoding: Decoding) -> None:
    with pytest.raises(DataError, match="question q0-0: found the id twice"):
        engine.predict(sharp, [*mixed, mixed[0]], decoding)


def test_damaged_weights_name_the_question(sharp: Path, mixed: list[Question], decoding: Decoding) -> None:
    model = load_model(sharp)
    with torch.no_grad():
        next(model.parameters())[:] = torch.nan
    save(model, load_tokenizer(sharp), sharp)
    with pytest.raises(RunError, match="question q0-0: found logits that are no finite numbers"):
        engine.predict(sharp, mixed, decoding)


def test_windows_longer_than_the_model_reads_are_refused(sharp: Path, mixed: list[Question]) -> None:
    with pytest.raises(RecipeError, match="expected at most the 256"):
        engine.predict(sharp, [replace(mixed[0], context="Orvel " * 400, answers=())], Decoding())
