"""Run folders with logits made by hand: tokens are words unless cut smaller, and windows hold some of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.data import describe
from harness.records import (
    SCHEMA,
    Answer,
    DataRef,
    Decoding,
    Environment,
    ModelUsed,
    Predictions,
    Question,
    Recipe,
    Run,
)
from harness.scoring import record_predictions
from harness.spans import Windows
from harness.spans.kept import FORMAT, KeptLogits, Manifest, questions_sha256, rescore_logits
from harness.store import save_run

HEAD = 3
"""Tokens before the context: CLS, a word of the question, a separator."""

Peaks = Mapping[int, float]
Window = tuple[int, int, float, Peaks, Peaks]
"""First word and one past the last; half the no-answer score; start and end logits of words, others -9."""


def asked(qid: str, context: str, *answers: str) -> Question:
    """A question whose answers are where the context first has them."""
    found = tuple(Answer(text, context.index(text)) for text in answers)
    return Question(qid, "0:0", context, "What?", found, impossible=not found)


def windows_of(
    questions: Sequence[Question], of: Mapping[str, Sequence[Window]], token: str = r"\S+"
) -> tuple[Windows, np.ndarray]:
    """The windows of these questions and their logits [tokens, 2]; `token` is a regular expression."""
    characters: list[list[tuple[int, int]]] = []
    logits, owners, contexts = [], [], []
    for number, question in enumerate(questions):
        words = [match.span() for match in re.finditer(token, question.context)]
        for low, high, null, starts, ends in of[question.id]:
            places = [(0, 0)] * HEAD + words[low:high] + [(0, 0)]
            rows = np.full((len(places), 2), -9.0, dtype=np.float32)
            rows[0] = null
            for side, peaks in enumerate((starts, ends)):
                for word_number, value in peaks.items():
                    rows[HEAD + word_number - low, side] = value
            characters.append(places)
            logits.append(rows)
            owners.append(number)
            contexts.append((HEAD, HEAD + high - low))
    windows = Windows(
        characters=np.concatenate([np.array(places, dtype=np.int32) for places in characters]),
        bounds=np.cumsum([0, *map(len, characters)], dtype=np.int64),
        question=np.array(owners, dtype=np.int32),
        context=np.array(contexts, dtype=np.int32),
        cls=np.zeros(len(owners), dtype=np.int32),
    )
    return windows, np.concatenate(logits)


def make_run(
    folder: Path,
    questions: Sequence[Question],
    decoding: Decoding,
    of: Mapping[str, Sequence[Window]] | None = None,
    predictions: Predictions | None = None,
    *,
    run_id: str = "r",
    model: str | None = "m" * 64,
    token: str = r"\S+",
) -> Run:
    """A finished run in its folder, with kept logits, or of given predictions."""
    if of is not None:
        logits = folder / "logits"
        cut = {name: getattr(decoding, name) for name in ("protocol", "max_seq_len", "doc_stride", "max_query_length")}
        more = {name: getattr(decoding, name) for name in ("doc_stride_is", "lower_case", "space_words")}
        half = len(questions) // 2
        sizes = (half, len(questions) - half) if half else (len(questions),)
        digest = questions_sha256(questions)
        kept = KeptLogits.start(
            logits, Manifest(FORMAT, "m", digest, **cut, **more, device="cpu", dtype="float32", parts=sizes)
        )
        first = 0
        for part, count in enumerate(sizes):
            kept.write(part, *windows_of(questions[first : first + count], of, token))
            first += count
        predictions = rescore_logits(logits, questions, decoding)
    assert predictions is not None
    evaluated = describe(DataRef("hand", "validation"), questions, "hand.json")
    begun = Run(
        schema=SCHEMA,
        id=run_id,
        kind="replay" if model is None else "released",
        status="running",
        card_name="hand",
        card_path=None,
        card_sha256=None,
        recipe=Recipe((), evaluated.ref, decoding),
        used={},
        environment=Environment("0", "3", "p", "p", 1, {}),
        started="2024-01-01T00:00:00+00:00",
        model=None if model is None else ModelUsed("hand", model),
    )
    run = record_predictions(folder, begun, questions, evaluated, predictions, decoding, None)
    save_run(folder, run)
    return replace(run)
