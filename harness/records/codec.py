"""The JSON form of records, and back."""

from __future__ import annotations

import enum
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar

from harness.errors import RecordError

T = TypeVar("T")
_hints = cache(typing.get_type_hints)


def to_json(value: Any) -> Any:
    """The JSON form of a record: an object per dataclass, a list per tuple, an enum's value."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def from_json(cls: type[T], data: Any, where: str = "") -> T:
    """Rebuild a record from `to_json`'s form; `from_json(type(x), to_json(x)) == x`.

    Raises `RecordError` naming the field where a value is missing, unknown or of another type.
    """
    result = _decode(cls, data, where or cls.__name__)
    return typing.cast(T, result)


def _decode(hint: Any, data: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return data
    if origin in (types.UnionType, typing.Union):
        return _decode_union(args, data, where)
    if origin is Literal:
        if data in args:
            return data
        raise RecordError(f"{where}: found {data!r}, expected one of {', '.join(map(repr, args))}")
    if origin is tuple and isinstance(data, (list, tuple)):
        return tuple(_decode(args[0], item, f"{where}[{i}]") for i, item in enumerate(data))
    if origin is Mapping and isinstance(data, Mapping):
        return {key: _decode(args[1], item, f"{where}.{key}") for key, item in data.items()}
    if is_dataclass(hint) and isinstance(data, Mapping):
        return _decode_record(hint, data, where)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        try:
            return hint(data)
        except ValueError:
            words = ", ".join(repr(member.value) for member in hint)
            raise RecordError(f"{where}: found {data!r}, expected one of {words}") from None
    if hint is float and isinstance(data, (int, float)) and not isinstance(data, bool):
        return _finite(data, where)
    if isinstance(hint, type) and type(data) is hint:
        return data
    wanted = getattr(hint, "__name__", str(hint))
    raise RecordError(f"{where}: found {type(data).__name__} {str(data)[:40]!r}, expected {wanted}")


def _finite(data: int | float, where: str) -> float:
    try:
        value = float(data)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise RecordError(f"{where}: found {str(data)[:40]}, expected a finite number")
    return value


def _decode_union(args: tuple[Any, ...], data: Any, where: str) -> Any:
    if data is None and type(None) in args:
        return None
    candidates = [arg for arg in args if arg is not type(None)]
    if len(candidates) == 1:
        return _decode(candidates[0], data, where)
    for arg in candidates:  # a union of plain types: the exact type wins
        if type(data) is arg:
            return data
    names = ", ".join(getattr(arg, "__name__", str(arg)) for arg in candidates)
    raise RecordError(f"{where}: found {type(data).__name__}, expected one of {names}")


def _decode_record(cls: Any, data: Mapping[str, Any], where: str) -> Any:
    hints = _hints(cls)
    known = {f.name: f for f in fields(cls)}
    unknown = [key for key in data if key not in known]
    if unknown:
        raise RecordError(f"{where}: unknown field {unknown[0]!r}; known fields are {', '.join(known)}")
    values = {}
    for name, item in data.items():
        values[name] = _decode(hints[name], item, f"{where}.{name}")
    try:
        return cls(**values)
    except TypeError:
        required = [n for n, h in known.items() if n not in data and _required(h)]
        raise RecordError(f"{where}: field {', '.join(map(repr, required))} is missing") from None


def _required(f: Any) -> bool:
    return f.default is MISSING and f.default_factory is MISSING
