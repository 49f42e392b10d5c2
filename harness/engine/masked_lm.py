"""The embedded masked language model ``pocket/masked-lm``: tiny, and trained when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import PreTrainedTokenizerBase, RobertaConfig, RobertaForMaskedLM

from harness.engine.loading import quiet, save
from harness.engine.pocket_model import HEAD_WIDTH, INITIALIZER_RANGE, POSITIONS, train_tokenizer
from harness.errors import DataError

EMBEDDED_NAME = "pocket/masked-lm"
_LAYERS, _WIDTH = 2, 64
_MASKED = 0.15
_AS_MASK, _AS_OTHER = 0.8, 0.1
"""Of the chosen tokens; the rest is shown as it is."""
_WARMUP = 0.06
_IGNORED = -100


@dataclass(frozen=True, slots=True)
class MaskedTraining:
    """How the embedded masked language model is trained."""

    steps: int = 900
    batch_size: int = 32
    """Texts."""
    learning_rate: float = 3e-3
    """Highest; it rises linearly at first and then falls to 0."""


def train_masked_lm(texts: Sequence[str], out: Path, seed: int, training: MaskedTraining | None = None) -> float:
    """Train a RoBERTa-type masked language model of 2 layers, 64 wide, on texts, and write it with its tokenizer.

    The same texts and seed give the same model on one machine. Words that are frequent in `texts` become one token
    each, which is what augmentation needs.

    Args:
        texts: What to train on; long ones are cut to 254 tokens.
        out: Folder to write.
        seed: Seed of the weights, of the order of the texts, and of what is masked.
        training: How long and how fast; None for what suits the embedded data, some 20 seconds on one core.

    Returns:
        Mean cross-entropy of masked tokens over the last tenth of the steps, in nats.

    Raises:
        DataError: there is no text.
    """
    training = training or MaskedTraining()
    tokenizer = train_tokenizer(texts)
    rows = _encode(tokenizer, texts)
    if not rows:
        raise DataError("found no text to train a masked language model on, expected at least one")
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        model = RobertaForMaskedLM(_config(tokenizer))
        losses = _fit(model, rows, tokenizer, training)
    model.eval()
    save(model, tokenizer, out)
    last = losses[-max(1, len(losses) // 10) :]
    return sum(last) / len(last)


def _config(tokenizer: PreTrainedTokenizerBase) -> RobertaConfig:
    return RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=_WIDTH,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_WIDTH // HEAD_WIDTH,
        intermediate_size=4 * _WIDTH,
        max_position_embeddings=POSITIONS,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=INITIALIZER_RANGE,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def _encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[torch.Tensor]:
    if not texts:
        return []
    found = tokenizer(list(texts), truncation=True, max_length=POSITIONS - 2, padding=False)
    return [torch.tensor(ids) for ids in found["input_ids"] if len(ids) > 2]


def _fit(
    model: RobertaForMaskedLM,
    rows: Sequence[torch.Tensor],
    tokenizer: PreTrainedTokenizerBase,
    training: MaskedTraining,
) -> list[float]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=training.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    warmup = max(1, round(_WARMUP * training.steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warmup, (training.steps - step) / max(1, training.steps - warmup)),
    )
    losses = []
    model.train()
    for batch in _batches(rows, training, int(tokenizer.pad_token_id)):
        shown, labels = _mask(batch, tokenizer)
        chosen = labels != _IGNORED
        hidden: Any = model.roberta(input_ids=shown, attention_mask=(batch != tokenizer.pad_token_id).long())
        loss = functional.cross_entropy(model.lm_head(hidden.last_hidden_state[chosen]), labels[chosen])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses


def _batches(rows: Sequence[torch.Tensor], training: MaskedTraining, pad: int) -> Iterator[torch.Tensor]:
    """[texts, tokens], padded on the right; every text once before any comes again."""
    order: list[int] = []
    for _ in range(training.steps):
        if len(order) < min(training.batch_size, len(rows)):
            order += torch.randperm(len(rows)).tolist()
        taken, order = order[: training.batch_size], order[training.batch_size :]
        yield torch.nn.utils.rnn.pad_sequence([rows[i] for i in taken], batch_first=True, padding_value=pad)


def _mask(batch: torch.Tensor, tokenizer: PreTrainedTokenizerBase) -> tuple[torch.Tensor, torch.Tensor]:
    """What the model is shown, and the tokens it is to find there; at least one."""
    special = torch.isin(batch, torch.tensor(tokenizer.all_special_ids))
    draw = torch.rand(batch.shape).masked_fill(special, 1.0)
    chosen = draw < max(_MASKED, float(draw.min()) + 1e-6)
    labels = batch.masked_fill(~chosen, _IGNORED)
    how = torch.rand(batch.shape)
    shown = batch.masked_fill(chosen & (how < _AS_MASK), int(tokenizer.mask_token_id))
    other = chosen & (how >= _AS_MASK) & (how < _AS_MASK + _AS_OTHER)
    random = torch.randint(len(tokenizer.all_special_ids), len(tokenizer), batch.shape)
    return torch.where(other, random, shown), labels
