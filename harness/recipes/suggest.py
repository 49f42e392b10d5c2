"""Which profile a card's own way of writing points to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.records import Card

_FARM_NAMES = frozenset({"base_lm_model", "embeds_dropout_prob", "distillation_loss_weight"})
_FARM_WORDS = re.compile(r"\b(?:farm-haystack|haystack|FARM)\b")
_SCRIPT = re.compile(r"\brun_(?:squad|qa)(?:_\w+)?\.py\b")
_OLD_FLAGS = re.compile(r"--per_gpu_\w+_batch_size")
_TRAINER = frozenset({"lr_scheduler_type", "train_batch_size", "eval_batch_size", "optimizer"})


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A profile, and what of the card points to it."""

    profile: str
    evidence: tuple[str, ...]
    other: str | None = None
    """Another profile that the same evidence allows."""


def suggest_profile(card: Card) -> Suggestion | None:
    """The profile that the card was most likely written under; None where nothing points to one."""
    farm = [
        f"line {setting.place.line}: {setting.written_as}, a setting as FARM and haystack write it"
        for setting in card.settings
        if setting.written_as.casefold() in _FARM_NAMES or setting.text == "LinearWarmup"
    ]
    words = _FARM_WORDS.search(card.text)
    if farm:
        named = [f"line {_line(card, words.start())}: names {words[0]}"] if words else []
        return Suggestion("farm-1.x", (*farm, *named))
    script = _SCRIPT.search(card.text)
    if script is not None and script[0].startswith("run_squad"):
        old = _OLD_FLAGS.search(card.text)
        flags = [f"line {_line(card, old.start())}: {old[0]}, a flag of transformers 2 and 3"] if old else []
        evidence = (f"line {_line(card, script.start())}: the script {script[0]}", *flags)
        return Suggestion("run_squad-3.0", evidence, "run_squad-3.4")
    if script is not None:
        return Suggestion("run_qa", (f"line {_line(card, script.start())}: the script {script[0]}",))
    trainer = [s for s in card.settings if s.written_as in _TRAINER]
    if len({setting.written_as for setting in trainer}) > 2:
        line = trainer[0].place.line
        return Suggestion("run_qa", (f"line {line}: settings as the Trainer of transformers prints them",))
    return None


def _line(card: Card, index: int) -> int:
    return card.text.count("\n", 0, index) + 1
