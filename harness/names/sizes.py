"""How many questions the splits of known data sets have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from harness.names.datasets import canonical_data
from harness.records import DataRef


class SplitSize(NamedTuple):
    """Questions of a whole split."""

    n: int
    has_ans: int
    """Those with an answer, be it published or not."""


# Numbers of questions from the data sets' descriptions (`num_examples` in datasets/NAME/README.md of the repository
# huggingface/datasets up to 2.9); the parts of SQuAD 2.0 as the official script prints them (HasAns_total,
# NoAns_total). That the test split of adversarial_qa has no answers: huggingface/datasets#2447.
_MLQA = {
    "ar": (5_335, 517),
    "de": (4_517, 512),
    "en": (11_590, 1_148),
    "es": (5_253, 500),
    "hi": (4_918, 507),
    "vi": (5_495, 511),
    "zh": (5_137, 504),
}
"""Language -> questions of test and validation; all have an English counterpart, and fewer one in a third language."""
_MLQA_PAIRS = {
    ("ar", "de"): (1_649, 207),
    ("ar", "es"): (1_978, 161),
    ("ar", "hi"): (1_831, 186),
    ("ar", "vi"): (2_047, 163),
    ("ar", "zh"): (1_912, 188),
    ("de", "es"): (1_776, 196),
    ("de", "hi"): (1_430, 163),
    ("de", "vi"): (1_675, 182),
    ("de", "zh"): (1_621, 190),
    ("es", "hi"): (1_723, 187),
    ("es", "vi"): (2_018, 189),
    ("es", "zh"): (1_947, 161),
    ("hi", "vi"): (1_947, 177),
    ("hi", "zh"): (1_767, 189),
    ("vi", "zh"): (1_943, 184),
}
_MLQA_TRANSLATED = {
    "ar": (78_058, 9_512),
    "de": (80_069, 9_927),
    "es": (81_810, 10_123),
    "hi": (82_451, 10_253),
    "vi": (84_816, 10_356),
    "zh": (76_285, 9_568),
}
"""Language -> questions of SQuAD 1.1, train and validation, that were translated into it."""


def _mlqa() -> Iterator[tuple[tuple[str, str, str], int]]:
    for context in _MLQA:
        for question in _MLQA:
            one, other = sorted((context, question))
            third = [language for language in (one, other) if language != "en"]
            sizes = _MLQA[third[0] if third else "en"] if len(set(third)) < 2 else _MLQA_PAIRS[one, other]
            for split, n in zip(("test", "validation"), sizes, strict=True):
                yield ("mlqa", f"mlqa.{context}.{question}", split), n
    for language, sizes in _MLQA_TRANSLATED.items():
        yield ("mlqa", f"mlqa-translate-test.{language}", "test"), _MLQA[language][0]
        for split, n in zip(("train", "validation"), sizes, strict=True):
            yield ("mlqa", f"mlqa-translate-train.{language}", split), n


_MODELS = ("dbidaf", "dbert", "droberta")
_XQUAD = ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")
_ANSWERABLE: dict[tuple[str, str | None, str], int] = {
    ("squad", None, "train"): 87_599,
    ("squad", None, "validation"): 10_570,
    ("squadshifts", "new_wiki", "test"): 7_938,
    ("squadshifts", "nyt", "test"): 10_065,
    ("squadshifts", "reddit", "test"): 9_803,
    ("squadshifts", "amazon", "test"): 9_885,
    ("squad_adversarial", "AddSent", "validation"): 3_560,
    ("squad_adversarial", "AddOneSent", "validation"): 1_787,
    ("squad_adversarial", None, "AddSent"): 3_560,
    ("squad_adversarial", None, "AddOneSent"): 1_787,
    ("adversarial_qa", "adversarialQA", "train"): 30_000,
    ("adversarial_qa", "adversarialQA", "validation"): 3_000,
    ("adversarial_qa", "adversarialQA", "test"): 3_000,
    **{("adversarial_qa", model, "train"): 10_000 for model in _MODELS},
    **{("adversarial_qa", model, split): 1_000 for model in _MODELS for split in ("validation", "test")},
    **{("xquad", f"xquad.{language}", "validation"): 1_190 for language in _XQUAD},
    **dict(_mlqa()),
}
_SIZES: dict[tuple[str, str | None, str], SplitSize] = {
    ("squad_v2", None, "train"): SplitSize(130_319, 86_821),
    ("squad_v2", None, "validation"): SplitSize(11_873, 5_928),
    **{key: SplitSize(n, n) for key, n in _ANSWERABLE.items()},
}


def split_size(data: DataRef) -> SplitSize | None:
    """Size of the whole split that a reference is to, whatever slice it takes; None where it is not known."""
    data = canonical_data(data)
    return _SIZES.get((data.name, data.config, data.split.partition("[")[0]))


def answers_withheld(data: DataRef) -> bool:
    """Whether the reference answers of a split are known to be kept by its publisher."""
    data = canonical_data(data)
    return (data.name, data.split.partition("[")[0]) == ("adversarial_qa", "test")
