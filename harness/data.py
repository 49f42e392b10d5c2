"""Data references to questions: local files, the embedded data set, the Hub; slices and checksums."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import DataError, MissingDependencyError
from harness.names import dataset_name
from harness.records import Answer, DataRef, DataUsed, Question
from harness.squad_files import read_squad_file

EMBEDDED = "pocket"

_SPLIT = re.compile(r"(?P<name>\w+)(?:\[(?P<start>-?\d+%?)?:(?P<stop>-?\d+%?)?\])?")


def load_data(ref: DataRef, uses: Mapping[str, Path]) -> tuple[tuple[Question, ...], DataUsed]:
    """The questions that a reference names, and what was found.

    Args:
        ref: What to load. Its split may carry a slice as `datasets` writes it: ``[:1000]``, ``[8697:]``, ``[:75%]``.
        uses: Files given in place of data sets. A file stands for the whole split of ``name:config`` or ``name``.

    Raises:
        DataError: the data is not at hand, is malformed, has no such split, or the slice is empty.
    """
    split = _SPLIT.fullmatch(ref.split)
    if split is None:
        raise DataError(f'{ref}: split "{ref.split}" is not of the form name or name[start:stop]', data=str(ref))
    path = _given(ref, uses)
    if path is not None:
        questions, source = read_squad_file(path), path.name
    elif ref.name == EMBEDDED:
        questions, source = _embedded(ref, split["name"]), "embedded"
    else:
        questions, source = _from_hub(ref, split["name"]), "hub"
    start, stop = (_bound(text, len(questions)) for text in (split["start"], split["stop"]))
    if any(abs(bound) > len(questions) for bound in (start, stop) if bound is not None):
        raise DataError(
            f"{ref}: the slice reaches beyond the {len(questions)} questions of {split['name']}", data=str(ref)
        )
    chosen = questions[start:stop]
    if not chosen:
        raise DataError(f"{ref}: the slice is empty; {split['name']} has {len(questions)} questions", data=str(ref))
    return chosen, describe(ref, chosen, source)


def describe(ref: DataRef, questions: Sequence[Question], source: str) -> DataUsed:
    """Count and checksum of questions."""
    return DataUsed(ref, len(questions), sum(bool(q.answers) for q in questions), checksum(questions), source)


def checksum(questions: Sequence[Question]) -> str:
    """SHA-256 over ids, questions, contexts and answers in order: independent of the file format."""
    digest = hashlib.sha256()
    for q in questions:
        row = [q.id, q.question, q.context, [[a.text, a.start] for a in q.answers]]
        digest.update(json.dumps(row, ensure_ascii=True, separators=(",", ":")).encode("ascii"))
        digest.update(b"\n")
    return digest.hexdigest()


def canonical_name(name: str) -> str:
    """A data set's id, with ``:config`` where given, in the one spelling that `names` knows for it."""
    head, colon, config = name.partition(":")
    return (dataset_name(head) or head) + colon + config


def _bound(text: str | None, n: int) -> int | None:
    if text is None:
        return None
    # `datasets` rounds percent boundaries to the closest whole question
    return round(int(text[:-1]) * n / 100) if text.endswith("%") else int(text)


def _given(ref: DataRef, uses: Mapping[str, Path]) -> Path | None:
    known = {canonical_name(key): path for key, path in uses.items()}
    name = canonical_name(ref.name)
    return known.get(f"{name}:{ref.config}", known.get(name))


def _embedded(ref: DataRef, split: str) -> tuple[Question, ...]:
    from harness.pocket import SIZES

    if ref.config is not None or split not in SIZES:
        raise DataError(f"{ref}: the embedded data set {EMBEDDED} has the splits {' and '.join(SIZES)} and no config")
    return _generated(split)


@cache
def _generated(split: str) -> tuple[Question, ...]:
    from harness.pocket import generate

    return generate(split)


def _from_hub(ref: DataRef, split: str) -> tuple[Question, ...]:
    """Load a SQuAD-shaped set with `datasets`; scripts are never run (datasets 4 and later refuse them)."""
    hint = f"Give it as a local SQuAD JSON file with --use {ref.name}=PATH"
    try:
        import datasets
    except ImportError as error:
        raise MissingDependencyError(
            f"{ref}: loading from the Hub needs the package datasets. {hint}, or install it",
            command="pip install torch transformers accelerate datasets",
        ) from error
    try:
        table = datasets.load_dataset(ref.name, ref.config, split=split, revision=ref.revision)
    except (OSError, ValueError, RuntimeError) as error:  # not found, offline, no such split or config
        raise DataError(
            f"{ref}: cannot be loaded from the Hub ({_first_line(error)}). {hint}", data=str(ref)
        ) from error
    columns = {"id", "context", "question", "answers"}
    if not columns <= set(table.column_names):
        raise DataError(
            f"{ref}: has the columns {', '.join(table.column_names)}, expected {', '.join(sorted(columns))}"
        )
    passages: dict[str, str] = {}
    return tuple(_from_row(row, passages.setdefault(row["context"], str(len(passages)))) for row in table)


def _from_row(row: Mapping[str, Any], passage_id: str) -> Question:
    pairs = zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
    answers = tuple(Answer(text, int(start)) for text, start in pairs)
    return Question(row["id"], passage_id, row["context"], row["question"], answers, impossible=not answers)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
