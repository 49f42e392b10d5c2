"""Data as a command names them: by reference, or by a local file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.data import data_warnings, describe, load_data
from harness.errors import DataError
from harness.file_refs import file_ref
from harness.inputs import offset_warning
from harness.records import DataRef, DataUsed, Question
from harness.squad_files import read_squad_file


@dataclass(frozen=True, slots=True)
class OpenedData:
    """Questions to evaluate on."""

    questions: tuple[Question, ...]
    used: DataUsed
    warnings: tuple[str, ...]
    """What does not fit what is known of the data, in words."""


def open_data(text: str, uses: Mapping[str, Path]) -> OpenedData:
    """The data that a reference such as ``squad_v2:validation[:100]`` names, or that a local file or folder holds.

    Raises:
        DataError: it is neither, or cannot be read.
        MissingDependencyError: the form of the data needs a package that is not installed.
    """
    place = Path(text)
    if place.exists() and text.partition(":")[0] not in uses:
        questions = read_squad_file(place)
        used = describe(file_ref(place, questions), questions, place.resolve().name)
    else:
        try:
            ref = DataRef.parse(text)
        except ValueError as error:
            raise DataError(f"{error}, and there is no file of that name", data=text) from error
        questions, used = load_data(ref, uses)
    warnings = list(data_warnings(used))
    if misplaced := offset_warning(used.ref, questions):
        warnings.append(misplaced)
    return OpenedData(questions, used, tuple(warnings))
