"""Tiny question-answering models, the same bits wherever they are built; numpy and safetensors only.

Weights come from the raw stream of PCG64, which numpy keeps the same over versions. The models know nothing; their
weights are large, so that answers stand out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

NAMES = ("bert", "roberta", "xlm-roberta", "bert-left", "bert-flat")
"""``left``: with a tokenizer that pads on the left, which puts the context before the question. ``flat``: less sure, so
that no answer is as probable as another."""
WIDTH = 32
LAYERS = 2
BERT_LONGEST, ROBERTA_LONGEST = 512, 128
"""``model_max_length``: above and below the pipeline's 384 tokens."""
MORE = 32
"""Positions that a model has beyond that."""
WORDS = "the was of in by and it is who what when where which did ada merk orvel lies sea founded town from to built"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
OTHERS = "奥维尔位于海边年由建立城市在的谁שלוםעיראיהבתونهرمدي"
SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~0123456789«»“”–—…¿。，？؟"


def build(name: str, folder: Path) -> str:
    """Write the model `name` of `NAMES` into a folder; returns the SHA-256 of its weights."""
    folder.mkdir(parents=True, exist_ok=True)
    kind, _, variant = name.removeprefix("xlm-").partition("-")
    model_type = name.removesuffix(f"-{variant}")
    parts = {"bert": _bert, "roberta": _roberta, "xlm-roberta": _xlm_roberta}
    tokenizer, special, longest = parts[model_type]()
    vocabulary = len(tokenizer["model"]["vocab"])
    bert = kind == "bert"
    config = {
        "architectures": [f"{special.pop('family')}ForQuestionAnswering"],
        "model_type": model_type,
        "vocab_size": vocabulary,
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": 2 * WIDTH,
        "max_position_embeddings": longest + MORE + (0 if bert else 2),
        "type_vocab_size": 2 if bert else 1,
        "layer_norm_eps": 1e-5,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "pad_token_id": 0 if bert else 1,
        **({} if bert else {"bos_token_id": 0, "eos_token_id": 2}),
    }
    shapes = dict(_shapes(kind, config))
    weights = {key: _weights(f"{model_type}/{key}", shape) for key, shape in shapes.items()}
    if variant == "flat":
        weights["qa_outputs.weight"] /= 8
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    described = {"model_max_length": longest, "padding_side": "left" if variant == "left" else "right", **special}
    for file, content in (("config", config), ("tokenizer", tokenizer), ("tokenizer_config", described)):
        (folder / f"{file}.json").write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
    digest = hashlib.sha256()
    for key in sorted(weights):
        digest.update(key.encode() + weights[key].tobytes())
    return digest.hexdigest()


def _shapes(body: str, config: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    embeddings = f"{body}.embeddings"
    yield f"{embeddings}.word_embeddings.weight", (config["vocab_size"], WIDTH)
    yield f"{embeddings}.position_embeddings.weight", (config["max_position_embeddings"], WIDTH)
    yield f"{embeddings}.token_type_embeddings.weight", (config["type_vocab_size"], WIDTH)
    yield from _affine(f"{embeddings}.LayerNorm", (WIDTH,))
    for i in range(LAYERS):
        layer = f"{body}.encoder.layer.{i}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            yield from _affine(f"{layer}.attention.{part}", (WIDTH, WIDTH))
        yield from _affine(f"{layer}.attention.output.LayerNorm", (WIDTH,))
        yield from _affine(f"{layer}.intermediate.dense", (2 * WIDTH, WIDTH))
        yield from _affine(f"{layer}.output.dense", (WIDTH, 2 * WIDTH))
        yield from _affine(f"{layer}.output.LayerNorm", (WIDTH,))
    yield from _affine("qa_outputs", (2, WIDTH))


def _affine(name: str, shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def _weights(key: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Uniform around 0, of LayerNorm around 1; each tensor from its own stream, whatever the order."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    raw = np.random.PCG64(seed).random_raw(int(np.prod(shape)))
    uniform = ((raw >> np.uint64(40)).astype(np.float64) / 2**23 - 1.0).reshape(shape)
    if "LayerNorm.weight" in key:
        return (1.0 + uniform / 4).astype(np.float32)
    scale = 1.6 if "qa_outputs.weight" in key else 0.3
    return (scale * uniform).astype(np.float32)


def _bert() -> tuple[dict[str, Any], dict[str, Any], int]:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*WORDS.split(), *LETTERS, *OTHERS, *SIGNS, "😀"]
    pieces += [f"##{letter}" for letter in LETTERS + OTHERS + "0123456789"] + ["##ed", "##ing", "##er", "##th"]
    vocabulary = list(dict.fromkeys([*special, *pieces]))
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(i, token) for i, token in enumerate(special)],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": _template("[CLS]", 2, "[SEP]", 3, doubled=False),
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {piece: i for i, piece in enumerate(vocabulary)},
        },
    }
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    described = {**names, "mask_token": "[MASK]", "do_lower_case": True, "tokenizer_class": "BertTokenizer"}
    return tokenizer, {**described, "family": "Bert"}, BERT_LONGEST


def _roberta() -> tuple[dict[str, Any], dict[str, Any], int]:
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    letters = list(_byte_letters())
    merges = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("i", "n"), ("e", "r"), ("o", "u"), ("Ġ", "A"), ("ĠA", "d")]
    merges += [("ĠAd", "a"), ("Ġ", "w"), ("Ġw", "a"), ("Ġwa", "s"), ("o", "r"), ("Ġ", "b"), ("Ġb", "y"), ("e", "d")]
    merges += [("Ġ", "in"), ("Ġ", "f"), ("Ġf", "ou"), ("Ġfou", "n"), ("Ġfoun", "d"), ("Ġfound", "ed"), ("ð", "Ł")]
    joined = [left + right for left, right in merges]
    vocabulary = [*special, *letters, *joined, "<mask>"]
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            *(_added(i, token) for i, token in enumerate(special)),
            {**_added(len(vocabulary) - 1, "<mask>"), "lstrip": True},
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {
            "type": "RobertaProcessing",
            "sep": ["</s>", 2],
            "cls": ["<s>", 0],
            "trim_offsets": True,
            "add_prefix_space": False,
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "vocab": {piece: i for i, piece in enumerate(vocabulary)},
            "merges": [" ".join(merge) for merge in merges],
        },
    }
    described = {**_LIKE_ROBERTA, "add_prefix_space": False, "tokenizer_class": "RobertaTokenizer"}
    return tokenizer, {**described, "family": "Roberta"}, ROBERTA_LONGEST


def _xlm_roberta() -> tuple[dict[str, Any], dict[str, Any], int]:
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    words = [word for plain in WORDS.split() for word in (f"▁{plain}", f"▁{plain.capitalize()}")]
    pieces = list(dict.fromkeys(["▁", *words, *LETTERS, *LETTERS.upper(), *OTHERS, *SIGNS, "😀", "er", "ed", "in"]))
    vocabulary = [[token, 0.0] for token in special]
    vocabulary += [[piece, -2.0 - len(pieces) / (len(piece) ** 2 * 100) - i / 1000] for i, piece in enumerate(pieces)]
    vocabulary.append(["<mask>", 0.0])
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            *(_added(i, token) for i, token in enumerate(special)),
            {**_added(len(vocabulary) - 1, "<mask>"), "lstrip": True},
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
        "post_processor": _template("<s>", 0, "</s>", 2, doubled=True),
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocabulary, "byte_fallback": False},
    }
    return (
        tokenizer,
        {**_LIKE_ROBERTA, "tokenizer_class": "XLMRobertaTokenizer", "family": "XLMRoberta"},
        BERT_LONGEST,
    )


_LIKE_ROBERTA = {
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}


def _added(i: int, token: str) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": i, "content": token, **flags}


def _template(first: str, first_id: int, last: str, last_id: int, *, doubled: bool) -> dict[str, Any]:
    """``[CLS] question [SEP] context [SEP]``, or with two ends between them and without segments."""

    def special(token: str, segment: int) -> dict[str, Any]:
        return {"SpecialToken": {"id": token, "type_id": segment}}

    def text(name: str, segment: int) -> dict[str, Any]:
        return {"Sequence": {"id": name, "type_id": segment}}

    second = 0 if doubled else 1
    between = [special(last, 0)] * (2 if doubled else 1)
    return {
        "type": "TemplateProcessing",
        "single": [special(first, 0), text("A", 0), special(last, 0)],
        "pair": [special(first, 0), text("A", 0), *between, text("B", second), special(last, second)],
        "special_tokens": {
            token: {"id": token, "ids": [number], "tokens": [token]}
            for token, number in ((first, first_id), (last, last_id))
        },
    }


def _byte_letters() -> Iterator[str]:
    """The characters that byte-level BPE writes the bytes 0 to 255 as: printable ones as they are."""
    shifted = 0
    for byte in range(256):
        if 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174:
            yield chr(byte)
        else:
            yield chr(256 + shifted)
            shifted += 1
