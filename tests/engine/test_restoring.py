"""Tokenizers do what their folders say, whatever transformers makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
import numpy as np
import torch
from tiny_models import KINDS, nameless, sharp_model, wordpiece, write_model
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer

from harness.engine.batches import fit_segments
from harness.engine.computing import Computing
from harness.engine.features import Windowing, make_features
from harness.engine.loading import load_model, load_tokenizer, quiet, save
from harness.engine.reader import Reader
from harness.errors import ModelError
from harness.records import Question

pytestmark = pytest.mark.torch

TEXT = "  Orvel  lies \ufb01ne by\tthe S\u00e9a. "
ASKED = [Question("q", "0:0", "Orvel lies by the sea.", "Who founded it?", ())]
WINDOWING = Windowing(96, 12, 24)


def edit(path: Path, **changes: Any) -> None:
    """Change entries of a JSON file; None removes one."""
    content = json.loads(path.read_text("utf-8")) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def write_tokenizer(folder: Path, backend: Tokenizer) -> list[int]:
    """Put another tokenizer.json into the folder; returns what it makes of the text."""
    backend.save(str(folder / "tokenizer.json"))
    return list(Tokenizer.from_file(str(folder / "tokenizer.json")).encode(TEXT, add_special_tokens=False).ids)


def ids(folder: Path) -> list[int]:
    return list(load_tokenizer(folder)(TEXT, add_special_tokens=False)["input_ids"])


def has_segments(folder: Path) -> bool:
    return make_features(load_tokenizer(folder), ASKED, WINDOWING).types is not None


@pytest.mark.parametrize("kind", ["deberta-v2", "albert", "xlnet", "rembert", "xlm-roberta", "camembert"])
def test_sentencepiece_tokenizers_normalise_as_their_file_says(kind: str, tmp_path: Path) -> None:
    folder = write_model(kind, tmp_path / "model")
    backend = KINDS[kind].make_tokenizer().backend_tokenizer
    steps = [normalizers.Strip(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    backend.normalizer = normalizers.Sequence(steps)
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    wanted = write_tokenizer(folder, backend)
    with quiet():
        assert AutoTokenizer.from_pretrained(folder)(TEXT, add_special_tokens=False)["input_ids"] != wanted
    assert ids(folder) == wanted


def test_a_file_of_another_kind_than_its_class_is_followed(tmp_path: Path) -> None:
    """CamemBERT 2.0 has WordPiece and says it is RoBERTa's tokenizer."""
    folder = write_model("roberta", tmp_path / "model")
    backend = wordpiece("BertTokenizer", ("<s>", "<pad>", "</s>", "[UNK]", "<mask>"))().backend_tokenizer
    backend.post_processor = load_tokenizer(folder).backend_tokenizer.post_processor
    wanted = write_tokenizer(folder, backend)
    assert ids(folder) == wanted
    assert make_features(load_tokenizer(folder), ASKED, WINDOWING).ids[0] == 0


@pytest.mark.parametrize("kind", ["camembert", "deberta-v2", "roberta"])
def test_special_tokens_are_set_as_the_file_says(kind: str, tmp_path: Path) -> None:
    folder = write_model(kind, tmp_path / "model")
    tokenizer = load_tokenizer(folder)
    cls, sep = tokenizer.cls_token, tokenizer.sep_token
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A",
        pair=f"{cls} $A {sep} $B {sep} {sep}",
        special_tokens=[(cls, tokenizer.cls_token_id), (sep, tokenizer.sep_token_id)],
    )
    write_tokenizer(folder, tokenizer.backend_tokenizer)
    assert make_features(load_tokenizer(folder), ASKED, WINDOWING).ids[-2:].tolist() == [tokenizer.sep_token_id] * 2


@pytest.mark.parametrize("lower", [True, False])
def test_do_lower_case_is_tokenizer_configs_to_say(lower: bool, tmp_path: Path) -> None:
    folder = write_model("bert", tmp_path / "model")
    backend = load_tokenizer(folder).backend_tokenizer
    backend.normalizer = normalizers.BertNormalizer(lowercase=not lower)
    write_tokenizer(folder, backend)
    edit(folder / "tokenizer_config.json", do_lower_case=lower)
    backend.normalizer = normalizers.BertNormalizer(lowercase=lower)
    assert ids(folder) == backend.encode(TEXT, add_special_tokens=False).ids


@pytest.mark.parametrize("prefix", [True, False])
def test_add_prefix_space_is_tokenizer_configs_to_say(prefix: bool, tmp_path: Path) -> None:
    folder = write_model("roberta", tmp_path / "model")
    backend = load_tokenizer(folder).backend_tokenizer
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=not prefix)
    write_tokenizer(folder, backend)
    edit(folder / "tokenizer_config.json", add_prefix_space=prefix)
    assert load_tokenizer(folder).tokenize("sea") == (["\u0120sea"] if prefix else ["sea"])


def test_truncation_and_padding_in_the_file_change_nothing(tmp_path: Path) -> None:
    folder = write_model("bert", tmp_path / "model")
    plain = make_features(load_tokenizer(folder), ASKED, WINDOWING)
    backend = load_tokenizer(folder).backend_tokenizer
    backend.enable_truncation(5)
    backend.enable_padding(length=40)
    write_tokenizer(folder, backend)
    for windowing in (WINDOWING, replace(WINDOWING, protocol="farm", doc_stride_is="step")):
        np.testing.assert_array_equal(make_features(load_tokenizer(folder), ASKED, windowing).ids, plain.ids)


def test_a_folder_without_tokenizer_json_is_read(tmp_path: Path) -> None:
    folder = write_model("bert", tmp_path / "model")
    tokenizer = load_tokenizer(folder)
    vocab = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token, _ in vocab))
    assert ids(folder) == tokenizer(TEXT, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("kind", ["albert", "funnel", "nystromformer", "rembert", "splinter", "xlnet"])
def test_segments_are_those_of_the_version_that_wrote_the_folder(kind: str, tmp_path: Path) -> None:
    folder = write_model(kind, tmp_path / "model")
    config, settings = folder / "config.json", folder / "tokenizer_config.json"
    assert has_segments(folder)
    edit(config, transformers_version=None)  # as the first versions did
    assert has_segments(folder)
    edit(config, transformers_version="5.4.0.dev0")
    assert not has_segments(folder)
    edit(settings, model_input_names=["input_ids", "token_type_ids", "attention_mask"])
    assert has_segments(folder)
    edit(config, transformers_version="4.30.1")
    edit(settings, model_input_names=["input_ids", "attention_mask"])
    assert not has_segments(folder)


@pytest.mark.parametrize("kind", ["big_bird", "camembert", "longformer", "mpnet", "roberta", "xlm-roberta"])
def test_tokenizers_that_never_gave_segments_give_none(kind: str, tmp_path: Path) -> None:
    assert not has_segments(write_model(kind, tmp_path / "model"))


def test_the_class_of_the_old_version_counts(tmp_path: Path) -> None:
    folder = write_model("albert", tmp_path / "model")
    settings = folder / "tokenizer_config.json"
    edit(settings, tokenizer_class="AlbertTokenizerFast")
    assert has_segments(folder)
    edit(settings, tokenizer_class="PreTrainedTokenizerFast")
    assert has_segments(folder)
    edit(settings, tokenizer_class="XLMRobertaTokenizerFast")
    assert not has_segments(folder)


def test_segments_outlive_training(tmp_path: Path) -> None:
    """A folder that this package writes is written by transformers 5, with segments where it had them."""
    folder = write_model("albert", tmp_path / "model")
    save(load_model(folder), load_tokenizer(folder), tmp_path / "trained")
    assert json.loads((tmp_path / "trained" / "config.json").read_text())["transformers_version"].startswith("5.")
    assert has_segments(tmp_path / "trained")


def test_segments_are_fed_where_the_model_has_a_choice(tmp_path: Path) -> None:
    """BERT with a tokenizer that has no class of its own and names no inputs."""
    tokenizer = nameless()()
    save(sharp_model("bert", tokenizer), tokenizer, tmp_path / "model")
    edit(tmp_path / "model" / "config.json", transformers_version="4.57.6")
    reader = Reader.load(tmp_path / "model", Computing(device="cpu"))
    features = make_features(reader.tokenizer, ASKED, WINDOWING)
    tokens = torch.tensor(features.ids)[None].long()
    context = (torch.arange(tokens.shape[1]) >= int(features.context[0, 0])).long()[None]
    with torch.no_grad():
        own, other = (load_model(tmp_path / "model")(tokens, token_type_ids=types) for types in (context, None))
    found = reader.logits(features, lambda done: None)
    np.testing.assert_allclose(found[:, 0], own.start_logits[0], atol=1e-4)
    assert abs(found[:, 0] - other.start_logits[0].numpy()).max() > 1e-2


@pytest.mark.parametrize(("kind", "settings"), [("roberta", {"type_vocab_size": 1}), ("modernbert", {})])
def test_segments_are_left_out_where_there_is_no_choice(kind: str, settings: dict[str, Any], tmp_path: Path) -> None:
    tokenizer = nameless()()
    save(sharp_model(kind, tokenizer, **settings), tokenizer, tmp_path / "model")
    edit(tmp_path / "model" / "config.json", transformers_version="4.57.6")
    reader = Reader.load(tmp_path / "model", Computing(device="cpu"))
    features = make_features(reader.tokenizer, ASKED, WINDOWING)
    assert features.types is not None
    assert fit_segments(reader.model, features).types is None
    with torch.no_grad():
        own = load_model(tmp_path / "model")(torch.tensor(features.ids)[None].long())
    np.testing.assert_allclose(reader.logits(features, lambda done: None)[:, 1], own.end_logits[0], atol=1e-4)


def test_more_segments_than_the_model_knows_are_an_error(tmp_path: Path) -> None:
    reader = Reader.load(write_model("bert", tmp_path / "bert"), Computing(device="cpu"))
    funnel = load_tokenizer(write_model("funnel", tmp_path / "funnel"))
    features = make_features(funnel, ASKED, WINDOWING)
    with pytest.raises(ModelError, match="found segments up to 2, expected less than the 2 that the bert model"):
        reader.logits(features, lambda done: None)
