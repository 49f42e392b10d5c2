"""The embedded untrained models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from harness.engine import TorchEngine
from harness.engine.pocket_model import POSITIONS, SPECIAL_TOKENS
from harness.errors import RecipeError

pytestmark = pytest.mark.torch


def test_shape_follows_the_name(build: Callable[..., Path]) -> None:
    model = AutoModelForQuestionAnswering.from_pretrained(build("pocket/roberta-3x64"))
    config = model.config
    assert (config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (3, 64, 2)
    assert (config.intermediate_size, config.max_position_embeddings) == (256, POSITIONS)


def test_seed_decides_the_weights_and_texts_alone_the_tokenizer(build: Callable[..., Path], tmp_path: Path) -> None:
    one, other = build(), build(seed=1)
    state = torch.random.get_rng_state()
    TorchEngine().build_base("pocket/roberta-2x32", ["Orvel"], 0, tmp_path / "again")
    assert torch.equal(torch.random.get_rng_state(), state)
    wider = build("pocket/roberta-1x64")
    assert (one / "tokenizer.json").read_bytes() == (other / "tokenizer.json").read_bytes()
    assert (one / "tokenizer.json").read_bytes() == (wider / "tokenizer.json").read_bytes()
    assert (one / "tokenizer.json").read_bytes() != (tmp_path / "again" / "tokenizer.json").read_bytes()
    assert (one / "model.safetensors").read_bytes() != (other / "model.safetensors").read_bytes()


def test_same_arguments_give_the_same_bytes(build: Callable[..., Path], texts: list[str], tmp_path: Path) -> None:
    TorchEngine().build_base("pocket/roberta-2x32", texts, 0, tmp_path)
    for path in build().iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_tokenizer_has_robertas_layout(build: Callable[..., Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(build())
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == [0, 1, 2, 3, 4]
    ids = tokenizer("Ada", "Merk \u00e9\U0001f600")["input_ids"]
    assert ids[0] == 0
    assert ids.count(2) == 3
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids, skip_special_tokens=True).split() == ["Ada", "Merk", "\u00e9\U0001f600"]
    first, later = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("Ada", "Bo Ada"))
    assert later[-len(first) :] == first


@pytest.mark.parametrize("name", ["pocket/roberta", "pocket/roberta-2x48", "pocket/roberta-0x64", "pocket/bert-2x64"])
def test_other_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"expected pocket/roberta-LxW"):
        TorchEngine().build_base(name, ["text"], 0, tmp_path / "model")
    assert not (tmp_path / "model").exists()
