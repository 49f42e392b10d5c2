"""Which model a claim of speed is relative to, and whether that is the one that was measured."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence

from harness.names.architectures import Architecture, find_architecture
from harness.records import SpeedMeasured, SpeedModel


class Naming(enum.Enum):
    """How the model that a claim names stands to the one that was measured."""

    SAME = "same"
    UNNAMED = "unnamed"
    """The claim names none: "the base model"."""
    UNKNOWN = "unknown"
    """It names one, and neither name nor shape tells whether it is this."""
    ANOTHER = "another"


_GENERIC = re.compile(
    r"(?<!\S)(?:(?:the|its|a|base|large|larger|big|bigger|full|original|previous|reference|uncompressed|teacher|student"
    r"|baseline|parent)\s+)*(?:model|version|teacher|student|baseline)$"
)
_SIZED = re.compile(r"\b(?:base|large)\b")
_BASE = re.compile(r"\b(?:base|original|parent)\b")
_SIZES = frozenset(("tiny", "mini", "xsmall", "small", "medium", "base", "large", "xlarge", "xxlarge"))
_VARIANTS = frozenset(("distil", "distilled", "mini", "mobile", "tiny", "xlm"))
"""Words that make another model of one whose name goes on alike."""
_FAMILIES = frozenset(
    (
        *("albert", "bert", "deberta", "distilbert", "distilroberta", "electra", "longformer", "minilm", "mpnet"),
        *("roberta", "xlm", "xlnet"),
    )
)


def names_base(than: str, measured: SpeedMeasured, base_names: Sequence[str] = ()) -> tuple[Naming, str]:
    """Whether a claim relative to `than` is one relative to the measured base, and in words what is to be known of it.

    The words are empty where names agree. Names in `base_names` stand for "the base model" and "the original model",
    those apart that have the shape of the measured model: what a student starts from is as fast as itself.
    """
    base = measured.base
    name = _name(than)
    if name:
        naming, about = _named(name, base, f"the claim is relative to {name}")
        ids = "/" in name and "/" in base.name
        return (Naming.ANOTHER if ids and naming is Naming.UNKNOWN else naming), about
    if not _BASE.search(than.casefold()):
        return Naming.UNNAMED, f"the claim names no base model, {base.name} is taken for it"
    stated = [name for name in base_names if not _has_shape(find_architecture(name), measured.model)]
    found = [_named(name, base, f"the card's base model is {name}") for name in stated]
    for wanted in (Naming.SAME, Naming.UNKNOWN, Naming.ANOTHER):
        for naming, about in found:
            if naming is wanted:
                # what the front matter names need not be what the sentence means
                return (Naming.UNNAMED if naming is Naming.UNKNOWN else naming), about
    return Naming.UNNAMED, f"the claim names no base model, {base.name} is taken for it"


def _named(name: str, base: SpeedModel, says: str) -> tuple[Naming, str]:
    measured = f"{says}, {base.name} was measured"
    if _tail(name) == _tail(base.name):
        return Naming.SAME, ""
    known = find_architecture(name) or find_architecture(f"{name}-uncased")
    words, own = _words(name), _words(base.name)
    if known is not None and base.layers is not None and base.width is not None:
        if not _has_shape(known, base):
            shape = f"{base.layers} layers of {base.width} units"
            return Naming.ANOTHER, f"{measured}, a {base.type} of {shape}; give {name} as BASE"
        return Naming.SAME, "" if words <= own else f"{measured}, which has its shape"
    sizes = (words & _SIZES, own & _SIZES)
    families = (words & _FAMILIES, own & _FAMILIES or {base.type})
    if any(one and other and not one & other for one, other in (sizes, families)):
        return Naming.ANOTHER, f"{measured}; give {name} as BASE, with --use {name}=PATH for a local folder"
    if (words <= own or own <= words) and not (words ^ own) & _VARIANTS:
        return Naming.SAME, ""
    return Naming.UNKNOWN, f"{measured}; if it is the same, give it by that name, with --use {name}=PATH"


def _name(than: str) -> str:
    """The model's name in what follows "than"; empty for words that name none."""
    text = than.strip()
    match = _GENERIC.search(text.casefold())
    words = text[: match.start()].split() if match else text.split()
    if words and match:
        words += _SIZED.findall(match[0])
    name = "-".join(words)
    return name if re.search(r"[-/_\d]", name) or name.casefold() in _FAMILIES else ""


def _has_shape(known: Architecture | None, model: SpeedModel) -> bool:
    return known is not None and (known.type, known.layers, known.width) == (model.type, model.layers, model.width)


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+|\d+", _tail(name)))


def _tail(name: str) -> str:
    return name.casefold().rpartition("/")[2]
