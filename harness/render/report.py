"""A run as a Markdown report."""

from __future__ import annotations

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
            "flips": tuple(c for c in run.comparisons if c.flipped),
            "data": used_data(run),
            "kind_keys": tuple(dict.fromkeys(key for scores in run.by_kind.values() for key in scores)),
            "tables": recipe_tables(run.recipe),
            "command": repeat_command(run),
        },
    )


def _tolerances(run: Run) -> tuple[Tolerance, ...]:
    found = (comparison.tolerance for comparison in run.comparisons)
    return tuple(dict.fromkeys(tolerance for tolerance in found if tolerance is not None))
