"""A model and questions to logits, and by way of `harness.spans` to answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.engine.batches import Padding, inference_batches, lay_out, model_inputs
from harness.engine.distil import SpanLogits
from harness.engine.features import Features, Windowing, make_features
from harness.engine.loading import check_fit, device, load_model, load_tokenizer, longest_input
from harness.engine.meter import Meter
from harness.errors import DataError, RecipeError
from harness.progress import Progress
from harness.records import Decoding, Predictions, Question
from harness.spans import WindowLogits, decode_spans

TOKEN_BUDGET = 8192
"""Tokens per forward pass, padding included."""


def predict(model_folder: Path, questions: Sequence[Question], decoding: Decoding, progress: Progress) -> Predictions:
    """Answer every question; neither the order of the questions nor padding changes an answer.

    Raises:
        ModelError: the folder is no question-answering model with a fitting fast tokenizer.
        RecipeError: the lengths in `decoding` leave no room for the context, or the model reads no input so long.
        DataError: two questions have one id.
        RunError: logits that are no numbers.
    """
    _check_ids(questions)
    tokenizer = load_tokenizer(model_folder)
    model = load_model(model_folder)
    check_fit(model_folder, model, tokenizer)
    windowing = Windowing(decoding.max_seq_len, decoding.doc_stride, decoding.max_query_length)
    tokenizing = Meter(progress, "tokenize", len(questions), "questions")
    features = make_features(tokenizer, questions, windowing, tokenizing.advance)
    check_length(model, features)
    predicting = Meter(progress, "predict", len(questions), "questions")
    logits = window_logits(model, tokenizer, features, predicting)
    return _decode(questions, features, logits, decoding)


def window_logits(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, features: Features, meter: Meter
) -> NDArray[np.float32]:
    """Start and end logit of every token, [tokens, 2], aligned with ``features.ids``; no dropout, no gradient."""
    target = device()
    model.to(target).eval()
    padding = Padding.of(tokenizer)
    logits = np.zeros((len(features.ids), 2), dtype=np.float32)
    done = 0
    for rows in inference_batches(features, TOKEN_BUDGET):
        batch = lay_out(features, rows, padding.left)
        inputs = {name: tensor.to(target) for name, tensor in model_inputs(features, batch, padding).items()}
        with torch.inference_mode():
            output = forward(model, inputs)
        logits[batch.flat] = torch.stack(tuple(output), dim=-1).float().cpu().numpy()[batch.mask]
        done += len(rows)
        meter.advance(meter.total * done // len(features))
    return logits


def forward(model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> SpanLogits:
    """Logits of a batch, by the one code that training, teachers and prediction share."""
    output = model(**inputs)
    return SpanLogits(output.start_logits, output.end_logits)


def check_length(model: PreTrainedModel, features: Features) -> None:
    """Raise `RecipeError` where a window is longer than the model's positions."""
    limit, longest = longest_input(model), int(features.lengths.max(initial=0))
    if limit is not None and longest > limit:
        raise RecipeError(
            f"max_seq_len: found windows of {longest} tokens, expected at most the {limit} that the "
            f"{model.config.model_type} model reads; set max_seq_len to {limit} or less",
            field="max_seq_len",
        )


def _decode(
    questions: Sequence[Question], features: Features, logits: NDArray[np.float32], decoding: Decoding
) -> Predictions:
    windows = _by_question(len(questions), features, logits)
    decoded = {
        question.id: decode_spans(question.id, question.context, windows(i), decoding)
        for i, question in enumerate(questions)
    }
    return Predictions(
        answers={key: item.answer for key, item in decoded.items()},
        null_odds={key: item.null_odds for key, item in decoded.items()},
        n_best={key: item.n_best for key, item in decoded.items()},
    )


def _by_question(
    count: int, features: Features, logits: NDArray[np.float32]
) -> Callable[[int], tuple[WindowLogits, ...]]:
    firsts = np.searchsorted(features.question, np.arange(count + 1)).tolist()
    bounds, context, cls = features.bounds.tolist(), features.context.tolist(), features.cls.tolist()

    def windows(question: int) -> tuple[WindowLogits, ...]:
        return tuple(
            WindowLogits(
                start=logits[bounds[i] : bounds[i + 1], 0],
                end=logits[bounds[i] : bounds[i + 1], 1],
                characters=features.characters[bounds[i] : bounds[i + 1]],
                context=(context[i][0], context[i][1]),
                cls=cls[i],
            )
            for i in range(firsts[question], firsts[question + 1])
        )

    return windows


def _check_ids(questions: Sequence[Question]) -> None:
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise DataError(f"question {question.id}: found the id twice, expected it once; give each its own id")
        seen.add(question.id)
