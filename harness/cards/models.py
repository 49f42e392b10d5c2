"""Which names in a card are its model's own, and which are other models'."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.cards.blocks import Block, Fence, Heading
from harness.records import Setting

_LOADED = re.compile(
    r"""(?:\bmodel\w*\s*=\s*|\bfrom_pretrained\(\s*|\btokenizer\s*=\s*)["'](?P<name>[^"'\n]{2,200})["']""", re.I
)
_REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")
_HUB_LINK = re.compile(r"\]\(https?://(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<name>[\w.-]+(?:/[\w.-]+)?)[/)?#]")
_OURS = re.compile(
    r"\b(?:ours?|our (?:\w+ )?model|this (?:\w+ )?model|the model|(?:this|our) (?:work|one|card"
    r"|repo(?:sitory)?|release|checkpoint|version)"
    r"|fine-?tuned model|student(?: model)?)\b",
    re.I,
)
_NOTED = re.compile(
    r"[(,\[]\s*(?:ours?|this (?:model|one|card|version|release|checkpoint|repo|work)|this)\s*[)\]]?\W*$", re.I
)
_OTHERS = re.compile(
    r"\b(?:teachers?|baselines?|comparisons?|compare[ds]?|humans?|leaderboards?|state[- ]of[- ]the[- ]art|sota"
    r"|(?:other|original|previous|base|full|dense|parent|upstream|reference)\s+models?|original)\b",
    re.I,
)
_FAMILY = (
    r"bert|electra|xlnet|mpnet|minilm|albert|deberta|gpt|llama|mistral|gemma|qwen|bart|pegasus|t5|wav2vec|whisper|xlm"
    r"|xls|hubert|luke|longformer|bigbird|funnel|reformer|squeezebert|camembert|flaubert|rembert|convnext|vit"
    r"|swin|resnet"
    r"|beit|bloom|opt|falcon|phi|bidaf|elmo|qanet|splinter|ernie|nezha|canine|mamba|pythia|vicuna|mixtral|yi"
    r"|olmo|smollm"
)
_PREFIX = r"(?:m|x|e|de|ro|al|distil\w*|tiny|mobile|span|sci|bio\w*|fin|leg\w*|news|mini|small|m?de)?"
_MODEL_LABEL = re.compile(rf"(?:[\w.-]+/)?{_PREFIX}(?:{_FAMILY})[\w.+-]*(?:[ ][\w.+-]+)*", re.I)
_MODEL_IN_TEXT = re.compile(rf"(?<![\w/.-])(?:[\w.-]+/)?{_PREFIX}(?:{_FAMILY})[\w.+-]*(?![\w/])", re.I)
_LONGEST_NAME = 150
_STOP = frozenset(("model", "the", "finetuned", "fine", "tuned", "for", "on", "our", "this", "a", "an", "of", "with"))


def own_names(name: str, blocks: Sequence[Block], settings: Sequence[Setting] = ()) -> tuple[str, ...]:
    """Names of the card's model in small letters: its name, the same without owner, its title, what its code loads.

    A name in code counts if it begins with a name already known, or if code loads nothing else: it may also load the
    base model.

    Args:
        name: The model's name by ``model-index``, folder or file.
        blocks: The body.
        settings: What the card states; its ``Language model`` is a name of the model.
    """
    names = [name.replace("__", "/")]
    names += [
        s.text for s in settings if s.name == "language_model" and re.search(r"[-_/]", s.text) and " " not in s.text
    ]
    title = next((block.text for block in blocks if isinstance(block, Heading) and block.level == 1), "")
    title = _HUB_LINK.sub("", title).strip("`*_[]# ")
    if title and len(title) <= 100 and (not re.search(r"\s", title) or _MODEL_LABEL.match(title)):
        names.append(title)
    loaded = list(dict.fromkeys(_loaded(blocks)))
    known = {_tail(known) for known in names}
    own = [model for model in loaded if any(tail and _tail(model).startswith(tail) for tail in known)]
    repositories = [model for model in loaded if _REPOSITORY.fullmatch(model)]
    if not own and len(repositories) == 1:
        own = repositories
    every = [known.casefold() for known in (*names, *own) if known]
    return tuple(dict.fromkeys([*every, *(_tail(known) for known in every)]))


class Names:
    """Tells the card's model from others by what a label, a heading or a sentence calls it."""

    def __init__(self, aliases: Sequence[str]) -> None:
        self._own = frozenset(aliases)
        self._words = [words for alias in aliases if (words := _words(alias))]

    def is_own(self, text: str) -> bool:
        """Whether a whole text is a name of the card's model, or says that it is ours."""
        name = plain_name(text)
        if name in self._own or _OURS.fullmatch(name) or _NOTED.search(text):
            return True
        link = _HUB_LINK.search(text)
        return link is not None and link["name"].casefold() in self._own

    def says_ours(self, text: str) -> bool:
        """Whether a text has a word for the card's own model in it."""
        folded = text.casefold()
        return bool(_OURS.search(text)) or any(
            len(alias) > 5 and alias in folded for alias in self._own if not re.fullmatch(r"\w+", alias)
        )

    def likeness(self, text: str) -> float:
        """How much a label shares with the model's names, 0 to 1 (Jaccard index of their words)."""
        words = _words(plain_name(text))
        return max((len(words & own) / len(words | own) for own in self._words), default=0.0) if words else 0.0

    def is_about_others(self, text: str) -> bool:
        """Whether a text speaks of other models: a teacher, a baseline, humans."""
        return any(not any(match[0].casefold() in own for own in self._own) for match in _OTHERS.finditer(text))

    def others_in(self, text: str) -> list[re.Match[str]]:
        """Where a text names models that are not the card's."""
        found = []
        for match in _MODEL_IN_TEXT.finditer(text):
            name = plain_name(match[0])
            if not re.search(r"[-/\d]", name):  # a family, not one model
                continue
            if name not in self._own and not any(name in own and len(name) > 0.6 * len(own) for own in self._own):
                found.append(match)
        return found


def is_model_like(text: str) -> bool:
    """Whether a whole label looks like the name of a model."""
    name = plain_name(text)
    if len(name) > _LONGEST_NAME:
        return False
    return bool(_MODEL_LABEL.fullmatch(name)) or bool(re.fullmatch(r"[\w.-]+/[\w.-]*[a-z][\w.-]*-[\w.-]+", name))


def plain_name(text: str) -> str:
    """A label in small letters without a link's address, marks and a note in brackets."""
    text = re.sub(r"\[([^\]\[]{1,200})\]\([^()\s]{0,300}\)", r"\1", text)
    text = re.sub(
        r"[\s,]{0,9}\(?\b(?:ours?|this (?:model|one|card|version|release|checkpoint|repo)|this)\)?$",
        "",
        text,
        flags=re.I,
    )
    return text.strip("*_`[](){}: ✅⭐🤗").replace("**", "").casefold().strip()


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+|\d+(?:\.\d+)?", name.rpartition("/")[2])) - _STOP


def _tail(name: str) -> str:
    return name.casefold().rpartition("/")[2]


def _loaded(blocks: Sequence[Block]) -> list[str]:
    return [
        match["name"]
        for block in blocks
        if isinstance(block, Fence)
        for line in block.lines
        for match in _LOADED.finditer(line.text)
    ]
