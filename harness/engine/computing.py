"""Where and in which precision a model predicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from harness.errors import RunError

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Device = Literal["auto", "cpu", "cuda", "mps"]

CPU_TOKENS = 1024
"""Tokens per batch of each of a processor's streams: measured with MiniLM, 600 to 2,000 are equally fast, and more
take more memory."""
ACCELERATOR_TOKENS = 32768
"""Tokens per batch that keep an accelerator busy."""


@dataclass(frozen=True, slots=True)
class Computing:
    """How a model is run for prediction."""

    dtype: Precision = "auto"
    """``auto``: on a CUDA device as the weights are stored, elsewhere float32."""
    device: Device = "auto"
    """``auto``: CUDA, else MPS, else the CPU."""
    token_budget: int | None = None
    """Most tokens per batch, padding included; None for one that suits the device. A longer window goes alone."""
    allow_pickle: bool = False
    """Also read pickled weights, as tensors alone, where a folder has no safetensors."""

    def find_device(self) -> torch.device:
        """The device to use.

        Raises:
            RunError: it is not there.
        """
        there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
        name = next(name for name in there if there[name]) if self.device == "auto" else self.device
        if not there[name]:
            raise RunError(f"device {name}: found none, expected one that torch can use; choose the device cpu")
        return torch.device(name)

    def find_dtype(self, device: torch.device) -> torch.dtype | Literal["auto"]:
        """The precision to load weights in; "auto" leaves it to the checkpoint."""
        if self.dtype == "auto":
            return "auto" if device.type == "cuda" else torch.float32
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[self.dtype]

    @property
    def resolved(self) -> dict[str, str]:
        """Device and number format as they come out here, as far as they are known without a model."""
        device = self.find_device()
        dtype = self.find_dtype(device)
        return {"device": device.type, "dtype": str(dtype).removeprefix("torch.")}

    def find_budget(self, device: torch.device) -> int:
        """Tokens per batch."""
        if self.token_budget is not None:
            return max(1, self.token_budget)
        return CPU_TOKENS if device.type == "cpu" else ACCELERATOR_TOKENS


@dataclass(frozen=True, slots=True)
class Fitting:
    """How a model is trained on this machine; nothing of it is part of a recipe."""

    micro_batch: int | None = None
    """Most windows that a device takes at once, gradients being accumulated to the recipe's batch; None for all."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass instead of holding them."""
    compiled: bool = False
    """Let torch compile the model."""
    checkpoint_seconds: float = 120.0
    """Between two checkpoints: what an interruption loses at most, and a step."""
