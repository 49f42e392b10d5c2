"""What the pipeline asks of an engine: models are folders, data are questions, results are records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.progress import Progress
from harness.records import Decoding, Example, Predictions, ProbableAnswer, Question, Stage

Enough = Callable[[Mapping[str, str]], Sequence[str] | None]
"""Told the answers (question id -> text) to some more questions, in the order in which they were asked: the ids of the
questions that will do, of all so far, in the order in which they are wanted; None to go on."""


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

    def conditions(self, stage: Stage) -> Mapping[str, Any] | None:
        """What the bytes of a trained stage depend on beside its values, models, data and the versions of software.

        ``micro_batch``, the windows that a device is to take at once, and whatever else is set on this machine or by
        the caller, as plain JSON values. None where that cannot be said; no stage is then taken from another run.
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

    def predict_until(
        self,
        model: Path,
        questions: Sequence[Question],
        sizes: Sequence[int],
        enough: Enough,
        decoding: Decoding,
        progress: Progress,
        keep: Path | None,
    ) -> Predictions:
        """As `predict`, in chunks of these sizes, until `enough` says which questions will do; theirs are returned."""

    def ask(self, model: Path, examples: Sequence[Example]) -> Sequence[ProbableAnswer | str | None]:
        """The most probable answer to the question of each example, as the question-answering pipeline gave it.

        No answer takes part where the example prints an empty one. None where the context has no token; words that say
        why where the question cannot be put to the model.
        """
