"""Model references to local folders: given by the user, or fetched from the Hub; the checksum of their weights."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from harness.errors import ModelError
from harness.records import ModelRef

EMBEDDED_PREFIX = "pocket/"
"""Names of embedded, untrained models begin so."""

_HUB_ID = re.compile(r"[\w.-]+(?:/[\w.-]+)?(?:@[\w./-]+)?", re.ASCII)
FETCHED_PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.model")
"""The files of a repository that say what a model is."""
RESULTS_FILE = "harness-results.json"
"""What `harness publish` puts beside them, which says nothing of that."""
_FETCHED = list(FETCHED_PATTERNS)
_PICKLED = "pytorch_model*.bin"
_SAFE = ("model.safetensors", "model.safetensors.index.json")
_VOCABULARIES = (
    *("tokenizer.json", "vocab.txt", "vocab.json"),
    *("spiece.model", "spm.model", "sentencepiece.model", "sentencepiece.bpe.model"),
)


def locate_model(ref: ModelRef, uses: Mapping[str, Path], allow_pickle: bool = False, weights: bool = True) -> Path:
    """The local folder of a model, checked by `check_model_folder`.

    Args:
        ref: A name in `uses`, or a Hub id. Weights are fetched as safetensors.
        uses: Folders given in place of models.
        allow_pickle: Make do with pickled weights where there are no safetensors.
        weights: Whether it is to have weights; else its configuration and tokenizer will do.

    Raises:
        ModelError: the model is not at hand, or its folder lacks weights, configuration or tokenizer.
    """
    folder = uses.get(ref.name)
    if folder is None:
        folder = _from_hub(ref, _FETCHED if weights else [p for p in _FETCHED if p != "*.safetensors"])
        if weights and allow_pickle and not any(folder.glob("*.safetensors")):
            folder = _from_hub(ref, [*_FETCHED, _PICKLED])
    check_model_folder(folder, allow_pickle, weights)
    return folder


def open_model(text: str, uses: Mapping[str, Path], allow_pickle: bool = False) -> tuple[ModelRef, Path]:
    """The model that a command names: a folder that is there, else an id in `uses` or on the Hub, with ``@revision``.

    Raises:
        ModelError: there is no such folder and no such id, or the folder lacks weights, configuration or tokenizer.
    """
    folder = Path(text).expanduser()
    name, _, revision = text.partition("@")
    if name not in uses:
        if folder.is_dir():
            ref = ModelRef(folder.resolve().name)
            return ref, locate_model(ref, {ref.name: folder}, allow_pickle)
        if folder.exists() or not _HUB_ID.fullmatch(text) or text.startswith("."):
            raise ModelError(f"{text}: found no such folder, expected a model folder or an id on the Hub", model=text)
    ref = ModelRef(name, revision or None)
    try:
        return ref, locate_model(ref, uses, allow_pickle)
    except ModelError as error:
        if error.__cause__ is None:
            raise
        raise ModelError(
            f"{text}: found no such folder here, and the Hub does not give it ({type(error.__cause__).__name__}); "
            "give the path of a model folder, or go online",
            model=text,
        ) from error.__cause__


def check_model_folder(folder: Path, allow_pickle: bool = False, weights: bool = True) -> None:
    """Raise `ModelError` unless the folder has a configuration, weights and a tokenizer.

    Weights are safetensors, or with `allow_pickle` else ``pytorch_model.bin``; without `weights` none are needed.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: is not a folder, expected a model folder (config.json, *.safetensors, tokenizer)")
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: has no config.json, expected a model folder as save_pretrained writes it")
    pickled = ", ".join(sorted(path.name for path in folder.glob(_PICKLED)))
    if weights and not any(folder.glob("*.safetensors")) and not (pickled and allow_pickle):
        raise ModelError(
            f"{folder}: expected weights as *.safetensors, found {f'only {pickled}' if pickled else 'none'}. "
            f"Save the model with save_pretrained{', or read its tensors with --allow-pickle' if pickled else ''}"
        )
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        raise ModelError(
            f"{folder}: has no tokenizer, expected tokenizer.json. Save the tokenizer into the same folder"
        )


def weights_sha256(folder: Path) -> str:
    """SHA-256 over the contents of the folder's weights in name order, be they safetensors or pickled."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.safetensors"), *_pickled(folder)]):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def folder_sha256(folder: Path) -> str:
    """SHA-256 over names and contents of all files that say what a model does: weights, configuration, tokenizer."""
    digest = hashlib.sha256()
    found = {p for pattern in _FETCHED for p in folder.glob(pattern) if p.is_file() and p.name != RESULTS_FILE}
    for path in sorted([*found, *_pickled(folder)]):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{content} {path.name}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _pickled(folder: Path) -> list[Path]:
    """Pickled weights, unless safetensors are read in their place; a download may have left both."""
    if any((folder / name).is_file() for name in _SAFE):
        return []
    return [path for path in folder.glob(_PICKLED) if path.is_file()]


def _from_hub(ref: ModelRef, patterns: list[str]) -> Path:
    import huggingface_hub

    try:
        folder = huggingface_hub.snapshot_download(ref.name, revision=ref.revision, allow_patterns=patterns)
    except (OSError, ValueError) as error:  # HTTP errors are OSErrors; ValueError is a malformed id
        raise ModelError(
            f"model {ref}: cannot be had from the Hub ({type(error).__name__}). "
            f"Give a local folder with --use {ref.name}=PATH, or go online",
            model=str(ref),
        ) from error
    return Path(folder)
