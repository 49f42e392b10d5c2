"""What a page shows of runs, arranged in rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.breakdown import By, break_down
from harness.errors import DataError
from harness.gap import find_chance
from harness.records import Card, Comparison, Finding, Origin, Paired, Recipe, Run, Tolerance, evidence_sha256
from harness.render.escape import as_score
from harness.render.views import count_states, recipe_tables, repeat_command, used_data
from harness.report.data import ReportData, RunData

_BY: tuple[tuple[By, str], ...] = (
    ("question-word", "By question word"),
    ("answer-length", "By words of the shortest reference answer"),
    ("context-length", "By words of the paragraph"),
    ("kind", "By kind of question"),
)


@dataclass(frozen=True, slots=True)
class RunView:
    """One run of a report."""

    number: int
    """From 1, in the order of the report."""
    run: Run
    command: str
    """That repeats it."""
    evidence: str
    data: tuple[tuple[str, object], ...]
    chance: float | None
    """Percent: how likely one of the protocols that were tried fits by chance."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """Something that one run or several have in common."""

    numbers: str
    """Of the runs, such as ``1, 3``; empty where it is all of them."""
    first: RunView


@dataclass(frozen=True, slots=True)
class ClaimsView(Shared):
    """Claims as some runs judge them."""

    comparisons: tuple[Comparison, ...]
    states: tuple[tuple[int, str], ...]
    tolerances: tuple[Tolerance, ...]
    seeds: tuple[Comparison, ...]
    lines: bool
    """The claims' lines are those of the card on the page."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a recipe."""

    name: str
    value: str | None
    origin: str
    how: str
    line: int | None
    """Of the card on the page; None where it is not there."""


@dataclass(frozen=True, slots=True)
class RecipeView(Shared):
    """A recipe that some runs followed: its tables by title."""

    tables: tuple[tuple[str, tuple[Field, ...]], ...]
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Figures with a row for each name, and columns for each run."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    """Name and figures; empty where a run has none."""


@dataclass(frozen=True, slots=True)
class PairView:
    """The first run and another one."""

    number: int
    """Of the other."""
    pair: Paired


def view_runs(data: ReportData) -> tuple[RunView, ...]:
    """The runs, numbered."""
    return tuple(
        RunView(
            number,
            one.run,
            repeat_command(one.run),
            evidence_sha256(one.run),
            used_data(one.run),
            _chance(one.run),
            one.notes,
        )
        for number, one in enumerate(data.runs, 1)
    )


def view_claims(runs: Sequence[RunView], card: Card | None, *, judged: bool = False) -> tuple[ClaimsView, ...]:
    """The verdicts; runs that were judged together, such as seeds, have theirs in common.

    Args:
        runs: Of the report.
        card: On the page.
        judged: The verdicts are on its claims, whatever the runs were recorded on.
    """
    with_verdicts = [view for view in runs if view.run.comparisons]
    return tuple(
        ClaimsView(
            numbers,
            members[0],
            found := members[0].run.comparisons,
            count_states(found),
            tuple(dict.fromkeys(c.tolerance for c in found if c.tolerance is not None)),
            tuple(c for c in found if c.seeds is not None),
            judged or _of_card(members[0].run, card),
        )
        for numbers, members in _shared(with_verdicts, len(runs), lambda view: view.run.comparisons)
    )


def view_recipes(runs: Sequence[RunView], card: Card | None) -> tuple[RecipeView, ...]:
    """The recipes, each once."""
    return tuple(
        RecipeView(numbers, members[0], tuple(_tables(members[0].run, card)), members[0].run.recipe.gaps)
        for numbers, members in _shared(runs, len(runs), lambda view: (view.run.kind == "replay", view.run.recipe))
    )


def view_scores(runs: Sequence[RunView]) -> Grid | None:
    """The official figures of every run."""
    keys = dict.fromkeys(key for view in runs for key in (*view.run.scores, *view.run.best))
    if not keys:
        return None
    figures = [{**view.run.scores, **view.run.best} for view in runs]
    rows = tuple((key, tuple(as_score(found[key], key) if key in found else "" for found in figures)) for key in keys)
    columns = ("value",) if len(runs) == 1 else tuple(f"run {view.number}" for view in runs)
    return Grid("Official figures", columns, rows)


def view_silence(runs: Sequence[RunView]) -> tuple[tuple[str, float], ...]:
    """What a model that never answers would score, in points, on data with unanswerable questions: runs, and figure."""
    figures = {
        view.number: 100.0 * view.run.scores["NoAns_total"] / view.run.scores["total"]
        for view in runs
        if view.run.scores.get("total") and "NoAns_total" in view.run.scores
    }
    scored = [view for view in runs if view.number in figures]
    shared = _shared(scored, len(runs), lambda view: figures[view.number])
    return tuple((numbers, figures[members[0].number]) for numbers, members in shared)


def view_breakdowns(data: ReportData) -> tuple[Grid, ...]:
    """Scores by question type and length, where the questions are at hand; else by kind, as the records have it."""
    grids = []
    for by, title in _BY:
        found = [_broken_down(one, by) for one in data.runs]
        if any(found):
            grids.append(_grid(title, found))
    recorded = [one.run.by_kind for one in data.runs]
    if any(recorded) and "By kind of question" not in [grid.title for grid in grids]:
        grids.append(_grid("By kind of question", recorded))
    return tuple(grids)


def view_pairs(data: ReportData) -> tuple[PairView, ...]:
    """The comparisons with the first run that there are."""
    return tuple(PairView(number, pair) for number, pair in enumerate(data.pairs, 2) if pair is not None)


def card_lines(card: Card | None, findings: Sequence[Finding]) -> tuple[tuple[str, tuple[Finding, ...]], ...]:
    """The card's lines, each with what was found there."""
    if card is None:
        return ()
    found: dict[int | None, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.line, []).append(finding)
    lines = card.text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    return tuple((line, tuple(found.get(number, ()))) for number, line in enumerate(lines, 1))


def _shared(
    views: Sequence[RunView], every: int, key: Callable[[RunView], object]
) -> Iterator[tuple[str, list[RunView]]]:
    """Runs that have something in common, with their numbers; those are empty where it is all of the report."""
    groups: list[tuple[object, list[RunView]]] = []
    for view in views:
        value = key(view)
        members = next((members for known, members in groups if known == value), None)
        if members is None:
            groups.append((value, [view]))
        else:
            members.append(view)
    for _, members in groups:
        yield "" if len(members) == every else ", ".join(str(view.number) for view in members), members


def _of_card(run: Run, card: Card | None) -> bool:
    return card is not None and run.card_sha256 == card.sha256


def _tables(run: Run, card: Card | None) -> Iterator[tuple[str, tuple[Field, ...]]]:
    for table, origins in zip(recipe_tables(run), _origins(run.recipe), strict=True):
        fields = []
        for row in table.rows:
            origin = origins.get(row.name)
            line = origin.line if origin is not None and _of_card(run, card) else None
            fields.append(Field(row.name, row.value, row.origin, "" if origin is None else origin.how, line))
        yield table.title, tuple(fields)


def _origins(recipe: Recipe) -> Iterator[Mapping[str, Origin]]:
    for stage in recipe.stages:
        yield stage.origins
    yield recipe.origins


def _broken_down(one: RunData, by: By) -> Mapping[str, Mapping[str, float]]:
    if one.questions is None or one.scores is None:
        return {}
    asked = [question for question in one.questions if question.id in one.scores.exact]
    try:
        return break_down(asked, one.scores, by)
    except DataError:  # the data have no kinds
        return {}


def _grid(title: str, found: Sequence[Mapping[str, Mapping[str, float]]]) -> Grid:
    names = dict.fromkeys(name for groups in found for name in groups)
    several, columns = len(found) > 1, ("n", "exact", "F1")
    return Grid(
        title,
        tuple(f"{c}, run {number}" if several else c for number in range(1, len(found) + 1) for c in columns),
        tuple((name, tuple(text for groups in found for text in _figures(groups.get(name)))) for name in names),
    )


def _figures(group: Mapping[str, float] | None) -> tuple[str, str, str]:
    if group is None:
        return "", "", ""
    exact = group.get("exact", group.get("exact_match", 0.0))
    return f"{group['total']:.0f}", f"{exact:.2f}", f"{group['f1']:.2f}"


def _chance(run: Run) -> float | None:
    exact = next((key for key in ("exact", "exact_match") if key in run.scores), None)
    if not run.alternatives or exact is None or "f1" not in run.scores:
        return None
    return round(100.0 * find_chance(run.scores, run.alternatives, (exact, "f1")), 2)
