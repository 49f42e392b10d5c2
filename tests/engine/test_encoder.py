"""Encoders over windows laid end to end, against the models whose weights they have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("torch")
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import (
    AlbertConfig,
    AlbertForQuestionAnswering,
    BertConfig,
    BertForQuestionAnswering,
    DistilBertConfig,
    DistilBertForQuestionAnswering,
    ElectraConfig,
    ElectraForQuestionAnswering,
    PreTrainedModel,
    RobertaConfig,
    RobertaForQuestionAnswering,
)

from harness.engine.encoder import PackedEncoder
from harness.engine.reader import Streams

pytestmark = pytest.mark.torch
SMALL = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
}


def sharp(model: PreTrainedModel) -> PreTrainedModel:
    """Weights so large that a wrong layer, position or segment shows."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4)
    return model.eval()


def bert(**changes: object) -> PreTrainedModel:
    return sharp(BertForQuestionAnswering(BertConfig(**(SMALL | changes))))


MODELS: dict[str, Callable[[], PreTrainedModel]] = {
    "bert": bert,
    "roberta": lambda: sharp(RobertaForQuestionAnswering(RobertaConfig(**SMALL, type_vocab_size=1, pad_token_id=1))),
    "electra": lambda: sharp(ElectraForQuestionAnswering(ElectraConfig(**SMALL, embedding_size=16))),
}


def by_model(model: PreTrainedModel, ids: torch.Tensor, types: torch.Tensor | None, lengths: list[int]) -> torch.Tensor:
    found = []
    for window, segments in zip(
        ids.split(lengths), (types if types is not None else ids * 0).split(lengths), strict=True
    ):
        with torch.no_grad():
            output = model(input_ids=window[None], token_type_ids=segments[None])
        found.append(torch.stack([output.start_logits[0], output.end_logits[0]], dim=-1))
    return torch.cat(found)


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(1, 36), min_size=1, max_size=9), seed=st.integers(0, 99))
def test_logits_are_the_models_own(name: str, lengths: list[int], seed: int) -> None:
    model, encoder = MODELS[name](), PackedEncoder.of(MODELS[name]())
    assert encoder is not None
    torch.manual_seed(seed)
    ids = torch.randint(5, 60, (sum(lengths),))
    types = torch.randint(0, 2, ids.shape) if name != "roberta" else None
    found = encoder(ids.int(), None if types is None else types.int(), lengths)
    wanted = by_model(model, ids, types, lengths)
    assert torch.allclose(found, wanted, atol=1e-4 * float(wanted.abs().max().clamp(min=1)), rtol=0)


def test_half_precision_stays_near() -> None:
    model, encoder = bert().to(torch.bfloat16), PackedEncoder.of(bert().to(torch.bfloat16))
    assert encoder is not None
    ids = torch.arange(5, 25)
    found, wanted = encoder(ids, None, [12, 8]), by_model(model, ids, None, [12, 8])
    assert found.dtype == torch.float32
    assert (found - wanted).abs().max() < 0.1 * wanted.abs().max()


@pytest.mark.parametrize(
    "model",
    [
        lambda: bert(hidden_act="relu"),
        lambda: bert(hidden_act="gelu_new"),
        lambda: sharp(DistilBertForQuestionAnswering(DistilBertConfig(vocab_size=60, dim=32, n_layers=2, n_heads=4))),
        lambda: sharp(AlbertForQuestionAnswering(AlbertConfig(**SMALL, embedding_size=16))),
    ],
    ids=["relu", "gelu_new", "distilbert", "albert"],
)
def test_other_models_read_for_themselves(model: Callable[[], PreTrainedModel]) -> None:
    assert PackedEncoder.of(model()) is None


def test_an_encoder_that_gives_other_logits_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engine.encoder._groups", lambda lengths: [(1, sum(lengths))])
    assert PackedEncoder.of(bert()) is None


def test_an_operator_that_is_missing_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_reorder_linear_weight", None)
    assert PackedEncoder.of(bert()) is None


def test_streams_share_the_threads_and_give_them_back() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        seen: list[int] = []
        with Streams.on(torch.device("cpu")) as streams:
            assert streams is not None
            jobs = [streams.submit(lambda: seen.append(torch.get_num_threads()) or 1) for _ in range(8)]
            assert [job.result() for job in jobs] == [1] * 8
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
        torch.set_num_threads(1)
        with Streams.on(torch.device("cpu")) as streams:
            assert streams is None
    finally:
        torch.set_num_threads(before)
