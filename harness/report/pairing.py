"""What is shown of two runs compared question by question, wherever it is shown."""

from __future__ import annotations

from harness.records import Change, Paired

NO_INTERVAL = "no interval where fewer than 10 differ, or all by as much: a bootstrap of so few says nothing"


def chosen_changes(pair: Paired) -> tuple[Change, ...]:
    """Exact match and F1, over paragraphs where these are known: questions about one are no independent draws."""
    over = "paragraphs" if any(found.over == "paragraphs" for found in pair.changes) else "questions"
    return tuple(found for found in pair.changes if found.over == over)
