"""Which figures of a card a run proves, and the digits that it gives them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.cards.blocks import Block, Fence, Prose, Table, read_blocks
from harness.cards.figures import NUMBER, find_digits
from harness.cards.front_matter import read_front_matter
from harness.cards.lines import entries
from harness.cards.results import is_metrics
from harness.cards.source import split_lines
from harness.editing.digits import agree, print_as
from harness.editing.edits import Edit, Spans
from harness.editing.surroundings import find_obstacle, is_whole
from harness.editing.vouched import remove_marks
from harness.errors import CardError
from harness.names import SCORES, canonical_data, dataset_name, metric_name
from harness.records import Card, Claim, DataRef, Place, Run
from harness.verdict import SURE, can_check, figure, same_digits

_THRESHOLD = re.compile(r"(?:eval[_ ])?(?P<key>best[_ ](?:exact|f1)[_ ]thresh)", re.I)
_TOTALS = {"all": "total", "has_ans": "HasAns_total", "no_ans": "NoAns_total"}
_SIGNS = re.compile(r"[\W_]")
_MOST = 10
"""Figures that a note names one by one."""
_UNROUNDED = 10
"""So many decimals are the work of a program that prints floats as they are: 84.1 beside them is 84.1 exactly."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The edits that give a card a run's figures."""

    edits: tuple[Edit, ...]
    left: tuple[str, ...]
    """Figures of what the run measured, or may have, that stay as they are, and why."""
    differing: int
    """So many of these are others than the run's."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    digits: str
    """The digits that the run gives; those that stand there where they agree."""
    what: str


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a card prints beside its figures."""

    starts: Collection[int]
    """Where figures begin."""
    compared: Collection[int | None]
    """Groups of prose with figures of other models, or unsure ones."""
    blocks: Mapping[int, bool]
    """See `_whole_blocks`."""


def measured_figures(card: Card, run: Run, scored_alike: Callable[[Claim], bool]) -> Figures:
    """The edits that put a run's figures in the place of the card's own claims, digit for digit.

    A claim is the run's where it can check it, the reader understood it, and it was scored alike; totals and thresholds
    are where every figure of their block is. New digits have as many decimals as the old ones, and all that there are
    in a block that a program printed without rounding; digits that agree by rounding or cutting stay.

    Args:
        card: The card.
        run: A finished run of all questions.
        scored_alike: Whether the run scored as the card says that a claim was scored.

    Raises:
        CardError: one number stands for several claims, and the run gives them different figures or not all of them; or
            a mark of verification cannot be taken away.
    """
    wanted: dict[tuple[int, int], list[_Wanted]] = defaultdict(list)
    unproved: dict[tuple[int, int], Claim] = {}
    places: dict[tuple[int, int], Place] = {}
    left: list[str] = []
    unsure: dict[str, list[Claim]] = defaultdict(list)
    differing: set[tuple[int, int]] = set()
    doubted: set[int | None] = set()
    blocks = _whole_blocks(card, run)
    unrounded = _unrounded(card)
    figures = (*card.claims, *card.comparisons)
    beside = _Beside(
        {claim.place.start for claim in figures},
        {c.group for c in figures if c.origin == "prose" and not (c.own and c.confidence >= SURE)},
        blocks,
    )
    for claim in figures:
        span = claim.place.start, claim.place.end
        places[span] = claim.place
        value = figure(claim, run) if claim.own and can_check(claim, run) else None
        reason = None if value is None else _doubt(card, claim, beside, scored_alike)
        if value is None or reason is not None:
            unproved.setdefault(span, claim)
            if value is None and (why := _unsure(claim, run)) is not None:
                unsure[why].append(claim)
                differing.add(span)
            if value is not None and reason is not None:
                doubted.add(claim.group)
                differing |= set() if same_digits(value, claim) else {span}
                left.append(f"{card.path}:{claim.place.line}: {_name(claim)} {claim.digits} is left: {reason}")
            continue
        alike = same_digits(value, claim)
        scaled = value / 100.0 if claim.unit == "fraction" else value
        digits = claim.digits if alike else print_as(claim.digits, scaled, claim.group in unrounded)
        wanted[span].append(_Wanted(digits, _name(claim)))
    for place, digits, what in _beside(card, run, blocks, doubted):
        places[place.start, place.end] = place
        wanted[place.start, place.end].append(_Wanted(digits, what))
    left += _unread(card, run, places)
    left += [_told(card, why, claims) for why, claims in unsure.items()]
    edits = []
    for span, items in wanted.items():
        if (edit := _one_edit(card, places[span], items, unproved.get(span))) is not None:
            edits.append(edit)
    changed = [places[edit.start, edit.end] for edit in edits]
    ordered = _ordered([*edits, *remove_marks(card.text, card.path, changed)])
    return Figures(tuple(ordered), tuple(left), len(differing))


def _unsure(claim: Claim, run: Run) -> str | None:
    """Why nobody can tell whether a figure, which is another than the run's, is of what the run measured.

    None where it is surely of something else, or says the same.
    """
    value = figure(claim, run)
    if not claim.own or run.evaluated is None or value is None or same_digits(value, claim):
        return None
    if claim.data is None:
        return "the card does not say on which data"
    about, found = canonical_data(claim.data), canonical_data(run.evaluated.ref)
    if about.name == found.name:
        return None if about.split else "the card does not say on which split"
    ours, theirs = (_SIGNS.sub("", ref.name.casefold()) for ref in (found, about))
    known = "/" in about.name or dataset_name(about.name) is not None
    return None if known or not (ours in theirs or theirs in ours) else f"the run's data are named {found.name}"


def _told(card: Card, why: str, claims: Sequence[Claim]) -> str:
    """Figures that are left for one reason, in a line."""
    places = [f"line {claim.place.line} {_name(claim)} {claim.digits}" for claim in claims[:_MOST]]
    more = f" and {len(claims) - _MOST} more" if len(claims) > _MOST else ""
    what = "1 figure is left as it is" if len(claims) == 1 else f"{len(claims)} figures are left as they are"
    return f"{card.path}: {what}, as {why}: {', '.join(places)}{more}"


def _unread(card: Card, run: Run, read: Iterable[tuple[int, int]]) -> Iterator[str]:
    """Values of ``model-index`` on the run's data that are no claims, as their digits are not written out in place."""
    about = None if run.evaluated is None else canonical_data(run.evaluated.ref).name
    spans = Spans(read)
    for result in card.results:
        name, _ = metric_name(result.metric_type or "")
        data = canonical_data(DataRef(result.dataset_type or result.dataset_name or "", "")).name
        value = (result.value or "").strip().removesuffix("%").strip()
        if name not in SCORES or data != about or spans.within(result.place.start, result.place.end):
            continue
        if re.fullmatch(NUMBER, value):
            where = f"{card.path}:{result.place.line}"
            yield f"{where}: {name} {value} is left: its digits are not written out there plainly"


def _unrounded(card: Card) -> set[int | None]:
    """Groups of figures that a program printed as they are."""
    printed = (claim for claim in card.claims if claim.origin == "code" and claim.group is not None)
    return {claim.group for claim in printed if len(claim.digits.partition(".")[2]) >= _UNROUNDED}


def _name(claim: Claim) -> str:
    return f"{claim.metric}[{claim.subset}]"


def _one_edit(card: Card, place: Place, items: Sequence[_Wanted], unproved: Claim | None) -> Edit | None:
    printed = card.text[place.start : place.end]
    digits = {item.digits for item in items}
    if digits == {printed}:
        return None
    if len(digits) > 1 or unproved is not None:
        others = sorted({item.what for item in items})
        found = " and ".join(others) + ("" if unproved is None else f", and {_name(unproved)} on {unproved.data}")
        raise CardError(
            f"{card.path}:{place.line}: found one number, {printed}, for several claims ({found:.200}), of which the "
            "run does not give the same digits; write each claim's number out where it belongs",
            path=card.path,
            line=place.line,
        )
    return Edit(place.start, place.end, items[0].digits, items[0].what)


def _ordered(edits: Sequence[Edit]) -> list[Edit]:
    return sorted(edits, key=lambda edit: (edit.start, edit.end))


def _doubt(card: Card, claim: Claim, beside: _Beside, scored_alike: Callable[[Claim], bool]) -> str | None:
    """Why a figure that the run measured is not set to the run's; None where it is."""
    if claim.confidence < SURE:
        return f"the card does not tell surely what it is of (confidence {claim.confidence:g})"
    if (obstacle := find_obstacle(card, claim, beside.starts)) is not None:
        return obstacle
    if claim.origin == "prose" and claim.group in beside.compared:
        return "figures of another model or setting stand in the same paragraph, so that it may be of that"
    if claim.group is not None and not beside.blocks.get(claim.group, True):
        return "the number of questions beside it is that of another part of the data"
    if not scored_alike(claim):
        return "the card states how it was scored, and the run scored otherwise"
    return None


def _whole_blocks(card: Card, run: Run) -> dict[int, bool]:
    """Groups of figures that print totals: whether these may be those of all questions that the run asked.

    A block whose only ``total`` is the number of the answerable questions tells of them alone, whatever its labels say.
    """
    parts = {run.scores.get(key) for key in ("HasAns_total", "NoAns_total")} - {None, run.scores.get("total")}
    blocks: dict[int, bool] = {}
    for count in card.counts:
        if count.group is not None and count.subset == "all":
            blocks[count.group] = blocks.get(count.group, True) and count.value not in parts
    return blocks


def _beside(
    card: Card, run: Run, blocks: Mapping[int, bool], doubted: Collection[int | None]
) -> Iterator[tuple[Place, str, str]]:
    """Totals and thresholds that stand among figures all of which are the run's: place, digits, name."""
    groups, unrounded = _own_groups(card, run, blocks), _unrounded(card)
    own = {group: claim for group, claim in groups.items() if group not in doubted}
    for count in card.counts:
        key = _TOTALS.get(count.subset)
        if count.group not in own or key is None or key not in run.scores or not is_whole(card, count.place):
            continue
        printed = card.text[count.place.start : count.place.end]
        value = run.scores[key]
        yield count.place, printed if count.value == value else print_as(printed, value), key
    for group, key, place in _thresholds(card) if run.best and own else ():
        if group in own and key in run.best and is_whole(card, place):
            printed = card.text[place.start : place.end]
            same = agree(printed, run.best[key], own[group])
            yield place, printed if same else print_as(printed, run.best[key], group in unrounded), key


def _own_groups(card: Card, run: Run, blocks: Mapping[int, bool]) -> dict[int, Claim]:
    """Groups of which the run measured a figure, and no figure is of another model or data set: with one of them."""
    about = None if run.evaluated is None else canonical_data(run.evaluated.ref)
    groups: dict[int, Claim] = {}
    others = set()
    for claim in (*card.claims, *card.comparisons):
        if claim.group is None:
            continue
        if not claim.own or (claim.data is not None and about is not None and claim.data.name != about.name):
            others.add(claim.group)
        elif can_check(claim, run) and claim.confidence >= SURE:
            groups.setdefault(claim.group, claim)
        elif claim.data is not None and about is not None and canonical_data(claim.data) != about:
            others.add(claim.group)
    return {group: claim for group, claim in groups.items() if group not in others and blocks.get(group, True)}


def printed_thresholds(card: Card) -> tuple[Place, ...]:
    """Where the best thresholds stand."""
    return tuple(place for _, _, place in _thresholds(card))


def _thresholds(card: Card) -> Iterator[tuple[int, str, Place]]:
    """The best thresholds that a card prints: group, key, place; groups as `Claim.group`."""
    if "thresh" not in card.text.casefold():
        return
    source = split_lines(card.path, card.text)
    front = read_front_matter(source)
    body = source.starts[front.body_line] if front.body_line < len(source.starts) else len(card.text)
    first = 1 + max((c.group or 0 for c in (*card.claims, *card.comparisons) if c.place.start < body), default=-1)
    listed = 0
    for number, block in enumerate(read_blocks(source, front.body_line)):
        is_item = isinstance(block, Prose) and block.depth > 0
        listed = listed + 1 if is_item else 0
        group = first + number - max(listed - 1, 0)
        for label, start, digits in _labelled(block):
            if (match := _THRESHOLD.fullmatch(label)) is not None:
                yield group, match["key"].casefold().replace(" ", "_"), source.place(start, start + len(digits))


def _labelled(block: Block) -> Iterator[tuple[str, int, str]]:
    """Names and figures, with their first characters, where lines and tables of two columns speak of thresholds."""
    if isinstance(block, Table):
        for name, value in (row for row in block.rows if len(row) == 2):
            if "thresh" in name.text.casefold() and (found := find_digits(value.text)) is not None:
                yield name.text.strip("*_` "), value.start + found[2], found[0]
    elif isinstance(block, Prose) or (isinstance(block, Fence) and is_metrics(block)):
        for line in block.lines:
            for entry in entries(line) if "thresh" in line.text.casefold() else ():
                yield entry.label, entry.start, entry.digits
