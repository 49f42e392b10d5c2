"""Annotator noise: some labels are wrong, as those of hurried annotators are."""

from __future__ import annotations

import random
from dataclasses import replace

from harness.records import Answer, Question


def add_noise(
    questions: tuple[Question, ...], candidates: tuple[tuple[Answer, ...], ...], share: float, seed: int
) -> tuple[Question, ...]:
    """Give a share of the questions a wrong label.

    An answerable question loses its answer or gets another span of the paragraph, half and half; an unanswerable
    one gets an invented answer. Each question is hit independently, so the share is met on average only. A question
    that is hit at one share is hit at every larger share.

    Args:
        questions: Questions with true labels.
        candidates: For each question the answers that its paragraph gives to other questions; never empty.
        share: Probability, 0 to 1, that a label is wrong.
        seed: Seed of the draws.
    """
    rng = random.Random(f"{seed}:noise")  # noqa: S311 - reproducible data, not a secret
    noisy = []
    for question, wrong in zip(questions, candidates, strict=True):
        hit, drop, which = rng.random() < share, rng.random() < 0.5, rng.random()
        if not hit:
            noisy.append(question)
        elif question.answers and drop:
            noisy.append(replace(question, answers=(), impossible=True))
        else:
            noisy.append(replace(question, answers=(wrong[int(which * len(wrong))],), impossible=False))
    return tuple(noisy)
