"""Questions, what a model answered, and the scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.records.refs import DataRef


@dataclass(frozen=True, slots=True)
class Answer:
    """A reference answer."""

    text: str
    start: int
    """Its first character in the context."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one paragraph."""

    id: str
    passage_id: str
    """Same for all questions about one paragraph: article number and paragraph number."""
    context: str
    question: str
    answers: tuple[Answer, ...]
    """Reference answers; none means unanswerable."""
    impossible: bool = False
    """The data marks the question ``is_impossible``."""
    kind: str | None = None
    """Kind of question, where the data names one."""


@dataclass(frozen=True, slots=True)
class DataUsed:
    """A data set as a run found it."""

    ref: DataRef
    n: int
    has_ans: int
    sha256: str
    """Checksum of the questions in order, not of the file: the same for every file format."""
    source: str
    """``embedded``, the name of the local file, or the Hub's ``id@commit``."""
    whole: int | None = None
    """Questions of the whole split, where a slice of it was taken."""


@dataclass(frozen=True, slots=True)
class Computed:
    """What predictions were computed with, and how many of them hang by a thread."""

    device: str
    """``cpu``, ``cuda`` or ``mps``."""
    dtype: str
    """Number format of the model's arithmetic, such as ``float32``."""
    windows: int
    close_calls: int
    """Questions whose answer would be another if two scores less than `CLOSE` apart changed places: another batch,
    another number of threads or another machine may answer them otherwise."""


CLOSE = 1e-4
"""Logit units that rounding in single precision may move a score by."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model answered."""

    answers: Mapping[str, str]
    """Question id -> answer text, "" for no answer."""
    null_odds: Mapping[str, float]
    """Question id -> no-answer score minus best-answer score, a logit difference."""
    n_best: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    """Question id -> ranked candidates: text, probability, start_logit, end_logit."""
    computed: Computed | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Per-question scores by the official rules."""

    rules: Literal["1.1", "2.0"]
    exact: Mapping[str, float]
    f1: Mapping[str, float]
    """Question id -> 0.0 to 1.0; ids in the order of the data, the same in `exact`."""
    has_ans: Mapping[str, bool]
    missing: int = 0
    """Questions without a prediction that were scored 0 on request."""
    extra: int = 0
    """Predictions for ids that the data does not have, left out beside missing ones on the same request."""
