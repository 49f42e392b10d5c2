"""Models of a shape with random weights, and tokens that mean nothing, to measure with."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import CONFIG_MAPPING, AutoModelForMaskedLM, AutoModelForQuestionAnswering, PreTrainedModel

from harness.engine.architectures import adapt
from harness.engine.batches import Padding
from harness.engine.features import Features
from harness.engine.pocket_model import train_tokenizer
from harness.measurements import Shape

MOST_WORK = 2_000_000_000
"""Parameters times tokens of a batch of more than two windows. Small models are measured with more, as with two they
would mostly wait for Python."""
WORDS = ("alder", "birch", "cedar", "elder", "hazel", "larch", "maple", "rowan")


def build_model(shape: Shape, *, masked: bool = False) -> PreTrainedModel:
    """A model of a shape with random weights, for answers or for masked words, on the CPU."""
    values = dict(shape.config)
    config = CONFIG_MAPPING[values.pop("model_type")].from_dict(values)
    if shape.layers is not None:
        config.num_hidden_layers = shape.layers
    family: Any = AutoModelForMaskedLM if masked else AutoModelForQuestionAnswering
    if masked:
        return family.from_config(config, trust_remote_code=False, dtype=torch.float32).eval()
    config.num_labels = 2
    model: PreTrainedModel = family.from_config(config, trust_remote_code=False, dtype=torch.float32)
    adapt(model)
    return model


def make_windows(model: PreTrainedModel, count: int, tokens: int) -> Features:
    """Windows of made-up tokens, all of one length."""
    none = np.zeros((0, 2), dtype=np.int32)
    return Features(
        ids=random_ids(model, count * tokens),
        types=np.zeros(count * tokens, dtype=np.int8),
        characters=none,
        bounds=np.arange(count + 1, dtype=np.int64) * tokens,
        question=np.zeros(count, dtype=np.int32),
        context=none,
        cls=np.zeros(count, dtype=np.int32),
    )


def find_peak(device: torch.device) -> int:
    """Most bytes that this process has had so far: of the device's memory, else of the machine's."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        # what getrusage says begins with the peak of the process that started this one
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    import resource  # not on every system

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def windows_at_once(model: PreTrainedModel, width: int, most: int) -> int:
    """Windows at once: two, or more of a small model, as many as a run takes."""
    return max(2, min(most, MOST_WORK // (int(model.num_parameters()) * width)))


def make_tokenizer() -> Any:
    """A small tokenizer of RoBERTa's kind, which has every word in one piece."""
    return train_tokenizer([" ".join(WORDS) + "?"] * 4)


def random_ids(model: PreTrainedModel, count: int) -> NDArray[np.int32]:
    """Tokens that are none of the special ones, which come first."""
    size = int(model.config.vocab_size)
    return np.random.default_rng(0).integers(min(10, size - 1), size, count, dtype=np.int32)


def padding_of(model: PreTrainedModel) -> Padding:
    """As the model's tokenizer would pad."""
    return Padding(int(getattr(model.config, "pad_token_id", None) or 0), 0, left=False)


def now(device: torch.device) -> float:
    """Seconds on a clock, once the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
