"""``assumptions.yaml``: read strictly, each error with its line."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assumptions import (
    AcceptedDeviation,
    AcceptedFinding,
    AssumedSetting,
    AssumedStage,
    AssumedTolerance,
    Assumptions,
    Reading,
    find_assumptions,
    read_assumptions,
)
from harness.errors import RecipeError

WHOLE = """\
schema: 1
settings:
  epochs: {value: 3, reason: the authors said so}
  teacher:
    value: example/owl-large
    reason: the name on the card is misspelt
    stage: student
findings:
- {code: contradiction, reason: two evaluators, expires: 2031-01-31}
- {code: recipe-default, reason: fine}
tolerances:
- {metric: EM, points: 0.5, reason: printed with one digit}
- {metric: f1, dataset: SQuAD 2.0, points: 1, reason: other hardware}
- {metric: HasAns_exact, points: 2, reason: half the questions}
deviations:
- claim: exact_match[all]@front_matter
  reason: measured with another evaluator
  expires: "2031-06-30"
"""


def read(tmp_path: Path, text: str | bytes) -> Assumptions:
    file = tmp_path / "assumptions.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_assumptions(file)


def test_whole_file(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)
    assert found == Assumptions(
        str(tmp_path / "assumptions.yaml"),
        (
            AssumedSetting("epochs", 3, "the authors said so", None, 3),
            AssumedSetting("teacher", "example/owl-large", "the name on the card is misspelt", "student", 5),
        ),
        (
            AcceptedFinding("contradiction", "two evaluators", datetime.date(2031, 1, 31), 9),
            AcceptedFinding("recipe-default", "fine", None, 10),
        ),
        (
            AssumedTolerance("exact_match", 0.5, "printed with one digit", None, None, 12),
            AssumedTolerance("f1", 1.0, "other hardware", "squad_v2", None, 13),
            AssumedTolerance("exact_match", 2.0, "half the questions", None, "has_ans", 14),
        ),
        (
            AcceptedDeviation(
                "exact_match[all]@front_matter", "measured with another evaluator", datetime.date(2031, 6, 30), 16
            ),
        ),
    )


STAGES = """\
schema: 1
stages:
- name: general
  reason: the prose names it
  settings:
    student_layers: {value: [2, 4], reason: a guess}
- {name: last, reason: its teacher, block: true}
readings:
  old: {reason: its date, profile: run_squad-3.0}
  new:
    reason: its words
    settings:
      epochs: {value: 3, reason: so, stage: last}
default_reading: old
settings:
  seed: {value: 1, reason: usual}
"""


def test_stages_and_readings(tmp_path: Path) -> None:
    found = read(tmp_path, STAGES)
    assert found.stages == (
        AssumedStage("general", "the prose names it", False, 3),
        AssumedStage("last", "its teacher", True, 7),
    )
    assert found.settings == (
        AssumedSetting("seed", 1, "usual", None, 16),
        AssumedSetting("student_layers", (2, 4), "a guess", "general", 6),
    )
    assert found.readings == (
        Reading("old", "its date", "run_squad-3.0", (), 9),
        Reading("new", "its words", None, (AssumedSetting("epochs", 3, "so", "last", 13),), 11),
    )
    assert found.default_reading == "old"


def test_byte_order_mark_and_empty_lists(tmp_path: Path) -> None:
    found = read(tmp_path, "\ufeffschema: 1\nsettings:\nfindings: []\n")
    assert (found.settings, found.findings, found.tolerances, found.deviations) == ((), (), (), ())


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "found nothing"),
        ("- 1\n", 1, "found no mapping"),
        ("settings: {}\n", 1, "found no 'schema'"),
        ("schema: 2\n", 1, "found '2', expected 1"),
        ("schema: true\n", 1, "found 'true', expected 1"),
        ("schema: 1\nsetings: {}\n", 2, "unknown key 'setings'"),
        ("schema: 1\nschema: 1\n", 2, "'schema' twice"),
        ("schema: 1\nsettings: []\n", 2, "found no mapping"),
        ("schema: 1\nsettings:\n  seed: 3\n", 3, "settings.seed: found no mapping"),
        ("schema: 1\nsettings:\n  seed: {value: 3}\n", 3, "found no 'reason'"),
        ("schema: 1\nsettings:\n  seed: {value: 3, reason: '  '}\n", 3, "reason: found nothing"),
        ("schema: 1\nsettings:\n  seed: {value: 3, reason: null}\n", 3, "reason: found nothing"),
        ("schema: 1\nsettings:\n  seed: {value: [3, x], reason: x}\n", 3, "found no plain value"),
        ("schema: 1\nsettings:\n  seed: {value: [], reason: x}\n", 3, "or a list of whole numbers"),
        ("schema: 1\nsettings:\n  seed: {value: {a: 1}, reason: x}\n", 3, "found no plain value"),
        ("schema: 1\nsettings:\n  seed: {value: , reason: x}\n", 3, "found no plain value"),
        ("schema: 1\nstages: {a: b}\n", 2, "stages: found no list"),
        ("schema: 1\nstages:\n- {name: a}\n", 3, "stages: found no 'reason'"),
        ("schema: 1\nstages:\n- {name: a, reason: ''}\n", 3, "stages.reason: found nothing"),
        ("schema: 1\nstages:\n- {name: a, reason: x, block: yes}\n", 3, "stages.block: found no true or false"),
        ("schema: 1\nstages:\n- {name: a, reason: x}\n- {name: a, reason: x}\n", 4, "the name 'a' twice"),
        ("schema: 1\nstages:\n- {name: a, reason: x, epochs: 3}\n", 3, "unknown key 'epochs'"),
        (
            "schema: 1\nstages:\n- {name: a, reason: x, settings: {seed: {value: 1, reason: y, stage: a}}}\n",
            3,
            "stages.a.seed: found the unknown key 'stage'",
        ),
        ("schema: 1\nreadings: [a]\n", 2, "readings: found no mapping"),
        ("schema: 1\nreadings:\n  a: {profile: run_qa}\n", 3, "readings.a: found no 'reason'"),
        ("schema: 1\nreadings:\n  a: {reason: x, seed: 3}\n", 3, "unknown key 'seed'"),
        ("schema: 1\nreadings:\n  a: {reason: x, settings: {seed: 3}}\n", 3, "readings.a.settings.seed: found no"),
        ("schema: 1\nreadings:\n  a: {reason: x}\ndefault_reading: b\n", 4, "found 'b', expected one of a"),
        ("schema: 1\ndefault_reading: b\n", 2, "expected none, as there are no readings"),
        ("schema: 1\nsettings:\n  seed: {value: 3, reason: x, why: y}\n", 3, "unknown key 'why'"),
        ("schema: 1\nfindings: {code: x}\n", 2, "found no list"),
        ("schema: 1\nfindings:\n- {code: x, reason: y, expires: soon}\n", 3, "found no date"),
        ("schema: 1\ntolerances:\n- {metric: rouge, points: 1, reason: y}\n", 3, "found 'rouge'"),
        ("schema: 1\ntolerances:\n- {metric: f1, points: -1, reason: y}\n", 3, "found -1"),
        ("schema: 1\ntolerances:\n- {metric: f1, points: yes, reason: y}\n", 3, "found 'yes'"),
        ("schema: 1\ndeviations:\n- {claim: x, reason: y}\n", 3, "found no 'expires'"),
        ("schema: 1\nsettings: [\n", 3, "broken YAML"),
        ("schema: !!python/name:os.system 1\n", 1, "YAML tag"),
        (b"schema: \xff\n", None, "not UTF-8"),
    ],
)
def test_defect_is_one_line_with_its_place(tmp_path: Path, text: str | bytes, line: int | None, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert words in message
    assert "expected" in message
    assert "\n" not in message
    assert message.startswith(f"{tmp_path / 'assumptions.yaml'}:{line or ''}")


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="found no readable file"):
        read_assumptions(tmp_path / "assumptions.yaml")


def test_stands_beside_a_readme(tmp_path: Path) -> None:
    readme, other, file = tmp_path / "README.md", tmp_path / "card.md", tmp_path / "assumptions.yaml"
    assert find_assumptions(readme) is None
    file.write_text("schema: 1\n", encoding="utf-8")
    assert find_assumptions(readme) == file
    assert find_assumptions(tmp_path) == file
    assert find_assumptions(other) is None


@given(st.text(max_size=120))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    try:
        read(folder, "schema: 1\n" + text)
    except RecipeError as error:
        assert "\n" not in str(error)


def test_message_holds_nothing_that_a_terminal_acts_on(tmp_path: Path) -> None:
    path = tmp_path / "assumptions.yaml"
    path.write_text('schema: 1\nsettings: {"a\\e[31m\\u202e": 3}\n', encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_assumptions(path)
    assert str(caught.value).isprintable()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("kind", ["link", "pipe", "device", "folder"])
def test_assumptions_that_are_no_file_are_not_passed_over(tmp_path, kind):
    file = tmp_path / "assumptions.yaml"
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n", "utf-8")
    {
        "link": lambda: file.symlink_to(tmp_path / "nothing"),
        "pipe": lambda: os.mkfifo(file),
        "device": lambda: file.symlink_to("/dev/zero"),
        "folder": file.mkdir,
    }[kind]()
    with pytest.raises(RecipeError, match=r"assumptions\.yaml: found no regular file"):
        find_assumptions(tmp_path / "README.md")
