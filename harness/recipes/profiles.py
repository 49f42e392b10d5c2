"""Profiles: what is taken where nobody states a value, era by era.

A profile is a table of fields. What it does not name it takes from ``modern``, which is today's usual settings and not
what any one card used; an audit therefore lists what was taken by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from harness.recipes.values import Value
from harness.records import Decoding, StageKind


@dataclass(frozen=True, slots=True)
class Default:
    """A value taken where nobody states one, and where it comes from."""

    value: Value
    source: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What an era's code did unless told otherwise."""

    about: str
    values: Mapping[str, Default]
    by_kind: Mapping[StageKind, Mapping[str, Default]] = field(default_factory=dict)
    """Values that go before `values` in a stage of that kind."""

    def default(self, name: str, kind: StageKind) -> Default:
        """What the profile takes for a field."""
        for table in (self.by_kind.get(kind, {}), self.values):
            if name in table:
                return table[name]
        return _MODERN[name]


def find_default(profile: str, kind: StageKind, name: str) -> Default:
    """What a profile takes for a field of a stage of that kind, or of the evaluation."""
    if name == "profile":
        return Default(MODERN, "this project's own settings")
    return PROFILES[profile].default(name, kind)


def read_profile(value: Value) -> str:
    """The name of a profile; `ValueError` lists them."""
    if isinstance(value, str) and value.strip() in PROFILES:
        return value.strip()
    raise ValueError(f"one of {', '.join(PROFILES)}")


MODERN = "modern"
FARM = "farm-1.x"
_BERT = "google-research/bert run_squad.py"
_HAYSTACK = "haystack 1.x distil_prediction_layer_from"
_OURS = "this project"
_TINYBERT = "the TinyBERT paper"

_MODERN: dict[str, Default] = {
    "epochs": Default(2, f"{_HAYSTACK}; the SQuAD example of transformers"),
    "batch_size": Default(32, _BERT),
    "learning_rate": Default(3e-5, f"{_HAYSTACK}; the SQuAD example of transformers"),
    "lr_schedule": Default("linear", f"{_BERT}; transformers Trainer"),
    "warmup_proportion": Default(0.1, _BERT),
    "weight_decay": Default(0.01, f"{_BERT}; haystack 1.x"),
    "adam_beta2": Default(0.999, "torch.optim.AdamW"),
    "max_grad_norm": Default(1.0, f"{_BERT}; transformers Trainer"),
    "max_seq_len": Default(384, _BERT),
    "doc_stride": Default(128, _BERT),
    "max_query_length": Default(64, _BERT),
    "temperature": Default(1.0, _HAYSTACK),
    "distillation_loss_weight": Default(0.5, _HAYSTACK),
    "seed": Default(42, "haystack 1.x; transformers run_squad.py"),
    "n_best": Default(Decoding().n_best, "transformers run_qa.py"),
    "max_answer_length": Default(Decoding().max_answer_length, "transformers run_qa.py"),
    "null_threshold": Default(Decoding().null_threshold, "transformers run_qa.py"),
    "protocol": Default("run_qa", "transformers run_qa.py"),
    "doc_stride_is": Default("overlap", "transformers run_qa.py"),
    "lower_case": Default(False, f"{_OURS}: the tokenizer knows its case"),
    "space_words": Default(True, "transformers run_squad.py from 3.4"),
    "label_faults": Default(False, f"{_OURS}: labels are where the answers are"),
    "padding": Default("longest", f"{_OURS}: padding is never looked at"),
    "order": Default("grouped", f"{_OURS}: windows of like lengths together"),
    "dropout": Default("own", "the checkpoint's configuration"),
    "head_dropout": Default(0.0, "transformers question-answering heads"),
    "optimizer": Default("adamw", "torch.optim.AdamW"),
    "adam_beta1": Default(0.9, "torch.optim.AdamW"),
    "adam_epsilon": Default(1e-8, "torch.optim.AdamW"),
    "warmup_rounding": Default("down", _BERT),
    "weight_decay_on": Default("weights", f"{_BERT}; transformers Trainer"),
    "precision": Default("float32", _OURS),
    "tf32": Default(False, _OURS),
    "loss_scale": Default(1.0, "one device, or the mean over several"),
    "distillation_loss": Default("kl", _HAYSTACK),
    "hidden_loss_weight": Default(0.0, _HAYSTACK),
    "attention_target": Default("scores", _TINYBERT),
    "layer_map": Default("even", f"{_TINYBERT}: every k-th layer of the teacher"),
    "student_layers": Default("all", "the checkpoint as it is"),
    "student_weights": Default("pretrained", "the checkpoint as it is"),
    "augment": Default("none", "the data as they are"),
    "augment_factor": Default(20, _TINYBERT),
    "augment_candidates": Default(15, _TINYBERT),
    "augment_probability": Default(0.4, _TINYBERT),
    "masked_lm": Default("none", "no model is usual"),
    "word_vectors": Default("none", "no vectors are usual"),
}

_READER = "farm-haystack 1.2, nodes/reader/farm.py"
_PROCESSOR = "farm-haystack 1.2, modeling/data_handler/processor.py"
_OPTIMIZATION = "farm-haystack 1.2, modeling/model/optimization.py"
_HEAD = "farm-haystack 1.2, modeling/model/prediction_head.py"
_BASE = "farm-haystack 1.2, modeling/training/base.py"
_AUGMENTING = "farm-haystack 1.2, utils/augment_squad.py"

_FARM: dict[str, Default] = {
    "protocol": Default("farm", _PROCESSOR),
    "max_seq_len": Default(256, _READER),
    "doc_stride": Default(128, _PROCESSOR),
    "doc_stride_is": Default("step", _PROCESSOR),
    "max_query_length": Default(64, _PROCESSOR),
    "lower_case": Default(False, f"{_PROCESSOR}: the tokenizer knows its case"),
    "label_faults": Default(True, f"{_PROCESSOR}; up to 1.3"),
    "padding": Default("fixed", _PROCESSOR),
    "order": Default("random", _BASE),
    "epochs": Default(2, f"{_READER}, train"),
    "batch_size": Default(10, _READER),
    "learning_rate": Default(1e-5, f"{_READER}, train"),
    "lr_schedule": Default("linear", _OPTIMIZATION),
    "warmup_proportion": Default(0.2, _READER),
    "optimizer": Default("adamw", f"{_OPTIMIZATION}, torch's"),
    "adam_beta1": Default(0.9, f"{_OPTIMIZATION}, torch's own"),
    "adam_beta2": Default(0.999, f"{_OPTIMIZATION}, torch's own"),
    "adam_epsilon": Default(1e-8, f"{_OPTIMIZATION}, torch's own"),
    "weight_decay": Default(0.01, _OPTIMIZATION),
    "warmup_rounding": Default("down", _OPTIMIZATION),
    "weight_decay_on": Default("all", f"{_OPTIMIZATION}, one group"),
    "max_grad_norm": Default(1.0, _BASE),
    "head_dropout": Default(0.1, "farm-haystack 1.2, modeling/conversion/transformers.py"),
    "precision": Default("float32", f"{_READER}, no use_amp"),
    "tf32": Default(False, "the V100 of that time has none"),
    "seed": Default(42, f"{_READER}, set_all_seeds"),
    "temperature": Default(1.0, f"{_READER}, distil_prediction_layer_from"),
    "distillation_loss_weight": Default(0.5, f"{_READER}, distil_prediction_layer_from"),
    "distillation_loss": Default("kl", f"{_READER}, distil_prediction_layer_from"),
    "hidden_loss_weight": Default(0.0, f"{_BASE}, DistillationTrainer"),
    "attention_target": Default("probabilities", f"{_BASE}, DistillationLoss"),
    "layer_map": Default("even", f"{_BASE}, DistillationLoss"),
    "loss_scale": Default(1.0, f"{_BASE}, on one GPU; several are summed for distil_hidden"),
    "augment_factor": Default(20, _AUGMENTING),
    "augment_candidates": Default(20, f"{_AUGMENTING}, the function; its command line has 5"),
    "augment_probability": Default(0.4, _AUGMENTING),
    "masked_lm": Default("google-bert/bert-base-uncased", _AUGMENTING),
    "word_vectors": Default("glove.42B.300d", _AUGMENTING),
    "n_best": Default(4, f"{_READER}, top_k_per_candidate 3 and no answer; the answer is the same for any number"),
    "max_answer_length": Default(1000, f"{_HEAD}, which no window reaches"),
    "null_threshold": Default(0.0, f"{_READER}, no_ans_boost"),
}
_FARM_BY_KIND: dict[StageKind, dict[str, Default]] = {
    "distil_logits": {
        "epochs": Default(2, f"{_READER}, distil_prediction_layer_from"),
        "learning_rate": Default(3e-5, f"{_READER}, distil_prediction_layer_from"),
    },
    "distil_hidden": {
        "epochs": Default(5, f"{_READER}, distil_intermediate_layers_from"),
        "learning_rate": Default(5e-5, f"{_READER}, distil_intermediate_layers_from"),
    },
}


def _run_squad(version: str, space_words: bool, lower_case: str) -> dict[str, Default]:
    script = f"transformers {version}, run_squad.py"
    features = f"transformers {version}, data/processors/squad.py"
    optimizer = f"transformers {version}, optimization.py"
    return {
        "protocol": Default("run_squad", features),
        "max_seq_len": Default(384, script),
        "doc_stride": Default(128, script),
        "doc_stride_is": Default("step", features),
        "max_query_length": Default(64, script),
        "lower_case": Default(False, lower_case),
        "space_words": Default(space_words, features),
        "padding": Default("fixed", features),
        "order": Default("random", script),
        "epochs": Default(3, script),
        "batch_size": Default(8, script),
        "learning_rate": Default(5e-5, script),
        "lr_schedule": Default("linear", script),
        "warmup_proportion": Default(0.0, script),
        "optimizer": Default("adamw_transformers_3", optimizer),
        "adam_beta1": Default(0.9, optimizer),
        "adam_beta2": Default(0.999, optimizer),
        "adam_epsilon": Default(1e-8, script),
        "weight_decay": Default(0.0, script),
        "warmup_rounding": Default("down", script),
        "weight_decay_on": Default("weights", script),
        "max_grad_norm": Default(1.0, script),
        "head_dropout": Default(0.0, f"transformers {version}, its question-answering heads"),
        "precision": Default("float32", script),
        "tf32": Default(False, "the GPUs of that time have none"),
        "seed": Default(42, script),
        "n_best": Default(20, script),
        "max_answer_length": Default(30, script),
        "null_threshold": Default(0.0, script),
    }


_RUN_QA_SOURCE = "transformers 4, examples/pytorch/question-answering/run_qa.py"
_ARGUMENTS = "transformers 4, TrainingArguments"
_RUN_QA: dict[str, Default] = {
    "protocol": Default("run_qa", _RUN_QA_SOURCE),
    "max_seq_len": Default(384, _RUN_QA_SOURCE),
    "doc_stride": Default(128, _RUN_QA_SOURCE),
    "doc_stride_is": Default("overlap", _RUN_QA_SOURCE),
    "max_query_length": Default("none", _RUN_QA_SOURCE),
    "lower_case": Default(False, f"{_RUN_QA_SOURCE}: the tokenizer knows its case"),
    "label_faults": Default(True, _RUN_QA_SOURCE),
    "padding": Default("fixed", f"{_RUN_QA_SOURCE}, pad_to_max_length"),
    "order": Default("random", _ARGUMENTS),
    "epochs": Default(3, _ARGUMENTS),
    "batch_size": Default(8, _ARGUMENTS),
    "learning_rate": Default(5e-5, _ARGUMENTS),
    "lr_schedule": Default("linear", _ARGUMENTS),
    "warmup_proportion": Default(0.0, _ARGUMENTS),
    "optimizer": Default("adamw", f"{_ARGUMENTS}, adamw_torch"),
    "adam_beta1": Default(0.9, _ARGUMENTS),
    "adam_beta2": Default(0.999, _ARGUMENTS),
    "adam_epsilon": Default(1e-8, _ARGUMENTS),
    "weight_decay": Default(0.0, _ARGUMENTS),
    "warmup_rounding": Default("up", _ARGUMENTS),
    "weight_decay_on": Default("weights", "transformers 4, Trainer"),
    "max_grad_norm": Default(1.0, _ARGUMENTS),
    "head_dropout": Default(0.0, "transformers 4, its question-answering heads"),
    "precision": Default("float32", _ARGUMENTS),
    "tf32": Default(False, _ARGUMENTS),
    "seed": Default(42, _ARGUMENTS),
    "n_best": Default(20, _RUN_QA_SOURCE),
    "max_answer_length": Default(30, _RUN_QA_SOURCE),
    "null_threshold": Default(0.0, _RUN_QA_SOURCE),
}

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        MODERN: Profile("this project's own settings", _MODERN),
        FARM: Profile("FARM and haystack 1.0 to 1.3", _FARM, _FARM_BY_KIND),
        "run_squad-3.0": Profile(
            "run_squad.py of transformers 3.0 to 3.3",
            _run_squad("3.0", False, "transformers 3.0, run_squad.py without do_lower_case"),
        ),
        "run_squad-3.4": Profile(
            "run_squad.py of transformers 3.4 to 4",
            _run_squad("3.4", True, "transformers 3.4, whose cased tokenizers ignore do_lower_case"),
        ),
        "run_qa": Profile("run_qa.py of transformers 4 and 5", _RUN_QA),
    }
)
"""Name -> profile."""
