"""An engine without models: weights are text, and answers are read from the questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.engine_api import Enough, Training
from harness.progress import Progress
from harness.records import Decoding, Example, Predictions, ProbableAnswer, Question, Stage


def write_model(folder: Path, weights: str) -> None:
    """A folder that looks like a saved model."""
    folder.mkdir(parents=True)
    for name, text in (("config.json", "{}"), ("tokenizer.json", "{}"), ("model.safetensors", weights)):
        (folder / name).write_text(text, "utf-8")


def weights_of(folder: Path | None) -> str:
    """What `write_model` wrote."""
    return "" if folder is None else (folder / "model.safetensors").read_text("utf-8")


@dataclass
class FakeEngine:
    """Writes down what it is asked to do. Every `wrong_every`-th question is answered wrongly."""

    wrong_every: int = 4
    fail_at: str | None = None
    calls: list[str] = field(default_factory=list)
    decodings: list[Decoding] = field(default_factory=list)
    lengths: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    told: Mapping[str, Any] | None = field(default_factory=dict)
    """What it says that its trainings depend on."""

    def build_base(self, name: str, texts: Sequence[str], seed: int, out: Path) -> None:
        self.calls.append(f"build {name} seed {seed}")
        write_model(out, f"{name}/{seed}")

    def train(
        self,
        stage: Stage,
        student: Path,
        teacher: Path | None,
        questions: Sequence[Question],
        out: Path,
        progress: Progress,
        *,
        work: Path | None = None,
        cache: Path | None = None,
    ) -> Training:
        self.calls.append(f"train {stage.name}")
        self.lengths[stage.name] = len(questions)
        if self.fail_at == stage.name:
            raise RuntimeError("the machine caught fire\nin several places")
        write_model(out, f"{stage.name}({weights_of(student)};{weights_of(teacher)};{len(questions)})")
        history: tuple[Mapping[str, float], ...] = ({"step": 1.0, "loss": 0.5},)
        return Training(windows=len(questions), steps=3, loss=0.5, history=history)

    def conditions(self, stage: Stage) -> Mapping[str, Any] | None:
        return self.told

    def close(self) -> None:
        pass

    def augment(
        self,
        stage: Stage,
        questions: Sequence[Question],
        masked_lm: Path,
        vectors: Path | None,
        folder: Path,
        progress: Progress,
    ) -> Sequence[Question]:
        self.calls.append(f"augment {stage.name} with {weights_of(masked_lm)}")
        return [replace(q, id=f"{q.id}#{n}") for n in range(stage.augment_factor) for q in questions]

    def predict(
        self,
        model: Path,
        questions: Sequence[Question],
        decoding: Decoding,
        progress: Progress,
        keep: Path | None = None,
    ) -> Predictions:
        self.calls.append(f"predict {weights_of(model)[:7]}")
        self.decodings.append(decoding)
        answers = {
            q.id: "wrong" if i % self.wrong_every == 0 else (q.answers[0].text if q.answers else "")
            for i, q in enumerate(questions)
        }
        return Predictions(answers, {q.id: 0.0 for q in questions}, {})

    def predict_until(
        self,
        model: Path,
        questions: Sequence[Question],
        sizes: Sequence[int],
        enough: Enough,
        decoding: Decoding,
        progress: Progress,
        keep: Path | None = None,
    ) -> Predictions:
        answers = self.predict(model, questions, decoding, progress, keep).answers
        self.asked, ids = 0, None
        for size in sizes:
            part = questions[self.asked : self.asked + size]
            self.asked += size
            ids = enough({q.id: answers[q.id] for q in part})
            if ids is not None:
                break
        ids = [q.id for q in questions] if ids is None else ids
        return Predictions({i: answers[i] for i in ids}, dict.fromkeys(ids, 0.0), {})

    def ask(self, model: Path, examples: Sequence[Example]) -> Sequence[ProbableAnswer | str | None]:
        """Answers the context's first word, and refuses a question that says "too long"."""
        self.calls.append(f"ask {weights_of(model)[:7]} {len(examples)}")
        return [
            "it is too long" if "too long" in e.question else ProbableAnswer(e.context[:n], 0.5, 0, n) if n else None
            for e in examples
            for n in [len(e.context.partition(" ")[0])]
        ]
