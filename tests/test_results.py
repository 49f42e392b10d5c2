"""Results for machines, held against their published schema."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from card_runs import released_run, sealed, sealed_run
from documents import HOSTILE, hostile_run
from jsonschema import Draft202012Validator

from harness.cards import parse_card
from harness.errors import RecordError
from harness.evidence import judge, plan_card
from harness.records import Bounds, Card, Comparison, DataRef, DataUsed, Run, Seeds, evidence_sha256
from harness.render import write_card
from harness.results import describe_results, results_index

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "results.schema.json").read_text(encoding="utf-8"))


def checked(card: Card | None, runs: list[Run], comparisons: tuple[Comparison, ...]) -> dict[str, Any]:
    """The results, which are of the schema, and the same after a way through JSON."""
    found = describe_results(card, runs, comparisons)
    Draft202012Validator(SCHEMA).validate(found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def judged(run: Run) -> tuple[Card, tuple[Comparison, ...]]:
    card = parse_card(write_card(run), "x.md")
    return card, judge(plan_card(Path("x.md"), card), run)


def test_the_schema_is_one_and_closed() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    waiting = [SCHEMA]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "properties" in part:
                assert part["additionalProperties"] is False
                assert set(part["required"]) == set(part["properties"])
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def test_a_card_with_its_run() -> None:
    run = sealed_run()
    card, comparisons = judged(run)
    found = checked(card, [run], comparisons)
    assert found["model"] == {
        "name": card.name, "revision": None, "weights_sha256": run.stages[-1].weights_sha256,
    }  # fmt: skip
    assert found["card"] == {"path": "x.md", "sha256": card.sha256}
    (told,) = found["runs"]
    assert told["evidence_sha256"] == evidence_sha256(run)
    assert told["seeds"] == [{"stage": "teacher", "seed": 7}, {"stage": "student", "seed": 7}]
    assert told["scores"] == run.scores
    assert [(data["used_for"], data["stage"]) for data in told["data"]][-1] == ("evaluation", None)
    assert len(told["data"]) == 1 + sum(len(stage.data) for stage in run.stages)
    assert len(found["claims"]) == len(card.claims) == 8
    first = found["claims"][0]
    assert first["name"] == "pocket/validation(:400)::exact_match[all@front_matter]"
    assert (first["digits"], first["verdict"], first["runs"]) == ("71.5000", "matches", [run.id])
    assert card.text[first["place"]["start"] : first["place"]["end"]] == "71.5000"
    assert math.isclose(first["difference"], first["reproduced"] - first["reported"], abs_tol=1e-9)


def test_claims_that_nothing_was_held_against_are_unchecked() -> None:
    run = sealed_run()
    card, comparisons = judged(run)
    found = checked(card, [], comparisons[:1])
    assert [claim["verdict"] for claim in found["claims"]] == ["matches"] + ["unchecked"] * 7
    assert found["model"]["weights_sha256"] is None


def test_a_released_model_without_a_card() -> None:
    run = released_run()
    found = checked(None, [run], ())
    assert found["model"] == {"name": "me/owl", "revision": "main", "weights_sha256": "3" * 64}
    assert found["card"] is None
    assert found["runs"][0]["seeds"] == []
    assert found["claims"] == []


def test_intervals() -> None:
    run = sealed_run()
    card, comparisons = judged(run)
    pooled = replace(comparisons[0], seeds=Seeds((1.0, 2.0, 3.0), 2.0, 1.0, 5.0, 8.0))
    found = checked(card, [run], (pooled,))["claims"][0]["interval"]
    assert (found["low"], found["high"], found["level"]) == (-3.0, 7.0, 0.95)
    keys = ("exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1")
    bounds = Bounds("betting", 0.05, 0, 100, 400, dict.fromkeys(keys, 10.0), dict.fromkeys(keys, 20.0), decided=True)
    early = sealed(run, bounds=bounds)
    found = checked(card, [early], comparisons)["claims"][0]["interval"]
    assert (found["low"], found["high"], found["level"]) == (10.0, 20.0, 0.95)
    assert "100 of 400" in found["method"]
    whole = sealed(run, bounds=replace(bounds, used=400))
    assert checked(card, [whole], comparisons)["claims"][0]["interval"] is None


def test_deviations_and_tolerances() -> None:
    run = sealed_run()
    card, comparisons = judged(run)
    found = checked(card, [run], (replace(comparisons[0], deviation="known"),))["claims"][0]
    assert found["deviation"] == "known"
    assert comparisons[0].tolerance is not None
    assert found["tolerance"]["reason"] == comparisons[0].tolerance.reason


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_records_stay_of_the_schema(text: str) -> None:
    run = sealed(hostile_run(sealed_run(), text))
    found = checked(None, [run], run.comparisons)
    assert found["runs"][0]["id"] == text


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"status": "running"}, "is running"), ({"sha256": None}, "no checksum"), ({"card_name": "x"}, "was changed")],
)
def test_only_sealed_finished_runs(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        describe_results(None, [replace(sealed_run(), **changes)], ())


def test_figures_are_finite() -> None:
    card, comparisons = judged(sealed_run())
    with pytest.raises(RecordError, match="no finite number"):
        describe_results(card, [], (replace(comparisons[0], reproduced=math.nan),))


def test_the_index_alone() -> None:
    run = sealed_run()
    other = sealed(run, evaluated=DataUsed(DataRef("squad_v2", "validation"), 5, 2, "8" * 64, f"x/y@{'c' * 40}"))
    (model,) = results_index("me/owl", [run, other, run])
    assert model["name"] == "me/owl"
    assert [result["dataset"] for result in model["results"]] == [
        {"name": "pocket", "type": "pocket", "split": "validation[:400]"},
        {"name": "squad_v2", "type": "rajpurkar/squad_v2", "split": "validation", "revision": "c" * 40},
    ]
    assert [(metric["type"], metric["value"]) for metric in model["results"][0]["metrics"]] == [
        ("exact_match", 71.5), ("f1", 73.5617),
    ]  # fmt: skip
    assert "verif" not in json.dumps(model)
    assert results_index("me/owl", []) == []
    bounds = Bounds("betting", 0.05, 0, 100, 400, {}, {}, decided=True)
    assert results_index("me/owl", [sealed(run, bounds=bounds)]) == []
