"""What a recipe will cost: shapes by name, sizes of data, and how measurements are scaled."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main
from harness.cli.measure_table import print_cost, shown_bytes, shown_seconds
from harness.errors import DataError, ModelError, RecipeError
from harness.evidence import open_card
from harness.measurements import Machine, Measured, Memory, Plan, data_size, plan_measurements, recipe_cost
from harness.measurements.costs import fitting_windows, training_seconds
from harness.measurements.data import count_windows
from harness.names.architectures import find_architecture
from harness.records import DataRef, Decoding, Recipe, Stage

CARDS = Path(__file__).resolve().parents[1] / "cards"
TINY = CARDS / "deepset__tinyroberta-squad2"
GB = 10**9


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("roberta-base", "roberta-base"),
        ("FacebookAI/roberta-base", "roberta-base"),
        ("deepset/roberta-large-squad2", "roberta-large"),
        ("deepset/xlm-roberta-large-squad2", "xlm-roberta-large"),
        ("nyu-mll/roberta-base-1B-1", "roberta-base"),
        ("nyu-mll/roberta-med-small-1M-2", "roberta-med-small"),
        ("google-bert/bert-base-uncased", "bert-base-uncased"),
        ("deepset/bert-large-uncased-whole-word-masking-squad2", "bert-large-uncased"),
        ("distilbert/distilbert-base-cased-distilled-squad", "distilbert-base-cased"),
        ("distilbert/distilroberta-base", "distilroberta-base"),
        ("deepset/minilm-uncased-squad2", "MiniLM-L12-H384-uncased"),
        ("sentence-transformers/all-MiniLM-L6-v2", "MiniLM-L6-H384-uncased"),
        ("microsoft/mdeberta-v3-base", "mdeberta-v3-base"),
        ("deepset/deberta-v3-large-squad2", "deberta-v3-large"),
        ("deepset/electra-base-squad2", "electra-base"),
        ("someone/my-own-encoder", None),
        ("someone/longroberta-base", None),
        ("pocket/roberta-0x64", None),
    ],
)
def test_a_name_says_the_shape(name: str, found: str | None) -> None:
    architecture = find_architecture(name)
    assert (architecture.name if architecture else None) == found


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("deepset/tinyroberta-6l-768d", ("roberta", 6, 768, 12)),
        ("deepset/tinyroberta-squad2", ("roberta", 6, 768, 12)),
        ("deepset/tinyroberta-squad2-step1", ("roberta", 6, 768, 12)),
        ("Shobhank-iiitdwd/Distiled-roberta-squad2", ("roberta", 6, 768, 12)),
        ("deepset/tinybert-6l-768d-squad2", ("bert", 6, 768, 12)),
        ("google/bert_uncased_L-8_H-512_A-8", ("bert", 8, 512, 8)),
        ("pocket/roberta-2x64", ("roberta", 2, 64, 2)),
    ],
)
def test_names_with_a_size(name: str, shape: tuple[str, int, int, int]) -> None:
    found = find_architecture(name)
    assert found is not None
    assert (found.type, found.layers, found.width, found.heads) == shape


def test_known_windows_of_squad() -> None:
    stage = open_card(CARDS / "deepset__roberta-base-squad2-distilled").recipe.stages[0]
    size = data_size(stage.data, stage, {})
    assert size.questions == 130_319
    assert size.windows == pytest.approx(132_500, rel=0.005)
    assert 150 < size.tokens < 190
    assert size.paragraphs == 19_035
    sliced = data_size([replace(stage.data[0], split="train[:10%]")], stage, {})
    assert (sliced.questions, sliced.paragraphs) == (13_032, 1_904)


def test_windows_of_a_question() -> None:
    cut = Decoding(max_seq_len=100, doc_stride=40, doc_stride_is="step", max_query_length=6)
    assert count_windows(((1.0, 90.0),), 6, cut) == (1, 100)
    assert count_windows(((1.0, 91.0),), 6, cut) == (2, pytest.approx((91 + 50 + 20) / 2))
    assert count_windows(((1.0, 130.0),), 20, cut)[0] == 2
    assert count_windows(((1.0, 130.0),), 6, replace(cut, doc_stride_is="overlap"))[0] == 2
    assert count_windows(((1.0, 141.0),), 6, replace(cut, doc_stride_is="overlap"))[0] == 3


def test_data_of_unknown_size_and_at_hand(tmp_path: Path) -> None:
    unknown = DataRef("the_pile", "train")
    assert data_size([unknown], Decoding(), {}).windows is None
    assert "--use the_pile=PATH" in data_size([unknown, DataRef("squad", "train")], Decoding(), {}).how
    text = tmp_path / "lines.txt"
    text.write_text("one two three four\n" * 30 + "five, six\n" * 10, "utf-8")
    size = data_size([unknown], Decoding(), {"the_pile": text})
    assert (size.questions, size.windows, size.paragraphs) == (40, 40, 2)
    pocket = data_size([DataRef("pocket", "train")], Decoding(), {})
    both = data_size([DataRef("pocket", "train"), DataRef("squad", "train")], Decoding(), {})
    assert (pocket.questions, pocket.windows) == (24_000, 24_000)
    assert pocket.paragraphs == pytest.approx(12_000, rel=0.01)
    assert both.questions == 24_000 + 87_599
    assert pocket.tokens < both.tokens
    with pytest.raises(DataError):
        data_size([unknown], Decoding(), {"the_pile": tmp_path / "nothing.txt"})


def measured(per_window: int = GB // 2, **changes: object) -> Measured:
    fields: dict[str, object] = {
        "seconds": 2.0,
        "parameters": 1000,
        "memory": Memory(3 * GB, 2, per_window),
        "trained": 900,
        "update_seconds": 1.0,
        "at_once": 21,
        "tokenizing_seconds": 0.001,
    }
    return Measured(**(fields | changes))  # type: ignore[arg-type]


def test_memory_grows_with_the_windows() -> None:
    memory = measured().memory
    assert memory.at(4) == 4 * GB
    assert fitting_windows(memory, 10 * GB, 96) == 16
    assert fitting_windows(memory, 10 * GB, 8) == 8
    assert fitting_windows(memory, 5 * GB // 2, 8) == 1
    assert fitting_windows(memory, 2 * GB, 8) is None
    assert fitting_windows(measured(0).memory, 4 * GB, 96) == 96


def recipe_of(card: str) -> Recipe:
    return open_card(CARDS / card).recipe


def results_of(plan: Plan, **changes: object) -> dict[object, object]:
    return {(part.name, part.what): changes.get(part.what, measured()) for part in plan.parts}


def test_a_whole_recipe() -> None:
    plan = plan_measurements(recipe_of(TINY.name), {})
    assert [(part.what, part.name) for part in plan.parts] == [
        ("training", "general"),
        ("masking", "task"),
        ("training", "task"),
        ("teacher", "prediction"),
        ("training", "prediction"),
        ("prediction", "evaluation"),
    ]
    assert all(part.model.layers == 6 for part in plan.parts if part.what in ("training", "prediction"))
    cost = recipe_cost(plan, results_of(plan), Machine("cpu", 20 * GB, 2))  # type: ignore[arg-type]
    general, task, prediction = cost.stages
    assert general.per_thousand
    assert general.training_seconds == pytest.approx(4 * (2000 + 1000 / 96))
    windows = prediction.windows
    assert task.windows == 20 * windows
    assert task.augmenting_seconds == pytest.approx(19_035 * 0.92 * 150 * 0.94 * 2)
    assert prediction.teacher_seconds == 2 * windows
    assert prediction.steps == 4 * -(-windows // 96)
    assert prediction.teacher_memory == 3 * GB + 19 * GB // 2 + 4000
    assert prediction.micro_batch == 32
    assert prediction.disk is not None
    assert prediction.disk.logits == windows * 384 * 8
    assert prediction.disk.checkpoints == 2 * (4000 + 7200)
    assert (general.disk.logits if general.disk else 1) == 0
    assert cost.total.without == ("general: size of its data unknown",)
    assert cost.total.seconds == pytest.approx((task.seconds or 0) + (prediction.seconds or 0) + 2 * 12_289)


def test_epochs_and_batches_scale_the_training() -> None:
    stage: Stage = replace(recipe_of(TINY.name).stages[2], epochs=3, batch_size=10)
    assert training_seconds(measured(), stage, 1000) == pytest.approx(3 * (1000 * 2 + 100))


def test_what_cannot_be_measured_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recipe = recipe_of(TINY.name)
    first = replace(recipe.stages[0], student=replace(recipe.stages[0].student, name="someone/encoder"))  # type: ignore[type-var]
    changed = replace(recipe, stages=(first, *recipe.stages[1:]))
    plan = plan_measurements(changed, {})
    assert [part.what for part in plan.parts] == ["masking"]
    cost = recipe_cost(plan, results_of(plan), Machine("cpu", 20 * GB, 2))  # type: ignore[arg-type]
    print_cost(cost)
    shown, said = capsys.readouterr()
    assert "general: not measured: the student someone/encoder is a model of unknown shape" in said
    assert "--use someone/encoder=PATH" in said
    assert re.search(r"task: not measured: the student general is", said)
    assert "total time without general: not measured; task: not measured" in shown
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "roberta", "auto_map": {}}), "utf-8")
    given = plan_measurements(changed, {"someone/encoder": tmp_path})
    assert given.parts[0].model.config == {"model_type": "roberta"}
    (tmp_path / "config.json").write_text("[]", "utf-8")
    with pytest.raises(ModelError, match=r"config\.json"):
        plan_measurements(changed, {"someone/encoder": tmp_path})
    with pytest.raises(RecipeError, match="does not use"):
        plan_measurements(changed, {"someone/encoders": tmp_path})


def test_failed_measurements_stand_in_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    plan = plan_measurements(recipe_of("deepset__roberta-base-squad2-distilled"), {})
    results = results_of(plan, training="not measured: it broke", teacher=measured(memory=Memory(GB, 2, 0)))
    cost = recipe_cost(plan, results, Machine("cpu", 20 * GB, 2))  # type: ignore[arg-type]
    print_cost(cost)
    shown, said = capsys.readouterr()
    assert "main: training: not measured: it broke" in said
    assert cost.stages[0].seconds is None
    assert "132,9" in shown
    fits_not = recipe_cost(plan, results_of(plan), Machine("cpu", GB, 2))  # type: ignore[arg-type]
    print_cost(fits_not)
    assert "main: no micro-batch fits into 1 GB of memory" in capsys.readouterr().err


def test_numbers_as_shown() -> None:
    assert [shown_bytes(n) for n in (None, 0, 999, 1500, 99_960, 999_600, 4_321_000_000)] == [
        *("-", "0 B", "999 B", "1.5 kB", "100 kB", "1 MB", "4.32 GB")
    ]
    assert [shown_seconds(n) for n in (None, 0.123, 59.0, 90, 5400, 100_000, 200_000, 99 * 86_400.0)] == [
        *("-", "0.12 s", "59 s", "1.5 min", "1.5 h", "28 h", "2.3 days", "99 days")
    ]


def test_options_that_do_not_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(TINY), "--draft", "--measure"]) == 2
    assert main(["plan", str(TINY), "--use", f"roberta-base={TINY}"]) == 2
    assert "--use goes with --measure" in capsys.readouterr().err
