"""Kinds of characters, as BERT's basic tokenizer tells them apart."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
"""First and last code points of the blocks whose characters are words of their own."""


@lru_cache(maxsize=1 << 16)
def is_ideograph(character: str) -> bool:
    """Whether a character is what BERT calls a Chinese one."""
    return character >= "\u3400" and any(first <= ord(character) <= last for first, last in _IDEOGRAPHS)


def is_mark(character: str) -> bool:
    """Whether a character is a punctuation mark; the symbols of ASCII, such as $ and ^, count among them."""
    symbol = character.isascii() and character.isprintable() and not character.isalnum() and character != " "
    return symbol or unicodedata.category(character).startswith("P")


def is_control(character: str) -> bool:
    """Whether a character is none that is seen, or stands for one that could not be read."""
    return character == "\ufffd" or unicodedata.category(character).startswith("C")


def without_accents(text: str) -> str:
    """The text, its characters taken apart and the marks above, below and through letters left out."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
