"""Claims against runs: how far apart, how far they may be, and the verdict in words."""

from harness.verdict.digits import resolution, same_digits
from harness.verdict.held import Terms
from harness.verdict.judge import SURE, judge_claim
from harness.verdict.scope import applies, can_check, count_questions, figure
from harness.verdict.seeds import pool_seeds
from harness.verdict.tolerances import DEFAULTS, HALF_WIDTH, SOURCES_N, default_tolerance

__all__ = [
    "DEFAULTS",
    "HALF_WIDTH",
    "SOURCES_N",
    "SURE",
    "Terms",
    "applies",
    "can_check",
    "count_questions",
    "default_tolerance",
    "figure",
    "judge_claim",
    "pool_seeds",
    "resolution",
    "same_digits",
]
