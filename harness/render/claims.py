"""Claims in the forms in which a card prints them: `model-index`, code blocks, tables."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.names import SCORES
from harness.records import Claim, ClaimOrigin, DataRef, Place, Run
from harness.render.escape import Digits

_TITLES = {"exact_match": "Exact Match", "f1": "F1"}
_OFFICIAL = {"exact_match": "exact"}
_PREFIXES = {"all": "", "has_ans": "HasAns_", "no_ans": "NoAns_", "best": "best_"}
_KEY = re.compile(r"[A-Za-z_]\w{0,60}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_NOWHERE = Place(0, 0, 1)


@dataclass(frozen=True, slots=True)
class Printed:
    """One figure as a table row shows it."""

    title: str
    subset: str
    data: str
    """The data set in words; empty where the card does not say."""
    figure: str
    """The digits, with ``%`` where they could be taken for a fraction without it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Claims that stand in one table or one code block of the body."""

    form: ClaimOrigin
    data: str
    """The data set, in words, that all of them are about; empty where rows differ or the card does not say."""
    mixed: bool
    """Rows are about different data sets, and each names its own."""
    unknown: bool
    """The card does not say which data set some of them are about."""
    rows: tuple[Printed, ...]
    code: str
    """An object as JSON writes it, with the official script's keys, and ``%`` where the card has it."""


def body_figures(claims: Iterable[Claim]) -> tuple[Figures, ...]:
    """The claims of the body, in order; every form but the table becomes a code block."""
    return tuple(_figures(group) for group in _groups(claim for claim in claims if claim.origin != "front_matter"))


def model_index(name: str, claims: Iterable[Claim], keep_name: bool) -> list[dict[str, Any]]:
    """The claims of the front matter as ``model-index``, without marks of verification.

    Without claims it is empty, or holds the name alone if that is to be kept.
    """
    results = [_result(group) for group in _groups(claim for claim in claims if claim.origin == "front_matter")]
    if not results:
        return [{"name": name}] if keep_name else []
    return [{"name": name, "results": results}]


def measured_claims(run: Run) -> tuple[Claim, ...]:
    """The run's own exact match and F1 as claims of the front matter, rounded to four decimals."""
    figures = {"exact_match": run.scores.get("exact", run.scores.get("exact_match")), "f1": run.scores.get("f1")}
    data = run.evaluated.ref if run.evaluated is not None else None
    return tuple(
        Claim(metric, "all", round(value, 4), f"{value:.4f}", "percent", data, "front_matter", _NOWHERE)
        for metric, value in figures.items()
        if value is not None
    )


def measured_figures(run: Run) -> tuple[Figures, ...]:
    """Every official figure of the run as one code block, with all digits."""
    data = run.evaluated.ref if run.evaluated is not None else None
    code = _code(
        (key, repr(int(value)) if key.endswith("total") else repr(value))
        for key, value in run.scores.items()
        if math.isfinite(value)
    )
    return (Figures("code", _named(data), mixed=False, unknown=data is None, rows=(), code=code),) if code else ()


def _groups(claims: Iterable[Claim]) -> list[list[Claim]]:
    """Neighbours that can share a table, block or result: one form, one data set, and all fractions or none.

    Two different figures of one thing never share one: a reader could not tell them apart.

    A reader decides for a whole group whether its figures are fractions, so a group of the card is never split,
    but groups may be joined. A table names the data set of each row.
    """
    groups: list[list[Claim]] = []
    fractions: bool | None = None
    printed: dict[object, float] = {}
    for claim in claims:
        last = groups[-1] if groups else []
        key = (claim.metric, claim.subset, claim.data)
        fits = (
            bool(last)
            and (last[0].origin == "table") == (claim.origin == "table")
            and (claim.origin == "table" or last[0].data == claim.data)
            and not (claim.metric in SCORES and fractions not in (None, claim.unit == "fraction"))
            and printed.get(key, claim.reported) == claim.reported
        )
        if fits:
            last.append(claim)
        else:
            groups.append([claim])
            fractions, printed = None, {}
        printed[key] = claim.reported
        if claim.metric in SCORES:
            fractions = claim.unit == "fraction"
    return groups


def _figures(group: list[Claim]) -> Figures:
    percent = _needs_percent(group)
    about = {claim.data for claim in group}
    mixed = len(about) > 1
    return Figures(
        form="table" if group[0].origin == "table" else "code",
        data="" if mixed else _named(group[0].data),
        mixed=mixed,
        unknown=None in about,
        rows=tuple(
            Printed(_TITLES.get(claim.metric, claim.metric), claim.subset, _named(claim.data), _figure(claim, percent))
            for claim in group
        ),
        code=_code((_official_key(claim), _figure(claim, percent)) for claim in group),
    )


def _named(ref: DataRef | None) -> str:
    """A data set as a reader of the card recognises it, with a split or without."""
    if ref is None or ref.split:
        return str(ref or "")
    if ref.config and ref.config.startswith(ref.name):  # xquad.en
        return ref.config
    name = "SQuAD 1.1" if ref.name == "squad" else ref.name  # the bare word is also a family of data sets
    return f"{name} {ref.config}" if ref.config else name


def _needs_percent(group: list[Claim]) -> bool:
    """Whether percentages need their sign: without it, scores that are all 1 or less are read as fractions."""
    scores = [claim for claim in group if claim.metric in SCORES and claim.unit != "fraction"]
    return bool(scores) and all(0 <= claim.reported <= 1 for claim in scores)


def _figure(claim: Claim, percent: bool) -> str:
    sign = percent if claim.metric in SCORES else claim.unit == "percent"
    return f"{claim.digits}%" if sign and claim.unit != "fraction" else claim.digits


def _official_key(claim: Claim) -> str:
    return _PREFIXES[claim.subset] + _OFFICIAL.get(claim.metric, claim.metric)


def _code(entries: Iterable[tuple[str, str]]) -> str:
    """Lines of a code block. What is no plain key with a number is left out: it would be read as something else."""
    plain = [(k, v) for k, v in entries if _KEY.fullmatch(k) and _NUMBER.fullmatch(v.removesuffix("%"))]
    return "{\n" + ",\n".join(f'  "{key}": {figure}' for key, figure in plain) + "\n}" if plain else ""


def _result(group: list[Claim]) -> dict[str, Any]:
    percent, data = _needs_percent(group), group[0].data
    return {
        "task": {"type": "question-answering", "name": "Question Answering"},
        **({"dataset": _dataset(data)} if data is not None else {}),
        "metrics": [_metric(claim, _figure(claim, percent)) for claim in group],
    }


def _dataset(ref: DataRef) -> dict[str, str]:
    fields: Mapping[str, str | None] = {
        "name": f"{ref.name} {ref.config}" if ref.config else ref.name,
        "type": ref.name,
        "config": ref.config,
        "split": ref.split,
        "revision": ref.revision,
    }
    return {key: value for key, value in fields.items() if value}


def _metric(claim: Claim, figure: str) -> dict[str, str]:
    known = claim.subset == "all" and claim.metric in _TITLES
    kind = claim.metric if claim.subset == "all" else _official_key(claim)
    titled = {"name": _TITLES[claim.metric]} if known else {}
    return {"type": kind, "value": Digits(figure), **titled}
