"""Cards made up from a seed, in every style of writing figures, with what a run should make of them.

A card is written down once as pieces, and put together twice: as it is, and as it should be when the run's figures
stand in it. Nothing here uses the code that edits cards.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path

from harness.records import DataRef, DataUsed, Run, seal
from harness.store import load_run

RUN_FILE = Path(__file__).parent / "data" / "runs" / "finished.json"
SCORES = {
    "exact": 80.4178,
    "f1": 83.0629,
    "total": 11873,
    "HasAns_exact": 77.5134,
    "HasAns_f1": 82.8121,
    "HasAns_total": 5928,
    "NoAns_exact": 83.3137,
    "NoAns_f1": 83.3137,
    "NoAns_total": 5945,
}
BEST = {"best_exact": 80.7715, "best_f1": 83.3012, "best_exact_thresh": -1.6543, "best_f1_thresh": -1.2087}


def squad_run(name: str = "owl/owl-squad2", **fields: object) -> Run:
    """A sealed run of a card's weights on the validation questions of SQuAD 2.0."""
    data = DataUsed(DataRef("squad_v2", "validation"), 11873, 5928, "1" * 64, "dev-v2.0.json")
    plain = replace(
        load_run(RUN_FILE),
        id="owl-1",
        kind="released",
        status="finished",
        card_name=name,
        card_path=None,
        card_sha256=None,
        stages=(),
        scores=SCORES,
        best=BEST,
        evaluated=data,
        signature="data:squad_v2:validation | n:11873 | v:0",
        comparisons=(),
        examples=(),
        by_kind={},
    )
    made = replace(plain, **fields)  # type: ignore[arg-type]
    return replace(made, sha256=seal(made))


@dataclass(frozen=True)
class Fig:
    """A figure that the run measured."""

    key: str
    digits: str
    fraction: bool = False
    whole: bool = False
    """A program printed it without rounding."""

    def new(self) -> str:
        """The digits that should stand there."""
        value = Decimal(str({**SCORES, **BEST}[self.key])) / (100 if self.fraction else 1)
        printed = Decimal(self.digits)
        step = Decimal(1).scaleb(printed.as_tuple().exponent)  # type: ignore[arg-type]
        modes = (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN)
        if any(value.quantize(step, mode) == printed for mode in modes):
            return self.digits
        if self.whole:
            return str({**SCORES, **BEST}[self.key])
        return format(value.quantize(step, ROUND_HALF_UP), "f")


@dataclass(frozen=True)
class Mark:
    """Text that goes where a figure changes."""

    text: str
    fig: Fig


Piece = str | Fig | Mark


def put_together(pieces: list[Piece], *, edited: bool) -> str:
    """The text, as it is or as it should be."""
    parts = []
    for piece in pieces:
        if isinstance(piece, Fig):
            parts.append(piece.new() if edited else piece.digits)
        elif isinstance(piece, Mark):
            parts.append("" if edited and piece.fig.new() != piece.fig.digits else piece.text)
        else:
            parts.append(piece)
    return "".join(parts)


def made_card(seed: int) -> tuple[bytes, bytes]:
    """A card, and the same with the figures of `squad_run` and without marks that vouched for what they replace."""
    rng = random.Random(seed)
    pieces = [*_front_matter(rng), *_body(rng)]
    end = rng.choice(["\n", "\n", "\r\n"])
    bom = rng.random() < 0.2
    cut = rng.random() < 0.25
    made = []
    for edited in (False, True):
        text = put_together(pieces, edited=edited)
        text = text.rstrip("\n") if cut else text
        made.append((("\ufeff" if bom else "") + text.replace("\n", end)).encode("utf-8"))
    return made[0], made[1]


def _digits(rng: random.Random, key: str, *, fraction: bool = False) -> str:
    """Digits near a figure of the run, sometimes those of the run itself, cut or rounded."""
    true = {**SCORES, **BEST}[key] / (100 if fraction else 1)
    places = rng.choice([3, 4, 6] if fraction else [1, 2, 4, 4, 12])
    if rng.random() < 0.3:
        mode = rng.choice([ROUND_HALF_UP, ROUND_DOWN])
        return format(Decimal(str(true)).quantize(Decimal(1).scaleb(-places), mode), "f")
    near = true + rng.uniform(-2.5, 2.5) / (100 if fraction else 1)
    return f"{near:.{places}f}"


def _unrounded(pieces: list[Piece]) -> list[Piece]:
    """The pieces of a code block: digits of a program that does not round are all given where some are so many."""
    figs = [p for p in pieces if isinstance(p, Fig) and not p.key.endswith(("total", "thresh"))]
    if not any(len(fig.digits.partition(".")[2]) >= 10 for fig in figs):
        return pieces
    return [replace(p, whole=True) if isinstance(p, Fig) and not p.key.endswith("total") else p for p in pieces]


def _fig(rng: random.Random, key: str, *, fraction: bool = False) -> Fig:
    return Fig(key, _digits(rng, key, fraction=fraction), fraction)


def _front_matter(rng: random.Random) -> list[Piece]:
    note = "  # checked by hand" if rng.random() < 0.4 else ""
    head = ["---\n"]
    if rng.random() < 0.3:
        head.append("# Grüße von der Eule 🦉\n")
    head += [f"language: en{note}\n", "license:   mit   \n"]
    if rng.random() < 0.4:
        head.append("x_anchored: &words\n- a\n- b\nx_again: *words\n")
    if rng.random() < 0.4:
        head.append("widget:\n  - {text: 'Where, in 80.1 words?', context: \"It's {here}: 80.1\"}\n")
    head.append("model-index:\n- name: owl/owl-squad2\n  results:\n")
    fraction = rng.random() < 0.25
    pieces: list[Piece] = [*head]
    pieces += ["  - task:\n      type: question-answering\n", *_data(rng, "squad_v2"), "    metrics:\n"]
    for key, kind in (("exact", "exact_match"), ("f1", "f1")):
        pieces += _metric(rng, kind, _fig(rng, key, fraction=fraction))
    if rng.random() < 0.5:
        pieces += ["  - task: {type: question-answering}\n", *_data(rng, "squad"), "    metrics:\n"]
        pieces += ["    - {type: f1, value: 88.1, verified: true, verifyToken: eyJh}\n", "    - type: exact_match\n"]
        pieces += ["      value: 81.25   # of other data\n", "      verified: true\n"]
    if rng.random() < 0.3:
        pieces.append("unknown_key: [1, 2,   3]\t# tabs\tstay\n")
    return [*pieces, "---\n"]


def _data(rng: random.Random, name: str) -> list[Piece]:
    if rng.random() < 0.5:
        return [f"    dataset: {{name: {name}, type: {name}, split: validation}}\n"]
    return [f"    dataset:\n      name: {name}\n      type: '{name}'\n      split: validation\n"]


def _metric(rng: random.Random, kind: str, fig: Fig) -> list[Piece]:
    quote = rng.choice(["", "", '"', "'"])
    value: list[Piece] = [f"value: {quote}", fig, quote]
    token = rng.choice(["verifyToken: eyJhbGciOiJFZERTQSJ9.x.y-z_w", 'verifyToken: "a, b"', "verifyToken: 'x: y'"])
    style = rng.choice(["plain", "block", "block last", "first", "flow", "flow first", "flow lines", "folded"])
    match style:
        case "plain":
            return [f"    - type: {kind}\n      ", *value, "\n      name: 'its name'\n"]
        case "block":
            head: list[Piece] = [f"    - type: {kind}   # a comment\n      ", *value, "  \n"]
            return [*head, Mark(f"      verified: true\n      {token}\n", fig), "      name: its name # stays\n"]
        case "block last":
            return [
                f"    - name: x\n      type: {kind}\n      ",
                *value,
                "\n",
                Mark("      verified: true  # by\n", fig),
            ]
        case "first":
            return ["    - ", Mark("verified: true\n      ", fig), f"type: {kind}\n      ", *value, "\n"]
        case "flow":
            return [f"    - {{type: {kind}, ", *value, Mark(f", verified: true, {token}", fig), ", name: n}\n"]
        case "flow first":
            return [
                "    - { ",
                Mark("verified: true, ", fig),
                f"type: {kind},  ",
                *value,
                Mark(f", {token}", fig),
                " }\n",
            ]
        case "flow lines":
            return [f"    - {{type: {kind},\n       ", *value, Mark(",\n       verified: true", fig), "\n      }\n"]
        case _:
            mark = Mark("      verifyToken: >-\n        eyJh\n        bGci\n      verified: false\n", fig)
            return [f"    - type: {kind}\n      ", *value, "\n", mark, "      # what follows\n      name: n\n"]


_WORDS = (
    "In 2021 the owl read 11,873 questions, 80.1 kg of paper and 3 books.  \n",
    "Ein Käuzchen – “ganz” allein\u00a0– liest.\t\n",
    "Version 1.80.4 of the owl, see [this](https://example.org/80.41/83.06).\n",
    "<div align=center>80.41</div>\n",
)


def _body(rng: random.Random) -> list[Piece]:
    pieces: list[Piece] = ["\n# owl-squad2\n\n", rng.choice(_WORDS), "\n"]
    pieces.append("```python\nfrom transformers import pipeline\nscore = 80.41\n```\n\n" if rng.random() < 0.5 else "")
    shapes = [_json, _dict, _table, _list, _prose, _fractions, _other]
    for shape in rng.sample(shapes, rng.randint(1, 4)):
        pieces += shape(rng)
        if rng.random() < 0.4:
            pieces += [rng.choice(_WORDS), "\n"]
    return pieces


def _json(rng: random.Random) -> list[Piece]:
    keys = ["exact", "f1", "total", "HasAns_exact", "HasAns_f1", "HasAns_total", "NoAns_exact", "NoAns_f1"]
    keys += ["NoAns_total"] + (
        ["best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh"] if rng.random() < 0.6 else []
    )
    older = rng.random() < 0.3
    pieces: list[Piece] = ["### Evaluated on SQuAD 2.0 dev\n\n", rng.choice(["```json\n", "```\n"]), "{\n"]
    for key in keys:
        total = Fig(key, str(int(SCORES[key]) - 3 * older)) if key.endswith("total") else None
        pieces += [f'  "{key}": ', total or _fig(rng, key), ",\n" if key != keys[-1] else "\n"]
    return _unrounded([*pieces, "}\n```\n\n"])


def _dict(rng: random.Random) -> list[Piece]:
    first, second = _fig(rng, "exact"), _fig(rng, "f1")
    return _unrounded(["Results on the SQuAD 2.0 dev set:\n\n    {'exact': ", first, ", 'f1': ", second, "}\n\n"])


def _table(rng: random.Random) -> list[Piece]:
    bold = rng.choice(["", "**", "__"])
    percent = rng.choice(["", "%", " %"])
    rule = rng.choice(["|---|---|\n", "| :--- | ---: |\n", "|:-:|:-:|\n"])
    pieces: list[Piece] = ["Evaluation on SQuAD 2.0 dev set\n\n", "| Metric |   Value |\n", rule]
    for label, key in (("EM", "exact"), ("F1", "f1")):
        pieces += [f"| {bold}{label}{bold} | {bold}", _fig(rng, key), f"{bold}{percent}  |\n"]
    return [*pieces, "\n"]


def _list(rng: random.Random) -> list[Piece]:
    bullet = rng.choice(["-", "*", "+"])
    head: list[Piece] = ["## Results on the SQuAD 2.0 dev set\n\n"]
    return [
        *head,
        f"{bullet} Exact Match: ",
        _fig(rng, "exact"),
        f"\n{bullet} **F1**: ",
        _fig(rng, "f1"),
        "%\n\nEnd.\n\n",
    ]


def _prose(rng: random.Random) -> list[Piece]:
    first, second = _fig(rng, "exact"), _fig(rng, "f1")
    return ["On the SQuAD 2.0 dev set it reaches an exact match of ", first, "% and an F1 of ", second, "%.\n\n"]


def _fractions(rng: random.Random) -> list[Piece]:
    first, second = (_fig(rng, key, fraction=True) for key in ("exact", "f1"))
    return ["SQuAD 2.0 dev\n\n```\nexact_match = ", first, "\nf1 = ", second, "\n```\n\n"]


def _other(rng: random.Random) -> list[Piece]:
    """Figures of other data, and of another model."""
    table = "| Data | F1 |\n|---|---|\n| SQuAD 1.1 | 88.1 |\n| NewsQA | 61.2 |\n\n"
    return ["### Elsewhere\n\n", table, "```\n# TriviaQA\nf1: 70.25\n```\n\n"]
