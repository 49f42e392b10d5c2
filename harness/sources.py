"""Where the known data sets are on the Hub today, and which revision is meant."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.errors import DataError
from harness.names import canonical_data, split_name
from harness.records import DataRef

CONVERTED = "refs/convert/parquet"
"""The Hub's own conversion of a data set to Parquet, for sets whose main branch is a loading script."""


@dataclass(frozen=True, slots=True)
class Location:
    """One split of a data set on the Hub."""

    hub: str
    config: str | None
    split: str
    revision: str | None
    """A commit or branch; None for the newest."""
    files: str | None = None
    """Pattern of the split's files in the repository, where they are to be read as they are."""

    def __str__(self) -> str:
        parts = ":".join(filter(None, (self.hub, self.config, self.split)))
        return f"{parts} at revision {self.revision or 'main'}"

    @property
    def command(self) -> str:
        """A shell command that fetches the split into the cache."""
        if self.files is not None:
            words = ["hf", "download", self.hub, "--repo-type", "dataset"]
            words += ["--revision", self.revision or "main", "--include", self.files]
            return shlex.join(words)
        arguments = [json.dumps(name) for name in (self.hub, self.config) if name]
        arguments += [f"revision={json.dumps(self.revision)}"] if self.revision else []
        return shlex.join(["python", "-c", f"import datasets; datasets.load_dataset({', '.join(arguments)})"])


@dataclass(frozen=True, slots=True)
class _Source:
    hub: str
    revision: str
    splits: Mapping[str, tuple[str, ...]]
    """Configuration -> its splits."""
    converted: bool = False
    """To be read from the conversion, `revision` is a branch or commit of it."""


def _alike(configs: Iterable[str], *splits: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(configs, splits)


_XQUAD = ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")
_MLQA = ("ar", "de", "en", "es", "hi", "vi", "zh")
# Each commit is the last change of the data, in which Parquet files took the place of a loading script; much public
# code pins the same ones. The data sets whose main branch still is a script, which is never run, are read from the
# Hub's conversion of it, which has a folder for each configuration and in it one for each split. Configurations and
# splits are those of the data sets' descriptions, datasets/NAME/README.md in huggingface/datasets up to 2.9.
_SOURCES = {
    "squad": _Source(
        "rajpurkar/squad", "7b6d24c440a36b6815f21b70d25016731768db1f", _alike(["plain_text"], "train", "validation")
    ),
    "squad_v2": _Source(
        "rajpurkar/squad_v2", "3ffb306f725f7d2ce8394bc1873b24868140c412", _alike(["squad_v2"], "train", "validation")
    ),
    "adversarial_qa": _Source(
        "UCLNLP/adversarial_qa",
        "c2d5f738db1ad21a4126a144dfbb00cb51e0a4a9",
        _alike(["adversarialQA", "dbidaf", "dbert", "droberta"], "train", "validation", "test"),
    ),
    "squad_adversarial": _Source(
        "stanfordnlp/squad_adversarial", CONVERTED, _alike(["AddSent", "AddOneSent"], "validation"), converted=True
    ),
    "squadshifts": _Source(
        "ludwigschmidt/squadshifts",
        CONVERTED,
        _alike(["new_wiki", "nyt", "reddit", "amazon"], "test"),
        converted=True,
    ),
    "xquad": _Source(
        "google/xquad",
        "51adfef1c1287aab1d2d91b5bead9bcfb9c68583",
        _alike([f"xquad.{language}" for language in _XQUAD], "validation"),
    ),
    "mlqa": _Source(
        "facebook/mlqa",
        CONVERTED,
        _alike([f"mlqa.{context}.{question}" for context in _MLQA for question in _MLQA], "test", "validation")
        | _alike([f"mlqa-translate-train.{language}" for language in _MLQA if language != "en"], "train", "validation")
        | _alike([f"mlqa-translate-test.{language}" for language in _MLQA if language != "en"], "test"),
        converted=True,
    ),
}


# `harness.data.checksum` of the published JSON files, as they are and without blanks at the ends of texts, as the
# loading scripts of that time took them; the first 16 digits.
_PUBLISHED = {
    ("squadshifts", "amazon"): ("2240bcc8188c9adb", "a745a6bbf27e5080"),
    ("squadshifts", "new_wiki"): ("36c44c5d840df247", "7ba258d3fe09411c"),
    ("xquad", "xquad.ar"): ("46e129163e9d3973", "b81ca1c4fe1e9ac7"),
    ("xquad", "xquad.de"): ("d1fd0b93e862113c", "b010b7dd96ba7002"),
    ("xquad", "xquad.en"): ("f8437441a619a93c", "6bfa09607bc08ed8"),
    ("xquad", "xquad.es"): ("74a70232d6335706", "b14d900048fe71c0"),
    ("xquad", "xquad.zh"): ("fbdd0fb5c480b521", "5e221972518ccb37"),
}


def is_published(ref: DataRef, sha256: str) -> bool | None:
    """Whether the checksum of a whole split is that of the published file; None where that is not known."""
    data = full_name(ref)
    known = _PUBLISHED.get((data.name, data.config or ""))
    if known is None or data.split not in _SOURCES[data.name].splits[data.config or ""]:
        return None
    return sha256.startswith(known)


def full_name(ref: DataRef) -> DataRef:
    """The same reference in canonical names, its configuration too, which cards shorten (``en`` for ``xquad.en``)."""
    data = canonical_data(ref)
    if data.name not in _SOURCES:
        return data
    try:
        location = locate_data(ref)
    except DataError:
        return data
    _, bracket, rest = data.split.partition("[")
    return canonical_data(DataRef(data.name, location.split + bracket + rest, location.config, ref.revision))


def locate_data(ref: DataRef) -> Location:
    """Where the whole split that a reference names is on the Hub, in the names that load today.

    Names of known data sets and of their configurations may be spelled as cards do (``squad2``, ``en`` for
    ``xquad.en``); one without revision means the pinned one. Others stay as they are.

    Raises:
        DataError: a known data set has no such configuration or split, or has several and none is named.
    """
    known = canonical_data(ref)
    source = _SOURCES.get(known.name)
    if source is None:
        return Location(ref.name, ref.config, ref.split.partition("[")[0], ref.revision)
    split = split_name(ref.split).partition("[")[0]
    # the same questions under the names of its first configuration, squad_adversarial:AddSent
    if split in source.splits and known.config in (None, known.name) and split not in source.splits[split]:
        config, split = split, source.splits[split][0]
    else:
        config = _config(ref, source)
    if split not in source.splits[config] and ref.revision is None:
        raise DataError(
            f"{ref}: {known.name} has no split {split!r}, expected {' or '.join(source.splits[config])}", data=str(ref)
        )
    files = f"{config}/{split}/*.parquet" if source.converted else None
    return Location(source.hub, config, split, ref.revision or source.revision, files)


def _config(ref: DataRef, source: _Source) -> str:
    configs = tuple(source.splits)
    if len(configs) == 1 and ref.config in (None, "default", ref.name):
        return configs[0]
    shown = ", ".join(configs[:8]) + (" ..." if len(configs) > 8 else "")
    if ref.config is None:
        raise DataError(
            f"{ref}: {ref.name} has several configurations; name one, {ref.name}:CONFIG:SPLIT, of {shown}",
            data=str(ref),
        )
    key = _key(ref.config)
    for config in configs:
        languages = config.split(".")[1:] if "-" not in config else []
        short = "".join(dict.fromkeys(languages))  # of mlqa.en.en too
        if key in (_key(config), "".join(languages) or None, short or None):
            return config
    raise DataError(f"{ref}: {ref.name} has no configuration {ref.config!r}, expected one of {shown}", data=str(ref))


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.casefold())
