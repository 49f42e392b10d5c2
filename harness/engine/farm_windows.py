"""Windows as FARM and haystack 1.x cut them (``SquadProcessor``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from harness.engine.windowing import LEFT_OUT, Frame, Window, Windowing, encode, lower_letters
from harness.records import Question


def farm_windows(
    tokenizer: PreTrainedTokenizerBase, chunk: Sequence[Question], windowing: Windowing
) -> Iterator[Window]:
    """Cut questions into windows by FARM's rule.

    Question and context are tokenized each on its own and nothing is stripped; the question is its first
    `max_query_length` tokens. A token reaches from its first character to the first character of the next token, as
    only starts are kept. A question or context without tokens is marked as one that FARM left out of training.

    Raises:
        ModelError: the tokenizer does not begin with CLS and the question.
        RecipeError: the lengths leave no room for the context, or gaps between windows.
    """

    def read(text: str) -> str:
        return lower_letters(tokenizer, text, same_length=True) if windowing.lower_case else text

    frame = Frame.of(tokenizer, "farm")
    questions = encode(tokenizer, [read(question.question) for question in chunk])
    texts = list(dict.fromkeys(question.context for question in chunk))
    contexts = dict(zip(texts, encode(tokenizer, [read(text) for text in texts]), strict=True))
    tokens: dict[str, tuple[NDArray[np.int32], NDArray[np.int32]]] = {}
    for owner, question in enumerate(chunk):
        if question.context not in tokens:
            encoding = contexts.pop(question.context)
            starts = np.array([first for first, _ in encoding.offsets], dtype=np.int32)
            ends = np.append(starts[1:], np.int32(len(question.context)))[: len(starts)]
            tokens[question.context] = np.array(encoding.ids, dtype=np.int32), np.stack([starts, ends], axis=1)
        asked = questions[owner].ids[: windowing.max_query_length]
        windowing.check_room(question.id, len(asked), frame.count)
        room = windowing.max_seq_len - len(asked) - frame.count
        ids, characters = tokens[question.context]
        left_out = not asked or not len(ids)
        for window in frame.slide(owner, asked, ids, characters, room, windowing.find_step(room)):
            yield replace(window, label=(LEFT_OUT, LEFT_OUT)) if left_out else window
