"""The model that a stage's training starts from: a checkpoint, some of its layers, or its configuration alone."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForQuestionAnswering, PreTrainedModel

from harness.engine.architectures import adapt
from harness.engine.loading import load_model, quiet, refuse_kernels
from harness.errors import ModelError, RecipeError
from harness.records import Stage


def load_student(folder: Path, stage: Stage) -> PreTrainedModel:
    """The student as the stage says, on the CPU; a fresh head or fresh weights come from torch's random state.

    Raises:
        ModelError: the folder is no usable model.
        RecipeError: it does not have the layers that the stage names, or no head that dropout can stand before.
    """
    if stage.student_weights == "random":
        return with_dropouts(_fresh(folder, len(stage.student_layers)), stage)
    model = load_model(folder, fresh_head=True)
    if stage.student_layers:
        model = take_layers(model, stage.student_layers)
    return with_dropouts(model, stage)


def with_dropouts(model: PreTrainedModel, stage: Stage) -> PreTrainedModel:
    """The model with the dropouts that the stage says; its weights and its configuration stay the same.

    Raises:
        RecipeError: its head is not a single linear layer.
    """
    if stage.dropout is not None:
        set_dropout(model, stage.dropout)
    return with_head_dropout(model, stage.head_dropout)


def set_dropout(model: PreTrainedModel, probability: float) -> None:
    """Set every dropout inside a model, of modules and of those numbers that modules hand to functions."""
    for module in list(model.modules()):
        if isinstance(module, nn.Dropout):
            module.p = probability
        for name, value in vars(module).items():
            if type(value) in (int, float) and "dropout" in name:
                setattr(module, name, probability)
        for name, child in module.named_children():
            if isinstance(child, nn.Identity) and "drop" in name:  # where the configuration says 0, as ModernBERT's
                setattr(module, name, nn.Dropout(probability).train(module.training))


def take_layers(model: PreTrainedModel, layers: Sequence[int]) -> PreTrainedModel:
    """A model of some of a model's layers, counted from 1, with everything else as it is.

    Raises:
        RecipeError: there is no such layer.
        ModelError: the architecture keeps its layers in another way than encoders do.
    """
    path, there = _find_layers(model)
    if not all(1 <= layer <= there for layer in layers):
        raise RecipeError(
            f"student_layers: found {list(layers)}, expected layers from 1 to {there}, which is all the model has; "
            "correct them",
            field="student_layers",
        )
    each = [name for name, value in model.config.to_dict().items() if isinstance(value, list) and len(value) == there]
    if each:
        raise ModelError(
            f"student_layers: found a {model.config.model_type} model whose layers differ ({each[0]}), expected an "
            "encoder of like layers such as BERT or RoBERTa; choose another student"
        )
    config = copy.deepcopy(model.config)
    config.num_hidden_layers = len(layers)
    with quiet():
        smaller = type(model)(config)
    kept = {f"{path}.{old - 1}.": f"{path}.{new}." for new, old in enumerate(layers)}
    pattern = re.compile(rf"{re.escape(path)}\.\d+\.")
    weights = {}
    for name, tensor in model.state_dict().items():
        match = pattern.match(name)
        if match is None:
            weights[name] = tensor
        elif match[0] in kept:
            weights[kept[match[0]] + name[match.end() :]] = tensor
    smaller.load_state_dict(weights)
    adapt(smaller)
    return smaller.eval()


def with_head_dropout(model: PreTrainedModel, probability: float) -> PreTrainedModel:
    """The model with dropout before its question-answering head while it trains; its weights stay the same.

    Raises:
        RecipeError: its head is not a single linear layer.
    """
    if probability:
        head = getattr(model, "qa_outputs", None)
        if not isinstance(head, nn.Linear):
            raise RecipeError(
                f"head_dropout: found a {model.config.model_type} model, whose head is not one linear layer, expected "
                "one that is; set head_dropout to 0",
                field="head_dropout",
            )
        head.register_forward_pre_hook(
            lambda module, inputs: (nn.functional.dropout(inputs[0], probability, module.training),)
        )
    return model


def _fresh(folder: Path, layers: int) -> PreTrainedModel:
    try:
        with quiet():
            refuse_kernels(folder)
            config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
            if layers:
                config.num_hidden_layers = layers
            config.num_labels = 2
            model = AutoModelForQuestionAnswering.from_config(config, trust_remote_code=False, dtype=torch.float32)
    except Exception as error:  # the files are untrusted: whatever they break, the folder is unusable
        detail = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        raise ModelError(
            f"{folder}: found a config.json that gives no question-answering model ({detail}), expected one of a known "
            "encoder; give another folder",
            model=str(folder),
        ) from error
    adapt(model)
    return model


def _find_layers(model: PreTrainedModel) -> tuple[str, int]:
    """The name of the list of layers, and how many there are."""
    wanted = getattr(model.config, "num_hidden_layers", 0)
    found = [
        name for name, module in model.named_modules() if isinstance(module, nn.ModuleList) and len(module) == wanted
    ]
    if not found:
        raise ModelError(
            f"student_layers: found a {model.config.model_type} model without one list of its {wanted} layers, "
            "expected an encoder such as BERT or RoBERTa; choose another student"
        )
    return found[0], wanted
