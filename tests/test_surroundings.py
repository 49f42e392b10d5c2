"""Figures that a run's may not replace, for what stands beside them: rests of numbers, spreads, bounds, means."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_cards import squad_run

from harness.cards import parse_card
from harness.editing import edit_card
from harness.evidence import plan_card

OWL = Path("cards/owl-squad2/README.md")
HEAD = "---\nlicense: mit\n---\n\n# owl/owl-squad2\n\n"


def measured(body: str):
    """The body with a run's figures in it, and the notes."""
    text = f"{HEAD}## SQuAD 2.0 dev\n\n{body}\n"
    made = edit_card(plan_card(OWL, parse_card(text, str(OWL))), squad_run(), measured=True)
    return made.text.partition("\n\n## SQuAD 2.0 dev\n\n")[2].partition("\n\n<!-- harness:evidence")[0], made.notes


@pytest.mark.parametrize(
    "body",
    [
        # digits that go on, or are others
        "- EM: 79,1\n- F1: 82,1 %",
        "F1 82.1-82.5",
        "F1 82\u200b.1",
        "On SQuAD 2.0 dev: F1 82\\.1, EM &#55;9.1",
        "F1 **82**.1",
        "F1: 82 100",
        "F1 \uff18\uff12.\uff11",
        # spreads, intervals, what it was before
        "EM 79.1 (± 0.2)",
        "F1 82.1 [81.2, 83.0]",
        "EM 79.1 (95% CI 78.2-80.1)",
        "F1 82.1 (std 0.2)",
        "F1 82.1 (+1.3)",
        "EM 79.1 (up from 78.2)",
        "- F1: 82.1–82.5\n- EM: 79.1 – 79.5",
        "| EM | F1 |\n|---|---|\n| 79.1 (0.3) | 82.1<br/>±0.2 |",
        "| EM | F1 |\n|---|---|\n| 79.1<br>(78.0) | 82.1 (↑1.2) |",
        "EM: 79.1 (9392/11873)",
        "F1: 82.1, 82.2, 82.0",
        # bounds
        "- F1: >82.1\n- EM: ≥ 79.1",
        "f1 >= 82.1",
        "F1 exceeds 82.0",
        # several runs
        "Mean of 5 seeds: EM 79.1, F1 82.1",
        "The average F1 over three runs is 82.1.",
        "F1 (median of 5 runs): 82.1",
        "| Seed | EM | F1 |\n|---|---|---|\n| 1 | 79.1 | 82.1 |\n| mean | 79.2 | 82.2 |",
        "### Dev (mean over 5 seeds)\n\n| EM | F1 |\n|---|---|\n| 79.1 | 82.1 |",
        # another model, or another setting
        "For speed, take [big-bert](https://huggingface.co/x/big-bert): it gets F1 = 85.16 and EM = 81.06.",
        "F1 is 82.57, where bert-large has an F1 of 85.85: a drop of 3.28.",
        "With the threshold at 0.0 instead, F1 falls to 82.1 and exact match to 79.1.",
        "F1 82.1. After int8 quantization F1 is 81.0, EM 77.7.",
        "### Training set\n\n```\nexact: 90.1\nf1: 95.1\n```\n\n### Test set\n\n```\nexact: 79.1\nf1: 82.1\n```",
        # a difference in the row would be wrong
        "| | teacher | owl-squad2 | Δ |\n|---|---|---|---|\n| EM | 81.1 | 79.1 | -2.0 |\n| F1 | 84.1 | 82.1 | -2.0 |",
    ],
)
def test_figures_that_no_run_alone_gives_stay_and_are_named(body):
    after, notes = measured(body)
    assert after == body
    assert notes


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("EM/F1: 79.1/82.1", "EM/F1: 80.4/83.1"),
        ("EM/F1: 79.1,82.1", "EM/F1: 80.4,83.1"),
        ("EM: 79.1,F1: 82.1", "EM: 80.4,F1: 83.1"),
        ("{'exact':79.1,'f1':82.1}", "{'exact':80.4,'f1':83.1}"),
        ("| EM (F1) |\n|---|\n| 79.1 (82.1) |", "| EM (F1) |\n|---|\n| 80.4 (83.1) |"),
        ("F1 is 82.1 (EM 79.1).", "F1 is 83.1 (EM 80.4)."),
        ("EM: <b>79.1</b>, F1: **82.1**%", "EM: <b>80.4</b>, F1: **83.1**%"),
        ("F1 [82.1](https://x.y/82.1)", "F1 [83.1](https://x.y/82.1)"),
        ("F1 82.1 (rank 3) and 2.5x faster.", "F1 83.1 (rank 3) and 2.5x faster."),
        ("F1 🎉82.1🎉", "F1 🎉83.1🎉"),
        (
            "| | val |\n|---|---|\n| exact | 79.1 |\n| **best_f1** | 82.1 |\n| best_f1_thresh | 0.0 |",
            "| | val |\n|---|---|\n| exact | 80.4 |\n| **best_f1** | 83.3 |\n| best_f1_thresh | -1.2 |",
        ),
        (
            "| | bert-base-uncased |\n|---|---|\n| best_f1 | 82.1 |\n| best_f1_thresh | 0.0 |",
            "| | bert-base-uncased |\n|---|---|\n| best_f1 | 82.1 |\n| best_f1_thresh | 0.0 |",
        ),
        ("```\nexact: 79.1\ntotal: 11870\n```", "```\nexact: 80.4\ntotal: 11873\n```"),
        ("```\nexact: 79.1\ntotal: 11,873\n```", "```\nexact: 80.4\ntotal: 11,873\n```"),
    ],
)
def test_other_text_beside_figures_is_no_obstacle(body, wanted):
    assert measured(body) == (wanted, ())


@pytest.mark.parametrize("value", ["!!float 81.1", ">-\n        81.1", "&v 81.1", '"8\\x31.1"', "&v 81.1\n      x: *v"])
def test_values_of_the_front_matter_that_cannot_be_set_are_named(value):
    data = "dataset: {type: squad_v2, name: squad_v2, split: validation}"
    metrics = f"    metrics:\n    - type: f1\n      value: {value}\n"
    text = f"---\nmodel-index:\n- name: owl/owl-squad2\n  results:\n  - {data}\n{metrics}---\n\n# owl-squad2\n"
    made = edit_card(plan_card(OWL, parse_card(text, str(OWL))), squad_run(), measured=True)
    assert made.text.startswith(text)
    assert [note.rpartition(": ")[2] for note in made.notes] == ["its digits are not written out there plainly"]
