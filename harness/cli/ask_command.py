"""The command that puts one question to a model, or every example that a card prints."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options as o
from harness.cli.output import note, print_json, print_line, print_table
from harness.errors import CardError, DataError, MissingDependencyError
from harness.examples import check_examples, outcome
from harness.models import open_model
from harness.records import Card, Example, ExampleComparison, ProbableAnswer

if TYPE_CHECKING:
    from harness.engine.answer import Answerer

NOTHING = "(no answer)"
_EXAMPLE = 'Example: harness ask MODEL -q "Who founded it?" -c "Ada Merk founded it.", or harness ask MODEL --card CARD'


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog=_EXAMPLE)(ask)


def ask(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model folder, or an id on the Hub.")],
    question: Annotated[str | None, typer.Option("--question", "-q", help="The question.")] = None,
    context: Annotated[str | None, typer.Option("--context", "-c", help="The text that the answer stands in.")] = None,
    context_file: Annotated[
        Path | None,
        typer.Option("--context-file", metavar="FILE", help="A file with that text, or - for standard input."),
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(
            "--card", metavar="CARD", help="Ask every example that this card prints an answer of, and compare."
        ),
    ] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", min=1, help="Answers to give (default: 1).")] = None,
    max_answer_length: Annotated[
        int, typer.Option("--max-answer-length", min=1, help="Longest answer, in tokens.")
    ] = 15,
    max_seq_len: Annotated[
        int | None,
        typer.Option("--max-seq-len", min=1, help="Longest window, in tokens (default: 384, or what the model reads)."),
    ] = None,
    doc_stride: Annotated[
        int | None,
        typer.Option("--doc-stride", min=0, help="Overlap of windows, in tokens (default: 128, or half a window)."),
    ] = None,
    impossible: Annotated[bool, typer.Option("--impossible", help='Let no answer ("") take part.')] = False,
    split_words: Annotated[
        bool, typer.Option("--split-words", help="Let answers begin and end inside words, for texts without blanks.")
    ] = False,
    dtype: o.DtypeOption = o.DtypeChoice.AUTO,
    device: o.DeviceOption = o.DeviceChoice.AUTO,
    allow_pickle: o.AllowPickleOption = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="With --card: also exit 1 for what is inconclusive or not comparable.")
    ] = False,
    as_json: o.JsonOption = False,
) -> None:
    """Answer one question from a text, with score, start and end, as the pipeline of transformers 4 did.

    With --card, ask what the card's usage examples ask: exits 1 when one has another answer than the card prints.
    """
    options: dict[str, Any] = {
        "max_answer_length": max_answer_length,
        "max_seq_len": max_seq_len,
        "doc_stride": doc_stride,
        "whole_words": not split_words,
    }
    if card is None:
        if strict:
            raise typer.BadParameter("--strict is for --card")
        asked = _question(question, context, context_file)
        answerer = _load(model, dtype, device, allow_pickle)
        found = answerer(*asked, top_k=top_k or 1, impossible=impossible, **options)
        _print_answers(found, as_json)
        return
    if any(option is not None for option in (question, context, context_file, top_k)):
        raise typer.BadParameter("--card asks what the card asks; leave out --question, --context and --top-k")
    opened = _open(card)
    answerer = _load(model, dtype, device, allow_pickle)

    def answer(example: Example) -> ProbableAnswer | None:
        empty = impossible or not example.answer  # a card that prints no answer let it take part
        found = answerer(example.question, example.context, impossible=empty, **options)
        return found[0] if found else None

    comparisons = check_examples(opened.examples, answer)
    code, sentence = outcome(comparisons, strict=strict)
    if as_json:
        print_json(
            {"card": opened.path, "model": model, "examples": comparisons, "exit_code": code, "outcome": sentence}
        )
    else:
        _print_comparisons(opened, comparisons)
    note(sentence)
    raise typer.Exit(code)


def _question(question: str | None, context: str | None, file: Path | None) -> tuple[str, str]:
    """Question and context, neither of them blank."""
    if question is None or (context is None) == (file is None):
        raise typer.BadParameter("give --question, and --context or --context-file; or --card")
    if not question.strip():
        raise DataError("--question: found no text, expected a question")
    where = "--context" if file is None else str(file)
    text = context if file is None else _read(file)
    if text is None or not text.strip():
        raise DataError(f"{where}: found no text, expected the text that the answer stands in")
    return question, text


def _read(file: Path) -> str:
    if str(file) == "-":
        if sys.stdin is None:
            raise typer.BadParameter("- means standard input, and there is none")
        raw = sys.stdin.buffer.read()
    else:
        raw = file.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file}: found byte 0x{raw[error.start]:02x} at {error.start} that is not UTF-8, expected UTF-8 text; "
            "save the file as UTF-8"
        ) from None


def _open(path: Path) -> Card:
    from harness.cards import read_card

    card = read_card(path)
    if not card.examples:
        raise CardError(
            f"{card.path}: found no usage example, expected code with a question and a context, and the answer printed "
            "after it, as in {'answer': 'Rome', 'start': 13, 'end': 17, 'score': 0.91}",
            path=card.path,
        )
    return card


def _load(model: str, dtype: o.DtypeChoice, device: o.DeviceChoice, allow_pickle: bool) -> Answerer:
    _, folder = open_model(model, {}, allow_pickle)
    try:
        from harness.engine import Computing
        from harness.engine.answer import Answerer
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"answering needs the package {error.name}, which is not installed",
            command="pip install torch transformers",
        ) from error
    return Answerer(folder, Computing(dtype.value, device.value, allow_pickle=allow_pickle))


def _print_answers(answers: Sequence[ProbableAnswer], as_json: bool) -> None:
    if as_json:
        print_json(answers)
        return
    for answer in answers:
        print_line(f"{answer.answer or NOTHING}  score {answer.score:.4f}  characters {answer.start}-{answer.end}")
    if not answers:
        print_line("(no answer: the context has no token)")


def _print_comparisons(card: Card, comparisons: Sequence[ExampleComparison]) -> None:
    for comparison in comparisons:
        example, given = comparison.example, comparison.reproduced
        print_line(f"{card.path}:{example.place.line}: {example.question}")
        rows = [
            ("answer", example.answer or NOTHING, "" if given is None else given.answer or NOTHING),
            ("start", _shown(example.start), "" if given is None else str(given.start)),
            ("end", _shown(example.end), "" if given is None else str(given.end)),
            ("score", _shown(example.score), "" if given is None else f"{given.score:.4f}"),
        ]
        print_table(("", "reported", "reproduced"), rows)
        print_line(f"{comparison.state}: {comparison.reason}")


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
