"""What several test modules need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.records import Answer, Question

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def shared() -> Path:
    """Reference material that stands beside the project where its developers work; others do not have it."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("the reference data folder ../shared is not here")
    return folder


@pytest.fixture
def make_question() -> Callable[..., Question]:
    """Build a question whose answers stand in its context."""

    def make(
        qid: str, answers: Sequence[str] = (), *, context: str = "", passage_id: str = "0:0", kind: str | None = None
    ) -> Question:
        text = context or f"In this place stands {' and '.join(answers) or 'nothing'} ."
        return Question(
            id=qid,
            passage_id=passage_id,
            context=text,
            question=f"What about {qid}?",
            answers=tuple(Answer(answer, text.find(answer)) for answer in answers),
            impossible=not answers,
            kind=kind,
        )

    return make
