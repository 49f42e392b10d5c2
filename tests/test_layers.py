"""Who may import whom, and what a cold start loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import harness

PACKAGE = Path(harness.__file__).parent
HEAVY = {"torch", "transformers", "tokenizers", "safetensors", "accelerate", "datasets", "evaluate", "huggingface_hub"}
DOORS = {"cli", "pytest_plugin", "__main__"}
NUMPY = {"spans", "intervals", "significance", "sequences", "resampling", "engine"}


def modules():
    return sorted(path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))


def imports(path: Path, *, top_only: bool):
    tree = ast.parse((PACKAGE / path).with_suffix(".py").read_text("utf-8"))
    nodes = tree.body if top_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", modules(), ids=str)
def test_heavy_packages_stay_behind_their_doors(path):
    lane = path.parts[0]
    roots = {name.split(".")[0] for name in imports(path, top_only=True)}
    if lane != "engine":
        assert not roots & HEAVY
        assert "jinja2" not in roots
    if lane not in NUMPY:
        assert "numpy" not in roots
    if lane not in DOORS:
        assert not roots & {"typer", "rich", "pytest"}
    everywhere = {name.split(".")[0] for name in imports(path, top_only=False)}
    assert not everywhere & {"pickle", "marshal", "shelve", "importlib.util"}


@pytest.mark.parametrize("path", modules(), ids=str)
def test_nobody_imports_the_doors_or_the_engine(path):
    lane = path.parts[0]
    ours = {name.split(".")[1] for name in imports(path, top_only=False) if name.startswith("harness.")}
    if lane not in DOORS:
        assert not ours & DOORS
    if lane not in {"engine", "cli"}:
        assert "engine" not in ours
    if lane in {"records", "errors", "distributions"}:
        assert ours <= {"records", "errors"}
    if lane in {"squad", "verdict", "audit", "spans", "intervals", "significance", "sequences"}:
        assert ours <= {"records", "errors", "names", "distributions", "resampling", lane}


@pytest.mark.parametrize(
    "statement",
    ["import harness", "import harness.pytest_plugin", "from harness.cli import main; main(['--help'])"],
)
def test_a_cold_start_loads_little(statement):
    wanted = sorted(HEAVY | {"numpy", "jinja2", "yaml"})
    code = f"import sys; {statement}; print('LOADED', [m for m in {wanted} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_reading_a_card_loads_no_numbers(tmp_path):
    card = Path(__file__).parent / "data" / "cards" / "trailing-zero.md"
    code = f"import sys; from harness.cli import main; main(['audit', {str(card)!r}]); " + (
        f"print('LOADED', [m for m in {sorted(HEAVY | {'numpy'})} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_exported_names_exist():
    for name in harness.__all__:
        assert callable(getattr(harness, name))
    assert set(harness.__all__) <= set(dir(harness))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = harness.nothing
