"""Does a model do what its model card says, and would its recipe give that model again?

Importing this loads the standard library only; each name below loads what it needs when it is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "audit_card": "harness.audit",
    "edit_card": "harness.editing",
    "evaluate_model": "harness.evaluation",
    "judge": "harness.evidence",
    "judge_claim": "harness.verdict",
    "load_metric": "harness.squad_metric",
    "load_run": "harness.store",
    "open_card": "harness.evidence",
    "open_data": "harness.opened_data",
    "plan_recipe": "harness.recipes",
    "read_card": "harness.cards",
    "render_report": "harness.render",
    "rescore_run": "harness.evaluation",
    "run_recipe": "harness.pipeline",
    "score_predictions": "harness.squad",
    "summarize": "harness.squad",
    "write_card": "harness.render",
}

__all__ = [
    "audit_card",
    "edit_card",
    "evaluate_model",
    "judge",
    "judge_claim",
    "load_metric",
    "load_run",
    "open_card",
    "open_data",
    "plan_recipe",
    "read_card",
    "render_report",
    "rescore_run",
    "run_recipe",
    "score_predictions",
    "summarize",
    "write_card",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
