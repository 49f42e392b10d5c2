"""Write commands.md from the commands' own --help: ``python docs/make_commands.py``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("commands.md")
COMMANDS = (
    *("audit", "claims", "plan", "run", "reproduce", "evaluate", "rescore"),
    *("compare", "gate", "score", "report", "render", "fetch", "publish", "ask", "speed"),
)


def help_text(*arguments: str) -> str:
    """What ``harness ARGUMENTS --help`` prints, 100 columns wide and without colour."""
    environment = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "PY_COLORS", "CI", "GITHUB_ACTIONS")}
    environment |= {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "harness", *arguments, "--help"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).strip().splitlines())


def page() -> str:
    """The whole page."""
    parts = ["# Commands\n\nMade from `--help` by `python docs/make_commands.py`.\n", f"```\n{help_text()}\n```\n"]
    parts += [f"## harness {name}\n\n```\n{help_text(name)}\n```\n" for name in COMMANDS]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
