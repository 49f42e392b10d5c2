"""Every method of training once, small: from a recipe to a record, and again to the same bytes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("torch")

from harness.cards import parse_card
from harness.data import load_data
from harness.engine import TorchEngine
from harness.engine.masked_lm import MaskedTraining, train_masked_lm
from harness.pipeline import run_recipe
from harness.recipes import plan_recipe
from harness.records import DataRef, Run, StageResult

pytestmark = pytest.mark.torch

HEAD = """---
license: apache-2.0
---

# small

```
eval_data = "pocket:validation[:60]"
learning_rate = 3e-3
epochs = 1
batch_size = 16
max_seq_len = 128
doc_stride = 32
max_query_length = 48
train_data = "pocket:train[:240]"
seed = 3
```
"""
TEACHER = """
```
stage = teacher
kind = finetune
base_model = "pocket/roberta-2x32"
```
"""
STUDENT = """
```
stage = student
kind = distil_logits
base_model = "pocket/roberta-1x32"
teacher = teacher
temperature = 2
distillation_loss_weight = 0.75
```
"""
GENERAL = """
```
stage = general
kind = distil_hidden
base_model = "pocket/roberta-1x32"
teacher = teacher
```
"""
TASK = """
```
stage = task
kind = distil_hidden
base_model = general
teacher = teacher
train_data = "pocket:train[:80]"
augment = farm
augment_factor = 3
masked_lm = "pocket/masked-lm"
```
"""
PREDICTION = """
```
stage = prediction
kind = distil_logits
base_model = task
teacher = teacher
distillation_loss_weight = 1
```
"""
METHODS = {
    "finetune": (TEACHER,),
    "logits": (TEACHER, STUDENT),
    "three stages": (TEACHER, GENERAL, TASK, PREDICTION),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the embedded names stand for here: from less text, and the masked language model hardly trained."""
    folder = tmp_path_factory.mktemp("models")
    questions = load_data(DataRef("pocket", "train[:300]"), {})[0]
    texts = list(dict.fromkeys(text for q in questions for text in (q.question, q.context)))
    made = {f"pocket/roberta-{layers}x32": folder / f"{layers}" for layers in (1, 2)}
    for name, place in made.items():
        TorchEngine().build_base(name, texts, 3, place)
    train_masked_lm(texts, folder / "masked-lm", 3, MaskedTraining(steps=20, batch_size=8))
    return made | {"pocket/masked-lm": folder / "masked-lm"}


Carried = Callable[[str, str], tuple[Path, Run]]


@pytest.fixture(scope="module")
def carried(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Carried:
    """Carries out the recipe of a method in a folder of runs, once for all tests."""
    runs = tmp_path_factory.mktemp("methods")

    @cache
    def carry_out(method: str, folder: str) -> tuple[Path, Run]:
        text = HEAD + "".join(METHODS[method])
        card = parse_card(text, "small.md")
        uses = {name: place for name, place in models.items() if name in text}
        return run_recipe(card, plan_recipe(card, None), TorchEngine(), runs / folder, uses=uses)

    return carry_out


def check_chain(stages: tuple[StageResult, ...]) -> None:
    """Each stage was taught by the first, and all after the first student began with what the one before left."""
    teacher, *students = stages
    assert teacher.teacher_sha256 is None
    assert [stage.teacher_sha256 for stage in students] == [teacher.weights_sha256] * len(students)
    for before, stage in itertools.pairwise(students):
        assert stage.student_sha256 == before.weights_sha256


@pytest.mark.parametrize("method", METHODS)
def test_a_method_runs_from_recipe_to_record(method: str, carried: Carried) -> None:
    folder, record = carried(method, "first")
    assert record.status == "finished"
    assert record.kind == ("retrained" if method == "finetune" else "distilled")
    assert [stage.name for stage in record.stages] == [stage.name for stage in record.recipe.stages]
    check_chain(record.stages)
    assert all(stage.steps == -(-stage.windows // 16) and stage.loss > 0 for stage in record.stages)
    assert len(json.loads((folder / "predictions.json").read_text())) == record.scores["total"] == 60


@pytest.mark.parametrize("method", METHODS)
def test_the_same_recipe_gives_the_same_weights_again(method: str, carried: Carried) -> None:
    (folder, record), (other, again) = carried(method, "first"), carried(method, "second")
    assert other != folder
    assert other.name == folder.name
    assert again.predictions_sha256 == record.predictions_sha256
    weights = sorted(folder.glob("stages/*/model/model.safetensors"))
    assert len(weights) == len(record.stages)
    for file in weights:
        assert file.read_bytes() == (other / file.relative_to(folder)).read_bytes()


def test_the_augmented_stage_sees_every_variant_of_every_question(carried: Carried) -> None:
    _, record = carried("three stages", "first")
    seen = {stage.name: (stage.questions, stage.augmented) for stage in record.stages}
    assert seen == {"teacher": (240, None), "general": (240, None), "task": (80, 3 * 80), "prediction": (240, None)}
    assert record.stages[2].windows >= 3 * 80
