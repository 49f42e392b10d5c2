"""Tokenizers as their folders describe them.

transformers 5 takes of a tokenizer.json little more than the vocabulary: each class builds normalizer, pre-tokenizer
and model anew, in ways that are not always those of the file. It also stopped giving segments for tokenizers that gave
them under transformers 4, without which a model that was trained with segments reads another input.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerBase

_SEGMENTED = frozenset(
    {
        *("AlbertTokenizer", "FunnelTokenizer", "HerbertTokenizer", "RemBertTokenizer", "RoFormerTokenizer"),
        *("SplinterTokenizer", "XLNetTokenizer", "PreTrainedTokenizer", "TokenizersBackend"),
    }
)
"""Tokenizers, by name without ``Fast``, that give segments under transformers 4 and none under 5."""
_ADJUSTABLE = (normalizers.BertNormalizer, pre_tokenizers.ByteLevel)
"""Parts that tokenizer_config.json may change, as with do_lower_case and add_prefix_space."""


def restore_pipeline(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Give the tokenizer those parts of the folder's tokenizer.json that its class has built otherwise."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        return
    stored, built = Tokenizer.from_file(str(path)), tokenizer.backend_tokenizer
    for part in ("model", "normalizer", "pre_tokenizer"):
        wanted, found = getattr(stored, part), getattr(built, part)
        if _state(wanted) != _state(found) and not (isinstance(wanted, _ADJUSTABLE) and type(wanted) is type(found)):
            setattr(built, part, wanted)
    # Some classes write a file that lacks the special tokens which they set when they read it.
    if stored.num_special_tokens_to_add(True) and _state(stored.post_processor) != _state(built.post_processor):
        built.post_processor = stored.post_processor


def restore_segments(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Let the tokenizer give segments where transformers 4, which wrote the folder, had it give them.

    A folder whose tokenizer_config.json names the model's inputs is taken at its word.
    """
    settings = _read(folder / "tokenizer_config.json")
    name = str(settings.get("tokenizer_class") or type(tokenizer).__name__).removesuffix("Fast")
    if "model_input_names" in settings or name not in _SEGMENTED or "token_type_ids" in tokenizer.model_input_names:
        return
    version = str(_read(folder / "config.json").get("transformers_version") or "")
    if not version.split(".")[0].isdecimal() or int(version.split(".")[0]) < 5:  # the first ones wrote no version
        names = [*tokenizer.model_input_names, "token_type_ids"]
        tokenizer.model_input_names = names
        tokenizer.init_kwargs["model_input_names"] = names  # written by save_pretrained


def _state(part: Any) -> bytes | None:
    """All that a part of a pipeline consists of."""
    return None if part is None else part.__getstate__()


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content = json.loads(path.read_text("utf-8"))
    return content if isinstance(content, dict) else {}
