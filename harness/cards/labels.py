"""What a header or row label of a table names: a metric, a data set, a split, a subset, a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from harness import names
from harness.cards.about import Around
from harness.cards.models import is_model_like, plain_name
from harness.names import MetricMention
from harness.records import DataRef, Subset

_KINDS = {
    "model": r"models?(?: names?| cards?| type| id)?|systems?|checkpoints?|architectures?|methods?|approach|network"
    r"|variants?|variations?|encoder|backbone|algorithm|classifier|language model|reader|participants?|team",
    "data": r"data ?sets?(?: name)?|data|corpus|corpora|test ?sets?|benchmarks?|tasks?(?: name)?"
    r"|evaluation(?: set| data(?: set)?)?"
    r"|eval(?:uation)? set|domain|source|trained on|squad(?: version)?",
    "config": r"languages?|langs?|config(?:uration)?|locale|subsets?|domains?",
    "metric": r"metrics?(?: names?)?|type|key|measures?|score type|eval(?:uation)? metrics?|criteri(?:on|a)|statistic",
    "split": r"splits?|partition|sets?|phase|stage",
    "value": r"values?|scores?|results?|reported|figures?|percent(?:age)?|points|performance"
    r"|our results?|reproduced|val|%|",
}
_KIND = re.compile("|".join(f"(?P<{kind}>{words})" for kind, words in _KINDS.items()), re.I)
COST = re.compile(
    r"\b(?:params?|parameters|size|speed(?:-?up)?|latency|time|hours?|minutes|seconds|memory|ram|vram|layers?|hidden"
    r"|heads?|steps?|epochs?|iterations?|samples?|examples?|support|count|questions?|rows|flops?|macs?|throughput"
    r"|download\w*|link|train(?:ing)?[ _]loss|lr|learning[ _]rate|batch(?:[ _]size)?|tokens?|year|date|rank"
    r"|cost|runtime"
    r"|qps|fps|sparsity|density|compression|seeds?|thresholds?|temperature|k|vocab\w*|gb|mb|ms|no\.?|id|index|train\w*"
    r"|length|chars|number|documents?|sentences?|weights|price|bits?|quant\w*|variation|recovery|delta|change"
    r"|diff\w*|gain|improvement|std|stdev)\b|[Δ±]",
    re.I,
)
DATA_NAME = re.compile(r"[A-Z].*[A-Z]|[A-Z]\w+[-_ ]?\d")
UNKNOWN_METRIC = re.compile(r".*(?:score|rate|accuracy|\(%\)|correlation|similarity)\)?", re.I)
_BEFORE = re.compile(
    r"\W*(?:original|unpruned|unquantized|dense|baseline|fp32|fp16|float32|full precision|pytorch|before)\b.*", re.I
)
CHANGED = re.compile(
    r"\W*(?:int[48]|8-?bit|4-?bit|quanti[sz]ed|optimi[sz]ed|pruned|onnx|openvino|after|bf16)\b.*", re.I
)
AVERAGES = re.compile(r"(?:avg|average|mean|overall|total|all)\.?", re.I)
_SPLIT = re.compile(
    r"(?<![\w])(?P<split>train(?:ing)?|dev(?:elopment)?|val(?:id(?:ation)?)?|test|eval(?:uation)?)\b", re.I
)
_FILLER = re.compile(
    r"\b(?:on|for|the|set|split|of|score|scores|in|questions?|data ?set|results?|and|by)\b|[()\[\],:;*%&#|/↑↓.-]", re.I
)


@dataclass(frozen=True, slots=True)
class Label:
    """What a header or row label names."""

    text: str = ""
    kind: str = ""
    metrics: tuple[MetricMention, ...] = ()
    data: DataRef | None = None
    split: str = ""
    subset: Subset | None = None
    own: bool | None = None
    """Of the card's model, of another, or neither."""
    rest: str = ""
    """What is left of the text when all of this is taken out."""
    sure: bool = True
    """Its metric is the label's own, or the only one that the table names."""


def plain(text: str) -> str:
    """Cell text without emphasis, code marks, HTML tags and a link's address."""
    text = re.sub(r"!?\[([^\]\[]{0,200})\]\([^()\s]{0,300}\)", r"\1", text)
    text = re.sub(r"<[^<>]{1,80}>", " ", text)
    text = re.sub(r"[*`]|(?<!\w)_+|(?<!_)_+(?!\w)|\\(?=[*#])", "", text.replace("\\_", "_"))
    return " ".join(text.split())


def _kind(title: str) -> str:
    title = re.sub(r"\([^()]*\)", " ", title)
    match = _KIND.fullmatch(" ".join(re.sub(r"[^\w% ]+", " ", title).split()))
    return match.lastgroup or "" if match else ""


def read_label(text: str, around: Around) -> Label:
    """What a label names."""
    kind = _kind(text)
    metrics = _distinct(names.metric_mentions(text), text)
    if len(metrics) < 2 and names.is_metric(text):
        name, part = names.metric_name(text)
        return Label(text, kind, (MetricMention(name, part, 0, len(text)),), subset=None if part == "all" else part)
    rest = text
    for mention in reversed(metrics):
        rest = rest[: mention.start] + " " + rest[mention.end :]
    subset = next((m.subset for m in metrics if m.subset != "all"), None) or names.subset_name(_FILLER.sub(" ", rest))
    data = around.data_names.one_data_set(rest.strip(" :,-/()")) if rest.strip() else None
    split_match = _SPLIT.search(rest)
    split = (
        names.split_name(split_match["split"]) if split_match and split_match["split"].casefold()[:4] != "eval" else ""
    )
    if data is not None and data.split and not split:
        split = data.split
    if data is None and metrics and metrics[0].start and text[metrics[0].start - 1] in "([":
        before = data_name(text[: metrics[0].start].strip(" ([-:"))
        if (
            DATA_NAME.search(before)
            and not COST.search(before)
            and not is_model_like(before)
            and not _BEFORE.match(before)
        ):
            data = around.data_names.called(before)
    if data is None and metrics and (bracket := re.search(r"[(\[](?P<name>[A-Z][^()\[\]]{2,40})[)\]]", rest)):
        named = data_name(bracket["name"])
        if (
            not (COST.fullmatch(named) or _BEFORE.match(named) or CHANGED.match(named))
            and re.search(r"[A-Z].*[A-Z]|[A-Za-z]{4}", named)
            and not names.metric_mentions(named)
        ):
            data = around.data_names.called(named)
    left = _FILLER.sub(" ", _SPLIT.sub(" ", rest)).strip() if data is None and subset is None else ""
    own = True if left and around.names.is_own(text) else None
    if own is None and left and data is None and (is_model_like(text) or around.names.is_about_others(text)):
        own = False
    if own is None and (_BEFORE.match(left) or (metrics and re.search(r"\((?:original|fp32)\b", text, re.I))):
        own = False
    return Label(text, kind, metrics, data, split, subset, own, " ".join(left.split()))


def _distinct(mentions: Sequence[MetricMention], text: str) -> tuple[MetricMention, ...]:
    """Metrics of a label: "Exact match (EM)" is one, and of "Accuracy (eval-f1)" the evaluator's own word counts."""
    if len(mentions) == 2:
        first, second = mentions
        if (first.name, first.subset) == (second.name, second.subset):
            return (first,)
        if text[second.start : second.end].casefold().startswith("eval") and "(" in text[first.end : second.start]:
            return (second,)
    return tuple(mentions)


def as_metrics(labels: Sequence[Label]) -> list[Label]:
    """Headers of which some name metrics, with those that the others are of: of a part, or a score not known.

    A column of a part of the questions is of the metric before it. Where the table has several and not the same parts
    behind each, that is unsure, but not without an answer, where exact match and F1 are one.
    """
    of_all = any(mention.subset == "all" and not label.subset for label in labels for mention in label.metrics)
    several = len({mention.name for label in labels for mention in label.metrics}) > 1
    parts = [(n, label.subset) for n, label in enumerate(labels) if not label.metrics and is_part(label)]
    starts = [n for n, label in enumerate(labels) if label.metrics]
    behind = {tuple(s for n, s in parts if a < n < b) for a, b in pairwise((*starts, len(labels)))}
    found: list[Label] = []
    last = labels[starts[0]].metrics[-1]
    for label in labels:
        last = label.metrics[-1] if label.metrics else last
        if label.metrics or not is_part(label):
            found.append(_as_metric(label))
            continue
        if label.subset == "all" and of_all:  # of what is on record already, or an average of that
            found.append(replace(label, metrics=(MetricMention(label.text, "all", 0, 0),), sure=False))
            continue
        one = several and len(behind) > 1 and label.subset == "no_ans" and last.name in names.SCORES
        metric = MetricMention("exact_match" if one else last.name, label.subset or "all", 0, 0)
        found.append(replace(label, metrics=(metric,), sure=one or not several or len(behind) == 1))
    return found


def is_part(label: Label) -> bool:
    """Whether a label names a subset and nothing else."""
    return label.subset is not None and label.data is None and names.subset_name(label.text) is not None


def _as_metric(label: Label) -> Label:
    if label.metrics or label.kind or not UNKNOWN_METRIC.fullmatch(label.text) or COST.search(label.text):
        return label
    name = re.sub(r"\s{0,9}\(%\)$", "", label.text)
    return replace(label, metrics=(MetricMention(name, "all", 0, 0),), rest="")


def own_rows(named: Sequence[Label], sure: bool, around: Around) -> list[Label]:
    """Which of several models is the card's: those that say so, else the one most like its name."""
    own = [label for label in named if label.own] or [label for label in named if around.names.says_ours(label.text)]
    scored = [(around.names.likeness(label.text), label) for label in own or named]
    best = max((score for score, _ in scored), default=0.0)
    if own:
        most = [label for score, label in scored if score == best]
        return most if best >= 0.5 and len(most) == 1 and len({label.text for label in own}) > 1 else own
    if best >= 0.5:
        return [label for score, label in scored if score == best]
    texts = {plain_name(label.text) for label in named}
    if sure and len(texts) == 1 and named[0].own is None and not around.others:
        return list(named)
    return []


def data_name(text: str) -> str:
    text = re.sub(
        r"\s{0,9}[(\[][^()\[\]]{0,30}(?:shot|acc|em|f1|dev|test|val|validation|%)[^()\[\]]{0,20}[)\]]",
        "",
        text,
        flags=re.I,
    )
    return (
        re.sub(r"[\s(-]{0,9}\b(?:train|dev|validation|val|test)(?:[ -]set)?\b\)?\s*$", "", text, flags=re.I).strip()
        or text
    )
