"""The fields of a recipe: what each may be, and what is taken where nobody states it.

The defaults are the ``modern`` profile: today's usual settings for extractive question answering. They are not what
any one card used, which is why an audit lists every value that was taken by default.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness import names, yamltree
from harness.records import DataRef, Decoding, ModelRef, StageKind

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Default:
    """A value taken where nobody states one, and where it comes from."""

    value: Value
    source: str


_BERT = "google-research/bert run_squad.py"
_HAYSTACK = "haystack 1.x distil_prediction_layer_from"

DEFAULTS: dict[str, Default] = {
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
}

DECODING = ("n_best", "max_answer_length", "null_threshold")
RECIPE_LEVEL = frozenset({"eval_data", *DECODING})
"""Settings of the whole recipe: in a block of a stage only if it is the last one."""
FIELDS = ("stage", "kind", "student", "teacher", "train_data", "eval_data", *DEFAULTS)
"""Settings that a block with a ``stage`` line, an assumption or an override may give."""

_SHORT = {"data": "train_data", "evaluation": "eval_data"}
_SCHEDULES: dict[str, Literal["linear", "constant"]] = {
    "linear": "linear",
    "linearwarmup": "linear",
    "linearschedulewithwarmup": "linear",
    "constant": "constant",
    "constantwithwarmup": "constant",
}


def field_name(text: str) -> str | None:
    """The canonical name of a field as assumptions and overrides write it, or None."""
    name = _SHORT.get(text) or names.setting_name(text)
    return name if name in FIELDS else None


def _number(value: Value) -> int | float:
    plain = yamltree.plain_value(value.strip()) if isinstance(value, str) else value
    if isinstance(plain, (bool, str)) or not math.isfinite(plain):
        raise ValueError("a number")
    return plain


def _integer(low: int, high: int = 2**31 - 1) -> Callable[[Value], int]:
    def read(value: Value) -> int:
        expected = f"a whole number from {low}" if high == 2**31 - 1 else f"a whole number from {low} to {high}"
        try:
            number = _number(value)
        except ValueError:
            raise ValueError(expected) from None
        if number != int(number) or not low <= number <= high:
            raise ValueError(expected)
        return int(number)

    return read


def _real(expected: str, allowed: Callable[[float], bool]) -> Callable[[Value], float]:
    def read(value: Value) -> float:
        try:
            number = float(_number(value))
        except ValueError:
            raise ValueError(expected) from None
        if not allowed(number):
            raise ValueError(expected)
        return number

    return read


read_epochs = _integer(1, 10_000)
read_batch_size = _integer(1)
read_learning_rate = _real("a number above 0, at most 1", lambda x: 0 < x <= 1)
read_proportion = _real("a number from 0 to 1", lambda x: 0 <= x <= 1)
read_weight_decay = _real("a number from 0 to 1", lambda x: 0 <= x <= 1)
read_beta = _real("a number from 0, below 1", lambda x: 0 <= x < 1)
read_norm = _real("a number from 0", lambda x: x >= 0)
read_length = _integer(1)
read_stride = _integer(0)
read_temperature = _real("a number above 0", lambda x: x > 0)
read_seed = _integer(0, 2**32 - 1)
read_threshold = _real("a number", lambda x: True)


def read_schedule(value: Value) -> Literal["linear", "constant"]:
    """``LinearWarmup`` and the like; raises `ValueError` with what was expected."""
    schedule = _SCHEDULES.get(re.sub(r"[^a-z]", "", str(value).casefold()))
    if schedule is None:
        raise ValueError("linear or constant")
    return schedule


def read_kind(value: Value) -> StageKind:
    """The kind of a stage; raises `ValueError` with what was expected."""
    if value == "finetune":
        return "finetune"
    if value == "distil_logits":
        return "distil_logits"
    raise ValueError("finetune or distil_logits")


def read_stage_name(value: Value) -> str:
    """A stage's name, which also names a folder."""
    text = str(value)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", text):
        raise ValueError("a name of at most 64 letters, digits, '_', '-' and '.'")
    return text


def read_model(value: Value) -> ModelRef:
    """A model's name, plain or as a Markdown link, with ``@revision`` where it has one."""
    expected = 'a model name such as "owner/name"'
    if not isinstance(value, str):
        raise ValueError(expected)
    text = re.sub(r"^\[([^\]\[]*)\]\([^()]*\)$", r"\1", value.strip()).strip("`*\"' ")
    name, _, revision = text.partition("@")
    path = r"\w[\w.-]*(?:/\w[\w.-]*)*"
    if not re.fullmatch(path, name) or (revision and not re.fullmatch(path, revision)):
        raise ValueError(expected)
    return ModelRef(name, revision or None)


def read_train_data(value: Value) -> tuple[DataRef, ...]:
    """Data references joined by `` + ``, or a phrase that names one data set."""
    return tuple(_data(part, names.train_split) for part in re.split(r"\s+\+\s+", str(value).strip()))


def read_eval_data(value: Value) -> DataRef:
    """One data reference, or a phrase that names one data set."""
    return _data(str(value), names.evaluation_split)


def implies_split(value: Value) -> bool:
    """Whether a phrase names a data set without its split."""
    refs = [names.data_phrase(part) for part in re.split(r"\s+\+\s+", str(value).strip())]
    return any(ref is not None and not ref.split for ref in refs)


def with_evaluation_split(ref: DataRef) -> DataRef | None:
    """The reference with the split that evaluation on that data set means; None where that is not known."""
    split = ref.split or names.evaluation_split(ref.name)
    return DataRef(ref.name, split, ref.config, ref.revision) if split else None


def _data(text: str, default_split: Callable[[str], str | None]) -> DataRef:
    try:
        ref = names.canonical_data(DataRef.parse(text))
    except ValueError:
        return _named_data(text, default_split)
    if any(part and re.search(r"(?:^|/)\.*(?:/|$)", part) for part in (ref.config, ref.revision)):
        raise ValueError("a configuration and a revision without empty and dotted path parts")
    return ref


def _named_data(text: str, default_split: Callable[[str], str | None]) -> DataRef:
    ref = names.data_phrase(text)
    split = ref and (ref.split or default_split(ref.name))
    if ref is None or not split:
        raise ValueError('data such as "squad_v2:train", or several joined by " + "')
    return DataRef(ref.name, split, ref.config, ref.revision)
