"""Data as a command names them: by reference, or by a local file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.data import canonical_name, data_warnings, describe, given_key, load_data
from harness.errors import DataError
from harness.file_refs import file_ref
from harness.inputs import offset_warning
from harness.names.datasets import data_phrase
from harness.names.sizes import split_size
from harness.records import DataRef, DataUsed, Question
from harness.squad_files import read_squad_file


@dataclass(frozen=True, slots=True)
class OpenedData:
    """Questions to evaluate on."""

    questions: tuple[Question, ...]
    used: DataUsed
    warnings: tuple[str, ...]
    """What does not fit what is known of the data, in words."""


def open_data(text: str, uses: Mapping[str, Path], model: str | None = None) -> OpenedData:
    """The data that a reference such as ``squad_v2:validation[:100]`` names, or that a local file or folder holds.

    Args:
        text: The reference, or a path.
        uses: ``--use``: what stands in for the data set, and for the model.
        model: Name of the model, where one is used as well.

    Raises:
        DataError: it is neither, or cannot be read; or `uses` has something that is not used, as a mistyped name must
            not leave a command to evaluate other data than were given.
        MissingDependencyError: the form of the data needs a package that is not installed.
    """
    given = {name: path for name, path in uses.items() if name != model}
    place = Path(text)
    warnings: list[str] = []
    if place.exists() and text.partition(":")[0] not in given:
        _check_used(given, None, model or text)
        questions = read_squad_file(place)
        used = describe(file_ref(place, questions), questions, place.resolve().name)
        named = data_phrase(place.name)
        size = split_size(named) if named is not None and named.split else None
        if size is not None and size.n != used.n:
            warnings.append(f"{place.name} has {used.n} questions, expected {size.n}, those of {named}")
    else:
        try:
            ref = DataRef.parse(text)
        except ValueError as error:
            hint = "" if ":" in text else f"; name a split of a data set, such as {text}:validation"
            raise DataError(f"{error}, and there is no file of that name{hint}", data=text) from error
        _check_used(given, given_key(ref, given), " or ".join(filter(None, (model, text))))
        questions, used = load_data(ref, given)
    warnings += data_warnings(used)
    if misplaced := offset_warning(used.ref, questions):
        warnings.append(misplaced)
    return OpenedData(questions, used, tuple(warnings))


def _check_used(given: Mapping[str, Path], key: str | None, expected: str) -> None:
    """Raise `DataError` unless everything given is the data under `key`, given once."""
    found = [name for name in given if canonical_name(name) == key]
    for name in given:
        if name not in found[:1]:
            raise DataError(f"--use names {name!r}, which is not used; expected {expected}", data=name)
