"""Data references to questions: local files, the embedded data set, the Hub; slices and checksums."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import DataError, MissingDependencyError
from harness.names import dataset_name
from harness.records import Answer, DataRef, DataUsed, Question
from harness.squad_files import read_squad_file

EMBEDDED = "pocket"

_SPLIT = re.compile(r"(?P<name>\w+)(?:\[(?P<start>-?\d{1,12}%?)?:(?P<stop>-?\d{1,12}%?)?\])?")


def load_data(ref: DataRef, uses: Mapping[str, Path]) -> tuple[tuple[Question, ...], DataUsed]:
    """The questions that a reference names, and what was found.

    Args:
        ref: What to load. Its split may carry a slice as `datasets` writes it: ``[:1000]``, ``[8697:]``, ``[:75%]``.
        uses: Files given in place of data sets, by ``name``, ``name:config``, ``name:split`` or
            ``name:config:split``; the closest fit is taken, as the whole split.

    Raises:
        DataError: the data is not at hand, is malformed, has no such split, or the slice is empty.
    """
    split = _SPLIT.fullmatch(ref.split)
    if split is None:
        raise DataError(f'{ref}: split "{ref.split}" is not of the form name or name[start:stop]', data=str(ref))
    bounds = [text for text in (split["start"], split["stop"]) if text]
    if len({text.endswith("%") for text in bounds}) > 1:
        raise DataError(f"{ref}: the slice mixes a percentage with a count; write both bounds alike", data=str(ref))
    key = given_key(ref, uses)
    path = {canonical_name(name): path for name, path in uses.items()}[key] if key else None
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
        row: list[Any] = [q.id, q.question, q.context, [[a.text, a.start] for a in q.answers]]
        if q.impossible and q.answers:  # said nowhere else, and it decides the rules
            row.append("impossible")
        digest.update(json.dumps(row, ensure_ascii=True, separators=(",", ":")).encode("ascii"))
        digest.update(b"\n")
    return digest.hexdigest()


def canonical_name(name: str) -> str:
    """A data set's id, with ``:config`` where given, in the one spelling that `names` knows for it."""
    head, colon, config = name.partition(":")
    return (dataset_name(head) or head) + colon + config


def given_key(ref: DataRef, uses: Mapping[str, Path]) -> str | None:
    """The canonical name under which a file is given for a reference; None if none is."""
    known = {canonical_name(key) for key in uses}
    return next((key for key in use_keys(ref) if key in known), None)


def use_keys(ref: DataRef) -> tuple[str, ...]:
    """What ``--use`` may call the data of a reference, in canonical names, the closest fit first."""
    name, split = canonical_name(ref.name), ref.split.partition("[")[0]
    configured = (f"{name}:{ref.config}:{split}", f"{name}:{ref.config}") if ref.config else ()
    return (*configured[:1], f"{name}:{split}", *configured[1:], name)


def _bound(text: str | None, n: int) -> int | None:
    if text is None:
        return None
    # `datasets` rounds percent boundaries to the closest whole question
    return round(int(text[:-1]) * n / 100) if text.endswith("%") else int(text)


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
    given_name = ":".join(filter(None, (ref.name, ref.config, split)))
    hint = f"Give it as a local SQuAD JSON file with --use {given_name}=PATH"
    try:
        import datasets
    except ImportError as error:
        raise MissingDependencyError(
            f"{ref}: loading from the Hub needs the package datasets. {hint}, or install it",
            command="pip install torch transformers accelerate datasets",
        ) from error
    try:
        table = datasets.load_dataset(ref.name, ref.config, split=split, revision=ref.revision)
    # not found, offline, no such split or config; data that cannot be built
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"{ref}: cannot be loaded from the Hub ({_first_line(error)}). {hint}", data=str(ref)
        ) from error
    columns = {"id", "context", "question", "answers"}
    if not columns <= set(table.column_names):
        raise DataError(
            f"{ref}: has the columns {', '.join(table.column_names)}, expected {', '.join(sorted(columns))}"
        )
    return questions_from_rows(table, str(ref))


def questions_from_rows(rows: Iterable[Mapping[str, Any]], where: str) -> tuple[Question, ...]:
    """Questions from rows as the Hub's SQuAD-shaped sets have them; `where` names them in errors, all `DataError`."""
    passages: dict[str, str] = {}
    questions: dict[str, Question] = {}
    for number, row in enumerate(rows):
        try:
            pairs = zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
            answers = tuple(Answer(text, int(start)) for text, start in pairs)
        except (TypeError, KeyError, ValueError) as error:
            raise DataError(f"{where}: row {number}: answers have no text and answer_start of one length") from error
        qid, context, question = row["id"], row["context"], row["question"]
        if not all(isinstance(text, str) for text in (qid, context, question, *(a.text for a in answers))):
            raise DataError(f"{where}: row {number}: id, context, question and answers must be text")
        if qid in questions:
            raise DataError(f"{where}: row {number}: id {qid!r} is used before; ids must be unique")
        passage = passages.setdefault(context, str(len(passages)))
        questions[qid] = Question(qid, passage, context, question, answers, impossible=not answers)
    return tuple(questions.values())


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
