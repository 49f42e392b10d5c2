"""The project's settings: ``[tool.harness]`` of the nearest pyproject.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from harness.assumptions.entries import AssumedTolerance
from harness.assumptions.tolerances import EntryError, find_repeated, read_tolerance
from harness.errors import RecordError
from harness.regular_files import read_regular

_DEFAULT_RUNS = "runs"
_KEYS = {"runs", "tolerances"}
_LARGEST = 2**20
"""Bytes of a pyproject.toml; what people write is a hundredth of it."""


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of a project that uses the harness."""

    runs: Path
    """Folder that holds run folders."""
    tolerances: tuple[AssumedTolerance, ...] = ()
    """For every card of the project; those of a card's own assumptions go before them."""


def read_config(start: Path) -> Config:
    """Settings that apply in folder `start`: those of the nearest pyproject.toml upwards that has ``[tool.harness]``.

    Raises:
        RecordError: the file is malformed, or has an unknown key or a value of another type.
    """
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            section = _section(file)
            if section is not None:
                return Config(folder / _runs(section, file), _tolerances(section, file))
    return Config(runs=start / _DEFAULT_RUNS)


def _section(file: Path) -> dict[str, object] | None:
    try:
        document = tomllib.loads(read_regular(file, _LARGEST).decode("utf-8"))
    except OSError as error:
        raise RecordError(f"{file}: cannot be read ({error.strerror or error})", path=str(file)) from error
    except RecursionError as error:
        raise RecordError(f"{file}: cannot be read (nested too deeply)", path=str(file)) from error
    except ValueError as error:  # no UTF-8, no TOML, or a number of thousands of digits
        raise RecordError(f"{file}: cannot be read ({error})", path=str(file)) from error
    tool = document.get("tool", {})
    section = tool.get("harness") if isinstance(tool, dict) else None
    if section is not None and not isinstance(section, dict):
        raise RecordError(f"{file}: tool.harness is {section!r:.80}, expected a table", path=str(file))
    return section


def _runs(section: dict[str, object], file: Path) -> str:
    unknown = sorted(set(section) - _KEYS)
    if unknown:
        known = ", ".join(sorted(_KEYS))
        raise RecordError(
            f"{file}: [tool.harness] has the unknown key {unknown[0]!r:.80}; known: {known}", path=str(file)
        )
    runs = section.get("runs", _DEFAULT_RUNS)
    if not isinstance(runs, str) or not runs or "\0" in runs:
        raise RecordError(f"{file}: [tool.harness] runs is {runs!r:.80}, expected the path of a folder", path=str(file))
    return runs


def _tolerances(section: dict[str, object], file: Path) -> tuple[AssumedTolerance, ...]:
    entries = section.get("tolerances", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RecordError(f"{file}: tool.harness.tolerances is {entries!r:.80}, expected tables", path=str(file))
    read = []
    for number, entry in enumerate(entries, 1):
        try:
            read.append(read_tolerance(entry, 0))
        except EntryError as error:
            where = f"{file}: entry {number} of tool.harness.tolerances"
            shown = str(error) if str(error).isprintable() else repr(str(error))[1:-1]
            raise RecordError(f"{where}: {shown}", path=str(file)) from error
    repeated = find_repeated(read)
    if repeated is not None:
        raise RecordError(
            f"{file}: tool.harness.tolerances: found two entries for {repeated.metric} of the same subset, data set "
            "and kind, expected one; remove one",
            path=str(file),
        )
    return tuple(read)
