"""A card with what stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.assumptions import Assumptions, find_assumptions, read_assumptions
from harness.cards import read_card, require_metadata
from harness.claim_names import name_claims
from harness.errors import RecipeError
from harness.recipes import plan_recipe
from harness.records import Card, Recipe


@dataclass(frozen=True, slots=True)
class Opened:
    """A card with what stands beside it."""

    path: Path
    """The card's file."""
    card: Card
    assumptions: Assumptions | None
    recipe: Recipe


def open_card(
    path: Path,
    *,
    seed: int | None = None,
    stage_seeds: Mapping[str, int] | None = None,
    reading: str | None = None,
    profile: str | None = None,
) -> Opened:
    """Read a card and its assumptions, and plan its recipe.

    Args:
        path: The card's file, or a folder with a README.md.
        seed: Overrides the seed of every stage.
        stage_seeds: Stage's name -> seed; overrides the seed of that stage alone, and goes before `seed`.
        reading: One of the readings of the assumptions, in place of the default one.
        profile: Overrides the profile of every stage.

    Raises:
        CardError, RecipeError: the card or its assumptions cannot be read, or make no recipe.
    """
    file = path / "README.md" if path.is_dir() else path
    card = read_card(file)
    require_metadata(card)
    return plan_card(file, card, seed=seed, stage_seeds=stage_seeds, reading=reading, profile=profile)


def plan_card(
    file: Path,
    card: Card,
    *,
    seed: int | None = None,
    stage_seeds: Mapping[str, int] | None = None,
    reading: str | None = None,
    profile: str | None = None,
) -> Opened:
    """The same for a card that was read; its front matter may be missing or broken.

    Args:
        file: Where it stands, or will: its assumptions stand beside.
        card: The card.
        seed: See `open_card`; so the others.

    Raises:
        RecipeError: its assumptions cannot be read, or make no recipe.
    """
    beside = find_assumptions(file)
    assumptions = read_assumptions(beside) if beside else None
    if assumptions is not None:
        _check_deviations(card, assumptions)
    chosen: dict[str, int | str | None] = {"seed": seed, "profile": profile}
    overrides = {name: value for name, value in chosen.items() if value is not None}
    overrides |= {f"{stage}.seed": value for stage, value in (stage_seeds or {}).items()}
    return Opened(file, card, assumptions, plan_recipe(card, assumptions, overrides, reading))


def _check_deviations(card: Card, assumptions: Assumptions) -> None:
    """Refuse a deviation of a claim that the card does not make: somebody relies on it."""
    known = name_claims(card.claims)
    for entry in assumptions.deviations:
        if entry.claim not in known:
            shown = entry.claim if entry.claim.isprintable() else repr(entry.claim)[1:-1]
            wanted = f"one of {', '.join(known)}" if known else "none, as the card makes no claim"
            raise RecipeError(
                f"{assumptions.path}:{entry.line}: deviations: found no claim {shown!r:.200}, expected {wanted}; "
                "correct or remove it",
                field="deviations",
            )
