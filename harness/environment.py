"""The machine and software that a run used."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from harness.records import Environment

_PACKAGES = ("accelerate", "datasets", "numpy", "safetensors", "tokenizers", "torch", "transformers")


def harness_version() -> str:
    """The installed version, or ``unknown`` for a bare checkout on the path."""
    return _version("modelcard-harness") or "unknown"


def capture_environment(folder: Path) -> Environment:
    """Versions, machine and threads; commit and state of `folder` where it is a git checkout.

    Imports none of the packages it lists.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain") if commit else None
    return Environment(
        harness=harness_version(),
        python=platform.python_version(),
        platform=platform.platform(),
        processor=_processor(),
        threads=_threads(),
        packages={name: version for name in _PACKAGES if (version := _version(name))},
        commit=commit,
        dirty=None if changes is None else bool(changes),
    )


def _threads() -> int:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(asked) if asked.isdigit() and int(asked) > 0 else available


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
