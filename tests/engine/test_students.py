"""What a training starts from: some layers of a checkpoint, its configuration alone, dropout before the head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
import torch
from transformers import (
    AutoConfig,
    AutoModelForQuestionAnswering,
    BertConfig,
    BertForQuestionAnswering,
    DistilBertConfig,
    DistilBertForQuestionAnswering,
)

from harness.engine import TorchEngine
from harness.engine.loading import load_model, load_tokenizer, save
from harness.engine.students import load_student, take_layers, with_dropouts, with_head_dropout
from harness.errors import ModelError, RecipeError
from harness.records import Question, Stage

pytestmark = pytest.mark.torch
engine = TorchEngine()
IDS = torch.arange(3, 15).reshape(2, 6)


def small(kind: str) -> Any:
    torch.manual_seed(0)
    if kind == "bert":
        shape = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32}
        return BertForQuestionAnswering(BertConfig(vocab_size=30, **shape)).eval()
    return DistilBertForQuestionAnswering(DistilBertConfig(vocab_size=30, dim=16, n_layers=4, n_heads=2)).eval()


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_chosen_layers_are_the_checkpoints_own(kind: str) -> None:
    model = small(kind)
    student = take_layers(model, (2, 4))
    with torch.no_grad():
        states = model(IDS, output_hidden_states=True).hidden_states
        layers = next(m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == 4)
        expected = states[0]
        for number in (1, 3):
            out = layers[number](expected)
            expected = out[0] if isinstance(out, tuple) else out
        found = student(IDS, output_hidden_states=True)
    assert len(found.hidden_states) == 3
    torch.testing.assert_close(found.hidden_states[-1], expected)
    assert torch.equal(model.qa_outputs.weight, student.qa_outputs.weight)
    assert student.config.num_hidden_layers == 2
    assert model.config.num_hidden_layers == 4


def test_layers_that_are_not_there_are_refused() -> None:
    with pytest.raises(RecipeError, match="expected layers from 1 to 4"):
        take_layers(small("bert"), (2, 5))
    odd = small("bert")
    odd.config.num_hidden_layers = 7
    with pytest.raises(ModelError, match="without one list of its 7 layers"):
        take_layers(odd, (1,))


def test_random_weights_need_no_checkpoint(
    build: Callable[..., Path], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    model, tokenizer = load_model(build()), load_tokenizer(build())
    save(model, tokenizer, tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").unlink()
    stage = make_stage(student_weights="random", student_layers=(1,))

    def draw(seed: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(seed)
        return load_student(tmp_path / "m", stage).state_dict()

    first, same, other = draw(1), draw(1), draw(2)
    name = "roberta.encoder.layer.0.attention.self.query.weight"
    assert torch.equal(first[name], same[name])
    assert not torch.equal(first[name], other[name])
    assert not [name for name in first if "layer.1." in name]
    (tmp_path / "m" / "config.json").write_text('{"model_type": "nothing of the sort"}', "utf-8")
    with pytest.raises(ModelError, match=r"config\.json that gives no question-answering model"):
        draw(1)


def test_head_dropout_acts_in_training_alone() -> None:
    model = with_head_dropout(small("bert"), 0.5)
    plain = small("bert")
    assert torch.equal(model(IDS).start_logits, plain(IDS).start_logits)
    model.bert.eval()
    model.qa_outputs.train()
    drawn = torch.stack([model(IDS).start_logits for _ in range(2000)]).mean(dim=0)
    assert not torch.equal(model(IDS).start_logits, plain(IDS).start_logits)
    torch.testing.assert_close(drawn, plain(IDS).start_logits, atol=0.02, rtol=0.1)
    assert model.state_dict().keys() == plain.state_dict().keys()
    with pytest.raises(RecipeError, match="not one linear layer"):
        odd = small("bert")
        odd.qa_outputs = torch.nn.Sequential(odd.qa_outputs)
        with_head_dropout(odd, 0.1)


def architecture(name: str) -> Any:
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        name,
        vocab_size=30,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        hidden_dropout_prob=0.5,
        attention_probs_dropout_prob=0.5,
    )
    return AutoModelForQuestionAnswering.from_config(config).train()


@pytest.mark.parametrize("name", ["bert", "roberta", "xlm-roberta", "distilbert", "electra", "deberta-v2", "albert"])
def test_a_stated_dropout_is_every_dropouts(name: str, make_stage: Callable[..., Stage]) -> None:
    drawn = architecture(name)
    assert not torch.equal(drawn(IDS).start_logits, drawn(IDS).start_logits)
    own = with_dropouts(architecture(name), make_stage(dropout=None))
    assert not torch.equal(own(IDS).start_logits, own(IDS).start_logits)
    still = with_dropouts(architecture(name), make_stage(dropout=0.0))
    assert torch.equal(still(IDS).start_logits, still(IDS).start_logits)
    assert torch.equal(still(IDS).start_logits, still.eval()(IDS).start_logits)
    assert still.config.to_dict() == drawn.config.to_dict()
    again = with_dropouts(still.train(), make_stage(dropout=0.2))
    assert not torch.equal(again(IDS).start_logits, again(IDS).start_logits)


@pytest.mark.parametrize("name", ["bart", "modernbert"])
def test_a_stated_dropout_is_also_of_those_that_are_off(name: str, make_stage: Callable[..., Stage]) -> None:
    """Where a configuration says 0, a model may have a whole number, or no module for it at all."""
    size = {"d_model": 16, "hidden_size": 16, "intermediate_size": 16, "encoder_layers": 1, "decoder_layers": 1}
    off = {"dropout": 0, "activation_dropout": 0, "attention_dropout": 0, "mlp_dropout": 0, "embedding_dropout": 0}
    heads = {"num_hidden_layers": 1, "num_attention_heads": 2, "encoder_attention_heads": 2}
    padding = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "cls_token_id": 0, "sep_token_id": 2}
    config = AutoConfig.for_model(name, vocab_size=30, **size, **off, **heads, **padding, decoder_attention_heads=2)
    model = AutoModelForQuestionAnswering.from_config(config).train()
    assert torch.equal(model(IDS).start_logits, model(IDS).start_logits)
    with_dropouts(model, make_stage(dropout=0.25))
    wrong = [
        f"{where}.{name}"
        for where, module in model.named_modules()
        for name, value in [*vars(module).items(), *module.named_children()]
        if "drop" in name and "layerdrop" not in name and getattr(value, "p", value) != 0.25
    ]
    assert wrong == []


def test_pieces_of_a_stage_reach_the_training(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    """Every field changes the weights: none is read and forgotten."""
    teacher = build("pocket/roberta-2x32", seed=3)
    asked = [replace(q, context=q.context + " It is old." * (i % 5)) for i, q in enumerate(questions[:10])]
    asked[0] = replace(asked[0], question=f"  {asked[0].question}")  # FARM does not strip it
    plain = make_stage(batch_size=4)
    distilling = replace(plain, kind="distil_logits")
    changes: list[tuple[Stage, dict[str, Any]]] = [
        (plain, {"dropout": 0.4}),
        (plain, {"head_dropout": 0.3}),
        (plain, {"order": "random"}),
        (plain, {"padding": "fixed"}),
        (plain, {"optimizer": "adamw_transformers_3"}),
        (plain, {"adam_beta1": 0.5}),
        (plain, {"adam_epsilon": 1e-2}),
        (plain, {"weight_decay_on": "all", "weight_decay": 0.5}),
        (plain, {"precision": "bfloat16"}),
        (plain, {"loss_scale": 100.0}),
        (plain, {"protocol": "farm", "doc_stride_is": "step"}),
        (plain, {"lower_case": True}),
        (distilling, {"distillation_loss": "mse"}),
        (distilling, {"hidden_loss_weight": 1.0}),
        (distilling, {"temperature": 3.0}),
        (replace(distilling, kind="distil_hidden"), {"attention_target": "probabilities"}),
        (replace(distilling, kind="distil_hidden"), {"layer_map": (2, 1)}),
    ]

    def train(stage: Stage) -> bytes:
        out = tmp_path / "m"
        master = None if stage.kind == "finetune" else teacher
        engine.train(stage, build(), master, asked, out, cache=tmp_path / "cache")
        return (out / "model.safetensors").read_bytes()

    kinds = {stage.kind: stage for stage, _ in changes}
    before = {kind: train(stage) for kind, stage in kinds.items()}
    for stage, change in changes:
        assert train(replace(stage, **change)) != before[stage.kind], change


def test_code_named_in_a_configuration_is_never_asked_for(
    build: Callable[..., Path], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    save(load_model(build()), load_tokenizer(build()), tmp_path / "m")
    file = tmp_path / "m" / "config.json"
    file.write_text(file.read_text("utf-8").replace("{", '{"attn_implementation": "owner/kernels",', 1), "utf-8")
    for weights in ("random", "pretrained"):
        with pytest.raises(ModelError, match="names code outside of transformers"):
            load_student(tmp_path / "m", make_stage(student_weights=weights))


def test_layers_that_differ_are_not_picked() -> None:
    model = small("bert")
    model.config.layer_types = ["full_attention", "sliding_attention"] * 2
    with pytest.raises(ModelError, match=r"whose layers differ \(layer_types\)"):
        take_layers(model, (1, 4))
