"""A card, a model and data of twelve questions, of which `FakeEngine` gets three wrong."""

from __future__ import annotations

import json
from pathlib import Path

from fake_engine import write_model

_CARD = """---
model-index:
- name: tiny
  results:
  - task: {type: question-answering}
    dataset: {type: mini, name: mini, split: validation}
    metrics:
    - {type: exact_match, value: %s}
---

# tiny

```
base_model = "org/base"
train_data = "mini:train"
eval_data = "mini:validation"
epochs = 1
%s```
"""


def card(exact_match: str = "75.0", settings: str = "") -> str:
    """The card's text; further settings are lines."""
    return _CARD % (exact_match, settings)


def write_world(folder: Path, text: str) -> None:
    """``tiny.md`` with that text, ``mini.json`` and the model folder ``base``."""
    answers = [{"text": "c", "answer_start": 0}]
    qas = [{"id": str(i), "question": "?", "answers": answers if i % 2 else []} for i in range(12)]
    document = {"data": [{"paragraphs": [{"context": "c d", "qas": qas}]}]}
    (folder / "mini.json").write_text(json.dumps(document), "utf-8")
    (folder / "tiny.md").write_text(text, "utf-8")
    write_model(folder / "base", "given")
