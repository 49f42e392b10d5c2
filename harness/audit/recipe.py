"""What a rerun needs and the card does not state."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.audit.codes import Code
from harness.audit.prose import read_prose
from harness.audit.topics import answers_questions
from harness.records import Card, Finding, Origin, Recipe, Stage

CODES = {
    "recipe-gap": Code(
        "warning",
        "a value that a run needs and nothing states",
        "Without it nobody can rerun the training, and no usual value stands in for it. State it in assumptions.yaml "
        "with a reason, or ask the publisher.",
    ),
    "recipe-default": Code(
        "info",
        "values taken by default",
        "The card is silent, so a rerun takes what the usual scripts take, which may not be what the publisher used. "
        "Where you know better, state the value in assumptions.yaml with a reason.",
    ),
    "recipe-completeness": Code(
        "info",
        "how many of the values that a rerun needs the card states",
        "Every value that is left out is a choice that the next person makes differently, and scores move by tenths of "
        "a point with it. State the values listed, most of which the training program prints.",
    ),
    "stages-in-prose": Code(
        "warning",
        "training steps that only the prose describes",
        "A recipe is planned from blocks of settings; what a sentence alone says of earlier steps is not in it, so a "
        "rerun leaves them out. State each step in a block of its own with a line stage = ..., and its settings.",
    ),
}

_WORDS = {
    "student": "base model",
    "teacher": "teacher",
    "data": "training data",
    "revision": "revision of the training data",
    "epochs": "number of epochs",
    "batch_size": "batch size",
    "learning_rate": "learning rate",
    "lr_schedule": "learning rate schedule",
    "warmup_proportion": "warmup proportion",
    "weight_decay": "weight decay",
    "adam_beta2": "Adam's second beta",
    "max_grad_norm": "largest gradient norm",
    "max_seq_len": "window length",
    "doc_stride": "window stride",
    "max_query_length": "longest question",
    "temperature": "distillation temperature",
    "distillation_loss_weight": "distillation loss weight",
    "seed": "seed",
    "head": "initialisation of the answer head",
    "augmentation": "augmentation factor",
    "evaluation": "evaluation data",
    "n_best": "number of ranked answers",
    "max_answer_length": "longest answer",
    "null_threshold": "threshold for no answer",
}
"""Field -> what a reader calls it, in the order in which a rerun needs them."""
_GAP_WORDS = {**_WORDS, "masked_lm": "masked language model"}
_OF_LOGITS = frozenset({"temperature", "distillation_loss_weight"})
_EVALUATION = ("evaluation", "n_best", "max_answer_length", "null_threshold")
_TEXT_FIELDS = frozenset({"name", "profile", "kind", "student", "teacher", "data"})

_HEAD = re.compile(
    r"\b(?:head|output layer)\b[^.\n]{0,80}\binitiali[sz]|\binitiali[sz]\w*[^.\n]{0,80}\b(?:head|output layer)\b", re.I
)
_AUGMENTED = re.compile(r"\baugment(?:ed|ing|ation)\b", re.I)
_FACTOR = re.compile(r"\b(?:factor|multipl\w+)\W{1,5}(?:of\s+|is\s+)?\d+|\b\d+\s?(?:x|×|times|-fold)\b", re.I)
_PROSE_STAGES = {
    "intermediate layer distillation": re.compile(r"\bintermediate[- ]layers?\s+distil", re.I),
    "the TinyBERT procedure": re.compile(
        r"\bTinyBERT(?:'s)?\s+(?:approach|method|procedure|recipe|pipeline|distillation)", re.I
    ),
    "task-specific distillation": re.compile(r"\btask[- ]specific\s+distil", re.I),
    "training on augmented data": re.compile(
        r"\baugmented\s+(?:version|data|train|SQuAD|examples|corpus)|\baugmentation\s+(?:was|were|is|has been)\s", re.I
    ),
}
_TEACHER = re.compile(r"\b(?:used\s+|served\s+|acts?\s+)?as\s+(?:the|a|our)\s+teacher\b", re.I)


def check(card: Card, recipe: Recipe) -> Iterator[Finding]:
    """Findings about the recipe of a card about question answering; those about no one place are without a line."""
    if not answers_questions(card):
        return
    lines = read_prose(card, body=True)
    if _is_given(recipe):
        for gap in recipe.gaps:
            words = _gap(gap, recipe)
            message = f"no single {words} is stated, which a run needs; state it in assumptions.yaml with a reason"
            yield Finding("recipe-gap", "warning", message)
        yield from _prose_stages(recipe, lines)
        yield from _defaults(recipe)
    yield _completeness(recipe, "\n".join(line for _, line in lines))


def _is_given(recipe: Recipe) -> bool:
    """Whether the card, a person or an override gives some number of the training."""
    return any(
        origin.how != "default" and name not in _TEXT_FIELDS
        for stage in recipe.stages
        for name, origin in stage.origins.items()
    )


def _gap(gap: str, recipe: Recipe) -> str:
    """``main.student`` in a reader's words."""
    stage, _, name = gap.rpartition(".")
    return _GAP_WORDS.get(name, name) + (f' of stage "{stage}"' if stage and len(recipe.stages) > 1 else "")


def _defaults(recipe: Recipe) -> Iterator[Finding]:
    """Values that nobody chose: neither themselves nor by naming the profile that has them."""
    unchosen = [stage for stage in recipe.stages if _is_default(stage.origins.get("profile"))]
    taken = [
        f"{_gap(f'{stage.name}.{name}', recipe)} {getattr(stage, name)} ({origin.note})"
        for stage in unchosen
        for name, origin in stage.origins.items()
        if origin.how == "default" and name in _WORDS and name not in _TEXT_FIELDS and _matters(name, stage)
    ]
    if recipe.stages[-1] in unchosen:
        taken += [
            f"{_WORDS[name]} {getattr(recipe.decoding, name)} ({origin.note})"
            for name, origin in recipe.origins.items()
            if origin.how == "default" and name in _EVALUATION
        ]
    if taken:
        yield Finding("recipe-default", "info", f"taken by default: {', '.join(taken)}")


def _is_default(origin: Origin | None) -> bool:
    return origin is None or origin.how == "default"


def _matters(name: str, stage: Stage) -> bool:
    """Whether a value has an effect in a stage of that kind."""
    if name == "teacher":
        return stage.kind != "finetune"
    return stage.kind == "distil_logits" or name not in _OF_LOGITS


def _completeness(recipe: Recipe, text: str) -> Finding:
    """Of every value of every stage and of the evaluation, how many the card itself states."""
    values: list[tuple[str, bool]] = []
    for number, stage in enumerate(recipe.stages):
        if "name" in stage.origins and not any(_from_card(origin) for origin in stage.origins.values()):
            values.append((f'all settings of stage "{stage.name}"', False))
            continue
        for name in _WORDS:
            if name in _EVALUATION or not _matters(name, stage) or (name in ("head", "augmentation") and number):
                continue
            if name == "augmentation" and not _AUGMENTED.search(text):
                continue
            values.append((_gap(f"{stage.name}.{name}", recipe), _is_stated(name, stage, text)))
    values += [(_WORDS[name], _from_card(recipe.origins.get(name))) for name in _EVALUATION]
    missing = [words for words, stated in values if not stated]
    message = f"the card states {len(values) - len(missing)} of {len(values)} values that a rerun needs"
    if missing:
        message += f"; add {', '.join(missing)}"
    return Finding("recipe-completeness", "info", message)


def _is_stated(name: str, stage: Stage, text: str) -> bool:
    if name == "revision":
        return bool(stage.data) and all(ref.revision for ref in stage.data) and _from_card(stage.origins.get("data"))
    if name == "head":
        return bool(_HEAD.search(text))
    if name == "augmentation":
        return any(_FACTOR.search(line) for line in text.split("\n") if _AUGMENTED.search(line))
    return _from_card(stage.origins.get(name))


def _from_card(origin: Origin | None) -> bool:
    return origin is not None and origin.how == "stated"


def _prose_stages(recipe: Recipe, lines: list[tuple[int, str]]) -> Iterator[Finding]:
    """Steps that sentences describe, where no block names a stage."""
    if len(recipe.stages) > 1:
        return
    found: dict[str, int] = {}
    for number, line in lines:
        folded = line.casefold()
        if not any(word in folded for word in ("distil", "tinybert", "augment", "teacher")):
            continue
        for words, pattern in _PROSE_STAGES.items():
            if words not in found and pattern.search(line):
                found[words] = number
        if recipe.stages[0].teacher is None and "a teacher" not in found and _TEACHER.search(line):
            found["a teacher"] = number
    if found:
        steps = ", ".join(f"{words} (line {number})" for words, number in found.items())
        message = (
            f"only the text describes {steps}, and the recipe as planned has one step without that; state each step in "
            "a block with a line stage = ..."
        )
        yield Finding("stages-in-prose", "warning", message, min(found.values()))
