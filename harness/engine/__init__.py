"""Training and prediction with torch and transformers; `TorchEngine` is all that the rest of the package needs."""

from harness.engine.computing import Computing, Fitting
from harness.engine.together import follow, leads
from harness.engine.torch_engine import TorchEngine

__all__ = ["Computing", "Fitting", "TorchEngine", "follow", "leads"]
