"""What a report shows: runs with everything that their folders, their data and their card hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.records import Card, Finding, Paired, Predictions, Question, Run, Scores


@dataclass(frozen=True, slots=True)
class RunData:
    """One run; what is not at hand is None or empty, and `notes` says why."""

    path: Path
    """The run's folder, or the file of its record."""
    run: Run
    questions: tuple[Question, ...] | None = None
    """The data that it evaluated, in order, with the checksum of the record."""
    scores: Scores | None = None
    """Question by question, held against the record."""
    predictions: Predictions | None = None
    """Answers of the folder, and null odds if they give the best figures of the record, which no checksum covers."""
    histories: Mapping[str, tuple[Mapping[str, float], ...]] = field(default_factory=dict)
    """Stage -> its training as recorded: ``step``, ``epoch``, ``loss`` (mean since the entry before),
    ``learning_rate``."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportData:
    """The runs of one report, the first being the one that others are compared with."""

    runs: tuple[RunData, ...]
    card: Card | None = None
    """The card that is given; else that of the first run, where it is at hand and is the text that the run was recorded
    on, with the path of the record."""
    findings: tuple[Finding, ...] = ()
    """What an audit finds in it; their lines are the card's."""
    pairs: tuple[Paired | None, ...] = ()
    """For every run after the first: the two, question by question; None where they are not of the same questions."""
    notes: tuple[str, ...] = ()
    """What is not shown, and why."""
    judged: bool = False
    """The verdicts are on the claims of `card` as it is now, whatever the runs were recorded on."""


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure of a report."""

    id: str
    """Unique within the page, fit for an HTML id."""
    title: str
    caption: str
    """What it shows and how to read it, in a sentence or two; plain text."""
    svg: str
    """An ``<svg>`` element with ``role="img"``, ``<title>`` and ``<desc>``: complete, escaped, without script,
    style sheets, ids that could collide, or anything to be loaded. Colours are the page's custom properties."""
