"""Anything at all is read or refused in one line, at little cost; what is read can be planned and audited."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.audit import audit_card
from harness.cards import parse_card, read_card
from harness.errors import CardError, RecipeError
from harness.recipes import plan_recipe
from harness.records import Card, from_json, to_json

MARKDOWN = st.lists(
    st.sampled_from(
        [
            "```",
            "```json",
            "```bash",
            "| EM | F1 |",
            "|---|---|",
            "| 1 | 2.5 |",
            '"exact": 71.5,',
            "'f1': .5%",
            "# H",
            "- a",
            "lr = 3e-5",
            "stage = x",
            "run_qa.py --seed 3 \\",
            "> ",
            "    ",
            "SQuAD 2.0 dev set",
            "**Eval data:** XQuAD",
            "",
            "<!-- harness:evidence -->",
            "<!-- /harness:evidence -->",
            "---",
            "\t",
            "a/b was used as the teacher",
            "| Model | EM | F1 (dev) |",
            "| [a/b](https://huggingface.co/a/b) | 80.1/82 | **90.5** |",
            "|  | SQuAD | NewsQA |",
            "- F1: 85.4",
            "- **Exact match** (dev): 0.81 %",
            "  * learning_rate: 2e-05",
            "EM 77.16% and F1 80.22%, where bert-base has 70.5",
            "| Training Loss | Epoch | Step | Validation Loss | F1 |",
            "| 1.0 | 1 | 500 | 1.2 | 80.5 |",
            "<table><tr><td>F1</td><td>80.5</td></tr></table>",
            "<table><tr><th>EM<tr><td>1.5",
            "  precision  recall  f1-score  support",
            "  yes  0.5  0.6  0.7  10",
            '"squad": {"f1": 80.1},',
            "It is twice as fast as the base model",
            "f1: [0.1, 0.2,",
            "{'answer': 'a', 'start': 0, 'end': 1, 'score': 0.5}",
            "question: 'a', context: 'b'",
            "F1/EM: 88.2/80.1",
            "For comparison, the teacher reaches:",
            "\x00\x0b\u2028",
        ]
    )
    | st.text(max_size=30),
    max_size=25,
)
YAML = st.lists(
    st.sampled_from(
        [
            "model-index:",
            "- name: a/b",
            "  results:",
            "  - metrics:",
            "    - type: f1",
            "      value: 3",
            "datasets: [x]",
            "base_model: !x y",
            "&a [*a]",
            "? [a]",
            "a: &b {c: *b}",
            "value: {f1: 1, em: '2'}",
            '"\\ud800"',
            "\x07",
            "...",
        ]
    )
    | st.text(max_size=30),
    max_size=12,
)
BREAKS = st.sampled_from(["\n", "\r\n", "\r"])


def parse_or_refuse(text: str) -> None:
    try:
        card = parse_card(text)
    except CardError as error:
        assert "\n" not in str(error)
        assert error.line is not None
        assert 1 <= error.line <= text.count("\n") + text.count("\r") + 1
    else:
        assert card.text == text
        for claim in (*card.claims, *card.comparisons):
            assert text[claim.place.start : claim.place.end] == claim.digits
        for setting in card.settings:
            assert setting.text in ("", text[setting.place.start : setting.place.end])
        assert from_json(Card, to_json(card)) == card
        plan_and_audit(card)


def plan_and_audit(card: Card) -> None:
    try:
        recipe = plan_recipe(card)
    except RecipeError as error:
        assert str(error).isprintable()
        recipe = None
    findings = audit_card(card, recipe)
    assert findings == audit_card(card, recipe)
    assert all(finding.message.isprintable() for finding in findings)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(YAML, MARKDOWN, BREAKS)
def test_anything_like_a_card_is_read_or_refused(yaml: list[str], markdown: list[str], line_break: str) -> None:
    parse_or_refuse(line_break.join(["---", *yaml, "---", *markdown]))
    parse_or_refuse(line_break.join(["---", "language: en", "---", *markdown]))


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    parse_or_refuse(text)


@pytest.mark.parametrize(
    "text",
    [
        "---\na: " + "[" * 5_000 + "\n---\n",
        "---\n" + "".join(f"{' ' * n}a:\n" for n in range(200)) + "---\n",
        "---\na: b\n---\n" + ">" * 20_000,
        "---\na: b\n---\n" + "[" * 20_000 + "](" * 20_000,
        "---\na: b\n---\n" + "a" * 50_000 + " " * 50_000 + "b",
        "---\na: b\n---\n```\n" + "a" * 50_000 + "\n" + " " * 50_000 + "x = 1" + " " * 50_000 + "y\n```\n",
        "---\na: b\n---\n" + "| a | b |\n|---|---|\n| EM | 1 |\n\nSQuAD 2.0\n\n" * 1_000,
        "---\na: b\n---\n| EM | F1 |\n|---|---|\n" + "| 1 | 2.5 |\n" * 20_000,
        "---\na: b\n---\n" + "evaluated on SQuAD 2.0 dev set,\n" * 10_000,
        "---\na: b\n---\n" + "**Training data:**" + " " * 50_000 + "b",
        "---\na: " + "b" * 1_100_000 + "\n---\n",
        "---\na: b\n---\n" + "x" * 4_100_000,
        "---\na: b\n---\n# "
        + "bert-base_v2 " * 30
        + "!\n\n| "
        + "roberta-large-" * 30
        + "! | F1 |\n|---|---|\n| a | 1.5 |\n",
        "---\na: b\n---\n| EM |\n|---|\n| 1.5" + "* ` " * 80 + "x |\n",
        "---\na: b\n---\ndata:squad_v2" + " " * 290_000 + "| n:1\n",
        "---\na: b\n---\nf1 on squad" + "a" * 290_000 + " x 80.0\n",
        "---\na: b\n---\n# " + "A" * 290_000 + "!\n\nf1 80.0\n",
        "---\na: b\n---\n" + ("f1 80.0 " + "A" * 19_000 + "!\n\n") * 14,
        "---\na: b\n---\n" + ("f1 80.0" + " " * 19_000 + "80.0\n\n") * 14,
        "---\na: b\n---\n" + ("f1 " + "1 " * 9_000 + "\n\n") * 14,
        "---\na: b\n---\n# #" + "_" * 290_000 + "8\n\nf1 80.0\n",
        "---\na: b\n---\n| EM | d" + " " * 290_000 + "80 |\n|---|---|\n| 80.1 | 80.0 |\n",
        "---\na: b\n---\n| EM | run" + "_" * 290_000 + "80 |\n|---|---|\n| 80.1 | 80.0 |\n",
        "---\na: b\n---\n```python\nquestion: '" + "\\" * 3_000 + "\n```\n",
        "---\na: b\n---\n" + "f1 80.1 on squad_v2:validation " * 9_000,
        "---\na: \ud800\n---\n",
        '---\na: "\\UFFFFFFFF"\n---\n',
    ],
)
def test_hostile_card_costs_little(text: str) -> None:
    before = time.perf_counter()
    parse_or_refuse(text)
    assert time.perf_counter() - before < 10


@pytest.mark.parametrize(
    "piece",
    [b"---\na: b\n" + b"a: [b, c]\n", b"---\na: b\n---\n| EM | F1 |\n|---|---|\n| 1.5 | 2.5 |\n", b"\x00\xff\xfe"],
)
def test_huge_files_are_refused_unread(tmp_path: Path, piece: bytes) -> None:
    file = tmp_path / "README.md"
    file.write_bytes(piece * (50_000_000 // len(piece)))
    with pytest.raises(CardError, match="found more than"):
        read_card(file)
