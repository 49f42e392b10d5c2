"""Vocabularies compared by files alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.cards import parse_card
from harness.errors import ModelError, RecipeError
from harness.recipes import plan_recipe
from harness.vocabularies import check_same_vocabulary

STAGE = plan_recipe(parse_card("---\nlanguage: en\n---\n\n```\nseed = 1\n```\n")).stages[0]
WORDS = {"<s>": 0, "a": 1, "b": 2, "ab": 3}


def tokenizer(vocab: Any = None, **parts: Any) -> dict[str, Any]:
    model = {"vocab": WORDS if vocab is None else vocab, "merges": parts.pop("merges", ["a b"])}
    added = [{"id": 4, "content": "<mask>"}]
    return {"model": model, "added_tokens": added, "normalizer": None, "pre_tokenizer": None, **parts}


def folder(tmp_path: Path, name: str, files: Mapping[str, Any]) -> Path:
    made = tmp_path / name
    made.mkdir()
    for file, content in files.items():
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        (made / file).write_bytes(raw)
    return made


def differs(tmp_path: Path, one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What the error says, empty where there is none."""
    student, teacher = folder(tmp_path, "student", one), folder(tmp_path, "teacher", other)
    try:
        check_same_vocabulary(STAGE, teacher, student)
    except RecipeError as error:
        assert (error.stage, error.field) == ("main", "teacher")
        assert str(error).startswith(f"stage main: teacher {teacher} has ")
        assert "expected the same vocabulary; choose a teacher" in str(error)
        return str(error)
    return ""


LISTED = [["<s>", 0.0], ["a", -1.0], ["b", -2.0]]
LOWER = {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]}
BYTES, META = {"type": "ByteLevel"}, {"type": "Sequence", "pretokenizers": [{"type": "Metaspace"}]}
FLAT = {"vocab.json": {**WORDS, "<mask>": 4}, "merges.txt": b"#version: 0.2\na b\n"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"tokenizer.json": tokenizer()}, {"tokenizer.json": tokenizer(merges=[["a", "b"]])}),
        ({"tokenizer.json": tokenizer()}, FLAT),
        ({"vocab.txt": b"[PAD]\nthe\n"}, {"vocab.txt": b"[PAD]\r\nthe"}),
        ({"vocab.txt": b"x\n"}, {"spiece.model": b"1"}),
        ({"spiece.model": b"1"}, {"sentencepiece.bpe.model": b"1"}),
        ({}, {"tokenizer.json": tokenizer()}),
        (
            {"tokenizer.json": tokenizer(), "tokenizer_config.json": {"mask_token": {"content": "<mask>"}}},
            {"tokenizer.json": tokenizer(), "special_tokens_map.json": {"mask_token": "<mask>"}},
        ),
        ({"tokenizer.json": tokenizer(LISTED)}, {"tokenizer.json": tokenizer(LISTED)}),
        ({"tokenizer.json": tokenizer(pre_tokenizer=META)}, {"tokenizer.json": tokenizer()}),
    ],
)
def test_the_same_or_not_to_be_told(tmp_path: Path, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert differs(tmp_path, one, other) == ""


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ({"tokenizer.json": tokenizer()}, {"tokenizer.json": tokenizer({**WORDS, "ab": 9})}, "1 tokens with other ids"),
        ({"tokenizer.json": tokenizer()}, {"tokenizer.json": tokenizer(LISTED)}, "1 tokens"),
        ({"tokenizer.json": tokenizer()}, {**FLAT, "vocab.json": WORDS}, "1 tokens"),
        ({**FLAT, "added_tokens.json": {"<x>": 5}}, FLAT, "1 tokens"),
        ({"tokenizer.json": tokenizer()}, {"tokenizer.json": tokenizer(merges=["b a"])}, "other merges"),
        ({"tokenizer.json": tokenizer()}, {"tokenizer.json": tokenizer(normalizer=LOWER)}, "lower-casing"),
        (
            {"vocab.txt": b"a\n", "tokenizer_config.json": {"do_lower_case": True}},
            {"vocab.txt": b"a\n", "tokenizer_config.json": {"do_lower_case": False}},
            "lower-casing",
        ),
        ({"tokenizer.json": tokenizer(pre_tokenizer=META)}, {"tokenizer.json": tokenizer(pre_tokenizer=BYTES)}, "cut"),
        ({"vocab.txt": b"a\nb\n"}, {"vocab.txt": b"b\na\n"}, "2 tokens"),
        ({"spiece.model": b"1"}, {"spiece.model": b"2"}, "another SentencePiece model"),
        (
            {"tokenizer.json": tokenizer(), "tokenizer_config.json": {"pad_token": "<s>"}},
            {"tokenizer.json": tokenizer(), "special_tokens_map.json": {"pad_token": "a"}},
            "another pad_token",
        ),
    ],
)
def test_other_vocabularies(tmp_path: Path, one: dict[str, Any], other: dict[str, Any], words: str) -> None:
    assert words in differs(tmp_path, one, other)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    bad = folder(tmp_path, "bad", {"tokenizer.json": content})
    with pytest.raises(ModelError, match=r"tokenizer\.json: found no JSON object"):
        check_same_vocabulary(STAGE, bad, bad)
