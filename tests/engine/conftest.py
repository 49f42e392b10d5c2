"""Tiny models and easy questions for the tests that train and predict."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.records import Answer, Decoding, Question, Stage

PLACES = ("Orvel", "Tamsin", "Brako", "Lindow", "Quarrel", "Sundby")
PEOPLE = ("Ada Merk", "Bo Tull", "Cleo Vant", "Dag Ruiz", "Eva Pons", "Finn Odd")


def easy_questions(count: int, seed: int = 0) -> list[Question]:
    """Questions about who founded a place; every third has no answer in its context."""
    generator = random.Random(seed)
    made = []
    for i in range(count):
        place, other = generator.sample(PLACES, 2)
        person = generator.choice(PEOPLE)
        context = f"{place} lies by the sea. It was founded by {person} in {generator.randint(1000, 1999)}."
        asked = other if i % 3 == 0 else place
        answers = () if asked != place else (Answer(person, context.index(person)),)
        made.append(
            Question(f"q{seed}-{i}", f"0:{i}", context, f"Who founded {asked}?", answers, impossible=not answers)
        )
    return made


@pytest.fixture(scope="session")
def texts() -> list[str]:
    return [f"{place} was founded by {person}." for place, person in itertools.product(PLACES, PEOPLE)]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Callable[..., Path]:
    """Build an untrained model once per name and seed."""
    pytest.importorskip("torch")
    from harness.engine import TorchEngine

    built: dict[tuple[str, int], Path] = {}

    def make(name: str = "pocket/roberta-2x32", seed: int = 0) -> Path:
        if (name, seed) not in built:
            built[name, seed] = tmp_path_factory.mktemp("base") / "model"
            TorchEngine().build_base(name, texts, seed, built[name, seed])
        return built[name, seed]

    return make


@pytest.fixture(scope="session")
def make_questions() -> Callable[..., list[Question]]:
    return easy_questions


@pytest.fixture
def questions() -> list[Question]:
    return easy_questions(24)


@pytest.fixture
def decoding() -> Decoding:
    return Decoding(max_seq_len=96, doc_stride=16, max_query_length=24)


@pytest.fixture
def make_stage() -> Callable[..., Stage]:
    """A quick fine-tuning stage; keyword arguments change its fields."""

    def make(**changes: Any) -> Stage:
        fields: dict[str, Any] = {
            "name": "tiny",
            "kind": "finetune",
            "student": None,
            "teacher": None,
            "data": (),
            "epochs": 1,
            "batch_size": 8,
            "learning_rate": 3e-3,
            "lr_schedule": "linear",
            "warmup_proportion": 0.1,
            "weight_decay": 0.01,
            "adam_beta2": 0.98,
            "max_grad_norm": 1.0,
            "max_seq_len": 96,
            "doc_stride": 16,
            "max_query_length": 24,
            "temperature": 1.0,
            "distillation_loss_weight": 0.5,
            "seed": 7,
        }
        return Stage(**(fields | changes))

    return make


@pytest.fixture
def sharp(build: Callable[..., Path], tmp_path: Path) -> Path:
    """An untrained model with large random weights, whose logits differ clearly from token to token."""
    import torch

    from harness.engine.loading import load_model, load_tokenizer, save

    model = load_model(build())
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    save(model, load_tokenizer(build()), tmp_path / "sharp")
    return tmp_path / "sharp"
