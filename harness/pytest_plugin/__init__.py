"""pytest plugin: what an audit finds in model cards, their claims and their examples, each as one test.

Cards are the README.md files under the folders of the ini option ``harness_cards`` or of ``--cards``, and Markdown
files with front matter directly in such a folder. Every pytest run loads this module: it needs the standard library
and pytest only, and does nothing without cards (benchmarks/plugin_cost.py).
"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.pytest_plugin.checks import HarnessRun

_MARKERS = (
    "card: anything that a model card says",
    "card_audit: what an audit finds in a model card",
    "card_claim: a figure that a model card publishes",
    "card_example: an example that a model card prints",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--cards``, ``--card-...`` and the ini option ``harness_cards``."""
    group = parser.getgroup("harness", "model cards")
    group.addoption("--cards", action="append", default=[], metavar="DIR", help="check the model cards in this folder")
    group.addoption(
        "--card-run",
        choices=("audit", "replay", "released", "retrained"),
        help="audit: findings alone; else the kind of recorded run to check claims with, instead of the first there is",
    )
    group.addoption(
        "--card-tolerance", type=_points, metavar="POINTS", help="in place of every other tolerance of a claim"
    )
    group.addoption(
        "--card-at-least", action="store_true", help="a figure above the claim is as good as the claimed one"
    )
    group.addoption(
        "--card-strict",
        action="store_true",
        help="fail claims and examples that are inconclusive, not comparable or unchecked, and warnings of the audit",
    )
    parser.addini("harness_cards", "folders of model cards that are checked", type="paths", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Collect the card folders beside what the command line or ``testpaths`` names."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    asked, stated = config.getoption("--cards"), config.getini("harness_cards")
    if not asked and not stated:
        return
    from harness.pytest_plugin.collection import CardCollection, add_folders

    folders = add_folders(config, asked, stated)
    if folders:
        config.pluginmanager.register(CardCollection(folders), "harness-cards")


@pytest.fixture
def harness_run(request: pytest.FixtureRequest) -> HarnessRun:
    """Checks claims of `harness.testing.find_claims` as the plugin checks those that it collects."""
    from harness.pytest_plugin.checks import HarnessRun

    return HarnessRun(request.config, request.node)


def _points(text: str) -> float:
    try:
        points = float(text)
    except ValueError:
        points = math.nan
    if not 0.0 <= points <= 100.0:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected 0 to 100 points")
    return points
