"""Values as cards and people write them, read as what they mean; `ValueError` says what was expected."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Literal, TypeVar

from harness import names, yamltree
from harness.records import DataRef, ModelRef, Protocol, StageKind
from harness.records.recipes import Augment, Stride

Value = str | int | float | bool | tuple[int, ...]
W = TypeVar("W", bound=str)
Schedule = Literal["linear", "constant", "constant_with_warmup"]

_NONE = frozenset({"none", "no", "off", "unlimited"})
_SCHEDULES: dict[str, Schedule] = {
    "linear": "linear",
    "linearwarmup": "linear",
    "linearschedulewithwarmup": "linear",
    "constant": "constant",
    "constantwithwarmup": "constant_with_warmup",
}


def _number(value: Value) -> int | float:
    plain = yamltree.plain_value(value.strip()) if isinstance(value, str) else value
    if isinstance(plain, (bool, str, tuple)) or not math.isfinite(plain):
        raise ValueError("a number")
    return plain


def integer(low: int, high: int = 2**31 - 1) -> Callable[[Value], int]:
    """A reader of whole numbers from `low` to `high`."""

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


def real(expected: str, allowed: Callable[[float], bool]) -> Callable[[Value], float]:
    """A reader of numbers that `allowed` lets in."""

    def read(value: Value) -> float:
        try:
            number = float(_number(value))
        except ValueError:
            raise ValueError(expected) from None
        if not allowed(number):
            raise ValueError(expected)
        return number

    return read


def word(*known: W) -> Callable[[Value], W]:
    """A reader of one of some words; case, blanks, ``-`` and ``_`` do not matter."""
    meant = {_letters(text): text for text in known}

    def read(value: Value) -> W:
        found = meant.get(_letters(value)) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"{', '.join(known[:-1])} or {known[-1]}")
        return found

    return read


def _letters(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text.casefold())


read_epochs = integer(1, 10_000)
read_batch_size = integer(1)
read_learning_rate = real("a number above 0, at most 1", lambda x: 0 < x <= 1)
read_proportion = real("a number from 0 to 1", lambda x: 0 <= x <= 1)
read_beta = real("a number from 0, below 1", lambda x: 0 <= x < 1)
read_norm = real("a number from 0", lambda x: x >= 0)
read_positive = real("a number above 0", lambda x: x > 0)
read_length = integer(1)
read_stride = integer(0)
read_seed = integer(0, 2**32 - 1)
read_threshold = real("a number", lambda x: True)
read_dropout = real("a number from 0, below 1", lambda x: 0 <= x < 1)


def read_dropout_or_own(value: Value) -> float | None:
    """A probability, or ``own`` for what the model's configuration says."""
    if isinstance(value, str) and value.strip().casefold() == "own":
        return None
    try:
        return read_dropout(value)
    except ValueError as error:
        raise ValueError(f"{error}, or own for what the model's configuration says") from None


read_kind: Callable[[Value], StageKind] = word("finetune", "distil_logits", "distil_hidden")
read_protocol: Callable[[Value], Protocol] = word("run_qa", "farm", "run_squad")
read_stride_meaning: Callable[[Value], Stride] = word("overlap", "step")
read_padding: Callable[[Value], Literal["longest", "fixed"]] = word("longest", "fixed")
read_order: Callable[[Value], Literal["grouped", "random"]] = word("grouped", "random")
read_optimizer: Callable[[Value], Literal["adamw", "adamw_transformers_3"]] = word("adamw", "adamw_transformers_3")
read_decayed: Callable[[Value], Literal["weights", "all"]] = word("weights", "all")
read_rounding: Callable[[Value], Literal["down", "up"]] = word("down", "up")
read_precision: Callable[[Value], Literal["float32", "bfloat16", "float16"]] = word("float32", "bfloat16", "float16")
read_loss: Callable[[Value], Literal["kl", "mse"]] = word("kl", "mse")
read_attention: Callable[[Value], Literal["probabilities", "scores"]] = word("probabilities", "scores")
read_weights: Callable[[Value], Literal["pretrained", "random"]] = word("pretrained", "random")
read_augment: Callable[[Value], Augment] = word("none", "farm", "tinybert")


def read_flag(value: Value) -> bool:
    """True or false, also as ``yes`` and ``no``."""
    folded = value.strip().casefold() if isinstance(value, str) else value
    if folded is True or folded in ("true", "yes", "on"):
        return True
    if folded is False or folded in ("false", "no", "off"):
        return False
    raise ValueError("true or false")


def read_limit(value: Value) -> int | None:
    """A length, or ``none`` for no limit."""
    if isinstance(value, str) and value.strip().casefold() in _NONE:
        return None
    try:
        return read_length(value)
    except ValueError:
        raise ValueError("a whole number from 1, or none for no limit") from None


def layers(word_for_none: str) -> Callable[[Value], tuple[int, ...]]:
    """A reader of numbers of layers from 1, as a list or as ``[2, 4, 6]``; a word stands for the empty list."""

    def read(value: Value) -> tuple[int, ...]:
        expected = f"numbers of layers from 1 such as [2, 4, 6], or {word_for_none}"
        if isinstance(value, str) and value.strip().casefold() == word_for_none:
            return ()
        parts: tuple[Value, ...]
        if isinstance(value, str):
            inner = value.strip().removeprefix("[").removesuffix("]").strip()
            parts = tuple(inner.split(",")) if inner else ()
        else:
            parts = value if isinstance(value, tuple) else (value,)
        try:
            return tuple(map(integer(1, 1000), parts))
        except ValueError:
            raise ValueError(expected) from None

    return read


read_layer_map = layers("even")
read_student_layers = layers("all")


def read_schedule(value: Value) -> Schedule:
    """``LinearWarmup`` and the like."""
    schedule = _SCHEDULES.get(re.sub(r"[^a-z]", "", str(value).casefold()))
    if schedule is None:
        raise ValueError("linear, constant or constant_with_warmup")
    return schedule


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


def read_model_or_none(value: Value) -> ModelRef | None:
    """A model's name, or ``none``."""
    if isinstance(value, str) and value.strip().casefold() == "none":
        return None
    try:
        return read_model(value)
    except ValueError as error:
        raise ValueError(f"{error}, or none") from None


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
