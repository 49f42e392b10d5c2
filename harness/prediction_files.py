"""Read prediction files of the official script: JSON objects from question id to answer text, or to null odds."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from harness.errors import PredictionsError
from harness.regular_files import read_regular

LARGEST = 2**28
"""Bytes. Answers to the 130,000 questions of SQuAD 2.0's training set are below 2**24."""


def read_predictions(path: Path) -> dict[str, str]:
    """Question id -> predicted text, in the file's order.

    Raises:
        PredictionsError: the file cannot be read, is no JSON object, repeats an id, or holds anything but text.
    """
    answers = _read_object(path, "question id to answer text")
    for qid, answer in answers.items():
        if not isinstance(answer, str):
            raise PredictionsError(
                f'{path}: the prediction for {qid!r:.80} is {_kind(answer)}, expected text ("" for no answer)',
                ids=[qid],
            )
    return answers


def read_null_odds(path: Path) -> dict[str, float]:
    """Question id -> null odds or no-answer probability, in the file's order.

    Raises:
        PredictionsError: the file cannot be read, is no JSON object, repeats an id, or holds more than
            finite numbers.
    """
    odds = _read_object(path, "question id to number")
    for qid, value in odds.items():
        if not _is_number(value):
            raise PredictionsError(
                f"{path}: the null odds of {qid!r:.80} are {_kind(value)}, expected a number", ids=[qid]
            )
    return odds


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _read_object(path: Path, form: str) -> dict[str, Any]:
    expected = f"expected a JSON object from {form}"
    try:
        text = read_regular(path, LARGEST).decode("utf-8-sig")
    except OSError as error:
        raise PredictionsError(f"{path}: cannot be read ({error.strerror}); {expected}") from error
    except UnicodeDecodeError as error:
        raise PredictionsError(f"{path}: byte {error.start} is not UTF-8; {expected}") from error
    if not text.strip():
        raise PredictionsError(f"{path}: the file is empty; {expected}")
    try:
        data = json.loads(text, object_pairs_hook=lambda pairs: _without_repeats(path, pairs))
    except json.JSONDecodeError as error:
        raise PredictionsError(f"{path}:{error.lineno}: not JSON ({error.msg}); {expected}") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise PredictionsError(f"{path}: holds a number with too many digits; {expected}") from error
    except RecursionError as error:
        raise PredictionsError(f"{path}: nested too deeply; {expected}") from error
    if not isinstance(data, dict):
        raise PredictionsError(f"{path}: found {_kind(data)}, {expected}, as the official script reads")
    return data


def _without_repeats(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        repeated = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
        raise PredictionsError(
            f"{path}: id {repeated[0]!r:.80} is given more than once; give one answer each", ids=repeated
        )
    return found


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), f"the number {str(value)[:40]}")
