"""Profiles: what is taken where nobody states a value, and which profile a card's words point to."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from harness.cards import parse_card
from harness.recipes import plan_recipe
from harness.recipes.fields import AUGMENTATION, DECODING, FEATURES, LOSS, MODEL, STAGE_FIELDS, TRAINING
from harness.recipes.profiles import PROFILES, find_default
from harness.recipes.suggest import suggest_profile
from harness.records import Card, Decoding, Recipe, Stage, StageKind

DOCS = Path(__file__).resolve().parents[1] / "docs"
KINDS: tuple[StageKind, ...] = ("finetune", "distil_logits", "distil_hidden")


def card(text: str) -> Card:
    return parse_card(f"---\nlanguage: en\n---\n\n{text}\n", "card.md")


def planned(profile: str, kind: StageKind = "finetune", **values: str) -> Recipe:
    lines = ['stage = "a"', 'base_model = "o/s"', 'train_data = "squad:train"', f"kind = {kind}"]
    lines += [] if kind == "finetune" else ['teacher = "o/t"']
    lines += [f"profile = {profile}", *(f"{name} = {value}" for name, value in values.items())]
    return plan_recipe(card("```\n" + "\n".join(lines) + "\n```"))


def stage(profile: str, kind: StageKind = "finetune", **values: str) -> Stage:
    return planned(profile, kind, **values).stages[0]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_default_that_can_be_read(profile: str, kind: StageKind) -> None:
    made = stage(profile, kind)
    assert all(find_default(profile, kind, name).source for name in (*STAGE_FIELDS, *DECODING))
    assert made.profile == profile
    named = {*("profile", "kind", "student", "teacher", "data", "name", "origins"), *STAGE_FIELDS}
    assert named == {field.name for field in dataclasses.fields(Stage)}


@pytest.mark.parametrize("kind", KINDS)
def test_modern_is_what_the_records_take(kind: StageKind) -> None:
    made = stage("modern", kind)
    fields = {f.name: f.default for f in dataclasses.fields(Stage) if f.default is not dataclasses.MISSING}
    assert {name: getattr(made, name) for name in fields} == fields
    assert planned("modern", kind).decoding == Decoding()
    assert (made.epochs, made.batch_size, made.learning_rate, made.warmup_proportion) == (2, 32, 3e-5, 0.1)


@pytest.mark.parametrize(
    ("kind", "epochs", "rate"), [("finetune", 2, 1e-5), ("distil_logits", 2, 3e-5), ("distil_hidden", 5, 5e-5)]
)
def test_farm(kind: StageKind, epochs: int, rate: float) -> None:
    made = stage("farm-1.x", kind)
    assert (made.epochs, made.learning_rate, made.batch_size, made.warmup_proportion) == (epochs, rate, 10, 0.2)
    assert (made.protocol, made.max_seq_len, made.doc_stride, made.doc_stride_is) == ("farm", 256, 128, "step")
    assert (made.max_query_length, made.label_faults, made.padding, made.order) == (64, True, "fixed", "random")
    assert (made.head_dropout, made.weight_decay, made.weight_decay_on) == (0.1, 0.01, "all")
    assert (made.optimizer, made.adam_beta1, made.adam_beta2, made.adam_epsilon) == ("adamw", 0.9, 0.999, 1e-8)
    assert (made.max_grad_norm, made.lr_schedule, made.seed, made.precision) == (1.0, "linear", 42, "float32")
    assert (made.tf32, made.distillation_loss, made.attention_target) == (False, "kl", "probabilities")
    assert (made.temperature, made.distillation_loss_weight, made.loss_scale) == (1.0, 0.5, 1.0)
    assert (made.augment, made.augment_candidates, made.augment_factor, made.augment_probability) == (
        "none", 20, 20, 0.4)  # fmt: skip


def test_farm_decides_as_its_reader_did() -> None:
    recipe = planned("farm-1.x")
    decoding = recipe.decoding
    assert (decoding.protocol, decoding.n_best, decoding.max_answer_length) == ("farm", 4, 1000)
    assert (decoding.null_threshold, decoding.max_seq_len, decoding.doc_stride_is) == (0.0, 256, "step")
    assert recipe.origins["protocol"].note.startswith("farm-haystack 1.2, ")


@pytest.mark.parametrize(("profile", "space_words"), [("run_squad-3.0", False), ("run_squad-3.4", True)])
def test_run_squad(profile: str, space_words: bool) -> None:
    recipe = planned(profile)
    (made,) = recipe.stages
    assert (made.epochs, made.batch_size, made.learning_rate, made.warmup_proportion) == (3, 8, 5e-5, 0.0)
    assert (made.weight_decay, made.weight_decay_on, made.optimizer) == (0.0, "weights", "adamw_transformers_3")
    assert (made.protocol, made.doc_stride_is, made.max_query_length) == ("run_squad", "step", 64)
    assert (made.padding, made.order, made.head_dropout) == ("fixed", "random", 0.0)
    assert (made.lower_case, made.space_words) == (False, space_words)
    decoding = recipe.decoding
    assert (decoding.protocol, decoding.n_best, decoding.max_answer_length) == ("run_squad", 20, 30)
    assert decoding.space_words is space_words


def test_run_qa() -> None:
    recipe = planned("run_qa")
    (made,) = recipe.stages
    assert (made.epochs, made.batch_size, made.learning_rate, made.warmup_proportion) == (3, 8, 5e-5, 0.0)
    assert (made.weight_decay, made.optimizer, made.doc_stride_is) == (0.0, "adamw", "overlap")
    assert (made.max_query_length, made.label_faults, made.padding, made.order) == (None, True, "fixed", "random")
    assert recipe.decoding == Decoding(max_query_length=None)


def test_any_piece_can_be_set_alone() -> None:
    made = stage("farm-1.x", padding="longest", epochs="7", doc_stride_is="overlap")
    assert (made.padding, made.epochs, made.doc_stride_is, made.order) == ("longest", 7, "overlap", "random")


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        ('```\nbase_LM_model = "a/b"\nn_epochs = 2\nbatch_size = 8\n```', "farm-1.x"),
        ("```\nlr_schedule = LinearWarmup\nn_epochs = 2\n```", "farm-1.x"),
        ("```bash\npython run_squad.py --num_train_epochs 2\n```", "run_squad-3.0"),
        ("```bash\npython run_qa.py --num_train_epochs 2\n```", "run_qa"),
        ("- learning_rate: 2e-05\n- train_batch_size: 8\n- eval_batch_size: 8\n- lr_scheduler_type: linear", "run_qa"),
        ("```\nepochs = 2\nlearning_rate = 3e-5\n```", None),
        ("Find the needle in the haystack.", None),
    ],
)
def test_suggested_profile(text: str, profile: str | None) -> None:
    found = suggest_profile(card(text))
    assert (found.profile if found else None) == profile
    if found:
        assert all(line.startswith("line ") for line in found.evidence)
        assert (found.other == "run_squad-3.4") is (profile == "run_squad-3.0")


def test_the_table_in_the_documents_is_that_of_the_code() -> None:
    sys.path.insert(0, str(DOCS))
    try:
        from make_profiles import page, table
    finally:
        sys.path.pop(0)
    text = (DOCS / "recipes.md").read_text("utf-8")
    assert text == page(text), "run python docs/make_profiles.py"
    for name in (*FEATURES, *TRAINING, *LOSS, *MODEL, *AUGMENTATION, *DECODING):
        assert f"| `{name}` |" in table()
