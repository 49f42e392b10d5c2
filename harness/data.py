"""Data references to questions: local files, the embedded data set, the Hub; slices and checksums."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.hub_data import load_from_hub
from harness.names import dataset_name
from harness.names.sizes import answers_withheld, split_size
from harness.records import DataRef, DataUsed, Question
from harness.sources import full_name, is_published
from harness.squad_files import read_training_file
from harness.text_lines import is_text

EMBEDDED = "pocket"

_SPLIT = re.compile(r"(?P<name>\w+)(?:\[(?P<start>-?\d{1,12}%?)?:(?P<stop>-?\d{1,12}%?)?\])?")


def load_data(ref: DataRef, uses: Mapping[str, Path]) -> tuple[tuple[Question, ...], DataUsed]:
    """The questions that a reference names, and what was found.

    Args:
        ref: What to load. Its split may carry a slice as `datasets` writes it: ``[:1000]``, ``[8697:]``, ``[:75%]``.
        uses: Files and folders given in place of data sets, by ``name``, ``name:config``, ``name:split`` or
            ``name:config:split``; the closest fit is taken, as the whole split.

    Raises:
        DataError: the data is not at hand, is malformed, is plain text, has no such split, or the slice is empty.
        MissingDependencyError: the form of the data needs a package that is not installed.
    """
    questions, used = load_training_data(ref, uses)
    require_questions(ref, questions, "expected questions with their answers")
    return tuple(questions), used


def require_questions(ref: DataRef, questions: Sequence[Question], expected: str) -> None:
    """Raise `DataError` where a reference leads to plain text; `expected` says what is needed, and by what."""
    if is_text(questions):
        raise DataError(
            f"{ref}: found plain text, of which nothing is asked; {expected}. "
            "Only a stage of kind distil_hidden can do with text",
            data=str(ref),
        )


def load_training_data(ref: DataRef, uses: Mapping[str, Path]) -> tuple[Sequence[Question], DataUsed]:
    """The questions that a reference names, or the lines of the text that is given for it, and what was found.

    Args:
        ref: What to load, as for `load_data`. A slice of a text takes lines and copies nothing.
        uses: As for `load_data`; a ``.txt`` file, or a folder of them, is plain text (see `harness.text_lines`).

    Raises:
        DataError: as `load_data`, but for plain text.
        MissingDependencyError: the form of the data needs a package that is not installed.
    """
    split = parse_split(ref)
    key = given_key(ref, uses)
    path = {canonical_name(name): path for name, path in uses.items()}[key] if key else None
    questions: Sequence[Question]
    if path is not None:
        questions, source = read_training_file(path, split["name"]), path.resolve().name
    elif ref.name == EMBEDDED:
        questions, source = _embedded(ref, split["name"]), "embedded"
    else:
        questions, source = load_from_hub(ref)
    chosen = slice_rows(split, len(questions))
    if chosen is None:
        raise DataError(
            f"{ref}: the slice reaches beyond the {len(questions)} questions of {split['name']}", data=str(ref)
        )
    if not chosen:
        raise DataError(f"{ref}: the slice is empty; {split['name']} has {len(questions)} questions", data=str(ref))
    taken = questions[chosen.start : chosen.stop]
    used = describe(ref, taken, source)
    return taken, used if "[" not in ref.split else replace(used, whole=len(questions))


def describe(ref: DataRef, questions: Sequence[Question], source: str) -> DataUsed:
    """Count and checksum of questions."""
    has_ans = 0 if is_text(questions) else sum(bool(q.answers) for q in questions)
    return DataUsed(ref, len(questions), has_ans, checksum(questions), source)


def data_warnings(used: DataUsed, *, labelled: bool = True) -> tuple[str, ...]:
    """What does not fit what is known of the data set, in words: other numbers of questions, other texts.

    Args:
        used: What was found.
        labelled: Whether it should have reference answers, which plain text has not.
    """
    ref = full_name(used.ref)
    on_hub = "/" in used.source
    found = f"{used.ref}: {'the copy on the Hub' if on_hub else used.source}"
    warnings = []
    size, split = split_size(ref), _SPLIT.fullmatch(ref.split)
    if size is not None and split is not None:
        chosen = slice_rows(split, size.n)
        sliced = " in this slice" if "[" in ref.split else ""
        # how many of a slice are answerable is known only where all are
        has_ans = size.has_ans if not sliced else len(chosen or ()) if size.has_ans == size.n else used.has_ans
        if chosen is None:
            warnings.append(f"{found} has more than the {size.n} questions that this split has")
        elif used.whole not in (None, size.n):
            warnings.append(f"{found} has {used.whole} questions before slicing, expected {size.n}")
        elif used.n != len(chosen):
            warnings.append(f"{found} has {used.n} questions{sliced}, expected {len(chosen)}")
        elif used.has_ans and used.has_ans != has_ans:
            warnings.append(f"{found} has {used.has_ans} answerable questions{sliced}, expected {has_ans}")
        # what the Hub made of a file may differ from it in small ways, and is known by its commit
        elif not on_hub and is_published(ref, used.sha256) is False:
            warnings.append(f"{found} differs from the published file in ids, texts, offsets or order")
    if not used.has_ans and labelled:
        why = "its publisher withholds them" if answers_withheld(ref) else "each counts as unanswerable"
        warnings.append(f"{used.ref}: none of its {used.n} questions has a reference answer; {why}")
    return tuple(warnings)


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


def parse_split(ref: DataRef) -> re.Match[str]:
    """A reference's split: its name, and the start and stop of its slice; raises `DataError`."""
    split = _SPLIT.fullmatch(ref.split)
    if split is None:
        raise DataError(f'{ref}: split "{ref.split}" is not of the form name or name[start:stop]', data=str(ref))
    bounds = [text for text in (split["start"], split["stop"]) if text]
    if len({text.endswith("%") for text in bounds}) > 1:
        raise DataError(f"{ref}: the slice mixes a percentage with a count; write both bounds alike", data=str(ref))
    if any(text.endswith("%") and abs(int(text[:-1])) > 100 for text in bounds):
        raise DataError(f"{ref}: the slice has a percentage beyond 100", data=str(ref))
    return split


def slice_rows(split: re.Match[str], n: int) -> range | None:
    """Which of n questions a split takes; None if its slice reaches beyond them."""
    start, stop = (_bound(text, n) for text in (split["start"], split["stop"]))
    if any(abs(bound) > n for bound in (start, stop) if bound is not None):
        return None
    return range(n)[start:stop]


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
