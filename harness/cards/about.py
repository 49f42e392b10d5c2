"""What the text around a figure says that it is about: which data set, which questions, and whose figure it is.

Where that is open, it stays open: a figure held against the wrong data set or model is worse than one left unchecked.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness import names
from harness.cards.blocks import Heading, Prose
from harness.records import DataRef, Setting, Subset

_UNKNOWN = DataRef("", "")
"""A data set that is none of the known ones, or only a part of one."""

_ROLE = re.compile(
    r"\b(?:(?P<training>(?:fine-?)?(?:train|tun)\w*|distil\w*)|evaluat\w*|tested|results?|performance|scores?)\b", re.I
)
_ON = re.compile(r"\b(?:evaluat\w+|tested|results?|performance|scores?)\b[^.\n]{0,40}?\bon\s+(?:the\s+)?", re.I)
_OWN_DATA = re.compile(r"(?:our|my|an?|in-house)\s", re.I)
_NO_DATA = re.compile(
    r"(?:an?\s+)?(?:single|dev|val|test|eval|train|held|[gct]pu|tesla|nvidia|[vatph]\d+|colab|python|\d)", re.I
)
_WRITTEN = re.compile(r"`?(?P<ref>[^\s`]+)")
_PART = re.compile(r"\b(?:subset|sample|portion|part)\s+of\b|\bfirst\s+\d|\brandomly\b", re.I)
_OTHERS = re.compile(
    r"\b(?:teachers?|baselines?|comparisons?|compare[ds]?|humans?|leaderboards?|state[- ]of[- ]the[- ]art"
    r"|(?:other|original|previous|base)\s+models?)\b",
    re.I,
)
_MODEL_ID = re.compile(r"[\w.-]+/[\w.-]+|(?:[\w.]*(?:bert|electra|xlnet|mpnet|minilm|former))(?:-[\w.]+)+", re.I)
_VERSION_2 = re.compile(r"squad[-_ ]?v?2(?!\d)", re.I)
_FILLER = re.compile(r"\b(?:results?|scores?|performance|on|for|the|only|questions?)\b|[*_:]", re.I)


@dataclass(slots=True)
class _Section:
    level: int
    named: list[DataRef] = field(default_factory=list)
    """Data sets named by the latest of its texts that names any."""
    others: bool = False
    """It is about other models."""
    subset: Subset | None = None


class Around:
    """The headings and paragraphs read so far, as far as they concern the next figures."""

    def __init__(self, model: str, settings: Sequence[Setting], known: Sequence[DataRef]) -> None:
        name = model.replace("__", "/").casefold()
        self._own = {model.casefold(), name, name.rpartition("/")[2], "ours", "our model", "this model"}
        self._title = name
        self._bare = _meaning_of_squad(model, known)
        self._sections = [_Section(0)]
        self._caption_of_others = False
        self._default = self._stated_data(settings) or (known[0] if len(known) == 1 else None)

    def read(self, block: Heading | Prose) -> None:
        """Take in the next heading or paragraph."""
        if isinstance(block, Heading):
            self._sections = [section for section in self._sections if 0 < section.level < block.level]
            text = _FILLER.sub(" ", block.text).strip()
            others = block.level > 1 and (self._is_about_others(block.text) or self._is_another_model(text))
            subset = names.subset_name(text)
            self._sections.append(_Section(block.level, self._named(block.text), others, subset))
            self._caption_of_others = False
        else:
            text = "\n".join(line.text for line in block.lines)
            section = self._sections[-1]
            section.named = self._named(text) or section.named
            last_sentence = re.split(r"[.!?]\s", text.strip())[-1]
            self._caption_of_others = self._is_about_others(last_sentence)

    def is_own(self, text: str) -> bool:
        """Whether a text is a name of the card's model."""
        return text.casefold() in self._own

    @property
    def others(self) -> bool:
        """Whether the next figures are introduced as those of other models."""
        return self._caption_of_others or any(section.others for section in self._sections)

    @property
    def subset(self) -> Subset | None:
        """The subset that the nearest heading naming one names."""
        return next((section.subset for section in reversed(self._sections) if section.subset), None)

    @property
    def data(self) -> DataRef | None:
        """The data set that the nearest text naming any names; None where it names several, or one not known.

        Nearest is the text before in the same section, then in the section around that, but not under the card's
        title, then the ``Eval data`` line, an ``eval_data`` setting, the only data set of the front matter.
        """
        for section in reversed(self._sections):
            if section.level == 1 and section is not self._sections[-1]:
                break
            if section.named:
                ref = section.named[0]
                if len(section.named) > 1 or ref == _UNKNOWN:
                    return None
                return self.completed(ref)
        return self._default

    def completed(self, ref: DataRef) -> DataRef:
        """A data set without a split is the one stated for the whole card, where that is a split of it."""
        default = self._default
        same = default is not None and default.name == ref.name and ref.config in (None, default.config)
        return default if default is not None and same and not ref.split else ref

    def one_data_set(self, text: str) -> DataRef | None:
        """The one data set that a short text names."""
        try:
            return names.canonical_data(DataRef.parse(text))
        except ValueError:
            pass
        refs = {self._meant(mention) for mention in names.data_mentions(text)}
        if refs:
            return refs.pop() if len(refs) == 1 and _UNKNOWN not in refs else None
        return names.data_phrase(text)

    def _stated_data(self, settings: Sequence[Setting]) -> DataRef | None:
        stated = [setting for setting in settings if setting.name == "eval_data"]
        for setting in sorted(stated, key=lambda s: s.block is not None):
            if (ref := self.one_data_set(setting.text)) is not None:
                return ref
        return None

    def _is_about_others(self, text: str) -> bool:
        return any(match[0].casefold() not in self._title for match in _OTHERS.finditer(text))

    def _is_another_model(self, text: str) -> bool:
        name = text.strip("`[]() ")
        return _MODEL_ID.fullmatch(name) is not None and not self.is_own(name)

    def _meant(self, mention: names.Mention) -> DataRef:
        if not mention.family:
            return mention.ref
        return DataRef(self._bare.name, mention.ref.split) if self._bare != _UNKNOWN else _UNKNOWN

    def _named(self, text: str) -> list[DataRef]:
        """The data sets that a text names as those of figures; of several, those that something was evaluated on."""
        if _PART.search(text):
            return [_UNKNOWN]
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
        strange = self._strange_data(text, mentions)
        if len(set(refs)) > 1 or strange:
            refs = [*evaluated, *strange] or refs
        refs = refs or (trained if len(set(trained)) > 1 else [])
        return list(dict.fromkeys(refs))

    def _strange_data(self, text: str, mentions: Sequence[names.Mention]) -> list[DataRef]:
        """Data sets that something was evaluated on and that are not among the known ones."""
        found = []
        starts = [mention.start for mention in mentions]
        for match in _ON.finditer(text):
            rest = re.split(r"[.,;]\s|\n", text[match.end() : match.end() + 80])[0]
            nearest = bisect_left(starts, match.end())
            if nearest < len(starts) and starts[nearest] < match.end() + len(rest):
                continue
            word = _WRITTEN.match(rest)
            try:
                found.append(names.canonical_data(DataRef.parse(word["ref"] if word else "")))
                continue
            except ValueError:
                pass
            named = rest[:1].isupper() or _OWN_DATA.match(rest)
            if named and not _NO_DATA.match(rest) and not (self._default and self._default.name in rest):
                found.append(_UNKNOWN)
        return found


def _meaning_of_squad(model: str, known: Sequence[DataRef]) -> DataRef:
    """What the bare word SQuAD, which is also a family of data sets, means in a card."""
    listed = {ref.name for ref in known} & {"squad", "squad_v2"}
    if len(listed) == 2:
        return _UNKNOWN
    if listed:
        return DataRef(listed.pop(), "")
    return DataRef("squad_v2" if _VERSION_2.search(model) else "squad", "")
