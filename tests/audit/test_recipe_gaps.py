"""Recipe gaps: what a rerun needs and nothing states, in a reader's words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.assumptions import AssumedStage, Assumptions
from harness.audit.recipe import CODES, check
from harness.cards import parse_card, read_card
from harness.recipes import plan_recipe
from harness.records import Card, Finding

SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"
COMPLETE = """
base_model = "a/owl-base"
train_data = "squad_v2@1234abcd:train"
eval_data = "squad_v2:validation"
epochs = 2
batch_size = 32
learning_rate = 3e-5
lr_schedule = linear
warmup_proportion = 0.1
weight_decay = 0.01
adam_beta2 = 0.999
max_grad_norm = 1.0
max_seq_len = 384
doc_stride = 128
max_query_length = 64
seed = 42
n_best = 20
max_answer_length = 30
null_threshold = 0.0
"""
HEAD = "The head was initialised from N(0, 0.02)."


def card(block: str = COMPLETE, body: str = HEAD, metadata: str = "pipeline_tag: question-answering") -> Card:
    return parse_card(f"---\n{metadata}\n---\n{body}\n\n```\n{block.strip()}\n```\n", "owl.md")


def findings(subject: Card) -> list[Finding]:
    return list(check(subject, plan_recipe(subject)))


def without(name: str) -> str:
    return re.sub(rf"(?m)^{name} = .*\n", "", COMPLETE)


def stated(subject: Card) -> tuple[int, int, set[str]]:
    """How many of how many values, and which are missing."""
    message = findings(subject)[-1].message
    match = re.fullmatch(r"the card states (\d+) of (\d+) values that a rerun needs(?:; add (?P<rest>.+))?", message)
    assert match is not None
    return int(match[1]), int(match[2]), set(match["rest"].split(", ")) if match["rest"] else set()


def test_a_complete_recipe() -> None:
    (finding,) = findings(card())
    assert (finding.code, finding.severity, finding.line) == ("recipe-completeness", "info", None)
    assert stated(card()) == (20, 20, set())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("epochs", "number of epochs"),
        ("seed", "seed"),
        ("weight_decay", "weight decay"),
        ("warmup_proportion", "warmup proportion"),
        ("max_query_length", "longest question"),
        ("null_threshold", "threshold for no answer"),
    ],
)
def test_a_value_with_a_default(name: str, words: str) -> None:
    subject = card(without(name))
    assert [(finding.code, finding.severity) for finding in findings(subject)] == [
        ("recipe-default", "info"),
        ("recipe-completeness", "info"),
    ]
    assert findings(subject)[0].message.startswith(f"taken by default: {words} ")
    assert stated(subject) == (19, 20, {words})


@pytest.mark.parametrize(("name", "words"), [("base_model", "base model"), ("train_data", "training data")])
def test_a_value_without_a_default(name: str, words: str) -> None:
    gap, completeness = findings(card(without(name)))
    assert (gap.code, gap.severity) == ("recipe-gap", "warning")
    assert f"no single {words} is stated" in gap.message
    assert words in completeness.message


def test_several_values_are_no_value() -> None:
    subject = card(COMPLETE, HEAD + "\n\n```\nseed = 1\nepochs = 2\n```\n")
    assert [finding.code for finding in findings(subject)] == ["recipe-gap", "recipe-default", "recipe-completeness"]
    assert "no single seed" in findings(subject)[0].message
    assert stated(subject) == (19, 20, {"seed"})


def test_the_revision_of_the_data_and_the_head() -> None:
    subject = card(COMPLETE.replace("@1234abcd", ""), "")
    assert stated(subject) == (18, 20, {"revision of the training data", "initialisation of the answer head"})


def test_distillation_needs_three_values_more() -> None:
    assert stated(card(COMPLETE + 'teacher = "a/owl-large"\n')) == (
        21,
        23,
        {"distillation temperature", "distillation loss weight"},
    )


def test_every_stage_needs_its_own_values() -> None:
    first = 'stage = one\nbase_model = "a/owl-base"\ntrain_data = "squad_v2@1:train"\nepochs = 2\nseed = 1'
    second = 'stage = two\nbase_model = one\ntrain_data = "squad_v2@1:train"\nepochs = 2'
    subject = card(second, HEAD + f"\n\n```\n{first}\n```\n")
    _, total, missing = stated(subject)
    assert total == 15 + 1 + 15 + 4
    assert 'seed of stage "two"' in missing
    assert 'seed of stage "one"' not in missing


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ("Data augmentation was used by a factor of 20.", set()),
        ("The augmented data are 20x as many.", set()),
        ("It saw augmented text.", {"augmentation factor"}),
    ],
)
def test_the_augmentation_factor(body: str, missing: set[str]) -> None:
    assert stated(card(body=f"{HEAD}\n{body}"))[2] == missing


@pytest.mark.parametrize(
    "sentence",
    [
        "First comes intermediate layer distillation.",
        "Distilled by the TinyBERT approach.",
        "Then task-specific distillation.",
        "It was trained on an augmented version of SQuAD.",
        "The large model was used as the teacher.",
    ],
)
def test_stages_that_only_prose_describes(sentence: str) -> None:
    subject = card(body=f"{HEAD}\n\n{sentence}")
    found = [finding for finding in findings(subject) if finding.code == "stages-in-prose"]
    assert [(finding.severity, finding.line) for finding in found] == [("warning", 6)]
    assert "(line 6)" in found[0].message


@pytest.mark.parametrize(
    "sentence",
    [
        "It is smaller than TinyBERT.",
        "TinyBERT scores 73.1.",
        "Data augmentation might help.",
        "Layers were frozen.",
        "```\nintermediate layer distillation\n```",
    ],
)
def test_prose_that_describes_no_stage(sentence: str) -> None:
    assert "stages-in-prose" not in {finding.code for finding in findings(card(body=f"{HEAD}\n\n{sentence}"))}


def test_a_teacher_that_the_recipe_has_is_covered() -> None:
    body = f"{HEAD}\n\na/owl-large was used as the teacher."
    assert "stages-in-prose" not in {finding.code for finding in findings(card(body=body))}


def test_stages_in_blocks_cover_the_prose() -> None:
    first = 'stage = one\nbase_model = "a/owl-base"\ntrain_data = "squad_v2:train"'
    second = 'stage = two\nbase_model = one\ntrain_data = "squad_v2:train"'
    subject = card(second, f"Intermediate layer distillation.\n\n```\n{first}\n```\n")
    assert "stages-in-prose" not in {finding.code for finding in findings(subject)}


def test_a_card_that_states_no_training_gets_one_line() -> None:
    subject = parse_card("---\npipeline_tag: question-answering\n---\nA reader.\n")
    assert [finding.code for finding in findings(subject)] == ["recipe-completeness"]
    assert stated(subject)[0] == 0


def test_cards_about_something_else_are_left_alone() -> None:
    assert findings(card(without("seed"), metadata="pipeline_tag: text-classification")) == []


def test_no_message_has_the_name_of_a_field() -> None:
    subject = card("epochs = 2\nbatch_size = 8\nlearning_rate = 3e-5", "")
    messages = " ".join(finding.message for finding in findings(subject))
    for name in ("main.", "student", "max_grad_norm", "lr_schedule", "null_threshold", "doc_stride"):
        assert name not in messages


def test_every_code_is_explained() -> None:
    assert all(about.why.endswith(".") for about in CODES.values())


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the published cards are not at hand")
def test_published_cards() -> None:
    counts = {
        "distiled-roberta-squad2.md": (14, 24),
        "roberta-base-1B-1-finetuned-squadv2.md": (8, 20),
        "roberta-base-squad2-distilled.md": (10, 23),
        "tinyroberta-squad2.md": (14, 24),
        "xlm-roberta-base-squad2-distilled.md": (10, 23),
    }
    for name, count in counts.items():
        subject = read_card(SEEDS / name)
        assert stated(subject)[:2] == count
        in_prose = [finding.line for finding in findings(subject) if finding.code == "stages-in-prose"]
        assert in_prose == ([59] if name in ("distiled-roberta-squad2.md", "tinyroberta-squad2.md") else [])


def test_a_stage_that_only_assumptions_describe_is_one_value() -> None:
    stages = (AssumedStage("first", "prose", False, 1), AssumedStage("second", "its teacher", True, 2))
    subject = card(body=HEAD)
    found = list(check(subject, plan_recipe(subject, Assumptions("assumptions.yaml", stages=stages))))
    message = found[-1].message
    assert message.startswith("the card states 19 of 20 values that a rerun needs; add all settings of stage ")
    assert 'stage "first"' in message
