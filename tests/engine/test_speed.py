"""Two models measured in turn: what is done and what is counted; how long it takes is nobody's test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForQuestionAnswering

import harness.engine.speed as speed_module
from harness.cards import read_card
from harness.cli import main
from harness.engine import Computing
from harness.engine.answer import Answerer
from harness.engine.loading import load_tokenizer, quiet
from harness.engine.speed import CPU_BUDGETS, Contender, measure_speed, take_turns
from harness.errors import ModelError, RunError
from harness.kept_speeds import load_speed
from harness.models import weights_sha256
from harness.records import DataRef, DataUsed, ModelRef, Place, Question, Speed, SpeedMeasured, from_json, to_json
from harness.speeds import judge_speed

pytestmark = pytest.mark.torch
CPU = Computing(device="cpu")
USED = DataUsed(DataRef("mini", "validation"), 6, 4, "1" * 64, "mini.json")
Build = Callable[..., Path]


def measure(model: Path, base: Path, questions: list[Question], **options: Any) -> SpeedMeasured:
    contenders = Contender(ModelRef("student"), model), Contender(ModelRef("base"), base)
    return measure_speed(*contenders, questions, USED, rounds=3, computing=options.pop("computing", CPU), **options)


def test_jobs_take_turns() -> None:
    done: list[str] = []
    told: list[int] = []
    ticks = count()
    seconds = take_turns([lambda: done.append("A"), lambda: done.append("B")], 3, told.append, lambda: next(ticks) ** 2)
    assert "".join(done) == "ABABAB"
    assert told == [1, 2, 3, 4, 5, 6]
    assert seconds == [[1, 9, 17], [5, 13, 21]]  # between the squares of 0 and 1, 4 and 5, ..., and 2 and 3, ...


def test_both_models_are_asked_the_same_in_turn(
    build: Build, make_questions: Callable[..., list[Question]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, str, dict[str, Any]]] = []
    order: list[Answerer] = []

    class Recording(Answerer):
        def __call__(self, question: str, context: str, **options: Any) -> Any:
            if self not in order:
                order.append(self)
            asked.append((order.index(self), context, options))
            return super().__call__(question, context, **options)

    monkeypatch.setattr(speed_module, "Answerer", Recording)
    read: list[tuple[int, int]] = []
    plain = speed_module._Runner.read

    def reading(self: Any, features: Any, streams: Any, budget: int) -> None:
        read.append((order.index(self.answerer), budget))
        plain(self, features, streams, budget)

    monkeypatch.setattr(speed_module._Runner, "read", reading)
    questions = make_questions(6)
    told: list[tuple[str, int, int]] = []
    measured = measure(
        build(),
        build("pocket/roberta-1x32"),
        questions,
        progress=lambda what, done, total, note: told.append((what, done, total)),
    )
    contexts = [question.context for question in questions]
    turns = [asked[i : i + 6] for i in range(0, len(asked), 6)]
    assert [[context for _, context, _ in turn] for turn in turns] == [contexts] * 8
    # one untimed turn of each, then three rounds
    assert [{who for who, _, _ in turn} for turn in turns] == [{0}, {1}] * 4
    assert all(options == asked[0][2] for _, _, options in asked)
    budgets = [measured.model.token_budget, measured.base.token_budget]
    assert read[-6:] == [(0, budgets[0]), (1, budgets[1])] * 3
    swept = [tried.token_budget for tried in measured.model.swept]
    assert swept == [tried.token_budget for tried in measured.base.swept] == list(CPU_BUDGETS)
    assert read[:-6] == [(who, budget) for who in (0, 1) for budget in (CPU_BUDGETS[0], *CPU_BUDGETS)]
    assert told[:6] == [("one question at a time", done, 6) for done in range(1, 7)]
    assert told[-1] == ("best batch", 6, 6)


def test_what_is_recorded(build: Build, make_questions: Callable[..., list[Question]]) -> None:
    measured = measure(build(), build("pocket/roberta-1x32"), make_questions(6))
    model, base = measured.model, measured.base
    assert [ratio.batch for ratio in measured.ratios] == ["one", "best"]
    for ratio in measured.ratios:
        assert len(ratio.seconds) == len(ratio.base_seconds) == 3
        assert 0 < ratio.low <= ratio.ratio <= ratio.high
    assert (model.name, base.name, measured.questions, measured.data) == ("student", "base", 6, USED)
    assert (model.type, model.layers, model.width) == ("roberta", 2, 32)
    assert (base.layers, base.width) == (1, 32)
    assert model.dtype == base.dtype == "float32"
    assert measured.device == "cpu"
    assert measured.threads == torch.get_num_threads()
    assert model.tokens == base.tokens  # one vocabulary
    per_layer = 4 * (32 * 32 + 32) + 2 * 32 * 128 + 128 + 32 + 4 * 32
    assert model.forward_parameters - base.forward_parameters == model.parameters - base.parameters == per_layer
    for one in (model, base):
        best = max(one.swept, key=lambda tried: tried.questions_per_second)
        assert one.token_budget == best.token_budget


def test_operations_are_those_that_torch_counts(build: Build, make_questions: Callable[..., list[Question]]) -> None:
    questions = make_questions(4)
    found = measure(build(), build(), questions).model
    with quiet():
        model = AutoModelForQuestionAnswering.from_pretrained(str(build()), attn_implementation="eager").eval()
        tokenizer = load_tokenizer(build())
    total = tokens = 0
    for question in questions:
        inputs = tokenizer(question.question, question.context, return_tensors="pt")
        tokens += inputs["input_ids"].shape[1]
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            model(**inputs)
        total += counter.get_total_flops()
    assert found.flops == total / 4
    assert found.tokens == tokens / 4


def test_two_number_formats_are_no_comparison(
    build: Build, make_questions: Callable[..., list[Question]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with quiet():
        half = AutoModelForQuestionAnswering.from_pretrained(str(build()), dtype=torch.bfloat16)
        shutil.copytree(build(), tmp_path / "half")
        half.save_pretrained(str(tmp_path / "half"))
    monkeypatch.setattr(Computing, "find_dtype", lambda self, device: "auto")  # as on CUDA
    with pytest.raises(ModelError, match=r"student is stored in bfloat16 and base in float32.*--dtype"):
        measure(tmp_path / "half", build(), make_questions(2))


def test_what_torch_raises_is_explained(
    build: Build, make_questions: Callable[..., list[Question]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("no memory\nleft")

    monkeypatch.setattr(speed_module._Runner, "read", fail)
    with pytest.raises(RunError, match="OutOfMemoryError: no memory; if memory ran out, ask fewer"):
        measure(build(), build(), make_questions(2))


def test_a_batch_that_does_not_fit_ends_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(budget: int) -> None:
        if budget > 1024:
            raise torch.OutOfMemoryError("no memory")

    assert [tried.token_budget for tried in speed_module._sweep(read, CPU_BUDGETS, 3)] == [512, 1024]


def test_the_command(build: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context = "Orvel lies by the sea. It was founded by Ada Merk in 1204."
    answers = [{"text": "Ada Merk", "answer_start": context.index("Ada")}]
    qas = [{"id": str(i), "question": "Who founded it?", "answers": answers} for i in range(7)]
    (tmp_path / "q.json").write_text(json.dumps({"data": [{"paragraphs": [{"context": context, "qas": qas}]}]}))
    card = tmp_path / "model.md"
    card.write_text("---\nlicense: mit\n---\n\n# reader\n\nIt is 999x as fast as the base model, 2x faster than z-y.\n")
    names = [f"--use={name}={folder}" for name, folder in (("o/reader", build()), ("o/b", build()))]
    options = ["--questions", "3", "--rounds", "3", "--device", "cpu", *names]
    asked = ["speed", "o/reader", "o/b", str(tmp_path / "q.json"), *options]
    code = main([*asked, "--card", str(card), "--json"])
    out, err = capsys.readouterr()
    result = json.loads(out)
    measured = from_json(SpeedMeasured, result["measured"])
    assert (measured.questions, measured.model.name, measured.base.name) == (3, "o/reader", "o/b")
    # no model is 999 times as fast as itself, and o/b is not z-y
    assert [one["verdict"] for one in result["comparisons"]] == ["differs", "inconclusive"]
    assert code == result["exit_code"] == 1
    assert "not as fast as claimed: inconclusive 1, differs 1" in err
    assert "the card is of" not in err
    card.write_text(card.read_text().replace("999x", "1.0x").replace("# reader", "# other"))
    assert main([*asked, "--card", str(card), "--strict"]) == 1
    out, err = capsys.readouterr()
    assert f"{card}:7: 1.0x as fast as the base model" in out
    assert "one question at a time" in out
    assert "parameters without embeddings" in out
    assert "note: o/reader was measured, the card is of" in err
    assert main(asked) == 0


def test_a_speed_goes_from_the_command_into_the_card_and_back(
    build: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = "Orvel lies by the sea. It was founded by Ada Merk in 1204."
    answers = [{"text": "Ada Merk", "answer_start": context.index("Ada")}]
    qas = [{"id": str(i), "question": "Who founded it?", "answers": answers} for i in range(8)]
    data = tmp_path / "q.json"
    data.write_text(json.dumps({"data": [{"paragraphs": [{"context": context, "qas": qas}]}]}))
    card, speeds = tmp_path / "card" / "README.md", tmp_path / "card" / "speeds"
    models = [f"--use=o/small={build('pocket/roberta-1x32')}", f"--use=o/big={build()}"]
    evaluated = ["evaluate", "o/small", str(data), "--runs", str(card.parent / "runs"), models[0]]
    assert main([*evaluated, "--dtype", "float32", "--device", "cpu"]) == 0
    (folder,) = (card.parent / "runs").iterdir()
    asked = ["speed", "o/small", "o/big", str(data), *models, "--questions", "8", "--rounds", "3", "--device", "cpu"]
    capsys.readouterr()
    assert main([*asked, "--keep", str(speeds), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    (file,) = speeds.iterdir()
    record = load_speed(file)
    assert result["record"] == {"path": str(file), "id": record.id, "sha256": record.sha256}
    assert result["measured"] == to_json(record.measured)
    assert record.measured.model.weights_sha256 == weights_sha256(build("pocket/roberta-1x32"))
    new = ["render", "--template", "card.md.j2", "--run", str(folder), "-o", str(card), "--speed", str(file)]
    assert main(new) == 0
    read = read_card(card)
    assert f"(speeds/{file.name}), SHA-256 `{record.sha256}`, of the weights of `{folder.name}`" in read.text
    one, _ = record.measured.ratios
    shown = judge_speed(Speed(round(one.ratio, 2), "o/big", f"{one.ratio:.2f} times", Place(0, 1, 1)), record.measured)
    held = shown.state in ("matches", "within_tolerance")  # not on a machine so busy that the interval is wide
    assert [(claim.ratio, claim.than) for claim in read.speeds] == [(round(one.ratio, 2), "o/big")] * held
    assert main(["render", "--check", str(card)]) == 0
    # measured again it is the same record with other times, and the card is not what would be written
    assert main([*asked, "--keep", str(speeds)]) == 0
    assert list(speeds.iterdir()) == [file]
    assert load_speed(file).sha256 != record.sha256
    assert main(["render", "--check", str(card)]) == 1
