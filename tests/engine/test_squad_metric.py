"""The metrics for `evaluate`, through its own calls: the examples of its documentation, and the plain rules."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import plain_squad
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harness
from harness.errors import DataError, PredictionsError
from harness.prediction_files import read_predictions
from harness.squad_files import read_squad_file
from harness.squad_metric import load_metric, score_squad, score_squad_v2

pytestmark = pytest.mark.torch
evaluate = pytest.importorskip("evaluate")

# from the documentation of the two metrics
PREDICTION = {"prediction_text": "1976", "id": "56e10a3be3433e1400422b22"}
PREDICTION_V2 = PREDICTION | {"no_answer_probability": 0.0}
REFERENCE = {"answers": {"answer_start": [97], "text": ["1976"]}, "id": "56e10a3be3433e1400422b22"}
FIGURES = {"exact_match": 100.0, "f1": 100.0}
FIGURES_V2 = {
    "exact": 100.0,
    "f1": 100.0,
    "total": 1,
    "HasAns_exact": 100.0,
    "HasAns_f1": 100.0,
    "HasAns_total": 1,
    "best_exact": 100.0,
    "best_exact_thresh": 0.0,
    "best_f1": 100.0,
    "best_f1_thresh": 0.0,
}
KEYS_V2 = [
    *[f"{group}{key}" for group in ("", "HasAns_", "NoAns_") for key in ("exact", "f1", "total")],
    *["best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh"],
]


def rows_v2(texts, golds, odds):
    predictions = [
        {"id": str(i), "prediction_text": text, "no_answer_probability": odd}
        for i, (text, odd) in enumerate(zip(texts, odds, strict=True))
    ]
    references = [
        {"id": str(i), "answers": {"text": list(gold), "answer_start": [0] * len(gold)}} for i, gold in enumerate(golds)
    ]
    return predictions, references


MIXED = rows_v2(["x", "y", "", "z w"], [["x"], [], [], ["z", "z v"]], [0.25, 0.75, 0.5, 0.125])


def test_documented_examples():
    metric = load_metric("squad_v2")
    assert isinstance(metric, evaluate.Metric)
    figures = metric.compute(predictions=[PREDICTION_V2], references=[REFERENCE])
    assert list(figures.items()) == list(FIGURES_V2.items())
    figures = load_metric("squad").compute(predictions=[PREDICTION], references=[REFERENCE])
    assert list(figures.items()) == list(FIGURES.items())


def test_names_and_inputs_are_those_of_the_originals():
    v2, v1 = load_metric("squad_v2"), load_metric("squad")
    assert (v2.name, v1.name) == ("squad_v2", "squad")
    assert list(v2.features["predictions"]) == ["id", "prediction_text", "no_answer_probability"]
    assert list(v1.features["predictions"]) == ["id", "prediction_text"]
    assert v2.features["predictions"]["no_answer_probability"].dtype == "float32"
    for metric in (v2, v1):
        assert list(metric.features["references"]) == ["id", "answers"]
        assert "no_answer_probability" in metric.inputs_description


def test_compute_with_a_threshold():
    predictions, references = MIXED
    metric = load_metric("squad_v2")
    figures = metric.compute(predictions=predictions, references=references)
    golds = {row["id"]: row["answers"]["text"] for row in references}
    texts = {row["id"]: row["prediction_text"] for row in predictions}
    odds = {row["id"]: row["no_answer_probability"] for row in predictions}
    assert figures == plain_squad.figures_2_0(golds, texts, odds, 1.0)
    assert list(figures) == KEYS_V2
    figures = metric.compute(predictions=predictions, references=references, no_answer_threshold=0.5)
    assert figures == plain_squad.figures_2_0(golds, texts, odds, 0.5)
    assert figures["NoAns_exact"] == 100.0
    figures = metric.compute(predictions=predictions, references=references, no_answer_threshold=0.0)
    assert figures == plain_squad.figures_2_0(golds, texts, odds, 0.0)
    assert figures["HasAns_exact"] == 0.0
    assert figures["best_exact"] > figures["exact"]


@pytest.mark.parametrize("in_memory", [True, False])
def test_batches_add_up_and_the_metric_can_be_used_again(tmp_path, in_memory):
    predictions, references = MIXED
    whole = load_metric("squad_v2").compute(predictions=predictions, references=references)
    metric = load_metric("squad_v2", keep_in_memory=in_memory, cache_dir=str(tmp_path))
    for _ in range(2):
        metric.add_batch(predictions=predictions[:2], references=references[:2])
        metric.add(prediction=predictions[2], reference=references[2])
        metric.add_batch(predictions=predictions[3:], references=references[3:])
        assert metric.compute() == whole
    assert (list(tmp_path.iterdir()) == []) == in_memory


def test_combined():
    predictions, references = MIXED
    whole = load_metric("squad_v2").compute(predictions=predictions, references=references)
    both = evaluate.combine({"one": load_metric("squad_v2"), "two": load_metric("squad_v2")})
    expected = {f"{name}_{key}": value for name in ("one", "two") for key, value in whole.items()}
    assert both.compute(predictions=predictions, references=references) == expected
    both.add_batch(predictions=predictions, references=references)
    assert both.compute() == expected
    alone = evaluate.combine([load_metric("squad")], force_prefix=True)
    assert alone.compute(predictions=[PREDICTION], references=[REFERENCE]) == {
        "squad_exact_match": 100,
        "squad_f1": 100,
    }


@pytest.mark.parametrize(("home", "hub_home"), [("file/home", None), ("folder", "hub")])
def test_it_is_offline_and_leaves_the_home_alone(tmp_path, home, hub_home):
    # no folder can be made under a file, whoever tries; in a read-only one only an administrator can
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir(mode=0o555)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_"))}
    environment |= {"HOME": str(tmp_path / home), "HF_HUB_OFFLINE": "1"}
    environment |= {} if hub_home is None else {"HF_HOME": str(tmp_path / home / hub_home)}
    code = (
        "import socket; socket.socket.connect = None\n"
        "import evaluate\n"
        "from harness.squad_metric import load_metric\n"
        f"reference = {REFERENCE!r}\n"
        f"for name, row in (('squad_v2', {PREDICTION_V2!r}), ('squad', {PREDICTION!r})):\n"
        "    metric = load_metric(name)\n"
        "    print(metric.compute(predictions=[row], references=[reference]))\n"
        "    metric.add(prediction=row, reference=reference)\n"
        "    print(metric.compute())\n"
        "    metric.add_batch(predictions=[row], references=[reference])\n"
        "    print(metric.compute())\n"
        "    print(evaluate.combine([load_metric(name)]).compute(predictions=[row], references=[reference]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [str(FIGURES_V2)] * 4 + [str(FIGURES)] * 4, done.stderr
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_trainer_reports_its_figures(tmp_path):
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    model = transformers.BertForQuestionAnswering(transformers.BertConfig(vocab_size=20, **sizes))
    rows = [
        {"input_ids": [i, 3, 5, 7], "attention_mask": [1] * 4, "start_positions": i, "end_positions": i}
        for i in range(4)
    ]
    references = [{"id": str(i), "answers": {"text": [f"w{i}"], "answer_start": [0]}} for i in range(4)]
    metric, seen = load_metric("squad_v2"), []

    def compute_metrics(evaluated):
        starts = evaluated.predictions[0].argmax(axis=-1)
        predictions = [
            {"id": str(i), "prediction_text": f"w{start}", "no_answer_probability": 0.0}
            for i, start in enumerate(starts)
        ]
        seen.append(100.0 * sum(int(start) == i for i, start in enumerate(starts)) / len(starts))
        return metric.compute(predictions=predictions, references=references)

    trainer = transformers.Trainer(
        model,
        transformers.TrainingArguments(str(tmp_path), report_to=[], use_cpu=True, disable_tqdm=True),
        eval_dataset=rows,
        compute_metrics=compute_metrics,
    )
    figures = trainer.evaluate()
    assert figures["eval_exact"] == figures["eval_HasAns_f1"] == seen[0]
    assert figures["eval_total"] == 4


def test_loading_the_module_does_not_load_evaluate():
    code = "import sys, harness.squad_metric; print([m for m in ('evaluate', 'datasets', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_nothing_else_imports_evaluate():
    package = Path(harness.__file__).parent
    importing = re.compile(r"""\b(?:import|from)\s+evaluate\b|import_module\(\s*["']evaluate\b""")
    found = [file.name for file in package.rglob("*.py") if importing.search(file.read_text("utf-8"))]
    assert found == ["squad_metric.py"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            plain_squad.rough_texts,
            st.lists(plain_squad.rough_texts, max_size=3),
            st.sampled_from([0.0, 0.25, 0.5, 1.0]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_rows_score_as_by_the_rules_written_plainly(rows):
    texts, golds, odds = zip(*rows, strict=True)
    predictions, references = rows_v2(texts, golds, odds)
    by_id = [{str(i): value for i, value in enumerate(column)} for column in (golds, texts, odds)]
    assert score_squad_v2(predictions, references, 0.5) == plain_squad.figures_2_0(*by_id, 0.5)
    answered = [i for i, gold in enumerate(golds) if gold]
    if answered:
        predictions, references = [predictions[i] for i in answered], [references[i] for i in answered]
        exact = [plain_squad.exact_1_1(golds[i], texts[i]) for i in answered]
        f1 = [plain_squad.f1_1_1(golds[i], texts[i]) for i in answered]
        expected = {"exact_match": 100.0 * sum(exact) / len(exact), "f1": 100.0 * sum(f1) / len(f1)}
        assert score_squad(predictions, references) == expected


def test_published_predictions(shared):
    folder = shared / "data"
    questions = read_squad_file(folder / "squad" / "dev-v1.1.json")
    answers = read_predictions(folder / "predictions" / "squad1-dev-bert.json")
    figures = load_metric("squad").compute(
        predictions=[{"id": q.id, "prediction_text": answers[q.id]} for q in questions],
        references=[
            {
                "id": q.id,
                "answers": {"text": [a.text for a in q.answers], "answer_start": [a.start for a in q.answers]},
            }
            for q in questions
        ],
    )
    assert figures == pytest.approx({"exact_match": 86.20624408703878, "f1": 92.19557978351129}, abs=1e-9)


def test_a_question_that_two_batches_hold_counts_as_the_originals_count_it():
    predictions, references = MIXED
    twice = score_squad_v2([*predictions, predictions[0]], [*references, references[0]])
    assert twice == score_squad_v2(predictions, references)
    row = {"id": "a", "answers": {"text": ["x"], "answer_start": [0]}}
    other = {"id": "b", "answers": {"text": ["x"], "answer_start": [0]}}
    given_twice = [{"id": "a", "prediction_text": "x"}, {"id": "b", "prediction_text": "y"}]
    assert score_squad([given_twice[0], *given_twice], [row, row, other])["exact_match"] == pytest.approx(200 / 3)


def test_ids_that_do_not_fit():
    predictions, references = MIXED
    with pytest.raises(PredictionsError, match="1 of 4 questions have no prediction: '3'"):
        load_metric("squad_v2").compute(predictions=[*predictions[:3], predictions[0]], references=references)
    with pytest.warns(UserWarning, match="1 of 1 questions have no prediction"):
        figures = load_metric("squad").compute(predictions=[PREDICTION | {"id": "other"}], references=[REFERENCE])
    assert figures == {"exact_match": 0.0, "f1": 0.0}
    with pytest.raises(DataError, match="no answer"):
        score_squad([PREDICTION], [REFERENCE | {"answers": {"text": [], "answer_start": []}}])


@pytest.mark.parametrize("name", ["squad_v2", "squad"])
def test_a_prediction_that_is_no_text_is_refused(name):
    predictions, references = MIXED
    rows = [{key: row[key] for key in load_metric(name).features["predictions"]} for row in predictions]
    rows[3]["prediction_text"] = None
    answered = [row | {"answers": {"text": ["x"], "answer_start": [0]}} for row in references]
    with pytest.raises(PredictionsError, match="is None, expected text"):
        load_metric(name).compute(predictions=rows, references=answered)


def test_a_probability_that_is_no_number_is_refused():
    predictions, references = MIXED
    rows = [row | {"no_answer_probability": float("nan")} for row in predictions]
    with pytest.raises(PredictionsError, match="are NaN"):
        load_metric("squad_v2").compute(predictions=rows, references=references)


def test_other_names_are_refused():
    with pytest.raises(ValueError, match="expected one of squad_v2, squad"):
        load_metric("rouge")


def test_figures_are_plain_numbers_as_a_log_takes_them():
    figures = load_metric("squad_v2").compute(predictions=MIXED[0], references=MIXED[1])
    assert json.loads(json.dumps(figures)) == figures
