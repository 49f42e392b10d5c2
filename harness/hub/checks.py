"""Whether a card's claims are shown by recorded runs, as they have to be before it is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cards import parse_card, require_metadata
from harness.claim_names import name_claims
from harness.editing import find_section, others_of
from harness.errors import NoEvidenceError, RecordError
from harness.evidence import (
    Opened,
    Options,
    failing,
    gather_evidence,
    index_card,
    judge,
    judge_one,
    outcome,
    plan_card,
    same_but_seeds,
    speaks_for,
)
from harness.freshness import freshness
from harness.records import Comparison, Run, Verdict
from harness.results import check_sealed

_GIVEN = ("released", "replay")
_HELD = (Verdict.MATCHES, Verdict.WITHIN_TOLERANCE)


@dataclass(frozen=True, slots=True)
class Checked:
    """A card's text held against the evidence."""

    opened: Opened
    runs: tuple[Run, ...]
    """Those that claims were held against, and that are of what the card says now."""
    comparisons: tuple[Comparison, ...]
    outcome: str
    """What the verdicts come to, in one sentence."""
    refused: tuple[str, ...]
    """Why the card is not to be published as it is."""
    notes: tuple[str, ...]


def open_text(path: Path, text: str, reading: str | None = None) -> Opened:
    """A text in place of a card's file, with what stands beside the file; raises as `open_card` does."""
    card = parse_card(text, str(path))
    require_metadata(card)
    return plan_card(path, card, reading=reading)


def check_claims(opened: Opened, run: Run | None, runs: Path, options: Options) -> Checked:
    """Hold every claim against a run, or against what is on record for the card.

    Args:
        opened: The card.
        run: The evidence; None looks for it beside the card and in the folder of runs, as `gather_evidence` does.
        runs: Folder of runs.
        options: What is asked of the verdicts.

    Raises:
        RecordError: a record of the card cannot be read.
    """
    if not opened.card.claims:
        return Checked(opened, (), (), "the card makes no claim", (), ())
    if run is not None:
        others = others_of(opened, run, runs)
        found = judge(opened, run, options, others)
        ids = {id for comparison in found for id in comparison.runs}
        used = [run, *(other for other in others if other.id in ids)]
        return _sum_up(opened, [(one, (run,), others) for one in used], found, options)
    try:
        evidence = gather_evidence(opened, runs)
    except NoEvidenceError as error:
        what = "stale evidence" if error.stale else "no evidence"
        count = len(opened.card.claims)
        told = f"{what}: {count} {'claim' if count == 1 else 'claims'} unchecked: {error}"
        return Checked(opened, (), (), f"unchecked {count}", (told,), ())
    index = index_card(opened)
    found = tuple(
        judge_one(opened, [run for _, run in runs], claim, options, index, again=evidence.again(runs))
        for claim in opened.card.claims
        for runs in (evidence.of(claim),)
    )
    section = find_section(opened.card.text, opened.card.path)
    shown = () if section is None else section.runs
    used = [run for _, run in evidence.used(opened.card.claims)]
    groups = [(run, evidence.together(run, shown)) for run in used]
    together = [(run, group, evidence.beside(group)) for run, group in groups]
    return _sum_up(opened, together, found, options)


def _sum_up(
    opened: Opened,
    runs: Sequence[tuple[Run, tuple[Run, ...], tuple[Run, ...]]],
    comparisons: tuple[Comparison, ...],
    options: Options,
) -> Checked:
    refused, notes, kept = [], [], []
    for run, group, others in runs:
        state, reason = _age(opened, run, options, group, others)
        if state == "fresh":
            kept.append(run)
        elif state == "undated":
            kept.append(run)
            notes.append(f"run {run.id}: {reason}")
        else:
            refused.append(f"{state} evidence: run {run.id}: {reason}")
    names = {id(claim): name for name, claim in name_claims(opened.card.claims).items()}
    for found in comparisons:
        claim = found.claim
        told = f"{opened.path}:{claim.place.line}: {names[id(claim)]}: reported {claim.digits}"
        if found.reproduced is not None:
            told += f", reproduced {found.reproduced:.4f}"
        if failing(found):
            refused.append(f"{told}: differs: {found.reason}")
        elif found.verdict not in _HELD:
            notes.append(f"{told}: {'known deviation' if found.deviation else found.state}: {found.reason}")
    _, sentence = outcome(comparisons)
    if not any(found.verdict in _HELD or found.deviation is not None for found in comparisons) and not refused:
        refused.append(f"none of the claims is shown: {sentence}")
    return Checked(opened, tuple(kept), comparisons, sentence, tuple(refused), tuple(notes))


def _age(
    opened: Opened, run: Run, options: Options, group: tuple[Run, ...], others: tuple[Run, ...]
) -> tuple[str, str]:
    """Whether a run, one of seeds that are judged together, is evidence of what the card says now."""
    if not speaks_for(opened, run, group):
        return "other", f"it is of {run.card_name!r:.120}, the card of {opened.card.name!r:.120}"
    try:
        check_sealed(run)
    except RecordError as error:
        return "unusable", str(error)
    if run.kind not in _GIVEN and not same_but_seeds(run.recipe, opened.recipe):
        return "stale", "the recipe has changed since it was recorded"
    return freshness(opened, run, options, group, others)
