"""The front matter of a new card: what somebody gives, what the run's record has, and its figures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import RecordError
from harness.names import hub_name
from harness.records import ModelRef, Recipe, Run
from harness.render.escape import Digits
from harness.render.views import used_data
from harness.results import results_index

_EMBEDDED = "pocket"
_HUB_ID = re.compile(r"[\w.-]+(?:/[\w.-]+)?", re.ASCII)
_LISTS = ("tags", "datasets")


def front_matter(run: Run, name: str, given: Mapping[str, Any], others: Sequence[Run] = ()) -> dict[str, Any]:
    """What is given, then what the record has, then its figures and the others'.

    Raises:
        RecordError: as `check_metadata` does.
    """
    check_metadata(given, "metadata")
    base = _base_model(run.recipe) if run.stages else None
    distilled = any(stage.kind != "finetune" for stage in run.recipe.stages) if run.stages else False
    derived: dict[str, Any] = {
        "pipeline_tag": "question-answering",
        "library_name": None if run.kind == "replay" else "transformers",
        "tags": ["question-answering", *(["distillation"] if distilled else [])],
        "datasets": list(dict.fromkeys(hub_name(used.ref.name) for _, used in used_data(run))),
        "base_model": base,
        "base_model_relation": "finetune" if base is not None else None,
    }
    known = {key: value for key, value in derived.items() if key not in given and value not in (None, [])}
    both = {key: list(dict.fromkeys([*_listed(given[key]), *derived[key]])) for key in _LISTS if key in given}
    index = _printed(results_index(name, [run, *others]))
    return {**given, **known, **both, **({"model-index": index} if index else {})}


def check_metadata(given: Mapping[str, Any], where: str) -> None:
    """Refuse metadata that a card cannot have.

    Args:
        given: Front matter that no record knows.
        where: Where it is from, for the message.

    Raises:
        RecordError: figures are among it, or a licence, language, tag or data set is no text.
    """
    for key in ("model-index", "model_index"):  # early Trainers wrote the underscore, and readers take both
        if key in given:
            raise RecordError(f"{where}: found {key}, expected none, as its figures are the run's; remove it")
    for key in ("license", "language", *_LISTS):
        if key in given and not all(isinstance(item, str) and item.strip() for item in _listed(given[key]) or [None]):
            raise RecordError(
                f"{where}: {key}: found {given[key]!r:.80}, expected text or a list of texts; put it in quotes, or "
                "leave it out"
            )


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _printed(index: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The index with four decimals each, and ``%`` where the figures could be taken for fractions of 1."""
    for result in (result for model in index for result in model["results"]):
        sign = "%" if needs_signs([metric["value"] for metric in result["metrics"]]) else ""
        for metric in result["metrics"]:
            metric["value"] = Digits(f"{metric['value']:.4f}{sign}")
    return index


def needs_signs(figures: Sequence[float]) -> bool:
    """Whether a reader would take the percentages for fractions, as all of them are 1 or less."""
    return bool(figures) and all(0 <= round(figure, 4) <= 1 for figure in figures)


def _base_model(recipe: Recipe) -> str | None:
    """The model on the Hub whose weights the last stage's model came from; None for an embedded or random one."""
    made = {stage.name: stage for stage in recipe.stages}
    stage, seen = recipe.stages[-1], set[str]()
    while True:
        ref: ModelRef | None = stage.student
        if ref is None or stage.student_weights == "random" or stage.name in seen:
            return None
        seen.add(stage.name)
        if ref.name not in made:
            break
        stage = made[ref.name]
    embedded = ref.name.partition("/")[0] == _EMBEDDED
    return None if embedded or not _HUB_ID.fullmatch(ref.name) else ref.name
