"""Untrained question-answering models of many architectures, with tokenizers of each one's real kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoConfig, AutoModelForQuestionAnswering, PreTrainedModel, PreTrainedTokenizerBase

from harness.engine.loading import quiet, save

Make = Callable[[], PreTrainedTokenizerBase]

POSITIONS = 112
"""Most positions of a tiny model, where they are limited."""
WORDS = ("Who", "founded", "lies", "sea", "was", "by", "Merk", "in")
LETTERS = sorted(set("WherelieshditandwhofoundedOrvel,Tamsin,Brako,Lindow,Quarrel,Sundbybythesea?0123456789."))
MERGES = (("t", "h"), ("th", "e"), ("e", "a"), ("s", "ea"), ("\u0120", "sea"), ("b", "y"), ("\u0120", "by"), ("l", "i"))
BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
ALBERT = ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
BIG_BIRD = ("<pad>", "</s>", "<s>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
CAMEMBERT = ("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>", "<mask>")
DEBERTA_V2 = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]")
FUNNEL = ("<pad>", "[UNK]", "<cls>", "<sep>", "<mask>", "<s>", "</s>")
MPNET = ("<s>", "<pad>", "</s>", "[UNK]", "<mask>")
REMBERT = ("<pad>", "[SEP]", "<unk>", "[CLS]", "[MASK]")
SPLINTER = (*BERT, "[QUESTION]")
XLNET = ("<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>")


def wordpiece(name: str, special: Sequence[str] = BERT, **settings: Any) -> Make:
    """A tokenizer class of the WordPiece kind."""

    def make() -> PreTrainedTokenizerBase:
        letters = sorted({letter.lower() for letter in LETTERS})
        pieces = [*letters, *(f"##{letter}" for letter in letters), *(word.lower() for word in WORDS)]
        return getattr(transformers, name)(vocab=_numbered(special, pieces), **settings)

    return make


def byte_bpe(name: str, special: Sequence[str] = ROBERTA, **settings: Any) -> Make:
    """A tokenizer class of the byte-level BPE kind."""
    return lambda: getattr(transformers, name)(vocab=_bytes(special), merges=list(MERGES), **settings)


def unigram(name: str, special: Sequence[str], **settings: Any) -> Make:
    """A tokenizer class of the SentencePiece kind, with U+2581 for blanks."""

    def make() -> PreTrainedTokenizerBase:
        scores = {"\u2581": -3.0} | {f"\u2581{word}": -4.0 for word in WORDS} | dict.fromkeys(LETTERS, -5.0)
        return getattr(transformers, name)(vocab=[*((token, 0.0) for token in special), *scores.items()], **settings)

    return make


def nameless(**settings: Any) -> Make:
    """A tokenizer of no class of its own, as ModernBERT has: byte-level BPE with BERT's special tokens and segments."""

    def make() -> PreTrainedTokenizerBase:
        backend = Tokenizer(models.BPE(_bytes(BERT), list(MERGES)))
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), BERT, strict=True))
        return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **names, **settings)

    return make


def _numbered(special: Sequence[str], pieces: Sequence[str]) -> dict[str, int]:
    return {token: i for i, token in enumerate([*special, *pieces])}


def _bytes(special: Sequence[str]) -> dict[str, int]:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    return _numbered(special, [*alphabet, *(first + second for first, second in MERGES)])


@dataclass(frozen=True)
class Kind:
    """An architecture: its tokenizer, its own settings, whether it is trained with segments, the most it reads."""

    make_tokenizer: Make
    settings: dict[str, Any] = field(default_factory=dict)
    segments: bool = False
    limit: int | None = POSITIONS


_LAYERS = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48, "hidden_size": 32}
_BART_SIDE = {"layers": 1, "ffn_dim": 48, "attention_heads": 2}
_BART = {"d_model": 32} | {f"{side}_{name}": n for side in ("encoder", "decoder") for name, n in _BART_SIDE.items()}
_DEBERTA = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "type_vocab_size": 0}
_DEBERTA_V3 = _DEBERTA | {"position_biased_input": False, "position_buckets": 8, "share_att_key": True}
_DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 48}
_FUNNEL = {"block_sizes": [1, 1], "d_model": 32, "n_head": 2, "d_head": 16, "d_inner": 48, "num_decoder_layers": 1}
_LED = {"attention_window": 8, "max_encoder_position_embeddings": 112, "max_decoder_position_embeddings": 112}
_MOBILE = {"embedding_size": 16, "true_hidden_size": 32, "intra_bottleneck_size": 32}
_SQUEEZE = dict.fromkeys(("q_groups", "k_groups", "v_groups", "intermediate_groups", "output_groups"), 2)
_XLNET = {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 48}
_ONE_SEGMENT = {"type_vocab_size": 1}

KINDS: dict[str, Kind] = {
    "albert": Kind(unigram("AlbertTokenizer", ALBERT), {"embedding_size": 16}, segments=True),
    "bart": Kind(byte_bpe("RobertaTokenizer"), _BART),
    "bert": Kind(wordpiece("BertTokenizer"), segments=True),
    "big_bird": Kind(unigram("BigBirdTokenizer", BIG_BIRD), {"block_size": 4, "num_random_blocks": 1}),
    "camembert": Kind(unigram("CamembertTokenizer", CAMEMBERT), _ONE_SEGMENT, limit=POSITIONS - 2),
    "convbert": Kind(wordpiece("BertTokenizer"), {"embedding_size": 16, "head_ratio": 1}, segments=True),
    "deberta": Kind(byte_bpe("DebertaTokenizer", BERT), _DEBERTA),
    "deberta-v2": Kind(unigram("DebertaV2Tokenizer", DEBERTA_V2, unk_id=3), _DEBERTA_V3, limit=None),
    "distilbert": Kind(wordpiece("DistilBertTokenizer"), _DISTILBERT),
    "electra": Kind(wordpiece("ElectraTokenizer"), {"embedding_size": 16}, segments=True),
    "fnet": Kind(unigram("FNetTokenizer", ALBERT), segments=True),
    "funnel": Kind(wordpiece("FunnelTokenizer", FUNNEL, unk_token="[UNK]"), _FUNNEL, segments=True, limit=None),
    "longformer": Kind(byte_bpe("RobertaTokenizer"), _ONE_SEGMENT | {"attention_window": 32}, limit=POSITIONS - 2),
    "mobilebert": Kind(wordpiece("MobileBertTokenizer"), _MOBILE, segments=True),
    "modernbert": Kind(nameless(), {"local_attention": 16}, limit=None),
    "mpnet": Kind(wordpiece("MPNetTokenizer", MPNET), limit=POSITIONS - 2),
    "nystromformer": Kind(unigram("AlbertTokenizer", ALBERT), {"conv_kernel_size": 5}, segments=True),
    "rembert": Kind(unigram("RemBertTokenizer", REMBERT), {"input_embedding_size": 16}, segments=True),
    "roberta": Kind(byte_bpe("RobertaTokenizer"), _ONE_SEGMENT, limit=POSITIONS - 2),
    "splinter": Kind(wordpiece("SplinterTokenizer", SPLINTER), {"question_token_id": 5}, segments=True),
    "squeezebert": Kind(wordpiece("BertTokenizer"), {"embedding_size": 32} | _SQUEEZE, segments=True),
    "xlm-roberta": Kind(unigram("XLMRobertaTokenizer", ROBERTA), _ONE_SEGMENT, limit=POSITIONS - 2),
    "xlnet": Kind(unigram("XLNetTokenizer", XLNET), _XLNET, segments=True, limit=None),
    "yoso": Kind(unigram("AlbertTokenizer", ALBERT), _ONE_SEGMENT),
}
OTHERS: dict[str, dict[str, Any]] = {
    "data2vec-text": {},
    "deberta-v2": _DEBERTA_V3 | {"norm_rel_ebd": "layer_norm", "conv_kernel_size": 3},
    "ernie": {},
    "ibert": {},
    "led": _BART | _LED,
    "megatron-bert": {},
    "mvp": _BART,
    "roberta-prelayernorm": {},
    "xlm-roberta-xl": {},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
}
"""Architectures, or variants of them, whose tokenizers are among the others'."""


def sharp_model(type_: str, tokenizer: PreTrainedTokenizerBase | None = None, **settings: Any) -> PreTrainedModel:
    """A tiny model with large random weights, whose logits differ clearly from token to token."""
    shared: dict[str, Any] = {"vocab_size": 140, "pad_token_id": 1, "sep_token_id": 2}
    if tokenizer is not None:
        names = ("pad_token_id", "bos_token_id", "eos_token_id", "sep_token_id", "cls_token_id")
        shared |= {name: getattr(tokenizer, name) for name in names if getattr(tokenizer, name) is not None}
        shared["vocab_size"] = len(tokenizer)
    if "d_model" not in settings and "dim" not in settings:
        shared |= _LAYERS
    if type_ != "xlnet":  # refuses to be told
        shared["max_position_embeddings"] = POSITIONS
    spread = 0.15 if type_ == "mobilebert" else 0.3  # without norms numbers grow from layer to layer
    with torch.random.fork_rng(devices=[]), quiet(), torch.no_grad():
        torch.manual_seed(5)
        model = AutoModelForQuestionAnswering.from_config(AutoConfig.for_model(type_, **shared | settings))
        for name, parameter in model.named_parameters():
            scale = "norm" in name.lower() and name.endswith("weight")
            parameter.normal_(mean=float(scale), std=spread)
    return model.eval()


def write_model(type_: str, out: Path, version: str = "4.57.6", **settings: Any) -> Path:
    """Write a tiny model of one of `KINDS`, as the given version of transformers would have."""
    kind = KINDS[type_]
    tokenizer = kind.make_tokenizer()
    save(sharp_model(type_, tokenizer, **kind.settings | settings), tokenizer, out)
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps(config | {"transformers_version": version}))
    return out
