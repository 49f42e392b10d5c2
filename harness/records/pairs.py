"""Two runs on the same questions, set side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Change:
    """How far two runs are apart in one score, second less first, and whether chance could explain it."""

    score: Literal["exact", "f1"]
    over: Literal["paragraphs", "questions"]
    """What is drawn and exchanged as one: questions about one paragraph are no independent draws."""
    difference: float
    """Points."""
    units: int
    differing: int
    """Units in which the two runs' sums of scores differ."""
    low: float | None
    """Points; the percentile interval of the paired bootstrap. None: too few units differ, or all by as much."""
    high: float | None
    bootstrap_p: float | None
    """Two-sided, of the shifted bootstrap; None where there is no interval."""
    randomization_p: float
    """Two-sided, of approximate randomization; 1 where nothing differs."""
    level: float
    """Of the interval, e.g. 0.95."""
    resamples: int
    seed: int


@dataclass(frozen=True, slots=True)
class McNemar:
    """Exact match of two runs, by the questions that only one of them answers right, taken for independent."""

    p: float
    """Two-sided, exact."""
    low: float
    """Points, second less first; Tango's score interval."""
    high: float
    level: float


@dataclass(frozen=True, slots=True)
class Flips:
    """Questions that one run answers right and the other does not, all in the same way."""

    first: Literal["right answer", "wrong answer", "an answer", "no answer", "no prediction"]
    """What the first run gives; ``an answer`` to a question that has none."""
    second: Literal["right answer", "wrong answer", "an answer", "no answer", "no prediction"]
    gained: bool
    """The second run is the one that is right."""
    has_ans: bool
    """Of questions with an answer, or of those without."""
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PairedGroup:
    """The figures of two runs on some of the questions."""

    by: Literal["answer", "kind", "question-word"]
    """``answer``: whether the question has one."""
    name: str
    n: int
    exact: tuple[float, ...]
    """Points, first and second."""
    f1: tuple[float, ...]
    only_first: int
    """Questions that only the first run answers exactly right."""
    only_second: int


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
    kappa: float | None
    """Cohen's kappa of right and wrong: agreement beyond that of chance; None where both are always right, or wrong."""
    changes: tuple[Change, ...]
    """Exact match, then F1, each over paragraphs, where these are known, and over questions."""
    mcnemar: McNemar
    flips: tuple[Flips, ...]
    """The questions of `only_first` and `only_second` by what the two runs answer; kinds that occur."""
    groups: tuple[PairedGroup, ...]
    """Questions with and without an answer; and by kind and by question word, where the data is at hand."""
    notes: tuple[str, ...] = ()
    """What could not be computed, and why; what was scored 0 or left out."""
    signatures: tuple[str, ...] = ()
    """Of the two scores."""
    differences: tuple[str, ...] = ()
    """In what the signatures differ, each written ``name: first against second``."""
    decisive: tuple[str, ...] = ()
    """Those of `differences` that can move a score whatever the model, such as another decoding."""
