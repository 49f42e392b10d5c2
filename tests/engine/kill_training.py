"""Trainings that are killed at the worst moments and given the same command again; prints what they came to.

    python tests/engine/kill_training.py FOLDER

Each training runs in a fork of this process, which has computed nothing yet. Prints one JSON object: case -> how often
it was killed, how many micro-batches the last call computed, and hashes of the final weights and metrics.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from engine.conftest import easy_questions

from harness.engine import Fitting, TorchEngine, checkpoints, teachers, trainer, training_data
from harness.records import Stage

torch.set_num_threads(1)


def die(*args: Any, **kwargs: Any) -> None:
    """What an impatient user or a full machine does."""
    os.kill(os.getpid(), signal.SIGKILL)


def make_stage(**changes: Any) -> Stage:
    """A stage of twelve steps."""
    fields: dict[str, Any] = {
        "name": "killed",
        "kind": "finetune",
        "student": None,
        "teacher": None,
        "data": (),
        "epochs": 3,
        "batch_size": 7,
        "learning_rate": 1e-3,
        "lr_schedule": "linear",
        "warmup_proportion": 0.2,
        "weight_decay": 0.01,
        "adam_beta2": 0.98,
        "max_grad_norm": 1.0,
        "max_seq_len": 96,
        "doc_stride": 16,
        "max_query_length": 24,
        "temperature": 2.0,
        "distillation_loss_weight": 0.5,
        "seed": 7,
        "head_dropout": 0.1,
    }
    return Stage(**(fields | changes))


def call(patch: Callable[[], None], stage: Stage, folder: Path, models: dict[str, Path], **fitting: Any) -> bool:
    """Train in a fork, with `patch` applied there first; returns whether it lived to the end."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            patch()
            teacher = None if stage.kind == "finetune" else models["teacher"]
            engine = TorchEngine(fitting=Fitting(checkpoint_seconds=0, **fitting))
            engine.train(
                stage,
                models["student"],
                teacher,
                easy_questions(24),
                folder / "model",
                work=folder / "work",
                cache=folder / "cache",
            )
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"the training of {folder} failed")
    return os.WIFEXITED(status)


def after(module: Any, name: str, count: int, *, before: bool = False) -> Callable[[], None]:
    """A patch that kills in the `count`-th call of a function: at its start or when its work is done."""

    def patch() -> None:
        real, seen = getattr(module, name), [0]

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            seen[0] += 1
            if before and seen[0] == count:
                die()
            result = real(*args, **kwargs)
            if seen[0] == count:
                die()
            return result

        setattr(module, name, wrapped)

    return patch


def count(place: Path) -> Callable[[], None]:
    """A patch that writes down how many micro-batches a call computes."""

    def patch() -> None:
        real = trainer.StageTrainer.compute_loss

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with place.open("a") as file:
                file.write(".")
            return real(*args, **kwargs)

        trainer.StageTrainer.compute_loss = wrapped  # type: ignore[method-assign]

    return patch


MOMENTS: dict[str, list[Callable[[], None]]] = {
    "inside a step": [after(trainer.StageTrainer, "compute_loss", 6)],
    "twice": [after(trainer.StageTrainer, "compute_loss", 3), after(trainer.StageTrainer, "compute_loss", 4)],
    "at the end of an epoch": [after(trainer, "complete_checkpoint", 4)],
    "while a checkpoint is written": [after(trainer.StageTrainer, "_save_optimizer_and_scheduler", 5)],
    "before the manifest": [after(checkpoints, "write_json", 10, before=True)],
    "while an old checkpoint is removed": [after(checkpoints, "remove_folder", 3, before=True)],
    "while windows are cut": [after(training_data, "make_labels", 1)],
    "before the model is saved": [after(trainer.StageTrainer, "train", 1)],
}


def main(folder: Path) -> None:
    """Run every case."""
    texts = [q.context for q in easy_questions(24)]
    models = {name: folder / name for name in ("teacher", "student")}
    for seed, path in enumerate(models.values()):
        TorchEngine().build_base("pocket/roberta-2x32", texts, seed, path)
    found: dict[str, dict[str, Any]] = {}

    def run(case: str, patches: list[Callable[[], None]], stage: Stage, **fitting: Any) -> None:
        place = folder / case.replace(" ", "-")
        counted = place.with_suffix(".count")
        lived = [call(patch, stage, place, models, **fitting) for patch in [*patches, count(counted)]]
        weights = (place / "model" / "model.safetensors").read_bytes()
        metrics = (place / "work" / "training.jsonl").read_bytes()
        found[case] = {
            "killed": lived.count(False),
            "computed": counted.stat().st_size if counted.exists() else 0,
            "weights": hashlib.sha256(weights).hexdigest(),
            "metrics": hashlib.sha256(metrics).hexdigest(),
        }
        shutil.rmtree(place)

    run("uninterrupted", [], make_stage())
    for case, patches in MOMENTS.items():
        run(case, patches, make_stage())
    for kind, killed in (("distil_logits", "while the teacher is asked"), ("distil_hidden", "inside a hidden step")):
        patches = [after(teachers, "window_logits", 1)] if kind == "distil_logits" else []
        stage = make_stage(kind=kind, padding="longest", order="random")
        run(f"uninterrupted {kind}", [], stage)
        run(killed, [*patches, after(trainer.StageTrainer, "compute_loss", 6)], stage)
    run("uninterrupted in micro-batches", [], make_stage(), micro_batch=2)
    run("inside a micro-batch", [after(trainer.StageTrainer, "compute_loss", 23)], make_stage(), micro_batch=2)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
