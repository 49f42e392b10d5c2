"""What the pipeline asks of an engine: models are folders, data are questions, results are records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.progress import Progress
from harness.records import Decoding, Predictions, Question, Stage


@dataclass(frozen=True, slots=True)
class Training:
    """What one stage of training came to."""

    windows: int
    steps: int
    """Optimizer steps, all epochs together."""
    loss: float
    """Mean training loss of the last epoch, over windows."""
    history: tuple[Mapping[str, float], ...]
    """One entry per logging step: step, epoch, loss (mean since the entry before), learning_rate."""
    micro_batch: int | None = None
    """Windows that a device took at once."""
    accumulation: int = 1
    """Micro-batches per device and update."""
    devices: int = 1


class Engine(Protocol):
    """Builds, trains and runs models that live in local folders."""

    def build_base(self, name: str, texts: Sequence[str], seed: int, out: Path) -> None:
        """Write the untrained embedded model `name` to `out`, its vocabulary learned from `texts`."""

    def train(
        self,
        stage: Stage,
        student: Path,
        teacher: Path | None,
        questions: Sequence[Question],
        out: Path,
        progress: Progress,
        *,
        work: Path | None,
        cache: Path | None,
    ) -> Training:
        """Train `student` as `stage` says and write the model to `out`.

        What an interrupted call left in the folder `work` is taken up; teachers' logits are shared in `cache`.
        """

    def close(self) -> None:
        """Let go of what computed along: nothing more is to come."""

    def augment(
        self,
        stage: Stage,
        questions: Sequence[Question],
        masked_lm: Path,
        vectors: Path | None,
        folder: Path,
        progress: Progress,
    ) -> Sequence[Question]:
        """Variants of the questions as `stage` says, kept in `folder`; what an interrupted call left there is used."""

    def predict(
        self, model: Path, questions: Sequence[Question], decoding: Decoding, progress: Progress, keep: Path | None
    ) -> Predictions:
        """Answer every question; logits are kept in the folder `keep`, and those that are there are used."""
