"""One line that names everything a score depends on besides the model, and whether two such lines may be compared."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from urllib.parse import quote, unquote

from harness.environment import harness_version
from harness.errors import RecordError
from harness.records import Bounds, DataUsed, Decoding, Scores

_PREFIX = "signature:"
_BETWEEN = " | "
_NAME = re.compile(r"(?!signature\Z)[a-z][a-z0-9_]*")
"""Of a part; the word before the line is none."""
_SHOWN_LENGTH = 80

_UNSAID = {"space_words": True}
"""Switches of a decoding that go without saying where they are on; the others do where they are off."""
_HOW_WELL = {"missing", "extra", "dtype", "packages", "v"}
"""Parts in which two scores on the same data by the same rules may differ and still be set side by side."""
_SAID_BY_CHECKSUM = {"data", "n"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One part in which two signatures differ."""

    name: str
    first: str | None
    """None: the first signature does not say."""
    second: str | None
    decisive: bool
    """The two scores must not be compared; otherwise the difference is to be told beside the comparison."""

    def __str__(self) -> str:
        first, second = ("not stated" if value is None else value for value in (self.first, self.second))
        return f"{self.name}: {first} against {second}"


def signature(
    data: DataUsed,
    scores: Scores,
    decoding: Decoding | None = None,
    *,
    null_odds_threshold: float | None = None,
    dtype: str | None = None,
    packages: Mapping[str, str] | None = None,
    bounds: Bounds | None = None,
) -> str:
    """``data:... | n:... | sha256:... | rules:... | decoding:... | v:...``.

    Args:
        data: What was scored.
        scores: Rules, and predictions that were missing and scored 0.
        decoding: How answers were made from logits; left out for predictions of unknown making.
        null_odds_threshold: Threshold applied to given answers by their null odds.
        dtype: Number format of the model's arithmetic, e.g. ``float32``.
        packages: Package -> version, of those that the predictions were made with.
        bounds: Of a run that asks until a verdict is certain; named where questions are left, as the scores are then
            those of a sample, and of one that ended when they were as they are.
    """
    parts = {"data": str(data.ref), "n": str(data.n), "sha256": data.sha256[:12], "rules": scores.rules}
    if bounds is not None and bounds.used < bounds.n:
        parts["until_certain"] = f"{bounds.used} of {bounds.n}, seed {bounds.seed}, alpha {bounds.alpha:g}"
    if scores.missing:
        parts["missing"] = f"{scores.missing} scored 0"
    if scores.extra:
        parts["extra"] = f"{scores.extra} left out"
    if decoding is not None:
        parts |= decoding_parts(decoding)
    if dtype is not None:
        parts["dtype"] = dtype
    if packages:
        parts["packages"] = " ".join(f"{name}={packages[name]}" for name in sorted(packages))
    parts["v"] = harness_version()
    if null_odds_threshold is not None:
        parts["na_prob_thresh"] = repr(null_odds_threshold)
    return join_signature(parts)


def join_signature(parts: Mapping[str, str]) -> str:
    """The line of named parts; `parse_signature` reads them back.

    Raises:
        ValueError: a name is not of lower-case letters, digits and ``_``, or is ``signature``.
    """
    for name in parts:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} cannot name a part of a signature: expected lower-case letters, digits and _, "
                'and not "signature"'
            )
    return _BETWEEN.join(f"{name}:{_escape(value)}" for name, value in parts.items())


def parse_signature(line: str) -> dict[str, str]:
    """The named parts of a line that `signature` or ``harness score`` printed, in its order.

    Raises:
        RecordError: the line is empty, or a part has no name, or a name stands twice.
    """
    text = line.strip().removeprefix(_PREFIX).strip()
    parts: dict[str, str] = {}
    for part in text.split(_BETWEEN):
        name, colon, value = part.partition(":")
        try:
            read = unquote(value, errors="surrogatepass")
        except UnicodeDecodeError:
            colon = ""
        if not colon or not _NAME.fullmatch(name) or name in parts or "|" in value:
            raise RecordError(
                f'signature: found "{_shown(part)}", expected parts of the form name:value, each name once, joined by '
                f'"{_BETWEEN}"'
            )
        parts[name] = read
    return parts


def compare_signatures(one: str, other: str) -> tuple[Difference, ...]:
    """What differs between two signatures; the scores may be compared where nothing `decisive` does.

    Decisive are other questions (by checksum where both have one: the same questions may come under two names), other
    rules, another way of decoding, or one that only one side states. Versions, number format, and predictions that
    were missing or left out are not, and are to be told.

    Raises:
        RecordError: a line is not a signature.
    """
    first, second = parse_signature(one), parse_signature(other)
    checksum = first.get("sha256")
    allowed = _HOW_WELL | (_SAID_BY_CHECKSUM if checksum and checksum == second.get("sha256") else set())
    return _differences(first, second, allowed)


def compare_decodings(one: Decoding, other: Decoding) -> tuple[Difference, ...]:
    """What differs between two ways of decoding, all of it decisive; a switch that one has off is not stated there."""
    return _differences(decoding_parts(one), decoding_parts(other), ())


def may_compare(one: str, other: str) -> bool:
    """Whether the scores of two signatures may be compared; `compare_signatures` says what speaks against it."""
    return not any(difference.decisive for difference in compare_signatures(one, other))


def _differences(
    first: Mapping[str, str], second: Mapping[str, str], allowed: Collection[str]
) -> tuple[Difference, ...]:
    return tuple(
        Difference(name, first.get(name), second.get(name), decisive=name not in allowed)
        for name in dict.fromkeys([*first, *second])
        if first.get(name) != second.get(name)
    )


def decoding_parts(decoding: Decoding) -> dict[str, str]:
    """The parts of a signature that say how logits became answers."""
    values = {field.name: getattr(decoding, field.name) for field in fields(decoding)}
    stride = values.pop("doc_stride_is")
    parts = {name: _written(value) for name, value in values.items() if value is not _UNSAID.get(name, False)}
    parts["doc_stride"] += f" {stride}"
    return {"decoding": parts.pop("protocol"), **parts}


def _written(value: object) -> str:
    if value is None:
        return "no limit"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)


def _escape(value: str) -> str:
    inner = "".join(
        c if c.isprintable() and c not in "|%" else quote(c, safe="", errors="surrogatepass") for c in value
    )
    blanks = len(inner) - len(inner.lstrip(" ")), len(inner) - len(inner.rstrip(" "))
    stripped = inner.strip(" ")
    return "%20" * blanks[0] + stripped + "%20" * (blanks[1] if stripped else 0)


def _shown(text: str) -> str:
    return (text if text.isprintable() else repr(text)[1:-1])[:_SHOWN_LENGTH]
