"""Kept logits: going on after an interruption, and other decodings without the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
import numpy as np

from harness.engine import TorchEngine
from harness.engine import predict as module
from harness.engine.features import Windowing, make_features
from harness.engine.loading import load_tokenizer
from harness.errors import RecordError
from harness.records import Decoding, Question
from harness.spans.kept import KeptLogits, rescore_logits

pytestmark = pytest.mark.torch


def test_interrupted_prediction_goes_on_and_rescoring_needs_no_model(
    build: Callable[..., Path],
    questions: list[Question],
    decoding: Decoding,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PART_QUESTIONS", 10)
    folder = tmp_path / "kept"
    engine = TorchEngine()
    whole = engine.predict(build(), questions, decoding, keep=folder)
    parts = sorted(folder.glob("part-*.npz"))
    assert len(parts) == 3
    parts[1].write_bytes(parts[1].read_bytes()[:100])
    parts[2].unlink()
    with pytest.raises(RecordError, match="found no part 2 of 3"):
        rescore_logits(folder, questions, decoding)
    before = parts[0].stat().st_mtime_ns
    again = engine.predict(build(), questions, decoding, keep=folder)
    assert parts[0].stat().st_mtime_ns == before
    assert (again.answers, again.null_odds, dict(again.n_best)) == (whole.answers, whole.null_odds, dict(whole.n_best))
    whole_part = parts[0].read_bytes()
    for place in range(40, len(whole_part), len(whole_part) // 40):  # whatever bit has flipped, the part is made again
        parts[0].write_bytes(whole_part[:place] + bytes([whole_part[place] ^ 16]) + whole_part[place + 1 :])
        KeptLogits.open(folder).read(0)
    parts[0].write_bytes(whole_part)
    other = replace(decoding, null_threshold=-1e9, n_best=3)
    assert set(rescore_logits(folder, questions, other).answers.values()) == {""}
    assert rescore_logits(folder, questions, decoding).null_odds == whole.null_odds
    with pytest.raises(RecordError, match="another max_seq_len"):
        engine.predict(build(), questions, replace(decoding, max_seq_len=90), keep=folder)
    with pytest.raises(RecordError, match="found logits of other questions"):
        rescore_logits(folder, questions[1:], decoding)


def test_farm_steps_where_run_qa_overlaps(build: Callable[..., Path]) -> None:
    tokenizer = load_tokenizer(build())
    context = "Orvel \U0001f600 lies by the sea. " * 30
    question = Question("q", "0:0", context, " Who founded it?", ())
    made = make_features(tokenizer, [question], Windowing(96, 32, 24, "farm", "step"))
    asked = tokenizer(question.question, add_special_tokens=False)["input_ids"]
    tokens = tokenizer(context, add_special_tokens=False)["input_ids"]
    room = 96 - len(asked) - 4
    starts = [32 * k for k in range(len(made))]
    assert starts[-1] + room >= len(tokens) > starts[-2] + room
    for i, first in enumerate(starts):
        ids = made.ids[made.bounds[i] : made.bounds[i + 1]]
        part = tokens[first : first + room]
        low, high = made.context[i]
        assert ids[low:high].tolist() == part
        assert ids[1 : 1 + len(asked)].tolist() == asked
    assert made.cls.tolist() == [0] * len(made)
    last = made.characters[made.bounds[-1] - 2]
    assert last[1] == len(context)
    assert np.all(made.lengths <= 96)
