"""Why a figure is not the claimed one: what the same logits or predictions come to under other protocols."""

from harness.gap.chance import find_chance
from harness.gap.tried import lacks_logits, try_protocols, untried

__all__ = ["find_chance", "lacks_logits", "try_protocols", "untried"]
