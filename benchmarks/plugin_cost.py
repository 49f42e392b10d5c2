"""What the plugin costs a pytest run that has no cards: ``python benchmarks/plugin_cost.py [ROUNDS]``.

In a folder with one empty test, each run in a process of its own:

- whole runs without the plugin (``-p no:harness``), with it, and without it again, round by round: wall time, and the
  processor's time, which other work on the machine disturbs less; beside them the same between the two equal runs;
- what loading the plugin's modules takes after pytest itself, by ``-X importtime``.

Other plugins that are installed are left out, as their seconds would hide the milliseconds.
"""

from __future__ import annotations

import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import entry_points
from pathlib import Path

_IMPORT = re.compile(r"import time: +\d+ \| +(\d+) \| (?:harness|harness\.pytest_plugin)$", re.MULTILINE)
_LOAD = ("-X", "importtime", "-c", "import pytest; import harness.pytest_plugin")


def run(folder: Path, *, plugin: bool) -> tuple[float, float]:
    """Milliseconds of one run by the clock and of the processor."""
    others = [f"no:{name}" for name in {point.name for point in entry_points(group="pytest11")} - {"harness"}]
    left_out = [*others, "no:cacheprovider", *([] if plugin else ["no:harness"])]
    command = [sys.executable, "-m", "pytest", "-q", *(word for name in left_out for word in ("-p", name))]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1000 * wall, 1000 * processor


def load() -> float:
    """Milliseconds that loading the plugin's modules takes."""
    done = subprocess.run([sys.executable, *_LOAD], capture_output=True, text=True, check=True)
    return sum(map(int, _IMPORT.findall(done.stderr))) / 1000


def summarize(name: str, rounds: list[tuple[float, float, float]]) -> None:
    """Print one measure of runs without, with, and without the plugin."""
    added = [middle - (first + last) / 2 for first, middle, last in rounds]
    error = 1.2533 * statistics.stdev(added) / len(added) ** 0.5  # of a median, by the normal distribution
    plain = statistics.median([time for first, _, last in rounds for time in (first, last)])
    noise = statistics.median([first - last for first, _, last in rounds])
    print(f"{name:<16} without {plain:6.1f} ms, added {statistics.median(added):5.1f} +- {error:.1f} ms", end="")
    print(f", between equal runs {noise:5.1f} ms")


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n", "utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
        run(folder, plugin=True)  # compiles
        measured = [[run(folder, plugin=plugin) for plugin in (False, True, False)] for _ in range(rounds)]
        loads = [load() for _ in range(10)]
    for number, what in enumerate(("wall time", "processor time")):
        summarize(what, [tuple(one[number] for one in each) for each in measured])
    print(f"loading the plugin's modules: median {statistics.median(loads):.1f} ms, least {min(loads):.1f} ms")


if __name__ == "__main__":
    main()
