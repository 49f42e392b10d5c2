"""The real pair of `cards/`: its tables are its records', its claims are held, and a false one is found."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from harness.cards import parse_card, read_card
from harness.evidence import judge, open_card, plan_card
from harness.kept_speeds import load_speed
from harness.records import Verdict
from harness.store import load_run

ROOT = Path(__file__).parents[1]
DOCS, CARDS = ROOT / "docs", ROOT / "cards"
FOLDERS = sorted(path.name for path in CARDS.glob("minilm__*"))
STUDENT = CARDS / "minilm__distilled"
FRESH = sorted((STUDENT / "fresh_seed").glob("*.json"))


def test_the_tables_in_the_documents_are_those_of_the_records() -> None:
    sys.path.insert(0, str(DOCS))
    try:
        from make_distillation import page
    finally:
        sys.path.pop(0)
    text = (DOCS / "distillation.md").read_text("utf-8")
    assert text == page(text), "run python docs/make_distillation.py"
    assert text.count("<!-- table ") == text.count("<!-- /table -->") == 4


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_figure_of_a_card_is_two_clicks_from_its_record(folder: str) -> None:
    place = CARDS / folder
    text = (place / "README.md").read_text("utf-8")
    linked = re.findall(r"\]\(((?:runs|speeds)/[^)]+)\)", text)
    records = {path: json.loads((place / path).read_text("utf-8")) for path in linked}
    for path in records:
        (load_run if path.startswith("runs/") else load_speed)(place / path)  # whole, sealed and unchanged
    figures = {
        f"{value:.4f}"
        for path, record in records.items()
        if path.startswith("runs/")
        for value in record["scores"].values()
    }
    claims = read_card(place / "README.md").claims
    assert claims
    assert {claim.digits for claim in claims} <= figures
    ids = {path.name for path in (place / "runs").glob("*.json")} | {p.name for p in place.glob("speeds/*.json")}
    assert {Path(path).name for path in linked} == ids  # none is left out


def test_a_fresh_seed_of_the_last_stage_is_within_tolerance_and_a_raised_claim_differs() -> None:
    (file,) = FRESH
    fresh = load_run(file)
    opened = open_card(STUDENT)
    own = {stage.name: stage.seed for stage in opened.recipe.stages}
    seeds = {stage.name: stage.seed for stage in fresh.recipe.stages}
    assert [name for name in own if own[name] != seeds[name]] == ["prediction"]
    about = [c for c in judge(opened, fresh) if str(c.claim.data) == str(fresh.evaluated.ref)]
    assert {c.claim.metric for c in about} == {"exact_match", "f1"}
    assert {c.verdict for c in about} <= {Verdict.WITHIN_TOLERANCE, Verdict.MATCHES}
    told = next(c.claim.digits for c in about if c.claim.metric == "f1")
    raised = opened.card.text.replace(told, f"{float(told) + 3:.4f}")
    false = plan_card(opened.path, parse_card(raised, str(opened.path)))
    verdicts = {c.claim.metric: c.verdict for c in judge(false, fresh) if c.claim.data == about[0].claim.data}
    assert verdicts["f1"] is Verdict.DIFFERS
    assert verdicts["exact_match"] in (Verdict.WITHIN_TOLERANCE, Verdict.MATCHES)
