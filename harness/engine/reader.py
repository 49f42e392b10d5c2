"""A model on its device, and the logits it gives to windows of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.engine.architectures import notices_padding
from harness.engine.batches import Padding, fit_segments, inference_batches, lay_out, model_inputs
from harness.engine.computing import Computing
from harness.engine.distil import SpanLogits
from harness.engine.encoder import PackedEncoder
from harness.engine.features import Features
from harness.engine.loading import check_fit, load_model, load_tokenizer, longest_input
from harness.errors import RecipeError

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A model on its device, with its tokenizer."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    budget: int
    """Tokens per batch."""
    packed: PackedEncoder | None = None
    """What reads in the model's place, where it can; the model is then only embeddings, head and configuration."""
    parameters: int = 0
    """Of the model."""

    @classmethod
    def load(cls, folder: Path, computing: Computing, pack: bool = True) -> Reader:
        """Load a folder; raises `ModelError` where it is no question-answering model with a fitting fast tokenizer.

        Without `pack` the model reads by the code of transformers alone, whatever its architecture.
        """
        device = computing.find_device()
        tokenizer = load_tokenizer(folder)
        model = load_model(folder, dtype=computing.find_dtype(device), allow_pickle=computing.allow_pickle)
        check_fit(folder, model, tokenizer)
        _compute_head_in_single_precision(model)
        model, parameters = model.to(device), int(model.num_parameters())
        packed = PackedEncoder.of(model) if pack and device.type == "cpu" else None
        return cls(model, tokenizer, device, computing.find_budget(device), packed, parameters)

    @property
    def dtype(self) -> str:
        """Number format of the encoder, such as ``float32``."""
        return str(self.model.dtype).removeprefix("torch.")

    def logits(self, features: Features, done: Callable[[int], None]) -> Logits:
        """[tokens, 2], aligned with ``features.ids``, batch after batch; `done` is told the tokens of each.

        Raises:
            ModelError: the windows have segments that the model does not know.
        """
        features = self._fitting(features)
        logits = np.zeros((len(features.ids), 2), dtype=np.float32)
        for rows in inference_batches(features, self.budget, even=notices_padding(self.model)):
            done(self._read(features, rows, logits))
        return logits

    def start(self, features: Features, streams: Streams | None) -> Reading:
        """Begin to read windows in streams; without any, they are read when the reading is finished."""
        check_length(self.model, features)
        features = self._fitting(features)
        logits = np.zeros((len(features.ids), 2), dtype=np.float32)
        batches = list(inference_batches(features, self.budget, even=notices_padding(self.model)))
        jobs = [partial(self._read, features, rows, logits) for rows in batches]
        return Reading(logits, [job if streams is None else streams.submit(job) for job in jobs])

    def _read(self, features: Features, rows: NDArray[np.int64], logits: Logits) -> int:
        """Fill in the logits of a batch; returns its tokens."""
        if self.packed is not None:
            flat = np.concatenate([np.arange(features.bounds[i], features.bounds[i + 1]) for i in rows])
            types = None if features.types is None else torch.from_numpy(features.types[flat])
            lengths = features.lengths[rows].tolist()
            logits[flat] = self.packed(torch.from_numpy(features.ids[flat]), types, lengths).numpy()
            return len(flat)
        padding = Padding.of(self.tokenizer)
        batch = lay_out(features, rows, padding.left)
        inputs = {name: tensor.to(self.device) for name, tensor in model_inputs(features, batch, padding).items()}
        with torch.inference_mode():
            output = forward(self.model, inputs)
        logits[batch.flat] = torch.stack(tuple(output), dim=-1).float().cpu().numpy()[batch.mask]
        return len(batch.flat)

    def _fitting(self, features: Features) -> Features:
        """The features as the model takes them; raises `ModelError` where it knows too few segments."""
        self.model.eval()
        return fit_segments(self.model, features)


class Streams:
    """Threads that each read batches with an equal share of the processor's cores.

    One core per batch wastes less than all cores on one: nobody waits for the slowest core after every operation, which
    costs most where other work runs beside.
    """

    def __init__(self, count: int, threads: int) -> None:
        self._pool = ThreadPoolExecutor(count, "read", initializer=torch.set_num_threads, initargs=(threads,))

    def submit(self, job: Callable[[], int]) -> Future[int]:
        """Do a job in the next free thread."""
        return self._pool.submit(job)

    @staticmethod
    @contextmanager
    def on(device: torch.device) -> Iterator[Streams | None]:
        """Streams for a processor with several cores, else None."""
        threads = torch.get_num_threads()
        if device.type != "cpu" or threads == 1:
            yield None
            return
        count = min(threads, MOST_STREAMS)
        streams = Streams(count, threads // count)
        try:
            yield streams
        finally:
            streams._pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)  # new threads take the number that was set last anywhere


MOST_STREAMS = 16
"""Batches that are read at once; each holds its activations in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Windows that are being read."""

    _logits: Logits
    _jobs: list[Future[int] | Callable[[], int]]

    def finish(self, done: Callable[[int], None]) -> Logits:
        """Logits [tokens, 2], aligned with the features' ids; `done` is told the tokens of every batch."""
        for job in self._jobs:
            done(job.result() if isinstance(job, Future) else job())
        return self._logits


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


def _compute_head_in_single_precision(model: PreTrainedModel) -> None:
    """Logits of half precision would tie all the time; the head is a thousandth of the work."""
    head = getattr(model, "qa_outputs", None)
    if isinstance(head, torch.nn.Linear) and head.weight.dtype != torch.float32:
        head.float().register_forward_pre_hook(lambda module, inputs: (inputs[0].float(),))
