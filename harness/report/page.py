"""A report as one HTML file that needs nothing else: no network, no other file, and no script but for filters."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from harness.render.sandbox import render_packaged, template_folder
from harness.report import views
from harness.report.browser import browse_questions
from harness.report.data import Plot, ReportData
from harness.report.markup import Html, page_environment
from harness.report.pairing import NO_INTERVAL

_STYLES = ("report.css", "plots.css")
_SCRIPT = "report.js"
PRINTED = 100
"""Questions, at most, that are printed: a person who wants more on paper filters first."""


def render_page(data: ReportData, plots: Sequence[Plot] = ()) -> str:
    """The page, from its document type to its last line feed.

    The same data give the same bytes. What the data do not hold is left out, and notes say why. The page's own policy
    lets nothing be loaded, sent, or run but the style and the script that are in it, which are named by their hashes.

    Args:
        data: The runs.
        plots: Figures; their SVG is put in as it is.

    Raises:
        TemplateError: The page cannot be made of these data, by a fault of the package.
    """
    style = "".join(_read(name) for name in _STYLES)
    script = _read(_SCRIPT)
    runs = views.view_runs(data)
    claims = views.view_claims(runs, data.card, judged=data.judged)
    own = f"style-src {_hash(style)}; script-src {_hash(script)}"
    fields = {
        "style": Html(style),
        "script": Html(script),
        "policy": f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'",
        "several": len(runs) > 1,
        "first": runs[0],
        "runs": runs,
        "claims": claims,
        "card": data.card,
        "plots": [(plot, Html(plot.svg)) for plot in plots],
        "scores": views.view_scores(runs),
        "silents": views.view_silence(runs),
        "breakdowns": views.view_breakdowns(data),
        "pairs": views.view_pairs(data),
        "recipes": views.view_recipes(runs, data.card),
        "findings": data.findings,
        "lines": views.card_lines(data.card, data.findings),
        "browser": browse_questions(data),
        "notes": data.notes,
        "printed": PRINTED,
        "no_interval": NO_INTERVAL[:1].upper() + NO_INTERVAL[1:],
    }
    return render_packaged(page_environment(), "report.html.j2", fields)


def _read(name: str) -> str:
    text = (Path(template_folder()) / name).read_text(encoding="utf-8")
    if "</" in text:  # it would end the element that it is put in
        raise ValueError(f"{name}: found '</', expected none in what is put into a page")
    return text


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
