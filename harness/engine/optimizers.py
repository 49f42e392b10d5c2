"""Optimizers and parameter groups that the published recipes used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from harness.records import Stage


def make_optimizer(stage: Stage, model: nn.Module, decayed: Sequence[str]) -> torch.optim.Optimizer:
    """The stage's optimizer over the parameters that train.

    Args:
        stage: With rate, betas, epsilon, decay and what the decay is on.
        model: Its parameters without gradient are left out.
        decayed: Names of the parameters that are neither biases nor norms.
    """
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    chosen = {name for name, _ in named} if stage.weight_decay_on == "all" else set(decayed)
    groups = [
        {"params": [p for name, p in named if name in chosen], "weight_decay": stage.weight_decay},
        {"params": [p for name, p in named if name not in chosen], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    betas = stage.adam_beta1, stage.adam_beta2
    if stage.optimizer == "adamw_transformers_3":
        return AdamWTransformers3(groups, lr=stage.learning_rate, betas=betas, eps=stage.adam_epsilon)
    return torch.optim.AdamW(groups, lr=stage.learning_rate, betas=betas, eps=stage.adam_epsilon, fused=True)


class AdamWTransformers3(torch.optim.Optimizer):
    """AdamW as transformers 3 computed it, with bias correction.

    It differs from `torch.optim.AdamW` in two places: epsilon is added to the square root before the second moment is
    corrected for its bias, and weights decay after the update, by what they are then.
    """

    def __init__(
        self,
        params: Iterable[dict[str, Any]],
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float = 0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every parameter that has a gradient."""
        loss = None if closure is None else closure()
        with torch.no_grad():
            self._update_groups()
        return loss

    def _update_groups(self) -> None:
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            for parameter in parameters:
                state = self.state[parameter]
                if not state:
                    state["step"] = torch.zeros(())
                    state["exp_avg"] = torch.zeros_like(parameter)
                    state["exp_avg_sq"] = torch.zeros_like(parameter)
            _update(parameters, [self.state[parameter] for parameter in parameters], group)


def _update(parameters: list[torch.Tensor], states: list[dict[str, torch.Tensor]], group: dict[str, Any]) -> None:
    if not parameters:
        return
    first, second = group["betas"]
    gradients = [parameter.grad for parameter in parameters]
    means, squares = [state["exp_avg"] for state in states], [state["exp_avg_sq"] for state in states]
    torch._foreach_mul_(means, first)
    torch._foreach_add_(means, gradients, alpha=1 - first)
    torch._foreach_mul_(squares, second)
    torch._foreach_addcmul_(squares, gradients, gradients, value=1 - second)
    denominators = torch._foreach_sqrt(squares)
    torch._foreach_add_(denominators, group["eps"])
    for parameter, state, mean, denominator in zip(parameters, states, means, denominators, strict=True):
        state["step"] += 1
        step = int(state["step"])
        size = group["lr"] * (1 - second**step) ** 0.5 / (1 - first**step)
        parameter.addcdiv_(mean, denominator, value=-size)
        if group["weight_decay"] > 0:
            parameter.add_(parameter, alpha=-group["lr"] * group["weight_decay"])
