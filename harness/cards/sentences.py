"""Figures of sentences: "EM 77.16% and F1 80.22%", "reaches 88.1 F1 on the dev set"."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness import names
from harness.cards.about import Around
from harness.cards.blocks import Prose
from harness.cards.figures import Figure
from harness.cards.parts import part_of
from harness.names import MetricMention
from harness.records import DataRef

_NUMBER = re.compile(
    r"(?<![\w.,@/:~^$#+-])(?<!@[ ])(?<![\d][ ][x×])(?:(?<=\s)[~≈])?(?P<digits>\d{1,3}\.\d{1,20}"
    r"|\d{1,3}(?=\s?%)|0?\.\d{1,20}|\d{1,2})(?![\d.]*\d)(?P<after>[*_`]*\s?%)?"
)
_SLASHED = re.compile(
    r"(?<=\d)[%*_`]*\s?/\s?[*_`]*(?P<digits>\d{1,3}\.\d{1,20}|\d{1,3}(?=\s?%))(?![\d.]*\d)(?P<after>[*_`]*\s?%)?"
)
_SENTENCE = re.compile(r"(?<=[.!?])[\s*_)]+(?=[A-Z*_`\[])|\n\s*\n|[;]\s")
_STOPS = re.compile(
    r"\b(?:by|than|from|while|whereas|but|versus|vs\.?|against|below|above|under|over|thresh\w*|drop\w*"
    r"|gain\w*|improv\w*|increas\w*|decreas\w*"
    r"|loss of|lost|difference|differs?|better|worse|higher|lower|more|less|within|batch|epochs?|steps?"
    r"|layers?|learning)\b",
    re.I,
)
_DIFFERENCE = re.compile(
    r"(?:\b(?:by|drop(?:s|ped)?(?:\s\w+)?(?:\sof)?|gain(?:s|ed)?(?:\s\w+)?(?:\sof)?|improve\w*(?:\sof)?"
    r"|increas\w*(?:\sof)?|decreas\w*(?:\sof)?|loss of|loses?|lost|within"
    r"|differences?\sof|better by|only|plus|extra|another)\s+(?:only\s+|about\s+|up to\s+|~)?|[+±−]\s?)[*_`]*$",
    re.I,
)
_AFTER_DIFFERENCE = re.compile(
    r"[*_`]{0,9}\s?%?[*_`]{0,9}\s{0,9}(?:(?:absolute|percentage|relative|\w{1,40})\s{1,9})?(?:points?|pp\b"
    r"|%)?\s{0,9}(?:\w{1,40}\s{1,9}){0,3}?(?:better|worse|higher|lower|more|less|below|above|behind|ahead|improvement|drop"
    r"|gain|increase|decrease|faster|slower|smaller|larger|of (?:the|its|all|their)\b)",
    re.I,
)
_UNIT = re.compile(
    r"[*_`]*\s?(?:ms|s|sec\w*|minutes?|mins?|hours?|hrs?|h|days?|[GMKT]i?B|[kKMB]|epochs?|steps?|x|×|times"
    r"|tokens?|param\w*|million|billion|thousand|questions?|samples?|examples?"
    r"|words|layers?|heads?|years?|GPUs?|languages|folds?|seeds?|runs?|°|-?fold|-?shot|percent of (?:the|all)"
    r"|% of (?:the|all|its)|datasets?|classes|labels)\b",
    re.I,
)
_OTHER = re.compile(
    r"\b(?:compared? (?:to|with)|for (?:comparison|reference)|(?:level|par) with|(?:similar|comparable"
    r"|close) to|versus|vs\.?|against|than|whereas|while|teacher\w*|baselines?|humans?|people|annotators?"
    r"|original(?:ly)?|leaderboard|state[- ]of[- ]the[- ]art|sota|previous\w*|(?:base|plain|vanilla"
    r"|stock) (?:model|version|checkpoint)|paper|authors|reported|where)\b",
    re.I,
)
_OWN = re.compile(
    r"\b(?:this|our|my) (?:[\w-]+ )?(?:model|checkpoint|version|reader|student|network|card)|\bwe (?:get"
    r"|obtain|achieve|reach|report|measure|see|have)\w*|\bours\b|\bthe (?:\w+ )?model\b",
    re.I,
)
_HUB_LINK = re.compile(r"\[[^\]\[]{1,150}\]\(https?://(?:www\.)?(?:huggingface\.co|hf\.co)/[\w.-]+/[\w.-]+[^()\s]*\)")
_BASED = re.compile(
    r"(?:versions? of|based on|from|of|fine-?tuned|using|trained|start\w*|is)\s+(?:the\s+|an?\s+)?[\[`*]*$", re.I
)
_OF_TRAINING = re.compile(r"\b(?:train|training)[\s_-](?:[\w-]+\s){0,3}$", re.I)
_EVALUATED = re.compile(r"(?:eval\w*|val\w*|test|dev\w*)[\s_-]*$", re.I)
_ON_TRAINING = re.compile(r"\s+on (?:the )?(?:training|train) ", re.I)
_STANDS = re.compile(r"\b(?:has|had|have|at|to|gets|reaches|reached|scores|with|against|versus|vs\.?)\s+[*_`]*$", re.I)
_JOIN = re.compile(r"[\s*_`()]*(?:/|,|and|&|\+|\||or|\(|,\s*and)[\s*_`()]*(?:the\s+)?", re.I)


@dataclass(frozen=True, slots=True)
class _Number:
    digits: str
    percent: bool
    start: int
    end: int
    slashed: bool = False


def prose_figures(prose: Prose, around: Around, taken: Sequence[int]) -> list[Figure]:
    """The results that a paragraph or list item states in running text.

    Args:
        prose: The text.
        around: What was said before.
        taken: First characters in the card of figures that were read already.
    """
    if not prose.lines:
        return []
    text = "\n".join(line.text for line in prose.lines)
    if len(text) > 20_000 or not names.metric_mentions(text) or not re.search(r"\d", text):
        return []
    figures: list[Figure] = []
    position = 0
    for end in [*(match.end() for match in _SENTENCE.finditer(text)), len(text)]:
        sentence, start = text[position:end], position
        position = end
        for figure in _sentence_figures(sentence, around):
            index = _in_card(prose, start + figure.start)
            if index not in taken:
                figures.append(replace(figure, start=index, end=index + len(figure.digits)))
    return figures


def _in_card(prose: Prose, index: int) -> int:
    for line in prose.lines:
        if index <= len(line.text):
            return line.start + index
        index -= len(line.text) + 1
    return prose.lines[-1].start


def _blanked(text: str, around: Around) -> str:
    """The sentence with everything blanked whose digits are no result: addresses, data sets, other names."""

    def blank(match: re.Match[str]) -> str:
        return " " * len(match[0])

    text = re.sub(r"(?<=\])\([^()\s]{0,400}\)|https?://\S+|<[^<>]{1,200}>|\$[^$]{1,200}\$", blank, text)
    text = re.sub(
        r"\([^()]{0,200}\b(?:19|20)\d\d[a-z]?[^()]{0,200}\)|\b\w+(?:-\d+\w*)+\b|\bv\d[\d.]*\w*|\b(?:version|Table|Figure"
        r"|Section|Tab\.|Fig\.|CUDA|Python|seed)\s+\d[\d.]*",
        blank,
        text,
    )
    text = re.sub(r"\b(?:precision|recall)\s?@\s?\d+\s?%\s?\w*", blank, text, flags=re.I)
    for mention in names.data_mentions(text):
        text = text[: mention.start] + " " * (mention.end - mention.start) + text[mention.end :]
    return text


def _sentence_figures(sentence: str, around: Around) -> Iterator[Figure]:
    blanked = _blanked(sentence, around)
    metrics = [
        m for m in names.metric_mentions(blanked) if not _OF_TRAINING.search(blanked, max(0, m.start - 40), m.start)
    ]
    metrics = [m for m in metrics if not _ON_TRAINING.match(blanked, m.end)]
    metrics = [m for m in metrics if m.name != "loss" or _EVALUATED.search(blanked, max(0, m.start - 30), m.start)]
    if not metrics:
        return
    numbers = _numbers(blanked, metrics)
    if not numbers:
        return
    whole_data = around.data_names.named(sentence)
    pairs = list(_pairs(blanked, metrics, numbers))
    pairs += _repeated(blanked, pairs, numbers)
    for metric, number in pairs:
        part, sure = part_of(sentence, number, pairs)
        data = _data(sentence, number, whole_data, around)
        own = _is_own(sentence, number, metric, around)
        yield Figure(
            metric.name, metric.subset if metric.subset != "all" else part or around.subset or "all", number.digits,
            number.percent, number.start, number.start + len(number.digits), data, own=own,
            confidence=0.8 if sure or metric.subset != "all" else 0.5,
        )  # fmt: skip


def _numbers(text: str, metrics: Sequence[MetricMention]) -> list[_Number]:
    found: list[_Number] = []
    seen: set[int] = set()
    named = [metric.start for metric in metrics]
    matches = sorted([*_NUMBER.finditer(text), *_SLASHED.finditer(text)], key=lambda match: match.start("digits"))
    for match in matches:
        start, end = match.start("digits"), match.end()
        nearest = bisect_right(named, start) - 1  # metrics do not overlap
        if start in seen or (nearest >= 0 and start < metrics[nearest].end):
            continue
        if _UNIT.match(text, end) and not text[end : end + 9].lstrip().startswith("M"):
            continue
        if _DIFFERENCE.search(text, max(0, start - 40), start) or _AFTER_DIFFERENCE.match(text, match.end("digits")):
            continue
        seen.add(start)
        found.append(_Number(match["digits"], bool(match["after"]), start, end, match.re is _SLASHED))
    return found


def _pairs(
    text: str, metrics: Sequence[MetricMention], numbers: Sequence[_Number]
) -> Iterator[tuple[MetricMention, _Number]]:
    """Which metric each number is of: lists go in order, else the nearest that the words between allow."""
    used: set[int] = set()
    for metric_run in _runs(metrics, text):
        for number_run in _runs(numbers, text):
            if len(metric_run) < 2 or len(metric_run) != len(number_run) or any(n.start in used for n in number_run):
                continue
            if metric_run[-1].end <= number_run[0].start:
                gap = text[metric_run[-1].end : number_run[0].start]
            elif number_run[-1].end <= metric_run[0].start:
                gap = text[number_run[-1].end : metric_run[0].start]
            else:
                continue
            if len(" ".join(gap.split())) <= 60 and not _STOPS.search(gap) and not re.search(r"\d\.\d", gap):
                used |= {number.start for number in number_run}
                yield from zip(metric_run, number_run, strict=True)
    for number in numbers:
        if number.start in used:
            continue
        before = [m for m in metrics if m.end <= number.start]
        after = [m for m in metrics if m.start >= number.end]
        chosen = None
        if after and (_close(text[number.end : after[0].start])):
            chosen = after[0]
        if before and _leads(text[before[-1].end : number.start], numbers, before[-1], number):
            tight = len(text[before[-1].end : number.start].strip(" *_`:=(")) == 0
            if chosen is None or tight:
                chosen = before[-1]
        if chosen is None and after and _lags(text[number.end : after[0].start]):
            chosen = after[0]
        if chosen is not None and (
            "." in number.digits or number.percent or (chosen.name in names.SCORES and len(number.digits) > 1)
        ):
            used.add(number.start)
            yield chosen, number


def _repeated(
    text: str, pairs: Sequence[tuple[MetricMention, _Number]], numbers: Sequence[_Number]
) -> Iterator[tuple[MetricMention, _Number]]:
    """Figures of a sentence's only metric that do not name it again: "F1 is 82.6, where the teacher has 85.9"."""
    if not pairs or len({metric.name for metric, _ in pairs}) > 1:
        return
    metric, first = pairs[0]
    used = {number.start for _, number in pairs}
    for number in numbers:
        alike = 0.5 < (float(number.digits) + 1e-9) / (float(first.digits) + 1e-9) < 2
        if number.start not in used and "." in number.digits and alike and _STANDS.search(text, 0, number.start):
            yield metric, number


def _runs(items: Sequence, text: str) -> list[list]:  # type: ignore[type-arg]
    runs: list[list] = []  # type: ignore[type-arg]
    for item in items:
        if runs and (getattr(item, "slashed", False) or _JOIN.fullmatch(text[runs[-1][-1].end : item.start])):
            runs[-1].append(item)
        else:
            runs.append([item])
    return runs


def _close(gap: str) -> bool:
    return (
        len(gap) < 25
        and re.fullmatch(r"[\s*_`%(\[]*(?:points? )?(?:in |of |for |on )?(?:the )?[\s*_`(]*", gap) is not None
    )


def _lags(gap: str) -> bool:
    return (
        re.fullmatch(
            r"[\s*_`%(\[]{0,20}(?:points? |percent )?(?:in|of|for|on|as)?\s?(?:the |terms of |an? |its |average "
            r"|overall |mean )*[\s*_`(]{0,20}",
            gap,
        )
        is not None
    )


def _leads(gap: str, numbers: Sequence[_Number], metric: MetricMention, number: _Number) -> bool:
    if len(gap) > 90 or _STOPS.search(gap) or "\n\n" in gap:
        return False
    between = [other for other in numbers if metric.end <= other.start < number.start]
    if between:
        return False
    words = re.findall(r"[A-Za-z][\w'-]*", gap)
    return len(words) <= 12 and not re.search(r"[.!?]\s", gap.strip())


def _data(sentence: str, number: _Number, whole: Sequence[DataRef], around: Around) -> DataRef | None:
    """The data set named nearest to the number in its sentence, else that of the text around."""
    mentions = [m for m in names.data_mentions(sentence) if not m.family or len(whole) == 1]
    if len(mentions) > 1 and len({m.ref for m in mentions}) > 1:
        after = [
            m
            for m in mentions
            if 0 <= m.start - number.end <= 60 and not re.search(r"\d\.\d", sentence[number.end : m.start])
        ]
        before = [m for m in mentions if m.end <= number.start]
        chosen = after[0] if after else before[-1] if before else None
        return around.completed(chosen.ref) if chosen else None
    if len(whole) == 1 and whole[0].name:
        return around.completed(whole[0])
    return None if whole else around.data


def _is_own(sentence: str, number: _Number, metric: MetricMention, around: Around) -> bool:
    before = sentence[: number.start]
    others = [match.end() for match in _OTHER.finditer(before)]
    named = [
        *around.names.others_in(before),
        *(link for link in _HUB_LINK.finditer(before) if not around.names.is_own(link[0])),
    ]
    others += [match.end() for match in named if not _BASED.search(before[max(0, match.start() - 40) : match.start()])]
    own = [match.end() for match in _OWN.finditer(before)]
    last_other, last_own = max(others, default=-1), max(own, default=-1)
    if last_other > last_own:
        return False
    tail = sentence[number.end : number.end + 60]
    if re.match(r"[^.;,]{0,30}\b(?:for|by|of) (?:the )?(?:teacher|baseline|original|human|base model)", tail, re.I):
        return False
    return last_own >= 0 or not around.section_of_others
