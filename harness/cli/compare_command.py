"""``harness compare``: a card against its evidence, or two runs or prediction files against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.cli import options as o
from harness.cli.output import note, print_comparisons, print_json

if TYPE_CHECKING:
    from harness.evidence import Opened
    from harness.opened_data import OpenedData
    from harness.records import Run

Kind = Literal["card", "run", "predictions"]

_OTHERWISE = "decoded otherwise than the card states"
_STRICT = "Also exit 1 for claims that are inconclusive or not comparable, and for another way of scoring."


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: harness compare cards/pocket__distilled RUN, or harness compare RUN RUN")(compare)


def compare(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="CARD|RUN RUN...",
            help="A card and a run, several seeds of its recipe, or a prediction file; or two runs or such files.",
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="DATA",
            help="What was evaluated, a reference or a file: for prediction files, for paragraphs, and to try other "
            "protocols on kept logits.",
        ),
    ] = None,
    use: o.UseOption = None,
    runs: o.RunsOption = None,
    na_prob_file: Annotated[
        Path | None,
        typer.Option("--na-prob-file", "-n", help="Null odds of the prediction file, for claims of best figures."),
    ] = None,
    missing: Annotated[
        o.MissingChoice, typer.Option(help="What a question without a prediction is: an error, or scored 0.")
    ] = o.MissingChoice.ERROR,
    tolerance: o.ToleranceOption = None,
    at_least: o.AtLeastOption = False,
    fail_below: Annotated[
        float | None,
        typer.Option(
            "--fail-below",
            metavar="POINTS",
            help="Exit 1 where exact match or F1 of the second falls by more than this, e.g. -0.3.",
        ),
    ] = None,
    certain: Annotated[
        bool, typer.Option("--certain", help="Only where the whole interval lies below --fail-below.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help=_STRICT)] = False,
    as_json: o.JsonOption = False,
) -> None:
    """Judge a card's claims by its evidence, or compare two runs or prediction files question by question.

    Three seeds or more are judged by their prediction interval. Whatever differs in how two scores were made is said
    beside them.
    """
    if len(inputs) < 2:
        raise typer.BadParameter("expected two things to compare: a card and a run, two runs, or two prediction files")
    given = [_classify(text, runs) for text in inputs]
    absent = next((path for _, path in given if not path.exists()), None)
    if absent is not None:
        raise typer.BadParameter(f"{absent}: found no card, run or prediction file, and no run of that id")
    asked = _Asked(data, o.parse_uses(use), runs, na_prob_file, missing.value, strict, as_json)
    if given[0][0] == "card":
        if fail_below is not None or certain:
            raise typer.BadParameter("--fail-below compares two runs; a card has tolerances")
        _compare_card(given[0][1], given[1:], asked, tolerance, at_least)
    else:
        if tolerance is not None or at_least:
            raise typer.BadParameter("--tolerance and --at-least are for a card's claims; two runs have --fail-below")
        _compare_pair(given, asked, fail_below, certain)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Options that both kinds of comparison have."""

    data: str | None
    uses: Mapping[str, Path]
    runs: Path | None
    na_prob_file: Path | None
    missing: Literal["error", "zero"]
    strict: bool
    as_json: bool

    def open_data(self) -> OpenedData | None:
        from harness.opened_data import open_data

        if self.data is None:
            return None
        return open_data(self.data, self.uses)


def _classify(text: str, runs: Path | None) -> tuple[Kind, Path]:
    from harness.errors import RecordError
    from harness.store import RECORD, is_record

    path = Path(text)
    if path.is_dir():
        return ("run" if (path / RECORD).exists() else "card"), path
    if path.suffix == ".json" and path.exists():
        try:
            return ("run" if is_record(path) else "predictions"), path
        except RecordError:  # what reads predictions says what is wrong with it
            return "predictions", path
    if not path.exists():
        found = o.run_path(text, runs)
        if found.exists():
            return "run", found
    return "card", path


def _compare_card(
    card: Path, others: Sequence[tuple[Kind, Path]], asked: _Asked, tolerance: float | None, at_least: bool
) -> None:
    from harness.evidence import Options, judge, open_card, outcome, record_judgement

    kinds = {kind for kind, _ in others}
    if kinds == {"predictions"} and len(others) == 1:
        opened = open_card(card)
        paths, records = _replay(opened, others[0][1], asked)
    elif kinds == {"run"}:
        from harness.per_question import load_intact

        paths = [path for _, path in others]
        records = [load_intact(path) for path in paths]
        opened = open_card(card, reading=records[0].recipe.reading)
        records = [_with_protocols(path, run, asked) for path, run in zip(paths, records, strict=True)]
    else:
        raise typer.BadParameter("beside a card: one run, several runs of its recipe, or one prediction file")
    notes: list[str] = []
    against: list[str] = []
    for record in records:
        told, doubts = _recipe_notes(opened, record)
        notes += [text for text in told if text not in notes]
        against += [doubt for doubt in doubts if doubt not in against]
    options = Options(tolerance, at_least, o.project_tolerances())
    comparisons = judge(opened, records, options)
    if records[0].kind == "released":
        from harness.released import with_flips

        comparisons = with_flips(records[0], comparisons, paths[0], o.runs_folder(asked.runs))
    code, sentence = outcome(comparisons, strict=asked.strict)
    if asked.strict and against and code == 0:
        code, sentence = 1, f"not shown (strict), {' and '.join(against)}; {sentence}"
    if kinds == {"predictions"}:
        records = [record_judgement(paths[0], records[0], comparisons)]
    if asked.as_json:
        result = {"comparisons": comparisons, "exit_code": code, "outcome": sentence}
        signatures = {"signature": records[0].signature} | ({"runs": [run.id for run in records]} if records else {})
        print_json(result | signatures | {"notes": notes})
    else:
        print_comparisons(comparisons)
    for text in notes:
        note(f"note: {text}")
    if (advice := o.name_data(asked.data, comparisons)) is not None:
        note(advice)
    for line in dict.fromkeys(run.signature for run in records if run.signature is not None):
        note(f"signature: {line}")
    note(sentence)
    raise typer.Exit(code)


def _replay(opened: Opened, predictions: Path, asked: _Asked) -> tuple[list[Path], list[Run]]:
    from harness.replay import replay_predictions

    data = asked.open_data()
    if data is None:
        raise typer.BadParameter(f"{predictions} is a prediction file: say what it answers with --data")
    folder, run = replay_predictions(
        opened.card.name,
        predictions,
        data,
        o.runs_folder(asked.runs),
        null_odds=asked.na_prob_file,
        uses=asked.uses,
        missing=asked.missing,
    )
    note(f"record: {folder / 'record.json'}")
    return [folder], [run]


def _with_protocols(path: Path, run: Run, asked: _Asked) -> Run:
    """A released run with what other protocols come to, where the data are at hand to try them."""
    from harness.gap import untried
    from harness.released import with_alternatives

    if run.kind != "released" or not path.is_dir():
        return run
    data = asked.open_data()
    if data is None:
        return run
    tried = with_alternatives(path, run, data, o.runs_folder(asked.runs))
    note(f"note: {untried(path, tried)}")
    return tried


def _recipe_notes(opened: Opened, record: Run) -> tuple[list[str], list[str]]:
    """What the run did otherwise than the card says; and of that, in few words, what makes it no evidence for it."""
    from harness.evidence import meant_decoding, same_but_seeds, same_name
    from harness.signature import compare_decodings

    notes: list[str] = []
    against: list[str] = []
    if record.kind in ("released", "replay"):
        what = "weights as they were given" if record.kind == "released" else "predictions as they were given"
        notes.append(f"run {record.id} evaluated {what}, and tells nothing of the card's training")
        if not same_name(record.card_name, opened.card.name):
            notes.append(f"run {record.id} evaluated {record.card_name}, the card is of {opened.card.name}")
            against.append("of another model")
    elif not same_but_seeds(opened.recipe, record.recipe):
        notes.append(f"run {record.id} followed another recipe than {opened.path} states now")
        if not same_but_seeds(replace(opened.recipe, decoding=record.recipe.decoding), record.recipe):
            against.append("by another recipe")
    decodings = () if record.kind == "replay" else (meant_decoding(opened, record), record.recipe.decoding)
    for difference in compare_decodings(*decodings) if decodings else ():
        origin = opened.recipe.origins.get("protocol" if difference.name == "decoding" else difference.name)
        stated = origin is not None and origin.how in ("stated", "assumed")
        if stated and _OTHERWISE not in against:
            against.append(_OTHERWISE)
        first, second = (value or "off" for value in (difference.first, difference.second))
        card = (
            f"the card states {first}" if stated else f"the card states none, and {first} is what it is taken to mean"
        )
        notes.append(f"decoded otherwise, {difference.name}: the run had {second}, {card}")
    return [*notes, *record.warnings], against


def _compare_pair(given: Sequence[tuple[Kind, Path]], asked: _Asked, fail_below: float | None, certain: bool) -> None:
    from harness.cli.paired_table import print_paired
    from harness.paired import compare_predictions, compare_runs
    from harness.regression import fails_below

    kinds = {kind for kind, _ in given}
    if len(given) != 2 or "card" in kinds or len(kinds) > 1:
        raise typer.BadParameter("without a card first, two runs or two prediction files are compared")
    if certain and fail_below is None:
        raise typer.BadParameter("--certain needs --fail-below")
    if fail_below is not None and not -100.0 <= fail_below <= 0.0:
        raise typer.BadParameter(f"--fail-below: found {fail_below}, expected -100 to 0 points, such as -0.3")
    (kind, one), (_, other) = given
    data = asked.open_data()
    if kind == "predictions":
        if data is None:
            raise typer.BadParameter("prediction files are compared on data: give --data")
        paired = compare_predictions(data.questions, data.used, one, other, missing=asked.missing)
    else:
        paired = compare_runs(one, other, None if data is None else data.questions)
    fallen = () if fail_below is None else fails_below(paired, fail_below, certain=certain)
    if asked.as_json:
        print_json(paired if fail_below is None else {"paired": paired, "fell": fallen})
    else:
        print_paired(paired)
    for name, line in zip(paired.runs, paired.signatures, strict=True):
        note(f"signature of {name}: {line}")
    if paired.decisive:
        note(
            "warning: the two scores were not made alike, so that their difference is not that of the models alone: "
            + "; ".join(paired.decisive)
        )
    for sentence in fallen:
        note(sentence)
    if fallen or (asked.strict and paired.decisive):
        raise typer.Exit(1)
