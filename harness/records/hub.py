"""Where a local copy of a card is from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched from the Hub, kept beside it as ``fetched.json``."""

    schema: int
    """1."""
    repo_id: str
    revision: str | None
    """The branch, tag or commit that was asked for; None: ``main``."""
    commit: str
    """The commit that it was, 40 hexadecimal digits."""
    card_sha256: str
    """SHA-256 of the bytes of ``README.md`` at that commit."""
    weights: bool = False
    """The model's files were fetched, too."""
    published: str | None = None
    """SHA-256 of the card's bytes as they were last sent from here, with no changes of others in them."""
    from_run: bool = False
    """They were written from a run, which the card here was not."""
