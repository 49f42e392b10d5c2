"""What stands beside printed digits that keeps a run's figure from taking their place."""

from __future__ import annotations

import re
from collections.abc import Collection

from harness.cards.figures import NUMBER, bare
from harness.records import Card, Claim, Place

_PLAIN = re.compile(NUMBER)
_UNSEEN = r"\u00ad\u200b-\u200d\u2060\ufeff"
_GOES_ON = re.compile(
    rf"[*_`\\{_UNSEEN}]*(?:[.,'’]|&(?:period|comma|#46|#44|#x2[ec]);)?[*_`\\{_UNSEEN}]*\d", re.IGNORECASE
)
_THOUSANDS = re.compile(r"[ \u00a0\u2009\u202f]\d{3}(?!\w|[.,]\d)")
_BEGAN = re.compile(rf"(?:\d(?:[.,'’][*_`\\{_UNSEEN}]*|[{_UNSEEN}]*)|&#x?[0-9a-f]{{1,6}};)$", re.IGNORECASE)
_LIST_BEFORE, _LIST_AFTER = re.compile(r"\d\.\d+,$"), re.compile(r",\d+\.\d")  # of 79.1,82.1
_GAP = rf"[*_`\\%$ \t\u00a0{_UNSEEN}]*"
_PM = r"(?:±|\+/-|\+-|\$?\\pm|&plusmn;)"
_SPREAD = re.compile(
    rf"{_GAP}(?:{_PM}|[(\[]{_GAP}(?:{_PM}|[↑↓▲▼]{_GAP}\d"
    r"|(?:std|stdev|sd|s\.d\.|σ|ci|c\.i\.|95|up|down|from|was|previously|before|instead of)\b))",
    re.IGNORECASE,
)
_NUMBER_AFTER = re.compile(
    rf"{_GAP}(?:(?P<list>[,;/(\[])|-+>?|[–—→…]|\.{{2,3}}|to\b){_GAP}"
    r"(?P<sign>[-+−~]?)(?P<number>\d*\.?\d+(?:/\d+)?)(?!\w|\.\d)"
)
_DIFFERENCE = re.compile(r"\|[*_`( ]*[-+−–↑↓▲▼]\s?\d*\.?\d+[*_`)% ]*(?=\||$)")
_BOUND = re.compile(
    r"(?:(?<![-=])[<>]=?|[≤≥]|&[lg][te];|\\[lg]eq?"
    r"|\b(?:exceed(?:s|ed|ing)?|over|above|below|under|beyond|at least|at most|up to|(?:more|less|higher|lower) than))"
    r"[*_`$\s]*$",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\b(?:mean|averaged?|avg|median)\b[^.|\n]{0,40}\b(?:seeds|runs|trials|folds)\b"
    r"|\b(?:over|across|of) (?:\d+|two|three|four|five|six|eight|ten|several|multiple|different|all)"
    r" (?:\w+ )?(?:seeds|runs|trials|folds)\b"
    r"|\|[*_` ]*(?:mean|averaged?|avg\.?|median)[*_` ]*\|",
    re.IGNORECASE,
)
_OTHERWISE = re.compile(
    r"\binstead\b|\b(?:falls?|fell|drops?|dropped|rises?|rose|goes|went)(?: up| down)? to\b", re.IGNORECASE
)
_SPLIT = re.compile(r"\b(?P<name>train|test)(?:ing)? (?:set|split)\b", re.IGNORECASE)
_FAR = 400
"""Characters: so far a line is looked at."""


def is_whole(card: Card, place: Place) -> bool:
    """Whether a whole number stands there: not ``11`` of ``11,873``, ``82`` of ``82,1``, or digits of other scripts."""
    digits = card.text[place.start : place.end]
    before, after = _line(card.text, place)
    if not _PLAIN.fullmatch(digits) or ("." not in digits and _THOUSANDS.match(after)):
        return False
    begins = not _BEGAN.search(before) or _LIST_BEFORE.search(before) is not None
    ends = not _GOES_ON.match(after) or ("." in digits and _LIST_AFTER.match(after) is not None)
    return begins and ends


def find_obstacle(card: Card, claim: Claim, others: Collection[int]) -> str | None:
    """Why a printed figure is not one that a run alone could give; None where nothing says so.

    Args:
        card: The card.
        claim: The figure.
        others: Where figures of the card begin, which are looked at on their own.
    """
    place = claim.place
    if not is_whole(card, place):
        return "its digits go on, or are not 0 to 9 with a point, so that they are not the number that is read"
    before, after = _line(card.text, place)
    whole = f"{before}{card.text[place.start : place.end]}{after}"
    if _SPREAD.match(after):
        return "a spread or what it was before stands beside it, so that it is not of one run"
    number = _NUMBER_AFTER.match(after)
    alone = number is not None and (number["list"] is None or number["sign"] or re.search(r"[./]", number["number"]))
    if number is not None and alone and place.end + number.start("sign") not in others:
        return "another number belongs to it, such as the end of a range or a difference"
    if _BOUND.search(before):
        return "it is a bound, not a figure"
    if _OTHERWISE.search(whole):
        return "it is said to be of another setting"
    if before.lstrip(" >").startswith("|") and _DIFFERENCE.search(whole):
        return "a difference to another figure stands in its row"
    heading = _heading(card.text, place.start)
    if _SEVERAL.search(whole) or _SEVERAL.search(heading):
        return "it is said to be of several runs"
    part = _SPLIT.search(heading)
    if part is not None and claim.data is not None and not claim.data.split.startswith(part["name"].casefold()):
        return f"its heading says that it is of the {part[0]}".lower()
    return None


def _line(text: str, place: Place) -> tuple[str, str]:
    """What stands before and after a place in its line, without links' addresses and HTML tags."""
    first, last = max(0, place.start - _FAR), place.end + _FAR
    start = max(first, text.rfind("\n", first, place.start) + 1, text.rfind("\r", first, place.start) + 1)
    end = min((at for mark in "\r\n" if (at := text.find(mark, place.end, last)) >= 0), default=last)
    line = bare(text[start:end])
    return line[: place.start - start], line[place.end - start :]


def _heading(text: str, start: int) -> str:
    """The line before a character that begins with ``#``."""
    at = max(text.rfind("\n#", 0, start), text.rfind("\r#", 0, start)) + 1
    return text[at : min(start, at + _FAR)].partition("\n")[0]
