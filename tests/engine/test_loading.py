"""Model folders that cannot be used."""

from __future__ import annotations

import contextlib
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")
import torch
from transformers import BertConfig, BertForQuestionAnswering, BertModel, BertTokenizer

from harness.engine.loading import check_fit, load_model, load_tokenizer, longest_input, save
from harness.errors import ModelError

pytestmark = pytest.mark.torch


@pytest.fixture
def model(build: Callable[..., Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(build(), tmp_path / "model"))


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A BERT encoder without question-answering head, as published encoders are."""
    vocab = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "orvel", "who", "?"])}
    config = BertConfig(
        vocab_size=len(vocab), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    save(BertModel(config), BertTokenizer(vocab=vocab), tmp_path / "encoder")
    return tmp_path / "encoder"


def refused(call: Callable[[], object]) -> str:
    """The message of the `ModelError` that `call` raises: one line with where, found, expected and what to do."""
    with pytest.raises(ModelError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert str(caught.value.model) in message
    assert "found " in message
    assert "expected " in message
    return message


def test_missing_folder(tmp_path: Path) -> None:
    assert "no such folder" in refused(lambda: load_model(tmp_path / "none"))
    assert "no such folder" in refused(lambda: load_tokenizer(tmp_path / "none"))


def test_folder_without_config(model: Path) -> None:
    (model / "config.json").unlink()
    assert "expected a model's config.json" in refused(lambda: load_model(model))
    assert "expected a model's config.json" in refused(lambda: load_tokenizer(model))


def test_folder_without_weights(model: Path) -> None:
    (model / "model.safetensors").unlink()
    assert "expected safetensors weights" in refused(lambda: load_model(model))


def pickle_weights(model: Path, parts: int = 1) -> None:
    """Put pickled weights in the place of safetensors, in one file or in several with an index."""
    state = load_model(model).state_dict()
    (model / "model.safetensors").unlink()
    names = sorted(state)
    files = {name: f"pytorch_model-{at % parts + 1:05d}-of-{parts:05d}.bin" for at, name in enumerate(names)}
    if parts == 1:
        files = dict.fromkeys(names, "pytorch_model.bin")
    else:
        index = {"metadata": {"total_size": 1}, "weight_map": files}
        (model / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    for file in set(files.values()):
        torch.save({name: state[name] for name in names if files[name] == file}, model / file)


@pytest.mark.parametrize("parts", [1, 3])
def test_pickled_weights_are_read_only_on_demand(model: Path, parts: int) -> None:
    state = load_model(model).state_dict()
    pickle_weights(model, parts)
    message = refused(lambda: load_model(model))
    assert "expected safetensors weights" in message
    assert "--allow-pickle" in message
    assert "pytorch_model.bin" in message
    loaded = load_model(model, allow_pickle=True).state_dict()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], state[name]) for name in state)


def test_safetensors_go_before_pickled_weights(model: Path, tmp_path: Path) -> None:
    (model / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    load_model(model)
    load_model(model, allow_pickle=True)
    assert not (tmp_path / "sprung").exists()


def test_no_weights_at_all(model: Path) -> None:
    (model / "model.safetensors").unlink()
    assert "expected safetensors weights" in refused(lambda: load_model(model, allow_pickle=True))


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.write_text, (self.path, "sprung"))


def test_damaged_weights_are_never_unpickled(model: Path, tmp_path: Path) -> None:
    (model / "model.safetensors").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    assert "cannot be read" in refused(lambda: load_model(model))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("how", ["plain", "zipped", "beside tensors", "in a part"])
def test_pickles_that_are_more_than_tensors_are_never_unpickled(model: Path, tmp_path: Path, how: str) -> None:
    pickle_weights(model, 2 if how == "in a part" else 1)
    weights = next(model.glob("*.bin"))
    trap = Trap(tmp_path / "sprung")
    if how == "plain":
        weights.write_bytes(pickle.dumps(trap))
    elif how == "zipped":
        torch.save(trap, weights)
    else:
        torch.save(torch.load(weights) | {"qa_outputs.extra": trap}, weights)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({name: config[name] for name in config if name != "dtype"}))
    for dtype in (torch.float32, "auto"):  # which the weights are asked for
        assert "cannot be read" in refused(lambda dtype=dtype: load_model(model, allow_pickle=True, dtype=dtype))
    assert not (tmp_path / "sprung").exists()
    with contextlib.suppress(RuntimeError):  # of a file that is no checkpoint, when it is too late
        torch.load(weights, weights_only=False)
    assert (tmp_path / "sprung").exists()


def test_code_in_a_model_folder_is_not_run(model: Path, tmp_path: Path) -> None:
    (model / "trap.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w').write('x')\nclass C: pass\n")
    config = json.loads((model / "config.json").read_text())
    auto_map = {"AutoConfig": "trap.C", "AutoModelForQuestionAnswering": "trap.C"}
    config |= {"auto_map": auto_map, "model_type": "made-up"}
    (model / "config.json").write_text(json.dumps(config))
    refused(lambda: load_model(model))
    load_tokenizer(model)
    assert not (tmp_path / "sprung").exists()


def test_code_in_the_folder_of_a_known_model_is_not_run(model: Path, tmp_path: Path) -> None:
    (model / "trap.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w').write('x')\nclass C: pass\n")
    auto_map = {
        "AutoConfig": "trap.C",
        "AutoModelForQuestionAnswering": "trap.C",
        "AutoTokenizer": ["trap.C", "trap.C"],
    }
    for name in ("config.json", "tokenizer_config.json"):
        content = json.loads((model / name).read_text())
        (model / name).write_text(json.dumps(content | {"auto_map": auto_map}))
    assert type(load_model(model)).__name__ == "RobertaForQuestionAnswering"
    assert type(load_tokenizer(model)).__name__ == "RobertaTokenizer"
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
def test_attention_code_from_elsewhere_is_not_fetched(model: Path, key: str) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {key: "someone/attention"}))
    assert f"{key} names code outside of transformers, someone/attention" in refused(lambda: load_model(model))


@pytest.mark.parametrize(
    "config", ["", "[]", "{}", '{"model_type": 3}', '{"model_type": "roberta", "hidden_size": "x"}']
)
def test_broken_config(model: Path, config: str) -> None:
    (model / "config.json").write_text(config)
    assert str(model) in refused(lambda: load_model(model))


def test_config_that_does_not_fit_the_weights(model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    assert "encoder's tensors" in refused(lambda: load_model(model))
    (model / "config.json").write_text(json.dumps(config | {"intermediate_size": 64}))
    refused(lambda: load_model(model))


def test_folder_without_tokenizer(model: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (model / name).unlink()
    assert "expected a fast tokenizer" in refused(lambda: load_tokenizer(model))
    (model / "vocab.json").write_text('{"a": 0}')  # without merges
    assert "expected a fast tokenizer" in refused(lambda: load_tokenizer(model))


def test_broken_tokenizer(model: Path) -> None:
    (model / "tokenizer.json").write_text("{}")
    assert "cannot be read" in refused(lambda: load_tokenizer(model))


def test_tokenizer_of_another_model(build: Callable[..., Path], encoder: Path) -> None:
    with pytest.raises(ModelError, match="expected a tokenizer that fits"):
        check_fit(encoder, load_model(encoder, fresh_head=True), load_tokenizer(build()))


def test_a_tokenizer_may_know_far_fewer_tokens_than_the_model(tmp_path: Path) -> None:
    tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])})
    config = BertConfig(
        vocab_size=30000, hidden_size=4, num_hidden_layers=1, num_attention_heads=2, intermediate_size=4
    )
    check_fit(tmp_path, BertForQuestionAnswering(config), tokenizer)
    config.vocab_size = 4  # one less than the tokenizer knows
    with pytest.raises(ModelError, match="expected a tokenizer that fits"):
        check_fit(tmp_path, BertForQuestionAnswering(config), tokenizer)


def test_what_a_folder_was_trained_for_before_leaves_no_trace(encoder: Path) -> None:
    labels = {"0": "neither", "1": "this", "2": "that"}
    config = json.loads((encoder / "config.json").read_text())
    config |= {"id2label": labels, "label2id": {name: int(i) for i, name in labels.items()}, "return_dict": False}
    (encoder / "config.json").write_text(json.dumps(config))
    model = load_model(encoder, fresh_head=True)
    assert isinstance(model, BertForQuestionAnswering)
    assert model.qa_outputs.out_features == 2
    with torch.no_grad():
        assert model(torch.tensor([[2, 5, 3]])).start_logits.shape == (1, 3)


def test_encoder_gets_a_head_only_where_training_follows(encoder: Path) -> None:
    assert "no question-answering head" in refused(lambda: load_model(encoder))
    torch.manual_seed(3)
    one = load_model(encoder, fresh_head=True)
    torch.manual_seed(3)
    same = load_model(encoder, fresh_head=True)
    other = load_model(encoder, fresh_head=True)
    assert isinstance(one, BertForQuestionAnswering)
    assert torch.equal(one.qa_outputs.weight, same.qa_outputs.weight)
    assert not torch.equal(one.qa_outputs.weight, other.qa_outputs.weight)


def test_loading_leaves_the_console_alone(encoder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_tokenizer(encoder)
    load_model(encoder, fresh_head=True)
    assert capfd.readouterr() == ("", "")


def test_half_precision_weights_are_read_as_single(model: Path) -> None:
    save(load_model(model).half(), load_tokenizer(model), model)
    assert {parameter.dtype for parameter in load_model(model).parameters()} == {torch.float32}


def test_longest_input(model: Path, encoder: Path) -> None:
    assert longest_input(load_model(model)) == 256  # RoBERTa: two positions are not used
    assert longest_input(load_model(encoder, fresh_head=True)) == 512
