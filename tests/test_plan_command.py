"""The command plan: tables, readings, profiles, and a draft of the assumptions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.assumptions import read_assumptions
from harness.cli import main
from harness.errors import RecipeError

CARDS = Path(__file__).resolve().parents[1] / "cards"
TINY = CARDS / "deepset__tinyroberta-squad2"
MRM = CARDS / "mrm8488__roberta-base-1B-1-finetuned-squadv2"
BARE = "---\nlicense: mit\n---\n\n```\nn_epochs = 3\nlr_schedule = LinearWarmup\n```\n"


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["plan", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def cells(out: str) -> list[list[str]]:
    """Rows of the tables, cell by cell."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]


def test_tables_by_stage_and_part(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, TINY)
    assert (code, err) == (0, "")
    titles = [line.strip() for line in out.splitlines() if re.match(r"(?:stage|evaluation)", line)]
    kinds = ("general: distil_hidden", "task: distil_hidden", "prediction: distil_logits")
    assert titles == [*(f"stage {kind}" for kind in kinds), "evaluation"]
    fields = [row[0] for row in cells(out) if row[0]]
    groups = ["model:", "data:", "features:", "training:", "loss:"] * 3 + ["data:", "decoding:", "features:"]
    assert [field for field in fields if field.endswith(":")] == groups
    assert ["student_layers", "2, 4, 6, 8, 10, 12"] in [row[:2] for row in cells(out)]
    assert ["padding", "fixed", "default: farm-haystack 1.2, processor.py"] in cells(out)
    assert (fields.count("temperature"), fields.count("masked_lm"), fields.count("attention_target")) == (1, 1, 2)
    assert "space_words" not in fields


def test_reasons_stand_beneath_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("harness.cli.output._PLAIN_WIDTH", 80)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, out, _ = call(capsys, CARDS / "deepset__roberta-base-squad2-distilled")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out)
    table, _, below = plain.partition("  profile: the settings are written as")
    assert below
    assert "distillation_loss_weight" in table
    assert "deepset/roberta-large-squad2" in table
    assert all(len(line) <= 80 for line in table.splitlines())


def test_fields_without_effect_are_shown_where_somebody_gave_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "card.md").write_text(BARE.replace("n_epochs", "temperature = 2\nn_epochs"), "utf-8")
    _, out, err = call(capsys, tmp_path / "card.md")
    rows = {row[0]: row[1:] for row in cells(out)}
    assert rows["temperature"] == ["2", "stated, line 6: ignored: the kind finetune has no such loss"]
    assert "teacher" not in rows and "distillation_loss_weight" not in rows
    assert rows["student"] == ["missing", "-"]
    assert "missing: main.student" in err


def test_readings_and_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    taken = {}
    for arguments in ((), ("--reading", "c-fixed"), ("--profile", "run_qa")):
        _, out, _ = call(capsys, MRM, "--json", *arguments)
        recipe = json.loads(out)
        taken[arguments] = (recipe["reading"], recipe["stages"][0]["profile"], recipe["stages"][0]["lower_case"])
    assert list(taken.values()) == [
        ("c-era", "run_squad-3.0", True), ("c-fixed", "run_squad-3.4", True), ("c-era", "run_qa", False)]  # fmt: skip
    assert call(capsys, MRM)[2] == "reading: c-era\n"
    code, _, err = call(capsys, MRM, "--reading", "c-old")
    assert (code, err.count("\n")) == (2, 1)
    assert "found no reading 'c-old', expected one of c-era, c-fixed, c-modern" in err
    code, _, err = call(capsys, MRM, "--profile", "farm")
    assert code == 2
    assert "found 'farm', expected one of modern, farm-1.x" in err


def test_a_draft_is_refused_until_it_is_filled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card, draft = tmp_path / "README.md", tmp_path / "assumptions.yaml"
    card.write_text(BARE, "utf-8")
    code, out, _ = call(capsys, card, "--draft")
    assert code == 0
    assert "  # line 7: lr_schedule, a setting as FARM and haystack write it\n  profile:\n    value: farm-1.x" in out
    assert call(capsys, tmp_path, "--draft", "-o", draft)[0] == 0
    assert draft.read_text("utf-8") == out
    with pytest.raises(RecipeError, match="found nothing, expected a text"):
        read_assumptions(draft)
    words = iter(("o/student", "squad_v2:train", "squad_v2:validation"))
    text = re.sub(r"value:  #.*", lambda _: f'value: "{next(words)}"', out.replace('reason: ""', "reason: known"))
    draft.write_text(text, "utf-8")
    code, out, err = call(capsys, card, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["stages"][0]["profile"] == "farm-1.x"


def test_every_line_of_a_draft_can_be_taken_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, MRM, "--draft")
    lines = out.replace('reason: ""', "reason: known").splitlines()
    start = lines.index("  # Taken by default; uncomment what you know better:") + 1
    stages = next(i for i, line in enumerate(lines) if line.startswith("# Steps"))
    lines[start:stages] = [line.replace("  # ", "  ", 1) for line in lines[start:stages]]
    lines[stages + 1 :] = [line.removeprefix("# ") for line in lines[stages + 1 :]]
    file = tmp_path / "assumptions.yaml"
    file.write_text("\n".join(lines), "utf-8")
    found = read_assumptions(file)
    assert {"seed", "weight_decay", "n_best", "kind"} <= {setting.field for setting in found.settings}
    assert [stage.block for stage in found.stages] == [False, True]


def test_a_draft_of_a_card_that_leaves_nothing_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card, draft = tmp_path / "README.md", tmp_path / "assumptions.yaml"
    lines = 'base_model = "o/s"\ntrain_data = "squad:train"\neval_data = "squad:validation"\nseed = 1'
    card.write_text(f"---\nlicense: mit\n---\n\n```\n{lines}\n```\n", "utf-8")
    assert call(capsys, card, "--draft", "-o", draft)[0] == 0
    assert read_assumptions(draft).settings == ()


def test_a_draft_replaces_no_file_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "assumptions.yaml"
    file.write_text("mine", "utf-8")
    code, _, err = call(capsys, TINY, "--draft", "-o", file)
    assert (code, file.read_text("utf-8")) == (2, "mine")
    assert "found a file, expected none" in err
    assert call(capsys, TINY, "--draft", "-o", file, "--overwrite")[0] == 0
    assert file.read_text("utf-8").startswith("# Draft for deepset/tinyroberta-squad2.")


@pytest.mark.parametrize(
    "options", [("-o", "x.yaml"), ("--overwrite",), ("--draft", "--json"), ("--draft", "--seed", 1)]
)
def test_options_that_do_not_go_together(options: tuple[object, ...], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, TINY, *options)
    assert (code, out) == (2, "")
    assert "--draft" in err
