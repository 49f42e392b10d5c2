"""The embedded masked language model."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
import torch
from conftest import easy_questions
from transformers import RobertaForMaskedLM

from harness.augment import split_words
from harness.engine.computing import Computing
from harness.engine.masked_lm import MaskedTraining, train_masked_lm
from harness.engine.proposals import MaskedLM
from harness.errors import DataError
from harness.models import check_model_folder, folder_sha256

pytestmark = pytest.mark.torch

QUICK = MaskedTraining(steps=20, batch_size=8)


def test_training_depends_on_texts_and_seed_alone(tmp_path: Path) -> None:
    texts = [q.context for q in easy_questions(40)]
    torch.manual_seed(5)
    state = torch.get_rng_state()
    train_masked_lm(texts, tmp_path / "a", 1, QUICK)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    train_masked_lm(texts, tmp_path / "b", 1, QUICK)
    train_masked_lm(texts, tmp_path / "c", 2, QUICK)
    found = [folder_sha256(tmp_path / name) for name in "abc"]
    assert found[0] == found[1] != found[2]
    check_model_folder(tmp_path / "a")


def test_it_learns_what_fits_a_place(tmp_path: Path) -> None:
    texts = [q.context for q in easy_questions(300)]
    loss = train_masked_lm(texts, tmp_path / "model", 1, MaskedTraining(steps=150, batch_size=32))
    assert loss < 2.5
    model = RobertaForMaskedLM.from_pretrained(tmp_path / "model")
    assert (model.config.num_hidden_layers, model.config.hidden_size) == (2, 64)
    proposer = MaskedLM.load(tmp_path / "model", Computing(device="cpu"))
    words = split_words("Orvel lies by the sea. It was founded by Bo Tull in 1200.", proposer.splitting)
    found = proposer.propose(words, [True] * len(words), 3, pairs=False)
    likely = {word.text: texts[0] for word, texts in zip(words, found, strict=True) if texts}
    assert likely["lies"] == "lies"
    assert likely["the"] == "the"
    assert likely["founded"] == "founded"


def test_texts_of_any_length(tmp_path: Path) -> None:
    loss = train_masked_lm(["word " * 1000, "a", "", "Two words"], tmp_path / "x", 1, MaskedTraining(2, 3))
    assert loss > 0
    for texts in ([], [""]):
        with pytest.raises(DataError, match="found no text"):
            train_masked_lm(texts, tmp_path / "y", 1, QUICK)
