"""What the embedded recipes' figures mean: every method beside models that should know less.

    python benchmarks/pocket_controls.py [SEED ...] [--out FILE]        (some 15 minutes per seed; default 1 2 3)

Methods: fine-tuning (the teacher), distillation of logits, and three stages (hidden layers, hidden layers on augmented
data, logits), as `cards/pocket__distilled` and `cards/pocket__three_stages` state them. Controls, for each seed:

- the same student after as many steps of plain fine-tuning on the same questions, without a teacher;
- the same student with a shuffled teacher: in every stage its logits, or its hidden states and attentions, are those of
  another window of the same length;
- for the three stages, distillation of logits alone for as many steps;
- for the teacher, its recipe without sight of the question;
- an untrained model, and never answering.

Exact match on the validation split: for each seed, mean and standard deviation over them, then each method against each
of its controls. FILE keeps finished rows, also by kind of question, and a folder beside it the models: the same command
goes on from there.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pocket_world import World, fingerprint, questions_of, values_of

from harness.engine import TorchEngine
from harness.evidence import open_card
from harness.records import Recipe, Stage
from harness.store import read_json, write_json

CARDS = Path(__file__).resolve().parents[1] / "cards"
TEACHER = "fine-tuning, the teacher of 2 layers"
LOGITS = "logits, a student of 1 layer"
THREE = "three stages, the same student"
NO_TEACHER, SHUFFLED, LONGER = ": no teacher", ": shuffled teacher", ": logits alone, as many steps"
BLIND = "the teacher's recipe without sight of the question"
UNTRAINED, NEVER = "untrained", "never answers"
CONTROLS = {
    TEACHER: (BLIND, UNTRAINED, NEVER),
    LOGITS: (LOGITS + NO_TEACHER, LOGITS + SHUFFLED, UNTRAINED, NEVER),
    THREE: (THREE + NO_TEACHER, THREE + SHUFFLED, THREE + LONGER, UNTRAINED, NEVER),
}
"""Method -> what it is to beat."""

Table = dict[str, dict[str, float]]
"""Row -> exact match in points, overall (``all``) and by kind of question."""


@dataclass(frozen=True, slots=True)
class Row:
    """A model to be trained."""

    name: str
    stages: tuple[Stage, ...]
    shuffled: bool = False
    blinded: bool = False


def plan_rows(seed: int) -> list[Row]:
    """The rows that are trained, the teacher first."""
    teacher, student = open_card(CARDS / "pocket__distilled", seed=seed).recipe.stages
    same, *stages = open_three_stages(seed).stages
    if replace(same, origins={}) != replace(teacher, origins={}):
        raise SystemExit("found two recipes of the teacher, expected one; state it alike in both cards")
    longer = replace(student, epochs=sum(map(plain_epochs, stages)))
    return [
        Row(TEACHER, (teacher,)),
        Row(LOGITS, (student,)),
        Row(LOGITS + NO_TEACHER, (without_teacher(student),)),
        Row(LOGITS + SHUFFLED, (student,), shuffled=True),
        Row(THREE, tuple(stages)),
        Row(THREE + NO_TEACHER, (without_teacher(longer),)),
        Row(THREE + SHUFFLED, tuple(stages), shuffled=True),
        Row(THREE + LONGER, (longer,)),
        Row(BLIND, (teacher,), blinded=True),
    ]


def open_three_stages(seed: int | None = None) -> Recipe:
    """The recipe of the card of three stages."""
    return open_card(CARDS / "pocket__three_stages", seed=seed).recipe


def without_teacher(stage: Stage) -> Stage:
    """The stage as plain fine-tuning."""
    return replace(stage, kind="finetune", teacher=None)


def plain_epochs(stage: Stage) -> int:
    """Epochs of the questions as they are that make as many steps as the stage."""
    return stage.epochs * (1 if stage.augment == "none" else stage.augment_factor)


def make_tables(seeds: list[int], folder: Path, file: Path | None) -> dict[int, Table]:
    """All rows of all seeds, row after row: those in `file` as they are, the others made and added to it."""
    recipe, plans = open_three_stages(), {seed: plan_rows(seed) for seed in seeds}
    validation = questions_of(recipe.evaluation)
    worlds = {seed: World(folder / f"seed-{seed}", seed, validation, recipe.decoding, TorchEngine()) for seed in seeds}
    kept = read_json(file) if file is not None and file.exists() else {}
    tables: dict[int, Table] = {seed: {} for seed in seeds}
    for number in range(len(plans[seeds[0]])):
        for seed, rows in plans.items():
            teacher, row = rows[0], rows[number]
            key = fingerprint(seed, *map(values_of, (*teacher.stages, *row.stages)), row.shuffled, row.blinded)
            if key not in kept:
                kept[key] = {"seed": seed, "row": row.name, "exact": make_row(worlds[seed], row, teacher)}
                if file is not None:
                    write_json(file, kept)
            tables[seed][row.name] = kept[key]["exact"]
    for seed, world in worlds.items():
        tables[seed] |= trivial_rows(world, plans[seed][1])
    return tables


def trivial_rows(world: World, student: Row) -> Table:
    """What nobody trained."""
    return {
        UNTRAINED: world.evaluate(world.base(student.stages[0].student.name)),
        NEVER: world.score({question.id: "" for question in world.validation}),
    }


def make_row(world: World, row: Row, teacher: Row) -> dict[str, float]:
    """Train a row's model, and evaluate it."""
    models = {"teacher": world.train(teacher.stages, {})} if any(stage.teacher for stage in row.stages) else {}
    model = world.train(row.stages, models, shuffled=row.shuffled, blinded=row.blinded)
    return world.evaluate(model, blinded=row.blinded)


def print_tables(tables: dict[int, Table]) -> None:
    """A table of all rows, and one of each method against each of its controls."""
    seeds, rows = list(tables), list(dict.fromkeys([row for table in tables.values() for row in table]))
    print_head("model", seeds)
    for row in rows:
        print_row(row, [tables[seed][row]["all"] for seed in seeds])
    for method, controls in CONTROLS.items():
        print()
        print_head(f"{method}, less", seeds, "better in")
        for control in controls:
            gains = [tables[seed][method]["all"] - tables[seed][control]["all"] for seed in seeds]
            print_row(control, gains, f"{sum(gain > 0 for gain in gains)} of {len(gains)}")


def print_head(title: str, seeds: list[int], *more: str) -> None:
    """The head of a table."""
    columns = [title, *(f"seed {seed}" for seed in seeds), "mean", "standard deviation", *more]
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")


def print_row(name: str, values: list[float], *more: str) -> None:
    """A row of a table; one value has no standard deviation."""
    spread = f"{np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    print(f"| {' | '.join([name, *(f'{value:.2f}' for value in values), f'{np.mean(values):.2f}', spread, *more])} |")


def main() -> None:
    """Make what is missing, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", nargs="*", type=int, default=[1, 2, 3], metavar="SEED")
    parser.add_argument("--out", type=Path, metavar="FILE", help="keep finished rows here, and models beside it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if options.out is None else options.out.with_suffix(".models")
        print_tables(make_tables(options.seeds, folder, options.out))


if __name__ == "__main__":
    main()
