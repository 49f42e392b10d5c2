"""The whole path on real small models: card, two stages, predictions, scores, verdicts, report, card again."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from harness.cards import read_card
from harness.cli import main
from harness.data import load_data
from harness.records import DataRef
from harness.squad import score_predictions, summarize
from harness.store import load_run
from harness.verdict import same_digits

pytestmark = pytest.mark.torch

CARD = """---
license: apache-2.0
model-index:
- name: small
  results:
  - task: {type: question-answering}
    dataset: {type: pocket, name: pocket, split: "validation[:200]"}
    metrics:
    - {type: exact_match, value: 100.0}
---

# small

```
eval_data = "pocket:validation[:200]"
max_seq_len = 128
doc_stride = 32
learning_rate = 3e-3
epochs = 1
batch_size = 32
```

```
stage = "teacher"
base_model = "pocket/roberta-2x64"
train_data = "pocket:train[:300] + pocket:train[1000:1300]"
```

```
stage = "student"
kind = distil_logits
base_model = "pocket/roberta-1x64"
teacher = "teacher"
train_data = "pocket:train[:200]"
temperature = 2
distillation_loss_weight = 1.0
```
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The card reproduced twice, in two folders; exit codes and run folders."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "card.md").write_text(CARD, "utf-8")
    done = []
    for name in ("one", "two"):
        code = main(["reproduce", str(folder / "card.md"), "--runs", str(folder / name)])
        (run,) = (path.parent for path in (folder / name).glob("*/record.json"))
        done.append((code, run))
    return folder, done


def test_a_claim_that_is_not_met_differs(runs):
    _, ((code, folder), _) = runs
    run = load_run(folder)
    assert code == 1
    assert [c.state for c in run.comparisons] == ["differs"]
    assert run.scores["exact"] < 100
    assert "differs" in (folder / "report.md").read_text("utf-8")


def test_the_same_command_gives_the_same_bytes(runs):
    _, ((_, one), (_, two)) = runs
    for name in (
        "predictions.json",
        "null_odds.json",
        "nbest_predictions.json",
        "per_question.json",
        "eval.json",
        "stages/1-teacher/model/model.safetensors",
        "stages/2-student/model/model.safetensors",
        "stages/2-student/training.jsonl",
    ):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_the_scores_are_those_of_the_stored_predictions(runs):
    _, ((_, folder), _) = runs
    questions, used = load_data(DataRef("pocket", "validation[:200]"), {})
    answers = json.loads((folder / "predictions.json").read_text("utf-8"))
    run = load_run(folder)
    assert run.scores == summarize(score_predictions(questions, answers))
    assert run.evaluated == used


def test_stages_chain_by_their_weights(runs):
    _, ((_, folder), _) = runs
    teacher, student = load_run(folder).stages
    assert student.teacher_sha256 == teacher.weights_sha256
    assert (teacher.questions, student.questions) == (600, 200)
    assert not [p for p in folder.rglob("*") if p.suffix in (".bin", ".pt", ".pkl", ".pth")]


def test_the_measured_card_holds_when_it_is_reproduced(runs, capsys):
    parent, ((_, folder), _) = runs
    card = parent / "measured.md"
    assert main(["render", "--template", "card.md.j2", "--run", str(folder), "-o", str(card)]) == 0
    assert main(["render", "--check", str(card), "--run", str(folder)]) == 0
    claims = {(c.metric, c.subset): c for c in read_card(card).claims}
    run = load_run(folder)
    assert same_digits(run.scores["exact"], claims["exact_match", "all"])
    assert same_digits(run.scores["HasAns_f1"], claims["f1", "has_ans"])
    capsys.readouterr()
    assert main(["reproduce", str(card), "--runs", str(parent / "one"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert {c["verdict"] for c in result["run"]["comparisons"]} == {"matches"}


def test_another_seed_gives_another_model(runs):
    parent, ((_, folder), _) = runs
    assert main(["run", str(parent / "card.md"), "--seed", "7", "--runs", str(parent / "seeds")]) == 0
    (seeded,) = (path.parent for path in (parent / "seeds").glob("*/record.json"))
    assert load_run(seeded).stages[0].weights_sha256 != load_run(folder).stages[0].weights_sha256
    assert main(["compare", str(folder), str(seeded)]) == 0
