"""`Answerer` answers what the question-answering pipeline of transformers 4 answered.

``data/pipeline.json`` holds what that pipeline said; ``record_pipeline.py`` wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
from pipeline_cases import CLS_ASKED, LEFT, PANICS, REFUSED, SPARE, Case, cases
from pipeline_models import MORE, NAMES, ROBERTA_LONGEST, build

from harness.engine.answer import Answerer
from harness.engine.computing import Computing
from harness.errors import RecipeError
from harness.records import ProbableAnswer

pytestmark = pytest.mark.torch
RECORD: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "pipeline.json").read_text("utf-8"))
CASES = {case.name: case for case in cases()}
SAME = [name for name, case in CASES.items() if not case.departs]

Ask = Callable[[Case], tuple[ProbableAnswer, ...]]


def departing(reason: str) -> list[str]:
    """The cases that `Answerer` answers otherwise for this reason; there is one at least."""
    names = [name for name, case in CASES.items() if case.departs == reason]
    assert names
    return names


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pipeline")
    assert {name: build(name, folder / name) for name in NAMES} == RECORD["weights"], "other weights were recorded"
    return {name: folder / name for name in NAMES}


@pytest.fixture(scope="module")
def ask(models: dict[str, Path]) -> Ask:
    answerers = {name: Answerer(folder, Computing(device="cpu")) for name, folder in models.items()}

    def put(case: Case) -> tuple[ProbableAnswer, ...]:
        return answerers[case.model](
            case.question,
            case.context,
            top_k=case.top_k,
            max_answer_length=case.max_answer_length,
            max_seq_len=case.max_seq_len,
            doc_stride=case.doc_stride,
            impossible=case.impossible,
            whole_words=case.whole_words,
        )

    return put


def test_every_case_was_recorded() -> None:
    assert list(RECORD["answers"]) == list(CASES)


@pytest.mark.parametrize("name", SAME)
def test_same_answers(name: str, ask: Ask) -> None:
    recorded, given = RECORD["answers"][name], ask(CASES[name])
    assert [(a.answer, a.start, a.end) for a in given] == [(answer, start, end) for answer, _, start, end in recorded]
    scores = [score for _, score, _, _ in recorded]
    assert [a.score for a in given] == pytest.approx(scores, abs=1e-5, rel=0)
    assert [a.score for a in given] == pytest.approx(scores, abs=1e-9, rel=1e-3)


@pytest.mark.parametrize("name", departing(SPARE))
def test_nothing_fills_up_where_spans_run_out(name: str, ask: Ask) -> None:
    recorded = RECORD["answers"][name]
    assert recorded[-1] == ["", 0.0, 0, 0]
    real = [(answer, start, end) for answer, score, start, end in recorded if score > 0]
    assert [(a.answer, a.start, a.end) for a in ask(CASES[name])] == real


@pytest.mark.parametrize("name", [*departing(CLS_ASKED), *departing(LEFT)])
def test_no_token_of_the_question_is_an_answer(name: str, ask: Ask) -> None:
    given = {answer.answer: answer.score for answer in ask(CASES[name])}
    shared = [(score, given[answer]) for answer, score, _, _ in RECORD["answers"][name] if answer in given]
    assert len(shared) >= 2
    ratios = [recorded / mine for recorded, mine in shared]
    # what the pipeline let take part took its share from every answer alike
    assert ratios == pytest.approx([ratios[0]] * len(ratios), rel=1e-4)
    assert ratios[0] < 0.9999


def test_with_the_context_first_answers_are_those_of_the_context(models: dict[str, Path], ask: Ask) -> None:
    case = CASES["bert-left"]
    assert RECORD["answers"]["bert-left"][0][0] == ""
    given = ask(case)
    assert len(given) == case.top_k
    assert all(case.context[a.start : a.end] == a.answer != "" for a in given)
    assert 0 < sum(a.score for a in given) <= 1


@pytest.mark.parametrize("name", departing(PANICS))
def test_no_room_is_said(name: str, ask: Ask) -> None:
    assert isinstance(RECORD["answers"][name], str)
    with pytest.raises(RecipeError, match="expected more than doc_stride"):
        ask(CASES[name])


@pytest.mark.parametrize("name", departing(REFUSED))
def test_no_context_has_no_answer(name: str, ask: Ask) -> None:
    assert RECORD["answers"][name] == "ValueError"
    assert ask(CASES[name]) == ()


def test_windows_are_no_longer_than_the_model_reads(models: dict[str, Path], ask: Ask, tmp_path: Path) -> None:
    case = CASES["roberta-own-length"]
    build("roberta", tmp_path)
    file = tmp_path / "tokenizer_config.json"
    stated = json.loads(file.read_text("utf-8"))
    del stated["model_max_length"]
    file.write_text(json.dumps(stated), "utf-8")
    given = Answerer(tmp_path, Computing(device="cpu"))(case.question, case.context, top_k=case.top_k)
    longest = ROBERTA_LONGEST + MORE
    assert given == ask(replace(case, max_seq_len=longest, doc_stride=longest // 2))
    assert given != ask(case)
