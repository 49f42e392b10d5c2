"""How tokenizers see single words: BERT's WordPiece, and byte-level BPE."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Protocol

from tokenizers import decoders, pre_tokenizers
from transformers import PreTrainedTokenizerBase

from harness.augment.words import Splitting, Word
from harness.errors import ModelError

_KEPT = 1 << 17
"""Words whose pieces are remembered."""
_SPACE = "\u0120"
"""What stands for a blank in the tokens of byte-level BPE."""
_UNUSED = re.compile(r"\[unused\d+\]")


class Vocabulary(Protocol):
    """What augmentation asks of a tokenizer."""

    splitting: Splitting

    def cut(self, word: Word) -> tuple[int, ...]:
        """Ids of the pieces of a word."""

    def text(self, token: int, word: Word) -> str | None:
        """What a token says in the place of a word; None where it is no whole word."""


def find_vocabulary(tokenizer: PreTrainedTokenizerBase) -> Vocabulary:
    """How a tokenizer sees words.

    Raises:
        ModelError: it is neither of BERT's kind nor byte-level BPE, or changes texts in a way that is not BERT's.
    """
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    kind = backend["model"]["type"]
    normalizers, pre = _flat(backend["normalizer"], "normalizers"), _flat(backend["pre_tokenizer"], "pretokenizers")
    if kind == "WordPiece" and [n["type"] for n in normalizers] == ["BertNormalizer"]:
        return _WordPieces(tokenizer, normalizers[0], backend["model"]["continuing_subword_prefix"])
    if kind == "BPE" and not normalizers and "ByteLevel" in [p["type"] for p in pre]:
        return _Bytes(tokenizer)
    raise ModelError(
        f"found a tokenizer of kind {kind}, expected one that has most words in one piece and says where words begin: "
        "BERT's WordPiece, or byte-level BPE as RoBERTa has it; choose another masked language model"
    )


class _WordPieces:
    def __init__(self, tokenizer: PreTrainedTokenizerBase, normalizer: dict[str, Any], prefix: str) -> None:
        lower = bool(normalizer["lowercase"])
        strip = normalizer["strip_accents"]
        ideographs = bool(normalizer["handle_chinese_chars"])
        self.splitting = Splitting(lower, lower if strip is None else bool(strip), ideographs)
        self._prefix = prefix
        self._tokens = _whole_tokens(tokenizer)
        model = tokenizer.backend_tokenizer.model
        self._cut = lru_cache(_KEPT)(lambda text: tuple(token.id for token in model.tokenize(text)))

    def cut(self, word: Word) -> tuple[int, ...]:
        return self._cut(word.text)

    def text(self, token: int, word: Word) -> str | None:
        found = self._tokens.get(token)
        return None if found is None or found.startswith(self._prefix) else found


class _Bytes:
    """Tokens that follow a blank are words; others are, in the place of a word that follows none, if words too."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.splitting = Splitting(lower_case=False, strip_accents=False, part_ideographs=False)
        self._tokens = _whole_tokens(tokenizer)
        self._known = frozenset(self._tokens.values())
        self._decoder = decoders.ByteLevel()
        cutter = pre_tokenizers.ByteLevel(add_prefix_space=False)
        model = tokenizer.backend_tokenizer.model

        def cut(text: str) -> tuple[int, ...]:
            return tuple(token.id for part, _ in cutter.pre_tokenize_str(text) for token in model.tokenize(part))

        self._cut = lru_cache(_KEPT)(cut)
        self._shown = lru_cache(_KEPT)(self._show)

    def cut(self, word: Word) -> tuple[int, ...]:
        return self._cut(f" {word.text}" if word.spaced else word.text)

    def text(self, token: int, word: Word) -> str | None:
        form = self._tokens.get(token)
        if form is None or form.startswith(_SPACE) != word.spaced:
            return None
        found = self._shown(form)
        if found is None or word.spaced:
            return found
        letters = found[0].isalnum()
        # without a blank before it, a token of letters may be the rest of a word: "ing"
        fits = letters == word.text[0].isalnum() and (not letters or _SPACE + form in self._known)
        return found if fits else None

    def _show(self, form: str) -> str | None:
        found: str = self._decoder.decode([form]).removeprefix(" ")
        return found if found.split() == [found] and "\ufffd" not in found else None


def _whole_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[int, str]:
    """Id -> token, without special ones, those that were added, and BERT's unused places: they are no words."""
    added = set(tokenizer.added_tokens_decoder) | set(tokenizer.all_special_ids)
    words = {number: token for token, number in tokenizer.get_vocab().items() if number not in added}
    return {number: token for number, token in words.items() if _UNUSED.fullmatch(token) is None}


def _flat(step: dict[str, Any] | None, several: str) -> list[dict[str, Any]]:
    if step is None:
        return []
    return list(step[several]) if step["type"] == "Sequence" else [step]
