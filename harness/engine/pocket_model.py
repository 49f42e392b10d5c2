"""Embedded untrained models: ``pocket/roberta-LxW``, L layers, W wide."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerBase, RobertaConfig, RobertaForQuestionAnswering, RobertaTokenizer

from harness.engine.loading import quiet, save
from harness.errors import RecipeError

VOCABULARY = 1500
"""Entries of the byte-BPE vocabulary, special tokens included."""
SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""In RoBERTa's order, so that ids 0, 1, 2 mean what they mean there."""
PREFIX_SPACE = True
"""A text's first word is cut like the same word later on; small models gain from it."""
HEAD_WIDTH = 32
POSITIONS = 258
"""256 tokens, and the two positions that RoBERTa leaves unused."""
DROPOUT = 0.03
"""Of hidden states; attention has none. Models this small, on data this plain, lose by more."""
INITIALIZER_RANGE = 0.1
"""RoBERTa's 0.02 is for models ten times as wide; with it these do not leave the answer "" for many epochs."""

_NAME = re.compile(r"pocket/roberta-([1-9]\d?)x([1-9]\d{1,3})", re.ASCII)


def build_base(name: str, texts: Sequence[str], seed: int, out: Path) -> None:
    """Write an untrained question-answering model and its tokenizer to `out`.

    Args:
        name: ``pocket/roberta-LxW``; W is a multiple of 32.
        texts: Texts that the vocabulary is learned from; the tokenizer depends on nothing else.
        seed: Seed of the random weights.
        out: Folder to write.

    Raises:
        RecipeError: the name is none of an embedded model.
    """
    layers, width = _shape(name)
    tokenizer = train_tokenizer(texts)
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // HEAD_WIDTH,
        intermediate_size=4 * width,
        max_position_embeddings=POSITIONS,
        type_vocab_size=1,
        hidden_dropout_prob=DROPOUT,
        attention_probs_dropout_prob=0.0,
        initializer_range=INITIALIZER_RANGE,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        model = RobertaForQuestionAnswering(config)
    save(model, tokenizer, out)


def _shape(name: str) -> tuple[int, int]:
    match = _NAME.fullmatch(name)
    if match is None or int(match[2]) % HEAD_WIDTH:
        raise RecipeError(
            f'base model "{name}": expected pocket/roberta-LxW with L layers and W wide, W a multiple of {HEAD_WIDTH}; '
            "write for example pocket/roberta-2x64",
            field="student",
        )
    return int(match[1]), int(match[2])


def train_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerBase:
    """A byte-level BPE tokenizer with RoBERTa's layout, learned from `texts`."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=PREFIX_SPACE)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    learned = json.loads(learner.to_str())["model"]
    with quiet():
        return RobertaTokenizer(
            vocab=learned["vocab"],
            merges=[tuple(merge) for merge in learned["merges"]],
            add_prefix_space=PREFIX_SPACE,
            model_max_length=POSITIONS - 2,
        )
