"""A recipe as the blocks of settings that `harness.recipes` reads back, and which of its values nobody stated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from harness.names import hub_name
from harness.recipes import fields
from harness.recipes.profiles import PROFILES, find_default
from harness.records import DataRef, ModelRef, Origin, Recipe, Stage

_BARE = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)
_BREAK = re.compile(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_EMPTY = {"layer_map": "even", "student_layers": "all", "dropout": "own"}
"""What stands for no numbers of layers."""
_OF_AUGMENTATION = frozenset({"masked_lm", "word_vectors"})
"""Models that a stage has only where it uses them."""
_HOW = {"assumed": "# assumed", "given": "# given for this run", "default": "# by default"}
_OURS = re.compile(r"^this project\b")
_UNKNOWN = Origin("default")


@dataclass(frozen=True, slots=True)
class Unstated:
    """Values that nobody stated, and where they come from."""

    stage: str
    """``all stages`` where they share it, ``evaluation`` for one of the evaluation."""
    setting: str
    """``name = value`` of one that was assumed or given; of defaults the names alone, with commas between."""
    origin: str
    """``assumed: reason``, ``given: for whom``, or ``default: source``."""


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    text: str
    origin: Origin

    @property
    def told(self) -> tuple[str, str, str]:
        return self.name, self.text, self.origin.how


def recipe_blocks(recipe: Recipe) -> tuple[str, ...]:
    """The blocks: what all stages share with how the last one's model is evaluated, then each stage; none without any.

    Every value that a stage uses is written, the defaults too, so that another version's defaults change nothing.
    Comments part what was stated from what was assumed, given for the run, or taken by default.
    """
    if not recipe.stages:
        return ()
    lines = [list(_stage_lines(stage)) for stage in recipe.stages]
    shared = _shared(lines)
    own = [[line for line in stage if line.told not in shared] for stage in lines]
    general = [*_evaluation_lines(recipe), *(line for line in lines[0] if line.told in shared)]
    return (_block(general), *(_block(stage) for stage in own))


def unstated_values(recipe: Recipe) -> tuple[Unstated, ...]:
    """The values of the blocks that were assumed or given for the run, each with its reason, then the defaults."""
    rows = []
    defaults: dict[tuple[str, str], list[str]] = {}
    for stage, line in _placed(recipe):
        origin = line.origin
        note = _OURS.sub("modelcard-harness", origin.note)  # in a card, "this project" would be the card's
        told = f"{origin.how}: {note}" if note else origin.how
        if origin.how == "default":
            defaults.setdefault((stage, told), []).append(line.name)
        elif origin.how != "stated":
            rows.append(Unstated(stage, f"{line.name} = {line.text}", told))
    return (*rows, *(Unstated(stage, ", ".join(names), told) for (stage, told), names in defaults.items()))


def _placed(recipe: Recipe) -> Iterator[tuple[str, _Line]]:
    """Every value with the stage that it is of."""
    lines = [list(_stage_lines(stage)) for stage in recipe.stages]
    everywhere = set(lines[0]).intersection(*lines[1:]) if len(lines) > 1 else set()
    yield from (("all stages", line) for line in lines[0] if line in everywhere)
    for stage, own in zip(recipe.stages, lines, strict=True):
        yield from ((stage.name, line) for line in own if line not in everywhere)
    yield from (("evaluation", line) for line in _evaluation_lines(recipe))


def _stage_lines(stage: Stage) -> Iterator[_Line]:
    origins = stage.origins
    stated = Origin("stated")
    yield _Line("stage", _quoted(stage.name), origins.get("name", stated))
    yield _Line("kind", stage.kind, origins.get("kind", stated))
    if stage.student is not None:
        yield _Line("base_model", _quoted(str(stage.student)), origins.get("student", stated))
    if stage.teacher is not None and stage.kind != "finetune":
        yield _Line("teacher", _quoted(str(stage.teacher)), origins.get("teacher", stated))
    if stage.data:
        yield _Line("train_data", _quoted(_joined(stage.data)), origins.get("data", stated))
    idle = fields.without_effect(stage)
    for name in fields.STAGE_FIELDS:
        text = _written(name, getattr(stage, name))
        if name not in idle or (name not in _OF_AUGMENTATION and text != _default(stage, name)):
            yield _Line(name, text, origins.get(name, _UNKNOWN))


def _evaluation_lines(recipe: Recipe) -> Iterator[_Line]:
    if recipe.evaluation is not None:
        yield _Line(
            "eval_data", _quoted(_on_hub(recipe.evaluation)), recipe.origins.get("evaluation", Origin("stated"))
        )
    for name in fields.DECODING:
        text = _written(name, getattr(recipe.decoding, name))
        yield _Line(name, text, recipe.origins.get(name, _UNKNOWN))


def _shared(lines: list[list[_Line]]) -> frozenset[tuple[str, str, str]]:
    """What every one of several stages says alike, and may be said once."""
    if len(lines) < 2:
        return frozenset()
    told = [{line.told for line in stage if line.name in fields.STAGE_FIELDS} for stage in lines]
    return frozenset(told[0].intersection(*told[1:]))


def _block(lines: Iterable[_Line]) -> str:
    groups: dict[str, list[_Line]] = {"stated": [], "assumed": [], "given": [], "default": []}
    for line in lines:
        always = line.name in ("stage", "kind")  # what a block is about stands first
        groups["stated" if always else line.origin.how].append(line)
    text: list[str] = []
    for how, group in groups.items():
        if group and how in _HOW:
            text.append(_HOW[how])
        text += [f"{line.name} = {line.text}" for line in group]
    return "\n".join(text)


def _default(stage: Stage, name: str) -> str | None:
    """What the profile would take, as it is written; None where the profile is not known."""
    if stage.profile not in PROFILES:
        return None
    return _written(name, find_default(stage.profile, stage.kind, name).value)


def _written(name: str, value: object) -> str:
    """A value in the form in which every reader takes it for the same."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return _EMPTY.get(name, "none")
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]" if value else _EMPTY.get(name, "none")
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    is_word = _BARE.fullmatch(text) is not None and not isinstance(value, ModelRef)
    return text if is_word else _quoted(text)


def _quoted(text: str) -> str:
    """In quotes, so that it is never a number; bare where it holds quotes itself."""
    line = _BREAK.sub(" ", text)
    return line if '"' in line or "'" in line else f'"{line}"'


def _joined(data: Iterable[DataRef]) -> str:
    return " + ".join(map(_on_hub, data))


def _on_hub(ref: DataRef) -> str:
    """Data by their id on the Hub, where somebody without the files finds them."""
    return str(replace(ref, name=hub_name(ref.name)))


def same_values(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes ask for the same, wherever their values come from, as far as a card can say it.

    `Decoding.forced_answer` is not in a card: it follows from the data.
    """
    return _said(one) == _said(other)


def _said(recipe: Recipe) -> tuple[Mapping[str, object], ...]:
    names = ("name", "kind", "student", "teacher", "data", *fields.STAGE_FIELDS)
    stages = [{name: getattr(stage, name) for name in names} for stage in recipe.stages]
    decoding = {name: getattr(recipe.decoding, name) for name in (*fields.DECODING, *fields.SHARED)}
    return (*stages, {"evaluation": recipe.evaluation, **decoding})
