"""What the verdicts on statements of one sort come to together."""

from __future__ import annotations

from collections.abc import Iterable

from harness.records import Verdict


def sum_up(verdicts: Iterable[Verdict], held: str, none: str, *, strict: bool = False) -> tuple[int, str]:
    """Exit code and a sentence: 0 where nothing differs, 1 where something does or nothing could be compared.

    Args:
        verdicts: What was judged.
        held: That all of it holds, in words: ``as printed``.
        none: That there was nothing to judge, in words.
        strict: What is inconclusive or not comparable counts as a failure too.
    """
    every = list(verdicts)
    counted = ", ".join(f"{verdict.value} {n}" for verdict in Verdict if (n := every.count(verdict)))
    if Verdict.DIFFERS in every:
        return 1, f"not {held}: {counted}"
    if all(verdict is Verdict.NOT_COMPARABLE for verdict in every):
        return 1, f"nothing was compared: {counted or none}"
    if all(verdict in (Verdict.MATCHES, Verdict.WITHIN_TOLERANCE) for verdict in every):
        return 0, f"{held}: {counted}"
    return (1, f"not shown (strict): {counted}") if strict else (0, f"nothing differs: {counted}")
