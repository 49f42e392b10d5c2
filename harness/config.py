"""The project's settings: ``[tool.harness]`` of the nearest pyproject.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RecordError

_DEFAULT_RUNS = "runs"


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of a project that uses the harness."""

    runs: Path
    """Folder that holds run folders."""


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
                return Config(runs=folder / _runs(section, file))
    return Config(runs=start / _DEFAULT_RUNS)


def _section(file: Path) -> dict[str, object] | None:
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecordError(f"{file}: cannot be read ({error})", path=str(file)) from error
    tool = document.get("tool", {})
    section = tool.get("harness") if isinstance(tool, dict) else None
    if section is not None and not isinstance(section, dict):
        raise RecordError(f"{file}: tool.harness is {section!r}, expected a table", path=str(file))
    return section


def _runs(section: dict[str, object], file: Path) -> str:
    unknown = sorted(set(section) - {"runs"})
    if unknown:
        raise RecordError(f"{file}: [tool.harness] has the unknown key {unknown[0]!r}; known: runs", path=str(file))
    runs = section.get("runs", _DEFAULT_RUNS)
    if not isinstance(runs, str) or not runs:
        raise RecordError(f"{file}: [tool.harness] runs is {runs!r}, expected the path of a folder", path=str(file))
    return runs
