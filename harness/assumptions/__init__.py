"""``assumptions.yaml``: what a person decides where a card leaves something open, each decision with its reason."""

from harness.assumptions.entries import (
    AcceptedDeviation,
    AcceptedFinding,
    AssumedSetting,
    AssumedStage,
    AssumedTolerance,
    Assumptions,
    Reading,
)
from harness.assumptions.read import FILE_NAME, SCHEMA, find_assumptions, read_assumptions

__all__ = [
    "FILE_NAME",
    "SCHEMA",
    "AcceptedDeviation",
    "AcceptedFinding",
    "AssumedSetting",
    "AssumedStage",
    "AssumedTolerance",
    "Assumptions",
    "Reading",
    "find_assumptions",
    "read_assumptions",
]
