"""Models of the embedded world for `pocket_controls`: trained by the engine's own steps, with the data as asked."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from harness.data import load_data
from harness.engine import TorchEngine
from harness.engine.features import Features
from harness.engine.jobs import open_data
from harness.engine.masked_lm import EMBEDDED_NAME
from harness.engine.train import fit, prepare
from harness.engine.training_set import TrainingSet
from harness.environment import harness_version
from harness.progress import silent
from harness.records import DataRef, Decoding, Question, Stage, to_json
from harness.scoring import score_by_kind
from harness.squad import score_predictions, summarize


@dataclass(frozen=True, slots=True)
class Task:
    """One stage with what it needs."""

    stage: Stage
    student: Path
    teacher: Path | None
    questions: Sequence[Question]
    shuffled: bool


@dataclass(frozen=True, slots=True)
class World:
    """One seed: its models in a folder, each under a hash of what it is made from, where a later call finds them."""

    folder: Path
    seed: int
    validation: tuple[Question, ...]
    decoding: Decoding
    engine: TorchEngine

    def base(self, name: str) -> Path:
        """An embedded model from the world's text: untrained, or the masked language model."""
        texts = [text for q in questions_of(DataRef("pocket", "train")) for text in (q.question, q.context)]
        return self._made(
            f"base-{name.rpartition('/')[2]}",
            lambda out: self.engine.build_base(name, list(dict.fromkeys(texts)), self.seed, out),
        )

    def train(
        self, stages: Sequence[Stage], models: Mapping[str, Path], *, shuffled: bool = False, blinded: bool = False
    ) -> Path:
        """Train stage after stage; returns the last model's folder.

        Args:
            stages: Each with its student's and its teacher's name.
            models: Trained models by the names that stages know them by.
            shuffled: Teachers read another window than their student does; see `shuffle_teacher`.
            blinded: All questions are the same.
        """
        made = dict(models)
        for stage in stages:
            student = made.get(stage.student.name) or self.base(stage.student.name)
            teacher = None if stage.teacher is None else made[stage.teacher.name]
            questions = self._questions(stage)
            task = Task(stage, student, teacher, blind(questions) if blinded else questions, shuffled)
            digest = fingerprint(values_of(stage), student.name, teacher and teacher.name, shuffled, blinded)
            made[stage.name] = self._made(f"{stage.name}-{digest[:10]}", partial(self._fit, task))
        return made[stages[-1].name]

    def evaluate(self, model: Path, *, blinded: bool = False) -> dict[str, float]:
        """Exact match in points on the validation split: overall, then by kind of question."""
        questions = blind(self.validation) if blinded else self.validation
        return self.score(self.engine.predict(model, questions, self.decoding, silent).answers)

    def score(self, answers: dict[str, str]) -> dict[str, float]:
        """Exact match in points, overall, then by kind of question."""
        scores = score_predictions(self.validation, answers)
        kinds = {kind: figures["exact"] for kind, figures in score_by_kind(self.validation, scores).items()}
        return {"all": summarize(scores)["exact"], **kinds}

    def _questions(self, stage: Stage) -> Sequence[Question]:
        questions = tuple(q for ref in stage.data for q in questions_of(ref))
        if stage.augment == "none":
            return questions
        folder = self.folder / f"augmented-{fingerprint(values_of(stage))[:10]}"
        return self.engine.augment(stage, questions, self.base(EMBEDDED_NAME), None, folder)

    def _fit(self, task: Task, out: Path) -> None:
        work = out.with_name(f"{out.name}.work")
        logits = self.folder / "teachers"
        prepared = prepare(task.stage, task.student, task.teacher, task.questions, silent, work, logits)
        data = open_data(prepared)
        fit(prepared, out, silent, work, data=shuffle_teacher(data, self.seed) if task.shuffled else data)
        shutil.rmtree(work)

    def _made(self, name: str, make: Callable[[Path], None]) -> Path:
        """The folder of that name, made unless an earlier call finished it."""
        place = self.folder / name
        if not place.exists():
            unfinished, begun = place.with_name(f"{name}.partial"), time.monotonic()
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.parent.mkdir(parents=True, exist_ok=True)
            make(unfinished)
            unfinished.rename(place)
            seconds = time.monotonic() - begun
            print(f"seed {self.seed}: made {name} in {seconds:.0f} s", file=sys.stderr, flush=True)
        return place


def values_of(stage: Stage) -> dict[str, Any]:
    """What a stage asks for, wherever its values come from."""
    values = to_json(stage)
    del values["origins"]
    return values


def fingerprint(*content: Any) -> str:
    """A hash over values, and over the versions and the number of threads that compute."""
    software = (harness_version(), torch.__version__, transformers.__version__, torch.get_num_threads())
    return hashlib.sha256(json.dumps([content, software], sort_keys=True).encode()).hexdigest()


def questions_of(ref: DataRef) -> tuple[Question, ...]:
    """Embedded questions."""
    return load_data(ref, {})[0]


def blind(questions: Sequence[Question]) -> tuple[Question, ...]:
    """The same questions with one text for all."""
    return tuple(replace(q, question="What is it?") for q in questions)


def shuffle_teacher(data: TrainingSet, seed: int) -> TrainingSet:
    """The windows with what the teacher makes of others: each is dealt another one of the same length.

    Logits are moved to other windows; a teacher of hidden states and attentions reads another window than its student.
    Everything that a student could learn about the teacher's outputs in general stays, what they say about a window
    goes. A window may be dealt itself, as one in as many as there are of its length.
    """
    features, distillation, hidden = data.features, data.distillation, data.hidden
    sources = deal_windows(features.lengths, seed)
    if distillation is not None:
        moved = np.array(distillation.logits)
        for target, source in enumerate(sources):
            moved[_place(features, target)] = distillation.logits[_place(features, int(source))]
        distillation = replace(distillation, logits=moved)
    if hidden is not None:
        hidden = replace(hidden, model=ReadsElsewhere(hidden.model, features, sources))
    return replace(data, distillation=distillation, hidden=hidden)


def deal_windows(lengths: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """For each window another one of the same length; all are dealt once."""
    generator = np.random.default_rng(seed)
    sources = np.arange(len(lengths))
    for length in np.unique(lengths):
        windows = np.flatnonzero(lengths == length)
        sources[windows] = generator.permutation(windows)
    return sources


class ReadsElsewhere(torch.nn.Module):
    """A teacher that reads, in the place of each window, the one that it was dealt."""

    def __init__(self, teacher: torch.nn.Module, features: Features, sources: NDArray[np.int64]) -> None:
        super().__init__()
        self.teacher, self.config = teacher, teacher.config
        ids = [np.array(features.ids[_place(features, window)], dtype=np.int64) for window in range(len(features))]
        self._dealt = {ids[target].tobytes(): torch.from_numpy(ids[source]) for target, source in enumerate(sources)}

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **rest: Any) -> Any:
        """The teacher's outputs for the windows dealt, which are as long and padded alike."""
        read = input_ids.clone()
        for row, length in enumerate(attention_mask.sum(dim=1).tolist()):
            read[row, :length] = self._dealt[input_ids[row, :length].numpy().tobytes()]
        return self.teacher(input_ids=read, attention_mask=attention_mask, **rest)


def _place(features: Features, window: int) -> slice:
    return slice(int(features.bounds[window]), int(features.bounds[window + 1]))
