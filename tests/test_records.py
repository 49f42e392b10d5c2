"""Records go to JSON and back, strictly."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.errors import RecordError
from harness.records import (
    Answer,
    Claim,
    DataRef,
    Decoding,
    ModelRef,
    Origin,
    Place,
    Question,
    Recipe,
    Stage,
    Tolerance,
    Verdict,
    from_json,
    to_json,
)

STAGE = Stage(
    name="student",
    kind="distil_logits",
    student=ModelRef("pocket/roberta-1x64"),
    teacher=ModelRef("teacher", "abc"),
    data=(DataRef("pocket", "train[:10]"), DataRef("squadshifts", "test", "amazon", "main")),
    epochs=2,
    batch_size=8,
    learning_rate=3e-5,
    lr_schedule="linear",
    warmup_proportion=0.1,
    weight_decay=0.01,
    adam_beta2=0.98,
    max_grad_norm=1.0,
    max_seq_len=128,
    doc_stride=32,
    max_query_length=64,
    temperature=2.0,
    distillation_loss_weight=1.0,
    seed=1,
    origins={"epochs": Origin("stated", line=7), "seed": Origin("assumed", "any will do")},
)
RECIPE = Recipe((STAGE,), DataRef("pocket", "validation"), Decoding(), {"n_best": Origin("default", "run_qa")}, ())


@pytest.mark.parametrize(
    "record",
    [
        RECIPE,
        Question("1", "0:0", "c", "q", (Answer("c", 0),)),
        Claim("f1", "all", 83.86, "83.860", "percent", None, "table", Place(3, 9, 2)),
    ],
)
def test_round_trip_through_json_text(record):
    assert from_json(type(record), json.loads(json.dumps(to_json(record)))) == record


def test_assumed_fields_are_named():
    assert RECIPE.assumed == ("student.seed",)
    assert replace(RECIPE, origins={"n_best": Origin("assumed", "x")}).assumed == ("student.seed", "n_best")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epoch": 2}, "unknown field 'epoch'"),
        ({"epochs": "2"}, "Stage.epochs: found str '2', expected int"),
        ({"epochs": 2.5}, "expected int"),
        ({"epochs": True}, "expected int"),
        ({"kind": "magic"}, "expected one of 'finetune', 'distil_hidden', 'distil_logits'"),
        ({"data": [{"name": "x"}]}, "Stage.data[0]: field 'split' is missing"),
        ({"student": "name"}, "Stage.student"),
        ({"origins": []}, "Stage.origins"),
    ],
)
def test_wrong_values_are_named(change, message):
    with pytest.raises(RecordError) as caught:
        from_json(Stage, to_json(STAGE) | change)
    assert message in str(caught.value)


def test_missing_field_is_named():
    data = to_json(STAGE)
    del data["seed"]
    with pytest.raises(RecordError, match="field 'seed' is missing"):
        from_json(Stage, data)


def test_unknown_verdict_is_named():
    assert from_json(Verdict, "differs") is Verdict.DIFFERS
    with pytest.raises(RecordError, match="'within_tolerance'"):
        from_json(Verdict, "fine")


@pytest.mark.parametrize(
    "text",
    [
        "pocket:train",
        "squad_v2:validation[8697:]",
        "rajpurkar/squad_v2@v1.0:validation[:75%]",
        "squadshifts:new_wiki:test[:1000]",
    ],
)
def test_data_reference_prints_as_it_parses(text):
    assert str(DataRef.parse(text)) == text


@pytest.mark.parametrize("text", ["", "squad", "a b:train", "../x:train", "squad:train[1:2", "squad:train]", "a:b:c:d"])
def test_malformed_data_reference(text):
    with pytest.raises(ValueError, match="is not a data reference"):
        DataRef.parse(text)


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "1e999", pytest.param("1" + "0" * 400, id="digits")])
def test_a_figure_that_is_no_finite_number_is_refused(figure):
    data = json.loads(f'{{"within": {figure}, "warned": 1, "inconclusive": 1, "reason": ""}}')
    with pytest.raises(RecordError, match=r"Tolerance\.within: .* expected a finite number"):
        from_json(Tolerance, data)
