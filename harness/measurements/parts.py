"""What of a recipe is measured, each part in a process of its own, and what a measurement says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.data import canonical_name, use_keys
from harness.errors import RecipeError
from harness.measurements.data import DataSize, data_size
from harness.measurements.models import Shape, find_shape, made_by
from harness.records import Decoding, ModelRef, Recipe, Stage

What = Literal["training", "teacher", "masking", "prediction"]
EVALUATION = "evaluation"
"""In the place of a stage's name, where the final prediction is meant."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that a process took at most, and how they grow."""

    peak: int
    """With `windows` windows at once."""
    windows: int
    per_window: int
    """Of each window more; 0 where that is too little to be seen."""

    def at(self, windows: int) -> int:
        """Bytes with another number of windows at once, estimated."""
        return self.peak + (windows - self.windows) * self.per_window

    def most_windows(self, limit: int) -> int | None:
        """Most windows at once that keep within so many bytes, estimated; None where not even one does."""
        found = self.windows + (limit - self.peak) // max(1, self.per_window)
        return found if found >= 1 else None


@dataclass(frozen=True, slots=True)
class Measured:
    """What the measurement of a part says."""

    seconds: float
    """Of one window, or of one masked word: forward, and backward where it trains."""
    parameters: int
    memory: Memory
    trained: int = 0
    """Parameters that get gradients."""
    update_seconds: float = 0.0
    """Of one step of the optimizer, with the clipping of gradients."""
    at_once: int = 1
    """Windows that a run reads at once, where it has no choice."""
    tokenizing_seconds: float = 0.0
    """Of one window: to cut, label and encode it, by a tokenizer of the kind that RoBERTa has."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to measure."""

    what: What
    name: str
    """Of the stage, or `EVALUATION`."""
    model: Shape
    tokens: int
    """Of a window without padding, or of a paragraph for a masked language model."""
    width: int | None
    """What every window is padded to; None for no further than its batch needs."""
    stage: Stage | None = None
    teacher: Shape | None = None
    """Whose hidden states and attentions are learned from."""


@dataclass(frozen=True, slots=True)
class StagePlan:
    """A stage, its data, and what of it is to be measured."""

    stage: Stage
    data: DataSize
    student: Shape | None
    parts: tuple[Part, ...]
    problems: tuple[str, ...]
    """Why something is not measured, and what to give."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything to measure."""

    stages: tuple[StagePlan, ...]
    data: DataSize | None
    """What the last model is evaluated on."""
    prediction: Part | None

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, in order."""
        last = () if self.prediction is None else (self.prediction,)
        return (*(part for stage in self.stages for part in stage.parts), *last)


def plan_measurements(recipe: Recipe, uses: Mapping[str, Path]) -> Plan:
    """What is to be measured of a recipe; nothing is downloaded and no model is loaded.

    Args:
        recipe: May have gaps; what hangs on them is not measured.
        uses: ``--use``: local files and folders in place of data sets and models.

    Raises:
        RecipeError: `uses` names what the recipe does not.
        ModelError, DataError: what is given cannot be read.
    """
    _check_uses(recipe, uses)
    made: dict[str, Shape] = {}
    stages = []
    for stage in recipe.stages:
        planned = _plan_stage(stage, uses, made)
        stages.append(planned)
        if planned.student is not None:
            made[stage.name] = made_by(stage, planned.student)
    evaluated = None if recipe.evaluation is None else data_size([recipe.evaluation], recipe.decoding, uses)
    last = made.get(recipe.stages[-1].name) if recipe.stages else None
    prediction = None if last is None or evaluated is None else _predicting(last, evaluated, recipe.decoding)
    return Plan(tuple(stages), evaluated, prediction)


def _plan_stage(stage: Stage, uses: Mapping[str, Path], made: Mapping[str, Shape]) -> StagePlan:
    data = data_size(stage.data, stage, uses)
    problems: list[str] = []

    def find(role: str, ref: ModelRef | None) -> Shape | None:
        if ref is None:
            problems.append(f"not measured: nothing states the {role}; state it in assumptions.yaml, with a reason")
            return None
        shape = find_shape(ref, uses, made)
        if shape is None:
            unknown = "a stage that is not measured" if ref.name in _names(made, stage) else "a model of unknown shape"
            problems.append(
                f"not measured: the {role} {ref} is {unknown}; give a folder with its config.json: "
                f"--use {ref.name}=PATH"
            )
        return shape

    student = find("student", stage.student)
    teacher = None if stage.kind == "finetune" else find("teacher", stage.teacher)
    masked_lm = None if stage.augment == "none" else find("masked language model", stage.masked_lm)
    return StagePlan(stage, data, student, _parts(stage, data, student, teacher, masked_lm), tuple(problems))


def _names(made: Mapping[str, Shape], stage: Stage) -> set[str]:
    return {name for name in made if name != stage.name}


def _parts(
    stage: Stage, data: DataSize, student: Shape | None, teacher: Shape | None, masked_lm: Shape | None
) -> tuple[Part, ...]:
    tokens = max(4, min(round(data.tokens), stage.max_seq_len))
    width = stage.max_seq_len if stage.padding == "fixed" else None
    of_states = stage.kind == "distil_hidden" or (stage.kind == "distil_logits" and stage.hidden_loss_weight > 0)
    parts = []
    if masked_lm is not None:
        parts.append(Part("masking", stage.name, masked_lm, max(4, round(data.words)), None, stage))
    if student is not None and teacher is not None and stage.kind == "distil_logits":
        parts.append(Part("teacher", stage.name, teacher, tokens, width, stage))
    if student is not None and (teacher is not None or stage.kind == "finetune"):
        built = made_by(stage, student)
        parts.append(Part("training", stage.name, built, tokens, width, stage, teacher if of_states else None))
    return tuple(parts)


def _predicting(model: Shape, data: DataSize, decoding: Decoding) -> Part:
    return Part("prediction", EVALUATION, model, max(4, min(round(data.tokens), decoding.max_seq_len)), None)


def _check_uses(recipe: Recipe, uses: Mapping[str, Path]) -> None:
    """A mistyped ``--use`` must not leave something unmeasured, or measured as another model."""
    models = [m for s in recipe.stages for m in (s.student, s.teacher, s.masked_lm, s.word_vectors) if m is not None]
    refs = [*(ref for stage in recipe.stages for ref in stage.data), *filter(None, [recipe.evaluation])]
    keys = {key for ref in refs for key in use_keys(ref)}
    names: Sequence[str] = sorted({model.name for model in models} | {ref.name for ref in refs})
    for name in uses:
        if name not in {model.name for model in models} and canonical_name(name) not in keys:
            raise RecipeError(f"--use names {name!r}, which the recipe does not use; it uses {', '.join(names)}")
