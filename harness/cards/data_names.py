"""Which data sets a text names, and of several those that figures are about.

Where that is open, it stays open: a figure held against the wrong data set is worse than one left unchecked.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from harness import names
from harness.cards.data_aliases import DataAliases
from harness.cards.data_words import DATA_LIKE, HEADED, HEADING_WORD, NO_NAME
from harness.cards.models import Names, is_model_like
from harness.records import DataRef

UNKNOWN = DataRef("", "")
_ROLE = re.compile(
    r"\b(?:(?P<training>(?<!further )(?:fine-?)?(?:train|tun)\w*|distil\w*)|evaluat\w*|tested|results?"
    r"|performance|scores?)\b",
    re.I,
)
_ON = re.compile(
    r"\b(?:evaluat\w+|tested|results?|performance|scores?|run|tried|measured"
    r"|benchmarked)\b[^.\n]{0,40}?\bon\s+(?:the\s+)?"
    r"|\bon\s+(?:the\s+)?(?:dev|test|validation|evaluation)\s+(?:set|split|part|data)s?\s+of\s+(?:the\s+)?",
    re.I,
)
_OWN_DATA = re.compile(r"(?:our|my|an?|in-house)\s", re.I)
_ON_WORDS = re.compile(r"\bon\s{1,9}(?:the\s{1,9})?[`*_\"\[]{0,4}(?P<name>[\w./-]{2,60}(?:[ ][\w.-]{1,40}){0,3})")
_NO_DATA = re.compile(
    r"(?:an?\s+)?(?:single|dev|val|test|eval|train|held|[gct]pu|tesla|nvidia|[vatph]\d+|colab|python|\d)", re.I
)
_WRITTEN = re.compile(r"`?(?P<ref>[^\s`]+)")
_NAME = re.compile(r"[`*_\[]{0,9}(?P<name>[A-Z][\w./-]*(?:[ ](?:[A-Z][\w./-]*|v?\d[\w.]*)){0,4})")
_PART = re.compile(
    r"\b(?:subset|sample|portion)\s+of\b|\b(?:a|small|first)\s+part\s+of\b|\bfirst\s+\d|\brandomly\b", re.I
)
_CALLED = re.compile(
    r"\b(?:on|using|with|for)\s{1,40}(?:the\s{1,40}|an?\s{1,40}|our\s{1,40})?[`*_\"]{0,9}"
    r"(?P<name>(?=(?:(?![A-Za-z])[\w./-]){0,150}[A-Za-z])[\w./-]{1,150}(?: - [\w-]{1,40})?)[`*_\"]{0,9}\s{1,40}"
    r"(?:data ?set|corpus|benchmark|(?:dev|test|validation|evaluation) (?:set|split))\b"
)
_TRAINER = re.compile(r"\bfine-?tuned version of\b|\b(?:evaluat|tested|train|fine-?tun)\w*\b", re.I)
_VERSION_2 = re.compile(r"squad[-_ ]?v?2(?!\d)", re.I)


class DataNames:
    """Reads the names of data sets as one card uses them."""

    def __init__(
        self, models: Names, aliases: Sequence[str], known: Sequence[DataRef], called: DataAliases | None = None
    ) -> None:
        """Settle what the bare word SQuAD means.

        Args:
            models: Tells models from data sets.
            aliases: Every name of the card's model.
            known: The data sets of the front matter.
            called: What other names the front matter has for them.
        """
        self._models = models
        self._called = called or DataAliases()
        self._bare = _meaning_of_squad(" ".join(aliases), known)
        self._bare_here = self._bare
        self.default: DataRef | None = None
        """What the whole card is evaluated on."""

    def forget_contrast(self) -> None:
        """A new paragraph begins."""
        self._bare_here = self._bare

    def contrast(self, text: str) -> None:
        """In a table or block that also names SQuAD 2.0, the bare word SQuAD is the first version."""
        told = any(m.ref.name == "squad_v2" and not m.family for m in names.data_mentions(text[:20_000]))
        self._bare_here = DataRef("squad", "") if told else self._bare

    def one_data_set(self, text: str) -> DataRef | None:
        """The one data set that a short text names."""
        try:
            written = self._called.resolve(names.canonical_data(DataRef.parse(text)))
            return None if names.subset_name(written.name) else written
        except ValueError:
            pass
        if not self._models.is_own(text) and text.casefold() not in NO_NAME and (ref := self._called.whole(text)):
            return ref
        refs = {self._meant(mention) for mention in names.data_mentions(text)}
        if refs:
            return refs.pop() if len(refs) == 1 and UNKNOWN not in refs else None
        return names.data_phrase(text)

    def called(self, name: str, split: str = "") -> DataRef | None:
        """The data set that a card calls by a name; None for a name of a part of one, or of rules."""
        if names.subset_name(name) or names.speaks_of_rules(name):
            return None
        return self._called.resolve(DataRef(name, split))

    def _meant(self, mention: names.Mention) -> DataRef:
        if not mention.family:
            return mention.ref
        return DataRef(self._bare_here.name, mention.ref.split) if self._bare_here != UNKNOWN else UNKNOWN

    def named(self, text: str) -> list[DataRef]:
        """The data sets that a text names as those of figures; of several, those that something was evaluated on."""
        if _PART.search(text):
            return [UNKNOWN]
        mentions = names.data_mentions(text)
        refs: list[DataRef] = []
        trained: list[DataRef] = []
        evaluated: list[DataRef] = []
        for mention in mentions:
            roles = list(_ROLE.finditer(re.split(r"[.!?]\s", text[max(0, mention.start - 90) : mention.start])[-1]))
            ref = self._meant(mention)
            if roles and roles[-1]["training"] and ref.split in ("", "train"):
                trained.append(ref)
                continue
            refs.append(ref)
            if roles and not roles[-1]["training"]:
                evaluated.append(ref)
        called = self._on_called(text)
        refs, evaluated = [*refs, *called], [*evaluated, *called]
        strange = [*map(_translation, names.translations(text)), *self._strange_data(text, mentions)]
        if len(set(refs)) > 1 or strange:
            refs = [*evaluated, *strange] or refs
        refs = list(dict.fromkeys(refs))[:20]
        refs = [ref for ref in refs if not any(_is_part(other, ref) for other in refs)]
        if not refs and names.brings_into_format(text):  # other data than those it names
            return [UNKNOWN]
        refs = refs or (trained if len(set(trained)) > 1 or _CALLED.search(text) else [])
        return list(dict.fromkeys(refs))

    def mentioned(self, text: str) -> list[DataRef]:
        """Every data set that a text names, for whatever it says of it."""
        mentions = names.data_mentions(text)
        translated = map(_translation, names.translations(text))
        return [*(self._meant(mention) for mention in mentions), *translated, *self._strange_data(text, mentions)]

    def _strange_data(self, text: str, mentions: Sequence[names.Mention]) -> list[DataRef]:
        """Data sets that something was evaluated on and that are not among the known ones, as the card names them."""
        found = []
        starts = [mention.start for mention in mentions]
        for match in _ON.finditer(text):
            rest = re.split(r"[.,;]\s|\n", text[match.end() : match.end() + 80])[0]
            nearest = bisect_left(starts, match.end())
            if nearest < len(starts) and starts[nearest] < match.end() + len(rest):
                continue
            word = _WRITTEN.match(rest)
            try:
                found.append(self._called.resolve(names.canonical_data(DataRef.parse(word["ref"] if word else ""))))
                continue
            except ValueError:
                pass
            called = _NAME.match(rest)
            if names.speaks_of_rules(rest.lstrip("`*_[")):
                continue
            if called and not _NO_DATA.match(rest) and called["name"].casefold() not in NO_NAME:
                found.append(self._as_written(called["name"], rest))
            elif _OWN_DATA.match(rest) and not _NO_DATA.match(rest):
                found.append(UNKNOWN)
        for match in _CALLED.finditer(text):
            name = match["name"]
            if not self._called.knows(name):
                if name.isalpha() and name.islower() and not _TRAINER.search(text, 0, match.start()):
                    continue
                if name.casefold() in NO_NAME or self._models.is_own(name):
                    continue
            if not names.speaks_of_rules(text[match.start("name") : match.end() + 40]):
                found.append(self._as_written(name, text[match.start() : match.end() + 40]))
        if not found and not mentions:
            found += [
                self._as_written(match[0], text[match.start() : match.end() + 40])
                for match in DATA_LIKE.finditer(text)
                if not names.speaks_of_rules(text, match.start())
            ]
        known = {mention.ref.name for mention in mentions}
        return [ref for ref in dict.fromkeys(found) if ref.name not in known and not names.subset_name(ref.name)]

    def _on_called(self, text: str) -> list[DataRef]:
        """Data sets by the card's own names for them behind *on*, unless something was trained on them."""
        found = []
        for match in _ON_WORDS.finditer(text) if self._called.any else ():
            roles = list(_ROLE.finditer(re.split(r"[.!?]\s", text[max(0, match.start() - 90) : match.start()])[-1]))
            words = match["name"].split()
            counts = [n for n in range(len(words), 0, -1) if self._is_called(" ".join(words[:n]))]
            if counts and not (roles and roles[-1]["training"]):
                found.append(self._as_written(" ".join(words[: counts[0]]), text[match.start() : match.end() + 40]))
        return found

    def _is_called(self, word: str) -> bool:
        """Whether a word is one of the card's own names for data, and not a word for any."""
        word = word.strip("*_`.,:;()[]")
        return self._called.knows(word) and word.casefold() not in NO_NAME and not self._models.is_own(word)

    def _as_written(self, name: str, around: str) -> DataRef:
        if known := names.dataset_name(name):  # not among the mentions: a translation of it, or a part
            return DataRef(known, "") if names.data_mentions(around) or name.islower() else UNKNOWN
        split = re.search(r"\b(dev|test|validation|val)\b", self.without_names(around))
        ref = DataRef(name.strip("`*_.,:;()[] "), names.split_name(split[1]) if split else "")
        return self._called.resolve(ref)

    def without_names(self, text: str) -> str:
        """A text without the card's own names for data, which may look like those of splits."""
        return self._called.blank(text) if self._called.any else text

    def heading(self, text: str) -> list[DataRef]:
        """The data set that a heading names: first in it, or after *on*, or by a known name."""
        if (
            text.casefold().strip() not in NO_NAME
            and not self._models.is_own(text)
            and (ref := self._called.whole(text))
        ):
            return [ref]
        match = HEADED.match(text.strip("*_` "))
        if (
            match
            and not (HEADING_WORD.fullmatch(match["name"]) or names.subset_name(match["name"]))
            and not names.metric_mentions(match["name"])
        ):
            known = names.data_mentions(match["name"])
            if not known and not is_model_like(match["name"]) and not self._models.is_own(match["name"]):
                return [self._as_written(match["name"], text)]
        return self.named(text)


def _translation(text: str) -> DataRef:
    return DataRef(" ".join(text.split()), "") if text else UNKNOWN


def _is_part(ref: DataRef, of: DataRef) -> bool:
    """Whether a reference says all that another does, and more."""
    return ref != of and ref.name == of.name and of.config in (None, ref.config) and of.split in ("", ref.split)


def _meaning_of_squad(model: str, known: Sequence[DataRef]) -> DataRef:
    """What the bare word SQuAD, which is also a family of data sets, means in a card."""
    listed = {ref.name for ref in known} & {"squad", "squad_v2"}
    if len(listed) == 2:
        return UNKNOWN
    if listed:
        return DataRef(listed.pop(), "")
    return DataRef("squad_v2" if _VERSION_2.search(model) else "squad", "")
