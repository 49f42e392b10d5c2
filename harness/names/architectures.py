"""Shapes of published encoders, and which of them a model's name speaks of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Architecture:
    """What a model's size and speed hang on."""

    name: str
    type: str
    """``model_type`` of transformers."""
    layers: int
    width: int
    heads: int
    inner: int
    """Width of the feed-forward layers."""
    vocabulary: int
    positions: int
    segments: int
    embedding: int | None = None
    """Width of the embeddings, where it is another."""

    @property
    def config(self) -> dict[str, Any]:
        """What the ``config.json`` of such a model says; all else is the default of its type."""
        sizes: dict[str, Any] = {
            "model_type": self.type,
            "vocab_size": self.vocabulary,
            "max_position_embeddings": self.positions,
        }
        if self.type == "distilbert":
            return sizes | {"n_layers": self.layers, "dim": self.width, "n_heads": self.heads, "hidden_dim": self.inner}
        sizes |= {
            "num_hidden_layers": self.layers,
            "hidden_size": self.width,
            "num_attention_heads": self.heads,
            "intermediate_size": self.inner,
            "type_vocab_size": self.segments,
        }
        if self.embedding is not None:
            sizes["embedding_size"] = self.embedding
        return sizes | (_DEBERTA_V3 if self.type == "deberta-v2" else _ROBERTA if "roberta" in self.type else {})


_ROBERTA = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
_DEBERTA_V3 = {
    "relative_attention": True,
    "max_relative_positions": -1,
    "position_buckets": 256,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
}

_SIZES = {"base": (12, 768, 12, 3072), "large": (24, 1024, 16, 4096)}
"""Layers, width, heads and inner width that most families share."""


def _pair(base: str, large: str, *rest: Any) -> tuple[Architecture, ...]:
    type_, *others = rest
    return tuple(Architecture(name, type_, *_SIZES[size], *others) for name, size in ((base, "base"), (large, "large")))


# As the config.json of each repository says.
_PUBLISHED = (
    *_pair("roberta-base", "roberta-large", "roberta", 50_265, 514, 1),
    *_pair("xlm-roberta-base", "xlm-roberta-large", "xlm-roberta", 250_002, 514, 1),
    *_pair("bert-base-uncased", "bert-large-uncased", "bert", 30_522, 512, 2),
    *_pair("bert-base-cased", "bert-large-cased", "bert", 28_996, 512, 2),
    Architecture("bert-base-multilingual-cased", "bert", 12, 768, 12, 3072, 119_547, 512, 2),
    Architecture("bert-base-multilingual-uncased", "bert", 12, 768, 12, 3072, 105_879, 512, 2),
    Architecture("distilroberta-base", "roberta", 6, 768, 12, 3072, 50_265, 514, 1),
    Architecture("distilbert-base-uncased", "distilbert", 6, 768, 12, 3072, 30_522, 512, 1),
    Architecture("distilbert-base-cased", "distilbert", 6, 768, 12, 3072, 28_996, 512, 1),
    Architecture("distilbert-base-multilingual-cased", "distilbert", 6, 768, 12, 3072, 119_547, 512, 1),
    Architecture("MiniLM-L12-H384-uncased", "bert", 12, 384, 12, 1536, 30_522, 512, 2),
    Architecture("MiniLM-L6-H384-uncased", "bert", 6, 384, 12, 1536, 30_522, 512, 2),
    *_pair("deberta-v3-base", "deberta-v3-large", "deberta-v2", 128_100, 512, 0),
    Architecture("deberta-v3-small", "deberta-v2", 6, 768, 12, 3072, 128_100, 512, 0),
    Architecture("deberta-v3-xsmall", "deberta-v2", 12, 384, 6, 1536, 128_100, 512, 0),
    Architecture("mdeberta-v3-base", "deberta-v2", 12, 768, 12, 3072, 251_000, 512, 0),
    Architecture("electra-small", "electra", 12, 256, 4, 1024, 30_522, 512, 2, 128),
    Architecture("electra-base", "electra", 12, 768, 12, 3072, 30_522, 512, 2, 768),
    Architecture("electra-large", "electra", 24, 1024, 16, 4096, 30_522, 512, 2, 1024),
    Architecture("albert-base", "albert", 12, 768, 12, 3072, 30_000, 512, 2, 128),
    Architecture("albert-large", "albert", 24, 1024, 16, 4096, 30_000, 512, 2, 128),
    Architecture("roberta-med-small", "roberta", 6, 512, 8, 2048, 50_265, 514, 1),
)
_BY_NAME = {architecture.name.casefold(): architecture for architecture in _PUBLISHED}
_LONGEST_FIRST = sorted(_BY_NAME, key=len, reverse=True)

_OTHER_NAMES = {
    "bert-large-uncased-whole-word-masking": "bert-large-uncased",
    "bert-large-cased-whole-word-masking": "bert-large-cased",
    "minilm-uncased": "minilm-l12-h384-uncased",
    "all-minilm-l6": "minilm-l6-h384-uncased",
    "all-minilm-l12": "minilm-l12-h384-uncased",
    "distilroberta": "distilroberta-base",
}
_TINY = re.compile(r"(?:distill?ed-|tiny)(?P<kind>roberta|bert)-(?:(?P<layers>\d+)l-(?P<width>\d+)d|squad2)(?![^-_])")
"""Students of a published distillation; where the name says no size they are of 6 layers, 768 wide."""
_SMALL_BERT = re.compile(r"bert_uncased_l-(?P<layers>\d+)_h-(?P<width>\d+)_a-(?P<heads>\d+)")
_EMBEDDED = re.compile(r"pocket/roberta-(?P<layers>[1-9]\d?)x(?P<width>[1-9]\d{1,3})")


def find_architecture(name: str) -> Architecture | None:
    """The architecture of a published model, or of the one that it was trained from as its name says; else None.

    ``deepset/roberta-large-squad2`` is a ``roberta-large``; names of which only a part of a word fits are not known.
    """
    text = name.casefold()
    if text.startswith("pocket/"):
        return _embedded(text)
    text = text.rpartition("/")[2]
    if match := _SMALL_BERT.search(text):
        layers, width, heads = (int(match[group]) for group in ("layers", "width", "heads"))
        return Architecture(match[0], "bert", layers, width, heads, 4 * width, 30_522, 512, 2)
    if match := _TINY.search(text):
        return _tiny(match)
    for known in [*_OTHER_NAMES, *_LONGEST_FIRST]:
        if re.search(rf"(?<![^_-]){re.escape(known)}(?![^_-])", text):
            return _BY_NAME[_OTHER_NAMES.get(known, known)]
    return None


def _tiny(match: re.Match[str]) -> Architecture:
    kind, layers, width = match["kind"], int(match["layers"] or 6), int(match["width"] or 768)
    vocabulary, positions, segments = (50_265, 514, 1) if kind == "roberta" else (30_522, 512, 2)
    heads = 12 if width % 64 else width // 64
    return Architecture(match[0], kind, layers, width, heads, 4 * width, vocabulary, positions, segments)


def _embedded(name: str) -> Architecture | None:
    match = _EMBEDDED.fullmatch(name)
    if match is None and name != "pocket/masked-lm":
        return None
    layers, width = (2, 64) if match is None else (int(match["layers"]), int(match["width"]))
    return Architecture(name, "roberta", layers, width, max(1, width // 32), 4 * width, 1500, 258, 1)
