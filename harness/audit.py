"""Card and recipe in, findings out: contradictions, impossible figures, gaps, each with its line."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from decimal import Decimal

from markdown_it import MarkdownIt

from harness import names, yamltree
from harness.records import Card, Claim, Finding, Recipe, Setting

_HALF = Decimal("0.5")
_FRONT_MATTER = re.compile(r"[\ufeff\s]*---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_MODEL_IN_CODE = re.compile(
    r"""(?:\bmodel(?:_name)?(?:_or_path)?\s*=\s*|Model\w*\.from_pretrained\(\s*)["'](?P<name>[^"'\n]{1,200})["']"""
)
_DISTILLATION = frozenset({"temperature", "distillation_loss_weight"})
_TEXT_SETTINGS = frozenset(
    {
        "stage",
        "kind",
        "student",
        "teacher",
        "train_data",
        "eval_data",
        "dataset_name",
        "infrastructure",
        "language_model",
    }
)


def audit_card(card: Card, recipe: Recipe | None = None) -> tuple[Finding, ...]:
    """Everything questionable about a card, in the order of its lines.

    Codes: ``out-of-range``, ``exact-above-f1``, ``self-reference`` (errors); ``contradiction``, ``duplicate-key``
    (warnings); without a line, last: ``recipe-gap`` (warning) and ``recipe-default`` (for the reader's information).
    """
    found = [
        *_out_of_range(card.claims),
        *_exact_above_f1(card.claims),
        *_contradicting_claims(card.claims),
        *_contradicting_settings(card.settings),
        *_self_references(card),
        *_duplicate_keys(card.text),
    ]
    placed = sorted(found, key=lambda finding: (finding.line or 0, finding.code, finding.message))
    return (*dict.fromkeys(placed), *(_recipe_findings(recipe) if recipe else ()))


def _shown(text: str) -> str:
    """The text, escaped where a terminal would act on it."""
    return text if text.isprintable() else repr(text)[1:-1]


def _label(claim: Claim) -> str:
    subset = "" if claim.subset == "all" else f" ({claim.subset})"
    data = f" on {claim.data}" if claim.data else ""
    return f"{claim.metric}{subset}{data}"


def _points(claim: Claim) -> Decimal:
    """The figure in points, exactly as printed."""
    digits = Decimal(claim.digits)
    return digits * 100 if claim.unit == "fraction" else digits


def _resolution(claim: Claim) -> Decimal:
    """One unit of the last printed digit, in points."""
    exponent = Decimal(claim.digits).as_tuple().exponent
    unit = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    return unit * 100 if claim.unit == "fraction" else unit


def _out_of_range(claims: Sequence[Claim]) -> Iterator[Finding]:
    for claim in claims:
        if claim.metric in names.SCORES and not 0 <= _points(claim) <= 100:
            message = f"{_label(claim)} is {claim.digits}, expected 0 to 100 points; correct the figure"
            yield Finding("out-of-range", "error", message, claim.place.line)


def _exact_above_f1(claims: Sequence[Claim]) -> Iterator[Finding]:
    """A question's F1 is 1 wherever its exact match is, so no mean of exact match is above that of F1."""
    partners: dict[object, list[Claim]] = {}
    for claim in sorted(claims, key=lambda claim: claim.place.start):
        if claim.metric == "f1":
            partners.setdefault((claim.subset, claim.data, claim.origin), []).append(claim)
    for exact in claims:
        near = partners.get((exact.subset, exact.data, exact.origin))
        if exact.metric != "exact_match" or near is None:
            continue
        after = bisect_left(near, exact.place.start, key=lambda claim: claim.place.start)
        f1 = min(near[max(0, after - 1) : after + 1], key=lambda c: abs(c.place.start - exact.place.start))
        slack = (_resolution(exact) + _resolution(f1)) * _HALF
        if _points(exact) > _points(f1) + slack:
            message = (
                f"{_label(exact)} is {exact.digits}, above the f1 of {f1.digits} at line {f1.place.line}, "
                "which no predictions can give; correct one"
            )
            yield Finding("exact-above-f1", "error", message, exact.place.line)


def _agree(a: Claim, b: Claim) -> bool:
    """Whether the more precise figure, rounded to the digits of the other (ties either way), is the other."""
    return abs(_points(a) - _points(b)) <= max(_resolution(a), _resolution(b)) * _HALF


def _contradicting_claims(claims: Sequence[Claim]) -> Iterator[Finding]:
    groups: dict[object, list[Claim]] = {}
    for claim in claims:
        if claim.data is not None:
            key = (claim.metric, claim.subset, names.canonical_data(claim.data))
            groups.setdefault(key, []).append(claim)
    for group in groups.values():
        first = group[0]
        for other in group[1:]:
            if not _agree(first, other):
                difference = abs(_points(first) - _points(other))
                message = (
                    f"{_label(first)} is {first.digits} at line {first.place.line} and {other.digits} at line "
                    f"{other.place.line}, {difference.quantize(Decimal('0.0001')).normalize():f} points apart; "
                    "say how each was measured, or correct one"
                )
                yield Finding("contradiction", "warning", message, first.place.line)


def _contradicting_settings(settings: Sequence[Setting]) -> Iterator[Finding]:
    """Figures of one setting that differ; a block with a stage of its own is compared with nothing else."""
    staged = {setting.block for setting in settings if setting.name == "stage"}
    first: dict[str, Setting] = {}
    for setting in settings:
        if setting.block in staged or setting.name in _TEXT_SETTINGS or setting.name not in names.SETTINGS:
            continue
        earlier = first.setdefault(setting.name, setting)
        if earlier.value != setting.value:
            message = (
                f"{setting.name} is {_shown(earlier.text)} at line {earlier.place.line} and "
                f"{_shown(setting.text)} at line {setting.place.line}; state the one you mean"
            )
            yield Finding("contradiction", "warning", message, earlier.place.line)


def _self_references(card: Card) -> Iterator[Finding]:
    own = _own_names(card)
    stages = {setting.text for setting in card.settings if setting.name == "stage"}
    for setting in card.settings:
        if setting.name in ("student", "teacher") and setting.text not in stages and setting.text.casefold() in own:
            role = "base model" if setting.name == "student" else "teacher"
            message = (
                f'"{_shown(setting.text)}" is stated as the {role}, but it is this model itself; name the true one'
            )
            yield Finding("self-reference", "error", message, setting.place.line)


def _own_names(card: Card) -> set[str]:
    """Names of the model that the card is about: its title, its folder, and what its usage code loads.

    A name in code counts only if it begins with the card's own, as code may also load the base model.
    """
    name = card.name.casefold()
    own = {name, name.replace("__", "/")}
    tail = name.replace("__", "/").rpartition("/")[2]
    for token in MarkdownIt("commonmark").disable("inline").parse(card.text):
        if token.type == "fence" and token.info.strip().casefold().split(" ")[0] in ("python", "py"):
            loaded = {match["name"].casefold() for match in _MODEL_IN_CODE.finditer(token.content)}
            own |= {model for model in loaded if model.rpartition("/")[2].startswith(tail)}
    return own


def _duplicate_keys(text: str) -> Iterator[Finding]:
    """Repeated keys of the front matter: YAML forbids them, and readers differ in which one they take."""
    text = re.sub(r"\r(?!\n)", "\n", text)
    match = _FRONT_MATTER.match(text)
    root = yamltree.compose(match["yaml"]) if match else None
    if match is None or root is None:
        return
    start = match.start("yaml")
    for key, first, second in yamltree.duplicate_keys(root):
        line, other = (text.count("\n", 0, start + index) + 1 for index in (first, second))
        message = f'the key "{_shown(key)}" is at line {line} and again at line {other}; remove one'
        yield Finding("duplicate-key", "warning", message, other)


def _recipe_findings(recipe: Recipe) -> Iterator[Finding]:
    for gap in recipe.gaps:
        message = f"the recipe does not say {gap}, which a run needs; state it in assumptions.yaml with a reason"
        yield Finding("recipe-gap", "warning", message)
    taken = [
        f"{stage.name}.{name} {getattr(stage, name)} ({origin.note})"
        for stage in recipe.stages
        for name, origin in stage.origins.items()
        if origin.how == "default" and not (stage.kind == "finetune" and name in _DISTILLATION)
    ]
    own = {"n_best", "max_answer_length", "null_threshold"}
    taken += [
        f"{name} {getattr(recipe.decoding, name)} ({origin.note})"
        for name, origin in recipe.origins.items()
        if origin.how == "default" and name in own
    ]
    if taken:
        yield Finding("recipe-default", "info", f"taken by default: {', '.join(taken)}")
