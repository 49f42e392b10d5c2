"""Commands that judge: compare, score."""

from __future__ import annotations

import math
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.output import note, print_comparisons, print_json, print_table

if TYPE_CHECKING:
    from harness.evidence import Opened
    from harness.records import Paired, Run

_NO_THRESHOLD = 1.0
"""The official script's default; no probability exceeds it."""


class RulesChoice(str, Enum):  # noqa: UP042 - typer shows the values of a str Enum as choices
    """``--rules``."""

    AUTO = "auto"
    V1_1 = "1.1"
    V2_0 = "2.0"


class MissingChoice(str, Enum):  # noqa: UP042
    """``--missing``."""

    ERROR = "error"
    ZERO = "zero"


class ByChoice(str, Enum):  # noqa: UP042
    """``--by``."""

    QUESTION_WORD = "question-word"
    ANSWER_LENGTH = "answer-length"
    CONTEXT_LENGTH = "context-length"
    ARTICLE = "article"
    KIND = "kind"


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(epilog="Example: harness compare cards/pocket__distilled RUN, or harness compare RUN RUN")(compare)
    app.command(epilog="Example: harness score dev-v2.0.json predictions.json --na-prob-file null_odds.json")(score)


def compare(
    first: Annotated[Path, typer.Argument(metavar="CARD|RUN", help="A card, or a run.")],
    second: o.RunArgument,
    runs: o.RunsOption = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Also exit 1 for claims that are inconclusive or not comparable, and for another way of scoring.",
        ),
    ] = False,
    as_json: o.JsonOption = False,
) -> None:
    """Judge a card's claims by a run, or compare two runs question by question.

    Whatever differs in how the two scores were made is said beside them.
    """
    from harness.store import RECORD

    other = o.run_path(str(first), runs)
    is_run = first.suffix == ".json" or (first.is_dir() and (first / RECORD).exists())
    if is_run or (not first.exists() and other.exists()):
        _compare_runs(other, o.run_path(second, runs), strict, as_json)
    else:
        _compare_card(first, o.run_path(second, runs), strict, as_json)


def _compare_card(card: Path, run: Path, strict: bool, as_json: bool) -> None:
    from harness.evidence import judge, open_card, outcome
    from harness.store import load_run

    record = load_run(run)
    opened = open_card(card, reading=record.recipe.reading)
    notes, otherwise = _recipe_notes(opened, record)
    comparisons = judge(opened, record)
    code, sentence = outcome(comparisons, strict=strict)
    if strict and otherwise and code == 0:
        code, sentence = 1, f"not shown (strict), decoded otherwise than the card states; {sentence}"
    if as_json:
        result = {"comparisons": comparisons, "exit_code": code, "outcome": sentence}
        print_json(result | {"signature": record.signature, "notes": notes})
    else:
        print_comparisons(comparisons)
    for text in notes:
        note(f"note: {text}")
    if record.signature is not None:
        note(f"signature: {record.signature}")
    note(sentence)
    raise typer.Exit(code)


def _recipe_notes(opened: Opened, record: Run) -> tuple[list[str], bool]:
    """What the run did otherwise than the card says, and whether it decoded otherwise than the card states."""
    from harness.evidence import same_recipe
    from harness.signature import compare_decodings

    notes = []
    if record.kind == "released":
        notes.append(f"run {record.id} evaluated weights as they were given, and tells nothing of the card's training")
        model = record.card_name
        if model.rpartition("/")[2].casefold() != opened.card.name.rpartition("/")[2].casefold():
            notes.append(f"run {record.id} evaluated {model}, the card is of {opened.card.name}")
    elif not same_recipe(opened.recipe, record.recipe):
        notes.append(f"run {record.id} followed another recipe than {opened.path} states now")
    otherwise = False
    for difference in compare_decodings(opened.recipe.decoding, record.recipe.decoding):
        origin = opened.recipe.origins.get("protocol" if difference.name == "decoding" else difference.name)
        stated = origin is not None and origin.how in ("stated", "assumed")
        otherwise |= stated
        first, second = (value or "off" for value in (difference.first, difference.second))
        card = (
            f"the card states {first}" if stated else f"the card states none, and {first} is what it is taken to mean"
        )
        notes.append(f"decoded otherwise, {difference.name}: the run had {second}, {card}")
    return [*notes, *record.warnings], otherwise


def _compare_runs(one: Path, other: Path, strict: bool, as_json: bool) -> None:
    from harness.paired import compare_runs

    paired = compare_runs(one, other)
    if as_json:
        print_json(paired)
    else:
        _print_paired(paired)
    for name, line in zip(paired.runs, paired.signatures, strict=True):
        note(f"signature of {name}: {line}")
    if paired.decisive:
        note(
            "warning: the two scores were not made alike, so that their difference is not that of the models alone: "
            + "; ".join(paired.decisive)
        )
        if strict:
            raise typer.Exit(1)


def _print_paired(paired: Paired) -> None:
    rows = [
        ("exact", f"{paired.exact[0]:.4f}", f"{paired.exact[1]:.4f}", f"{paired.exact[1] - paired.exact[0]:+.4f}"),
        ("f1", f"{paired.f1[0]:.4f}", f"{paired.f1[1]:.4f}", f"{paired.f1[1] - paired.f1[0]:+.4f}"),
    ]
    print_table(("score", paired.runs[0], paired.runs[1], "difference"), rows)
    counts = [
        ("both right", paired.both_right),
        (f"only {paired.runs[0]} right", len(paired.only_first)),
        (f"only {paired.runs[1]} right", len(paired.only_second)),
        ("both wrong", paired.both_wrong),
        ("same answer", paired.same_answer),
    ]
    print_table((f"of {paired.n} questions", "count"), [(name, str(count)) for name, count in counts])
    if paired.differences:
        differences = [(text, "yes" if text in paired.decisive else "no") for text in paired.differences]
        print_table(("what differs between the signatures", "decisive"), differences)


def score(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="SQuAD JSON, JSON lines, Parquet, or a saved folder.")],
    predictions: Annotated[Path, typer.Argument(metavar="PREDICTIONS", help="JSON object: question id to answer.")],
    na_prob_file: Annotated[
        Path | None, typer.Option("--na-prob-file", "-n", help="JSON object: question id to null odds or probability.")
    ] = None,
    na_prob_thresh: Annotated[
        float, typer.Option("--na-prob-thresh", "-t", help='Predict "" above this; needs --na-prob-file.')
    ] = _NO_THRESHOLD,
    rules: Annotated[RulesChoice, typer.Option(help="Official rules; auto takes 2.0 for data with unanswerables.")] = (
        RulesChoice.AUTO
    ),
    missing: Annotated[
        MissingChoice,
        typer.Option(
            help="What a question without a prediction is: an error, or scored 0 (stray ids are then left out)."
        ),
    ] = MissingChoice.ERROR,
    by: Annotated[
        list[ByChoice] | None, typer.Option("--by", help="Also the figures of each group of questions; repeatable.")
    ] = None,
    intervals: Annotated[
        bool,
        typer.Option(
            "--intervals", help="Also 95 % confidence intervals: bootstrap by paragraph and by question, and binomial."
        ),
    ] = False,
    curve: Annotated[
        bool, typer.Option("--curve", help="Also precision against recall; needs --na-prob-file.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; this command always does.")] = False,
) -> None:
    """Score predictions by the official SQuAD rules and print the official script's JSON object."""
    from harness import breakdown, curves, squad
    from harness.data import describe
    from harness.file_refs import file_ref
    from harness.prediction_files import read_null_odds, read_predictions
    from harness.signature import signature
    from harness.squad_files import read_squad_file

    if math.isnan(na_prob_thresh) or (na_prob_file is None and na_prob_thresh != _NO_THRESHOLD):
        raise typer.BadParameter("--na-prob-thresh takes a number, and needs --na-prob-file")
    if curve and na_prob_file is None:
        raise typer.BadParameter("--curve needs --na-prob-file")
    questions = read_squad_file(data)
    answers = read_predictions(predictions)
    raw = squad.score_predictions(questions, answers, rules=rules.value, missing=missing.value)
    odds = None if na_prob_file is None else read_null_odds(na_prob_file)
    if odds is not None and raw.rules == "1.1":
        raise typer.BadParameter("--na-prob-file belongs to rules 2.0, and these are 1.1: give --rules 2.0 with it")
    scores = raw if odds is None else squad.apply_threshold(raw, answers, odds, na_prob_thresh)
    figures: dict[str, object] = dict(squad.summarize(scores))
    if odds is not None:
        figures |= curves.best_thresholds(raw, answers, odds)
        if curve:
            found = curves.precision_recall(raw, answers, odds)
            figures |= {f"{name}_ap": found[name].average_precision for name in found} | {"curves": found}
    if by:
        figures["by"] = {group.value: breakdown.break_down(questions, scores, group.value) for group in by}
    if intervals:
        from harness.intervals import score_intervals

        figures["intervals"] = score_intervals(questions, scores)
    print_json(figures)
    if raw.missing:
        note(f"{raw.missing} of {len(questions)} questions have no prediction and were scored 0")
    if raw.extra:
        note(f"{raw.extra} predictions are for ids that the data does not have and were left out")
    used = describe(file_ref(data, questions), questions, data.name)
    threshold = None if odds is None else na_prob_thresh
    note(f"signature: {signature(used, scores, null_odds_threshold=threshold)}")
