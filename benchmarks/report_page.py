"""Size and opening time of reports: ``python benchmarks/report_page.py DATA PREDICTIONS... [--rounds N]``.

DATA is a SQuAD file, such as ``dev-v2.0.json``, and each file of predictions gives a run. For a page of the first run,
then of the first two, and so on: bytes, seconds to gather, draw and write, and, in headless Chromium with an empty
profile, each round in a process of its own, the seconds from asking for the page until it is loaded, until its first
paint, and until a filter and a search have been shown.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from selenium import webdriver

from harness.opened_data import open_data
from harness.replay import replay_predictions
from harness.report.gather import gather_report
from harness.report.page import render_page
from harness.report.plots import draw_plots

_REFERENCE, _NAME = "squad_v2:validation", "squad_v2"
_SHOWN = """
const [control, value, kind, wait, done] = arguments;
const begun = performance.now();
const element = document.getElementById(control);
element.value = value;
element.dispatchEvent(new Event(kind, { bubbles: true }));
setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun))), wait);
"""


def write_page(paths: list[Path], data: Path, file: Path) -> dict[str, float]:
    """Write a page; seconds of each step, and megabytes."""
    begun = time.perf_counter()
    report = gather_report(paths, {_NAME: data})
    gathered = time.perf_counter()
    plots = draw_plots(report)
    drawn = time.perf_counter()
    text = render_page(report, plots)
    file.write_text(text, "utf-8")
    written = time.perf_counter()
    size = file.stat().st_size / 1e6
    return {"MB": size, "gather s": gathered - begun, "draw s": drawn - gathered, "write s": written - drawn}


def open_page(file: Path) -> dict[str, float]:
    """Open a page in a browser of its own; seconds."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(flag)
        options.add_argument(f"--user-data-dir={home}/profile")
        service = webdriver.ChromeService(shutil.which("chromedriver"), env={**os.environ, "HOME": home})
        driver = webdriver.Chrome(options=options, service=service)
        try:
            driver.get("about:blank")
            begun = time.perf_counter()
            driver.get(file.as_uri())
            loaded = time.perf_counter() - begun
            paint = driver.execute_script("return performance.getEntriesByName('first-contentful-paint')[0].startTime")
            filtered = driver.execute_async_script(_SHOWN, "result", "w", "change", 0)
            driver.execute_async_script(_SHOWN, "result", "", "change", 0)
            found = driver.execute_async_script(_SHOWN, "find", "norman", "input", 150)
        finally:
            driver.quit()
    return {"open s": loaded, "paint s": paint / 1e3, "filter s": filtered / 1e3, "search s": found / 1e3}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("predictions", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        opened = open_data(_REFERENCE, {_NAME: asked.data})
        runs = [replay_predictions(file.stem, file, opened, folder)[0] for file in asked.predictions]
        for count in range(1, len(runs) + 1):
            page = folder / f"{count}.html"
            figures = write_page(runs[:count], asked.data, page)
            rounds = [open_page(page) for _ in range(asked.rounds)]
            print(f"{count} run{'s' * (count > 1)}, {opened.used.n:,} questions")
            for key, value in figures.items():
                print(f"  {key:<9} {value:7.2f}")
            for key in rounds[0]:
                values = [found[key] for found in rounds]
                print(f"  {key:<9} {statistics.median(values):7.2f}  ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
