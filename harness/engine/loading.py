"""Model folders in, model folders out."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from harness.engine.architectures import adapt, find_obstacle
from harness.engine.restoring import restore_pipeline, restore_segments
from harness.errors import ModelError

WEIGHTS = (("model.safetensors",), ("model.safetensors.index.json",))
PICKLED = (("pytorch_model.bin",), ("pytorch_model.bin.index.json",))
VOCABULARIES = (
    ("tokenizer.json",),
    ("vocab.txt",),
    ("vocab.json", "merges.txt"),
    ("sentencepiece.bpe.model",),
    ("sentencepiece.model",),
    ("spiece.model",),
    ("spm.model",),
)
"""Files that a fast tokenizer is read or converted from; without any of them transformers makes an empty one."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' warnings, load reports and bars off stderr while the context lasts."""
    verbosity, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The folder's fast tokenizer, which does what its tokenizer.json says where it has one.

    Raises:
        ModelError: the folder has none, only a slow one, or one without CLS, SEP or padding token.
    """
    _require(folder, (("config.json",),), "a model's config.json")
    _require(folder, VOCABULARIES, "a fast tokenizer (tokenizer.json)")
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(
                str(folder), use_fast=True, trust_remote_code=False, local_files_only=True
            )
            if isinstance(tokenizer, PreTrainedTokenizerBase) and tokenizer.is_fast:
                restore_pipeline(tokenizer, folder)
                restore_segments(tokenizer, folder)
    except Exception as error:  # the files are untrusted: whatever they break, the folder is unusable
        raise _unusable(
            folder, "a tokenizer that cannot be read", "tokenizer.json of a fast tokenizer", error
        ) from error
    if not isinstance(tokenizer, PreTrainedTokenizerBase) or not tokenizer.is_fast:
        raise _unusable(folder, "a slow tokenizer", "a fast one (tokenizer.json), which maps tokens to characters")
    missing = [name for name in ("cls_token", "sep_token", "pad_token") if getattr(tokenizer, name) is None]
    if missing:
        raise _unusable(folder, f"a tokenizer without {', '.join(missing)}", "the tokenizer of an encoder model")
    return tokenizer


def load_model(
    folder: Path,
    *,
    fresh_head: bool = False,
    dtype: torch.dtype | Literal["auto"] = torch.float32,
    allow_pickle: bool = False,
) -> PreTrainedModel:
    """The folder's model in evaluation mode, on the CPU.

    Args:
        folder: A plain model folder.
        fresh_head: Accept an encoder without question-answering head; the head is then initialised from torch's
            current random state.
        dtype: Precision of the weights; "auto" for the one they are stored in.
        allow_pickle: Where there are no safetensors, read ``pytorch_model.bin``, as tensors and nothing else.

    Raises:
        ModelError: no or unreadable config or weights, weights that do not fit the config, or an architecture that
            cannot answer from text alone.
    """
    _require(folder, (("config.json",),), "a model's config.json")
    pickled = _find_pickle(folder)
    if pickled and not allow_pickle:
        raise _unusable(
            folder,
            f"pickled weights ({pickled})",
            "safetensors weights (model.safetensors)",
            advice="save the model anew with save_pretrained, or read its tensors from there with --allow-pickle",
        )
    if not pickled:
        _require(folder, WEIGHTS, "safetensors weights (model.safetensors)")
    try:
        with quiet():
            refuse_kernels(folder)
            model, info = AutoModelForQuestionAnswering.from_pretrained(
                str(folder),
                use_safetensors=not pickled,
                weights_only=True,
                trust_remote_code=False,
                local_files_only=True,
                dtype=dtype,
                output_loading_info=True,
                # Whatever the folder was trained for before: a start and an end, found by name.
                num_labels=2,
                return_dict=True,
            )
    except Exception as error:  # the files are untrusted: whatever they break, the folder is unusable
        raise _unusable(folder, "a model that cannot be read", "config.json and weights that fit it", error) from error
    obstacle = find_obstacle(model)
    if obstacle is not None:
        expected = "one that reads question and context alone, at any length"
        raise _unusable(folder, obstacle, expected, advice="choose another model")
    _check_weights(folder, model, info, fresh_head)
    adapt(model)
    model.eval()
    return model


def check_fit(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise `ModelError` where the tokenizer makes ids that the model has no embedding for."""
    rows = int(model.get_input_embeddings().get_parameter("weight").shape[0])
    largest = max(tokenizer.get_vocab().values(), default=-1)
    if largest >= rows:
        raise _unusable(
            folder, f"a tokenizer with ids up to {largest} and a model with {rows} embeddings", "a tokenizer that fits"
        )


def longest_input(model: PreTrainedModel) -> int | None:
    """Most tokens the model reads at once; None where its positions are not limited."""
    limits = []
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if not name.endswith(("position_embeddings", "embed_positions")) or not isinstance(weight, torch.Tensor):
            continue
        padding = getattr(module, "padding_idx", None)
        # RoBERTa-type models count positions from one past the padding index, BART from an offset.
        limits.append(len(weight) - (getattr(module, "offset", 0) if padding is None else padding + 1))
        positions = getattr(model.get_submodule(name.rpartition(".")[0]), "position_ids", None)
        if isinstance(positions, torch.Tensor):  # in some the table's first rows are not among them
            limits.append(positions.shape[-1])
    return min(limits, default=None)


def segment_count(model: PreTrainedModel) -> int | None:
    """Segments that the model has embeddings for; None where it has no such table."""
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if name.endswith("token_type_embeddings") and isinstance(weight, torch.Tensor):
            return len(weight)
    return None


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, out: Path) -> None:
    """Write a plain model folder: config, safetensors, fast tokenizer."""
    out.mkdir(parents=True, exist_ok=True)
    with quiet():
        model.save_pretrained(str(out))
        tokenizer.save_pretrained(str(out))


def _check_weights(folder: Path, model: PreTrainedModel, info: dict[str, Any], fresh_head: bool) -> None:
    body = f"{model.base_model_prefix}."
    missing = sorted(info["missing_keys"])
    inside = [key for key in missing if key.startswith(body)]
    if inside:
        found = f"weights without {len(inside)} of the encoder's tensors, such as {inside[0]}"
        raise _unusable(folder, found, f"all weights of a {model.config.model_type} model")
    if missing and not fresh_head:
        found = f"no question-answering head ({missing[0]} is missing)"
        raise _unusable(folder, found, "a model trained for question answering")


def _find_pickle(folder: Path) -> str | None:
    """The pickled weights that stand in place of safetensors."""
    if any((folder / name).is_file() for names in WEIGHTS for name in names):
        return None
    return next((name for names in PICKLED for name in names if (folder / name).is_file()), None)


def refuse_kernels(folder: Path) -> None:
    """Raise `ValueError` where the config asks for code from a repository, which could be fetched and run."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    for key in ("attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation"):
        if "/" in str(config.get(key)):
            raise ValueError(f"{key} names code outside of transformers, {config[key]}")


def _require(folder: Path, choices: tuple[tuple[str, ...], ...], expected: str) -> None:
    """Raise `ModelError` unless all files of one of the choices are there."""
    if not folder.is_dir():
        raise _unusable(folder, "no such folder", "a model folder")
    if not any(all((folder / name).is_file() for name in names) for names in choices):
        present = ", ".join(sorted(path.name for path in folder.iterdir())[:6]) or "nothing"
        raise _unusable(folder, present, expected)


def _unusable(
    folder: Path,
    found: str,
    expected: str,
    error: Exception | None = None,
    advice: str = "give a folder written by save_pretrained",
) -> ModelError:
    detail = ""
    if error is not None:
        detail = f" ({next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]})"
    return ModelError(f"{folder}: found {found}{detail}, expected {expected}; {advice}", model=str(folder))
