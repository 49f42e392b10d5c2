"""A card edited in place, so that it carries the evidence of a run."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.cards import parse_card
from harness.editing.admitted import admit, measured_by
from harness.editing.edits import Edit, EditedCard, Moved, apply_edits
from harness.editing.figures import Figures, measured_figures
from harness.editing.marks import Section, find_section, without_section
from harness.editing.proof import prove
from harness.errors import CardError
from harness.evidence import Opened, Options, choose_group, how_scored, index_card, judge
from harness.kept_speeds import CardSpeed, speeds_of
from harness.records import Claim, Comparison, Run, Verdict

_BREAK = re.compile(r"\r\n|\r|\n")
_NO_DAY = datetime.date.min
"""A section says until when a deviation is known, whatever the day: the same card and run give the same bytes."""
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a section shows beside its runs."""

    others: Sequence[Run]
    """Evaluations of the same weights."""
    speeds: Sequence[CardSpeed]
    folder: Path
    """The card's, from which links lead."""


def edit_card(
    opened: Opened,
    runs: Run | Sequence[Run],
    options: Options | None = None,
    *,
    measured: bool | None = None,
    others: Sequence[Run] = (),
    place: Path | None = None,
) -> EditedCard:
    """The card with an evidence section on the runs, and with their figures where these are to be its own.

    Every other byte stays. A re-parse proves that the card says what it said, but for the edits.

    Args:
        opened: The card. Nothing is written to its file.
        runs: The evidence: one run, or several seeds of its recipe; read by `harness.per_question.load_intact`.
        options: What is asked of the verdicts; the day has no influence.
        measured: Whether figures that the run measured are set to the run's, and their marks of verification removed;
            otherwise they stay as reported. None: as the card's section says, reported where there is none.
        others: Evaluations of the weights of the first run: those that a claim is held against (`choose_group`) are
            shown beside it.
        place: Where the edited card is to lie, if not where the card does: records in the folder ``runs`` beside it
            are linked.

    Raises:
        RecordError: a run is no evidence for this card; see `admit`, `measured_by`.
            A record of a speed beside the card cannot be read, or was changed.
        CardError: the card's marks are no pair; a figure stands for several claims that differ now; the card cannot be
            edited so that nothing else in it changes; or a figure that was set could not be shown after all.
    """
    given = (runs,) if isinstance(runs, Run) else tuple(runs)
    used = _used(opened, given, others)
    admit(opened, given, used)
    card = opened.card
    section = find_section(card.text, card.path)
    own = section is not None and section.measured if measured is None else measured
    figures = _figures(opened, given, section) if own else None
    found = () if figures is None else figures.edits
    speeds, unlike = speeds_of(opened.path, card, (*given, *used), place)
    after, edits, comparisons = _with_section(
        opened, given, options or Options(), section, figures, _Beside(used, speeds, (place or opened.path).parent)
    )
    if edits:
        prove(card, after.card, edits)
    _check_shown(opened.path, comparisons, found, edits)
    notes = () if figures is None else figures.left
    return EditedCard(opened.path, card.text, after.card.text, edits, (*notes, *unlike), given)


def _used(opened: Opened, runs: Sequence[Run], others: Sequence[Run]) -> tuple[Run, ...]:
    """The evaluations of the same weights that claims of the card are held against, by their data."""
    if not others or not runs:
        return ()
    groups, index = [tuple(runs), *((other,) for other in others)], index_card(opened)
    chosen = {choose_group(opened, claim, groups, index) for claim in opened.card.claims}
    used = [other for number, other in enumerate(others, 1) if number in chosen]
    return tuple(sorted(used, key=lambda other: str(other.recipe.evaluation)))


def figures_left(opened: Opened, runs: Sequence[Run]) -> tuple[str, ...]:
    """What a card whose figures are the runs' says that may be of the same and is as reported, and why.

    Raises:
        CardError, RecordError: as `edit_card` does.
    """
    section = find_section(opened.card.text, opened.card.path)
    return _figures(opened, runs, section).left if section is not None and section.measured else ()


def _figures(opened: Opened, runs: Sequence[Run], section: Section | None) -> Figures:
    """The edits of the card's figures; what its own section says of scoring is not the card's word."""
    run = measured_by(opened, runs)
    bare = replace(opened, card=replace(opened.card, text=without_section(opened.card.text, section)))
    index = index_card(bare)

    def scored_alike(claim: Claim) -> bool:
        return run.kind != "released" or how_scored(bare, claim, run, index).protocol != "stated otherwise"

    return measured_figures(opened.card, run, scored_alike)


def _with_section(
    opened: Opened,
    runs: Sequence[Run],
    options: Options,
    section: Section | None,
    figures: Figures | None,
    beside: _Beside,
) -> tuple[Opened, tuple[Edit, ...], tuple[Comparison, ...]]:
    """The edited card, the edits, and the verdicts that its section tells; without figures those are as reported.

    What a section says, such as how a run scored, may bear on the verdicts that it is to tell: they are told as they
    are once it stands.
    """
    from harness.render.section import render_section  # which finds the marks by this package

    timeless = replace(options, today=_NO_DAY)
    found = () if figures is None else figures.edits
    text = apply_edits(opened.card.text, found)
    after = replace(opened, card=parse_card(text, opened.card.path)) if found else opened
    line_end = _line_end(text if section is None else _without(opened.card.text, section, found))
    left = 0 if figures is None else figures.differing
    for number in range(_ROUNDS):
        comparisons = judge(after, runs, timeless, beside.others)
        written = render_section(
            runs,
            comparisons,
            measured=figures is not None,
            left=left,
            name=opened.card.name,
            speeds=beside.speeds,
            others=beside.others,
            folder=beside.folder,
        )
        every = (*found, *_section_edits(opened.card.text, section, written, line_end))
        edits = tuple(sorted(every, key=lambda edit: (edit.start, edit.end)))
        last, text = text, apply_edits(opened.card.text, edits)
        if text == last:
            return after, edits, comparisons
        if not number:
            _check_stands(opened, section, text)
        after = replace(opened, card=parse_card(text, opened.card.path))
    raise CardError(
        f"{opened.path}: found verdicts that change with the section that tells them, expected them to settle; nothing "
        "was written: report this card",
        path=str(opened.path),
    )


def _check_stands(opened: Opened, section: Section | None, text: str) -> None:
    """Refuse a card whose end swallows the section that is added to it."""
    try:
        stands = find_section(text, opened.card.path) is not None
    except CardError:
        stands = False
    if not stands:
        line = len(_BREAK.findall(opened.card.text)) + 1 if section is None else section.line
        raise CardError(
            f"{opened.path}:{line}: found that the evidence section would not stand on its own here, expected that it "
            "does: close the code block, comment or HTML that the card ends in",
            path=str(opened.path),
            line=line,
        )


def _without(text: str, section: Section, figures: Sequence[Edit]) -> str:
    """The text with its figures edited and without the section."""
    removed = Edit(section.start, section.end, " ", "")  # so that line ends around it stay two
    return apply_edits(text, sorted([*figures, removed], key=lambda edit: edit.start))


def _section_edits(text: str, section: Section | None, written: str, line_end: str) -> list[Edit]:
    body = written.rstrip("\n").replace("\n", line_end)
    if section is not None:
        same = text[section.start : section.end] == body
        return [] if same else [Edit(section.start, section.end, body, "evidence section, replaced")]
    tail, blank = text[len(text.rstrip()) :], 0
    while len(_BREAK.findall(tail + blank * line_end)) < 2:  # counted with the tail: CR and LF come together as one
        blank += 1
    if not text.endswith(("\n", "\r")) and text.rstrip(" \t") != text.rstrip():  # blanks on the last line
        blank = max(blank, 1)
    return [Edit(len(text), len(text), line_end * blank + body + line_end, "evidence section, added")]


def _line_end(text: str) -> str:
    """The line end that the text has most often."""
    counts = Counter(_BREAK.findall(text))
    return max(("\n", "\r\n", "\r"), key=lambda end: counts[end])


def _check_shown(path: Path, comparisons: Sequence[Comparison], figures: Sequence[Edit], edits: Sequence[Edit]) -> None:
    """Refuse a figure that was set to the run's and does not hold against it: it is about something else after all."""
    moved = Moved(edits)
    starts = {moved.index(edit.start) for edit in figures if edit.text}
    for comparison in comparisons:
        place = comparison.claim.place
        if place.start in starts and comparison.verdict in (None, Verdict.DIFFERS, Verdict.NOT_COMPARABLE):
            raise CardError(
                f"{path}:{place.line}: {comparison.claim.metric}[{comparison.claim.subset}]: found that the run does "
                f"not show its own figure here ({comparison.reason:.300}), expected a claim that it can show; say in "
                "the card what the figure is of, or use --reported",
                path=str(path),
                line=place.line,
            )
