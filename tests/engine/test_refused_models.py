"""Models that would give numbers without meaning are refused, by name and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
from tiny_models import ROBERTA, byte_bpe, sharp_model, unigram, write_model

from harness.engine.features import Windowing, make_features
from harness.engine.loading import load_model, load_tokenizer, save
from harness.errors import ModelError
from harness.records import Question

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("type_", "settings", "reason"),
    [
        (
            "lilt",
            {"channel_shrink_ratio": 2, "max_2d_position_embeddings": 64, "hidden_size": 48},
            "reads the places of words on a page",
        ),
        ("markuplm", {"max_depth": 4}, "reads the places of words in a web page"),
        ("lxmert", {}, "reads pictures"),
        ("roc_bert", {}, "reads the shapes of characters"),
        ("mra", {}, "attention is zero without a CUDA kernel"),
        ("nystromformer", {"num_landmarks": 8}, "reads inputs of exactly that length"),
        ("xmod", {}, "without default_language"),
        ("yoso", {"use_expectation": False}, "attention is random"),
    ],
)
def test_architectures_that_need_more_than_text(
    type_: str, settings: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    tokenizer = byte_bpe("RobertaTokenizer")()
    save(sharp_model(type_, tokenizer, **settings), tokenizer, tmp_path / "model")
    with pytest.raises(ModelError, match=f"found a {type_} model.*{reason}.*, expected .*; choose another model"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize(
    "make",
    [byte_bpe("GPT2Tokenizer"), byte_bpe("Qwen2Tokenizer"), unigram("T5Tokenizer", ("<pad>", "</s>", "<unk>"))],
    ids=["gpt2", "qwen2", "t5"],
)
def test_tokenizers_of_models_that_are_no_encoders(make: Any, tmp_path: Path) -> None:
    folder = write_model("roberta", tmp_path / "model")
    make().save_pretrained(folder)
    with pytest.raises(ModelError, match=r"found a tokenizer without cls_token, .*the tokenizer of an encoder model"):
        load_tokenizer(folder)


def test_a_tokenizer_that_sets_no_cls() -> None:
    tokenizer = unigram("MBartTokenizer", ROBERTA)()
    with pytest.raises(ModelError, match="found no CLS token at either end of a window"):
        make_features(tokenizer, [Question("q", "0:0", "the sea", "Who?", ())], Windowing(64, 8, 8))
