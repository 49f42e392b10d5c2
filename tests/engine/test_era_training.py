"""Losses, optimizers and schedules equal what the eras' own code came to; see tests/data/eras/README.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
import torch
from torch import nn
from transformers import get_linear_schedule_with_warmup

from harness.engine import hidden
from harness.engine.distil import SpanLogits, distillation_loss, span_cross_entropy, span_divergence
from harness.engine.optimizers import make_optimizer
from harness.records import Stage

pytestmark = pytest.mark.torch
ERAS = Path(__file__).parents[1] / "data" / "eras"
LOSSES = json.loads((ERAS / "losses.json").read_text("utf-8"))
OPTIMIZERS = json.loads((ERAS / "optimizers.json").read_text("utf-8"))


def spans(logits: list[Any]) -> SpanLogits:
    return SpanLogits(*torch.tensor(logits, dtype=torch.float64).unbind(dim=2))


@pytest.mark.parametrize("case", LOSSES["qa"], ids=lambda case: f"tau {case['tau']}")
def test_question_answering_loss_of_farm(case: dict[str, Any]) -> None:
    """Dropout and linear layer left out: the recorded hidden states are the logits before tau."""
    logits = SpanLogits(*(part / case["tau"] for part in spans(case["hidden"])))
    start, end = (torch.tensor([rows[0][i] for rows in case["labels"]]) for i in (0, 1))
    losses = span_cross_entropy(logits, start, end)
    assert losses.tolist() == pytest.approx(case["per_window"], abs=1e-5)
    assert losses.mean().item() == pytest.approx(case["loss"], abs=1e-5)


@pytest.mark.parametrize("case", LOSSES["distillation"], ids=lambda c: f"T {c['temperature']}, w {c['weight']}")
def test_prediction_layer_loss_of_haystack(case: dict[str, Any]) -> None:
    table = torch.tensor(case["student"], dtype=torch.float64, requires_grad=True)
    student, teacher = SpanLogits(*table.unbind(dim=2)), spans(case["teacher"])
    labels = torch.tensor(case["labels"])
    start, end = (labels[:, 0, 0], labels[:, 0, 1]) if labels.dim() == 3 else labels.unbind(dim=1)
    loss = distillation_loss(
        student, teacher, start, end, temperature=case["temperature"], weight=case["weight"]
    ).mean()
    assert loss.item() == pytest.approx(case["loss"], abs=1e-5)
    if case.get("kl") is not None:
        kl = span_divergence(student, teacher, case["temperature"]).mean().item()
        assert kl == pytest.approx(case["kl"], abs=1e-5)
    loss.backward()
    assert table.grad is not None
    assert table.grad.flatten().tolist() == pytest.approx(torch.tensor(case["gradient"]).flatten().tolist(), abs=1e-5)


@pytest.mark.parametrize("number", range(len(LOSSES["intermediate"])))
def test_intermediate_loss_of_haystack(number: int) -> None:
    case = LOSSES["intermediate"][number]

    def read(who: str, what: str) -> tuple[torch.Tensor, ...]:
        return tuple(torch.tensor(flat).reshape(case[f"{what}_shape"]) for flat in case[f"{who}_{what}"])

    ours, theirs = read("student", "hidden"), read("teacher", "hidden")
    layers = hidden.map_layers(len(ours) - 1, len(theirs) - 1)
    loss = hidden.hidden_state_loss(ours, theirs, layers) + hidden.attention_loss(
        read("student", "attention"), read("teacher", "attention"), layers
    )
    assert loss.mean().item() == pytest.approx(case["loss"], rel=1e-5)


def stage(**changes: Any) -> Stage:
    fields: dict[str, Any] = dict.fromkeys(
        (
            *("name", "kind", "student", "teacher", "epochs", "batch_size", "lr_schedule", "warmup_proportion"),
            *("max_grad_norm", "max_seq_len", "doc_stride", "max_query_length", "temperature", "seed"),
            *("distillation_loss_weight", "data"),
        )
    )
    return Stage(**{**fields, "adam_beta2": 0.999, "weight_decay": 0.0, **changes})


def check_steps(case: dict[str, Any], chosen: Stage, decayed: list[str]) -> None:
    model = nn.Module()
    for name, values in case["start"].items():
        model.register_parameter(name, nn.Parameter(torch.tensor(values)))
    optimizer = make_optimizer(chosen, model, decayed)
    for step in case["steps"]:
        for group in optimizer.param_groups:
            group["lr"] = step["rate"]
        for name, parameter in model.named_parameters():
            parameter.grad = torch.tensor(step["gradients"][name])
        optimizer.step()
        for name, parameter in model.named_parameters():
            assert parameter.flatten().tolist() == pytest.approx(
                torch.tensor(step["values"][name]).flatten().tolist(), abs=2e-7, rel=2e-7
            )


def test_optimizer_of_farm() -> None:
    case = OPTIMIZERS["farm-1.x"]
    assert case["class"] == "torch.optim.AdamW"
    assert [group["parameters"] for group in case["groups"]] == [len(case["start"])]
    decay = case["groups"][0]["weight_decay"]
    chosen = stage(learning_rate=case["learning_rate"], weight_decay=decay, weight_decay_on="all")
    check_steps(case, chosen, [])


@pytest.mark.parametrize("number", range(len(OPTIMIZERS["run_squad-3.0"])))
def test_optimizer_of_run_squad(number: int) -> None:
    case = OPTIMIZERS["run_squad-3.0"][number]
    chosen = stage(
        learning_rate=case["learning_rate"],
        weight_decay=case.get("weight_decay", 0.0),
        optimizer="adamw_transformers_3",
        weight_decay_on="weights",
    )
    check_steps(case, chosen, ["weight"])


@pytest.mark.parametrize("profile", ["farm-1.x", "run_squad-3.0"])
def test_schedules(profile: str) -> None:
    """The Trainer's linear schedule with the warmup steps that `harness.engine.train` gives it."""
    for case in OPTIMIZERS[f"{profile}-schedules"]:
        steps = len(case["factors"])
        warmup = case["warmup_steps"] if "warmup_steps" in case else int(case["warmup"] * steps)
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule = get_linear_schedule_with_warmup(optimizer, warmup, steps)
        found = []
        for _ in case["factors"]:
            found.append(schedule.get_last_lr()[0])
            optimizer.step()
            schedule.step()
        assert found == pytest.approx(case["factors"], abs=1e-6)
