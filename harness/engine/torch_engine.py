"""The engine that the pipeline receives."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from harness.engine.answer import Answerer
from harness.engine.augmenting import augment_questions, settings_of
from harness.engine.computing import Computing, Fitting
from harness.engine.masked_lm import EMBEDDED_NAME, train_masked_lm
from harness.engine.micro_batches import Split
from harness.engine.pocket_model import build_base
from harness.engine.predict import predict, predict_until
from harness.engine.together import dismiss, processes
from harness.engine.train import train_stage
from harness.engine_api import Enough, Training
from harness.errors import HarnessError
from harness.progress import Progress, silent
from harness.records import Decoding, Example, Predictions, ProbableAnswer, Question, Stage

_KERNELS = ("ACCELERATE_", "ATEN_", "DNNL_", "MKL_", "NVIDIA_TF32_", "ONEDNN_", "TORCHINDUCTOR_", "TORCH_ALLOW_")
"""Beginnings of variables of the environment that choose how torch and its libraries compute."""


class TorchEngine:
    """An `Engine` on torch and transformers; it trains as `fitting` and predicts as `computing` say."""

    def __init__(self, computing: Computing | None = None, fitting: Fitting | None = None) -> None:
        """Say how to predict and to train; nothing is loaded yet."""
        self._computing, self._fitting = computing or Computing(), fitting or Fitting()

    def build_base(self, name: str, texts: Sequence[str], seed: int, out: Path) -> None:
        """See `harness.engine.pocket_model.build_base`, and `harness.engine.masked_lm` for ``pocket/masked-lm``."""
        if name == EMBEDDED_NAME:
            train_masked_lm(texts, out, seed)
        else:
            build_base(name, texts, seed, out)

    def train(
        self,
        stage: Stage,
        student: Path,
        teacher: Path | None,
        questions: Sequence[Question],
        out: Path,
        progress: Progress = silent,
        *,
        work: Path | None = None,
        cache: Path | None = None,
    ) -> Training:
        """See `harness.engine.train.train_stage`."""
        return train_stage(
            stage, student, teacher, questions, out, progress, work=work, cache=cache, fitting=self._fitting
        )

    def conditions(self, stage: Stage) -> Mapping[str, Any] | None:
        """See `Engine.conditions`; None where several processes train together."""
        if processes() > 1:
            return None
        return {
            "micro_batch": Split.of(stage.batch_size, 1, self._fitting.micro_batch).micro_batch,
            "gradient_checkpointing": self._fitting.gradient_checkpointing,
            "compiled": self._fitting.compiled,
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            "cpu": torch.backends.cpu.get_cpu_capability(),
            "threads": torch.get_num_threads(),
            "torch": str(torch.__version__),
            "computing": asdict(self._computing),
            "variables": {name: text for name, text in sorted(os.environ.items()) if name.startswith(_KERNELS)},
        }

    def close(self) -> None:
        """See `harness.engine.together.dismiss`."""
        dismiss()

    def augment(
        self,
        stage: Stage,
        questions: Sequence[Question],
        masked_lm: Path,
        vectors: Path | None,
        folder: Path,
        progress: Progress = silent,
    ) -> Sequence[Question]:
        """See `harness.engine.augmenting.augment_questions`."""
        return augment_questions(settings_of(stage), questions, masked_lm, vectors, folder, progress, self._computing)

    def predict(
        self,
        model: Path,
        questions: Sequence[Question],
        decoding: Decoding,
        progress: Progress = silent,
        keep: Path | None = None,
    ) -> Predictions:
        """See `harness.engine.predict.predict`."""
        return predict(model, questions, decoding, progress, self._computing, keep)

    def predict_until(
        self,
        model: Path,
        questions: Sequence[Question],
        sizes: Sequence[int],
        enough: Enough,
        decoding: Decoding,
        progress: Progress = silent,
        keep: Path | None = None,
    ) -> Predictions:
        """See `harness.engine.predict.predict_until`."""
        return predict_until(model, questions, sizes, enough, decoding, progress, self._computing, keep)

    def ask(self, model: Path, examples: Sequence[Example]) -> Sequence[ProbableAnswer | str | None]:
        """See `harness.engine.answer.Answerer`."""
        answerer = Answerer(model, self._computing)
        found: list[ProbableAnswer | str | None] = []
        for example in examples:
            try:
                answers = answerer(example.question, example.context, impossible=not example.answer)
            except (
                HarnessError,
                RuntimeError,
            ) as error:  # a card may print any question; torch's errors are RuntimeErrors
                found.append(" ".join(str(error).split())[:300])
            else:
                found.append(answers[0] if answers else None)
        return found
