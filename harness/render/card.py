"""A model card from what was read of one, and from what a run of it gave."""

from __future__ import annotations

from harness.errors import RecordError
from harness.records import Card, Recipe, Run
from harness.render.claims import body_figures, measured_claims, measured_figures, model_index
from harness.render.escape import one_line
from harness.render.sandbox import render_template
from harness.render.setup import setup_parts
from harness.render.views import assumed_rows, used_data


def render_card(card: Card, recipe: Recipe | None, run: Run | None, *, measured: bool = False) -> str:
    """A card that says again what the given one says, as Markdown: the same claims and settings when read back.

    The same input gives the same bytes. The Hub's marks and tokens of verification are never written: they vouch
    for another text.

    Args:
        card: Metadata, claims with their digits, and settings by block.
        recipe: The recipe as completed, for the list of assumptions; the run's own if None.
        run: The evidence. If it finished, it gets a section of its own between the evidence marks.
        measured: Put the run's figures in place of the card's claims, as the publisher of a first card does.

    Raises:
        RecordError: ``measured`` without a finished run that has scores.
    """
    evidence = run if run is not None and run.status == "finished" else None
    if measured and (evidence is None or evidence.evaluated is None or not evidence.scores):
        where = one_line(card.path)
        raise RecordError(
            f"{where}: found no finished run with scores, expected one for a card with measured figures; "
            f"run `harness run {where}` first",
            path=card.path,
        )
    own = measured_claims(evidence) if measured and evidence is not None else card.claims
    index = model_index(card.name, own, keep_name="model-index" in card.metadata)
    metadata = {key: value for key, value in card.metadata.items() if key != "model-index"}
    completed = recipe if recipe is not None or evidence is None else evidence.recipe
    return render_template(
        "card.md.j2",
        {
            "name": card.name,
            "metadata": {**metadata, "model-index": index} if index else metadata,
            "setup": setup_parts(card),
            "figures": measured_figures(evidence) if measured and evidence is not None else body_figures(own),
            "measured": measured,
            "run": evidence,
            "comparisons": () if evidence is None or measured else evidence.comparisons,
            "data": () if evidence is None else used_data(evidence),
            "assumed": () if completed is None else assumed_rows(completed),
        },
    )
