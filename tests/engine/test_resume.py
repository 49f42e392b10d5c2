"""A training that was killed ends with the bytes of one that was not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
import torch

from harness.engine import Fitting, TorchEngine, trainer
from harness.engine.checkpoints import MANIFEST, complete_checkpoint, newest_checkpoint, remove_older
from harness.errors import RecordError, RunError
from harness.records import Question, Stage

pytestmark = pytest.mark.torch
WHOLE = "uninterrupted"
# case: the training it must equal, how often it was killed, and how many of its micro-batches were left to compute
CASES = {
    "inside a step": (WHOLE, 1, 12 - 5),
    "twice": (WHOLE, 2, 12 - 2 - 3),
    "at the end of an epoch": (WHOLE, 1, 12 - 4),
    "while a checkpoint is written": (WHOLE, 1, 12 - 4),
    "before the manifest": (WHOLE, 1, None),
    "while an old checkpoint is removed": (WHOLE, 1, None),
    "while windows are cut": (WHOLE, 1, 12),
    "before the model is saved": (WHOLE, 1, 1),
    "while the teacher is asked": (f"{WHOLE} distil_logits", 2, 12 - 5),
    "inside a hidden step": (f"{WHOLE} distil_hidden", 1, 12 - 5),
    "inside a micro-batch": (f"{WHOLE} in micro-batches", 1, None),
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    script = Path(__file__).with_name("kill_training.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path_factory.mktemp("killed"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("case", CASES)
def test_killed_and_called_again(case: str, killed: dict[str, dict[str, Any]]) -> None:
    whole, kills, left = CASES[case]
    assert killed[case]["killed"] == kills
    assert killed[case]["weights"] == killed[whole]["weights"]
    assert killed[case]["metrics"] == killed[whole]["metrics"]
    if left is not None:
        assert killed[case]["computed"] == left
    elif "micro" not in case:
        assert 0 < killed[case]["computed"] < 12  # it went on, and did not begin anew


def test_kinds_of_training_differ(killed: dict[str, dict[str, Any]]) -> None:
    """Else the comparisons above would say nothing."""
    assert len({found["weights"] for case, found in killed.items() if case.startswith(WHOLE)}) == 4


def make_checkpoint(folder: Path, step: int, key: str = "k") -> Path:
    place = folder / f"checkpoint-{step}"
    place.mkdir(parents=True)
    for name in ("model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json", "rng_state.pth"):
        (place / name).write_text(f"{name} {step}")
    (place / "training_args.bin").write_text("a pickle")
    complete_checkpoint(place, key, {"step": step})
    return place


def test_newest_whole_checkpoint_of_the_same_training(tmp_path: Path) -> None:
    for step in (9, 10, 200):
        make_checkpoint(tmp_path, step)
    assert not list(tmp_path.rglob("training_args.bin"))
    assert newest_checkpoint(tmp_path, "k") == tmp_path / "checkpoint-200"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-200"]


@pytest.mark.parametrize("damage", ["shorter", "changed", "gone", "no manifest", "manifest cut", "no optimizer"])
def test_what_is_damaged_never_counts(damage: str, tmp_path: Path) -> None:
    make_checkpoint(tmp_path, 1)
    newer = make_checkpoint(tmp_path, 2)
    match damage:
        case "shorter":
            (newer / "optimizer.pt").write_text("o")
        case "changed":
            (newer / "optimizer.pt").write_text("optimizer.pt 1")
        case "gone":
            (newer / "rng_state.pth").unlink()
        case "no manifest":
            (newer / MANIFEST).unlink()
        case "manifest cut":
            (newer / MANIFEST).write_text((newer / MANIFEST).read_text()[:50])
        case "no optimizer":
            manifest = json.loads((newer / MANIFEST).read_text())
            del manifest["files"]["optimizer.pt"]
            (newer / MANIFEST).write_text(json.dumps(manifest))
    assert newest_checkpoint(tmp_path, "k") == tmp_path / "checkpoint-1"
    assert not newer.exists()


def test_another_trainings_checkpoint_never_counts(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, 5, key="a distillation")
    assert newest_checkpoint(tmp_path, "a fine-tuning") is None
    assert list(tmp_path.iterdir()) == []


def test_older_ones_are_removed(tmp_path: Path) -> None:
    kept = [make_checkpoint(tmp_path, step) for step in (1, 2, 3)][-1]
    remove_older(tmp_path, kept)
    assert list(tmp_path.iterdir()) == [kept]


def test_out_of_memory_halves_the_micro_batch(
    build: Callable[..., Path],
    questions: list[Question],
    make_stage: Callable[..., Stage],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = trainer.StageTrainer.compute_loss
    room = 2

    def compute(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if len(inputs["input_ids"]) > room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(self, model, inputs, *args, **kwargs)

    stage = make_stage(batch_size=10, epochs=2)
    engine = TorchEngine(fitting=Fitting(micro_batch=2))
    wanted = engine.train(stage, build(), None, questions, tmp_path / "wanted")
    monkeypatch.setattr(trainer.StageTrainer, "compute_loss", compute)
    seen: list[str] = []
    found = TorchEngine().train(
        stage, build(), None, questions, tmp_path / "found", lambda *report: seen.append(report[3])
    )
    assert (found.micro_batch, found.accumulation) == (2, 5) == (wanted.micro_batch, wanted.accumulation)
    assert any("out of memory; anew with 2 windows" in note for note in seen)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("wanted", "found")]
    assert weights[0] == weights[1]
    room = 0
    with pytest.raises(RunError, match="too small for one micro-batch"):
        TorchEngine().train(stage, build(), None, questions, tmp_path / "never")


def test_micro_batches_come_to_the_same_loss_and_nearly_the_same_weights(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    from harness.engine.loading import load_model, load_tokenizer, save

    model = load_model(build())
    model.config.hidden_dropout_prob = 0.0
    save(model, load_tokenizer(build()), tmp_path / "dry")
    stage, losses, states = make_stage(batch_size=7, epochs=2), [], []
    for micro_batch in (None, 3, 1):
        out = tmp_path / str(micro_batch)
        engine = TorchEngine(fitting=Fitting(micro_batch=micro_batch, gradient_checkpointing=micro_batch == 3))
        losses.append(engine.train(stage, tmp_path / "dry", None, questions, out).loss)
        states.append(load_model(out).state_dict())
    assert losses[1:] == pytest.approx([losses[0]] * 2, rel=1e-4)
    # a softmax undoes these: their gradients are noise, which Adam blows up
    undone = ("key.bias", "qa_outputs.bias", "layer.1.output.LayerNorm.bias")
    for state in states[1:]:
        for name, tensor in state.items():
            if name.endswith(undone):
                continue
            torch.testing.assert_close(tensor, states[0][name], rtol=1e-3, atol=1e-4)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX's")
def test_a_full_disk_is_said_and_loses_nothing(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    import resource
    import signal

    engine = TorchEngine(fitting=Fitting(checkpoint_seconds=0))
    stage = make_stage(epochs=2)
    work, out = tmp_path / "work", tmp_path / "model"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        # windows fit, a checkpoint does not
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
        with pytest.raises(RecordError, match=r"cannot be written .*; make room"):
            engine.train(stage, build(), None, questions, out, work=work)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert not out.exists()
    engine.train(stage, build(), None, questions, out, work=work)
    engine.train(stage, build(), None, questions, tmp_path / "plain")
    assert (out / "model.safetensors").read_bytes() == (tmp_path / "plain" / "model.safetensors").read_bytes()
