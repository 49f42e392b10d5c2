"""The command plan: the recipe that a card comes to."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli import options as o
from harness.cli.output import emit, note, print_json, print_line, print_table
from harness.errors import RecordError
from harness.records import Decoding, Origin, Recipe, Stage

_WIDE = 120
_DraftOption = Annotated[
    bool, typer.Option("--draft", help="Print a draft of assumptions.yaml instead, with a place for every gap.")
]
_OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Let -o replace a file that is there.")]
_DraftOutput = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the draft to a new file.")
]
_MeasureOption = Annotated[
    bool,
    typer.Option(
        "--measure", help="Run a few steps of every stage here, and print the time, memory and disk it will take."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: harness plan cards/pocket__distilled")(plan)


def plan(
    card: o.CardArgument,
    seed: o.SeedOption = None,
    reading: o.ReadingOption = None,
    profile: o.ProfileOption = None,
    measure: _MeasureOption = False,
    use: o.UseOption = None,
    draft: _DraftOption = False,
    output: _DraftOutput = None,
    overwrite: _OverwriteOption = False,
    as_json: o.JsonOption = False,
) -> None:
    """Show the recipe that a card comes to: every stage and value, where it comes from, and what is missing."""
    if (output is not None or overwrite) and not draft:
        raise typer.BadParameter("--output and --overwrite go with --draft")
    if draft and (as_json or reading is not None or profile is not None or seed):
        raise typer.BadParameter("--draft is made from the card alone, without --json, --reading, --profile and --seed")
    if use and not measure:
        raise typer.BadParameter("--use goes with --measure")
    if draft and measure:
        raise typer.BadParameter("--draft is made from the card alone, without --measure")
    if draft:
        _write_draft(card, output, overwrite)
        return
    opened = o.open_seeded(card, o.parse_seeds(seed), reading, profile)
    if measure:
        _measure(opened.recipe, o.parse_uses(use), as_json)
    elif as_json:
        print_json(opened.recipe)
    else:
        _print_recipe(opened.recipe)
    for gap in opened.recipe.gaps:
        note(f"missing: {gap}. State it in the card, or in assumptions.yaml with a reason")
    raise typer.Exit(1 if opened.recipe.gaps else 0)


def _measure(recipe: Recipe, uses: Mapping[str, Path], as_json: bool) -> None:
    from harness.cli.measure_table import measure_cost, print_cost

    cost = measure_cost(recipe, uses)
    if as_json:
        print_json(cost)
    else:
        print_cost(cost)


def _write_draft(card: Path, output: Path | None, overwrite: bool) -> None:
    """A draft from the card alone, whatever assumptions stand beside it; a file that is there is kept."""
    from harness.cards import read_card, require_metadata
    from harness.recipes.draft import draft_assumptions

    read = read_card(card / "README.md" if card.is_dir() else card)
    require_metadata(read)
    text = draft_assumptions(read)
    if output is not None and not overwrite and (output.exists() or output.is_symlink()):
        raise RecordError(
            f"{output}: found a file, expected none; choose another name, or replace it with --overwrite",
            path=str(output),
        )
    emit(text, output)


def _print_recipe(recipe: Recipe) -> None:
    """A table for each stage, then one for the evaluation; fields that mean nothing there are left out."""
    if recipe.reading is not None:
        note(f"reading: {recipe.reading}")
    for stage in recipe.stages:
        _print_part(f"stage {stage.name}: {stage.kind}", _stage_rows(recipe, stage))
    _print_part("evaluation", _evaluation_rows(recipe))


@dataclass(frozen=True, slots=True)
class _Row:
    group: str
    name: str
    value: str
    origin: Origin | None


def _print_part(title: str, rows: Sequence[_Row]) -> None:
    """Fields under the name of their group; on a narrow terminal the reasons stand beneath, and no sources."""
    narrow = sys.stdout.isatty() and shutil.get_terminal_size().columns < _WIDE
    shown: list[tuple[str, str, str]] = []
    for group, members in groupby(rows, lambda row: row.group):
        shown.append((f"{group}:", "", ""))
        shown += [(f"  {row.name}", row.value, _words(row.origin, brief=narrow)) for row in members]
    print_table(("field", "value", "origin"), shown, title=title)
    for row in rows if narrow else ():
        if reason := _reason(row.origin):
            print_line(f"  {row.name}: {reason}")


def _reason(origin: Origin | None) -> str:
    """What somebody gave as a reason, empty where there is none."""
    if origin is None or origin.how == "default" or origin.note.startswith("as in stage"):
        return ""
    return origin.note


def _stage_rows(recipe: Recipe, stage: Stage) -> list[_Row]:
    from harness.recipes.fields import without_effect

    idle = without_effect(stage)
    rows = []
    for group, name in _stage_fields():
        origin = stage.origins.get(name)
        if (name in idle or (name == "teacher" and stage.kind == "finetune")) and _nobody_gave(origin):
            continue
        missing = f"{stage.name}.{name}" in recipe.gaps
        rows.append(_Row(group, name, "missing" if missing else _shown(name, getattr(stage, name)), origin))
    return rows


def _stage_fields() -> Iterator[tuple[str, str]]:
    from harness.recipes.fields import AUGMENTATION, FEATURES, LOSS, MODEL, TRAINING

    groups = {
        "model": ("kind", "profile", "student", *MODEL, "teacher"),
        "data": ("data", *AUGMENTATION),
        "features": FEATURES,
        "training": TRAINING,
        "loss": LOSS,
    }
    for group, names in groups.items():
        for name in names:
            yield group, name


def _evaluation_rows(recipe: Recipe) -> list[_Row]:
    missing = "evaluation" in recipe.gaps
    value = "missing" if missing else _shown("evaluation", recipe.evaluation)
    rows = [_Row("data", "data", value, recipe.origins.get("evaluation"))]
    decoding = recipe.decoding
    for name in ("protocol", "n_best", "max_answer_length", "null_threshold", *_windows(decoding)):
        missing = name in recipe.gaps
        group = "features" if name in _windows(decoding) else "decoding"
        shown = "missing" if missing else _shown(name, getattr(decoding, name))
        rows.append(_Row(group, name, shown, recipe.origins.get(name)))
    return rows


def _windows(decoding: Decoding) -> list[str]:
    names = ["max_seq_len", "doc_stride", "doc_stride_is", "max_query_length", "lower_case"]
    return [*names, "space_words"] if decoding.protocol == "run_squad" else names


def _nobody_gave(origin: Origin | None) -> bool:
    return origin is None or origin.how == "default"


_EMPTY = {"max_query_length": "none", "layer_map": "even", "student_layers": "all", "dropout": "own"}


def _shown(name: str, value: Any) -> str:
    if value is None or value == ():
        return _EMPTY.get(name, "-")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return (", " if name in _EMPTY else " + ").join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _words(origin: Origin | None, brief: bool) -> str:
    if origin is None:
        return "-"
    words = origin.how + (f", line {origin.line}" if origin.line is not None else "")
    if brief or not origin.note:
        return words
    source = re.sub(r"\b[\w-]+/(?=[\w/-]+\.py)", "", origin.note) if origin.how == "default" else origin.note
    return f"{words}: {source}"
