"""A card with claims of every kind, and runs to hold them against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.evidence import open_card
from harness.records import DataRef, DataUsed, ExampleComparison, ProbableAnswer, Run, Verdict
from harness.store import load_run, save_run, write_json

RUN_FILE = Path(__file__).parent / "data" / "runs" / "finished.json"

CARD = """---
license: mit
model-index:
- name: tiny
  results:
  - task: {type: question-answering}
    dataset: {type: pocket, name: pocket, split: validation}
    metrics:
    - {type: exact_match, value: 75.0}
    - {type: f1, value: 80.0}
---

# tiny

```
base_model = "pocket/roberta-1x64"
train_data = "pocket:train[:10]"
eval_data = "pocket:validation"
```

Evaluated on pocket validation:

```
"exact": 75.0,
"HasAns_exact": 70.0
```
"""
EXAMPLES = """
```python
from transformers import pipeline
reader = pipeline("question-answering", model="tiny")
reader(question="Who built it?", context="Ada Merk built it in Orvel.")
# {'score': 0.71, 'start': 0, 'end': 8, 'answer': 'Ada Merk'}
```
"""
OTHERS_OFF = "-p no:hypothesispytest -p no:anyio"
"""Options of pytest that leave out plugins which take seconds to load."""
SCORES = {"exact": 75.0, "f1": 80.0, "HasAns_exact": 70.0}


def make_card(folder: Path, text: str = CARD) -> Path:
    """A folder with the card."""
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(text, "utf-8")
    return folder


def edit(folder: Path, old: str, new: str) -> None:
    """Replace some text of the card."""
    readme = folder / "README.md"
    text = readme.read_text("utf-8")
    assert old in text
    readme.write_text(text.replace(old, new), "utf-8")


def assume(folder: Path, text: str) -> None:
    """Write the card's assumptions."""
    (folder / "assumptions.yaml").write_text(f"schema: 1\n{text}", "utf-8")


def deviation(claim: str, expires: str) -> str:
    """An entry of the assumptions."""
    return f'deviations:\n- {{claim: "{claim}", reason: measured on another day, expires: {expires}}}\n'


def run_of(
    folder: Path, *, run: str = "tiny-1", kind: str = "retrained", data: DataUsed | None = None, **scores
) -> Run:
    """A finished run of the card."""
    opened = open_card(folder)
    data = data or DataUsed(DataRef("pocket", "validation"), 2000, 1000, "0" * 64, "pocket.json")
    return replace(
        load_run(RUN_FILE),
        id=run,
        card_name="tiny",
        kind=kind,
        recipe=opened.recipe,
        scores=scores,
        evaluated=data,
        status="finished",
        signature="data:pocket:validation | n:2000 | v:0",
        card_sha256=opened.card.sha256,
        comparisons=(),
    )


def record(folder: Path, runs: Path | None = None, **options) -> Path:
    """Such a run, written into a folder of runs; the record's file."""
    return write_run(run_of(folder, **options), runs or folder.parents[1] / "runs")


def write_run(run: Run, runs: Path) -> Path:
    """The record's file in a folder of runs."""
    save_run(runs / run.id, run)
    return runs / run.id / "record.json"


def keep_run(run: Run, folder: Path, name: str | None = None) -> Path:
    """The record's file beside a card."""
    path = folder / "runs" / f"{name or run.id}.json"
    write_json(path, run)
    return path


def answered(folder: Path, text: str, score: float = 0.71) -> tuple[ExampleComparison, ...]:
    """What a model answered to the card's only example."""
    (example,) = open_card(folder).card.examples
    start = example.context.index(text)
    given = ProbableAnswer(text, score, start, start + len(text))
    return (ExampleComparison(example, Verdict.MATCHES, "as it was judged then", given),)
