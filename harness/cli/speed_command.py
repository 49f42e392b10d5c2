"""The command that measures how many times as fast as another a model is."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.output import note, print_json, print_line, print_table, showing_progress
from harness.errors import CardError, DataError, MissingDependencyError
from harness.records import Card, SpeedComparison, SpeedMeasured, SpeedModel
from harness.speeds import LEAST_ROUNDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.opened_data import OpenedData
    from harness.records import ModelRef

_BATCHES = {"one": "one question at a time", "best": "best batch of each"}


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: harness speed models/student models/teacher dev-v2.0.json --card CARD")(speed)


def speed(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model folder, or an id on the Hub.")],
    base: Annotated[str, typer.Argument(metavar="BASE", help="The model that it is compared with, likewise.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A reference such as squad_v2:validation[:1000], or a local file.")
    ],
    card: Annotated[
        Path | None, typer.Option("--card", metavar="CARD", help="Judge the claims of speed of this card.")
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            metavar="DIR",
            help="Keep a sealed record there, as DIR/ID.json; what lies in the folder speeds beside a card is its "
            "evidence.",
        ),
    ] = None,
    use: o.UseOption = None,
    questions: Annotated[
        int, typer.Option("--questions", min=1, help="Questions to ask, at even distances in the data.")
    ] = 50,
    rounds: Annotated[
        int,
        typer.Option("--rounds", min=LEAST_ROUNDS, max=1000, help="Turns of each model, after one without a clock."),
    ] = 5,
    dtype: o.DtypeOption = o.DtypeChoice.AUTO,
    device: o.DeviceOption = o.DeviceChoice.AUTO,
    allow_pickle: o.AllowPickleOption = False,
    strict: o.StrictOption = False,
    as_json: o.JsonOption = False,
) -> None:
    """Measure how many times as fast as BASE a model answers: both in turn, one question at a time and in batches.

    With --keep the record can be shown by harness render, and claims are held against it by harness gate. With --card:
    exits 1 when the model is clearly slower than the card says.
    """
    from harness.kept_speeds import has_name, keep_speed
    from harness.models import open_model
    from harness.opened_data import open_data
    from harness.speeds import judge_speed, outcome, stated_bases
    from harness.store import make_folder

    if strict and card is None:
        raise typer.BadParameter("--strict is for --card")
    opened = None if card is None else _open(card)
    uses = o.parse_uses(use)
    own, other = (open_model(text, uses, allow_pickle) for text in (model, base))
    names = {own[0].name, other[0].name}
    asked = open_data(data, {name: path for name, path in uses.items() if name not in names}, own[0].name)
    if keep is not None:  # before it takes minutes
        make_folder(keep, "--keep")
    started = datetime.datetime.now(datetime.UTC)
    measured = _measure(own, other, asked, questions, rounds, (dtype, device, allow_pickle))
    kept = None if keep is None else keep_speed(keep, measured, started)
    comparisons: tuple[SpeedComparison, ...] = ()
    code, sentence = 0, ""
    if opened is not None:
        bases = stated_bases(opened)
        comparisons = tuple(judge_speed(claim, measured, bases) for claim in opened.speeds)
        code, sentence = outcome(comparisons, strict=strict)
    if as_json:
        result = {"measured": measured, "comparisons": comparisons, "exit_code": code, "outcome": sentence}
        record = None if kept is None else {"path": str(kept[0]), "id": kept[1].id, "sha256": kept[1].sha256}
        print_json(result | {"card": None if opened is None else opened.path, "record": record})
    else:
        _print_measured(measured)
        if opened is not None:
            _print_comparisons(opened, comparisons)
    for warning in asked.warnings:
        note(f"warning: {warning}")
    if kept is not None:
        note(f"wrote {kept[0]}")
    if opened is not None and not has_name(measured.model, opened):
        note(f"note: {measured.model.name} was measured, the card is of {opened.name}")
    if sentence:
        note(sentence)
    raise typer.Exit(code)


def _open(path: Path) -> Card:
    from harness.cards import read_card

    card = read_card(path)
    if not card.speeds:
        raise CardError(
            f'{card.path}: found no claim of speed, expected one such as "twice as fast as bert-base-uncased"; '
            "leave out --card to measure alone",
            path=card.path,
        )
    return card


def _measure(
    own: tuple[ModelRef, Path],
    base: tuple[ModelRef, Path],
    data: OpenedData,
    questions: int,
    rounds: int,
    computing: tuple[o.DtypeChoice, o.DeviceChoice, bool],
) -> SpeedMeasured:
    try:
        from harness.engine import Computing
        from harness.engine.speed import Contender, measure_speed
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"measuring needs the package {error.name}, which is not installed",
            command="pip install torch transformers",
        ) from error
    n = len(data.questions)
    if not n:
        raise DataError(f"{data.used.ref}: found no question, expected one or more")
    count = min(questions, n)
    chosen = [data.questions[i * n // count] for i in range(count)]
    dtype, device, allow_pickle = computing
    with showing_progress() as progress:
        return measure_speed(
            Contender(*own),
            Contender(*base),
            chosen,
            data.used,
            rounds=rounds,
            computing=Computing(dtype.value, device.value, allow_pickle=allow_pickle),
            progress=progress,
        )


def _print_measured(measured: SpeedMeasured) -> None:
    rows = [
        (
            _BATCHES[ratio.batch],
            f"{measured.questions_per_second(ratio.seconds):.4g}",
            f"{measured.questions_per_second(ratio.base_seconds):.4g}",
            f"{ratio.ratio:.3f}",
            f"{ratio.low:.3f} to {ratio.high:.3f}",
        )
        for ratio in measured.ratios
    ]
    names = (f"model: {measured.model.name}", f"base: {measured.base.name}")
    headings = ("questions per second", *names, "times as fast", "95 % interval")
    rounds = len(measured.ratios[0].seconds)
    print_table(headings, rows, title=f"{measured.questions} questions of {measured.data.ref}, {rounds} rounds")
    print_table(("", *names, "base / model"), _sizes(measured.model, measured.base))
    on = "" if measured.device != "cpu" else f", {measured.environment.processor}, {measured.threads} threads"
    print_line(
        f"{measured.device}{on}; {measured.model.dtype}; windows of up to {measured.max_seq_len} tokens, overlap "
        f"{measured.doc_stride}"
    )


def _sizes(model: SpeedModel, base: SpeedModel) -> Sequence[Sequence[str]]:
    counted: Mapping[str, tuple[float, float]] = {
        "parameters": (model.parameters, base.parameters),
        "parameters without embeddings": (model.forward_parameters, base.forward_parameters),
        "GFLOP per question": (model.flops / 1e9, base.flops / 1e9),
        "tokens per question": (model.tokens, base.tokens),
        "tokens of the best batch": (model.token_budget, base.token_budget),
    }
    rows = []
    for name, (own, other) in counted.items():
        whole = isinstance(own, int)
        shown = (f"{own:,}", f"{other:,}") if whole else (f"{own:.4g}", f"{other:.4g}")
        rows.append((name, *shown, f"{other / own:.3f}" if own and not name.startswith("tokens of") else ""))
    return rows


def _print_comparisons(card: Card, comparisons: Sequence[SpeedComparison]) -> None:
    for comparison in comparisons:
        claim = comparison.claim
        print_line(f"{card.path}:{claim.place.line}: {claim.text}")
        print_line(f"{comparison.state}: {comparison.reason}")
