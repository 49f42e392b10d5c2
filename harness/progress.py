"""How long work tells its caller how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int, str], None]
"""Called with what is being done, how much of it is done, the total, and a note (``loss 0.53, 812 windows/s``)."""


def silent(what: str, done: int, total: int, note: str) -> None:
    """A `Progress` that shows nothing."""
