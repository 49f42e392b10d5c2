"""The intermediate-layer loss against a plain writing, and what its training leaves alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
import numpy as np
import torch
from safetensors.torch import load_file

from harness.engine import TorchEngine, hidden
from harness.engine.loading import load_model
from harness.errors import RecipeError
from harness.records import Question, Stage

pytestmark = pytest.mark.torch
engine = TorchEngine()


def layers(count: int, shape: tuple[int, ...], seed: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(shape, generator=generator, dtype=torch.float32) for _ in range(count))


def test_layers_go_with_every_kth() -> None:
    assert hidden.map_layers(6, 12) == (2, 4, 6, 8, 10, 12)
    assert hidden.map_layers(4, 4) == (1, 2, 3, 4)
    assert hidden.map_layers(2, 5, (1, 4)) == (1, 4)
    with pytest.raises(RecipeError, match="the first do not divide the second"):
        hidden.map_layers(5, 12)
    for wrong in ((1,), (0, 1), (1, 6)):
        with pytest.raises(RecipeError, match="layer_map: found"):
            hidden.map_layers(2, 5, wrong)


def test_without_mask_it_is_the_published_sum_of_means() -> None:
    """haystack 1.x: a sum of `torch.nn.functional.mse_loss` over M attentions and M + 1 hidden states."""
    mse = torch.nn.functional.mse_loss
    ours, theirs = layers(4, (2, 5, 8), 1), layers(7, (2, 5, 8), 2)
    chosen = hidden.map_layers(3, 6)
    expected = sum(mse(ours[m], theirs[2 * m]) for m in range(4))
    assert hidden.hidden_state_loss(ours, theirs, chosen).mean().item() == pytest.approx(float(expected), rel=1e-6)
    ours, theirs = layers(3, (2, 4, 5, 5), 3), layers(6, (2, 4, 5, 5), 4)
    expected = sum(mse(ours[m], theirs[2 * m + 1]) for m in range(3))
    assert hidden.attention_loss(ours, theirs, chosen).mean().item() == pytest.approx(float(expected), rel=1e-6)


def test_masked_scores_count_as_nothing_on_both_sides() -> None:
    ours, theirs = layers(1, (1, 2, 3, 3), 5), layers(1, (1, 2, 3, 3), 6)
    ours[0][..., 2] += torch.finfo(torch.float32).min
    theirs[0][..., 2] += torch.finfo(torch.float32).min
    plain = float(((ours[0][..., :2] - theirs[0][..., :2]) ** 2).sum() / ours[0].numel())
    assert hidden.attention_loss(ours, theirs, (1,)).item() == pytest.approx(plain, rel=1e-6)


def test_with_a_mask_padding_has_no_part() -> None:
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool)
    states, attentions = (2, 5, 8), (2, 4, 5, 5)
    for function, shape in ((hidden.hidden_state_loss, states), (hidden.attention_loss, attentions)):
        ours, theirs = layers(3, shape, 7), layers(3, shape, 8)
        chosen = (1, 2) if function is hidden.hidden_state_loss else (1, 2, 3)
        short = tuple(x[:1, :3] if x.dim() == 3 else x[:1, :, :3, :3] for x in ours)
        short_theirs = tuple(x[:1, :3] if x.dim() == 3 else x[:1, :, :3, :3] for x in theirs)
        alone = function(short, short_theirs, chosen)
        assert function(ours, theirs, chosen, mask)[0].item() == pytest.approx(alone.item(), rel=1e-6)


def test_a_student_of_every_second_layer_comes_closer(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    teacher = build("pocket/roberta-4x32", seed=3)
    stage = make_stage(kind="distil_hidden", student_layers=(2, 4), epochs=6, learning_rate=1e-3)
    for target in ("probabilities", "scores"):
        training = engine.train(
            replace(stage, attention_target=target),
            build("pocket/roberta-4x32", seed=5),
            teacher,
            questions,
            tmp_path / target,
        )
        assert training.history[-1]["loss"] < 0.8 * training.history[0]["loss"]
    config = json.loads((tmp_path / "scores" / "config.json").read_text())
    assert config["num_hidden_layers"] == 2


@pytest.mark.parametrize("padding", ["longest", "fixed"])
def test_the_head_stays_as_it_was(
    padding: str,
    build: Callable[..., Path],
    questions: list[Question],
    make_stage: Callable[..., Stage],
    tmp_path: Path,
) -> None:
    stage = make_stage(kind="distil_hidden", weight_decay=0.5, weight_decay_on="all", padding=padding)
    engine.train(stage, build(seed=4), build(seed=3), questions, tmp_path / "m")
    before, after = load_file(build(seed=4) / "model.safetensors"), load_file(tmp_path / "m" / "model.safetensors")
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if not name.startswith("qa_outputs")}


def test_projections_train_one_per_hidden_state_and_are_not_saved(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    wide, narrow = tmp_path / "wide", build("pocket/roberta-2x32")
    from transformers import RobertaConfig, RobertaForQuestionAnswering

    from harness.engine.loading import load_tokenizer, save

    config = load_model(narrow).config.to_dict() | {"hidden_size": 48, "num_attention_heads": 1}
    torch.manual_seed(0)
    save(RobertaForQuestionAnswering(RobertaConfig(**config)), load_tokenizer(narrow), wide)
    student, teacher = load_model(narrow), load_model(wide)
    projections = hidden.make_projections(student, teacher)
    assert projections is not None
    assert [tuple(p.weight.shape) for p in projections] == [(48, 32)] * 3
    assert hidden.make_projections(student, student) is None

    learned: list[list[np.ndarray]] = []
    plain = hidden.hidden_state_loss

    def spy(*args: object) -> torch.Tensor:
        learned.append([p.weight.detach().numpy().copy() for p in args[4]])  # type: ignore[attr-defined]
        return plain(*args)  # type: ignore[arg-type]

    from harness.engine import trainer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "hidden_state_loss", spy)
        engine.train(make_stage(kind="distil_hidden"), narrow, wide, questions, tmp_path / "m")
    assert all(not np.array_equal(first, last) for first, last in zip(learned[0], learned[-1], strict=True))
    assert load_file(tmp_path / "m" / "model.safetensors").keys() == load_file(narrow / "model.safetensors").keys()


def test_other_numbers_of_heads_are_refused(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="attention heads"):
        stage = make_stage(kind="distil_hidden")
        engine.train(stage, build("pocket/roberta-2x32"), build("pocket/roberta-2x64"), questions, tmp_path / "m")
