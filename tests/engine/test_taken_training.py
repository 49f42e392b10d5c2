"""Another seed of the last stage alone, on real small models: what comes before is trained once."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from harness.cli import main
from harness.engine import Computing, Fitting, TorchEngine
from harness.records.seal import evidence_sha256
from harness.store import load_run

pytestmark = pytest.mark.torch

CARD = """---
license: apache-2.0
model-index:
- name: small
  results:
  - task: {type: question-answering}
    dataset: {type: pocket, name: pocket, split: "validation[:40]"}
    metrics:
    - {type: exact_match, value: 10.0}
---

```
eval_data = "pocket:validation[:40]"
train_data = "pocket:train[:64]"
max_seq_len = 128
doc_stride = 32
learning_rate = 3e-3
epochs = 1
batch_size = 16
```

```
stage = "first"
base_model = "pocket/roberta-1x32"
```

```
stage = "second"
base_model = "first"
```
"""


def run(card, runs, *options):
    """The record of the run that the command made."""
    before = set(runs.glob("*/record.json"))
    assert main(["run", str(card), "--runs", str(runs), *options]) == 0
    (made,) = set(runs.glob("*/record.json")) - before
    return made.parent, load_run(made)


def weights(folder, stage):
    return (folder / "stages" / stage / "model" / "model.safetensors").read_bytes()


def test_a_second_seed_of_the_last_stage_trains_that_stage_alone(tmp_path):
    card = tmp_path / "card.md"
    card.write_text(CARD, "utf-8")
    one, first = run(card, tmp_path / "runs", "--seed", "second=1")
    two, second = run(card, tmp_path / "runs", "--seed", "second=2")
    assert [stage.taken_from for stage in first.stages] == [None, None]
    assert [stage.taken_from for stage in second.stages] == [one.name, None]
    assert weights(one, "1-first") == weights(two, "1-first")
    assert weights(one, "2-second") != weights(two, "2-second")
    # no other options and no other run: trained, to the same evidence
    alone, own = run(card, tmp_path / "elsewhere", "--seed", "second=2")
    assert [stage.taken_from for stage in own.stages] == [None, None]
    assert weights(alone, "2-second") == weights(two, "2-second")
    assert (alone.name, evidence_sha256(own)) == (two.name, evidence_sha256(second))
    # other micro-batches draw other dropout
    _, smaller = run(card, tmp_path / "runs", "--seed", "second=3", "--micro-batch", "8")
    assert [(stage.taken_from, stage.micro_batch) for stage in smaller.stages] == [(None, 8), (None, 8)]
    # both stages, for another decoding
    card.write_text(CARD.replace("epochs = 1", "epochs = 1\nn_best = 5"), "utf-8")
    _, again = run(card, tmp_path / "runs", "--seed", "second=2")
    assert [stage.taken_from for stage in again.stages] == [one.name, two.name]


def test_every_option_is_told_and_of_several_processes_nothing(make_stage, monkeypatch):
    stage = make_stage(batch_size=8)
    plain = TorchEngine().conditions(stage)
    others = [
        TorchEngine(fitting=Fitting(micro_batch=3)),
        TorchEngine(fitting=Fitting(gradient_checkpointing=True)),
        TorchEngine(fitting=Fitting(compiled=True)),
        TorchEngine(Computing(token_budget=100)),
    ]
    assert all(engine.conditions(stage) != plain for engine in others)
    assert TorchEngine(fitting=Fitting(micro_batch=8, checkpoint_seconds=1.0)).conditions(stage) == plain
    monkeypatch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    assert TorchEngine().conditions(stage) != plain
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert TorchEngine().conditions(stage) is None
