"""One claim or example against the recorded runs of its card, by the options of a pytest run."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.config import Config, read_config
from harness.errors import HarnessError, NoEvidenceError
from harness.evidence import CardIndex, Evidence, Kind, Opened, Options, Recorded, gather_evidence, judge_one
from harness.examples import recorded_example
from harness.per_question import load_intact
from harness.pytest_plugin import words
from harness.records import Claim, Comparison, Example, ExampleComparison, Run, Verdict
from harness.testing import FoundClaim, NotShownError
from harness.visible import visible

if TYPE_CHECKING:
    from harness.pytest_plugin.nodes import CardItem

HELD = (Verdict.MATCHES, Verdict.WITHIN_TOLERANCE)


class KnownDeviationError(NotShownError):
    """A claim that is known to differ."""


class AcceptedFindingError(NotShownError):
    """A finding that a person has accepted."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The options of a pytest run, and what was found by them."""

    config: Config
    """The project's."""
    kind: Kind | None
    options: Options
    strict: bool
    start: Path
    """Where pytest was started: paths are shown from here."""
    found: dict[tuple[Path, Kind | None], Evidence | HarnessError] = field(default_factory=dict)
    """Card and kind -> its runs, looked up once."""

    def evidence(self, opened: Opened, kind: Kind | None = None) -> Evidence:
        """The runs of a card.

        Raises:
            NoEvidenceError: there is none.
            RecordError: a folder holds two records of one run.
        """
        wanted = kind or self.kind
        key = (opened.path, wanted)
        if key not in self.found:
            try:
                self.found[key] = gather_evidence(opened, self.config.runs, wanted)
            except HarnessError as error:
                self.found[key] = error
        result = self.found[key]
        if isinstance(result, NoEvidenceError):
            raise NoEvidenceError(str(result), stale=result.stale)
        if isinstance(result, HarnessError):
            raise type(result)(str(result))
        return result


_TERMS = pytest.StashKey[Terms]()


def read_terms(config: pytest.Config) -> Terms:
    """The terms of this pytest run; raises `RecordError` where the project's settings are malformed."""
    if _TERMS not in config.stash:
        project = read_config(config.rootpath)
        asked = config.getoption("--card-run")
        config.stash[_TERMS] = Terms(
            project,
            None if asked == "audit" else asked,
            Options(
                config.getoption("--card-tolerance"),
                config.getoption("--card-at-least"),
                project.tolerances,
                datetime.date.today(),
            ),
            config.getoption("--card-strict"),
            config.invocation_params.dir,
        )
    return config.stash[_TERMS]


def check_claim(item: CardItem, terms: Terms, opened: Opened, name: str, claim: Claim, index: CardIndex) -> None:
    """Pass, skip with a reason, or raise `NotShownError`; what was found becomes properties of the item."""
    again = False
    try:
        evidence, absent = terms.evidence(opened).of(claim), ""
        again = terms.evidence(opened).again(evidence)
    except NoEvidenceError as error:
        evidence, absent, item.skipped_at = (), str(error), 1
    comparison = judge_one(opened, _runs(evidence), claim, terms.options, index, again=again)
    settle_claim(item, terms, FoundClaim(name, opened, claim), comparison, evidence, absent)


def settle_claim(
    item: pytest.Item, terms: Terms, found: FoundClaim, comparison: Comparison, evidence: Recorded, absent: str = ""
) -> None:
    """As `check_claim`, for a comparison that was made; `absent` says why there is no evidence."""
    __tracebackhide__ = True
    reason = absent or comparison.reason
    item.user_properties += words.claim_properties(found.name, comparison, evidence, reason)
    if comparison.verdict in HELD:
        return
    text = words.claim_failure(found.opened, comparison, evidence, reason, terms)
    if comparison.deviation is not None:
        raise KnownDeviationError(text)
    if comparison.verdict is Verdict.DIFFERS or terms.strict:
        raise NotShownError(text)
    pytest.skip(visible(f"{comparison.state}: {reason}"))


def check_example(item: CardItem, terms: Terms, opened: Opened, example: Example) -> None:
    """As `check_claim`, for an example: held against the recorded answer of the weights, else of the other runs."""
    compared, evidence, absent = _example(terms, opened, example)
    reason = absent if compared is None else compared.reason
    item.user_properties += words.example_properties(example, compared, evidence, reason)
    if compared is not None and compared.verdict in HELD:
        return
    if terms.strict or (compared is not None and compared.verdict is Verdict.DIFFERS):
        raise NotShownError(words.example_failure(opened, example, compared, evidence, reason, terms))
    state = "unchecked" if compared is None else compared.state
    item.skipped_at = 1 if compared is None else None
    pytest.skip(visible(f"{state}: {reason}"))


def _example(terms: Terms, opened: Opened, example: Example) -> tuple[ExampleComparison | None, Recorded, str]:
    """The comparison with the runs that it rests on, or why there is none."""
    # what a card prints was printed by its weights: a model that was trained again may answer otherwise
    kinds: tuple[Kind | None, ...] = ("released", None) if terms.kind is None else (terms.kind,)
    absent = ""
    for kind in kinds:
        try:
            evidence = terms.evidence(opened, kind)
        except NoEvidenceError as error:
            absent = str(error)
            continue
        for path, run in (member for group in evidence.groups for member in group):
            compared = recorded_example(example, run)
            if compared is not None:
                return compared, ((path, run),), ""
        absent = f"run {evidence.groups[0][0][1].id} did not answer it. Run harness ask MODEL --card {opened.path}"
    return None, (), absent


class HarnessRun:
    """Checks claims in a test as the plugin checks those that it collects."""

    def __init__(self, config: pytest.Config, item: pytest.Item) -> None:
        self._config = config
        self._item = item

    def __repr__(self) -> str:
        return f"<harness_run of {self._item.name}>"

    def judge(
        self,
        found: FoundClaim,
        run: Run | Sequence[Run] | str | Path | None = None,
        tolerance: float | None = None,
    ) -> Comparison:
        """A claim against runs; a verdict of any kind is returned.

        Args:
            found: The claim.
            run: A run, several seeds, or where a record lies; None takes the card's recorded evidence.
            tolerance: Points, in place of every other tolerance.

        Raises:
            HarnessError: a record, or the project's settings, cannot be used.
            ValueError: the tolerance is not 0 to 100 points.
        """
        return self._judge(found, run, tolerance)[0]

    def check(
        self,
        found: FoundClaim,
        run: Run | Sequence[Run] | str | Path | None = None,
        tolerance: float | None = None,
    ) -> Comparison:
        """The comparison of a claim that holds; takes what `judge` takes and raises what it raises.

        Raises:
            NotShownError: the claim differs, or under ``--card-strict`` is not shown; an AssertionError. A claim that
                is not shown otherwise skips the test, a known deviation makes it an expected failure.
        """
        __tracebackhide__ = True
        terms = read_terms(self._config)
        comparison, evidence, absent = self._judge(found, run, tolerance)
        try:
            settle_claim(self._item, terms, found, comparison, evidence, absent)
        except KnownDeviationError:
            pytest.xfail(visible(comparison.reason))
            raise  # with --runxfail, the line above does nothing
        return comparison

    def _judge(
        self, found: FoundClaim, run: Run | Sequence[Run] | str | Path | None, tolerance: float | None
    ) -> tuple[Comparison, Recorded, str]:
        terms = read_terms(self._config)
        options = terms.options if tolerance is None else replace(terms.options, tolerance=tolerance)
        absent, again = "", False
        if run is None:
            try:
                evidence = terms.evidence(found.opened).of(found.claim)
                again = terms.evidence(found.opened).again(evidence)
            except NoEvidenceError as error:
                evidence, absent = (), str(error)
        elif isinstance(run, (str, Path)):
            evidence = ((Path(run), load_intact(Path(run))),)
        else:
            given = (run,) if isinstance(run, Run) else run
            evidence = tuple((Path(one.id), one) for one in given)
        return judge_one(found.opened, _runs(evidence), found.claim, options, again=again), evidence, absent


def _runs(evidence: Recorded) -> tuple[Run, ...]:
    return tuple(run for _, run in evidence)
