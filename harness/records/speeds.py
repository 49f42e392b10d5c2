"""How fast a model answers beside another, and a card's claim of speed held against it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.records.cards import Speed
from harness.records.data import DataUsed
from harness.records.runs import Environment
from harness.records.verdicts import Verdict

SPEED_SCHEMA = 1
"""Version of the JSON form of `SpeedRecord`."""

SpeedBatch = Literal["one", "best"]
"""``one``: question after question, each from its text to its answer. ``best``: the windows of all questions, in
batches of the size that is fastest for the model."""


@dataclass(frozen=True, slots=True)
class Swept:
    """One size of a batch that was tried."""

    token_budget: int
    """Most tokens of the batch, padding included."""
    questions_per_second: float


@dataclass(frozen=True, slots=True)
class SpeedModel:
    """One of the two models."""

    name: str
    """A Hub id, or the folder's name."""
    sha256: str
    """Checksum over weights, configuration and tokenizer."""
    revision: str | None
    type: str
    """``model_type`` of its configuration."""
    layers: int | None
    width: int | None
    parameters: int
    forward_parameters: int
    """Embeddings apart: what every token is multiplied with, weights that several layers share counted once."""
    flops: float
    """Per question, padding apart: two for each multiplication of linear and convolution layers, counted as they ran,
    and ``4 * layers * width * length ** 2`` of each window for the two products of attention."""
    tokens: float
    """Per question, all of its windows."""
    dtype: str
    """Number format, such as ``float32``."""
    token_budget: int
    """That of its best batch."""
    swept: tuple[Swept, ...]
    """The sizes that were tried, in order."""
    weights_sha256: str | None = None
    """Checksum of its weights alone, as `StageResult.weights_sha256` of the stage that made them."""


@dataclass(frozen=True, slots=True)
class SpeedRatio:
    """Speeds of two models that took turns on the same questions."""

    batch: SpeedBatch
    seconds: tuple[float, ...]
    """Of the model, for all questions, round by round."""
    base_seconds: tuple[float, ...]
    """Of the base, in the same rounds."""
    ratio: float
    """How many times as fast as the base the model is: geometric mean over the rounds."""
    low: float
    """95 % interval of the ratio."""
    high: float


@dataclass(frozen=True, slots=True)
class SpeedMeasured:
    """Two models measured beside each other."""

    model: SpeedModel
    base: SpeedModel
    data: DataUsed
    questions: int
    """How many of the data's were asked, at even distances; the same of both models."""
    max_seq_len: int
    """Longest window, in tokens, of both models."""
    doc_stride: int
    """Overlap of two windows, in tokens."""
    device: str
    """Name of the accelerator, or ``cpu``; the processor is in `environment`."""
    threads: int
    """Of torch on the processor."""
    environment: Environment
    ratios: tuple[SpeedRatio, ...]

    def questions_per_second(self, seconds: Sequence[float]) -> float:
        """Speed over some rounds, geometric mean: that of the model over that of the base is `SpeedRatio.ratio`."""
        return self.questions / math.exp(sum(map(math.log, seconds)) / len(seconds))


@dataclass(frozen=True, slots=True)
class SpeedRecord:
    """What `SpeedMeasured` is kept as."""

    schema: int
    id: str
    """The model's name and a hash over what was measured with what, without times; see `harness.kept_speeds`."""
    started: str
    """UTC."""
    measured: SpeedMeasured
    sha256: str | None = None
    """Over all other fields; None before it is written."""


@dataclass(frozen=True, slots=True)
class SpeedComparison:
    """One claim of speed against what was measured."""

    claim: Speed
    verdict: Verdict
    reason: str
    measured: SpeedRatio | None = None
    """The ratio that the verdict rests on; None where none was held against the claim."""

    @property
    def state(self) -> str:
        """The verdict's word."""
        return self.verdict.value
