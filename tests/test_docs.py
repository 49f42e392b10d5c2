"""Documents say what is true: commands have help, examples parse, CI runs the README's words."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness.assumptions import read_assumptions
from harness.cards import parse_card
from harness.cli import main
from harness.recipes import plan_recipe

BARE = "---\nlicense: mit\n---\n\nA reader.\n"
ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])

sys.path.insert(0, str(ROOT / "docs"))
from make_commands import COMMANDS, page  # noqa: E402

sys.path.pop(0)


def fences(text: str, language: str):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def readme() -> str:
    return (ROOT / "README.md").read_text("utf-8")


def test_the_reference_is_what_help_prints():
    assert (ROOT / "docs" / "commands.md").read_text("utf-8") == page(), "run python docs/make_commands.py"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, capsys):
    assert main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"Example: harness {command}" in " ".join(out.split())
    assert "--json" in out


def test_the_reference_has_every_command(capsys):
    main(["--help"])
    listed = re.findall(r"^│ (\w+)  ", capsys.readouterr().out, re.MULTILINE)
    assert set(COMMANDS) == set(listed)


def test_ci_runs_the_test_command_of_the_readme():
    commands = [line for block in fences(readme(), "sh") for line in block.splitlines()]
    (test,) = [line for line in commands if line == "python -m pip install tox && tox"]
    assert "python -m pip install tox && tox -e reproduce" in commands
    assert (ROOT / ".ci" / "run").read_text("utf-8").splitlines()[-1] == test


def test_harness_commands_in_the_documents_parse(capsys):
    for path in DOCS:
        for block in fences(path.read_text("utf-8"), "sh"):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["harness"] and words[1:]:
                    assert main([words[1], "--help"]) == 0, f"{path.name}: {line}"
                    options = {word for word in words[2:] if word.startswith("--")}
                    out = capsys.readouterr().out
                    assert all(option in out for option in options), f"{path.name}: {line}"


def test_named_tox_environments_exist():
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini", "utf-8")
    for path in DOCS:
        for name in re.findall(r"tox -e ([\w-]+)", path.read_text("utf-8")):
            assert f"testenv:{name}" in tox, f"{path.name}: {name}"
    defaults = {name.strip() for name in tox["tox"]["env_list"].split(",")}
    assert defaults == {"lint", "types", "core", "engine"}


def test_links_between_documents_lead_somewhere():
    for path in DOCS:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_recipe_example_is_a_recipe():
    text = (ROOT / "docs" / "cards.md").read_text("utf-8")
    (example,) = re.findall(r"^````\n(.*?)^````$", text, re.MULTILINE | re.DOTALL)
    recipe = plan_recipe(parse_card("---\nlicense: mit\n---\n\n" + example))
    assert [stage.name for stage in recipe.stages] == ["teacher", "student"]
    assert recipe.gaps == ()


def test_assumption_examples_are_valid(tmp_path):
    for name in ("cards.md", "method.md"):
        for block in fences((ROOT / "docs" / name).read_text("utf-8"), "yaml"):
            assert yaml.safe_load(block)["schema"] == 1
            (tmp_path / "assumptions.yaml").write_text(block, "utf-8")
            found = read_assumptions(tmp_path / "assumptions.yaml")
            assert found.tolerances or found.stages or found.readings
            card = parse_card('---\nlicense: mit\n---\n\n```\nstage = "student"\n```\n' if found.tolerances else BARE)
            assert plan_recipe(card, found).stages


def test_the_record_page_names_every_field():
    from harness.records import Run

    text = (ROOT / "docs" / "records.md").read_text("utf-8")
    assert all(f"`{name}`" in text for name in Run.__slots__)


def test_the_module_is_a_command():
    done = subprocess.run([sys.executable, "-m", "harness", "--help"], capture_output=True, text=True, check=True)
    assert "reproduce" in done.stdout
