"""Questions as a SQuAD 2.0 file."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from harness.records import Question

VERSION = "v2.0"


def to_squad_json(questions: Iterable[Question], *, title: str = "pocket") -> dict[str, Any]:
    """Return the SQuAD 2.0 JSON object of questions, which keep their order.

    Neighbouring questions of one article (`Question.passage_id` up to its last hyphen) share an article, those of
    one passage a paragraph. Where a question has a kind, its entry has the extra key ``kind``.

    Args:
        questions: Questions in the order of the file.
        title: Each article's title is this and its number.
    """
    return {
        "version": VERSION,
        "data": [
            {"title": f"{title} {article}", "paragraphs": _paragraphs(group)}
            for article, group in groupby(questions, key=lambda q: q.passage_id.rpartition("-")[0])
        ],
    }


def _paragraphs(questions: Iterable[Question]) -> list[dict[str, Any]]:
    return [
        {"context": context, "qas": [_entry(q) for q in group]}
        for (_, context), group in groupby(questions, key=lambda q: (q.passage_id, q.context))
    ]


def _entry(question: Question) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": question.id,
        "question": question.question,
        "answers": [{"text": answer.text, "answer_start": answer.start} for answer in question.answers],
        "is_impossible": question.impossible,
    }
    if question.kind is not None:
        entry["kind"] = question.kind
    return entry
