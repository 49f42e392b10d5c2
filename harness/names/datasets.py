"""Names of data sets and splits, as cards write them and as this project does."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from harness.names.rules import STYLE, names_rules
from harness.records import DataRef


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.casefold())


@dataclass(frozen=True, slots=True)
class _DataSet:
    hub: str
    keys: tuple[str, ...]
    train: str | None
    evaluation: str
    config: str | None = None
    """The only configuration; naming it says nothing."""


_DATASETS = {
    "squad": _DataSet(
        "rajpurkar/squad", ("squad", "squad1", "squad11", "squadv1", "squadv11"), "train", "validation", "plain_text"
    ),
    "squad_v2": _DataSet(
        "rajpurkar/squad_v2", ("squadv2", "squad2", "squad20", "squadv20"), "train", "validation", "squad_v2"
    ),
    "adversarial_qa": _DataSet("UCLNLP/adversarial_qa", ("adversarialqa",), "train", "validation"),
    "squad_adversarial": _DataSet("stanfordnlp/squad_adversarial", ("squadadversarial",), None, "validation"),
    "squadshifts": _DataSet("ludwigschmidt/squadshifts", ("squadshifts",), None, "test"),
    "xquad": _DataSet("google/xquad", ("xquad",), None, "validation"),
    "mlqa": _DataSet("facebook/mlqa", ("mlqa",), None, "test"),
    "pocket": _DataSet("pocket", ("pocket",), "train", "validation", "pocket"),
}
_DATASET_OF = {key: name for name, data in _DATASETS.items() for key in data.keys}
_HUB_OF = {data.hub.casefold(): name for name, data in _DATASETS.items()}

_SPLIT_OF = {
    "train": "train",
    "training": "train",
    "dev": "validation",
    "development": "validation",
    "val": "validation",
    "validation": "validation",
    "test": "test",
}


def dataset_name(text: str) -> str | None:
    """The canonical name of a data set: ``SQuAD 2.0`` and ``rajpurkar/squad_v2`` are ``squad_v2``; else None."""
    text = text.strip()
    if "/" in text:
        return _HUB_OF.get(text.casefold())
    return _DATASET_OF.get(_key(text))


def hub_name(name: str) -> str:
    """The id on the Hub of a data set by its canonical name; any other name as it is."""
    known = _DATASETS.get(name)
    return known.hub if known else name


def split_name(text: str) -> str:
    """``dev`` -> ``validation`` (a slice stays); a split that is not known stays as written."""
    base, bracket, rest = text.strip().partition("[")
    return _SPLIT_OF.get(base.strip().casefold(), base.strip()) + bracket + rest


def train_split(dataset: str) -> str | None:
    """The split that *training on* a data set means when none is named; None where there is no such split."""
    known = _DATASETS.get(dataset)
    return known.train if known else None


def evaluation_split(dataset: str) -> str | None:
    """The public split with answers that *evaluated on* a data set means when none is named."""
    known = _DATASETS.get(dataset)
    return known.evaluation if known else None


def canonical_data(ref: DataRef) -> DataRef:
    """The same reference in canonical names, without a configuration that is a data set's only one.

    Two references are to the same data if their canonical forms are equal.
    """
    name = dataset_name(ref.name) or ref.name
    known = _DATASETS.get(name)
    config = None if known is None or ref.config == known.config else ref.config
    return DataRef(name, split_name(ref.split), ref.config if known is None else config, ref.revision)


@dataclass(frozen=True, slots=True)
class Mention:
    """A data set named in running text."""

    ref: DataRef
    """Canonical; the split is empty where the text names none."""
    start: int
    end: int
    family: bool = False
    """The bare word SQuAD, which names a data set or the family of them."""


_WORD = r"(?:train(?:ing)?|dev(?:elopment)?|val(?:idation)?|test)"
_VERSION = r"(?:\]\([^()\s]{0,300}\))?[*`]{0,3}[ _-]?(?:dataset[ ])?\(?(?:v(?:ersion)?[ .]?)?"
_MENTION = re.compile(
    r"""(?<![\w/.-]) (?:
      (?P<file>(?P<file_split>train|dev)-v(?P<file_version>1\.1|2\.0)\.json)
    | (?P<squadshifts>(?i:squad[ ]?shifts)) (?:[ _:-]{1,9}(?P<shift>(?i:amazon|new[ _-]?wiki|nyt|reddit)))?
    | (?P<squad_adversarial>(?i:squad[ _-]adversarial|adversarial[ ]squad))
    | (?P<adversarial_qa>(?i:adversarial[ _-]?qa))
    | (?P<squad_v2>(?i:squad__VERSION__2(?:\.0)?))
    | (?P<squad>(?i:squad__VERSION__1(?:\.[01])?)|(?P<family>SQ[uU]AD|Squad
        |squad(?=[`*]{0,9}\s{1,40}(?:data|dev|train|val|test|corpus))))
    | (?P<xquad>(?i:xquad)) (?:[.-](?P<language>[a-z]{2}))?
    | (?P<mlqa>(?i:mlqa))
    ) (?:(?!-?\w)|(?=__STYLE__))""".replace("__VERSION__", _VERSION).replace("__STYLE__", STYLE),
    re.VERBOSE,
)
_LANGUAGE = (
    "arabic|bengali|chinese|czech|danish|dutch|finnish|french|german|greek|hebrew|hindi|hungarian|indonesian|italian"
    "|japanese|korean|norwegian|persian|polish|portuguese|romanian|russian|spanish|swedish|thai|turkish|ukrainian"
    "|vietnamese"
)
_TRANSLATED_BEFORE = re.compile(
    rf"\b(?P<language>{_LANGUAGE})[\s*_`-]{{1,3}}(?:version\s+of\s+(?:the\s+)?)?$"
    r"|\b(?:translat\w+|tradu\w+|übersetz\w+)[\s*_`-]{1,3}(?:(?:versions?\s+)?(?:of|do|da|de|del|du)\s+(?:the\s+)?)?$",
    re.I,
)
_TRANSLATED_AFTER = re.compile(
    rf"[\s*_`)\]]{{0,40}}(?:data\s?set\s{{1,40}})?[(]?(?:(?:in|into|for)\s{{1,40}})?"
    rf"(?:{_LANGUAGE}|translat|tradu[zcit]|machine[- ]translat)",
    re.I,
)
_REF = re.compile(
    r"(?<![\w/.@:-])[\w.-]{1,80}(?:/[\w.-]{1,80})?(?:@[\w.-]{1,40})?(?::[\w.-]{1,80})?:"
    + _WORD
    + r"\b(?:\[[^\[\]\n]{0,40}\])?"
)
_SPLIT_AFTER = re.compile(
    rf"[ ]{{0,9}}[`*_)\]]{{0,9}}\s{{0,40}}(?:(?:data[ ]?set|'s|\w{{1,40}})\s{{1,40}})?(?P<split>{_WORD})[- ]{{1,9}}"
    r"(?:set|split|data|part)\b|\s{0,40}[(]?(?P<bare>train|dev|validation|test)\b",
    re.I,
)
_SPLIT_BEFORE = re.compile(rf"\b(?P<split>{_WORD})[- ](?:set|split|data|part)\s+of\s+(?:the\s+)?$", re.I)

_CONVERTED = re.compile(
    r"\b(?:convert|transform|cast|rewrit|rewrot|adapt|reformat|turn|brought|bring|put)\w*\b[^.\n]{0,60}$", re.I
)


def data_mentions(text: str) -> tuple[Mention, ...]:
    """The known data sets that running text names, in order, each with the split named beside it.

    Written references (``squad_v2:validation[:100]``) and file names (``dev-v2.0.json``) count; translations are
    data sets of their own, and not among the known ones.
    """
    return _mentions(text) if len(text) <= _CACHED else _mentions.__wrapped__(text)


_CACHED = 2_000
"""Characters of a text that is kept; longer ones would fill the memory."""


@lru_cache(512)
def _mentions(text: str) -> tuple[Mention, ...]:
    found = [_written(match) for match in _REF.finditer(text)] if ":" in text else []
    mentions = [mention for mention in found if mention is not None]
    starts, ends = [mention.start for mention in mentions], [0, *(mention.end for mention in mentions)]
    for match in _MENTION.finditer(text) if _may_mention(text) else ():
        within = match.start() < ends[bisect_right(starts, match.start())]  # of the last reference that began before
        if not within and not _is_translated(match, text) and not _is_rules(match, text):
            mentions.append(_named(match, text))
    return tuple(sorted(mentions, key=lambda mention: mention.start))


def _may_mention(text: str) -> bool:
    """Whether a word is there without which `_MENTION` finds nothing; most lines have none."""
    folded = text.casefold()
    return any(word in folded for word in ("squad", "adversarial", "xquad", "mlqa", "-v"))


def translations(text: str) -> list[str]:
    """The translations of known data sets that a text names: with their language, else empty."""
    found = []
    for match in _MENTION.finditer(text) if _may_mention(text) else ():
        if _is_translated(match, text) and not _is_rules(match, text):
            before = _TRANSLATED_BEFORE.search(text, max(0, match.start() - 40), match.start())
            language = before["language"] if before else None
            found.append(f"{language} {match[0].strip('*`')}" if language else "")
    return found


def _is_translated(match: re.Match[str], text: str) -> bool:
    before = _TRANSLATED_BEFORE.search(text, max(0, match.start() - 40), match.start())
    return bool(before or _TRANSLATED_AFTER.match(text, match.end()))


def speaks_of_rules(text: str, start: int = 0) -> bool:
    """Whether the name of a data set that begins at a character means its rules, metric, script, style or format."""
    match = _MENTION.match(text, start)
    return match is not None and _is_rules(match, text)


def brings_into_format(text: str) -> bool:
    """Whether a text says that other data were converted to the format of a known data set."""
    return any(
        _CONVERTED.search(text, max(0, match.start() - 80), match.start()) and _is_rules(match, text)
        for match in (_MENTION.finditer(text) if _may_mention(text) else ())
    )


def _is_rules(match: re.Match[str], text: str) -> bool:
    split = bool(match["file"]) or _SPLIT_AFTER.match(text, match.end()) is not None
    return names_rules(text, match.start(), match.end(), split=split)


def _written(match: re.Match[str]) -> Mention | None:
    try:
        ref = canonical_data(DataRef.parse(match[0]))
    except ValueError:
        return None
    return Mention(ref, match.start(), match.end()) if ref.name in _DATASETS else None


def _named(match: re.Match[str], text: str) -> Mention:
    if match["file"]:
        name = "squad_v2" if match["file_version"] == "2.0" else "squad"
        return Mention(DataRef(name, split_name(match["file_split"])), match.start(), match.end())
    name = next(name for name in _DATASETS if name != "pocket" and match[name])
    config = None
    if match["shift"]:
        config = {"newwiki": "new_wiki"}.get(_key(match["shift"]), _key(match["shift"]))
    elif match["language"]:
        config = f"xquad.{match['language']}"
    after = _SPLIT_AFTER.match(text, match.end())
    if after:
        split = split_name(after["split"] or after["bare"])
        return Mention(DataRef(name, split, config), match.start(), after.end(), bool(match["family"]))
    before = _SPLIT_BEFORE.search(text[max(0, match.start() - 40) : match.start()])
    split = split_name(before["split"]) if before else ""
    return Mention(DataRef(name, split, config), match.start(), match.end(), bool(match["family"]))


_FILLER = frozenset(("the", "of", "set", "split", "data", "dataset", "english", "full", "official"))


def data_phrase(text: str) -> DataRef | None:
    """The one data set that a phrase such as ``SQuAD 2.0 training set`` or a path to ``dev-v2.0.json`` names.

    None if it names none, several, or anything else beside it; the split is empty where it names none.
    """
    if name := dataset_name(text):
        return DataRef(name, "")
    text = text.strip().strip("'\"`")
    if text.endswith(".json") and not re.search(r"\s", text):
        text = re.split(r"[/\\]", text)[-1]
    mentions = data_mentions(text)
    if len(mentions) != 1:
        return None
    rest = text[: mentions[0].start] + " " + text[mentions[0].end :]
    words = re.findall(r"\w+", rest.casefold())
    return mentions[0].ref if all(word in _FILLER for word in words) else None
