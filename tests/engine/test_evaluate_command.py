"""``harness evaluate`` and ``rescore`` with a real small model, interruptions and a full disk included."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from harness.cli import main
from harness.engine import Computing, TorchEngine
from harness.records import CLOSE, Decoding, Predictions, Question, from_json
from harness.records.runs import Run
from harness.signature import parse_signature
from harness.squad_json import to_squad_json

pytestmark = pytest.mark.torch
LENGTHS = ["--max-seq-len", "96", "--doc-stride", "16", "--max-query-length", "24"]


@pytest.fixture
def data(tmp_path: Path, make_questions: Callable[..., list[Question]]) -> Path:
    easy = make_questions(60)
    long = [replace(q, id=f"{q.id}-long", context=q.context * 6) for q in easy[:12]]
    (tmp_path / "set.json").write_text(json.dumps(to_squad_json([*easy, *long])), "utf-8")
    return tmp_path / "set.json"


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Run, str]:
    code = main([str(a) for a in (*arguments, "--json")])
    out, err = capsys.readouterr()
    return code, from_json(Run, json.loads(out)), err


def test_evaluate_then_rescore_equals_evaluating_under_the_other_decoding(
    sharp: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = ["--runs", tmp_path / "runs", "--n-best", 5]
    code, first, _ = call(capsys, "evaluate", sharp, data, *LENGTHS, *runs, "--keep-logits", "--dtype", "float32")
    assert (code, first.kind, first.scores["total"]) == (0, "released", 72)
    assert first.computed is not None
    assert (first.computed.device, first.computed.dtype) == ("cpu", "float32") or first.computed.device != "cpu"
    assert first.computed.windows > 72
    assert first.signature is not None
    signed = parse_signature(first.signature)
    assert (signed["dtype"], signed["decoding"], signed["n_best"]) == ("float32", "run_qa", "5")
    assert "torch=" in signed["packages"]
    changes = ["--null-threshold", "-3", "--max-answer-length", "4"]
    _, again, _ = call(capsys, "evaluate", sharp, data, *LENGTHS, *runs, *changes, "--dtype", "float32")
    _, rescored, _ = call(capsys, "rescore", first.id, data, "--runs", tmp_path / "runs", *changes)
    assert rescored.predictions_sha256 == again.predictions_sha256 != first.predictions_sha256
    assert (rescored.scores, rescored.signature) == (again.scores, again.signature)
    assert (rescored.rescored_from, rescored.computed) == (first.id, again.computed)
    assert main(["report", str(tmp_path / "runs" / rescored.id), "--format", "md"]) == 0
    (repeat,) = re.findall(r"^harness rescore .*$", capsys.readouterr().out, re.MULTILINE)
    words = [str(data) if word == data.name else word for word in shlex.split(repeat)[1:]]
    _, repeated, _ = call(capsys, *words, "--runs", tmp_path / "runs")
    assert repeated.id == rescored.id


def test_protocols_and_forced_answers_are_named_in_the_signature(
    sharp: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = ["--runs", tmp_path / "runs"]
    _, farm, _ = call(capsys, "evaluate", sharp, data, *LENGTHS, *runs, "--protocol", "farm", "--forced-answer")
    assert farm.signature is not None
    signed = parse_signature(farm.signature)
    assert (signed["decoding"], signed["doc_stride"], signed["forced_answer"]) == ("farm", "16 step", "yes")
    assert "" not in json.loads((tmp_path / "runs" / farm.id / "predictions.json").read_text("utf-8")).values()


KILLED = """
import os, sys
from harness.engine import predict as module
from harness.spans.kept import KeptLogits
module.PART_QUESTIONS = 10
write = KeptLogits.write
def dying(self, part, *found):
    if part == 3:
        os.kill(os.getpid(), 9)
    write(self, part, *found)
if sys.argv.pop(1) == "die":
    KeptLogits.write = dying
from harness.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_killed_evaluation_goes_on(sharp: Path, data: Path, tmp_path: Path) -> None:
    command = ["evaluate", str(sharp), str(data), *LENGTHS, "--runs", str(tmp_path / "runs")]
    dead = subprocess.run([sys.executable, "-c", KILLED, "die", *command], capture_output=True, check=False)
    assert dead.returncode == -9
    (folder,) = (tmp_path / "runs").iterdir()
    parts = {path.name: path.stat().st_mtime_ns for path in (folder / "logits").glob("part-*.npz")}
    assert len(parts) == 3
    again = subprocess.run(
        [sys.executable, "-c", KILLED, "live", *command, "--keep-logits"], capture_output=True, text=True, check=True
    )
    assert "record:" in again.stderr
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "logits").glob("part-*.npz")}
    assert len(after) == 8
    assert parts.items() <= after.items()
    whole = [*command[:-1], str(tmp_path / "whole")]
    subprocess.run([sys.executable, "-c", KILLED, "live", *whole], capture_output=True, check=True)
    (other,) = (tmp_path / "whole").iterdir()
    for name in ("predictions.json", "null_odds.json", "nbest_predictions.json", "eval.json"):
        assert (folder / name).read_bytes() == (other / name).read_bytes()
    assert not (other / "logits").exists()


FULL = """
import resource, signal, sys
from harness.engine import predict as module
module.PART_QUESTIONS = 10
from harness.cli import main
import torch, transformers  # all that is loaded is loaded before files are limited
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as POSIX does")
@pytest.mark.parametrize("size", [4_000, 9_000])
def test_a_full_disk_leaves_a_run_that_goes_on(sharp: Path, data: Path, tmp_path: Path, size: int) -> None:
    command = ["evaluate", str(sharp), str(data), *LENGTHS, "--runs", str(tmp_path / "runs")]
    full = subprocess.run(
        [sys.executable, "-c", FULL, str(size), *command], capture_output=True, text=True, check=False
    )
    assert full.returncode in (2, 3)
    assert "Traceback" not in full.stderr
    assert "cannot be written" in full.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert not list(folder.rglob("*.tmp"))
    done = subprocess.run([sys.executable, "-c", KILLED, "live", *command], capture_output=True, text=True, check=True)
    assert "record:" in done.stderr
    assert json.loads((folder / "record.json").read_text("utf-8"))["status"] == "finished"


def test_batches_change_no_answer_that_is_not_a_close_call(
    sharp: Path, data: Path, make_questions: Callable[..., list[Question]], decoding: Decoding
) -> None:
    easy = make_questions(40)
    questions = [*easy, *(replace(q, id=f"{q.id}-long", context=q.context * n) for n, q in enumerate(easy[:9], 2))]
    found: list[Predictions] = [
        TorchEngine(Computing(device="cpu", token_budget=budget)).predict(sharp, questions, decoding)
        for budget in (1, 300, 5000)
    ]
    flips = [q.id for q in questions if len({p.answers[q.id] for p in found}) > 1]
    for predictions in found:
        assert predictions.computed is not None
        assert len(flips) <= predictions.computed.close_calls
        for q in questions:
            assert predictions.null_odds[q.id] == pytest.approx(found[0].null_odds[q.id], abs=CLOSE)


def test_long_contexts_and_other_scripts(sharp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = {
        "long": "Orvel lies by the sea. " * 9_000,
        "hebrew": "\u05e9\u05dc\u05d5\u05dd Orvel \u05e2\u05d5\u05dc\u05dd. \u200fAda \u05de\u05e8\u05e7 1204",
        "chinese": "\u5965\u5c14\u7ef4\u5c14\u4f4d\u4e8e\u6d77\u8fb9\u3002\u5b83\u7531\u827e\u8fbe\u5efa\u7acb\u3002",
        "emoji": "\U0001f600 by \U0001f468\u200d\U0001f469\u200d\U0001f467 and e\u0301 in Orvel.",
    }
    rows = [
        {"id": key, "context": text, "question": "Who founded Orvel?", "answers": {"text": [], "answer_start": []}}
        for key, text in texts.items()
    ]
    (tmp_path / "hard.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    runs = ["--runs", tmp_path / "runs", "--forced-answer", "--max-seq-len", "250"]
    code, run, _ = call(capsys, "evaluate", sharp, tmp_path / "hard.jsonl", *runs)
    assert code == 0
    assert run.computed is not None
    assert run.computed.windows > 50_000 / 250
    answers = json.loads((tmp_path / "runs" / run.id / "predictions.json").read_text("utf-8"))
    assert all(answers[key] and answers[key] in text for key, text in texts.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["data"][0]["paragraphs"][0].update(context=" "), "context of id .* is empty"),
        (lambda d: d["data"][0]["paragraphs"][0]["qas"].append(d["data"][0]["paragraphs"][0]["qas"][0]), "used before"),
        (lambda d: d["data"][0]["paragraphs"][0].pop("qas"), "'qas' is missing"),
    ],
    ids=["empty context", "repeated id", "no questions"],
)
def test_data_that_cannot_be_evaluated_leave_nothing(
    sharp: Path,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], object],
    message: str,
) -> None:
    document = json.loads(data.read_text("utf-8"))
    change(document)
    bad = tmp_path / "bad.json"
    for text, expected in ((json.dumps(document), message), (data.read_text("utf-8")[:-40], "not JSON")):
        bad.write_text(text, "utf-8")
        assert main(["evaluate", str(sharp), str(bad), "--runs", str(tmp_path / "runs")]) == 2
        err = capsys.readouterr().err
        assert re.search(expected, err)
        assert err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_answers_at_wrong_offsets_are_a_warning(
    sharp: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(data.read_text("utf-8"))
    asked = next(q for p in document["data"][0]["paragraphs"] for q in p["qas"] if q["answers"])
    asked["answers"][0]["answer_start"] += 1
    data.write_text(json.dumps(document), "utf-8")
    _, run, _ = call(capsys, "evaluate", sharp, data, *LENGTHS, "--runs", tmp_path / "runs")
    (warning,) = run.warnings
    assert "1 of 72 questions have an answer that does not stand at its answer_start" in warning
    assert main(["report", str(tmp_path / "runs" / run.id), "--format", "md"]) == 0
    report = capsys.readouterr().out
    assert "does not stand at its" in report.partition("Warnings:")[2]
    assert f"harness evaluate {sharp.name} set.json --max-seq-len 96" in report


def test_logits_that_are_no_numbers_and_a_tokenizer_of_another_model(
    sharp: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import load_file, save_file

    command = ["evaluate", str(sharp), str(data), *LENGTHS, "--runs", str(tmp_path / "runs")]
    weights = load_file(sharp / "model.safetensors")
    whole = weights["qa_outputs.bias"].clone()
    weights["qa_outputs.bias"][0] = float("nan")
    save_file(weights, sharp / "model.safetensors", {"format": "pt"})
    assert main(command) == 3
    assert "found logits that are no finite numbers" in capsys.readouterr().err
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((folder / "record.json").read_text("utf-8"))["status"] == "failed"
    weights["qa_outputs.bias"] = whole
    embeddings = "roberta.embeddings.word_embeddings.weight"
    weights[embeddings] = weights[embeddings][:20].clone()
    save_file(weights, sharp / "model.safetensors", {"format": "pt"})
    config = json.loads((sharp / "config.json").read_text("utf-8"))
    (sharp / "config.json").write_text(json.dumps(config | {"vocab_size": 20}), "utf-8")
    assert main(command) == 2
    assert "expected a tokenizer that fits" in capsys.readouterr().err


def test_windows_that_are_too_long_are_found_before_any_is_read(
    sharp: Path, tmp_path: Path, make_questions: Callable[..., list[Question]], capsys: pytest.CaptureFixture[str]
) -> None:
    easy = make_questions(30)
    last = replace(easy[0], id="long", context=easy[0].context * 60)
    (tmp_path / "set.json").write_text(json.dumps(to_squad_json([*easy, last])), "utf-8")
    assert main(["evaluate", str(sharp), str(tmp_path / "set.json"), "--runs", str(tmp_path / "runs")]) == 2
    assert "set max_seq_len to 256 or less" in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/*/logits"))


def test_device_and_precision_that_are_not_there(
    sharp: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert main(["evaluate", str(sharp), str(data), "--device", "cuda", "--runs", str(tmp_path / "runs")]) == 3
    assert "device cuda: found none, expected one that torch can use" in capsys.readouterr().err
