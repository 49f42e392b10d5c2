"""Where a data set's name stands for rules of scoring, a script, a metric or a format that came with it.

Those are used on any data: "by the official rules 2.0 of SQuAD" says nothing of the questions.
"""

from __future__ import annotations

import re

_HEADS = (
    r"(?:rules?|scripts?|metric|scorers?|evaluator|protocol|conventions?|definitions?|normali[sz]ation|style|format"
    r"|schema)\b"
)
STYLE = r"-(?i:styled?|like|format(?:ted)?|compatible|type)\b"
"""Behind a data set's name: of its kind."""
_AFTER = re.compile(
    rf"(?:\]\([^()\s]{{0,300}}\))?[`*_\"']{{0,4}}(?:'s|’s)?"
    rf"(?:{STYLE}"
    rf"|\s{{1,9}}(?:(?:official|standard|original|own|eval(?:uation)?|scoring|leaderboard)\s{{1,9}}){{0,3}}[\[`*]{{0,3}}"
    rf"(?:{_HEADS}|metrics\b(?!\W*$)|evaluate-v\d))",
    re.I,
)
_ALONE = re.compile(r"\W*(?:the\s{1,9})?[\[`*]{0,4}", re.I)
"""Before a name, and after it "metrics": a title for metrics on the data set."""
_METRICS = re.compile(r"(?:\]\([^()\s]{0,300}\))?[`*_\"']{0,4}\s{1,9}(?:eval(?:uation)?\s{1,9})?metrics\W*$", re.I)
_BEFORE = re.compile(
    rf"\b{_HEADS}[`*\"']{{0,3}}(?:\]\([^()\s]{{0,300}}\))?(?:\s{{1,9}}v?\d[\d.]{{0,9}})?(?:\s{{1,9}}`[^`\n]{{1,60}}`)?"
    r"\s{1,9}(?:of|from|for|by|in)\s{1,9}(?:the\s{1,9})?(?:official\s{1,9}|original\s{1,9})?[\[`*_\"']{0,4}$"
    r"|\b(?:normali[sz]ed|scored|computed|calculated|defined)\s{1,9}(?:exactly\s{1,9}|just\s{1,9})?(?:as|like)"
    r"\s{1,9}(?:(?:in|for|by|on|with)\s{1,9})?(?:the\s{1,9})?[\[`*_\"']{0,4}$"
    r"|\b(?:evaluate\.load|load_metric)\(\s{0,9}[\"']$",
    re.I,
)


def names_rules(text: str, start: int, end: int, *, split: bool) -> bool:
    """Whether a data set's name in a text means its rules, script, metric, style or format.

    Args:
        text: The text.
        start: First character of the name.
        end: The one behind its last.
        split: Whether a split is named with it: then what stands before it (``the script for the SQuAD dev set``) is
            not what it names.
    """
    if _AFTER.match(text, end):
        return True
    before = text[max(0, start - 400) : start]
    if _METRICS.match(text, end) and not _ALONE.fullmatch(before):
        return True
    return not split and bool(_BEFORE.search(before))
