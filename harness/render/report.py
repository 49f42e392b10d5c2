"""A run as a Markdown report."""

from __future__ import annotations

from harness.gap import find_chance
from harness.records import Run, Tolerance
from harness.render.sandbox import render_template
from harness.render.views import count_states, recipe_tables, repeat_command, used_data


def render_report(run: Run) -> str:
    """The report of a run, as Markdown: verdicts first, then everything needed to judge and to repeat it.

    The same record gives the same bytes. Sections the record holds nothing for are left out.
    """
    return render_template(
        "report.md.j2",
        {
            "run": run,
            "states": count_states(run.comparisons),
            "tolerances": _tolerances(run),
            "seeds": tuple(c for c in run.comparisons if c.seeds is not None),
            "chance": _chance(run),
            "flips": tuple(c for c in run.comparisons if c.flipped),
            "data": used_data(run),
            "kind_keys": tuple(dict.fromkeys(key for scores in run.by_kind.values() for key in scores)),
            "tables": recipe_tables(run),
            "command": repeat_command(run),
        },
    )


def _chance(run: Run) -> float | None:
    """Percent: how likely one of the protocols tried gives exact match and F1 that have nothing to do with it."""
    exact = next((key for key in ("exact", "exact_match") if key in run.scores), None)
    if not run.alternatives or exact is None or "f1" not in run.scores:
        return None
    return round(100.0 * find_chance(run.scores, run.alternatives, (exact, "f1")), 2)


def _tolerances(run: Run) -> tuple[Tolerance, ...]:
    found = (comparison.tolerance for comparison in run.comparisons)
    return tuple(dict.fromkeys(tolerance for tolerance in found if tolerance is not None))
