"""``harness score``: predictions by the official rules."""

from __future__ import annotations

import math
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.output import note, print_json

_NO_THRESHOLD = 1.0
"""The official script's default; no probability exceeds it."""


class RulesChoice(str, Enum):  # noqa: UP042 - typer shows the values of a str Enum as choices
    """``--rules``."""

    AUTO = "auto"
    V1_1 = "1.1"
    V2_0 = "2.0"


class ByChoice(str, Enum):  # noqa: UP042
    """``--by``."""

    QUESTION_WORD = "question-word"
    ANSWER_LENGTH = "answer-length"
    CONTEXT_LENGTH = "context-length"
    ARTICLE = "article"
    KIND = "kind"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: harness score dev-v2.0.json predictions.json --na-prob-file null_odds.json")(score)


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
        o.MissingChoice,
        typer.Option(
            help="What a question without a prediction is: an error, or scored 0 (stray ids are then left out)."
        ),
    ] = o.MissingChoice.ERROR,
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
