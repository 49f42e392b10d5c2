"""What verdicts come to together."""

from __future__ import annotations

from collections.abc import Iterable

from harness.records import Comparison, Verdict

_DECIDED = {Verdict.MATCHES, Verdict.WITHIN_TOLERANCE}


def failing(comparison: Comparison, *, strict: bool = False) -> bool:
    """Whether a claim counts as not held: it differs, and that is no known deviation.

    Args:
        comparison: What was judged.
        strict: All but agreement counts as failure; a known deviation never does.
    """
    if comparison.deviation is not None:
        return False
    if strict:
        return comparison.verdict not in _DECIDED
    return comparison.verdict is Verdict.DIFFERS


def outcome(comparisons: Iterable[Comparison], *, strict: bool = False) -> tuple[int, str]:
    """Exit code and a sentence: 0 as claimed, 1 where a claim differs, or nothing was checked.

    Args:
        comparisons: What was judged.
        strict: Inconclusive and not comparable claims count as failures too.
    """
    every = list(comparisons)
    verdicts = [c.verdict for c in every]
    known = sum(c.deviation is not None for c in every)
    counts = [(v.value, verdicts.count(v) - (known if v is Verdict.DIFFERS else 0)) for v in Verdict]
    counts += [("known deviation", known), ("unchecked", verdicts.count(None))]
    summary = ", ".join(f"{word} {n}" for word, n in counts if n)
    if any(failing(c) for c in every):
        return 1, f"not as claimed: {summary}"
    if not any(v in _DECIDED or v in (Verdict.INCONCLUSIVE, Verdict.DIFFERS) for v in verdicts):
        return 1, f"nothing was checked: {summary or 'the card makes no claim'}"
    if strict and any(failing(c, strict=True) for c in every):
        return 1, f"not shown (strict): {summary}"
    return 0, f"as claimed: {summary}" if all(v in _DECIDED for v in verdicts) else f"nothing differs: {summary}"
