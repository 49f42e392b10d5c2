"""Which folders are models, what is fetched, and what their checksums cover."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import ModelError
from harness.models import check_model_folder, folder_sha256, locate_model, weights_sha256
from harness.records import ModelRef

SAFE = {"config.json": "{}", "tokenizer.json": "{}", "model.safetensors": "weights"}
PICKLED = {"config.json": "{}", "vocab.txt": "a", "pytorch_model.bin": "weights"}


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder


@pytest.mark.parametrize(
    "name", ["tokenizer.json", "vocab.txt", "spiece.model", "spm.model", "sentencepiece.bpe.model"]
)
def test_each_kind_of_tokenizer_will_do(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "model", {"config.json": "{}", "model.safetensors": "", name: ""})
    check_model_folder(folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match="has no tokenizer"):
        check_model_folder(folder)


@pytest.mark.parametrize("missing", SAFE)
def test_every_file_is_asked_for(tmp_path: Path, missing: str) -> None:
    folder = write(tmp_path / "model", {name: text for name, text in SAFE.items() if name != missing})
    for allow_pickle in (False, True):
        with pytest.raises(ModelError, match=f"{folder}: .*expected"):
            check_model_folder(folder, allow_pickle)


@pytest.mark.parametrize("names", [["pytorch_model.bin"], ["pytorch_model-00001-of-00002.bin"]])
def test_pickled_weights_are_accepted_on_demand(tmp_path: Path, names: list[str]) -> None:
    files = {"config.json": "{}", "vocab.txt": "a"} | dict.fromkeys(names, "weights")
    folder = write(tmp_path / "model", files)
    with pytest.raises(ModelError, match=f"found only {names[0]}. .*read its tensors with --allow-pickle"):
        check_model_folder(folder)
    check_model_folder(folder, allow_pickle=True)


def test_other_pickles_are_no_weights(tmp_path: Path) -> None:
    folder = write(tmp_path / "model", {"config.json": "{}", "vocab.txt": "a", "training_args.bin": "x"})
    with pytest.raises(ModelError, match=r"found none\. Save the model with save_pretrained$"):
        check_model_folder(folder, allow_pickle=True)


def test_checksums_of_safetensors_are_what_they_were(tmp_path: Path) -> None:
    folder = write(tmp_path / "model", SAFE)
    weights, everything = (
        "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c",
        "79c57212c1e44f2901ae3bcbda695517119009b19f94d07afe6977e17d5fbc86",
    )
    assert (weights_sha256(folder), folder_sha256(folder)) == (weights, everything)
    write(folder, {"training_args.bin": "x", "notes.md": "x"})
    assert (weights_sha256(folder), folder_sha256(folder)) == (weights, everything)


def test_pickled_weights_that_a_download_left_beside_safetensors_are_not_covered(tmp_path: Path) -> None:
    folder = write(tmp_path / "model", SAFE)
    before = weights_sha256(folder), folder_sha256(folder)
    write(folder, {"pytorch_model.bin": "never read"})
    assert (weights_sha256(folder), folder_sha256(folder)) == before


@pytest.mark.parametrize("beside", [{}, {"adapter.safetensors": "x"}])
def test_checksums_cover_pickled_weights_that_are_read(tmp_path: Path, beside: dict[str, str]) -> None:
    folder = write(tmp_path / "model", PICKLED | beside)
    before = weights_sha256(folder), folder_sha256(folder)
    write(folder, {"pytorch_model.bin": "others"})
    after = weights_sha256(folder), folder_sha256(folder)
    assert before[0] != after[0]
    assert before[1] != after[1]
    write(folder, {"pytorch_model-00002-of-00002.bin": "more"})
    assert weights_sha256(folder) != after[0]


@pytest.mark.parametrize(
    ("repository", "allow_pickle", "fetched"),
    [(SAFE, False, SAFE), (SAFE | PICKLED, True, SAFE), (PICKLED, True, PICKLED), (PICKLED, False, None)],
    ids=["safe", "both", "pickled", "pickled, not allowed"],
)
def test_pickled_weights_are_fetched_on_demand_only(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    repository: dict[str, str],
    allow_pickle: bool,
    fetched: dict[str, str] | None,
) -> None:
    def fetch(name: str, *, revision: str | None, allow_patterns: Sequence[str]) -> str:
        there = {name: text for name, text in repository.items() if any(Path(name).match(p) for p in allow_patterns)}
        return str(write(tmp_path / "model", there))

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    if fetched is None:
        with pytest.raises(ModelError, match="found none"):
            locate_model(ModelRef("someone/model"), {}, allow_pickle)
    else:
        folder = locate_model(ModelRef("someone/model"), {}, allow_pickle)
        pickled = "pytorch_model.bin" in fetched
        assert (folder / "pytorch_model.bin").exists() == pickled
    assert allow_pickle or not list(tmp_path.glob("model/*.bin"))


def test_given_folders_are_checked_alike(tmp_path: Path) -> None:
    folder = write(tmp_path / "model", PICKLED)
    with pytest.raises(ModelError, match="--allow-pickle"):
        locate_model(ModelRef("m"), {"m": folder})
    assert locate_model(ModelRef("m"), {"m": folder}, allow_pickle=True) == folder
