"""Two processes train what one does: the recipe's batch is the global one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")

from harness.cli import main
from harness.engine.loading import load_model, load_tokenizer, save
from harness.store import load_run

pytestmark = pytest.mark.torch
CARD = """---
language: en
---

```
stage: teacher
kind: finetune
student: dry
train_data: pocket:train[:103]
epochs: 2
batch_size: 10
max_seq_len: 192
doc_stride: 32
max_query_length: 32
```

```
stage: student
kind: distil_hidden
student: dry
teacher: teacher
train_data: pocket:train[:40]
eval_data: pocket:validation[:20]
epochs: 1
batch_size: 16
max_seq_len: 192
doc_stride: 32
max_query_length: 32
```
"""


@pytest.mark.skipif(sys.platform == "win32", reason="gloo over loopback")
def test_two_processes_come_to_the_weights_of_one(build: Callable[..., Path], tmp_path: Path) -> None:
    model = load_model(build())
    model.config.hidden_dropout_prob = 0.0  # each process draws its own
    save(model, load_tokenizer(build()), tmp_path / "dry")
    (tmp_path / "card.md").write_text(CARD, "utf-8")
    arguments = ["run", str(tmp_path / "card.md"), "--use", f"dry={tmp_path / 'dry'}"]
    assert main([*arguments, "--runs", str(tmp_path / "one")]) == 0
    launch = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "harness"]
    done = subprocess.run(
        [sys.executable, "-m", *launch, *arguments, "--runs", str(tmp_path / "two"), "--micro-batch", "3"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    folders = [next((tmp_path / name).glob("*/record.json")).parent for name in ("one", "two")]
    one, two = (load_run(folder).stages for folder in folders)
    assert [(s.windows, s.steps) for s in one] == [(s.windows, s.steps) for s in two]
    assert [(s.devices, s.accumulation, s.micro_batch) for s in two] == [(2, 2, 3), (2, 3, 3)]
    for first, second in zip(one, two, strict=True):
        assert second.loss == pytest.approx(first.loss, rel=1e-3)
    before = load_model(tmp_path / "dry").state_dict()
    for stage in ("1-teacher", "2-student"):
        first, second = (load_model(folder / "stages" / stage / "model").state_dict() for folder in folders)
        moved = sum(float((first[name] - before[name]).abs().sum()) for name in before)
        apart = sum(float((first[name] - second[name]).abs().sum()) for name in before)
        assert apart < 0.05 * moved
