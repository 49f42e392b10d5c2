"""The engine that the pipeline receives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.engine.computing import Computing
from harness.engine.pocket_model import build_base
from harness.engine.predict import predict
from harness.engine.train import train_stage
from harness.engine_api import Training
from harness.progress import Progress, silent
from harness.records import Decoding, Predictions, Question, Stage


class TorchEngine:
    """An `Engine` on torch and transformers; it trains in single precision and predicts as `computing` says."""

    def __init__(self, computing: Computing | None = None) -> None:
        """Say how to predict; nothing is loaded yet."""
        self._computing = computing or Computing()

    def build_base(self, name: str, texts: Sequence[str], seed: int, out: Path) -> None:
        """See `harness.engine.pocket_model.build_base`."""
        build_base(name, texts, seed, out)

    def train(
        self,
        stage: Stage,
        student: Path,
        teacher: Path | None,
        questions: Sequence[Question],
        out: Path,
        progress: Progress = silent,
    ) -> Training:
        """See `harness.engine.train.train_stage`."""
        return train_stage(stage, student, teacher, questions, out, progress)

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
