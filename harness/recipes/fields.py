"""The fields of a recipe: what each is called, and for which stages it means anything."""

from __future__ import annotations

import re

from harness import names
from harness.records import Stage

DECODING = ("n_best", "max_answer_length", "null_threshold")
RECIPE_LEVEL = frozenset({"eval_data", *DECODING})
"""Settings of the whole recipe: in a block of a stage only if it is the last one."""

FEATURES = (
    *("protocol", "max_seq_len", "doc_stride", "doc_stride_is", "max_query_length"),
    *("lower_case", "space_words", "label_faults", "padding"),
)
TRAINING = (
    *("epochs", "batch_size", "order", "learning_rate", "lr_schedule", "warmup_proportion"),
    *(
        "warmup_rounding",
        "optimizer",
        "adam_beta1",
        "adam_beta2",
        "adam_epsilon",
        "weight_decay",
        "weight_decay_on",
        "max_grad_norm",
    ),
    *("dropout", "head_dropout", "precision", "tf32", "seed"),
)
LOSS = (
    *("temperature", "distillation_loss_weight", "distillation_loss", "hidden_loss_weight"),
    *("attention_target", "layer_map", "loss_scale"),
)
MODEL = ("student_layers", "student_weights")
AUGMENTATION = (
    *("augment", "augment_factor", "augment_candidates", "augment_probability"),
    *("masked_lm", "word_vectors"),
)
STAGE_FIELDS = ("profile", *MODEL, *AUGMENTATION, *FEATURES, *TRAINING, *LOSS)
"""Fields of a stage that a profile fills where nobody states them."""
FIELDS = ("stage", "kind", "student", "teacher", "train_data", "eval_data", *STAGE_FIELDS, *DECODING)
"""Settings that a block with a ``stage`` line, an assumption or an override may give."""
SHARED = ("protocol", "max_seq_len", "doc_stride", "doc_stride_is", "max_query_length", "lower_case", "space_words")
"""Fields of the last stage that hold for the evaluation as well."""

OF_ANY_CARD = frozenset(
    {
        *("kind", "student", "teacher", "train_data", "eval_data", *DECODING),
        *("epochs", "batch_size", "learning_rate", "lr_schedule", "warmup_proportion", "weight_decay"),
        *("adam_beta1", "adam_beta2", "adam_epsilon", "max_grad_norm"),
        *("max_seq_len", "doc_stride", "max_query_length", "temperature", "distillation_loss_weight", "seed"),
    }
)
"""Fields that also a card not written for this program states, under these names."""

_SHORT = {"data": "train_data", "evaluation": "eval_data"}
_SPELLINGS = {re.sub(r"[\s-]+", "_", name): name for name in FIELDS}


def field_name(text: str) -> str | None:
    """The canonical name of a field as stage blocks, assumptions and overrides write it, or None."""
    name = _SHORT.get(text) or _SPELLINGS.get(re.sub(r"[\s-]+", "_", text.casefold())) or names.setting_name(text)
    return name if name in FIELDS else None


def without_effect(stage: Stage) -> dict[str, str]:
    """Fields that mean nothing in a stage -> why."""
    idle: dict[str, str] = {}
    if stage.kind != "distil_logits":
        of_logits = ("temperature", "distillation_loss_weight", "distillation_loss", "hidden_loss_weight")
        idle |= dict.fromkeys(of_logits, f"the kind {stage.kind} has no such loss")
    if stage.kind == "finetune" or (stage.kind == "distil_logits" and not stage.hidden_loss_weight):
        idle |= dict.fromkeys(("attention_target", "layer_map"), "no hidden layers are compared")
    if stage.kind == "distil_hidden":
        idle |= dict.fromkeys(("head_dropout", "label_faults"), "no answers are learned")
    if stage.dropout is None:
        idle["dropout"] = "the model keeps its own"
    if stage.lr_schedule == "constant":
        idle |= dict.fromkeys(("warmup_proportion", "warmup_rounding"), "a constant rate does not warm up")
    if stage.augment == "none":
        idle |= dict.fromkeys(AUGMENTATION[1:], "no data are made")
    if stage.protocol != "run_squad":
        idle["space_words"] = f"the protocol {stage.protocol} does not tokenize word by word"
    return idle
