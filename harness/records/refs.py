"""References to models and data sets."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DATA_REF = re.compile(
    r"""(?P<name>\w[\w.-]*(?:/\w[\w.-]*)?) (?:@(?P<revision>[\w.-]+))?
        (?::(?P<config>[^:\[\]\s]+))? :(?P<split>\w+(?:\[[^\[\]]*\])?)""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model by name: a Hub id, an embedded model (``pocket/...``), or the name of an earlier stage."""

    name: str
    revision: str | None = None

    def __str__(self) -> str:
        return self.name if self.revision is None else f"{self.name}@{self.revision}"


@dataclass(frozen=True, slots=True)
class DataRef:
    """A split of a data set. Written ``name[@revision][:config]:split``, e.g. ``squadshifts:new_wiki:test[:1000]``."""

    name: str
    split: str
    """Split as `datasets` writes it, a slice included: ``validation[8697:]``; empty when not stated."""
    config: str | None = None
    revision: str | None = None

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        return ":".join(part for part in (self.name + revision, self.config, self.split) if part)

    @classmethod
    def parse(cls, text: str) -> DataRef:
        """Read the written form; raises `ValueError` with the form it expected."""
        match = _DATA_REF.fullmatch(text.strip())
        if match is None:
            raise ValueError(f'"{text}" is not a data reference of the form name[@revision][:config]:split')
        return cls(**match.groupdict())
