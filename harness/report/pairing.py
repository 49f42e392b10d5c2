"""What is shown of two runs compared question by question, wherever it is shown."""

from __future__ import annotations

from harness.records import Change, Paired

NO_INTERVAL = "no interval where fewer than 10 paragraphs or questions differ: a bootstrap of so few says nothing"
"""Nor is there one where all differ by as much, which is seldom; see `harness.significance`."""


def chosen_changes(pair: Paired) -> tuple[Change, ...]:
    """Exact match and F1, over paragraphs where these are known: questions about one are no independent draws."""
    over = "paragraphs" if any(found.over == "paragraphs" for found in pair.changes) else "questions"
    return tuple(found for found in pair.changes if found.over == over)
