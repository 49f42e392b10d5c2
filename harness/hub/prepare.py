"""What is to be published: a card's text, the results beside it, and what the commit says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import CardError
from harness.evidence import Options, open_card
from harness.hub.checks import Checked, check_claims, open_text
from harness.hub.fetch import CARD
from harness.hub.linked import linked_records
from harness.models import RESULTS_FILE
from harness.per_question import load_intact
from harness.records import Run, evidence_sha256

MARK = "modelcard-harness: "
"""Begins the title of every commit and pull request made here, which are found again by it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for."""

    card: Path
    """The card's file, or its folder."""
    runs: Path
    """Folder of runs."""
    options: Options
    run: Path | None = None
    """Folder or record of the run that the card is to be written from."""
    reason: str | None = None
    """Why claims may differ, or go unchecked."""

    def __post_init__(self) -> None:
        if self.reason is not None and not (
            self.reason.strip() and self.reason.isprintable() and len(self.reason) <= 500
        ):
            raise ValueError("the reason has to be one printable line of 1 to 500 characters")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The card as it is to be, before anybody else's changes are merged into it."""

    request: Request
    path: Path
    text: str
    run: Run | None
    checked: Checked
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """One commit."""

    files: Mapping[str, bytes]
    title: str
    description: str
    refused: tuple[str, ...]
    """Why it is not to be sent."""
    notes: tuple[str, ...]


def prepare(request: Request) -> Prepared:
    """Read the card, write the run into it where one is given, and hold its claims against the evidence.

    Raises:
        CardError, RecipeError: the card or what stands beside it cannot be read.
        RecordError: the run cannot be used.
    """
    if request.run is None:
        opened = open_card(request.card)
        checked = check_claims(opened, None, request.runs, request.options)
        return Prepared(request, opened.path, opened.card.text, None, checked, ())
    from harness.editing import edit_card, others_of

    run = load_intact(request.run)
    opened = open_card(request.card, reading=run.recipe.reading)
    edited = edit_card(opened, (run,), request.options, others=others_of(opened, run, request.runs))
    checked = check_claims(open_text(opened.path, edited.text, run.recipe.reading), run, request.runs, request.options)
    return Prepared(request, opened.path, edited.text, run, checked, edited.notes)


def pack(prepared: Prepared, text: str) -> Package:
    """The commit that a text makes; one with others' changes in it is held against the evidence again.

    Raises:
        CardError: the text is no card any more.
    """
    checked = prepared.checked
    if text != prepared.text:
        reading = None if prepared.run is None else prepared.run.recipe.reading
        opened = open_text(prepared.path, text, reading)
        request = prepared.request
        checked = check_claims(opened, prepared.run, request.runs, request.options)
    records, lost = linked_records(text, prepared.path)
    files = {CARD: text.encode("utf-8"), **records}
    if checked.runs:
        files[RESULTS_FILE] = _results(checked)
    notes = (*prepared.notes, *lost, *checked.notes)
    reason = prepared.request.reason
    if reason is not None and not checked.refused:
        notes += ("--allow-differs was not needed: no claim differs",)
    allowed = reason if checked.refused else None
    return Package(
        files, _title(checked), _describe(checked, allowed), checked.refused if reason is None else (), notes
    )


def decode(raw: bytes, where: str) -> str:
    """The text of a card on the Hub; raises `CardError` where it is none."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CardError(f"{where}: found byte 0x{raw[error.start]:02x}, expected UTF-8 text") from None


def _results(checked: Checked) -> bytes:
    from harness.results import describe_results

    card = replace(checked.opened.card, path=CARD)  # where it lies here is nobody's business
    results = describe_results(card, checked.runs, checked.comparisons)
    text = json.dumps(results, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return f"{text}\n".encode("ascii")


def _title(checked: Checked) -> str:
    if not checked.opened.card.claims:
        return f"{MARK}card"
    if not checked.runs:
        return f"{MARK}card without evidence"
    more = len(checked.runs) - 1
    others = f" and {more} more" if more else ""
    return _line(f"{MARK}card with results of run {checked.runs[0].id}{others}")[:190]


def _describe(checked: Checked, allowed: str | None) -> str:
    card = checked.opened.card
    lines = [f"- card: {_code(card.name)}, SHA-256 `{card.sha256}`", f"- verdicts: {_line(checked.outcome)}"]
    for run in checked.runs:
        lines += [
            f"- run {_code(run.id)} ({run.kind}), evidence SHA-256 `{evidence_sha256(run)}`",
            f"- signature: {_code(run.signature or '')}",
        ]
    if allowed is not None:
        lines += ["", f"Published although not every claim is shown: {_line(allowed)}", ""]
        lines += [f"- {_line(reason)[:500]}" for reason in _relative(checked)]
    return "\n".join(lines)


def _relative(checked: Checked) -> list[str]:
    """The reasons without the folder that the card lies in."""
    folder = f"{checked.opened.path.parent}/"
    return [reason.replace(folder, "") for reason in checked.refused]


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _code(text: str) -> str:
    return f"`{_line(text).replace('`', '')}`"
