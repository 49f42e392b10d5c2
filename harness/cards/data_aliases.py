"""Other names that a card gives its data sets: the ``name`` of a result, and the last part of its ``type``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness import names
from harness.records import DataRef, HubResult

_SPLIT = r"dev|development|test|validation|val|train|training"
_TAIL = re.compile(
    rf"[\s_-]{{1,9}}\(?(?:(?P<split>{_SPLIT})(?:[ -](?:set|split|part|data))?|data ?set|data|corpus|benchmark)\)?$",
    re.I,
)
_AROUND = re.compile(
    r"^(?:(?:zero-shot |final )?(?:results?|evaluation|evaluated|scores?|performance|metrics)\s{1,9})?"
    r"(?:(?:on|for|of)\s{1,9}|[:-]\s{1,9})?(?:the\s{1,9})?"
    r"|\s{1,9}(?:results?|evaluation|scores?|performance)$",
    re.I,
)


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


class DataAliases:
    """What a card's own names for its data sets stand for."""

    def __init__(self, results: Sequence[HubResult] = ()) -> None:
        """Take the names of the front matter.

        A name that two types share is none of either, and that of a known data set keeps the meaning that it has
        everywhere.

        Args:
            results: The results of ``model-index``, field by field.
        """
        refs: dict[str, list[DataRef]] = {}
        for result in results:
            if not result.dataset_type:
                continue
            ref = names.canonical_data(DataRef(result.dataset_type, "", result.dataset_config))
            titles = [result.dataset_type.rpartition("/")[2]]
            if result.dataset_name:
                titles += [result.dataset_name, re.sub(r"\s*\([^()]*\)", "", result.dataset_name)]
            for key in {_key(title) for title in titles if _may_stand_for(title)}:
                refs.setdefault(key, []).append(ref)
        self._refs: Mapping[str, DataRef] = {
            key: replace(found[0], config=found[0].config if len(set(found)) == 1 else None)
            for key, found in refs.items()
            if len({ref.name for ref in found}) == 1
        }

    @property
    def any(self) -> bool:
        """Whether there is any such name."""
        return bool(self._refs)

    def resolve(self, ref: DataRef) -> DataRef:
        """The reference by the type that its name stands for; as it is where the name stands for none."""
        if not self._refs or "/" in ref.name:
            return ref
        meant, split = self._refs.get(_key(ref.name)), ref.split
        if meant is None and (tail := _TAIL.search(ref.name)):
            meant = self._refs.get(_key(ref.name[: tail.start()]))
            split = split or names.split_name(tail["split"] or "")
        return ref if meant is None else DataRef(meant.name, split, ref.config or meant.config, ref.revision)

    def whole(self, text: str) -> DataRef | None:
        """The data set that a title or label is the name of, with at most a split and words for results beside it."""
        if not self._refs or len(text) > 200:
            return None
        name = _AROUND.sub("", text.strip("*_`:# ").strip())
        ref = self.resolve(DataRef(name, ""))
        return None if ref.name == name and not self.knows(name) else ref

    def blank(self, text: str) -> str:
        """The text without words that are such a name: ``harbour-dev`` tells no split."""
        return re.sub(r"[\w./-]{3,100}", lambda word: " " if self.knows(word[0]) else word[0], text)

    def knows(self, text: str) -> bool:
        """Whether a whole text is one of the names."""
        return _key(text) in self._refs


def _may_stand_for(title: str) -> bool:
    """Whether a title can be such a name: that of no known data set, and no word that cards have for other things."""
    known = names.dataset_name(title) or names.data_mentions(title)
    usual = names.subset_name(title) or names.is_metric(title) or re.fullmatch(_SPLIT, title, re.I)
    return not known and not usual and len(_key(title)) > 2
