"""Reports and model cards from records, through the templates; nothing is fetched, timed or drawn by chance."""

from harness.render.new_card import write_card
from harness.render.report import render_report

__all__ = ["render_report", "write_card"]
