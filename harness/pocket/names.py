"""Invented names. The two splits use the same syllables but never the same name."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product

VALIDATION_SHARE = 0.15
"""Share of every list of names that is kept for the validation split."""

_STARTS = (
    *("Tor", "Mel", "Bran", "Os", "Kel", "Var", "Lin", "Dor", "Sul", "Fen", "Gar", "Hol", "Jas", "Nor", "Pel", "Quil"),
    *("Ras", "Sten", "Tam", "Ul", "Vel", "Wes", "Yar", "Zan", "Ber", "Cal", "Dun", "El", "Far", "Gil", "Har", "Is"),
    *("Kor", "Lor", "Mar", "Ned"),
)
_MIDDLES = ("a", "e", "i", "o", "u", "an", "en", "il", "or")
# Many names of each sort: a name that is frequent in the training text would become one token of a small
# vocabulary, and names of the other split would then look unlike every name seen in training.
_PLACE_ENDS = (
    *("vik", "ton", "dal", "mere", "stad", "ford", "wick", "bury", "holm", "gard", "nes", "field"),
    *("hagen", "burg", "moor", "gate"),
)
_WATER_ENDS = ("va", "nte", "lka", "la", "th", "sta", "me", "nga", "sse", "dle")
_FIRST_ENDS = ("nna", "lo", "s", "ne", "tte", "lius", "ra", "l", "ric", "ba", "mar", "de")
_SURNAME_ENDS = (
    *("sen", "ker", "man", "ley", "well", "son", "berg", "ott", "ski", "dez", "quist", "rup", "lund", "gren"),
)


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one split."""

    places: tuple[str, ...]
    waters: tuple[str, ...]
    """Names of rivers and mountains."""
    first: tuple[str, ...]
    surnames: tuple[str, ...]


def names_of(split: str, seed: int) -> Names:
    """Return the names of a split; the names of the other split are the rest of the same shuffled lists."""
    return Names(
        places=_part(_PLACE_ENDS, split, f"{seed}:places"),
        waters=_part(_WATER_ENDS, split, f"{seed}:waters"),
        first=_part(_FIRST_ENDS, split, f"{seed}:first"),
        surnames=_part(_SURNAME_ENDS, split, f"{seed}:surnames"),
    )


def _part(ends: tuple[str, ...], split: str, seed: str) -> tuple[str, ...]:
    names = list(dict.fromkeys("".join(parts) for parts in product(_STARTS, _MIDDLES, ends)))
    random.Random(seed).shuffle(names)  # noqa: S311 - reproducible data, not a secret
    cut = round(len(names) * VALIDATION_SHARE)
    return tuple(names[:cut] if split == "validation" else names[cut:])
