"""Every data type that passes between modules, and its JSON form.

Values are already converted: figures are in points (percent, 0 to 100), lengths in tokens unless a field says
characters, and ``None`` means *not stated*, never zero. All types are immutable; sequences are tuples.
"""

from harness.records.cards import (
    Card,
    Claim,
    ClaimOrigin,
    Code,
    Count,
    Example,
    Finding,
    HubResult,
    Link,
    Place,
    Setting,
    Speed,
    Subset,
)
from harness.records.codec import from_json, to_json
from harness.records.data import CLOSE, Answer, Computed, DataUsed, Predictions, Question, Scores
from harness.records.examples import ExampleComparison, ProbableAnswer
from harness.records.hub import Fetched
from harness.records.pairs import Change, Flips, McNemar, Paired, PairedGroup
from harness.records.recipes import Decoding, Origin, Protocol, Recipe, Stage, StageKind
from harness.records.refs import DataRef, ModelRef
from harness.records.runs import (
    SCHEMA,
    Bounds,
    Comparison,
    Environment,
    ModelUsed,
    Rescored,
    Run,
    RunKind,
    Seeds,
    StageResult,
    Tolerance,
)
from harness.records.seal import evidence_sha256, seal
from harness.records.speeds import (
    SPEED_SCHEMA,
    SpeedBatch,
    SpeedComparison,
    SpeedMeasured,
    SpeedModel,
    SpeedRatio,
    SpeedRecord,
    Swept,
)
from harness.records.verdicts import Verdict

__all__ = [
    "CLOSE",
    "SCHEMA",
    "SPEED_SCHEMA",
    "Answer",
    "Bounds",
    "Card",
    "Change",
    "Claim",
    "ClaimOrigin",
    "Code",
    "Comparison",
    "Computed",
    "Count",
    "DataRef",
    "DataUsed",
    "Decoding",
    "Environment",
    "Example",
    "ExampleComparison",
    "Fetched",
    "Finding",
    "Flips",
    "HubResult",
    "Link",
    "McNemar",
    "ModelRef",
    "ModelUsed",
    "Origin",
    "Paired",
    "PairedGroup",
    "Place",
    "Predictions",
    "ProbableAnswer",
    "Protocol",
    "Question",
    "Recipe",
    "Rescored",
    "Run",
    "RunKind",
    "Scores",
    "Seeds",
    "Setting",
    "Speed",
    "SpeedBatch",
    "SpeedComparison",
    "SpeedMeasured",
    "SpeedModel",
    "SpeedRatio",
    "SpeedRecord",
    "Stage",
    "StageKind",
    "StageResult",
    "Subset",
    "Swept",
    "Tolerance",
    "Verdict",
    "evidence_sha256",
    "from_json",
    "seal",
    "to_json",
]
