"""What a claim, an example or a finding that did not hold says of itself, and the properties that reports carry.

Texts of cards and records are untrusted: everything here is printable, which XML and terminals take.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.accepted import Reviewed
from harness.evidence import Opened, Recorded
from harness.records import Comparison, Example, ExampleComparison, Run
from harness.visible import visible

if TYPE_CHECKING:
    from harness.pytest_plugin.checks import Terms

_MOST = 200
"""Characters of a question or an answer that a table shows."""


def claim_failure(opened: Opened, comparison: Comparison, evidence: Recorded, reason: str, terms: Terms) -> str:
    """Place in the card, row of the table, reason, and the commands that repeat it."""
    claim, tolerance = comparison.claim, comparison.tolerance
    about = "data not stated" if claim.data is None else str(claim.data)
    named = f"{claim.metric}[{claim.subset}]"
    card = _near(opened.path, terms.start)
    row = {
        "claim": named,
        "data": about,
        "place": f"{claim.origin}:{claim.place.line}",
        "reported": claim.digits,
        "reproduced": _figure(comparison.reproduced),
        "difference": _figure(comparison.difference, "+"),
        "tolerance": "-" if tolerance is None else f"{tolerance.within:g}",
        "verdict": comparison.state,
    }
    runs = [run for _, run in evidence]
    more = [f"tolerance    {tolerance.reason}"] if tolerance is not None else []
    more += [f"run          {run.id} ({run.kind})" for run in runs]
    more += [f"signature    {line}" for line in dict.fromkeys(run.signature for run in runs) if line is not None]
    more += [f"repeat with  {command}" for command in _claim_commands(card, evidence, terms)]
    return _report(f"{card}:{claim.place.line}: {named} on {about}: {comparison.state}", row, reason, more)


def example_failure(
    opened: Opened,
    example: Example,
    compared: ExampleComparison | None,
    evidence: Recorded,
    reason: str,
    terms: Terms,
) -> str:
    """As `claim_failure`, for an example."""
    card = _near(opened.path, terms.start)
    state = "unchecked" if compared is None else compared.state
    given = None if compared is None else compared.reproduced
    row = {
        "question": example.question[:_MOST],
        "reported": repr(example.answer[:_MOST]),
        "score": "-" if example.score is None else f"{example.score:g}",
        "reproduced": "-" if given is None else repr(given.answer[:_MOST]),
        "its score": "-" if given is None else f"{given.score:.4f}",
        "verdict": state,
    }
    more = [f"run          {run.id} ({run.kind})" for _, run in evidence]
    more.append(f"repeat with  {shlex.join(['harness', 'ask', 'MODEL', '--card', card])}")
    return _report(f"{card}:{example.place.line}: example: {state}", row, reason, more)


def finding_failure(path: Path, findings: Sequence[Reviewed], start: Path, *, strict: bool) -> str:
    """Every finding of one code with its place, and the command that repeats it."""
    card = _near(path, start)
    lines = []
    for item in findings:
        finding = item.finding
        where = card if finding.line is None else f"{card}:{finding.line}"
        severity = finding.severity if item.accepted is None else "accepted"
        reason = "" if item.accepted is None else f" ({accepted_reason(item)})"
        lines.append(visible(f"{where}: {severity}: {finding.code}: {finding.message}{reason}"))
    command = ["harness", "audit", card, *(["--strict"] if strict else [])]
    return "\n".join([*lines, f"  repeat with  {visible(shlex.join(command))}"])


def accepted_reason(item: Reviewed) -> str:
    """Why and until when a finding is accepted."""
    until = "" if item.expires is None else f" until {item.expires}"
    return f"accepted{until}: {item.accepted}"


def claim_properties(name: str, comparison: Comparison, evidence: Recorded, reason: str) -> list[tuple[str, object]]:
    """What a report in XML carries of a claim: figures in points, as digits."""
    claim, tolerance = comparison.claim, comparison.tolerance
    return _properties(
        ("claim", name),
        ("reported", claim.digits),
        ("reproduced", comparison.reproduced),
        ("difference", comparison.difference),
        ("tolerance", None if tolerance is None else tolerance.within),
        ("verdict", comparison.state),
        ("reason", reason),
        ("deviation", comparison.deviation),
        *_of_runs(run for _, run in evidence),
    )


def example_properties(
    example: Example, compared: ExampleComparison | None, evidence: Recorded, reason: str
) -> list[tuple[str, object]]:
    """What a report in XML carries of an example: answers, and scores from 0 to 1."""
    given = None if compared is None else compared.reproduced
    return _properties(
        ("reported", example.answer),
        ("reported score", example.score),
        ("reproduced", None if given is None else given.answer),
        ("reproduced score", None if given is None else given.score),
        ("verdict", "unchecked" if compared is None else compared.state),
        ("reason", reason),
        *_of_runs(run for _, run in evidence),
    )


def finding_properties(findings: Sequence[Reviewed]) -> list[tuple[str, object]]:
    """What a report in XML carries of the findings of one code."""
    return _properties(
        *(("severity", item.finding.severity) for item in findings[:1]),
        *(("finding", item.finding.message) for item in findings),
        *(("accepted", accepted_reason(item)) for item in findings if item.accepted is not None),
    )


def _of_runs(runs: Iterable[Run]) -> list[tuple[str, str | None]]:
    known = list(runs)
    signatures = dict.fromkeys(run.signature for run in known)
    return [*(("run", run.id) for run in known), *(("signature", line) for line in signatures)]


def _properties(*pairs: tuple[str, str | float | None]) -> list[tuple[str, object]]:
    return [(name, visible(str(value))) for name, value in pairs if value is not None]


def _claim_commands(card: str, evidence: Recorded, terms: Terms) -> list[str]:
    """What judges the claim again, and what measures it anew."""
    kind = evidence[0][1].kind if evidence else terms.kind
    asked = terms.options
    options = [] if asked.tolerance is None else ["--tolerance", f"{asked.tolerance:g}"]
    options += ["--at-least"] * asked.at_least + ["--strict"] * terms.strict
    commands = []
    if evidence:
        paths = [_near(path, terms.start) for path, _ in evidence]
        commands.append(["harness", "compare", card, *paths, *options])
    if kind == "released":
        commands.append(["harness", "evaluate", "MODEL", "DATA", "--card", card])
    elif kind == "replay":
        commands.append(["harness", "compare", card, "PREDICTIONS", "--data", "DATA", *options])
    else:
        commands.append(["harness", "reproduce", card])
    return [shlex.join(command) for command in commands]


def _report(first: str, row: dict[str, str], reason: str, more: Sequence[str]) -> str:
    cells = {name: visible(value) for name, value in row.items()}
    widths = [max(len(name), len(value)) for name, value in cells.items()]
    lines = [visible(first)]
    for line in (cells.keys(), cells.values()):
        lines.append("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    lines.append(f"  reason       {visible(reason)}")
    return "\n".join([*lines, *(f"  {visible(text)}" for text in more)])


def _figure(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}z.4f}"


def _near(path: Path, start: Path) -> str:
    return str(path.relative_to(start) if path.is_relative_to(start) else path)
