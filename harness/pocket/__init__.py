"""The embedded world: a data set in the manner of SQuAD 2.0 about places and people that do not exist.

Everything is drawn from a seed, so that a run needs no download and two machines see the same questions.
"""

from __future__ import annotations

import random

from harness.errors import DataError
from harness.pocket.facts import KINDS
from harness.pocket.names import names_of
from harness.pocket.noise import add_noise
from harness.pocket.questions import Asked, ask
from harness.pocket.world import Writer
from harness.records import Question

__all__ = ["KINDS", "NOISE", "SIZES", "TWO_SUBJECTS", "generate"]

SIZES = {"train": 24_000, "validation": 2_000}
"""Questions in each split."""
NOISE = {"train": 0.16, "validation": 0.0}
"""Share of wrong labels in each split."""
TWO_SUBJECTS = 0.12
"""Share of the paragraphs that name a second subject; about half of their questions ask about it."""
SEED = 20
_PER_PARAGRAPH = 2


def generate(
    split: str, *, questions: int | None = None, noise: float | None = None, seed: int = SEED
) -> tuple[Question, ...]:
    """Generate a split of the embedded data set ``pocket``.

    Half of the questions are unanswerable. No name of a person, place, river or mountain occurs in both splits.
    With another share of noise the questions are the same and only their labels differ, so ``noise=0.0`` gives the
    true labels of the training questions.

    Args:
        split: ``train`` or ``validation``.
        questions: How many; default as in `SIZES`. A smaller number gives the first questions of a larger one.
        noise: Probability, 0 to 1, that a label is wrong; default as in `NOISE`.
        seed: Seed of everything that is drawn.

    Raises:
        DataError: The split is not one of the two, or a number is out of range.
    """
    if split not in SIZES:
        raise DataError(f'pocket: found split "{split}", expected train or validation; name one of them', data="pocket")
    count = SIZES[split] if questions is None else questions
    share = NOISE[split] if noise is None else noise
    if count < 0 or not 0.0 <= share <= 1.0:
        raise DataError(
            f"pocket:{split}: found questions={count}, noise={share}, expected questions >= 0 and noise from 0 to 1;"
            " correct the number",
            data="pocket",
        )
    rng = random.Random(f"{seed}:{split}")  # noqa: S311 - reproducible data, not a secret
    writer = Writer(names_of(split, seed), rng)
    made: list[Question] = []
    mistakes = []
    for number in range(-(-count // _PER_PARAGRAPH)):
        paragraph = writer.paragraph(two_subjects=rng.random() < TWO_SUBJECTS)
        for asked in ask(paragraph, writer, rng):
            made.append(_question(split, len(made), f"{number}-0", paragraph.context, asked))
            mistakes.append(asked.mistakes)
    return add_noise(tuple(made[:count]), tuple(mistakes[:count]), share, seed)


def _question(split: str, number: int, passage_id: str, context: str, asked: Asked) -> Question:
    return Question(
        id=f"pocket-{split}-{number:06d}-{asked.kind}",
        passage_id=passage_id,
        context=context,
        question=asked.question,
        answers=asked.answers,
        impossible=not asked.answers,
        kind=asked.kind,
    )
