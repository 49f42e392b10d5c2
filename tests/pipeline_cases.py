"""Questions that were put to the pipeline of transformers 4; its answers are in ``data/pipeline.json``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

WHO = "Who founded it?"
SHORT = "Orvel lies by the sea. It was founded by Ada Merk in 1204."
TOWNS = (
    "Orvel is a town by the sea; it was built in 1204, and Ada Merk founded it. Lindow lies in the hills: Bo Tull came "
    "there from Tamsin in 1310 and built a mill. What the mill ground was sold in Orvel, at the market that opens when "
    "the tide is out. Cleo Vant, who wrote the first map of Sundby, was born in a house of the harbour. It is said "
    "that the sea took the house in 1422, that Eva Pons saw it from the tower. The tower stands, and the bell of Brako "
    "hangs in it; which of the two is older no one knows. Finn Odd of Quarrel paid for both, and was paid by no one."
)
TWICE = "ADA MERK built the tower. Ada Merk founded Orvel. It is said that ada merk lies in the sea, and Ada Merk too."
BLANKS = "\t Orvel  lies\n\n by\u00a0the \u2003 sea .\r\n  It   was founded\u200bby  Ada\u3000Merk   in 1204 . \n "
SIGNS = "Orvel (the \"town\"), lies--by the sea... It's Ada-Merk's: built/founded in 1204; cost: $5,000.50, 20% off!?"
EMOJI = (
    "The 😀 of Orvel is 👨‍👩‍👧 Ada's; she built it 🏰🏰 by the 🌊 in 1204 ❤️. Été, naïve, Åse e\u0301te\u0301 ﬁn ½ ①."
)
CHINESE = "奥维尔城位于海边。城市在1204年由Ada Merk建立,海边的城市,谁的城市?"
HEBREW = "שלום ירושלים היא עיר. העיר נבנתה על ידי Ada Merk בשנת 1204, ליד הים."
ARABIC = "مدينة أورفل على البحر. بنتها Ada Merk في سنة ١٢٠٤؟ نعم، بنتها."
LONG_QUESTION = (
    "Of all those who lived in the town by the sea, and who came there from the hills or from the town of Tamsin, "
    "which one was it that, as it is said by the people of the harbour, founded the town of Orvel in the year 1204, "
    "when the tide was out, and built the tower in which the bell of Brako hangs to this day, and what was the name?"
)
UNBROKEN = "orvel" * 40
ALIKE = "the the the the the the the the"


@dataclass(frozen=True)
class Case:
    """One call of the pipeline."""

    name: str
    model: str
    question: str
    context: str
    top_k: int = 1
    max_answer_length: int = 15
    max_seq_len: int | None = None
    doc_stride: int | None = None
    impossible: bool = False
    whole_words: bool = True
    departs: str = ""
    """Why `Answerer` answers otherwise; empty where it answers the same."""


CLS_ASKED = "the pipeline takes every CLS token for the one at the front, also one that the question writes out"
LEFT = "where the tokenizer pads on the left, the pipeline takes tokens of the question for answers too"
SPARE = "where spans run out, the pipeline fills up with ones of score 0, which begin at CLS or end before they begin"
PANICS = "the pipeline stops where question and overlap leave no room; Answerer says so with a RecipeError"
REFUSED = "the pipeline raises for a text without characters; Answerer has no answer"


def cases() -> Iterator[Case]:
    """All of them; each on the models where it shows something."""
    for model in ("bert", "roberta", "xlm-roberta"):
        yield Case(f"{model}-plain", model, WHO, SHORT)
        yield Case(f"{model}-top-3", model, WHO, SHORT, top_k=3)
        yield Case(f"{model}-top-10", model, WHO, SHORT, top_k=10)
        yield Case(f"{model}-tokens", model, WHO, SHORT, top_k=3, whole_words=False)
        yield Case(f"{model}-windows", model, WHO, TOWNS, top_k=3, max_seq_len=48, doc_stride=16)
        yield Case(f"{model}-windows-tokens", model, WHO, TOWNS, 10, 15, 48, 16, whole_words=False)
        yield Case(f"{model}-windows-impossible", model, WHO, TOWNS, 10, 15, 40, 8, impossible=True)
        yield Case(f"{model}-twice", model, WHO, TWICE, top_k=10, max_answer_length=4)
        yield Case(f"{model}-blanks", model, WHO, BLANKS, top_k=10)
        yield Case(f"{model}-signs", model, "What was built?", SIGNS, top_k=3)
        yield Case(f"{model}-emoji", model, WHO, EMOJI, top_k=10)
        yield Case(f"{model}-emoji-tokens", model, WHO, EMOJI, top_k=3, whole_words=False)
        yield Case(f"{model}-chinese", model, "谁建立城市?", CHINESE, top_k=3)
        yield Case(f"{model}-chinese-tokens", model, "谁建立城市?", CHINESE, top_k=3, whole_words=False)
        yield Case(f"{model}-hebrew", model, "מי בנה?", HEBREW, top_k=3)
        yield Case(f"{model}-arabic-tokens", model, "من بنى؟", ARABIC, top_k=3, whole_words=False)
        yield Case(f"{model}-long-question", model, LONG_QUESTION[:110], TOWNS, top_k=3, max_seq_len=120, doc_stride=16)
        yield Case(f"{model}-blank-ends", model, f"  \n {WHO} ", f"  {SHORT} \n\n", top_k=3, impossible=True)
        yield Case(f"{model}-one-word", model, WHO, "Ada", impossible=True)
        yield Case(f"{model}-blank-context", model, WHO, " \n ")
    for model in ("bert", "xlm-roberta"):
        yield Case(f"{model}-question-over-64-tokens", model, LONG_QUESTION, SHORT, top_k=3)
        yield Case(f"{model}-question-over-64-tokens-windows", model, LONG_QUESTION, TOWNS, 3, 15, 300, 40)
    yield Case("roberta-own-length", "roberta", WHO, TOWNS, top_k=3)
    yield Case("bert-own-length", "bert", WHO, TOWNS + " " + TOWNS.upper() + " " + TOWNS[200:], top_k=3)
    yield Case("roberta-stride-half", "roberta", WHO, TOWNS, max_seq_len=50)
    yield Case("bert-flat-windows-impossible", "bert-flat", WHO, SHORT, 10, 1, 20, 4, impossible=True)
    yield Case("bert-flat-impossible", "bert-flat", WHO, "It is by the sea.", 3, 1, impossible=True)
    yield Case("bert-one-token", "bert", WHO, SHORT, top_k=3, max_answer_length=1)
    yield Case("bert-longer-than-context", "bert", WHO, "Ada Merk built it.", max_answer_length=500, top_k=1)
    yield Case("bert-unbroken", "bert", "What is it?", UNBROKEN, top_k=3, max_seq_len=64, doc_stride=32)
    yield Case("roberta-unbroken", "roberta", "What is it?", UNBROKEN, top_k=3, max_seq_len=64, doc_stride=32)
    yield Case("roberta-unbroken-tokens", "roberta", "What is it?", UNBROKEN, 3, 15, 64, 32, whole_words=False)
    yield Case("bert-alike", "bert", WHO, ALIKE, top_k=3)
    yield Case("bert-separator", "bert", WHO, f"{SHORT} [SEP] It is [MASK] by the sea. [PAD] Ada", top_k=3)
    yield Case("bert-cls-in-context", "bert", WHO, f"[CLS] {SHORT} [CLS] Ada", top_k=3, impossible=True)
    yield Case("bert-cls-in-question", "bert", "Who [CLS] founded it?", SHORT, 3, departs=CLS_ASKED)
    yield Case("bert-left", "bert-left", WHO, SHORT, 10, whole_words=False, departs=LEFT)
    yield Case("bert-few-spans", "bert", WHO, "Ada Merk", top_k=10, departs=SPARE)
    yield Case("xlm-roberta-few-spans", "xlm-roberta", WHO, "Ada, Ada", top_k=30, departs=SPARE)
    yield Case("roberta-few-spans", "roberta", WHO, "Ada", 10, whole_words=False)
    yield Case("bert-no-room", "bert", LONG_QUESTION, TOWNS, max_seq_len=100, doc_stride=60, departs=PANICS)
    yield Case("bert-stride-over-length", "bert", WHO, TOWNS, max_seq_len=100, doc_stride=101, departs=PANICS)
    yield Case("bert-room-for-the-overlap-alone", "bert", WHO, SHORT, 1, 15, 20, 13, departs=PANICS)
    yield Case("bert-room-for-one-more", "bert", WHO, SHORT, 1, 15, 20, 12)
    yield Case("bert-overlap-of-nothing", "bert", WHO, "Ada Merk", 1, 15, 30, 28)
    yield Case("bert-empty-context", "bert", WHO, "", departs=REFUSED)
