"""A first ``assumptions.yaml`` for a card that has none, to be completed by a person."""

from __future__ import annotations

import json

from harness.recipes import fields
from harness.recipes.plan import plan_recipe
from harness.recipes.profiles import PROFILES
from harness.recipes.suggest import Suggestion, suggest_profile
from harness.records import Card, Origin, Recipe

_OF_FILE = {"data": "train_data", "evaluation": "eval_data"}
_MAIN_FIELDS = (
    *("epochs", "batch_size", "learning_rate", "lr_schedule", "warmup_proportion", "weight_decay", "max_grad_norm"),
    *("max_seq_len", "doc_stride", "max_query_length", "temperature", "distillation_loss_weight", "seed"),
)


def draft_assumptions(card: Card) -> str:
    """The text of the file.

    Every gap stands in it with an empty value and an empty reason, for which the file is refused until a person has
    filled them; what the profile takes by default stands in it as comments.

    Raises:
        RecipeError: The card states what makes no recipe.
    """
    suggestion = suggest_profile(card)
    recipe = plan_recipe(card, None, {"profile": suggestion.profile} if suggestion else None)
    lines = [f"# Draft for {_comment(card.name)}. Fill every empty value and reason; until then the file is refused."]
    lines += ["schema: 1"]
    entries = _profile_entry(suggestion)
    for gap in recipe.gaps:
        entries += _gap_entry(gap, recipe)
    lines += ["settings:", *entries] if entries else ["settings: {}"]
    lines += _defaults(recipe)
    lines += _stages_hint(recipe)
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _profile_entry(suggestion: Suggestion | None) -> list[str]:
    known = ", ".join(PROFILES)
    if suggestion is None:
        return [f'  # profile: {{value: modern, reason: ""}}  # nothing points to an era; one of {known}']
    lines = [f"  # {_comment(words)}" for words in suggestion.evidence]
    if suggestion.other:
        lines.append(f"  # {suggestion.other} fits as well: {PROFILES[suggestion.other].about}")
    about = PROFILES[suggestion.profile].about
    return [*lines, "  profile:", f"    value: {suggestion.profile}  # {about}", '    reason: ""']


def _gap_entry(gap: str, recipe: Recipe) -> list[str]:
    stage, _, name = gap.rpartition(".")
    field = _OF_FILE.get(name, name)
    key = f"{stage}.{field}" if stage and len(recipe.stages) > 1 else field
    return [f"  {key}:", "    value:  # nothing single is stated", '    reason: ""']


def _defaults(recipe: Recipe) -> list[str]:
    """Values that nobody states, as comments to be taken in where something better is known."""
    lines = []
    for stage in recipe.stages:
        idle = fields.without_effect(stage)
        for name in _MAIN_FIELDS:
            origin = stage.origins.get(name)
            if origin is None or origin.how != "default" or name in idle or f"{stage.name}.{name}" in recipe.gaps:
                continue
            key = f"{stage.name}.{name}" if len(recipe.stages) > 1 else name
            lines.append(_default_line(key, getattr(stage, name), origin))
    for name in fields.DECODING:
        origin = recipe.origins.get(name)
        if origin is not None and origin.how == "default" and name not in recipe.gaps:
            lines.append(_default_line(name, getattr(recipe.decoding, name), origin))
    heading = "  # Taken by default; uncomment what you know better:"
    return [heading, *lines] if lines else []


def _default_line(key: str, value: object, origin: Origin) -> str:
    shown = "none" if value is None else json.dumps(value) if not isinstance(value, str) else value
    return f'  # {key}: {{value: {shown}, reason: ""}}  # {_comment(origin.note)}'


def _stages_hint(recipe: Recipe) -> list[str]:
    if len(recipe.stages) > 1:
        return []
    name = recipe.stages[0].name
    return [
        "# Steps that only the card's prose describes, in order; block: true for the one that its settings are of:",
        "# stages:",
        '# - {name: first, reason: "", settings: {kind: {value: distil_hidden, reason: ""}}}',
        f'# - {{name: {name}, reason: "", block: true}}',
    ]
