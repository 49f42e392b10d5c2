"""Windows and labels as ``run_squad`` of transformers 3 made them (``SquadProcessor``), with a fast tokenizer.

Under `Windowing.space_words` as from version 3.4 on, else as before; the difference shows with byte-level tokenizers.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from tokenizers.normalizers import BertNormalizer
from transformers import PreTrainedTokenizerBase

from harness.engine.windowing import LEFT_OUT, MISPLACED, Frame, Window, Windowing, encode, lower_letters
from harness.errors import DataError
from harness.records import Answer, Question
from harness.spans.run_squad import WORD
from harness.spans.windows import Pieces

Span = tuple[int, int]


def run_squad_windows(
    tokenizer: PreTrainedTokenizerBase, chunk: Sequence[Question], windowing: Windowing
) -> Iterator[Window]:
    """Cut questions into windows by the rule of ``run_squad``, and label them.

    Each word of the context, as blanks, tabs, line ends and narrow no-break spaces part them, is tokenized on its own;
    every token has the characters of its whole word. The question is its first `max_query_length` tokens. A context
    without words gives one window.

    Raises:
        DataError: a question has no token.
        ModelError: the tokenizer does not begin with CLS and the question.
        RecipeError: the lengths leave no room for the context, or gaps between windows.
    """
    frame = Frame.of(tokenizer, "run_squad")
    reader = _Reader(tokenizer, windowing)
    asked = reader.read([question.question for question in chunk])
    answers = reader.read([question.answers[0].text if question.answers else "" for question in chunk])
    documents = reader.read_documents([question.context for question in chunk])
    for owner, question in enumerate(chunk):
        start = asked[owner][: windowing.max_query_length]
        if not start:
            raise DataError(
                f"question {question.id}: found a question without any token, expected one or more under the "
                "protocol run_squad; leave the question out or use another protocol"
            )
        windowing.check_room(question.id, len(start), frame.count)
        room = windowing.max_seq_len - len(start) - frame.count
        step = windowing.find_step(room)
        document = documents[question.context]
        found = frame.slide(owner, start, document.ids, document.characters, room, step)
        yield from _label(list(found), document.find_answer(question, answers[owner]), step)


def describe_pieces(tokenizer: PreTrainedTokenizerBase, ids: NDArray[np.int32]) -> Pieces:
    """The text that each of `ids` [tokens] adds to an answer."""
    distinct, number = np.unique(ids, return_inverse=True)
    tokens = tokenizer.convert_ids_to_tokens(distinct.tolist())
    probe = "".join(tokenizer.tokenize("a b"))
    if "\u0120" in probe:
        first = later = [_bytes_of(token) for token in tokens]
    elif "\u2581" in probe:
        first = later = [token.replace("\u2581", " ").encode() for token in tokens]
    else:
        first = [token.encode() for token in tokens]
        later = [(token[2:] if token.startswith("##") else f" {token}").encode() for token in tokens]
    return Pieces(number.astype(np.int32), np.array(first, dtype=np.bytes_), np.array(later, dtype=np.bytes_))


class _Reader:
    """Texts to tokens by the rules of the slow tokenizers."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, windowing: Windowing) -> None:
        self._tokenizer = tokenizer if windowing.space_words else _without_cleaning(tokenizer)
        self._lower = windowing.lower_case and not windowing.space_words
        self._space = windowing.space_words

    def read(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text; before version 3.4 none for a blank one."""
        if self._lower:
            texts = [lower_letters(self._tokenizer, text, same_length=False) for text in texts]
        encodings = encode(self._tokenizer, texts)
        pairs = zip(encodings, texts, strict=True)
        return [encoding.ids if self._space or text.strip() else [] for encoding, text in pairs]

    def read_documents(self, contexts: Sequence[str]) -> dict[str, _Document]:
        """The tokens of each distinct context; every distinct word is tokenized once."""
        distinct = list(dict.fromkeys(contexts))
        words = list(dict.fromkeys(word for context in distinct for word in WORD.findall(context)))
        spaced = [f" {word}" if self._space and not word[0].isspace() else word for word in words]
        tokens = dict(zip(words, self.read(spaced), strict=True))
        return {context: _Document.of(context, tokens) for context in distinct}


def _without_cleaning(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """The tokenizer as it read control characters before version 3.4: as tokens, where it now leaves them out."""
    normalizer = getattr(tokenizer.backend_tokenizer, "normalizer", None)
    if not isinstance(normalizer, BertNormalizer) or not normalizer.clean_text:
        return tokenizer
    other = copy.deepcopy(tokenizer)
    other.backend_tokenizer.normalizer.clean_text = False
    return other


@dataclass(frozen=True, slots=True, eq=False)
class _Document:
    """A context as words and tokens."""

    words: list[str]
    word_at: list[int]
    """For each character the number of its word; for a blank that of the word before it, -1 where there is none."""
    first_token: list[int]
    """For each word."""
    ids: NDArray[np.int32]
    """[tokens]"""
    characters: NDArray[np.int32]
    """[tokens, 2]: those of the token's word."""

    @classmethod
    def of(cls, context: str, tokens: dict[str, list[int]]) -> _Document:
        """Put the tokens of a context's words together."""
        matches = list(WORD.finditer(context))
        words = [match.group() for match in matches]
        counts = [len(tokens[word]) for word in words]
        starts = np.zeros(len(context) + 1, dtype=np.int64)
        starts[[match.start() for match in matches]] = 1
        return cls(
            words,
            (np.cumsum(starts[:-1]) - 1).tolist(),
            np.cumsum([0, *counts])[:-1].tolist(),
            np.array([token for word in words for token in tokens[word]], dtype=np.int32),
            np.repeat(np.array([match.span() for match in matches], dtype=np.int32).reshape(-1, 2), counts, axis=0),
        )

    def find_answer(self, question: Question, tokens: Sequence[int]) -> Span | None:
        """First and last token of the first answer, or None for a question without.

        That is the words it touches, or the first sequence of tokens in them that is the answer tokenized alone.
        Where the era left the question out, it is `LEFT_OUT` twice, and `MISPLACED` for an answer that is outside.
        """
        if not len(self.ids):
            return LEFT_OUT, LEFT_OUT
        if question.impossible or not question.answers:
            return None
        answer = question.answers[0]
        if not 0 <= answer.start < len(self.word_at):
            return MISPLACED, MISPLACED
        first, last = self._words_of(answer)
        if " ".join(answer.text.split()) not in " ".join(self.words[first : last + 1]):
            return LEFT_OUT, LEFT_OUT
        # -1 counts from the end, as it did in the era
        start = self.first_token[first]
        end = self.first_token[last + 1] - 1 if last < len(self.words) - 1 else len(self.ids) - 1
        inner = self.ids[max(start, 0) : end + 1].tolist()
        for place in range(len(inner) - len(tokens) + 1 if tokens else 0):
            if inner[place : place + len(tokens)] == tokens:
                return start + place, start + place + len(tokens) - 1
        return start, end

    def _words_of(self, answer: Answer) -> Span:
        end = min(answer.start + len(answer.text) - 1, len(self.word_at) - 1)
        return self.word_at[answer.start], self.word_at[end]


def _label(windows: list[Window], answer: Span | None, step: int) -> Iterator[Window]:
    """The windows of one question with the answer's place in each, or their CLS where it is not wholly inside."""
    for number, window in enumerate(windows):
        low, high = window.context
        label = (window.cls, window.cls)
        if answer is not None and answer[0] < 0:
            label = answer
        elif answer is not None:
            start, end = answer[0] - number * step, answer[1] - number * step
            if start >= 0 and end < high - low:
                label = low + start, low + end
        yield replace(window, label=label)


def _bytes_of(token: str) -> bytes:
    """What a token of a byte-level vocabulary stands for."""
    try:
        return bytes(_BYTES[letter] for letter in token)
    except KeyError:  # a special token, which stands for itself
        return token.encode()


def _byte_letters() -> dict[str, int]:
    """The letters by which byte-level vocabularies write bytes: themselves where printable, else from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}


_BYTES = _byte_letters()
