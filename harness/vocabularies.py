"""Whether two model folders have one vocabulary, told from their tokenizer files alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ModelError, RecipeError
from harness.records import Stage

_SENTENCEPIECE = ("sentencepiece.bpe.model", "spiece.model", "spm.model", "sentencepiece.model", "tokenizer.model")
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_FAMILIES = frozenset({"ByteLevel", "Metaspace", "BertPreTokenizer"})
_LARGEST = 2**28
"""Bytes; no vocabulary file comes near."""


def check_same_vocabulary(stage: Stage, teacher: Path, student: Path) -> None:
    """Raise `RecipeError` where the files show that teacher and student do not give every token the same id.

    The teacher is given the student's ids, so that with another vocabulary it would read another text. Folders whose
    files are of different forms, and so cannot be compared, pass.

    Raises:
        RecipeError: the vocabularies differ.
        ModelError: a tokenizer file cannot be read.
    """
    problem = _difference(_read_vocabulary(student), _read_vocabulary(teacher))
    if problem is not None:
        raise RecipeError(
            f"stage {stage.name}: teacher {teacher} has {problem} than the student {student}, expected the same "
            "vocabulary; choose a teacher and a student with one tokenizer",
            stage=stage.name,
            field="teacher",
        )


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """What a folder's files say of its tokenizer; None where they do not say it."""

    tokens: Mapping[str, int] | None
    merges: str | None
    """Checksum of the merges of a BPE."""
    lower_cases: bool | None
    families: frozenset[str]
    """How text is cut before the vocabulary sees it."""
    sentencepiece: str | None
    """Checksum of the model file."""
    special: Mapping[str, str]


def _difference(ours: _Vocabulary, theirs: _Vocabulary) -> str | None:
    """What the second has otherwise, in words."""
    if ours.tokens is not None and theirs.tokens is not None:
        differing = sum(
            1
            for token in ours.tokens.keys() | theirs.tokens.keys()
            if ours.tokens.get(token) != theirs.tokens.get(token)
        )
        if differing:
            return f"{differing} tokens with other ids"
    elif None not in (ours.sentencepiece, theirs.sentencepiece) and ours.sentencepiece != theirs.sentencepiece:
        return "another SentencePiece model"
    if None not in (ours.merges, theirs.merges) and ours.merges != theirs.merges:
        return "other merges of tokens"
    if None not in (ours.lower_cases, theirs.lower_cases) and ours.lower_cases != theirs.lower_cases:
        return "another rule of lower-casing"
    if ours.families and theirs.families and not ours.families & theirs.families:
        return "another way of cutting text into words"
    differing_special = [
        name
        for name in _SPECIAL
        if name in ours.special and ours.special[name] != theirs.special.get(name, ours.special[name])
    ]
    return f"another {differing_special[0]}" if differing_special else None


def _read_vocabulary(folder: Path) -> _Vocabulary:
    whole = _read_json(folder / "tokenizer.json")
    settings = _read_json(folder / "tokenizer_config.json") or {}
    tokens, merges, lower, families = None, None, None, frozenset[str]()
    if whole is not None:
        found = whole.get("model")
        model: dict[str, Any] = found if isinstance(found, dict) else {}
        tokens = _tokens(model.get("vocab"), whole.get("added_tokens"))
        merges = _merges(
            [" ".join(pair) if isinstance(pair, list) else str(pair) for pair in model.get("merges") or []]
        )
        lower = _lower_cases(whole.get("normalizer"))
        families = frozenset(_types(whole.get("pre_tokenizer"))) & _FAMILIES
    elif (plain := _read_json(folder / "vocab.json")) is not None:
        tokens = _tokens(plain, _read_json(folder / "added_tokens.json"))
        lines = (_read(folder / "merges.txt") or b"").decode("utf-8", "replace").splitlines()
        merges = _merges([line for line in lines if line.strip() and not line.startswith("#version")])
    elif (text := _read(folder / "vocab.txt")) is not None:
        words = text.decode("utf-8", "replace").split("\n")
        listed = {word.rstrip("\r"): i for i, word in enumerate(words if words[-1] else words[:-1])}
        tokens = _tokens(listed, _read_json(folder / "added_tokens.json"))
        stated = settings.get("do_lower_case")
        lower = stated if isinstance(stated, bool) else None
    return _Vocabulary(tokens, merges, lower, families, _sentencepiece(folder), _special(folder, settings))


def _tokens(vocabulary: Any, added: Any) -> dict[str, int] | None:
    """Token -> id, from a mapping or from a list of pieces with scores; added tokens among them."""
    if isinstance(vocabulary, dict):
        tokens = {str(token): number for token, number in vocabulary.items() if isinstance(number, int)}
    elif isinstance(vocabulary, list):
        tokens = {
            str(item[0]) if isinstance(item, list) and item else str(item): i for i, item in enumerate(vocabulary)
        }
    else:
        return None
    for item in added if isinstance(added, list) else ():
        if isinstance(item, dict) and isinstance(item.get("id"), int):
            tokens[str(item.get("content"))] = item["id"]
    if isinstance(added, dict):
        tokens |= {str(token): number for token, number in added.items() if isinstance(number, int)}
    return tokens


def _merges(pairs: list[str]) -> str | None:
    return hashlib.sha256("\n".join(pairs).encode("utf-8", "surrogatepass")).hexdigest() if pairs else None


def _parts(node: Any) -> list[dict[str, Any]]:
    """A normalizer or pre-tokenizer and all that it is made of."""
    if not isinstance(node, dict):
        return []
    inner = [item for key in ("normalizers", "pretokenizers") for item in node.get(key) or []]
    return [node, *(part for item in inner for part in _parts(item))]


def _types(node: Any) -> list[str]:
    return [str(part.get("type")) for part in _parts(node)]


def _lower_cases(normalizer: Any) -> bool:
    return any(part.get("type") == "Lowercase" or part.get("lowercase") is True for part in _parts(normalizer))


def _special(folder: Path, settings: Mapping[str, Any]) -> dict[str, str]:
    """The special tokens by their parts, as far as the files name them."""
    stated = {**(_read_json(folder / "special_tokens_map.json") or {}), **settings}
    found = {name: stated[name] for name in _SPECIAL if stated.get(name) is not None}
    return {name: str(token.get("content") if isinstance(token, dict) else token) for name, token in found.items()}


def _sentencepiece(folder: Path) -> str | None:
    for name in _SENTENCEPIECE:
        content = _read(folder / name)
        if content is not None:
            return hashlib.sha256(content).hexdigest()
    return None


def _read(path: Path) -> bytes | None:
    """The file's content, None where there is none."""
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _LARGEST:
            raise ModelError(
                f"{path}: found more than {_LARGEST} bytes, expected a tokenizer's file", model=str(path.parent)
            )
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or "cannot be read"
        message = f"{path}: found no readable file ({reason}), expected a tokenizer's; check its permissions"
        raise ModelError(message, model=str(path.parent)) from error


def _read_json(path: Path) -> dict[str, Any] | None:
    content = _read(path)
    if content is None:
        return None
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        message = f"{path}: found no JSON object, expected a tokenizer's file; save the tokenizer again"
        raise ModelError(message, model=str(path.parent))
    return value
