"""The claims of model cards for tests of one's own: ``@pytest.mark.parametrize("claim", find_claims(CARDS), ids=str)``.

The fixture ``harness_run`` of the pytest plugin checks them (docs/testing.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.card_files import CardFile
    from harness.evidence import Opened
    from harness.records import Claim

__all__ = ["FoundClaim", "NotShownError", "find_claims"]


class NotShownError(AssertionError):
    """Something that a card says and that did not hold; the text is the whole report."""


@dataclass(frozen=True, slots=True)
class FoundClaim:
    """One claim, and the card that makes it."""

    name: str
    """Unique among the claims found together: ``org__model::squad_v2/validation::f1[all@front_matter]``."""
    opened: Opened = field(repr=False, compare=False)
    claim: Claim = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.name


def find_claims(path: str | Path) -> tuple[FoundClaim, ...]:
    """Every claim of one card, or of every card under a folder, in the order of the cards' names and texts.

    Args:
        path: A card's file, a folder with a README.md, or a folder of cards. A relative one is of the working folder,
            which pytest may be started in anywhere: better build it from ``__file__``.

    Raises:
        CardError: there is no card, a card cannot be read, or none makes a claim, so that nothing would be checked.
        RecipeError: a recipe or assumptions cannot be read.
    """
    from harness.card_files import Unread, model_cards
    from harness.errors import CardError

    root = Path(path)
    found: list[FoundClaim] = []
    for file in model_cards([root]):
        if isinstance(file, Unread):
            raise CardError(file.message, path=file.path)
        found += _claims(file, root)
    if not found:
        raise CardError(f"{root}: found no claim in its cards, expected at least one; nothing would be checked")
    return tuple(found)


def _claims(file: CardFile, root: Path) -> Iterator[FoundClaim]:
    from harness.claim_names import name_claims, readable
    from harness.errors import CardError
    from harness.evidence import open_card

    try:
        opened = open_card(file.path)
    except OSError as error:
        told = error.strerror or error
        raise CardError(f"{file.path}: cannot be used ({told}); check the path and its permissions") from error
    card = readable(_card_name(file.path, root))
    for name, claim in name_claims(opened.card.claims).items():
        yield FoundClaim(f"{card}::{name}", opened, claim)


def _card_name(file: Path, root: Path) -> str:
    """The card's folder, or its file where that has a name of its own, as seen from `root`."""
    place = file.parent if file.name.casefold() == "readme.md" else file
    if place in (root, root.parent):
        return place.resolve().name
    return place.relative_to(root).as_posix() if root in place.parents else place.name
