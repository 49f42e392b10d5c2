"""Settings of other programs that mean something here under another name, and only under some profiles."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.recipes import values
from harness.recipes.profiles import FARM
from harness.recipes.values import Value
from harness.records import Setting

_LOWER_CASES = ("run_squad-3.0", "run_squad-3.4")
"""The profile whose tokenizers did what ``do_lower_case`` says, whatever their vocabulary."""
_HALF = frozenset({"fp16", "float16", "half", "nativeamp", "amp"})
_SHORT_HALF = frozenset({"bf16", "bfloat16"})
_WHOLE = frozenset({"fp32", "float32", "no", "none", "full", "32"})


@dataclass(frozen=True, slots=True)
class Translated:
    """What another program's setting says about a field of ours."""

    field: str
    value: Value


def translate(setting: Setting) -> Translated | None:
    """What the setting says here; None where that is nothing, or not clear."""
    if setting.name == "do_lower_case":
        return _flag("lower_case", setting.value)
    if setting.name == "embeds_dropout_prob":
        return _dropout(setting.value)
    if setting.name == "optimizer":
        return Translated("optimizer", "adamw") if _is_adamw(setting.text) else None
    if setting.name == "mixed_precision":
        precision = _precision(setting)
        return Translated("precision", precision) if precision else None
    return None


def _flag(field: str, value: Value) -> Translated | None:
    try:
        return Translated(field, values.read_flag(value))
    except ValueError:
        return None


def _dropout(value: Value) -> Translated | None:
    try:
        return Translated("head_dropout", values.read_dropout(value))
    except ValueError:
        return None


def _is_adamw(text: str) -> bool:
    return re.match(r"(?:torch\.optim\.)?AdamW(?:_torch(?:_fused)?)?\b", text.strip(), re.IGNORECASE) is not None


def _precision(setting: Setting) -> str | None:
    """The format, from the words or from the flag's own name."""
    words = re.sub(r"[^a-z0-9]", "", str(setting.value).casefold())
    named = re.sub(r"[^a-z0-9]", "", setting.written_as.casefold())
    if words in ("true", "yes") and named in ("fp16", "bf16"):
        words = named
    if words in _HALF:
        return "float16"
    if words in _SHORT_HALF:
        return "bfloat16"
    off = words in _WHOLE or (words == "false" and named in ("fp16", "bf16"))
    return "float32" if off else None


def ignored(field: str, value: Value, profile: str) -> str | None:
    """Why a profile takes no notice of a translated value; None where it does."""
    if field == "lower_case" and value and profile not in _LOWER_CASES:
        return "the card's do_lower_case is ignored by this profile's tokenizers"
    if field == "head_dropout" and profile != FARM:
        return "the card's embeds_dropout_prob is a setting of FARM"
    return None
