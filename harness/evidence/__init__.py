"""Which runs are evidence for a card, and what the card's claims come to against them."""

from harness.evidence.found import Kind, find_evidence, newest_evidence, same_recipe
from harness.evidence.judging import Options, judge, judge_one, record_judgement, with_judgement
from harness.evidence.opened import Opened, open_card
from harness.evidence.outcome import failing, outcome
from harness.evidence.protocols import Scoring, how_scored

__all__ = [
    "Kind",
    "Opened",
    "Options",
    "Scoring",
    "failing",
    "find_evidence",
    "how_scored",
    "judge",
    "judge_one",
    "newest_evidence",
    "open_card",
    "outcome",
    "record_judgement",
    "same_recipe",
    "with_judgement",
]
