"""Write the table of profiles in recipes.md from the code: ``python docs/make_profiles.py``."""

from __future__ import annotations

from pathlib import Path

from harness.recipes.fields import AUGMENTATION, DECODING, FEATURES, LOSS, MODEL, TRAINING
from harness.recipes.profiles import PROFILES, find_default
from harness.records import StageKind

PAGE = Path(__file__).with_name("recipes.md")
BEGIN, END = "<!-- profiles -->\n", "<!-- /profiles -->\n"
_FIELDS = (*FEATURES, *TRAINING, *LOSS, *MODEL, *AUGMENTATION, *DECODING)
_KINDS: tuple[StageKind, ...] = ("finetune", "distil_logits", "distil_hidden")


def table() -> str:
    """A row per field, a column per profile; values that depend on the kind in the order of the kinds."""
    lines = [f"| field | {' | '.join(f'`{name}`' for name in PROFILES)} |", "| --- |" + " --- |" * len(PROFILES)]
    lines += [f"| `{name}` | {' | '.join(_cell(profile, name) for profile in PROFILES)} |" for name in _FIELDS]
    return "\n".join(lines) + "\n"


def _cell(profile: str, name: str) -> str:
    found = [_shown(find_default(profile, kind, name).value) for kind in _KINDS]
    return found[0] if len(set(found)) == 1 else " / ".join(found)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def page(text: str) -> str:
    """The page with the table of today."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
