"""What a report comes to on a terminal: plain rows and sentences, no markup."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data import given_key
from harness.records import CLOSE, Card, Comparison, Origin, Paired, Run, Stage, evidence_sha256
from harness.render.views import UNKNOWN_DECODING
from harness.report.data import ReportData, RunData
from harness.report.names import name_runs
from harness.report.pairing import NO_INTERVAL, chosen_changes
from harness.report.pooled import pool_figures
from harness.report.spreads import describe_interval, measure_intervals
from harness.verdict.seeds import FEW
from harness.verdict.summary import sum_up

Rows = tuple[tuple[str, ...], ...]

_LONGEST_FIGURE = 8


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; `below` are sentences that belong to them."""

    title: str
    headings: tuple[str, ...]
    rows: Rows
    below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """A report in short; all of its text is as records hold it, and is made printable where it is printed."""

    heading: str
    """Which run it is."""
    sentence: str
    """What its verdicts come to."""
    tables: tuple[Table, ...]
    recipe: tuple[str, ...]
    """A sentence for every stage, and one for the evaluation."""
    evidence: tuple[tuple[str, str], ...]
    """What identifies the evidence, by name."""
    more: tuple[str, ...]
    """Where the rest is found."""
    notes: tuple[str, ...]
    """What is to be known beside."""


def summarize_run(data: ReportData, uses: Mapping[str, Path] | None = None, card: Path | None = None) -> Summary:
    """The first run of a report in short, and how the others differ from it.

    Args:
        data: The runs.
        uses: What ``--use`` gave for it, which the command for a page repeats.
        card: What ``--card`` gave.
    """
    first = data.runs[0]
    run = first.run
    when = run.started if run.finished is None else run.finished
    tables = [*_verdict_tables(run.comparisons), _score_table(first), _seed_table(data), _pair_table(data)]
    return Summary(
        f"{name_runs([run])[0]}: {run.kind} run {run.id}, {run.status}, {when}",
        _sentence(run),
        tuple(table for table in tables if table is not None and table.rows),
        (*(_describe_stage(stage) for stage in run.recipe.stages), _describe_evaluation(run)),
        _evidence(run, data.card),
        _more(data, uses or {}, card),
        tuple(_notes(data)),
    )


def _sentence(run: Run) -> str:
    if run.status != "finished":
        return f"the run {'failed' if run.status == 'failed' else 'is not finished'}" + (
            f": {run.error}" if run.error else ""
        )
    if not run.comparisons:
        return "no claim was held against it"
    verdicts = [comparison.verdict for comparison in run.comparisons if comparison.verdict is not None]
    unchecked = len(run.comparisons) - len(verdicts)
    _, sentence = sum_up(verdicts, "as claimed", "no claim was judged")
    return f"{sentence}, unchecked {unchecked}" if unchecked else sentence


def _verdict_tables(comparisons: Sequence[Comparison]) -> Iterator[Table]:
    """One for each data set, so that a row fits a narrow terminal."""
    about = dict.fromkeys(None if c.claim.data is None else str(c.claim.data) for c in comparisons)
    for data in about:
        own = [c for c in comparisons if (None if c.claim.data is None else str(c.claim.data)) == data]
        below = (
            f"line {c.claim.place.line}, {c.claim.metric}[{c.claim.subset}]: {c.reason}"
            for c in own
            if c.state != "matches" and c.reason
        )
        yield Table(
            "claims, data not stated" if data is None else f"claims about {data}",
            ("claim", "reported", "reproduced", "difference", "verdict"),
            tuple(_verdict_row(c) for c in own),
            tuple(dict.fromkeys(below)),
        )


def _verdict_row(comparison: Comparison) -> tuple[str, ...]:
    claim = comparison.claim
    digits = claim.digits if len(claim.digits) <= _LONGEST_FIGURE else f"{claim.reported:.4f}"
    return (
        f"{claim.metric}[{claim.subset}]",
        digits,
        "" if comparison.reproduced is None else f"{comparison.reproduced:.4f}",
        "" if comparison.difference is None else f"{comparison.difference:+z.4f}",
        comparison.state,
    )


def _score_table(data: RunData) -> Table | None:
    run = data.run
    if not run.scores:
        return None
    intervals = {} if run.status != "finished" else measure_intervals(data)
    bounds = run.bounds if run.bounds is not None and run.bounds.partial else None
    rows = []
    for key, value in run.scores.items():
        if key.endswith("total"):
            rows.append((key, f"{value:.0f}", ""))
            continue
        shown = ""
        if bounds is not None and key in bounds.low and key in bounds.high:
            shown = f"{bounds.low[key]:.2f} to {bounds.high[key]:.2f}"
        elif key in intervals:
            shown = f"{intervals[key].low:.2f} to {intervals[key].high:.2f}"
        rows.append((key, f"{value:.4f}", shown))
    rows += [(key, f"{value:.4f}", "") for key, value in run.best.items()]
    kinds = tuple(dict.fromkeys(describe_interval(interval) for interval in intervals.values()))
    if bounds is not None:
        kinds = (
            f"the run stopped after {bounds.used:,} of {bounds.n:,} questions: bounds on the figures of all of them, "
            f"which hold at once with {100 * (1 - bounds.alpha):g} %",
        )
    title = "scores" if run.evaluated is None else f"scores on {run.evaluated.ref}, {run.evaluated.n:,} questions"
    headings = ("score", "value", "bounds" if bounds is not None else "interval")
    return Table(title, headings, tuple(rows), kinds)


def _seed_table(data: ReportData) -> Table | None:
    pooled = pool_figures([each.run for each in data.runs])
    rows = []
    for each in pooled:
        seeds = each.seeds
        interval = f"{seeds.mean - seeds.half_95:.2f} to {seeds.mean + seeds.half_95:.2f}"
        enough = len(seeds.values) >= FEW
        row = (each.name, str(len(seeds.values)), f"{seeds.mean:.4f}", f"{seeds.deviation:.4f}")
        rows.append((*row, interval if enough else ""))
    below = "the interval is that in which one more seed would fall with 95 %, by Student's t"
    return Table("seeds", ("score", "seeds", "mean", "deviation", "one more"), tuple(rows), (below,))


def _pair_table(data: ReportData) -> Table | None:
    """Every other run beside the first."""
    names = name_runs([each.run for each in data.runs])
    rows: list[tuple[str, ...]] = []
    for name, pair in zip(names[1:], data.pairs, strict=False):
        if pair is not None:
            rows += _pair_rows(name, pair)
    below = [f"{names[0]} is what the others are compared with"]
    if any(row[-1] for row in rows):
        below.append("the intervals are of the paired bootstrap")
    if not all(row[-1] for row in rows):
        below.append(NO_INTERVAL)
    headings = ("run", "score", "value", "difference", "interval")
    return Table("other runs, question by question", headings, tuple(rows), tuple(below))


def _pair_rows(name: str, pair: Paired) -> Iterator[tuple[str, ...]]:
    for found in chosen_changes(pair):
        interval = "" if found.low is None or found.high is None else f"{found.low:+z.2f} to {found.high:+z.2f}"
        value = (pair.exact if found.score == "exact" else pair.f1)[1]
        yield name, found.score, f"{value:.4f}", f"{found.difference:+z.4f}", interval


def _describe_stage(stage: Stage) -> str:
    student = "a student that nobody states" if stage.student is None else str(stage.student)
    teacher = "" if stage.teacher is None else f" from {stage.teacher}"
    data = " + ".join(map(str, stage.data)) or "data that nobody states"
    epochs = f"{stage.epochs} epoch{'' if stage.epochs == 1 else 's'}"
    return (
        f"{stage.name}: {stage.kind} {student}{teacher} on {data}; {epochs}, batch {stage.batch_size}, "
        f"learning rate {stage.learning_rate:g}, seed {stage.seed}; {_assumed(stage.origins)}"
    )


def _describe_evaluation(run: Run) -> str:
    recipe = run.recipe
    decoding = recipe.decoding
    data = "data that nobody states" if recipe.evaluation is None else str(recipe.evaluation)
    if run.kind == "replay":
        return f"evaluation: {data}; {UNKNOWN_DECODING}"
    return (
        f"evaluation: {data}; {decoding.protocol}, answers of at most {decoding.max_answer_length} tokens, null "
        f"threshold {decoding.null_threshold:g}; {_assumed(recipe.origins)}"
    )


def _assumed(origins: Mapping[str, Origin]) -> str:
    count = sum(origin.how == "assumed" for origin in origins.values())
    return f"{count or 'no'} value{'' if count == 1 else 's'} assumed"


def _evidence(run: Run, card: Card | None) -> tuple[tuple[str, str], ...]:
    found = [("evidence", f"sha256 {evidence_sha256(run)}")]
    if run.signature is not None:
        found.append(("signature", run.signature))
    if run.model is not None:
        found.append(("weights", f"sha256 {run.model.sha256}"))
    path = run.card_path if card is None else card.path
    if path is not None:
        found.append(("card", path))
    return tuple(found)


def _more(data: ReportData, uses: Mapping[str, Path], card: Path | None) -> tuple[str, ...]:
    paths = [str(each.path) for each in data.runs]
    evaluated = [each.run.evaluated for each in data.runs if each.scores is not None]
    given = {name: str(path) for name, path in uses.items()}
    for used in evaluated:
        if used is not None and used.source != "embedded" and given_key(used.ref, uses) is None:
            given.setdefault(used.ref.name, "PATH")
    options = [part for name, path in given.items() for part in ("--use", f"{name}={path}")]
    options += [] if card is None else ["--card", str(card)]
    command = shlex.join(["harness", "report", *paths, *options, "-o", "report.html"])
    return (f"record: {data.runs[0].path}", f"figures and questions: {command}")


def _notes(data: ReportData) -> Iterator[str]:
    for each, name in zip(data.runs, name_runs([each.run for each in data.runs]), strict=True):
        prefix = f"{name}: " if len(data.runs) > 1 else ""
        computed = each.run.computed
        if computed is not None and computed.close_calls:
            calls = f"{computed.close_calls} answer{'s hang' if computed.close_calls > 1 else ' hangs'}"
            yield (
                f"{prefix}{calls} on less than {CLOSE:g} logit units: another batch, thread count or machine may give "
                "another"
            )
        yield from (f"{prefix}warning: {warning}" for warning in each.run.warnings)
        yield from (f"{prefix}{text}" for text in each.notes)
    errors = sum(finding.severity == "error" for finding in data.findings)
    if data.findings:
        yield f"an audit of the card has {len(data.findings)} findings, {errors} of them errors: harness audit"
    yield from data.notes
