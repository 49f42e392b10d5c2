"""Text from cards and files, made safe to print."""

from __future__ import annotations


def visible(text: str) -> str:
    """Text from a card or file with control characters shown as escapes, so that none reaches the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
