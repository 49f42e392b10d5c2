"""Questions by paragraph, without holding them."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.records import Question


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Questions about one context."""

    context: str
    questions: tuple[Question, ...]


class Paragraphs:
    """Neighbouring questions about one passage with one context are a paragraph; 8 bytes are held of each."""

    def __init__(self, questions: Sequence[Question]) -> None:
        """Read all questions once."""
        self._questions = questions
        self._bounds = array("Q", [0])
        digest = hashlib.sha256()
        for _, found in groupby(questions, key=lambda q: (q.passage_id, q.context)):
            count = 0
            for count, q in enumerate(found, 1):  # noqa: B007 - counted below
                answers = [[a.text, a.start] for a in q.answers]
                row = [q.id, q.passage_id, q.context, q.question, answers, q.impossible, q.kind]
                digest.update(json.dumps(row).encode("ascii") + b"\n")
            self._bounds.append(self._bounds[-1] + count)
        self.sha256 = digest.hexdigest()
        """Checksum of all fields of the questions, in order."""

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __getitem__(self, number: int) -> Paragraph:
        """The paragraph of that number, from 0."""
        found = tuple(self._questions[self._bounds[number] : self._bounds[number + 1]])
        return Paragraph(found[0].context, found)
