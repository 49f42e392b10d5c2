"""The code that a card prints for transformers, run as it stands."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from card_runs import released_run, run_of, sealed
from markdown_it import MarkdownIt

from harness.cards import parse_card
from harness.engine.computing import Computing
from harness.recipes import plan_recipe
from harness.records import DataRef, Decoding, Question, Run, Scores
from harness.render import write_card
from harness.render.usage_code import CONTEXT, QUESTION
from harness.squad import summarize

pytestmark = pytest.mark.torch

CARD = """---
license: mit
---

```
stage = "owl"
base_model = "pocket/roberta-2x32"
train_data = "pocket:train"
eval_data = "pocket:validation"
max_seq_len = {length}
max_query_length = 24
doc_stride = {stride}
max_answer_length = {answer}
null_threshold = {threshold}
n_best = 1000
```
"""


def fences(text: str) -> dict[str, str]:
    """The first code block of each language."""
    found: dict[str, str] = {}
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "fence":
            found.setdefault(token.info, token.content)
    return found


def run_for(**values: object) -> Run:
    recipe = plan_recipe(parse_card(CARD.format(**values), "x.md"), None)
    return run_of(recipe)


@pytest.mark.parametrize(
    ("values", "seed"),
    [
        ({"length": 128, "stride": 32, "answer": 30, "threshold": 0.0}, 0),
        ({"length": 64, "stride": 8, "answer": 3, "threshold": -1000.0}, 1),
        ({"length": 64, "stride": 8, "answer": 30, "threshold": 1000.0}, 2),
    ],
)
def test_the_code_answers_as_an_evaluation_does(
    values: dict[str, object],
    seed: int,
    build: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One question, decoded by the printed code and by the engine: the same answer, "" for none."""
    from harness.engine import TorchEngine

    folder = tmp_path / "stages" / "1-owl"
    folder.mkdir(parents=True)
    model = build(seed=seed)
    (folder / "model").symlink_to(model)
    run = run_for(**values)
    code = fences(write_card(run))["python"]
    assert 'model_name = "stages/1-owl/model"' in code
    monkeypatch.chdir(tmp_path)
    for context in (CONTEXT, CONTEXT * 12):
        capsys.readouterr()
        exec(code.replace(f'context = "{CONTEXT}"', f"context = {context!r}"), {})
        printed = capsys.readouterr().out.removesuffix("\n")
        question = Question("q", "0:0", context, QUESTION, ())
        decoding: Decoding = run.recipe.decoding
        predicted = TorchEngine(Computing(device="cpu")).predict(model, [question], decoding, lambda *_: None)
        assert printed == predicted.answers["q"]
        if values["threshold"] == -1000.0:
            assert predicted.answers["q"] == ""
        if values["threshold"] == 1000.0:
            assert predicted.answers["q"]


def test_the_code_prints_what_the_card_says(
    build: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of an evaluation whose answers are called right, one is asked again."""
    from harness.data import load_data
    from harness.engine import TorchEngine

    folder = tmp_path / "stages" / "1-owl"
    folder.mkdir(parents=True)
    (folder / "model").symlink_to(build(seed=2))
    run = run_for(length=128, stride=8, answer=8, threshold=1000.0)
    decoding = replace(run.recipe.decoding, max_query_length=64)
    run = replace(run, recipe=replace(run.recipe, decoding=decoding), sha256=None)
    questions = load_data(DataRef("pocket", "validation[:40]"), {})[0]
    predicted = TorchEngine(Computing(device="cpu")).predict(build(seed=2), questions, decoding, lambda *_: None)
    ones = dict.fromkeys(predicted.answers, 1.0)
    scores = Scores("2.0", ones, ones, dict.fromkeys(ones, True))
    run = sealed(run, scores=summarize(scores), by_kind={})
    code = fences(write_card(run, scores=scores, questions=questions, predictions=predicted.answers))["python"]
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    exec(code, {})
    told = code.partition("# prints: ")[2]
    assert told.strip()
    assert QUESTION not in code
    assert capsys.readouterr().out == told


def test_data_without_unanswerable_questions_need_an_answer(build: Callable[..., Path]) -> None:
    run = released_run()
    assert run.evaluated is not None
    answerable = sealed(
        run, evaluated=replace(run.evaluated, has_ans=run.evaluated.n), scores={"exact": 1.0, "f1": 2.0}
    )
    code = fences(write_card(answerable))["python"]
    assert "nothing" not in code
    assert "cls" not in code
    scope: dict[str, object] = {}
    exec(code.replace('"me/owl"', repr(str(build()))), scope)
    assert scope["answer"]
    assert str(scope["answer"]) in CONTEXT


def test_the_command_asks_the_same(build: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    from harness.cli import main

    command = shlex.split(fences(write_card(released_run()))["sh"])
    assert command[:3] == ["harness", "ask", "me/owl"]
    assert command[-1] == "--impossible"
    assert main(["ask", str(build()), *command[3:], "--device", "cpu"]) == 0
    assert capsys.readouterr().out
