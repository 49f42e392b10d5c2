"""Editing a card in place: which figures a run proves, where its evidence stands, and proof that nothing else moved."""

from harness.editing.admitted import admit, broken_front_matter, others_of
from harness.editing.card import edit_card, figures_left
from harness.editing.edits import Edit, EditedCard, apply_edits
from harness.editing.expected import expected_card
from harness.editing.marks import Section, find_section
from harness.editing.replacing import replace_card

__all__ = [
    "Edit",
    "EditedCard",
    "Section",
    "admit",
    "apply_edits",
    "broken_front_matter",
    "edit_card",
    "expected_card",
    "figures_left",
    "find_section",
    "others_of",
    "replace_card",
]
