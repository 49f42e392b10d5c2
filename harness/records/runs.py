"""The record of a run, and what claims come to against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.records.cards import Claim
from harness.records.data import Computed, DataUsed
from harness.records.examples import ExampleComparison
from harness.records.recipes import Decoding, Recipe
from harness.records.verdicts import Verdict

SCHEMA = 1
"""Version of the run record's JSON form."""

RunKind = Literal["replay", "released", "retrained", "distilled"]
"""What was evaluated: predictions that another program made, weights as they were given, or a model that was trained
or distilled again."""


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
    half_width: float | None = None
    """Of several seeds: the widest half of a 95 % prediction interval that still shows agreement; None: their mean is
    judged as one run is."""


@dataclass(frozen=True, slots=True)
class Seeds:
    """One figure of several runs that differ in their seeds, in points."""

    values: tuple[float, ...]
    """In the order of the runs."""
    mean: float
    deviation: float
    """Standard deviation of the sample (n - 1)."""
    half_95: float
    """Half of the prediction interval for one more run, by Student's t."""
    half_99: float
    enough: int | None = None
    """Seeds that would make `half_95` narrow enough, were the deviation as it is; None where no number would."""


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
    runs: tuple[str, ...] = ()
    """Ids of the runs that it rests on."""
    seeds: Seeds | None = None
    """Of several runs."""
    protocol: Literal["known", "assumed", "other"] | None = None
    """Of weights as they were given: the run scored as the card states; as a card that does not say is taken to mean;
    or in another way. None for other kinds of run."""
    explained_by: str | None = None
    """Name of the protocol, of `Run.alternatives`, that gives the claimed figure."""
    flipped: tuple[str, ...] = ()
    """Ids of the questions that this run answers right and the one it is held against wrong, or the other way round."""
    undecided: bool = False
    """The run stopped early, or is about to, and more questions could give another verdict."""
    deviation: str | None = None
    """Reason of a known deviation that has not expired: the claim differs, and that is accepted."""

    @property
    def state(self) -> str:
        """The verdict's word, or ``unchecked``."""
        return "unchecked" if self.verdict is None else self.verdict.value


@dataclass(frozen=True, slots=True)
class Rescored:
    """What the same logits or predictions come to under another protocol."""

    name: str
    """Short and unique within a run, e.g. ``farm`` or ``max_answer_length 15``."""
    how: str
    """What is done otherwise than by the run, in words."""
    scores: Mapping[str, float]
    """Official keys, in points; only those that the protocol gives."""
    gained: int
    """Questions that it scores exactly right and the run does not."""
    lost: int
    """Questions that the run scores exactly right and it does not."""
    decoding: Decoding | None = None
    """Where the difference is one of decoding, all of it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run knows that stopped before all questions were asked: intervals that hold all at once."""

    method: str
    alpha: float
    """Probability, at most, that any of the intervals ever misses the figure over all questions."""
    seed: int
    """Of the order in which questions were drawn, one by one and without replacement."""
    used: int
    """Questions asked."""
    n: int
    """Questions of the data."""
    low: Mapping[str, float]
    """Official key -> points."""
    high: Mapping[str, float]
    decided: bool
    """The verdicts that it was to be certain about were certain when it stopped."""

    @property
    def partial(self) -> bool:
        """Questions were left; else all were asked, and the figures are those of the data."""
        return self.used < self.n


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
    taken_from: str | None = None
    """Id of the run that trained it, where its model was taken from that one; `seconds` are that run's."""


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """A model folder as a run found it."""

    name: str
    """A Hub id, or the folder's name."""
    sha256: str
    """Checksum over weights, configuration and tokenizer."""
    revision: str | None = None
    weights_sha256: str | None = None
    """Checksum over the weights alone, as `StageResult.weights_sha256`; None in records of earlier versions."""


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
    best: Mapping[str, float] = field(default_factory=dict)
    """``best_exact``, ``best_f1`` and their thresholds by the official rules, over the null odds; rules 2.0 only."""
    bounds: Bounds | None = None
    """Of a run that stopped early; `scores` are then those of the questions that were asked."""
    alternatives: tuple[Rescored, ...] | None = None
    """Scores under other protocols; None where none was tried."""
    untried: str | None = None
    """Which of them could not be tried, and how they can be."""
    examples: tuple[ExampleComparison, ...] = ()
    """The card's usage examples, answered by the run's model."""
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
    sha256: str | None = None
    """`harness.records.seal` over the rest, put there when the record is written; None where nothing sealed it."""
