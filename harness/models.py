"""Model references to local folders: given by the user, or fetched from the Hub; the checksum of their weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from harness.errors import ModelError
from harness.records import ModelRef

EMBEDDED_PREFIX = "pocket/"
"""Names of embedded, untrained models begin so."""

_FETCHED = ["*.json", "*.safetensors", "*.txt", "*.model"]


def locate_model(ref: ModelRef, uses: Mapping[str, Path]) -> Path:
    """The local folder of a model, checked by `check_model_folder`.

    Args:
        ref: A name in `uses`, or a Hub id. Weights are fetched as safetensors only.
        uses: Folders given in place of models.

    Raises:
        ModelError: the model is not at hand, or its folder lacks weights, configuration or tokenizer.
    """
    folder = uses.get(ref.name)
    if folder is None:
        folder = _from_hub(ref)
    check_model_folder(folder)
    return folder


def check_model_folder(folder: Path) -> None:
    """Raise `ModelError` unless the folder has a configuration, safetensors weights and a tokenizer."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: is not a folder, expected a model folder (config.json, *.safetensors, tokenizer)")
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: has no config.json, expected a model folder as save_pretrained writes it")
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(p.name for p in folder.glob("*.bin"))
        found = f"only {', '.join(pickled)}" if pickled else "none"
        raise ModelError(
            f"{folder}: expected weights as *.safetensors, found {found}. "
            "Save the model with save_pretrained(..., safe_serialization=True); pickled weights are not loaded"
        )
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model")):
        raise ModelError(
            f"{folder}: has no tokenizer, expected tokenizer.json. Save the tokenizer into the same folder"
        )


def weights_sha256(folder: Path) -> str:
    """SHA-256 over the contents of the folder's safetensors files, in name order."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def folder_sha256(folder: Path) -> str:
    """SHA-256 over names and contents of all files that say what a model does: weights, configuration, tokenizer."""
    digest = hashlib.sha256()
    for path in sorted({p for pattern in _FETCHED for p in folder.glob(pattern) if p.is_file()}):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{content} {path.name}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _from_hub(ref: ModelRef) -> Path:
    import huggingface_hub

    try:
        folder = huggingface_hub.snapshot_download(ref.name, revision=ref.revision, allow_patterns=_FETCHED)
    except (OSError, ValueError) as error:  # HTTP errors are OSErrors; ValueError is a malformed id
        raise ModelError(
            f"model {ref}: cannot be had from the Hub ({type(error).__name__}). "
            f"Give a local folder with --use {ref.name}=PATH, or go online",
            model=str(ref),
        ) from error
    return Path(folder)
