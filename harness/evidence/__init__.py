"""Which runs are evidence for a card, and what the card's claims come to against them."""

from harness.evidence.choosing import Kind, choose_group
from harness.evidence.found import (
    Evidence,
    Recorded,
    find_evidence,
    gather_evidence,
    newest_evidence,
    on_present_data,
)
from harness.evidence.index import CardIndex, index_card
from harness.evidence.judging import Options, judge, judge_one, known_deviation, record_judgement, with_judgement
from harness.evidence.names import find_own_runs, same_name, speaks_for
from harness.evidence.opened import Opened, open_card, plan_card
from harness.evidence.outcome import failing, outcome
from harness.evidence.protocols import Scoring, how_scored, meant_decoding
from harness.evidence.weights import find_evaluations, same_weights
from harness.verdict.recipes import same_but_seeds, same_recipe

__all__ = [
    "CardIndex",
    "Evidence",
    "Kind",
    "Opened",
    "Options",
    "Recorded",
    "Scoring",
    "choose_group",
    "failing",
    "find_evaluations",
    "find_evidence",
    "find_own_runs",
    "gather_evidence",
    "how_scored",
    "index_card",
    "judge",
    "judge_one",
    "known_deviation",
    "meant_decoding",
    "newest_evidence",
    "on_present_data",
    "open_card",
    "outcome",
    "plan_card",
    "record_judgement",
    "same_but_seeds",
    "same_name",
    "same_recipe",
    "same_weights",
    "speaks_for",
    "with_judgement",
]
