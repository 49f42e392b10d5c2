"""What the text around a figure says that it is about: which data set, which questions, and whose figure it is.

Where that is open, it stays open: a figure held against the wrong data set or model is worse than one left unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from harness import names
from harness.cards.blocks import Block, Heading, Prose
from harness.cards.data_aliases import DataAliases
from harness.cards.data_names import UNKNOWN, DataNames
from harness.cards.models import Names, is_model_like
from harness.names import MetricMention
from harness.records import DataRef, Setting, Subset

_MOST_BLOCKS = 1_000
"""A data set that is none of the known ones, or only a part of one."""

_PUBLISHED = re.compile(r"\b(?:authors?|paper|official results|reported by|published)\b", re.I)
_TRAINED_ON = re.compile(r"\b(?:fine-?tun\w+|train\w*|tuned)\b[^.\n]{0,60}?\b(?:on|with|for)\s", re.I)
_EVALUATES = re.compile(r"\b(?:evaluat|test|result|perform|scor|achiev|dev|validation|obtain|benchmark)\w*|:\W*$", re.I)
_SPLIT = re.compile(
    r"\b(?P<split>dev(?:elopment)?|validation|test)\b"
    r"(?:[ -](?:set|split|data|part|results?|scores?|performance)\b|\W*$)",
    re.I,
)
_INTRODUCES = re.compile(r":\W*$|\b(?:reach|scor|achiev|perform|obtain|compar|result)\w*", re.I)
_LANGUAGES = {
    "arabic": "ar", "chinese": "zh", "english": "en", "german": "de", "greek": "el", "hindi": "hi", "romanian": "ro",
    "russian": "ru", "spanish": "es", "thai": "th", "turkish": "tr", "vietnamese": "vi",
}  # fmt: skip
_FILLER = re.compile(r"\b(?:results?|scores?|performance|on|for|the|only|questions?)\b|[*_:]", re.I)


@dataclass(slots=True)
class _Section:
    level: int
    named: list[DataRef] = field(default_factory=list)
    """Data sets named by the latest of its texts that names any."""
    others: bool = False
    """It is about other models."""
    subset: Subset | None = None
    metrics: tuple[MetricMention, ...] = ()
    """Metrics of figures that name none, by the heading or the text before them."""
    split: str = ""
    """The split that its heading or latest text names, where that is one."""
    headed: bool = False
    """Its heading names data sets; text that evaluates on others may still say so."""


def _one_split(text: str) -> str:
    """The split that a text of one split names; sets for training do not count."""
    splits = {names.split_name(match["split"]) for match in _SPLIT.finditer(text)}
    return splits.pop() if len(splits) == 1 else ""


class Around:
    """The headings and paragraphs read so far, as far as they concern the next figures."""

    def __init__(
        self,
        aliases: Sequence[str],
        settings: Sequence[Setting],
        known: Sequence[DataRef],
        metrics: Sequence[str] = (),
        called: DataAliases | None = None,
    ) -> None:
        """Start at the top of the body.

        Args:
            aliases: Every name of the card's model.
            settings: Everything that the card states.
            known: The data sets of the front matter.
            metrics: Metrics that the front matter lists.
            called: Other names that the front matter has for its data sets.
        """
        self.names = Names(aliases)
        self.result_digits: set[str] = set()
        """Figures read so far: a training log repeats those of the published checkpoint."""
        self.data_names = DataNames(self.names, aliases, known, called)
        self._sections = [_Section(0)]
        self._parts: list[tuple[int, Subset]] = []
        """Subsets that paragraphs and list items are the names of, with their depth: of what stands below."""
        self._caption_of_others = False
        self._caption_metrics: tuple[MetricMention, ...] = ()
        listed = [MetricMention(names.metric_name(metric)[0], "all", 0, 0) for metric in metrics]
        self._listed = tuple(listed) if len(listed) == 1 and listed[0].name in names.METRICS else ()
        self.sole_metric = self._listed[0] if self._listed else None
        """The only metric that the metadata name, for a result that names none."""
        self.data_names.default = self._stated_data(settings) or (known[0] if len(known) == 1 else None)

    def read(self, block: Heading | Prose) -> None:
        """Take in the next heading or paragraph."""
        self.data_names.forget_contrast()
        self._parts = [part for part in self._parts if isinstance(block, Prose) and part[0] < block.depth]
        if isinstance(block, Heading):
            self._sections = [section for section in self._sections if 0 < section.level < block.level]
            text = _FILLER.sub(" ", block.text).strip()
            title = not any(section.level for section in self._sections) and block.level == 1
            others = not title and (
                self.names.is_about_others(block.text)
                or bool(_PUBLISHED.search(block.text))
                or self._is_another_model(text)
            )
            subset = names.subset_name(text)
            metrics = tuple(names.metric_mentions(block.text))
            named = self.data_names.named(block.text) if title else self.data_names.heading(block.text)
            split = _one_split(self.data_names.without_names(block.text))
            self._sections.append(_Section(block.level, named, others, subset, metrics, split, bool(named)))
            self._caption_of_others = False
            self._caption_metrics = ()
        else:
            text = "\n".join(line.text for line in block.lines)
            if part := names.subset_name(text):
                self._parts.append((block.depth, part))
            section = self._sections[-1]
            named = self.data_names.named(text)
            if named and not (section.headed and not _EVALUATES.search(text)):
                section.named = named
            section.split = _one_split(self.data_names.without_names(text)) or section.split
            last_sentence = re.split(r"[.!?]\s", text.strip())[-1]
            self._caption_of_others = (
                self.names.is_about_others(last_sentence)
                and not self.names.says_ours(last_sentence)
                and bool(_INTRODUCES.search(last_sentence))
            )
            mentions = [] if re.search(r"\d\d\.\d", text) else names.metric_mentions(text)
            self._caption_metrics = tuple({mention.name: mention for mention in mentions}.values())

    def settle(self, blocks: Sequence[Block]) -> None:
        """Take the data set that the whole card is about where nothing states one."""
        if self.data_names.default is None:
            self.data_names.default = default_data(blocks, self)

    def end_list(self) -> None:
        """What a list says of its items holds no longer."""
        self._parts = [part for part in self._parts if part[0] == 0]

    @property
    def metrics(self) -> tuple[MetricMention, ...]:
        """Metrics of figures that name none themselves: those of the nearest text or heading, at most two."""
        if self._caption_metrics:
            return self._caption_metrics if len(self._caption_metrics) <= 2 else ()
        for section in reversed(self._sections[-2:]):
            if section.metrics:
                return section.metrics if len(section.metrics) <= 2 else ()
        return self._listed

    def config(self, data: str, text: str) -> str:
        """A language as the data set names its configurations: German is ``xquad.de``."""
        if data != "xquad":
            return text
        folded = text.casefold().strip()
        code = _LANGUAGES.get(folded, folded)
        return f"xquad.{code}" if code in _LANGUAGES.values() else text

    @property
    def section_of_others(self) -> bool:
        """Whether a heading above says that what follows is about other models."""
        return any(section.others for section in self._sections)

    @property
    def others(self) -> bool:
        """Whether the next figures are introduced as those of other models."""
        return self._caption_of_others or any(section.others for section in self._sections)

    @property
    def subset(self) -> Subset | None:
        """The subset that the text before is the name of, or the nearest heading naming one names."""
        if self._parts:
            return self._parts[-1][1]
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
                if len(section.named) > 1 or ref == UNKNOWN:
                    return None
                return self.with_split(self.completed(ref))
        return self.with_split(self.data_names.default) if self.data_names.default else None

    def with_split(self, ref: DataRef) -> DataRef:
        """The reference with the split that the text nearest to the figures names, unless that is not public."""
        split = next((section.split for section in reversed(self._sections) if section.split), "")
        usual = names.evaluation_split(ref.name)
        return replace(ref, split=split) if split and not ref.split and usual in (None, split) else ref

    def completed(self, ref: DataRef) -> DataRef:
        """A data set without a split is the one stated for the whole card, where that is a split of it."""
        default = self.data_names.default
        same = default is not None and default.name == ref.name and ref.config in (None, default.config)
        return default if default is not None and same and not ref.split else ref

    def _stated_data(self, settings: Sequence[Setting]) -> DataRef | None:
        stated = [setting for setting in settings if setting.name in ("eval_data", "dataset_name")]
        for setting in sorted(stated, key=lambda s: (s.name != "eval_data", s.block is not None)):
            if (ref := self.data_names.one_data_set(setting.text)) is not None:
                return ref
        return None

    def _is_another_model(self, text: str) -> bool:
        text = re.sub(r"^\d+[.)]\s*", "", text)
        if re.fullmatch(r"[\w.-]{3,}/[\w.-]{3,}", text) and not names.metric_mentions(text):
            return not self.names.is_own(text)
        return is_model_like(text) and not self.names.is_own(text) and self.names.likeness(text) < 0.6


def default_data(blocks: Sequence[Block], around: Around) -> DataRef | None:
    """The data set that a whole card is about: the one its title names, the only one its text names, or trains on."""
    titles = [block for block in blocks if isinstance(block, Heading)][:1]
    for title in titles:
        named = around.data_names.named(title.text)
        if len(named) == 1 and named[0].name:
            return named[0]
    seen: dict[str, DataRef] = {}
    trained: dict[str, DataRef] = {}
    for block in blocks[:_MOST_BLOCKS]:
        if isinstance(block, Prose):
            text = "\n".join(line.text for line in block.lines)
        elif isinstance(block, Heading):
            text = block.text
        else:
            continue
        if len(text) > 5_000:
            continue
        if names.brings_into_format(text):
            return None
        for ref in around.data_names.mentioned(text):
            seen.setdefault(ref.name, DataRef(ref.name, ""))
        for match in _TRAINED_ON.finditer(text):
            for ref in around.data_names.mentioned(text[match.start() : match.end() + 80])[:1]:
                trained.setdefault(ref.name, DataRef(ref.name, ""))
    for found in (seen, trained):
        if len(found) == 1 and "" not in found:
            return next(iter(found.values()))
    return None
