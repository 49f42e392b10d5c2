"""Names of the parts of a data set that figures are of: questions with an answer, without one, all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.records import Subset

SUBSET_OF: dict[str, Subset] = {
    **dict.fromkeys(("all", "overall", "total"), "all"),
    **dict.fromkeys(
        ("hasans", "hasanswer", "hasanswers", "hasananswer", "withanswer", "withanswers", "withananswer", "wanswer",
         "withans", "answer", "answerable", "possible"), "has_ans",
    ),
    **dict.fromkeys(
        ("noans", "noanswer", "noanswers", "hasnoanswer", "withnoanswer", "withoutanswer", "withoutanswers",
         "withoutananswer", "withoutans", "woanswer", "unanswerable", "impossible"), "no_ans",
    ),
    "best": "best",
}  # fmt: skip
_FILLER = frozenset(("question", "questions", "only", "the", "subset", "part"))
_WORD = re.compile(r"[a-z0-9]+")
_IN_TEXT = re.compile(
    r"(?<![\w-])(?:(?P<no_ans>no[_-]?ans(?:wers?)?|unanswerable"
    r"|(?:with(?:out|[ ]no)|have[ ]no|has[ ]no)[ ](?:any[ ]|an[ ])?answers?"
    r"|no[ -]answer(?=[ ]questions?))|(?P<has_ans>has[_-]?ans(?:wer)?|answerable|with[ ](?:an[ ])?answers?"
    r"|(?:that|which)[ ]have[ ](?:an[ ])?answers?))(?!\w|-(?!questions?\b|only\b)\w)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class SubsetMention:
    """A part of a data set named in running text."""

    subset: Subset
    start: int
    end: int


@lru_cache(1024)
def subset_name(text: str) -> Subset | None:
    """``HasAns``, ``answerable``, ``no answer``, ``all questions``, ... -> the subset; None if it is not one."""
    words = [word for word in _WORD.findall(text.casefold()) if word not in _FILLER]
    return SUBSET_OF.get("".join(words).removesuffix("questions"))


def subset_mentions(text: str) -> Sequence[SubsetMention]:
    """The questions with and without an answer that running text names, in order."""
    return [
        SubsetMention("no_ans" if match["no_ans"] else "has_ans", match.start(), match.end())
        for match in _IN_TEXT.finditer(text)
    ]
