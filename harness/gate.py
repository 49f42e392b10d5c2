"""The gate of a release: what an audit finds in cards, whether there is evidence of what they say now, and verdicts.

Only what was checked passes. A card that makes claims and has no evidence, or evidence of what it said before, fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.accepted import Reviewed
from harness.audited import audit_files
from harness.card_files import CardFile, Unread, model_cards
from harness.claim_names import name_claims
from harness.editing import find_section
from harness.errors import HarnessError, NoEvidenceError
from harness.evidence import (
    Evidence,
    Kind,
    Opened,
    Options,
    failing,
    gather_evidence,
    index_card,
    judge_one,
    open_card,
    outcome,
)
from harness.examples import recorded_example
from harness.freshness import freshness, left_as_reported
from harness.kept_speeds import speeds_of
from harness.records import Comparison, Example, ExampleComparison, Run, Verdict
from harness.speeds import most_favourable
from harness.store import is_record, load_run

Check = Literal["card", "audit", "evidence", "claim", "example", "speed"]
State = Literal["pass", "note", "fail"]

_CHECKED = (Verdict.MATCHES, Verdict.WITHIN_TOLERANCE, Verdict.INCONCLUSIVE, Verdict.DIFFERS)
_HELD = (Verdict.MATCHES, Verdict.WITHIN_TOLERANCE)
_FINDINGS = ("error", "warning")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the gate asks."""

    runs: Path
    """Folder of runs, beside the one of each card."""
    options: Options
    strict: bool = False
    """Warnings, claims and examples that are not shown, and evidence of unknown age fail too."""
    kind: Kind | None = None
    """The kind of evidence; None: the first kind that there is."""


@dataclass(frozen=True, slots=True)
class GateRow:
    """One thing that was looked at."""

    card: str
    """The card's file, or the path that should have led to one."""
    check: Check
    what: str
    """Code of a finding, id of a run, name of a claim, question of an example or words of a claim of speed."""
    result: str
    state: State
    """``note``: it does not pass, and does not fail either."""
    reason: str = ""
    line: int | None = None
    comparison: Comparison | None = None
    """Of a claim."""
    example: ExampleComparison | None = None
    unreadable: bool = False
    """Bad input: it could not be looked at."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """All rows, card by card."""

    rows: tuple[GateRow, ...]
    exit_code: Literal[0, 1, 2]
    """0 where nothing fails and something was checked, 2 for what could not be read, else 1."""
    outcome: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class _Evidence:
    opened: Opened
    found: Evidence | None
    rows: tuple[GateRow, ...] = field(default=())


def check_release(paths: Sequence[Path], terms: Terms) -> GateResult:
    """Look at every card at or under the paths.

    Args:
        paths: Cards' files, and folders that hold cards.
        terms: What is asked. Known deviations and accepted findings are held against the day of its options.
    """
    files = list(model_cards(paths))
    audited, _ = audit_files(files, terms.options.today)
    findings = {card.path: card.findings for card in audited}
    rows = [row for file in files for row in _card_rows(file, findings, terms)]
    return _sum_up(rows)


def _card_rows(file: CardFile | Unread, findings: dict[str, tuple[Reviewed, ...]], terms: Terms) -> Iterator[GateRow]:
    path = str(file.path)
    if isinstance(file, Unread):
        yield _unreadable(path, "card", file.message)
        return
    if path in findings:
        yield from _audit_rows(path, findings[path], terms.strict)
    try:
        opened = open_card(file.path)
        evidence = _evidence(opened, terms)
    except HarnessError as error:
        yield _unreadable(path, "card", str(error))
        return
    except OSError as error:
        yield _unreadable(path, "card", f"{path}: cannot be used ({error.strerror or error})")
        return
    yield from evidence.rows
    if evidence.found is not None:
        yield from _claim_rows(evidence, evidence.found, terms)
    yield from _example_rows(evidence, terms)
    yield from _speed_rows(evidence, terms)


def _audit_rows(path: str, findings: Iterable[Reviewed], strict: bool) -> Iterator[GateRow]:
    accepted: dict[str, list[Reviewed]] = {}
    clean = True
    for item in findings:
        finding = item.finding
        if finding.severity not in _FINDINGS:
            continue
        clean = False
        if item.accepted is not None:
            accepted.setdefault(finding.code, []).append(item)
            continue
        state: State = "fail" if strict or finding.severity == "error" else "note"
        yield GateRow(path, "audit", finding.code, finding.severity, state, finding.message, finding.line)
    for code, items in accepted.items():
        reasons = dict.fromkeys(f"accepted{_until(item)}: {item.accepted}" for item in items)
        yield GateRow(path, "audit", code, "accepted", "pass", "; ".join(reasons), items[0].finding.line)
    if clean:
        yield GateRow(path, "audit", "", "clean", "pass")


def _until(item: Reviewed) -> str:
    return "" if item.expires is None else f" until {item.expires}"


def _evidence(opened: Opened, terms: Terms) -> _Evidence:
    path = str(opened.path)
    rows = []
    for file in sorted((opened.path.parent / "runs").glob("*.json")):
        try:
            if is_record(file):
                load_run(file)
        except HarnessError as error:
            rows.append(_unreadable(path, "evidence", str(error), file.name))
    if not opened.card.claims:
        rows.append(GateRow(path, "evidence", "", "no claim", "note", "the card makes no claim"))
        return _Evidence(opened, None, tuple(rows))
    try:
        found = gather_evidence(opened, terms.runs, terms.kind)
    except NoEvidenceError as error:
        result = "stale" if error.stale else "missing"
        reason = f"{len(opened.card.claims)} claims unchecked: {str(error).removeprefix(f'{path}: ')}"
        return _Evidence(opened, None, (*rows, GateRow(path, "evidence", "", result, "fail", reason)))
    except HarnessError as error:
        told = rows or [_unreadable(path, "evidence", str(error))]  # a record that was named already is not named twice
        return _Evidence(opened, None, tuple(told))
    shown = _shown(opened)
    for _, run in found.used(opened.card.claims):
        group = found.together(run, shown)
        result, reason = freshness(opened, run, terms.options, group, found.beside(group))
        fails = result == "stale" or (terms.strict and result != "fresh")
        state: State = "fail" if fails else "pass" if result == "fresh" else "note"
        rows.append(GateRow(path, "evidence", run.id, result, state, f"{run.kind}: {reason}"))
        left = (note.removeprefix(f"{path}:").strip() for note in left_as_reported(opened, run))
        rows += [GateRow(path, "evidence", run.id, "figures left", "note", reason) for reason in left]
    return _Evidence(opened, found, tuple(rows))


def _claim_rows(evidence: _Evidence, recorded: Evidence, terms: Terms) -> Iterator[GateRow]:
    opened, path = evidence.opened, str(evidence.opened.path)
    index = index_card(opened)
    comparisons = [
        judge_one(opened, [run for _, run in runs], claim, terms.options, index, again=recorded.again(runs))
        for claim in opened.card.claims
        for runs in (recorded.of(claim),)
    ]
    names = {id(claim): name for name, claim in name_claims(opened.card.claims).items()}
    for found in comparisons:
        result = found.state if found.deviation is None else "known deviation"
        fails = failing(found, strict=terms.strict)
        state: State = "fail" if fails else "pass" if found.verdict in _HELD else "note"
        claim = found.claim
        yield GateRow(path, "claim", names[id(claim)], result, state, found.reason, claim.place.line, found)
    if not any(found.verdict in _HELD or found.deviation is not None for found in comparisons):
        _, sentence = outcome(comparisons)
        yield GateRow(path, "claim", "", "none shown", "fail", sentence)


def _example_rows(evidence: _Evidence, terms: Terms) -> Iterator[GateRow]:
    """The examples that some run answered; what a card prints was printed by its weights, so theirs go first."""
    opened = evidence.opened
    groups = () if evidence.found is None else evidence.found.groups
    runs = sorted((member for group in groups for member in group), key=lambda member: member[1].kind != "released")
    for example in opened.card.examples:
        found = _answered(example, (run for _, run in runs))
        if found is None:
            continue
        held = found.verdict in _HELD
        fails = found.verdict is Verdict.DIFFERS or (terms.strict and not held)
        state: State = "fail" if fails else "pass" if held else "note"
        line = example.place.line
        yield GateRow(
            str(opened.path), "example", example.question, found.state, state, found.reason, line, example=found
        )


def _answered(example: Example, runs: Iterable[Run]) -> ExampleComparison | None:
    return next((found for run in runs if (found := recorded_example(example, run)) is not None), None)


def _speed_rows(evidence: _Evidence, terms: Terms) -> Iterator[GateRow]:
    """The claims of speed, where the card's folder keeps a measured one of its model."""
    opened, path = evidence.opened, str(evidence.opened.path)
    groups = () if evidence.found is None else evidence.found.groups
    try:
        kept, _ = speeds_of(opened.path, opened.card, [run for group in groups for _, run in group])
    except HarnessError as error:
        yield _unreadable(path, "speed", str(error))
        return
    for number, claim in enumerate(opened.card.speeds if kept else ()):
        found = most_favourable([shown.comparisons[number] for shown in kept])
        held = found.verdict in _HELD
        fails = found.verdict is Verdict.DIFFERS or (terms.strict and not held)
        state: State = "fail" if fails else "pass" if held else "note"
        yield GateRow(path, "speed", claim.text, found.state, state, found.reason, claim.place.line)


def _sum_up(rows: Sequence[GateRow]) -> GateResult:
    failed = [row for row in rows if row.state == "fail"]
    checked = any(row.comparison is not None and row.comparison.verdict in _CHECKED for row in rows)
    cards = len({row.card for row in rows})
    if failed:
        sentence = f"not ready: {_counted(failed)}"
    elif not checked:
        sentence = f"not ready: nothing was checked: {_counted(rows)}"
    else:
        sentence = f"ready: {cards} {'card' if cards == 1 else 'cards'}: {_counted(rows)}"
    code: Literal[0, 1, 2] = 2 if any(row.unreadable for row in rows) else 1 if failed or not checked else 0
    return GateResult(tuple(rows), code, sentence)


def _counted(rows: Iterable[GateRow]) -> str:
    return ", ".join(f"{what} {n}" for what, n in Counter(f"{row.check} {row.result}" for row in rows).items())


def _unreadable(path: str, check: Check, message: str, what: str = "") -> GateRow:
    return GateRow(path, check, what, "unreadable", "fail", " ".join(message.split()), unreadable=True)


def _shown(opened: Opened) -> tuple[str, ...]:
    """Ids of the runs that the card's section shows first; none where it has none, or marks that are no pair."""
    try:
        section = find_section(opened.card.text, opened.card.path)
    except HarnessError:  # which `freshness` raises
        return ()
    return () if section is None else section.runs
