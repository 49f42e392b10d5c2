"""Commands that compute: run, reproduce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.output import (
    note,
    print_comparisons,
    print_findings,
    print_json,
    print_scores,
    print_spread,
    showing_progress,
)
from harness.errors import CardError, MissingDependencyError, RecordError
from harness.records import Finding, Run

if TYPE_CHECKING:
    from harness.engine_api import Engine
    from harness.evidence import Opened

_DEFAULT_CARD = "pocket__distilled"

SeedsOption = Annotated[
    int | None,
    typer.Option(
        "--seeds",
        min=1,
        max=100,
        metavar="N",
        help="Run N seeds: the card's own, or those of --seed (stages that it does not name keep theirs), and those "
        "after.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(epilog="Example: harness run cards/pocket__teacher --seed 7")(run)
    app.command(epilog="Example: harness reproduce cards/pocket__distilled")(reproduce)


def run(
    card: o.CardArgument,
    use: o.UseOption = None,
    runs: o.RunsOption = None,
    seed: o.SeedOption = None,
    seeds: SeedsOption = None,
    reading: o.ReadingOption = None,
    profile: o.ProfileOption = None,
    fresh: o.FreshOption = False,
    micro_batch: o.MicroBatchOption = None,
    gradient_checkpointing: o.CheckpointingOption = False,
    compile_model: o.CompileOption = False,
    as_json: o.JsonOption = False,
) -> None:
    """Train by the card's recipe, predict, score by the official rules, and leave a record.

    The same command goes on where an interrupted one stopped. Started by torchrun or accelerate launch, the processes
    train together, with the recipe's batch as their global one.
    """
    uses = o.parse_uses(use)
    planned = _open(card, seed, seeds, reading, profile)
    engine = _engine(micro_batch, gradient_checkpointing, compile_model)
    done = [_run(opened, engine, uses, runs, fresh) for opened in planned]
    if as_json:
        print_json(done[0][1] if seeds is None else [record for _, record in done])
    for folder, record in done:
        if not as_json:
            print_scores(record)
        note(f"record: {folder / 'record.json'}")
    if seeds is not None and not as_json:
        print_spread([record for _, record in done])


def reproduce(
    card: Annotated[
        Path | None,
        typer.Argument(metavar="CARD", help="A card's file or folder; the embedded pocket card if left out."),
    ] = None,
    use: o.UseOption = None,
    runs: o.RunsOption = None,
    seed: o.SeedOption = None,
    seeds: SeedsOption = None,
    reading: o.ReadingOption = None,
    profile: o.ProfileOption = None,
    fresh: o.FreshOption = False,
    micro_batch: o.MicroBatchOption = None,
    gradient_checkpointing: o.CheckpointingOption = False,
    compile_model: o.CompileOption = False,
    tolerance: o.ToleranceOption = None,
    at_least: o.AtLeastOption = False,
    strict: o.StrictOption = False,
    as_json: o.JsonOption = False,
) -> None:
    """Audit, run, compare, report and render a card: does its recipe give the model that it describes?

    Exits 0 when the claims hold, 1 when one differs or nothing could be checked.
    """
    import datetime

    from harness.accepted import review
    from harness.audit import audit_card
    from harness.editing import edit_card, find_section
    from harness.evidence import Options, judge, open_card, outcome, record_judgement
    from harness.render import render_report
    from harness.store import write_text

    uses = o.parse_uses(use)
    path = _embedded_card() if card is None else card
    options = Options(tolerance, at_least, o.project_tolerances())
    planned = _open(path, seed, seeds, reading, profile)
    opened = planned[0]
    find_section(opened.card.text, str(opened.path))  # a card that cannot be edited is refused before the work
    accepted = opened.assumptions.findings if opened.assumptions else ()
    reviewed = review(audit_card(opened.card, opened.recipe), accepted, datetime.date.today())
    findings = tuple(entry.finding for entry in reviewed if entry.accepted is None)
    if not as_json:
        _print_serious(findings, opened.path)
    engine = _engine(micro_batch, gradient_checkpointing, compile_model)
    done = [_run(one, engine, uses, runs, fresh) for one in planned]
    stated = open_card(path, reading=reading, profile=profile)  # whichever seeds ran, the card's own are its own
    comparisons = judge(stated, [record for _, record in done], options)
    done = [(place, record_judgement(place, record, comparisons)) for place, record in done]
    folder, record = done[0]
    write_text(folder / "report.md", render_report(record))
    try:
        written = edit_card(
            stated, [record for _, record in done], options, measured=False, place=folder / "card.md"
        ).text
        write_text(folder / "card.md", written)
        told = f"card: {folder / 'card.md'}"
    except (CardError, RecordError) as error:  # what the runs came to is to be said all the same
        told = f"card: not written: {error}"
    code, sentence = outcome(comparisons, strict=strict)
    if as_json:
        ran = {"run": record} if seeds is None else {"runs": [record for _, record in done]}
        print_json({"findings": findings, **ran, "exit_code": code, "outcome": sentence})
    else:
        for _, one in done:
            print_scores(one)
        if seeds is not None:
            print_spread([one for _, one in done])
        print_comparisons(comparisons)
    note(f"report: {folder / 'report.md'}")
    note(told)
    note(sentence)
    raise typer.Exit(code)


def _open(
    card: Path, seed: list[str] | None, seeds: int | None, reading: str | None, profile: str | None
) -> list[Opened]:
    """The card with the seeds that are given, then with those after each; of none that is given, after its largest."""
    given = o.parse_seeds(seed)
    first = o.open_seeded(card, given, reading, profile)
    begin = given or {None: max(stage.seed for stage in first.recipe.stages)}
    others = [{stage: number + step for stage, number in begin.items()} for step in range(1, seeds or 1)]
    return [first, *(o.open_seeded(card, other, reading, profile) for other in others)]


def _print_serious(findings: Sequence[Finding], card: Path) -> None:
    serious = [finding for finding in findings if finding.severity != "info"]
    if serious:
        print_findings(serious)
    if len(serious) < len(findings):
        note(f"the card leaves values open; harness audit {card} lists them")


def _run(opened: Opened, engine: Engine, uses: Mapping[str, Path], runs: Path | None, fresh: bool) -> tuple[Path, Run]:
    from harness.pipeline import run_recipe

    try:
        with showing_progress() as progress:
            done = run_recipe(
                opened.card,
                opened.recipe,
                engine,
                o.runs_folder(runs),
                uses=uses,
                fresh=fresh,
                progress=progress,
            )
            engine.close()
            return done
    except KeyboardInterrupt:
        note("interrupted; the same command without --fresh goes on from the last checkpoint")
        raise


def _engine(micro_batch: int | None, gradient_checkpointing: bool, compiled: bool) -> Engine:
    """What trains and predicts; a process that only follows another does so here, and ends."""
    try:
        from harness.engine import Fitting, TorchEngine, follow, leads
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"training needs the package {error.name}, which is not installed",
            command="pip install torch transformers accelerate datasets",
        ) from error
    if not leads():
        follow()
        raise typer.Exit(0)
    return TorchEngine(fitting=Fitting(micro_batch, gradient_checkpointing, compiled))


def _embedded_card() -> Path:
    """The pocket card: inside an installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "embedded" / _DEFAULT_CARD
    return shipped if shipped.is_dir() else package.parent / "cards" / _DEFAULT_CARD
