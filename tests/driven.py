"""Commands of `harness` one after another in one process of their own, which is started with an environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LOOP = """
import contextlib, io, json, os, sys
from harness.cli import main
answers = os.fdopen(os.dup(1), "w")
for line in sys.stdin:
    words, changes = json.loads(line)
    for name, value in changes.items():
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as error:
            code = error.code
    print(json.dumps([code, out.getvalue(), err.getvalue()]), file=answers, flush=True)
"""


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str


@dataclass
class Driver:
    """The process."""

    process: subprocess.Popen[str]

    def __call__(self, *words: object, **changes: str | None) -> Done:
        """Run a command, after changes of the environment that last."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([[str(word) for word in words], changes]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the process ended"
        return Done(*json.loads(answer))


@contextmanager
def drive(folder: Path, **environment: str) -> Iterator[Driver]:
    """A process in a folder, whose cache of the Hub is there too; no variable of the Hub's is handed on."""
    base = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGINGFACE_"))}
    base |= {"HF_HOME": str(folder / "home"), "COLUMNS": "200", "HF_HUB_DISABLE_XET": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", _LOOP],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=base | environment,
        cwd=folder,
    )
    with process:
        try:
            yield Driver(process)
        finally:
            process.kill()
