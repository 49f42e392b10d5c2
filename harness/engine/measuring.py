"""A few real steps of a recipe's parts, at full size, with random weights and made-up tokens."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    CONFIG_MAPPING,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from harness.engine import hidden
from harness.engine.architectures import adapt
from harness.engine.batches import Padding, fit_segments, lay_out, model_inputs
from harness.engine.computing import Computing, Fitting
from harness.engine.encoder import PackedEncoder
from harness.engine.features import Features, Windowing, make_features, make_labels
from harness.engine.jobs import _deterministic, make_arguments
from harness.engine.loading import quiet
from harness.engine.micro_batches import Item, MicroBatches, Split
from harness.engine.pocket_model import train_tokenizer
from harness.engine.predict import TEACHER_TOKENS
from harness.engine.proposals import MaskedLM
from harness.engine.reader import Reader, Streams, check_length, forward
from harness.engine.stage_checks import check_stage
from harness.engine.students import with_head_dropout
from harness.engine.trainer import Distillation, HiddenTeacher, StageTrainer, TrainingSet
from harness.errors import HarnessError
from harness.measurements import Machine, Measured, Memory, Part, Plan, Shape
from harness.measurements.costs import Results
from harness.measurements.parts import What
from harness.progress import Progress, silent
from harness.records import Question, Stage
from harness.workers import map_items

MINUTES = 10.0
"""For all measurements of a recipe; what is not measured by then is not."""
SIZES = ((1, 1, 2), (2, 2, 2), (2, 2, 2))
"""Windows of the micro-batches of each update. The first warms up and shows what a window more takes in memory; the
others are timed."""
_MOST_READ = 64
"""Windows of one batch of the prediction on an accelerator."""
_WORDS = ("alder", "birch", "cedar", "elder", "hazel", "larch", "maple", "rowan")


def measure_recipe(
    plan: Plan, progress: Progress = silent, measure: Callable[[Part], Measured | str] | None = None
) -> Results:
    """Measure every part of a recipe, each in a process of its own, one after the other.

    Args:
        plan: What to measure.
        progress: Told of the parts done.
        measure: Measures one part; in a process of its own if left out.

    Returns:
        For each stage and part what was measured, or in words why it could not be.
    """
    results: dict[tuple[str, What], Measured | str] = {}
    end = time.monotonic() + 60 * MINUTES
    for number, part in enumerate(plan.parts):
        progress("measure", number, len(plan.parts), f"{part.what} of {part.name}")
        left = end - time.monotonic()
        if measure is not None:
            results[part.name, part.what] = measure(part)
        elif left <= 0:
            results[part.name, part.what] = f"not measured: the {MINUTES:g} minutes for all measurements were over"
        else:
            found = map_items(measure_part, [part], _lost, processes=1, limit=left)
            results[part.name, part.what] = next(iter(found))
    progress("measure", len(plan.parts), len(plan.parts), "")
    return results


def describe_machine() -> Machine:
    """The device that trains here, and the memory it has."""
    device = Computing().find_device()
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return Machine(properties.name, int(properties.total_memory), torch.get_num_threads())
    return Machine("cpu", _system_memory(), torch.get_num_threads())


def measure_part(part: Part) -> Measured | str:
    """What a part takes, or in words why it cannot be measured."""
    measures = {
        "training": measure_training,
        "teacher": measure_teacher,
        "masking": measure_masking,
        "prediction": measure_prediction,
    }
    try:
        with quiet():
            return measures[part.what](part)
    except HarnessError as error:
        return f"not measured: {error}"
    except Exception as error:  # a config.json may say anything, and memory may be too small
        detail = next(iter(str(error).strip().splitlines()), "")[:200]
        return f"not measured: {type(error).__name__}: {detail}"


def measure_training(part: Part) -> Measured:
    """Train a stage's student for three updates of micro-batches of one window or two."""
    stage = _stage(part)
    check_stage(stage, None if stage.kind == "finetune" else Path())
    set_seed(stage.seed)
    student = with_head_dropout(build_model(part.model), stage.head_dropout)
    windows = sum(map(sum, SIZES))
    data = _training_set(part, stage, student, windows)
    split = Split(windows, accumulation=len(SIZES[0]))
    with tempfile.TemporaryDirectory() as folder, _deterministic(stage):
        if data.hidden is not None:
            hidden.prepare_student(student, data.hidden.model, stage)
        short = replace(stage, epochs=1, batch_size=sum(SIZES[-1]))
        arguments = make_arguments(short, split, windows, Path(folder), Fitting())
        trainer = StageTrainer(student, _padding(student), arguments, data, stage, split)
        trainer.batches = _Sized(data, split)
        clock = _Clock(arguments.device)
        trainer.add_callback(clock)
        trainer.train()
    hidden.strip(student)
    return Measured(
        seconds=clock.window_seconds,
        parameters=int(student.num_parameters()),
        memory=Memory(find_peak(arguments.device), SIZES[-1][-1], clock.per_window),
        trained=sum(p.numel() for p in student.parameters() if p.requires_grad),
        update_seconds=clock.update_seconds,
        tokenizing_seconds=_time_tokenizing(stage, part.tokens),
    )


def measure_teacher(part: Part) -> Measured:
    """Let a teacher read one window, then two."""
    device = Computing().find_device()
    model = build_model(part.model).to(device).eval()
    features = fit_segments(model, make_windows(model, 2, part.tokens))
    check_length(model, features)
    width = part.width or part.tokens
    peaks = []
    seconds = 0.0
    for rows in ([0], [0, 1], [0, 1]):
        inputs = model_inputs(features, lay_out(features, np.array(rows), left=False, width=width), _padding(model))
        begun = _now(device)
        with torch.inference_mode():
            forward(model, {name: tensor.to(device) for name, tensor in inputs.items()})
        seconds = (_now(device) - begun) / len(rows)
        peaks.append(find_peak(device))
    memory = Memory(peaks[-1], 2, max(0, peaks[1] - peaks[0]))
    return Measured(seconds, int(model.num_parameters()), memory, at_once=max(1, TEACHER_TOKENS // width))


def measure_masking(part: Part) -> Measured:
    """Let a masked language model rank the words for some masked places of a paragraph, or of a sentence."""
    stage, computing = _stage(part), Computing()
    device = computing.find_device()
    model = build_model(part.model, masked=True)
    masked_lm = MaskedLM(model, _tokenizer(), computing)
    pairs = stage.augment == "tinybert"
    length = min(part.tokens // 6, 30) if pairs else part.tokens  # a sentence of a paragraph is about a sixth of it
    frame = masked_lm._pair if pairs else masked_lm._single
    ids = _random_ids(model, length).tolist()
    rows = max(1, computing.find_budget(device) // ((2 if pairs else 1) * length + 4))
    seconds = 0.0
    for count in (1, 2 * rows):
        places = [i % length for i in range(count)]
        begun = _now(device)
        masked_lm._rank(ids, places, stage.augment_candidates, frame)
        seconds = (_now(device) - begun) / count
    return Measured(seconds, int(model.num_parameters()), Memory(find_peak(device), rows, 0))


def measure_prediction(part: Part) -> Measured:
    """Let the model that a recipe ends with read some windows as a prediction does."""
    computing = Computing()
    device = computing.find_device()
    model = build_model(part.model).to(device).eval()
    packed, budget = PackedEncoder.of(model) if device.type == "cpu" else None, computing.find_budget(device)
    parameters = int(model.num_parameters())
    reader = Reader(model, _tokenizer(), device, budget, packed, parameters)
    at_once = min(_MOST_READ, max(1, budget // part.tokens))
    seconds = 0.0
    with Streams.on(device) as streams:
        count = at_once * (1 if streams is None else torch.get_num_threads())
        features = make_windows(model, count, part.tokens)
        for _ in range(2):
            begun = _now(device)
            reader.start(features, streams).finish(lambda tokens: None)
            seconds = (_now(device) - begun) / count
    return Measured(seconds, parameters, Memory(find_peak(device), count, 0))


def build_model(shape: Shape, *, masked: bool = False) -> PreTrainedModel:
    """A model of a shape with random weights, for answers or for masked words, on the CPU."""
    values = dict(shape.config)
    config = CONFIG_MAPPING[values.pop("model_type")].from_dict(values)
    if shape.layers is not None:
        config.num_hidden_layers = shape.layers
    family: Any = AutoModelForMaskedLM if masked else AutoModelForQuestionAnswering
    if masked:
        return family.from_config(config, trust_remote_code=False, dtype=torch.float32).eval()
    config.num_labels = 2
    model: PreTrainedModel = family.from_config(config, trust_remote_code=False, dtype=torch.float32)
    adapt(model)
    return model


def make_windows(model: PreTrainedModel, count: int, tokens: int) -> Features:
    """Windows of made-up tokens, all of one length."""
    none = np.zeros((0, 2), dtype=np.int32)
    return Features(
        ids=_random_ids(model, count * tokens),
        types=np.zeros(count * tokens, dtype=np.int8),
        characters=none,
        bounds=np.arange(count + 1, dtype=np.int64) * tokens,
        question=np.zeros(count, dtype=np.int32),
        context=none,
        cls=np.zeros(count, dtype=np.int32),
    )


def find_peak(device: torch.device) -> int:
    """Most bytes that this process has had so far: of the device's memory, else of the machine's."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        # what getrusage says begins with the peak of the process that started this one
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    import resource  # not on every system

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


class _Sized(MicroBatches):
    """Micro-batches of the sizes that are measured."""

    def __init__(self, data: TrainingSet, split: Split) -> None:
        super().__init__(data.features.lengths, split, 0, False)
        self.batch_size = max(map(max, SIZES))

    def __len__(self) -> int:
        return sum(map(len, SIZES))

    def __iter__(self) -> Iterator[list[Item]]:  # type: ignore[override]
        windows = iter(range(len(self._lengths)))
        for update in SIZES:
            for size in update:
                yield [Item(next(windows), sum(update)) for _ in range(size)]


class _Clock(TrainerCallback):
    """Times the micro-batches and the updates after the first, and notes how memory grows in the first."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._last = 0.0
        self._step = 0
        self._micro: list[float] = []
        self._rest: list[float] = []
        self._peaks: list[int] = []

    @property
    def window_seconds(self) -> float:
        """Of one window, forward and backward."""
        return float(np.median(self._micro)) / SIZES[-1][-1]

    @property
    def update_seconds(self) -> float:
        """Of one update: clipping and the optimizer's step."""
        return max(0.0, float(np.median(self._rest)) - float(np.median(self._micro)))

    @property
    def per_window(self) -> int:
        """Bytes that a window more takes: between two windows at once and one, gradients being there."""
        return max(0, self._peaks[2] - self._peaks[1])

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._last = _now(self._device)

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
        now = _now(self._device)
        if self._step == 0:
            self._peaks.append(find_peak(self._device))
        else:
            times.append(now - self._last)
        self._last = now


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
    """Seconds of one window."""
    count = 200
    asked = " ".join(_WORDS[:6]) + "?"
    words = max(1, min(tokens, stage.max_seq_len) - 12)
    contexts = [" ".join(_WORDS[(i + j) % len(_WORDS)] for j in range(words)) for i in range(count)]
    questions = [Question(f"q{i}", f"p{i}", context, asked, (), True) for i, context in enumerate(contexts)]
    tokenizer, windowing = _tokenizer(), Windowing.of_stage(stage)
    make_features(tokenizer, questions[:2], windowing)
    begun = time.perf_counter()
    features = make_features(tokenizer, questions, windowing)
    make_labels(features, questions, windowing, stage.label_faults)
    return (time.perf_counter() - begun) / len(features)


def _tokenizer() -> Any:
    """A small tokenizer of RoBERTa's kind, which has every word in one piece."""
    return train_tokenizer([" ".join(_WORDS) + "?"] * 4)


def _random_ids(model: PreTrainedModel, count: int) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Tokens that are none of the special ones, which come first."""
    size = int(model.config.vocab_size)
    return np.random.default_rng(0).integers(min(10, size - 1), size, count, dtype=np.int32)


def _padding(model: PreTrainedModel) -> Padding:
    return Padding(int(getattr(model.config, "pad_token_id", None) or 0), 0, left=False)


def _stage(part: Part) -> Stage:
    if part.stage is None:
        raise ValueError(f"{part.what} of {part.name}: no stage")
    return part.stage


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _system_memory() -> int:
    """Bytes, as far as this process may have them."""
    import os

    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limits.append(int(Path(place).read_text("ascii")))
        except (OSError, ValueError):  # no such limit
            continue
    return min(limits)


def _lost(part: Part, reason: str) -> Measured | str:
    advice = "memory may be too small" if "ended" in reason else "give it a faster machine"
    return f"not measured: the process {reason}; {advice}"
