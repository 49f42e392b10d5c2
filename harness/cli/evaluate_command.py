"""Commands that evaluate a model as it is: evaluate, rescore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options as o
from harness.cli.output import note, print_comparisons, print_json, print_scores, showing_progress
from harness.errors import MissingDependencyError
from harness.records import Run

if TYPE_CHECKING:
    from harness.engine import Computing, TorchEngine
    from harness.released import Explaining

_FORCED = "Never answer nothing (default: where every question of the data has an answer)."

DataArgument = Annotated[
    str, typer.Argument(metavar="DATA", help="A reference such as squad_v2:validation[:1000], or a local file.")
]
ProtocolOption = Annotated[
    o.ProtocolChoice | None,
    typer.Option(
        help="Windows and decoding: as the transformers examples (run_qa, the default), FARM and haystack 1.x, or "
        "run_squad of transformers, before version 3.4 or from then on."
    ),
]
NBestOption = Annotated[int | None, typer.Option("--n-best", min=1, help="Candidates per question (default: 20).")]
LengthOption = Annotated[
    int | None,
    typer.Option("--max-answer-length", min=1, help="Longest answer, in tokens (default: 30; farm: 1000)."),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option("--null-threshold", help="Answer nothing where the null odds exceed this (default: 0)."),
]
ForcedOption = Annotated[bool | None, typer.Option("--forced-answer/--no-forced-answer", help=_FORCED)]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(epilog="Example: harness evaluate models/minilm dev-v2.0.json --dtype bfloat16")(evaluate)
    app.command(epilog="Example: harness rescore RUN dev-v2.0.json --null-threshold -1.5")(rescore)


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model folder, or an id on the Hub.")],
    data: DataArgument,
    use: o.UseOption = None,
    runs: o.RunsOption = None,
    protocol: ProtocolOption = None,
    n_best: NBestOption = None,
    max_answer_length: LengthOption = None,
    null_threshold: ThresholdOption = None,
    max_seq_len: Annotated[
        int | None, typer.Option("--max-seq-len", min=1, max=100_000, help="Longest window, in tokens (default: 384).")
    ] = None,
    doc_stride: Annotated[
        int | None,
        typer.Option(
            "--doc-stride",
            min=0,
            max=100_000,
            help="Overlap of windows in tokens; farm, run_squad: their step (default: 128).",
        ),
    ] = None,
    doc_stride_is: Annotated[
        o.StrideChoice | None,
        typer.Option("--doc-stride-is", help="What --doc-stride is, where not what the protocol has it for."),
    ] = None,
    max_query_length: Annotated[
        int | None,
        typer.Option(
            "--max-query-length", min=0, max=100_000, help="Longest question, in tokens; 0: no limit (default: 64)."
        ),
    ] = None,
    lower_case: Annotated[
        bool | None,
        typer.Option(
            "--lower-case",
            help="Lower-case question and context; run_squad: also to find the answer's text, as --do_lower_case.",
        ),
    ] = None,
    forced_answer: ForcedOption = None,
    dtype: o.DtypeOption = o.DtypeChoice.AUTO,
    device: o.DeviceOption = o.DeviceChoice.AUTO,
    token_budget: Annotated[
        int | None, typer.Option("--token-budget", min=1, help="Most tokens per batch (default: suits the device).")
    ] = None,
    keep_logits: Annotated[
        bool, typer.Option("--keep-logits", help="Keep the logits in the run's folder, for harness rescore.")
    ] = False,
    card: Annotated[
        Path | None,
        typer.Option(
            "--card", help="Decode as this card says, judge its claims, and where one is off try other protocols."
        ),
    ] = None,
    until_certain: Annotated[
        bool,
        typer.Option(
            "--until-certain",
            help="Ask questions in random order, and stop when the card's headline claims are decided.",
        ),
    ] = False,
    alpha: Annotated[
        float, typer.Option("--alpha", help="Of --until-certain: the probability, at most, of a wrong bound.")
    ] = 0.05,
    order_seed: Annotated[int, typer.Option("--order-seed", min=0, help="Of --until-certain: seed of the order.")] = 0,
    tolerance: o.ToleranceOption = None,
    at_least: o.AtLeastOption = False,
    strict: o.StrictOption = False,
    allow_pickle: o.AllowPickleOption = False,
    fresh: o.FreshOption = False,
    as_json: o.JsonOption = False,
) -> None:
    """Predict with a model, score by the official rules, and leave a record; with --card judge a card by it.

    The same command goes on where an interrupted one stopped. With --card it exits 1 when a claim differs or nothing
    could be checked.
    """
    from harness.certainty import stop_when_decided
    from harness.evaluation import decode_as_card, evaluate_model, plan_decoding
    from harness.evidence import Options, open_card
    from harness.models import open_model
    from harness.opened_data import open_data
    from harness.released import Explaining

    if card is None and (until_certain or tolerance is not None or at_least or strict):
        raise typer.BadParameter("--until-certain, --tolerance, --at-least and --strict judge claims: give --card")
    uses = o.parse_uses(use)
    ref, folder = open_model(model, uses, allow_pickle)
    opened = open_data(data, uses, ref.name)
    given = _stated(
        {
            "n_best": n_best,
            "max_answer_length": max_answer_length,
            "null_threshold": null_threshold,
            "max_seq_len": max_seq_len,
            "doc_stride": doc_stride,
            "doc_stride_is": None if doc_stride_is is None else doc_stride_is.value,
            "max_query_length": max_query_length,
            "lower_case": lower_case,
            "forced_answer": forced_answer,
        }
    )
    if protocol is not None:
        given |= protocol.fields
    if max_query_length == 0:
        given["max_query_length"] = None
    explaining = None
    if card is None:
        decoding, origins = plan_decoding(given, opened.questions)
    else:
        options = Options(tolerance, at_least, o.project_tolerances())
        explaining = Explaining(open_card(card), opened, o.runs_folder(runs), options)
        decoding, origins = decode_as_card(explaining.opened.recipe, given, opened.questions)
    stop = None
    if explaining is not None and until_certain:
        stop = stop_when_decided(explaining.opened, opened, decoding, explaining.options, alpha=alpha, seed=order_seed)
    engine, computing = _engine(dtype, device, token_budget, allow_pickle)
    try:
        with showing_progress() as progress:
            run_folder, record = evaluate_model(
                ref,
                folder,
                opened,
                decoding,
                engine,
                o.runs_folder(runs),
                computing=computing.resolved,
                origins=origins,
                uses=uses,
                keep_logits=keep_logits,
                fresh=fresh,
                until_certain=stop,
                explaining=explaining,
                progress=progress,
            )
    except KeyboardInterrupt:
        note("interrupted; the same command without --fresh goes on from there")
        raise
    if explaining is None:
        _show(run_folder, record, as_json)
    else:
        _judge(run_folder, record, explaining, strict, as_json, data)


def rescore(
    run: o.RunArgument,
    data: DataArgument,
    use: o.UseOption = None,
    runs: o.RunsOption = None,
    n_best: NBestOption = None,
    max_answer_length: LengthOption = None,
    null_threshold: ThresholdOption = None,
    forced_answer: ForcedOption = None,
    as_json: o.JsonOption = False,
) -> None:
    """Decode the kept logits of a run otherwise, without the model, and leave a record of that.

    What no option says stays as it was in that run.
    """
    from harness.evaluation import rescore_run
    from harness.opened_data import open_data

    uses = o.parse_uses(use)
    given = {
        "n_best": n_best,
        "max_answer_length": max_answer_length,
        "null_threshold": null_threshold,
        "forced_answer": forced_answer,
    }
    changes = _stated(given)
    opened = open_data(data, uses)
    folder, record = rescore_run(o.run_path(run, runs), opened, changes, o.runs_folder(runs), uses=uses)
    _show(folder, record, as_json)


def _judge(folder: Path, record: Run, explaining: Explaining, strict: bool, as_json: bool, data: str) -> None:
    """Print what the card's claims come to, and exit by it."""
    from harness.evidence import judge, outcome, record_judgement, same_name
    from harness.released import with_flips
    from harness.render import render_report
    from harness.store import write_text

    comparisons = judge(explaining.opened, record, explaining.options)
    comparisons = with_flips(record, comparisons, folder, explaining.runs)
    record = record_judgement(folder, record, comparisons)
    write_text(folder / "report.md", render_report(record))
    code, sentence = outcome(comparisons, strict=strict)
    notes = []
    if not same_name(record.card_name, explaining.opened.card.name):
        notes.append(f"the run evaluated {record.card_name}, the card is of {explaining.opened.card.name}")
        if strict and code == 0:
            code, sentence = 1, f"not shown (strict), of another model; {sentence}"
    if as_json:
        print_json({"run": record, "exit_code": code, "outcome": sentence, "notes": notes})
    else:
        print_scores(record)
        print_comparisons(comparisons)
    for text in notes:
        note(f"note: {text}")
    if (advice := o.name_data(data, comparisons)) is not None:
        note(advice)
    note(f"report: {folder / 'report.md'}")
    note(sentence)
    raise typer.Exit(code)


def _stated(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _engine(
    dtype: o.DtypeChoice, device: o.DeviceChoice, token_budget: int | None, allow_pickle: bool
) -> tuple[TorchEngine, Computing]:
    try:
        from harness.engine import Computing, TorchEngine
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"predicting needs the package {error.name}, which is not installed",
            command="pip install torch transformers",
        ) from error
    computing = Computing(dtype.value, device.value, token_budget, allow_pickle)
    return TorchEngine(computing), computing


def _show(folder: Path, record: Run, as_json: bool) -> None:
    if as_json:
        print_json(record)
    else:
        print_scores(record)
    note(f"record: {folder / 'record.json'}")
