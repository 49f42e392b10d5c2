"""Cards of one real model on the pocket world, each through to its verdict; docs/method.md shows the same wording."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from harness.cli import main

pytestmark = pytest.mark.torch

DATA = "pocket:validation[:1000]"
CARD = """---
model-index:
- name: owl
  results:
  - task: {{type: question-answering}}
    dataset: {{type: pocket, name: pocket, split: "validation[:1000]"}}
    metrics:
    - {{type: {metric}, value: {figure}}}
---

# owl

```ini
stage = main
base_model = "pocket/roberta-1x64"
train_data = "pocket:train[:6000]"
eval_data = "{data}"
epochs = 6
batch_size = 24
learning_rate = 3e-3
adam_beta2 = 0.98
max_seq_len = 128
doc_stride = 32
seed = 1
{more}```
"""
GUESSED = """schema: 1
settings:
  epochs: {value: 6, reason: "the sister model's"}
tolerances:
  - {metric: exact_match, points: 1.5, reason: "a small model"}
"""
PAGE = Path(__file__).parents[2] / "docs" / "method.md"


def write(folder: Path, figure: str, metric: str = "exact_match", more: str = "") -> Path:
    folder.mkdir()
    text = CARD.format(figure=figure, metric=metric, data=DATA, more=more)
    (folder / "README.md").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with a finished run of the recipe, and the run's record."""
    folder = tmp_path_factory.mktemp("stories")
    card = write(folder / "first", "50.0")
    assert main(["run", str(card), "--runs", str(folder / "runs")]) == 0
    (record,) = (folder / "runs").glob("*/record.json")
    return folder, json.loads(record.read_text("utf-8"))


def tell(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    """Exit code and the one comparison of a command's JSON."""
    capsys.readouterr()
    code = main([*map(str, arguments), "--json"])
    result = json.loads(capsys.readouterr().out)
    (comparison,) = result["run"]["comparisons"] if "run" in result else result["comparisons"]
    return code, comparison


def documented() -> dict[str, tuple[str, str]]:
    """Story -> verdict and reason, as the page has them."""
    section = PAGE.read_text("utf-8").partition("### Eight cards")[2].partition("\n### ")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in section.splitlines() if "`" in line]
    return {row[0]: (row[-2].strip("`"), row[-1]) for row in rows if row[0].startswith("claims")}


def bare(text: str) -> str:
    """Words without the figures that another machine gives otherwise."""
    return re.sub(r"\d+(?:\.\d+)?", "N", text)


def test_cards_and_their_verdicts(world: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    folder, run = world
    runs, exact, f1 = folder / "runs", run["scores"]["exact"], run["scores"]["f1"]
    assert 10.0 < exact < 90.0
    model = runs / run["id"] / "stages" / "1-main" / "model"
    reproduce = ("reproduce", "--runs", runs)
    told: dict[str, tuple[int, dict[str, Any]]] = {}
    told["claims too much"] = tell(capsys, *reproduce, write(folder / "much", f"{exact + 5:.4f}"))
    told["claims too little"] = tell(capsys, *reproduce, write(folder / "little", f"{exact - 5:.4f}"))
    told["claims too little, with `--at-least`"] = tell(capsys, *reproduce, folder / "little", "--at-least")
    told["claims rounded digits"] = tell(capsys, *reproduce, write(folder / "rounded", f"{f1:.2f}", "f1"))
    told["claims cut digits"] = tell(
        capsys, *reproduce, write(folder / "cut", f"{math.floor(100 * f1) / 100:.2f}", "f1")
    )
    evaluate = ("evaluate", model, DATA, "--runs", runs, "--card")
    _, first = tell(capsys, *evaluate, write(folder / "absurd", "99.9"))
    alternatives = json.loads(next(runs.glob("model-*/record.json")).read_text("utf-8"))["alternatives"]
    forced = next(tried["scores"]["exact"] for tried in alternatives if tried["name"] == "forced answer")
    assert abs(forced - exact) > 3.0
    told["claims the figure of another protocol"] = tell(capsys, *evaluate, write(folder / "forced", f"{forced:.4f}"))
    stated = write(folder / "stated", f"{exact:.4f}", more="protocol = farm\ndoc_stride_is = step\n")
    told["claims the figure of a protocol that was not run"] = tell(
        capsys, "compare", stated, next(runs.glob("model-*")), "--runs", runs
    )
    guessed = write(folder / "guessed", f"{exact + 2:.4f}")
    text = (guessed / "README.md").read_text("utf-8")
    (guessed / "README.md").write_text(text.replace("epochs = 6\n", ""), "utf-8")
    (guessed / "assumptions.yaml").write_text(GUESSED, "utf-8")
    told["claims what an assumed value may give"] = tell(capsys, *reproduce, guessed)

    assert first["verdict"] == "differs"  # none of the protocols gives 99.9
    verdicts = {story: (code, comparison["verdict"]) for story, (code, comparison) in told.items()}
    assert verdicts == {
        "claims too much": (1, "differs"),
        "claims too little": (1, "differs"),
        "claims too little, with `--at-least`": (0, "within_tolerance"),
        "claims rounded digits": (0, "matches"),
        "claims cut digits": (0, "matches"),
        "claims the figure of another protocol": (0, "inconclusive"),
        "claims the figure of a protocol that was not run": (1, "not_comparable"),
        "claims what an assumed value may give": (0, "inconclusive"),
    }
    found = {story: (comparison["verdict"], bare(comparison["reason"])) for story, (_, comparison) in told.items()}
    wording = {story: (verdict, bare(reason)) for story, (verdict, reason) in documented().items()}
    assert found == wording
