"""What an augmentation does, in five values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.errors import RecipeError
from harness.records import Stage

Variant = Literal["farm", "tinybert"]


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """How variants of a context are made."""

    variant: Variant
    """``farm``: as haystack 1.x did; ``tinybert``: as TinyBERT's own code, with the answers kept."""
    factor: int
    """Variants of each context; ``tinybert`` keeps the original beside them and leaves out repetitions."""
    candidates: int
    """Words that a word may be replaced by."""
    probability: float
    """Of a word being replaced, where there is one to replace it by."""
    seed: int


def settings_of(stage: Stage) -> AugmentSettings:
    """How a stage augments its data; raises `RecipeError` where it does not, or where a value is impossible."""
    if stage.augment == "none":
        raise _wrong("augment", stage.augment, "farm or tinybert")
    settings = AugmentSettings(
        variant=stage.augment,
        factor=stage.augment_factor,
        candidates=stage.augment_candidates,
        probability=stage.augment_probability,
        seed=stage.seed,
    )
    check_settings(settings)
    return settings


def check_settings(settings: AugmentSettings) -> None:
    """Raise `RecipeError` for a value that no augmentation can have."""
    if settings.variant not in ("farm", "tinybert"):
        raise _wrong("augment", settings.variant, "farm or tinybert")
    if settings.factor < 1:
        raise _wrong("augment_factor", settings.factor, "1 or more variants of each context")
    if settings.candidates < 1:
        raise _wrong("augment_candidates", settings.candidates, "1 or more words to choose from")
    if not 0.0 <= settings.probability <= 1.0:
        raise _wrong("augment_probability", settings.probability, "a probability, 0 to 1")


def _wrong(field: str, found: object, expected: str) -> RecipeError:
    return RecipeError(f"{field}: found {found}, expected {expected}; correct it in the recipe", field=field)
