"""The basic tokenizer of BERT, and the way back from its text to the text it was made of."""

from __future__ import annotations

import unicodedata

from harness.names.characters import is_control, is_ideograph, is_mark, without_accents


def tokenize_basic(text: str, *, lower_case: bool, clean: bool) -> list[str]:
    """Words and punctuation marks.

    Args:
        text: Any text.
        lower_case: Put the words in lower case and take their accents off.
        clean: Leave out control characters before, as later versions of transformers do.
    """
    if clean:
        text = "".join(" " if _is_blank(c) else c for c in text if _is_blank(c) or not is_control(c))
    text = "".join(f" {c} " if is_ideograph(c) else c for c in text)
    parts = []
    for word in text.split():
        parts.append(_split_marks(without_accents(word.lower()) if lower_case else word))
    return " ".join(parts).split()


def align(piece: str, whole: str, tokenized: str) -> tuple[int, int] | None:
    """First character in `whole` of the part that `piece` is of `tokenized`, and one past its last.

    Args:
        piece: Text of predicted tokens.
        whole: The original text.
        tokenized: The words of `tokenize_basic` of `whole`, joined by blanks.

    Returns:
        None where `piece` is not in there, or the two texts differ in more than blanks and the kind of letters.
    """
    first = tokenized.find(piece)
    if first < 0 or not piece:
        return None
    here = [i for i, c in enumerate(whole) if c != " "]
    there = [i for i, c in enumerate(tokenized) if c != " "]
    last = first + len(piece) - 1
    if len(here) != len(there) or tokenized[first] == " " or tokenized[last] == " ":
        return None
    number = first - tokenized.count(" ", 0, first)
    return here[number], here[last - tokenized.count(" ", 0, last)] + 1


def _split_marks(word: str) -> str:
    return "".join(f" {c} " if is_mark(c) else c for c in word)


def _is_blank(c: str) -> bool:
    return c in " \t\n\r" or unicodedata.category(c) == "Zs"
