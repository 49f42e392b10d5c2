"""Reports and model cards from records, through the templates; nothing is fetched, timed or drawn by chance."""

from harness.render.card import render_card
from harness.render.report import render_report

__all__ = ["render_card", "render_report"]
