"""Protocols tried on kept logits against really predicting, or asking, under them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("torch")
import numpy as np

from harness import squad
from harness.data import describe
from harness.engine import Computing, TorchEngine
from harness.engine.answer import Answerer
from harness.engine.features import Windowing, make_features, make_labels
from harness.engine.loading import load_tokenizer
from harness.evaluation import evaluate_model
from harness.gap import try_protocols
from harness.opened_data import OpenedData
from harness.records import DataRef, Decoding, ModelRef, Question, Rescored, Run
from harness.spans.farm_tokens import find_labels
from harness.until_certain import EarlyStop, draw_order

pytestmark = pytest.mark.torch
SHORT = Decoding(max_seq_len=64, doc_stride=16, max_query_length=24, n_best=5)


@pytest.fixture(scope="module")
def asked(make_questions: Callable[..., list[Question]]) -> list[Question]:
    """Easy questions and some with several windows."""
    easy = make_questions(24)
    return [*easy, *(replace(q, id=f"{q.id}-long", context=q.context * 5) for q in easy[:8])]


def evaluate(
    model: Path, questions: list[Question], decoding: Decoding, runs: Path, *, keep: bool = True
) -> tuple[Path, Run]:
    data = OpenedData(tuple(questions), describe(DataRef("easy", "validation"), questions, "easy.json"), ())
    engine = TorchEngine(Computing(device="cpu", dtype="float32"))
    return evaluate_model(ModelRef("m"), model, data, decoding, engine, runs, computing={}, keep_logits=keep)


@pytest.mark.parametrize("protocol", ["run_qa", "farm", "run_squad"])
def test_what_is_tried_equals_predicting_so(sharp: Path, asked: list[Question], tmp_path: Path, protocol: str) -> None:
    stride = "overlap" if protocol == "run_qa" else "step"
    decoding = replace(SHORT, protocol=protocol, doc_stride_is=stride, null_threshold=-0.5)
    folder, run = evaluate(sharp, asked, decoding, tmp_path)
    tried = try_protocols(folder, run, asked)
    others = [item for item in tried if item.decoding is not None]
    assert len(others) >= 4
    own = squad.score_predictions(asked, TorchEngine().predict(sharp, asked, decoding).answers).exact
    moved = 0
    for item in others:
        scores = squad.score_predictions(asked, TorchEngine().predict(sharp, asked, item.decoding).answers)
        assert item.scores == squad.summarize(scores), item.name
        assert item.gained == sum(scores.exact[i] > own[i] for i in own)
        assert item.lost == sum(scores.exact[i] < own[i] for i in own)
        moved += item.scores != run.scores
    assert moved > 0


def test_the_pipeline_rule_equals_asking(sharp: Path, asked: list[Question], tmp_path: Path) -> None:
    folder, run = evaluate(sharp, asked, SHORT, tmp_path)
    (item,) = [item for item in try_protocols(folder, run, asked) if item.name == "pipeline"]
    ask = Answerer(sharp)
    answers = {
        q.id: ask(q.question, q.context, max_seq_len=64, doc_stride=16, impossible=True)[0].answer for q in asked
    }
    assert len(set(answers.values())) > 5
    assert item.scores == squad.summarize(squad.score_predictions(asked, answers))


def test_runs_with_other_windows_take_part(sharp: Path, asked: list[Question], tmp_path: Path) -> None:
    folder, run = evaluate(sharp, asked, SHORT, tmp_path)
    others = [evaluate(sharp, asked, replace(SHORT, max_seq_len=48), tmp_path, keep=False)]
    tried = {item.name: item for item in try_protocols(folder, run, asked, others=others)}
    assert tried["max_seq_len 48"].scores == others[0][1].scores
    assert others[0][1].scores != run.scores


def test_token_labels_are_those_that_windows_are_labelled_with(sharp: Path, asked: list[Question]) -> None:
    """The first answer of each question, under windows of FARM with its faults."""
    windowing = Windowing(64, 16, 24, "farm", "step")
    features = make_features(load_tokenizer(sharp), asked, windowing)
    labels, kept = make_labels(features, asked, windowing, True)
    assert kept.all()
    positive = 0
    for i, question in enumerate(asked):
        windows = np.flatnonzero(features.question == i).tolist()
        places, expected = [], set()
        for number, window in enumerate(windows):
            low, high = features.context[window].tolist()
            begin = int(features.bounds[window])
            places.append(features.characters[begin + low : begin + high, 0])
            first, last = labels[window].tolist()
            if first:
                expected.add((first - low + 16 * number, last - low + 16 * number))
        assert find_labels(question, places, 16) == (expected or {(-1, -1)})
        positive += bool(expected)
    assert positive > 10


def test_an_early_stop_tries_protocols_on_the_questions_it_asked(
    sharp: Path, asked: list[Question], tmp_path: Path
) -> None:
    whole_folder, whole = evaluate(sharp, asked, SHORT, tmp_path)
    everything = {item.name: item for item in try_protocols(whole_folder, whole, asked)}
    data = OpenedData(tuple(asked), describe(DataRef("easy", "validation"), asked, "easy.json"), ())
    stop = EarlyStop(lambda bounds: bounds.used == 19, {}, seed=3)
    watch: list[tuple[Rescored, ...]] = []

    class Watching:
        """Stands in for a card to explain: takes the protocols while the logits are there."""

        opened = SimpleNamespace(card=SimpleNamespace(examples=()))

        def needed(self, run: Run) -> bool:
            return False

        def explain(self, folder: Path, run: Run, progress: object) -> Run:
            watch.append(try_protocols(folder, run, asked))
            return replace(run, alternatives=watch[-1])

    engine = TorchEngine(Computing(device="cpu", dtype="float32"))
    _, run = evaluate_model(
        ModelRef("m"), sharp, data, SHORT, engine, tmp_path, computing={}, until_certain=stop, explaining=Watching()
    )
    used = {question.id for question in draw_order(asked, 3)[:19]}
    part = [question for question in asked if question.id in used]
    (tried,) = watch
    assert {item.name for item in tried} == everything.keys()
    compared = 0
    for item in tried:
        if item.decoding is not None:
            answers = TorchEngine().predict(sharp, part, item.decoding).answers
            assert item.scores == squad.summarize(squad.score_predictions(part, answers, rules="2.0")), item.name
            compared += 1
        assert item.gained + item.lost <= 19
    assert compared >= 4
    assert run.bounds is not None
    assert run.bounds.used == 19
