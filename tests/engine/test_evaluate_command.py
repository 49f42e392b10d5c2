"""``harness evaluate`` and ``rescore`` with a real small model, interruptions and a full disk included."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

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


def test_device_and_precision_that_are_not_there(
    sharp: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert main(["evaluate", str(sharp), str(data), "--device", "cuda", "--runs", str(tmp_path / "runs")]) == 3
    assert "device cuda: found none, expected one that torch can use" in capsys.readouterr().err
