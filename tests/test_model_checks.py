"""What configurations and vocabularies say against a recipe, stages followed back to what they began as."""

from __future__ import annotations

import json

import pytest
from test_pipeline import stage

from harness.errors import RecipeError
from harness.model_checks import check_models
from harness.records import DataRef, Decoding, ModelRef, Recipe


@pytest.fixture
def models(tmp_path):
    made = {}
    for name, layers, heads, word in (
        ("base", 12, 12, "a"),
        ("large", 24, 16, "a"),
        ("other", 12, 12, "b"),
        ("odd", 5, 12, "a"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        config = {"num_hidden_layers": layers, "num_attention_heads": heads}
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        (folder / "vocab.txt").write_text(f"[PAD]\n[UNK]\n{word}\n", "utf-8")
        made[ModelRef(name)] = folder
    return made


def recipe(*changes):
    plain = {"student": ModelRef("base"), "teacher": None, "kind": "finetune", "data": (DataRef("pocket", "train"),)}
    stages = [stage(**(plain | {"name": f"s{n}"} | change)) for n, change in enumerate(changes)]
    return Recipe(tuple(stages), DataRef("pocket", "validation"), Decoding())


def distils(kind, teacher, student="s0", **more):
    return {"kind": kind, "teacher": ModelRef(teacher), "student": ModelRef(student), **more}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (distils("distil_logits", "other"), "same vocabulary"),
        (distils("distil_hidden", "large"), "12 attention heads, expected the 16"),
        (distils("distil_hidden", "odd"), "12 layers do not divide the 5"),
        (distils("distil_hidden", "base", student_layers=(2, 13)), "layer 13"),
        (distils("distil_logits", "large", hidden_loss_weight=1.0), "attention heads"),
    ],
)
def test_a_later_stage_is_held_against_what_its_models_began_as(models, change, message):
    with pytest.raises(RecipeError, match=message):
        check_models(recipe({}, change), models)


def test_what_fits_passes(models):
    half = {"student_layers": (2, 4, 6, 8, 10, 12)}
    check_models(recipe(distils("distil_hidden", "base", "base", **half), distils("distil_logits", "large")), models)
    check_models(recipe({}, distils("distil_hidden", "odd", layer_map=(1,) * 12)), models)
    check_models(recipe({"student": ModelRef("pocket/roberta-2x64")}), models)
