"""What is printed of two runs on the same questions."""

from __future__ import annotations

from harness.cli.output import note, print_table
from harness.records import Paired


def print_paired(paired: Paired) -> None:
    """The comparison as tables on stdout, and its notes on stderr."""
    first, second = paired.runs
    rows = []
    for change in paired.changes:
        pair = paired.exact if change.score == "exact" else paired.f1
        rows.append(
            (
                change.score,
                f"{pair[0]:.4f}",
                f"{pair[1]:.4f}",
                f"{change.difference:+z.4f}",
                f"{change.units} {change.over}",
                _interval(change.low, change.high),
                _probability(change.randomization_p),
                _probability(change.bootstrap_p),
            )
        )
    level = 100.0 * paired.mcnemar.level
    headings = ("score", first, second, "difference", "over", f"{level:g} % interval", "p, randomization")
    print_table((*headings, "p, bootstrap"), rows)
    interval = _interval(paired.mcnemar.low, paired.mcnemar.high)
    print_table(
        ("McNemar, exact match over questions", "value"),
        [("p", _probability(paired.mcnemar.p)), (f"{level:g} % interval of the difference", interval)],
    )
    counts = [
        ("both right", paired.both_right),
        (f"only {first} right", len(paired.only_first)),
        (f"only {second} right", len(paired.only_second)),
        ("both wrong", paired.both_wrong),
        ("same answer", paired.same_answer),
    ]
    shares = [(name, str(count), f"{100.0 * count / paired.n:.2f}") for name, count in counts]
    if paired.kappa is not None:
        shares.append(("kappa of right and wrong", f"{paired.kappa:.4f}", ""))
    print_table((f"of {paired.n} questions", "count", "%"), shares)
    if paired.flips:
        flips = [
            ("has_ans" if flip.has_ans else "no_ans", flip.first, flip.second, "+" if flip.gained else "-", flip.ids)
            for flip in paired.flips
        ]
        print_table(
            ("questions", first, second, "", "count"),
            [(subset, one, other, sign, str(len(ids))) for subset, one, other, sign, ids in flips],
            title="flipped",
        )
    if paired.groups:
        print_table(
            ("by", "questions", "n", "exact", "f1", "only first right", "only second right"),
            [
                (g.by, g.name, str(g.n), _pair(g.exact), _pair(g.f1), str(g.only_first), str(g.only_second))
                for g in paired.groups
            ],
        )
    if paired.differences:
        differences = [(text, "yes" if text in paired.decisive else "no") for text in paired.differences]
        print_table(("what differs between the signatures", "decisive"), differences)
    for text in paired.notes:
        note(f"note: {text}")


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:+z.4f} to {high:+z.4f}"


def _probability(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if value >= 0.0001 else "< 0.0001"


def _pair(values: tuple[float, ...]) -> str:
    return f"{values[0]:.2f} to {values[1]:.2f} ({values[1] - values[0]:+z.2f})"
