"""A few updates of a stage's training, timed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed

from harness.engine import hidden
from harness.engine.batches import fit_segments
from harness.engine.computing import Fitting
from harness.engine.features import Windowing, make_features, make_labels
from harness.engine.jobs import deterministic, make_arguments
from harness.engine.made_up import (
    build_model,
    find_peak,
    make_windows,
    now,
    padding_of,
    windows_at_once,
)
from harness.engine.micro_batches import Item, MicroBatches, Split
from harness.engine.pocket_model import train_tokenizer
from harness.engine.reader import check_length
from harness.engine.stage_checks import check_stage
from harness.engine.students import with_dropouts
from harness.engine.trainer import StageTrainer
from harness.engine.training_set import Distillation, HiddenTeacher, TrainingSet
from harness.measurements import Measured, Memory, Part
from harness.pocket import generate
from harness.records import Question, Stage

Sizes = tuple[tuple[int, ...], ...]
"""Windows of the micro-batches of each update."""

_TOKENIZED = 200
"""Questions that are tokenized to time it."""
_TOKENS_PER_WORD = 1.2
"""Of the embedded data by a tokenizer learned from it."""


def measure_training(part: Part) -> Measured:
    """Train a stage's student for three updates of micro-batches of one window or two."""
    if part.stage is None:
        raise ValueError(f"{part.name}: found no stage to train, expected one")
    stage = part.stage
    check_stage(stage, None if stage.kind == "finetune" else Path())
    set_seed(stage.seed)
    student = with_dropouts(build_model(part.model), stage)
    sizes = micro_batch_sizes(windows_at_once(student, part.width or part.tokens, stage.batch_size))
    windows = sum(map(sum, sizes))
    data = _training_set(part, stage, student, windows)
    split = Split(windows, accumulation=len(sizes[0]))
    with tempfile.TemporaryDirectory() as folder, deterministic(stage):
        if data.hidden is not None:
            hidden.prepare_student(student, data.hidden.model, stage)
        short = replace(stage, epochs=1, batch_size=sum(sizes[-1]))
        arguments = make_arguments(short, split, windows, Path(folder), Fitting())
        trainer = StageTrainer(student, padding_of(student), arguments, data, stage, split)
        trainer.batches = _Sized(data, split, sizes)
        clock = _Clock(arguments.device, sizes[-1][-1])
        trainer.add_callback(clock)
        trainer.train()
    hidden.strip(student)
    return Measured(
        seconds=clock.window_seconds,
        parameters=int(student.num_parameters()),
        memory=Memory(find_peak(arguments.device), sizes[-1][-1], clock.per_window),
        trained=sum(p.numel() for p in student.parameters() if p.requires_grad),
        update_seconds=clock.update_seconds,
        tokenizing_seconds=_time_tokenizing(stage, part.tokens),
    )


def micro_batch_sizes(windows: int) -> Sizes:
    """What is trained on: the first update warms up and shows what windows take in memory; the others are timed."""
    return (1, 1, windows), (windows, windows, windows), (windows, windows, windows)


class _Sized(MicroBatches):
    """Micro-batches of the sizes that are measured."""

    def __init__(self, data: TrainingSet, split: Split, sizes: Sizes) -> None:
        super().__init__(data.features.lengths, split, 0, False)
        self._sizes = sizes
        self.batch_size = max(map(max, sizes))

    def __len__(self) -> int:
        return sum(map(len, self._sizes))

    def __iter__(self) -> Iterator[list[Item]]:
        windows = iter(range(len(self._lengths)))
        for update in self._sizes:
            for size in update:
                yield [Item(next(windows), sum(update)) for _ in range(size)]


class _Clock(TrainerCallback):
    """Times the micro-batches and the updates after the first, and notes how memory grows in the first."""

    def __init__(self, device: torch.device, windows: int) -> None:
        self._device, self._windows = device, windows
        self._last = 0.0
        self._step = 0
        self._micro: list[float] = []
        self._rest: list[float] = []
        self._peaks: list[int] = []

    @property
    def window_seconds(self) -> float:
        """Of one window, forward and backward."""
        return min(self._micro) / self._windows

    @property
    def update_seconds(self) -> float:
        """Of one update: clipping and the optimizer's step."""
        return max(0.0, min(self._rest) - min(self._micro))

    @property
    def per_window(self) -> int:
        """Bytes that a window more takes: between several windows at once and one, gradients being there."""
        return max(0, self._peaks[2] - self._peaks[1]) // (self._windows - 1)

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._last = now(self._device)

    def on_substep_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._note(self._micro)

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._step == 0:
            self._peaks.append(find_peak(self._device))

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._note(self._rest)
        self._step += 1

    def _note(self, times: list[float]) -> None:
        moment = now(self._device)
        if self._step == 0:
            self._peaks.append(find_peak(self._device))
        else:
            times.append(moment - self._last)
        self._last = moment


def _training_set(part: Part, stage: Stage, student: PreTrainedModel, windows: int) -> TrainingSet:
    features = fit_segments(student, make_windows(student, windows, part.tokens))
    check_length(student, features)
    labels = np.zeros((windows, 2), dtype=np.int32)
    distillation = teacher = None
    if stage.kind == "distil_logits":
        shape = (len(features.ids), 2) if part.width is None else (windows, part.width, 2)
        logits = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
        distillation = Distillation(logits, stage.temperature, stage.distillation_loss_weight)
    if part.teacher is not None:
        model = build_model(part.teacher)
        layers = hidden.map_layers(hidden.count_layers(student), hidden.count_layers(model), stage.layer_map)
        hidden.expose_attention(model, stage.attention_target)
        teacher = HiddenTeacher(model, layers)
    return TrainingSet(features, labels, distillation, teacher)


def _time_tokenizing(stage: Stage, tokens: int) -> float:
    """Seconds of one window of so many tokens."""
    source = generate("train", questions=4 * _TOKENIZED)
    texts = list(dict.fromkeys(q.context for q in source))
    words = " ".join(texts).split()
    length = max(1, round(min(tokens, stage.max_seq_len) / _TOKENS_PER_WORD))
    contexts = [" ".join(words[(i * 97) % len(words) :][:length]) for i in range(_TOKENIZED)]
    questions = [Question(f"q{i}", f"p{i}", c, source[i].question, (), True) for i, c in enumerate(contexts)]
    tokenizer, windowing = train_tokenizer(texts), Windowing.of_stage(stage)
    make_features(tokenizer, questions[:2], windowing)
    begun = time.perf_counter()
    features = make_features(tokenizer, questions, windowing)
    make_labels(features, questions, windowing, stage.label_faults)
    return (time.perf_counter() - begun) / len(features)
