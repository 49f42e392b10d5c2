"""What a card's file should hold: its facts, and its newest evidence."""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path

from harness.cards import parse_card, read_card
from harness.editing.admitted import Chosen, choose, others_of
from harness.editing.card import edit_card
from harness.editing.edits import Edit, EditedCard, apply_edits
from harness.editing.marks import find_section
from harness.editing.proof import prove_text
from harness.errors import CardError
from harness.evidence import Opened, Options, plan_card
from harness.facts import FILE_NAME, read_facts
from harness.per_question import load_intact


def expected_card(
    path: Path,
    runs_folder: Path,
    *,
    run: Path | None = None,
    measured: bool | None = None,
    options: Options | None = None,
    place: Path | None = None,
) -> EditedCard:
    """The card's file as it should be; nothing is written.

    Where `facts.yaml` stands beside a README.md, the text is rendered from it, with the evidence section behind; every
    other card is edited as `edit_card` does.

    Args:
        path: The card's file, or a folder with a README.md.
        runs_folder: Where to look for evidence, beside the card's own folder of runs.
        run: The evidence: a record, or a run folder. None: the newest that there is, several seeds together.
        measured: See `edit_card`.
        options: What is asked of the verdicts.
        place: See `edit_card`.

    Raises:
        CardError, RecipeError: the card cannot be read, or not be edited.
        RecordError: the evidence, or the facts, cannot be read or used; `NoEvidenceError` where the card's section
            rests on a run that is not on record any more.
    """
    file = path / "README.md" if path.is_dir() else path
    card = read_card(file)
    given = None if run is None else load_intact(run)
    opened = plan_card(file, card, reading=None if given is None else given.recipe.reading)
    section = find_section(card.text, card.path)
    if given is None:
        chosen = choose(opened, runs_folder, section)
    else:
        chosen = Chosen((given,), others_of(opened, given, runs_folder))
    notes = () if chosen.note is None else (chosen.note,)
    base = _from_facts(opened)
    if base is not None and measured:
        raise CardError(
            f"{file}: --measured: found {FILE_NAME} beside the card, so that its figures are its publisher's, expected "
            "a card of one's own; write the section alone with --reported",
            path=str(file),
        )
    if base is not None:
        measured = False
    edited = EditedCard(file, card.text, (base or opened).card.text, ())
    if chosen.runs:
        edited = edit_card(base or opened, chosen.runs, options, measured=measured, others=chosen.others, place=place)
    if base is not None:
        edited = replace(edited, before=card.text, edits=_between(card.text, edited.text))
        prove_text(edited)
    return replace(edited, notes=(*notes, *edited.notes))


def _from_facts(opened: Opened) -> Opened | None:
    """The card that the facts beside it give; None where there are none."""
    from harness.render.published import render_published

    folder = opened.path.parent
    if opened.path.name.casefold() != "readme.md" or not (folder / FILE_NAME).exists():
        return None
    text = render_published(read_facts(folder))
    return plan_card(opened.path, parse_card(text, str(opened.path)), reading=opened.recipe.reading)


def _between(before: str, after: str) -> tuple[Edit, ...]:
    """The edits, of whole lines, that turn one text into the other."""
    lines, others = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    edits = []
    for kind, a, b, c, d in SequenceMatcher(None, lines, others, autojunk=False).get_opcodes():
        if kind != "equal":
            edits.append(Edit(starts[a], starts[b], "".join(others[c:d]), f"from {FILE_NAME} and the evidence"))
    if apply_edits(before, edits) != after:
        raise CardError("found edits of lines that do not give the card, expected them to; report this")
    return tuple(edits)
