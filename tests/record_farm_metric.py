"""Write ``data/farm_metric.json``: labels and token-level scores by haystack's own functions.

``pip download --no-deps farm-haystack==1.2.0``, unpack it, and run ``python tests/record_farm_metric.py FOLDER``. Only
functions of one module each are taken out and run, so that none of haystack's requirements is needed. The windows and
labels are those of ``data/eras/farm-1.x.json``, which its processor made.
"""

from __future__ import annotations

import ast
import json
import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from record_eras import ERAS, unpack

RECORD = Path(__file__).with_name("data") / "farm_metric.json"


def take(path: Path, *names: str) -> dict[str, Any]:
    """Functions of a module, also those inside classes, without importing it."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name in names:
            node.decorator_list = []
            found[node.name] = node
    space: dict[str, Any] = {"np": np}
    exec(compile(ast.Module([found[name] for name in names], []), str(path), "exec"), space)
    return space


def spans_of(labels: list[tuple[int, int]], count: int, generator: random.Random) -> list[tuple[int, int]]:
    """No answer, the first token, the labels, their neighbours, and some others."""
    found = {(-1, -1), (0, 0)}
    for start, end in labels:
        for span in ((start, end), (start, end - 1), (start + 1, end), (start - 1, end + 2)):
            if 0 <= span[0] <= span[1] < count:
                found.add(span)
    for _ in range(3):
        start = generator.randrange(count)
        found.add((start, min(count - 1, start + generator.randrange(5))))
    return sorted(found)


def main() -> None:
    """Record."""
    package = Path(sys.argv[1]) / "haystack" / "modeling"
    head = take(package / "model" / "prediction_head.py", "label_to_doc_idxs", "reduce_labels")
    metrics = take(package / "evaluation" / "metrics.py", "squad_EM", "squad_f1", "squad_f1_single")
    record: dict[str, Any] = {}
    for tokenizer, settings in json.loads((ERAS / "farm-1.x.json").read_text("utf-8"))["features"].items():
        for setting, features in settings.items():
            windows: dict[int, list[Any]] = {}
            for window in unpack(features):
                if window["labels"] is not None:
                    windows.setdefault(window["question"], []).append(window)
            rows = record.setdefault(tokenizer, {}).setdefault(setting, {})
            for number, own in windows.items():
                moved = [head["label_to_doc_idxs"](w["labels"], w["token"] - w["first"]) for w in own]
                labels = [tuple(label) for label in head["reduce_labels"](moved)]
                count = max(w["token"] + w["count"] for w in own)
                generator = random.Random(f"{tokenizer} {setting} {number}")
                spans = []
                for start, end in spans_of(labels, count, generator):
                    candidate = SimpleNamespace(offset_answer_start=start, offset_answer_end=end)
                    exact = metrics["squad_EM"]([[[candidate]]], [labels])
                    f1 = metrics["squad_f1"]([[[candidate]]], [labels])
                    spans.append([start, end, exact, round(float(f1), 9)])
                rows[number] = {"labels": sorted(labels), "spans": spans}
    RECORD.write_text(json.dumps(record, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
