"""Verdicts, and the record of a run."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.records.cards import Claim
from harness.records.data import Computed, DataUsed
from harness.records.recipes import Recipe

SCHEMA = 1
"""Version of the run record's JSON form."""

RunKind = Literal["retrained", "distilled", "released"]
"""Which model was evaluated: one trained again, one distilled again, or weights as they were given."""


class Verdict(enum.Enum):
    """How a claim stands against what came out."""

    MATCHES = "matches"
    WITHIN_TOLERANCE = "within_tolerance"
    INCONCLUSIVE = "inconclusive"
    DIFFERS = "differs"
    NOT_COMPARABLE = "not_comparable"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far apart two figures may be, in points, and why."""

    within: float
    """Largest difference that still counts as agreement."""
    warned: float
    """Largest difference that counts as agreement with a warning; at least `within`."""
    inconclusive: float
    """Largest difference that one run cannot decide; at least `warned`."""
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One claim against one reproduced figure."""

    claim: Claim
    verdict: Verdict | None
    """None: there was nothing to check the claim with."""
    reason: str
    reproduced: float | None = None
    difference: float | None = None
    """Reproduced minus reported, in points."""
    tolerance: Tolerance | None = None

    @property
    def state(self) -> str:
        """The verdict's word, or ``unchecked``."""
        return "unchecked" if self.verdict is None else self.verdict.value


@dataclass(frozen=True, slots=True)
class Paired:
    """Two runs on the same questions."""

    runs: tuple[str, ...]
    """The two runs' ids, and seeds where they trained, in the order of every pair below."""
    n: int
    exact: tuple[float, ...]
    """Points, first and second."""
    f1: tuple[float, ...]
    both_right: int
    """Questions that both answer exactly right; the four counts add up to n."""
    both_wrong: int
    only_first: tuple[str, ...]
    """Ids of the questions that only the first run answers exactly right."""
    only_second: tuple[str, ...]
    same_answer: int
    """Questions with the same answer text, right or wrong."""
    signatures: tuple[str, ...] = ()
    """Of the two scores."""
    differences: tuple[str, ...] = ()
    """In what the signatures differ, each written ``name: first against second``."""
    decisive: tuple[str, ...] = ()
    """Those of `differences` that can move a score whatever the model, such as another decoding."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine and software of a run."""

    harness: str
    python: str
    platform: str
    processor: str
    threads: int
    packages: Mapping[str, str]
    commit: str | None = None
    """Commit of the working folder, where it is a git checkout."""
    dirty: bool | None = None


@dataclass(frozen=True, slots=True)
class StageResult:
    """What one finished stage left behind."""

    name: str
    weights_sha256: str
    """Checksum of the model's safetensors files."""
    student_sha256: str
    """Checksum of the weights that training started from."""
    questions: int
    windows: int
    steps: int
    loss: float
    """Mean training loss of the last epoch."""
    seconds: float
    """Of the call that finished it; what earlier, interrupted calls took is not in it."""
    data: tuple[DataUsed, ...]
    teacher_sha256: str | None = None
    micro_batch: int | None = None
    """Windows that a device took at once; less than the recipe's batch where memory or the user wanted it so."""
    accumulation: int = 1
    """Micro-batches of each device per update."""
    devices: int = 1
    """Processes that trained together."""
    augmented: int | None = None
    """Questions after augmentation, where there was any."""


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """A model folder as a run found it."""

    name: str
    """A Hub id, or the folder's name."""
    sha256: str
    """Checksum over weights, configuration and tokenizer."""
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """The record of a run: what was asked, what came out, and with what."""

    schema: int
    id: str
    kind: RunKind
    status: Literal["running", "finished", "failed"]
    card_name: str
    """The card's name; of a run without a card, the model's."""
    card_path: str | None
    card_sha256: str | None
    recipe: Recipe
    used: Mapping[str, str]
    """``--use`` of the command line: id -> file or folder name."""
    environment: Environment
    started: str
    finished: str | None = None
    stages: tuple[StageResult, ...] = ()
    evaluated: DataUsed | None = None
    signature: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    """Official keys: exact, f1, total, HasAns_exact, ..."""
    by_kind: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Kind of question -> exact, f1, total."""
    predictions_file: str | None = None
    predictions_sha256: str | None = None
    predict_seconds: float | None = None
    model: ModelUsed | None = None
    """The weights that were given; None where the run trained them."""
    computed: Computed | None = None
    rescored_from: str | None = None
    """Id of the run whose logits were decoded again."""
    warnings: tuple[str, ...] = ()
    """What of the data does not fit what is known of them."""
    comparisons: tuple[Comparison, ...] = ()
    error: str | None = None
