"""Words that a masked language model proposes for the words of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForMaskedLM, PreTrainedModel, PreTrainedTokenizerBase

from harness.augment.words import Splitting, Word, split_sentences
from harness.engine.computing import Computing
from harness.engine.loading import check_fit, load_tokenizer, longest_input, quiet, refuse_kernels, segment_count
from harness.engine.word_pieces import Vocabulary, find_vocabulary
from harness.errors import ModelError, RunError
from harness.models import check_model_folder


@dataclass(frozen=True, slots=True)
class _Frame:
    """The special tokens around one text or two, and the segments of all."""

    parts: tuple[tuple[int, ...], ...]
    """Ids before, between and after the texts."""
    segments: tuple[int, ...]
    """Of the special tokens of each part, then of each text."""

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, *, pair: bool) -> _Frame:
        """What the tokenizer puts around texts."""
        encoding = tokenizer.backend_tokenizer.encode("a", "a" if pair else None)
        tokens = list(zip(encoding.ids, encoding.type_ids, encoding.sequence_ids, strict=True))
        parts: list[list[int]] = [[]]
        around, inside = [0], []
        last: int | None = None
        for token, segment, text in tokens:
            if text is None:
                parts[-1].append(token)
                around[-1] = segment
            elif text != last:
                inside.append(segment)
                parts.append([])
                around.append(0)
            last = text if text is not None else last
        return cls(tuple(map(tuple, parts)), (*around, *inside))


class MaskedLM:
    """A masked language model and how its tokenizer sees words."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, computing: Computing) -> None:
        """Take both; the model goes to the device of `computing`."""
        self.vocabulary: Vocabulary = find_vocabulary(tokenizer)
        self._device = computing.find_device()
        self._budget = computing.find_budget(self._device)
        self._model = model.to(self._device)
        self._mask = int(tokenizer.mask_token_id)
        self.single, self.pair = _Frame.of(tokenizer, pair=False), _Frame.of(tokenizer, pair=True)
        self._longest = min(longest_input(model) or tokenizer.model_max_length, 1 << 20)
        self._segments = segment_count(model) or 1

    @classmethod
    def load(cls, folder: Path, computing: Computing) -> MaskedLM:
        """A model folder, as safetensors and without code of its own.

        Raises:
            ModelError: no or unreadable config, weights or tokenizer; no masked-language-model head; or a tokenizer
                that is neither BERT's WordPiece nor byte-level BPE.
            RunError: the device is not there.
        """
        check_model_folder(folder)
        tokenizer = load_tokenizer(folder)
        if tokenizer.mask_token_id is None:
            raise _unusable(folder, "a tokenizer without mask token")
        try:
            with quiet():
                refuse_kernels(folder)
                model, info = AutoModelForMaskedLM.from_pretrained(
                    str(folder),
                    use_safetensors=True,
                    trust_remote_code=False,
                    local_files_only=True,
                    dtype=computing.find_dtype(computing.find_device()),
                    output_loading_info=True,
                )
        except Exception as error:  # the files are untrusted: whatever they break, the folder is unusable
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
            raise _unusable(folder, f"a model that cannot be read ({reason})") from error
        if missing := sorted(info["missing_keys"]):
            raise _unusable(folder, f"weights without {missing[0]}")
        check_fit(folder, model, tokenizer)
        model.eval()
        return cls(model, tokenizer, computing)

    @property
    def splitting(self) -> Splitting:
        """How the tokenizer parts a text into words."""
        return self.vocabulary.splitting

    def propose(self, words: Sequence[Word], wanted: Sequence[bool], count: int, *, pairs: bool) -> list[Any]:
        """The likeliest words in the place of each word, likeliest first.

        Args:
            words: The words of a text.
            wanted: Whether to propose for each.
            count: Tokens to take; those that are no whole words are left out of them.
            pairs: Mask a word in its sentence, and have the sentence follow unmasked (TinyBERT); else mask it in the
                text, of which as much is read as the model can (haystack).

        Returns:
            A tuple of words for each word that the vocabulary has in one piece and that is among those read; None for
            the others.
        """
        pieces = [self.vocabulary.cut(word) for word in words]
        found: list[Any] = [None] * len(words)
        if pairs:
            special = sum(map(len, self.pair.parts))
            room = (self._longest - special) // 2
            for sentence in split_sentences(words, [len(p) for p in pieces], room):
                self._propose(words, wanted, pieces, sentence, room, count, found, self.pair)
        else:
            room = self._longest - sum(map(len, self.single.parts))
            self._propose(words, wanted, pieces, range(len(words)), room, count, found, self.single)
        return found

    def _propose(
        self,
        words: Sequence[Word],
        wanted: Sequence[bool],
        pieces: Sequence[tuple[int, ...]],
        taken: range,
        room: int,
        count: int,
        found: list[Any],
        frame: _Frame,
    ) -> None:
        ids = [piece for i in taken for piece in pieces[i]]
        places: dict[int, int] = {}
        at = 0
        for i in taken:
            if wanted[i] and len(pieces[i]) == 1 and at < room:
                places[i] = at
            at += len(pieces[i])
        if not places:
            return
        ranked = self.rank(ids[:room], list(places.values()), count, frame)
        for i, row in zip(places, ranked, strict=True):
            texts = (self.vocabulary.text(token, words[i]) for token in row)
            found[i] = tuple(text for text in texts if text is not None)

    def rank(self, ids: list[int], places: list[int], count: int, frame: _Frame) -> list[list[int]]:
        """For each place in `ids` the ids of the largest logits where it is masked, largest first."""
        copies = len(frame.parts) - 1
        row: list[int] = []
        segments: list[int] = []
        for number, special in enumerate(frame.parts):
            row += special
            segments += [frame.segments[number]] * len(special)
            if number < copies:
                row += ids
                segments += [frame.segments[len(frame.parts) + number]] * len(ids)
        before = len(frame.parts[0])
        inputs = torch.tensor(row, device=self._device)
        types = torch.tensor(segments, device=self._device) if self._segments > max(segments) > 0 else None
        ranked: list[list[int]] = []
        rows = max(1, self._budget // len(row))
        for begin in range(0, len(places), rows):
            at = torch.tensor(places[begin : begin + rows], device=self._device) + before
            logits = self._logits(inputs, types, at)
            if not torch.isfinite(logits).all():
                raise RunError("the masked language model gave logits that are not finite; choose another model")
            ranked += logits.topk(min(count, logits.shape[1])).indices.tolist()
        return ranked

    def _logits(self, inputs: torch.Tensor, types: torch.Tensor | None, at: torch.Tensor) -> torch.Tensor:
        """[places, vocabulary] where each copy of the inputs has one place masked."""
        copies = torch.arange(len(at), device=self._device)
        batch = inputs.repeat(len(at), 1)
        batch[copies, at] = self._mask
        extra = {} if types is None else {"token_type_ids": types.expand_as(batch)}
        body: Any = getattr(self._model, self._model.base_model_prefix, None)
        head: Any = getattr(self._model, "cls", None) or getattr(self._model, "lm_head", None)
        with torch.inference_mode():
            if body is None or head is None or body is self._model:
                logits: torch.Tensor = self._model(input_ids=batch, **extra).logits[copies, at]
            else:  # logits of all tokens would be some twenty times the work of the head, and much memory
                logits = head(body(input_ids=batch, **extra).last_hidden_state[copies, at])
            return logits.float()


def _unusable(folder: Path, found: str) -> ModelError:
    return ModelError(
        f"{folder}: found {found}, expected a masked language model of BERT's kind, as safetensors with its tokenizer; "
        "give a folder written by save_pretrained",
        model=str(folder),
    )
