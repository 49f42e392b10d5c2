"""What padding does to each architecture, and what earlier inputs do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

pytest.importorskip("torch")
import numpy as np
import torch
from tiny_models import KINDS, OTHERS, sharp_model, write_model
from transformers import PreTrainedModel

from harness.engine.architectures import PADDED, notices_padding
from harness.engine.batches import Padding, inference_batches
from harness.engine.computing import Computing
from harness.engine.features import Features, Windowing, make_features
from harness.engine.loading import load_model
from harness.engine.predict import predict
from harness.engine.reader import Reader
from harness.progress import silent
from harness.records import Decoding, Question

pytestmark = pytest.mark.torch

WINDOWING = Windowing(64, 12, 24)
SETTINGS = {name: kind.settings for name, kind in KINDS.items()}
VARIANTS = [*SETTINGS.items(), *OTHERS.items()]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Several threads lose more by waiting than they gain on models this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def load(folder: Path) -> Reader:
    return Reader.load(folder, Computing(device="cpu", token_budget=1000))


def logits(model: PreTrainedModel, ids: torch.Tensor, mask: torch.Tensor, **more: torch.Tensor) -> torch.Tensor:
    """[rows, tokens, 2]"""
    with torch.inference_mode():
        output = model(input_ids=ids, attention_mask=mask, **more)
    return torch.stack([output.start_logits, output.end_logits], dim=-1)


def moved_by_padding(type_: str, settings: dict[str, Any]) -> float:
    """The largest change of a token's logit where padding follows its window."""
    model = sharp_model(type_, **settings)
    largest = 0.0
    for length in (9, 24, 37):
        ids = torch.randint(10, 50, (1, length), generator=torch.Generator().manual_seed(length))
        ids[0, [3, 4, -1]] = 2  # separators, as many as Longformer insists on
        mask = torch.ones_like(ids)
        alone = logits(model, ids, mask)
        for more in (1, 2, 11):
            padded = torch.nn.functional.pad(ids, (0, more), value=1), torch.nn.functional.pad(mask, (0, more))
            largest = max(largest, float((logits(model, *padded)[:, :length] - alone).abs().max()))
    return largest


@pytest.mark.parametrize(("type_", "settings"), [item for item in VARIANTS if item[0] in PADDED])
def test_padding_does_not_move_the_logits_of_others(type_: str, settings: dict[str, Any]) -> None:
    assert moved_by_padding(type_, settings) < 1e-4


def test_each_architecture_said_not_to_notice_padding_was_asked() -> None:
    assert {name for name, _ in VARIANTS} >= PADDED


@pytest.mark.parametrize("type_", sorted(KINDS.keys() - PADDED - {"big_bird"}))
def test_the_others_are_right_to_go_without(type_: str) -> None:
    assert moved_by_padding(type_, SETTINGS[type_]) > 1e-3
    assert notices_padding(sharp_model(type_, **SETTINGS[type_]))


def test_even_batches_hold_one_length_each() -> None:
    lengths = [3, 5, 5, 2, 5, 3, 5]
    made = Features(
        ids=np.arange(sum(lengths), dtype=np.int32),
        types=None,
        characters=np.zeros((sum(lengths), 2), dtype=np.int32),
        bounds=np.cumsum([0, *lengths], dtype=np.int64),
        question=np.arange(len(lengths), dtype=np.int32),
        context=np.zeros((len(lengths), 2), dtype=np.int32),
        cls=np.zeros(len(lengths), dtype=np.int32),
    )
    batches = [made.lengths[rows].tolist() for rows in inference_batches(made, 16, even=True)]
    assert batches == [[5, 5, 5], [5], [3, 3], [2]]
    assert [len(rows) for rows in inference_batches(made, 16)] == [3, 3, 1]


def test_padding_on_either_side_is_the_same_to_xlnet(
    tmp_path: Path, make_questions: Callable[..., list[Question]]
) -> None:
    """Its tokenizer pads on the left; its positions are relative, so that padding on the right does as well."""
    reader = load(write_model("xlnet", tmp_path / "model"))
    assert reader.tokenizer.padding_side == "left"
    assert not Padding.of(reader.tokenizer).left
    asked = make_questions(9)
    features = make_features(reader.tokenizer, asked, WINDOWING)
    assert np.ptp(features.lengths[features.question < 9]) > 0
    found = reader.logits(features, lambda done: None)
    texts = [question.context for question in asked], [question.question for question in asked]
    padded = reader.tokenizer(*texts, padding=True, return_tensors="pt")
    assert (padded["input_ids"][:, 0] == reader.tokenizer.pad_token_id).any()
    with torch.inference_mode():
        output = reader.model(**padded)
    own = torch.stack([output.start_logits, output.end_logits], dim=-1)[padded["attention_mask"].bool()]
    np.testing.assert_allclose(found, own, atol=1e-4)


def test_bert_counts_positions_from_the_first_token_whatever_side_its_tokenizer_pads(
    tmp_path: Path, make_questions: Callable[..., list[Question]]
) -> None:
    reader = load(write_model("bert", tmp_path / "model"))
    reader.tokenizer.padding_side = "left"
    features = make_features(reader.tokenizer, make_questions(9), WINDOWING)
    found = reader.logits(features, lambda done: None)
    np.testing.assert_allclose(found, replace(reader, budget=1).logits(features, lambda done: None), atol=1e-4)


def test_short_inputs_do_not_change_how_bigbird_reads_long_ones(
    tmp_path: Path, make_questions: Callable[..., list[Question]]
) -> None:
    reader = load(write_model("big_bird", tmp_path / "model"))
    (question,) = make_questions(1)
    long = make_features(reader.tokenizer, [question], WINDOWING)
    short = make_features(reader.tokenizer, [replace(question, context="by sea")], WINDOWING)
    before = reader.logits(long, lambda done: None)
    assert short.lengths.max() <= 28 < long.lengths.min()  # up to 28 tokens the attention is full
    reader.logits(short, lambda done: None)
    np.testing.assert_array_equal(reader.logits(long, lambda done: None), before)
    reader.model.bert.set_attention_type("original_full")
    reader.model.config.attention_type = "original_full"
    assert abs(reader.logits(long, lambda done: None) - before).max() > 1e-2


@pytest.mark.parametrize("type_", ["longformer", "big_bird", "splinter", "roberta"])
def test_special_tokens_in_a_text_stop_nothing(
    type_: str, tmp_path: Path, make_questions: Callable[..., list[Question]]
) -> None:
    folder = write_model(type_, tmp_path / "model")
    odd = "Orvel </s> lies <s> by [SEP] the [QUESTION] sea <pad>. It was founded in 1987."
    (question,) = make_questions(1)
    asked = [
        question,
        replace(question, id="odd", context=odd),
        replace(question, id="both", context=odd, question=odd),
    ]
    decoding = Decoding(max_seq_len=108, doc_stride=12, max_query_length=50, forced_answer=True)
    found = predict(folder, asked, decoding, silent, Computing(device="cpu"))
    assert all(found.answers[one.id] and found.answers[one.id] in one.context for one in asked)
    if type_ != "longformer":  # which does not read them by itself
        reader, model = load(folder), load_model(folder)
        features = make_features(reader.tokenizer, asked, Windowing.of(decoding))
        expected = []
        for i in range(len(features)):
            tokens = slice(features.bounds[i], features.bounds[i + 1])
            ids = torch.tensor(features.ids[tokens]).long()[None]
            types = {} if features.types is None else {"token_type_ids": torch.tensor(features.types[tokens])[None]}
            expected.append(logits(model, ids, torch.ones_like(ids), **types)[0])
        own = torch.cat(expected)
        np.testing.assert_allclose(reader.logits(features, lambda done: None), own, rtol=1e-6, atol=1e-4)


def test_bigbird_and_funnel_read_one_input_at_a_time(tmp_path: Path) -> None:
    """What they note in the model while they read would otherwise be another input's."""
    for type_ in ("big_bird", "funnel"):
        model = load_model(write_model(type_, tmp_path / type_))
        inputs = [torch.randint(8, 40, (1, length)) for length in (12, 60, 25, 44) * 6]
        alone = [logits(model, ids, torch.ones_like(ids)) for ids in inputs]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda ids: logits(model, ids, torch.ones_like(ids)), inputs))  # noqa: B023
        assert all(torch.allclose(one, other, atol=1e-4) for one, other in zip(alone, together, strict=True))
        with pytest.raises(ValueError, match="both input_ids and inputs_embeds"):
            model(input_ids=inputs[0], inputs_embeds=torch.zeros(1, 12, 32))
        again = Thread(target=logits, args=(model, inputs[0], torch.ones_like(inputs[0])), daemon=True)
        again.start()
        again.join(20)
        assert not again.is_alive()  # an error leaves nobody waiting
