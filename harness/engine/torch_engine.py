"""The engine that the pipeline receives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.engine.answer import Answerer
from harness.engine.augmenting import augment_questions, settings_of
from harness.engine.computing import Computing, Fitting
from harness.engine.masked_lm import EMBEDDED_NAME, train_masked_lm
from harness.engine.pocket_model import build_base
from harness.engine.predict import predict, predict_until
from harness.engine.together import dismiss
from harness.engine.train import train_stage
from harness.engine_api import Enough, Training
from harness.errors import HarnessError
from harness.progress import Progress, silent
from harness.records import Decoding, Example, Predictions, ProbableAnswer, Question, Stage


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
