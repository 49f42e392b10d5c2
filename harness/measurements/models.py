"""Shapes of the models that a recipe names, without their weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ModelError
from harness.names.architectures import find_architecture
from harness.records import ModelRef, Stage

_SEGMENTED = frozenset({"albert", "bert", "deberta", "deberta-v2", "electra", "ernie", "mpnet", "xlnet"})
"""Model types whose tokenizers give segments, which then lie on disk with the windows."""
_CODE = frozenset(
    {"attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation", "auto_map"}
)
"""Entries of a config.json that may name code, which a measurement has no use for."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A model as a measurement builds it, with random weights."""

    name: str
    """As the recipe names it."""
    source: str
    """Where the shape comes from, in words."""
    config: Mapping[str, Any]
    """What its ``config.json`` says."""
    layers: int | None = None
    """In place of the number in the config."""

    @property
    def segmented(self) -> bool:
        """Whether its windows have segments."""
        return self.config.get("model_type") in _SEGMENTED


def find_shape(ref: ModelRef, uses: Mapping[str, Path], made: Mapping[str, Shape]) -> Shape | None:
    """The shape of a model, None where nothing tells it.

    Args:
        ref: A stage's name, a name in `uses`, an embedded model, or a published one.
        uses: Folders given in place of models; only ``config.json`` is read.
        made: Name of a stage -> the model that it makes.

    Raises:
        ModelError: a folder has no readable ``config.json``.
    """
    if ref.name in made:
        return Shape(ref.name, f"made by stage {ref.name}", made[ref.name].config, made[ref.name].layers)
    if ref.name in uses:
        return Shape(ref.name, f"config.json of {uses[ref.name].name}", _read_config(uses[ref.name]))
    known = find_architecture(ref.name)
    return None if known is None else Shape(ref.name, f"{known.name}, as the name says", known.config)


def made_by(stage: Stage, student: Shape) -> Shape:
    """The shape of the model that a stage trains."""
    return Shape(student.name, student.source, student.config, len(stage.student_layers) or student.layers)


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        if not isinstance(config["model_type"], str):
            raise TypeError("model_type is no text")
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(
            f"{folder}: found no config.json that names a model_type ({type(error).__name__}), expected a model folder "
            "as save_pretrained writes it",
            model=str(folder),
        ) from error
    return {name: value for name, value in config.items() if name not in _CODE}
