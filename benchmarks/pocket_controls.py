"""What the embedded recipe's figures mean: the same evaluation for models that should know less.

    python benchmarks/pocket_controls.py [SEED ...]        (minutes per seed; default seed 1)

For each seed: teacher, student with its teacher, the same student without a teacher, with the teacher's logits dealt
to other windows of the same length, a teacher that never sees the question, an untrained model, and never answering.
Exact match on the validation split, over all questions and by kind of question.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.data import load_data
from harness.engine import TorchEngine
from harness.engine.train import fit, prepare
from harness.evidence import open_card
from harness.pipeline import score_by_kind
from harness.progress import silent
from harness.records import DataRef, Decoding, Question, Stage
from harness.squad import score_predictions, summarize

CARD = Path(__file__).resolve().parents[1] / "cards" / "pocket__distilled"


@dataclass(frozen=True)
class World:
    """What all models of one seed share."""

    engine: TorchEngine
    folder: Path
    validation: tuple[Question, ...]
    decoding: Decoding


def blind(questions: tuple[Question, ...]) -> tuple[Question, ...]:
    """The same questions with one text for all."""
    return tuple(replace(q, question="What is it?") for q in questions)


def shuffle_teacher(prepared, seed: int):
    """Deal the teacher's logits to other windows of the same length."""
    features, distillation = prepared.data.features, prepared.data.distillation
    generator = np.random.default_rng(seed)
    logits = distillation.logits.copy()
    for length in np.unique(features.lengths):
        windows = np.flatnonzero(features.lengths == length)
        for target, source in zip(windows, generator.permutation(windows), strict=True):
            at, origin = features.bounds[target], features.bounds[source]
            logits[at : at + length] = distillation.logits[origin : origin + length]
    return replace(prepared, data=replace(prepared.data, distillation=replace(distillation, logits=logits)))


def evaluate(world: World, model: Path, questions: tuple[Question, ...]) -> dict[str, float]:
    """Exact match in points: overall, then by kind."""
    predictions = world.engine.predict(model, questions, world.decoding, silent)
    scores = score_predictions(questions, predictions.answers)
    kinds = {kind: figures["exact"] for kind, figures in score_by_kind(questions, scores).items()}
    return {"all": summarize(scores)["exact"], **kinds}


def train(
    world: World, stage: Stage, name: str, questions, teacher: Path | None = None, shuffled: bool = False
) -> Path:
    """Train one model from its untrained base; returns its folder."""
    base, out = world.folder / f"base-{name}", world.folder / name
    texts = [text for q in load_data(DataRef("pocket", "train"), {})[0] for text in (q.question, q.context)]
    world.engine.build_base(stage.student.name, list(dict.fromkeys(texts)), stage.seed, base)
    prepared = prepare(stage, base, teacher, questions, silent)
    fit(stage, shuffle_teacher(prepared, stage.seed) if shuffled else prepared, out, silent)
    print(f"trained {name}", file=sys.stderr, flush=True)
    return out


def controls(seed: int) -> dict[str, dict[str, float]]:
    """Rows of the table: name to exact match, overall and by kind."""
    recipe = open_card(CARD, seed=seed).recipe
    teacher_stage, student_stage = recipe.stages
    alone = replace(student_stage, kind="finetune", teacher=None)
    validation = load_data(recipe.evaluation, {})[0]
    all_train, part = (tuple(q for ref in s.data for q in load_data(ref, {})[0]) for s in recipe.stages)
    with tempfile.TemporaryDirectory() as folder:
        world = World(TorchEngine(), Path(folder), validation, recipe.decoding)
        teacher = train(world, teacher_stage, "teacher", all_train)
        rows = {
            "teacher": evaluate(world, teacher, validation),
            "student": evaluate(world, train(world, student_stage, "student", part, teacher), validation),
            "student, no teacher": evaluate(world, train(world, alone, "alone", part), validation),
            "student, shuffled teacher": evaluate(
                world, train(world, student_stage, "shuffled", part, teacher, shuffled=True), validation
            ),
            "teacher, no question": evaluate(
                world, train(world, teacher_stage, "blind", blind(all_train)), blind(validation)
            ),
            "untrained": evaluate(world, world.folder / "base-teacher", validation),
        }
    never = score_predictions(validation, {q.id: "" for q in validation})
    kinds = {kind: figures["exact"] for kind, figures in score_by_kind(validation, never).items()}
    return rows | {"never answers": {"all": summarize(never)["exact"], **kinds}}


def main() -> None:
    """Print one table per seed, and mean and standard deviation over them."""
    tables = {seed: controls(seed) for seed in map(int, sys.argv[1:] or ["1"])}
    for seed, table in tables.items():
        kinds = list(table["teacher"])
        print(f"\nseed {seed}\n| model | {' | '.join(kinds)} |\n|{' --- |' * (len(kinds) + 1)}")
        for name, figures in table.items():
            print(f"| {name} | {' | '.join(f'{figures[kind]:.2f}' for kind in kinds)} |")
    if len(tables) > 1:
        print("\n| model | mean | standard deviation |\n| --- | --- | --- |")
        for name in next(iter(tables.values())):
            values = [table[name]["all"] for table in tables.values()]
            print(f"| {name} | {np.mean(values):.2f} | {np.std(values, ddof=1):.2f} |")


if __name__ == "__main__":
    main()
