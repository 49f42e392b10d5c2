"""One question: the pipeline's probabilities, written out plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
import torch

from harness.engine.answer import Answerer
from harness.engine.loading import load_model, load_tokenizer
from harness.errors import RecipeError

pytestmark = pytest.mark.torch
CONTEXT = "Orvel lies by the sea. It was founded by Ada Merk in 1204."


def test_score_is_the_product_of_two_softmaxes(sharp: Path) -> None:
    tokenizer, model = load_tokenizer(sharp), load_model(sharp)
    encoded = tokenizer("Who founded it?", CONTEXT, return_tensors="pt", return_offsets_mapping=True)
    inside = [i for i, s in enumerate(encoded.sequence_ids(0)) if s == 1]
    with torch.no_grad():
        output = model(input_ids=encoded["input_ids"])
    start = torch.softmax(output.start_logits[0, [0, *inside]].double(), 0)[1:]
    end = torch.softmax(output.end_logits[0, [0, *inside]].double(), 0)[1:]
    offsets = encoded["offset_mapping"][0, inside].tolist()
    best: dict[str, float] = {}
    for i in range(len(inside)):
        for j in range(i, min(len(inside), i + 15)):
            text = CONTEXT[offsets[i][0] : offsets[j][1]].lower()
            best[text] = max(best.get(text, 0.0), float(start[i] * end[j]))
    wanted = max(best, key=lambda text: best[text])
    (found,) = Answerer(sharp)("Who founded it?", CONTEXT, whole_words=False)
    assert found.answer.lower() == wanted
    assert found.score >= best[wanted] - 1e-4
    assert CONTEXT[found.start : found.end] == found.answer


def test_whole_words_no_answer_and_many_answers(sharp: Path) -> None:
    answerer = Answerer(sharp)
    found = answerer("Who founded it?", CONTEXT, top_k=5, impossible=True)
    assert 1 <= len(found) <= 5
    assert [a.score for a in found] == sorted((a.score for a in found), reverse=True)
    for answer in found:
        assert CONTEXT[answer.start : answer.end] == answer.answer
        before, after = CONTEXT[max(0, answer.start - 1) : answer.start], CONTEXT[answer.end : answer.end + 1]
        assert not answer.answer or not (before.isalpha() and answer.answer[0].isalpha())
        assert not answer.answer or not (after.isalpha() and answer.answer[-1].isalpha())
    assert answerer("Who?", "") == ()
    assert [a.answer for a in answerer("Who?", "", impossible=True)] == [""]


def test_lengths_below_one_are_refused(sharp: Path) -> None:
    with pytest.raises(RecipeError, match="top_k is 0"):
        Answerer(sharp)("Who?", CONTEXT, top_k=0)
