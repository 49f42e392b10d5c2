"""One question: the answers that the question-answering pipeline of transformers 4 gave, with their scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.engine.computing import Computing
from harness.engine.features import Features
from harness.engine.loading import longest_input, quiet
from harness.engine.reader import Reader, check_length
from harness.engine.windowing import find_cls
from harness.errors import RecipeError
from harness.records import ProbableAnswer
from harness.spans.probable import rank_answers
from harness.spans.windows import check_windows

LONGEST_WINDOW = 384
LONGEST_OVERLAP = 128


class Answerer:
    """A loaded model that answers questions as the pipeline of transformers 4 did, to five digits of the score.

    It departs from the pipeline in these:

    - Only spans of the context are answers. Where spans ran out, the pipeline filled up with ones of score 0 that begin
      at CLS or end before they begin; with tokenizers that pad on the left it took tokens of the question as well.
    - CLS is the token that the tokenizer sets, not one that the question writes out.
    - Where a context is cut and question and overlap leave no room for it, that is a `RecipeError`; the pipeline
      stopped inside the tokenizer. An overlap beyond the window is no error where nothing is cut, nor is an empty text.
    - Windows are never longer than the model's positions, unless `max_seq_len` says so.

    As in the pipeline, and other than its documentation says, the question is not cut to 64 tokens.
    """

    def __init__(self, model: Path | Reader, computing: Computing | None = None) -> None:
        """Load a model folder, or take what is loaded; raises `ModelError` for no question-answering model."""
        with quiet():
            self._reader = model if isinstance(model, Reader) else Reader.load(model, computing or Computing())

    def __call__(
        self,
        question: str,
        context: str,
        *,
        top_k: int = 1,
        max_answer_length: int = 15,
        max_seq_len: int | None = None,
        doc_stride: int | None = None,
        impossible: bool = False,
        whole_words: bool = True,
    ) -> tuple[ProbableAnswer, ...]:
        """The most probable answers, the most probable first; none where the context has no token.

        Args:
            question: Taken as it is.
            context: The text that answers are slices of.
            top_k: Answers wanted; fewer where the context has fewer.
            max_answer_length: Longest answer, in tokens, before it is widened to whole words.
            max_seq_len: Longest window, in tokens; None for 384, or what the model reads if that is less.
            doc_stride: Overlap of two windows, in tokens; None for 128, or half a window if that is less.
            impossible: Let no answer ("") take part.
            whole_words: Widen answers to whole words, as the tokenizer sees them.

        Raises:
            RecipeError: a length is too small, or they leave no room for the context.
            RunError: the model's logits are no numbers.
        """
        most = self._most_tokens() if max_seq_len is None else max_seq_len
        overlap = min(most // 2, LONGEST_OVERLAP) if doc_stride is None else doc_stride
        for name, value, least in (
            ("top_k", top_k, 1),
            ("max_answer_length", max_answer_length, 1),
            ("max_seq_len", most, 1),
            ("doc_stride", overlap, 0),
        ):
            if value < least:
                raise RecipeError(f"{name} is {value}, expected {least} or more", field=name)
        with quiet():
            features = self._features(self._encode(question, context, most, overlap), whole_words)
            check_length(self._reader.model, features)
            logits = self._reader.logits(features, lambda done: None)
        (windows,) = features.by_question(1, logits)
        check_windows("asked", windows)
        return rank_answers(
            context,
            windows,
            top_k=top_k,
            per_window=2 * top_k + 10 if whole_words else top_k,
            max_answer_length=max_answer_length,
            impossible=impossible,
        )

    def _most_tokens(self) -> int:
        positions = longest_input(self._reader.model) or LONGEST_WINDOW
        return int(min(LONGEST_WINDOW, self._reader.tokenizer.model_max_length, positions))

    @property
    def _context(self) -> int:
        """Which of the two texts of an encoding is the context."""
        return 1 if self._reader.tokenizer.padding_side == "right" else 0

    def _encode(self, question: str, context: str, most: int, overlap: int) -> Sequence[Any]:
        """The encoding of every window."""
        texts = (question, context) if self._context else (context, question)
        (whole,) = self._reader.tokenizer(*texts, return_attention_mask=False).encodings
        if len(whole.ids) <= most:
            return (whole,)
        others = len(whole.ids) - whole.sequence_ids.count(self._context)
        if most - others <= overlap:
            raise RecipeError(
                f"max_seq_len {most} less {others} tokens of the question and around it leaves {most - others} for the "
                f"context, expected more than doc_stride {overlap}; raise max_seq_len, or lower doc_stride",
                field="max_seq_len",
            )
        encodings: Sequence[Any] = self._reader.tokenizer(
            *texts,
            truncation="only_second" if self._context else "only_first",
            max_length=most,
            stride=overlap,
            return_overflowing_tokens=True,
            return_attention_mask=False,
        ).encodings
        return encodings

    def _features(self, encodings: Sequence[Any], whole_words: bool) -> Features:
        tokenizer = self._reader.tokenizer
        segments = "token_type_ids" in tokenizer.model_input_names
        return Features(
            ids=np.concatenate([np.array(encoding.ids, dtype=np.int32) for encoding in encodings]),
            types=np.concatenate([np.array(e.type_ids, dtype=np.int32) for e in encodings]) if segments else None,
            characters=np.concatenate([self._characters(encoding, whole_words) for encoding in encodings]),
            bounds=np.cumsum([0, *(len(encoding.ids) for encoding in encodings)], dtype=np.int64),
            question=np.zeros(len(encodings), dtype=np.int32),
            context=np.array([self._bounds(encoding) for encoding in encodings], dtype=np.int32),
            cls=np.array(
                [find_cls(encoding.ids, encoding.sequence_ids, tokenizer.cls_token_id) for encoding in encodings],
                dtype=np.int32,
            ),
        )

    def _bounds(self, encoding: Any) -> tuple[int, int]:
        """First token of the context, and one past the last."""
        inside = [i for i, text in enumerate(encoding.sequence_ids) if text == self._context]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)

    def _characters(self, encoding: Any, whole_words: bool) -> NDArray[np.int32]:
        """[tokens, 2]: the characters of each context token, or of the word that it is part of in this window."""
        low, high = self._bounds(encoding)
        places = list(encoding.offsets)
        if whole_words:
            words = encoding.word_ids
            reach: dict[int | None, tuple[int, int]] = {}
            for i in range(low, high):
                first, _ = reach.get(words[i], places[i])
                reach[words[i]] = (first, places[i][1])
            # a token of no word stays as it is
            places = [
                place if word is None else reach.get(word, place) for word, place in zip(words, places, strict=True)
            ]
        characters = np.zeros((len(places), 2), dtype=np.int32)
        characters[low:high] = np.array(places, dtype=np.int32).reshape(-1, 2)[low:high]
        return characters
