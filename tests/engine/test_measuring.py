"""A recipe's parts measured: real steps, at the size of the recipe's models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from harness.cli import main
from harness.engine.measured_training import micro_batch_sizes
from harness.engine.measuring import describe_machine, measure_part, measure_recipe
from harness.evidence import open_card
from harness.measurements import Measured, Part, Plan, plan_measurements, recipe_cost
from harness.names.architectures import find_architecture
from harness.records import ModelRef, Recipe

pytestmark = pytest.mark.torch
CARDS = Path(__file__).resolve().parents[2] / "cards"


def recipe_of(card: str = "pocket__distilled") -> Recipe:
    return open_card(CARDS / card).recipe


def changed(**changes: object) -> Recipe:
    """The pocket student's recipe with other values in its last stage."""
    recipe = recipe_of()
    last = replace(recipe.stages[-1], **changes)
    return replace(recipe, stages=(*recipe.stages[:-1], last))


def test_a_card_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(CARDS / "pocket__teacher"), "--measure", "--json"]) == 0
    cost = json.loads(capsys.readouterr().out)
    (stage,) = cost["stages"]
    assert stage["problems"] == []
    assert (stage["windows"], stage["steps"]) == (24_000, 9_000)
    assert stage["disk"]["model"] == 4 * 212_802
    assert 10**8 < stage["measured"]["peak"] < 4 * 10**9
    assert 0 < stage["training_seconds"] <= cost["total"]["seconds"]
    assert cost["prediction_windows"] == 2000


def test_every_part_of_a_distillation() -> None:
    plan = plan_measurements(recipe_of(), {})
    seen: list[str] = []
    results = measure_recipe(plan, lambda what, done, total, note: seen.append(note), measure_part)
    assert [what for _, what in results] == ["training", "teacher", "training", "prediction"]
    assert all(isinstance(result, Measured) and result.seconds > 0 for result in results.values())
    assert seen[0] == "training of teacher"
    cost = recipe_cost(plan, results, describe_machine())
    assert all(stage.seconds for stage in cost.stages)
    assert cost.machine.memory > 10**9


@pytest.mark.parametrize("padding", ["longest", "fixed"])
@pytest.mark.parametrize("target", ["probabilities", "scores"])
def test_a_distillation_of_states_by_augmented_data(padding: str, target: str) -> None:
    recipe = changed(
        kind="distil_hidden",
        padding=padding,
        attention_target=target,
        student_layers=(1,),
        student=ModelRef("pocket/roberta-2x64"),
        augment="farm",
        masked_lm=ModelRef("pocket/masked-lm"),
    )
    plan = plan_measurements(recipe, {})
    parts = [part for part in plan.parts if part.name == "student"]
    assert [part.what for part in parts] == ["masking", "training"]
    masking, training = (measure_part(part) for part in parts)
    assert isinstance(masking, Measured)
    assert isinstance(training, Measured)
    assert training.trained < training.parameters == 162_818


@pytest.mark.parametrize(
    "name",
    [
        "google/bert_uncased_L-2_H-128_A-2",
        "deberta-v3-small",
        "electra-small",
        "distilbert-base-uncased",
        "albert-base",
    ],
)
def test_known_architectures_can_be_built(name: str) -> None:
    from harness.engine.made_up import build_model

    architecture = find_architecture(name)
    assert architecture is not None
    recipe = changed(kind="finetune", teacher=None, student=ModelRef(name))
    part = plan_measurements(recipe, {}).parts[-2]
    small = {"vocab_size": 100, "hidden_size": 32, "dim": 32, "num_attention_heads": 2, "n_heads": 2}
    used = {key: small.get(key, value) for key, value in part.model.config.items()}
    shape = replace(part.model, config=used, layers=1)
    assert build_model(shape).config.num_hidden_layers == 1
    assert isinstance(measure_part(replace(part, model=shape)), Measured)


def test_sizes_of_published_models() -> None:
    import torch

    from harness.engine.made_up import build_model

    known = {"roberta-base": 124_056_578, "xlm-roberta-base": 277_454_594, "bert-base-uncased": 108_893_186}
    for name, parameters in known.items():
        shape = plan_measurements(changed(student=ModelRef(name)), {}).stages[-1].student
        assert shape is not None
        with torch.device("meta"):
            assert build_model(shape).num_parameters() == parameters


def test_tinybert_sentences() -> None:
    recipe = changed(augment="tinybert", masked_lm=ModelRef("pocket/masked-lm"))
    part = next(part for part in plan_measurements(recipe, {}).parts if part.what == "masking")
    assert isinstance(measure_part(part), Measured)


def test_impossible_parts_are_explained() -> None:
    half = plan_measurements(changed(precision="float16"), {}).parts[-2]
    assert isinstance(measure_part(half), str) or describe_machine().device != "cpu"
    part = plan_measurements(recipe_of(), {}).parts[-2]
    nonsense = replace(part.model, config={"model_type": "no-such-model"})
    assert str(measure_part(replace(part, model=nonsense))).startswith("not measured: KeyError")
    assert "max_seq_len" in str(measure_part(replace(part, tokens=2000)))


def test_time_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_measurements(recipe_of(), {})
    monkeypatch.setattr("harness.engine.measuring.MINUTES", 0.0)
    assert all("minutes" in str(result) for result in measure_recipe(plan).values())
    monkeypatch.setattr("harness.engine.measuring.MINUTES", 1e-5)
    one: Plan = replace(plan, stages=(), prediction=plan.prediction)
    (part,) = one.parts
    assert isinstance(part, Part)
    assert "took more than" in str(measure_recipe(one)[part.name, part.what])


def test_large_models_take_two_windows_at_once() -> None:
    assert micro_batch_sizes(2) == ((1, 1, 2), (2, 2, 2), (2, 2, 2))
