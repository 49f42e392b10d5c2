"""Measurements of a few windows, scaled to a recipe's data, batches and epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.measurements.data import DataSize
from harness.measurements.parts import EVALUATION, Measured, Memory, Part, Plan, StagePlan, What
from harness.records import Stage

THOUSAND = 1000
"""Windows that figures are for, where the size of the data is not known."""
USABLE = 0.9
"""Share of a machine's memory that a training may take."""
_MASKED = {"farm": 0.94, "tinybert": 0.5}
"""Share of a text's words that the masked language model is asked for: those in one piece, and of them under
``tinybert`` those of letters alone that are no stop words."""
_PER_WINDOW = 16
"""Bytes of a window's length, labels and place of the CLS token."""
_PER_QUESTION = 80
"""Bytes of an augmented question beside its context, which the variants of all its neighbours share."""
_QUESTIONS_PER_PARAGRAPH = 5

Results = Mapping[tuple[str, What], Measured | str]
"""Stage and part -> what was measured, or why not."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the measurements were made on."""

    device: str
    memory: int
    """Bytes that the device has."""
    threads: int


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes on disk."""

    model: int = 0
    checkpoints: int = 0
    """Two of them, weights and both moments of Adam: a new one is written before the old one is removed."""
    windows: int = 0
    logits: int = 0
    """Of the teacher; kept between runs."""
    augmented: int = 0

    @property
    def passing(self) -> int:
        """What is removed when the stage is done."""
        return self.checkpoints + self.windows + self.augmented


@dataclass(frozen=True, slots=True)
class StageCost:
    """What a stage takes; None where it was not measured."""

    name: str
    kind: str
    models: tuple[str, ...]
    """The models it was measured with."""
    windows: int
    per_thousand: bool
    """The size of the data is not known: times and data on disk are for 1,000 windows, all epochs together."""
    data: str
    """Where the number of windows comes from, in words."""
    steps: int | None
    tokenizing_seconds: float | None
    augmenting_seconds: float | None
    teacher_seconds: float | None
    """Once, for all epochs."""
    training_seconds: float | None
    measured: Memory | None
    """Of the training."""
    micro_batch: int | None
    """Most windows at once that fit into the machine's memory, at most the recipe's batch; estimated."""
    training_memory: int | None
    """Bytes with that micro-batch, estimated."""
    teacher_memory: int | None
    masking_memory: int | None
    disk: Disk | None
    problems: tuple[str, ...] = ()

    @property
    def seconds(self) -> float | None:
        """All together; None where a part was not measured."""
        parts = (self.tokenizing_seconds, self.augmenting_seconds, self.teacher_seconds, self.training_seconds)
        return None if self.problems or None in parts else sum(part or 0.0 for part in parts)


@dataclass(frozen=True, slots=True)
class Total:
    """All stages and the prediction, as far as they were measured."""

    seconds: float
    memory: int
    """Bytes, the most of any part."""
    disk: int
    """Bytes: what stays, and the most that a stage needs beside it."""
    without: tuple[str, ...]
    """Stages whose time is not in the total, and why."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a recipe takes on a machine."""

    machine: Machine
    stages: tuple[StageCost, ...]
    prediction_windows: int | None
    prediction_seconds: float | None
    prediction_memory: int | None
    total: Total
    problems: tuple[str, ...] = ()
    """Of the prediction."""


def recipe_cost(plan: Plan, results: Results, machine: Machine) -> Cost:
    """Scale what was measured to the whole recipe."""
    stages = tuple(stage_cost(stage, results, machine) for stage in plan.stages)
    found = results.get((EVALUATION, "prediction"), "not measured: nothing says what is evaluated, or with what")
    windows = None if plan.data is None else plan.data.windows
    predicted = found if isinstance(found, Measured) else None
    seconds = None if predicted is None or windows is None else windows * predicted.seconds
    problems = [found] if isinstance(found, str) else []
    if predicted is not None and windows is None and plan.data is not None:
        problems.append(plan.data.how)
    return Cost(
        machine=machine,
        stages=stages,
        prediction_windows=windows,
        prediction_seconds=seconds,
        prediction_memory=None if predicted is None else predicted.memory.peak,
        total=add_up(stages, seconds, predicted),
        problems=tuple(problems),
    )


def stage_cost(plan: StagePlan, results: Results, machine: Machine) -> StageCost:
    """Scale what was measured of a stage."""
    stage = plan.stage
    found = {part.what: results[stage.name, part.what] for part in plan.parts}
    measured = {what: result for what, result in found.items() if isinstance(result, Measured)}
    problems = (*plan.problems, *(f"{what}: {result}" for what, result in found.items() if isinstance(result, str)))
    training, teacher, masking = (measured.get(what) for what in ("training", "teacher", "masking"))
    unknown = plan.data.windows is None
    variants = _variants(stage)
    windows = THOUSAND if plan.data.windows is None else plan.data.windows * variants
    limit = int(USABLE * machine.memory)
    micro_batch = None if training is None else fitting_windows(training.memory, limit, stage.batch_size)
    steps = stage.epochs * -(-windows // stage.batch_size)
    return StageCost(
        name=stage.name,
        kind=stage.kind,
        models=tuple(_named(part) for part in plan.parts),
        windows=windows,
        per_thousand=unknown,
        data=plan.data.how + ("" if variants == 1 else f"; {variants} variants of each"),
        steps=None if unknown else steps,
        tokenizing_seconds=None if training is None else windows * training.tokenizing_seconds,
        augmenting_seconds=0.0 if stage.augment == "none" else _masking_seconds(plan, masking, windows),
        teacher_seconds=0.0 if "teacher" not in found else None if teacher is None else windows * teacher.seconds,
        training_seconds=None if training is None else training_seconds(training, stage, windows),
        measured=None if training is None else training.memory,
        micro_batch=micro_batch,
        training_memory=None if training is None or micro_batch is None else training.memory.at(micro_batch),
        teacher_memory=_teacher_memory(teacher, training),
        masking_memory=None if masking is None else masking.memory.peak,
        disk=None if training is None else stage_disk(plan, training, windows),
        problems=problems,
    )


def training_seconds(measured: Measured, stage: Stage, windows: int) -> float:
    """Of all epochs: each window forward and backward, and an update for each batch."""
    return stage.epochs * windows * (measured.seconds + measured.update_seconds / stage.batch_size)


def fitting_windows(memory: Memory, limit: int, batch_size: int) -> int | None:
    """The largest micro-batch within so many bytes, at most the batch; None where not even one window fits."""
    most = memory.most_windows(limit)
    return None if most is None else min(most, batch_size)


def stage_disk(plan: StagePlan, measured: Measured, windows: int) -> Disk:
    """What a stage leaves on disk, and what it needs while it lasts."""
    stage, data = plan.stage, plan.data
    segmented = plan.student is not None and plan.student.segmented
    tokens = windows * data.tokens
    learned = stage.kind == "distil_logits"
    per_window = stage.max_seq_len if stage.padding == "fixed" else data.tokens
    return Disk(
        model=4 * measured.parameters,
        checkpoints=2 * (4 * measured.parameters + 8 * measured.trained),
        windows=round(tokens * (5 if segmented else 4) + windows * _PER_WINDOW),
        logits=round(windows * per_window * 8) if learned else 0,
        augmented=0 if stage.augment == "none" else _augmented(data, _variants(stage), windows),
    )


def add_up(stages: Sequence[StageCost], prediction_seconds: float | None, predicted: Measured | None) -> Total:
    """The totals: times and what stays on disk as sums, memory and what passes as the most of any stage."""
    counted = [stage for stage in stages if stage.seconds is not None and not stage.per_thousand]
    without = [f"{s.name}: size of its data unknown" for s in stages if s.seconds is not None and s.per_thousand]
    without += [f"{s.name}: not measured" for s in stages if s.seconds is None]
    if prediction_seconds is None:
        without.append("final prediction: not measured")
    disks = [stage.disk for stage in stages if stage.disk is not None]
    memories = [m for s in stages for m in (s.training_memory, s.teacher_memory, s.masking_memory) if m is not None]
    kept = peak = 0
    for disk in disks:
        kept += disk.model + disk.logits
        peak = max(peak, kept + disk.passing)
    return Total(
        seconds=sum(_known(stage.seconds for stage in counted)) + (prediction_seconds or 0.0),
        memory=max([*memories, *([] if predicted is None else [predicted.memory.peak])], default=0),
        disk=peak,
        without=tuple(without),
    )


def _variants(stage: Stage) -> int:
    """Texts for each text of the data."""
    match stage.augment:
        case "none":
            return 1
        case "farm":
            return stage.augment_factor
        case "tinybert":
            return stage.augment_factor + 1


def _masking_seconds(plan: StagePlan, masking: Measured | None, windows: int) -> float | None:
    if masking is None:
        return None
    share = _MASKED[plan.stage.augment]
    paragraphs = _paragraphs(plan.data, _variants(plan.stage), windows)
    return paragraphs * plan.data.words * share * masking.seconds


def _paragraphs(data: DataSize, variants: int, windows: int) -> float:
    return windows / variants / _QUESTIONS_PER_PARAGRAPH if data.paragraphs is None else data.paragraphs


def _augmented(data: DataSize, variants: int, windows: int) -> int:
    questions = windows if data.questions is None else data.questions * variants
    return round(_paragraphs(data, variants, windows) * variants * data.bytes + questions * _PER_QUESTION)


def _teacher_memory(teacher: Measured | None, training: Measured | None) -> int | None:
    """The student's weights are in memory as well while the teacher reads."""
    if teacher is None:
        return None
    return teacher.memory.at(teacher.at_once) + (0 if training is None else 4 * training.parameters)


def _named(part: Part) -> str:
    return f"{part.what}: {part.model.name} ({part.model.source})"


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]
