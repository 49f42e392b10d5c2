"""Records of measured speeds for tests."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.kept_speeds import keep_speed, load_speed
from harness.records import (
    DataRef,
    DataUsed,
    Environment,
    SpeedMeasured,
    SpeedModel,
    SpeedRecord,
    Swept,
)
from harness.speeds import measured_ratio

STARTED = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.UTC)
_BASE = SpeedModel(
    "minilm__teacher", "a" * 64, None, "bert", 6, 384, 22_565_762, 10_648_706, 3e9, 180.0, "float32", 1024,
    (Swept(1024, 4.0),), "b" * 64,
)  # fmt: skip
_MODEL = replace(
    _BASE, name="minilm__student", sha256="c" * 64, layers=3, parameters=17_240_450, weights_sha256="d" * 64
)


def measured(
    one: Sequence[float] = (1.92, 1.93, 1.94), best: Sequence[float] = (1.8, 1.81, 1.82), **changes: Any
) -> SpeedMeasured:
    """Ratios round by round; fields of the model and the base as ``model_NAME`` and ``base_NAME``."""
    model = {name.removeprefix("model_"): changes.pop(name) for name in list(changes) if name.startswith("model_")}
    base = {name.removeprefix("base_"): changes.pop(name) for name in list(changes) if name.startswith("base_")}
    plain = SpeedMeasured(
        model=replace(_MODEL, **model),
        base=replace(_BASE, **base),
        data=DataUsed(DataRef("squad", "validation"), 4874, 4874, "e" * 64, "dev.json"),
        questions=50,
        max_seq_len=384,
        doc_stride=128,
        device="cpu",
        threads=2,
        environment=Environment("0.1", "3.11.2", "Linux", "Intel(R) Xeon(R) CPU @ 2.20GHz", 2, {"torch": "2.13"}),
        ratios=(
            measured_ratio("one", [2.0] * len(one), [2 * ratio for ratio in one]),
            measured_ratio("best", [1.0] * len(best), list(best)),
        ),
    )
    return replace(plain, **changes)


def kept(folder: Path, *ratios: Sequence[float], **changes: Any) -> SpeedRecord:
    """A record that was written and read."""
    file, _ = keep_speed(folder, measured(*ratios, **changes), STARTED)
    return load_speed(file)
