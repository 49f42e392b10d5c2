"""What a figure is taken to be of: rules are no data set, subsets are no data sets, and one data set may have names."""

from __future__ import annotations

import pytest

from harness import names
from harness.cards import parse_card

HARBOUR = """model-index:
- name: mira/harbour-qa
  results:
  - dataset: {type: mira/harbour, name: Harbour, split: validation, config: default}
    metrics: [{type: exact_match, value: 78}]"""
TABLE = "| EM | F1 |\n|---|---|\n| 80.1 | 85.2 |"
OURS = "mira/harbour:default:validation"


def claims(body: str, metadata: str = HARBOUR) -> list[str]:
    """Claims of the body in one line each: metric, subset, digits, data."""
    card = parse_card(f"---\n{metadata}\n---\n\n# harbour-qa\n\n{body}\n", "mira/harbour-qa/README.md")
    return [f"{c.metric} {c.subset} {c.digits} {c.data}" for c in card.claims if c.origin != "front_matter"]


def data_of(body: str, metadata: str = HARBOUR) -> set[str]:
    """The data sets that the figures of a table below a text are taken to be of."""
    read = claims(f"{body}\n\n{TABLE}", metadata)
    assert len(read) == 2
    return {line.split(" ", 3)[3] for line in read}


RULES = [
    "Percentages by the official rules 2.0 of SQuAD.",
    "Scored by the official SQuAD 2.0 rules.",
    "SQuAD-style scores:",
    "Scores with the official SQuAD evaluation script:",
    "Scores by the [official evaluation script](https://x.y/evaluate-v2.0.py) of SQuAD 2.0:",
    "Scored by the script `evaluate-v2.0.py` of SQuAD.",
    "The questions are in SQuAD format.",
    "The questions are in the format of the SQuAD dataset.",
    "Results in the SQuAD metric:",
    "Evaluated with the SQuAD v2 metric of evaluate.",
    "Performance on the SQuAD 2.0 metric:",
    "Results by the **SQuAD v1.1** evaluation metrics:",
    "Scored with the SQuAD scorer.",
    "Answers are normalised by SQuAD's rules.",
    "Answers are normalised as in SQuAD.",
    'Scored with `evaluate.load("squad_v2")`.',
    "Scored in the style of SQuAD 2.0.",
    "SQuAD 2.0-like questions were written for it.",
]


@pytest.mark.parametrize("text", RULES)
def test_rules_scripts_metrics_styles_and_formats_of_squad_are_no_data_set(text: str) -> None:
    assert data_of(text, "license: mit") == {"None"}
    assert data_of(text) == {OURS}
    assert names.data_mentions(text) == ()


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("Evaluated on the SQuAD 2.0 dev set with the official eval script.", "squad_v2:validation"),
        ("Evaluated on the SQuAD 2.0 dev set with the [official eval script](https://x.y/z).", "squad_v2:validation"),
        ("Evaluated on SQuAD 2.0 with the SQuAD 2.0 script:", "squad_v2"),
        ("Evaluated by the script of SQuAD on the dev set of SQuAD 2.0:", "squad_v2:validation"),
        ("By the official script on SQuAD 2.0:", "squad_v2"),
        ("Results (SQuAD 2.0 metric) on NewsQA:", "NewsQA"),
        ("SQuAD 2.0 scores:", "squad_v2"),
        ("## SQuAD 2.0 metrics", "squad_v2"),
        ("## Evaluation metrics on SQuAD 2.0", "squad_v2"),
        ("Metrics for SQuAD 2.0:", "squad_v2"),
        ("The SQuAD 2.0 evaluation:", "squad_v2"),
    ],
)
def test_a_data_set_beside_its_rules_is_still_one(text: str, data: str) -> None:
    assert data_of(text, "license: mit") == {data}


SUBSETS = {
    "has_ans": ["HasAns", "has_ans", "Has-Ans", "has answer", "with answer", "With answers", "with an answer",
                "answerable", "Answerable", "possible", "answerable questions", "HasAns only"],
    "no_ans": ["NoAns", "no_ans", "no answer", "No-Answer", "without answer", "without answers", "unanswerable",
               "Impossible", "Unanswerable questions", "questions without an answer"],
    "all": ["all", "All", "overall", "Overall", "total", "all questions"],
}  # fmt: skip
WRITTEN = [(text, subset) for subset, texts in SUBSETS.items() for text in texts]


@pytest.mark.parametrize(("written", "subset"), WRITTEN)
def test_a_subset_in_a_header_a_row_a_label_and_a_block(written: str, subset: str) -> None:
    above = "Results on the `mira/harbour` validation set\n\n"
    ours = "mira/harbour:validation"
    expected = [f"exact_match {subset} 77.4 {ours}", f"f1 {subset} 85.0 {ours}"]
    companion = "NoAns" if subset != "no_ans" else "HasAns"
    header = f"{above}| metric | {companion} | {written} |\n|---|---|---|\n| EM | 11.1 | 77.4 |\n| F1 | 22.2 | 85.0 |"
    assert [line for line in claims(header) if "1.1 " not in line and "2.2 " not in line] == expected
    assert len(claims(header)) == 4
    for corner in ("questions", "subset", "", "data", "split"):
        rows = f"{above}| {corner} | EM | F1 |\n|---|---|---|\n| {companion} | 1.1 | 2.2 |\n| {written} | 77.4 | 85.0 |"
        assert claims(rows)[2:] == expected, corner
    label = f"{above}- EM ({written}): 77.4\n- F1 ({written}): 85.0"
    assert claims(label) == expected
    entry = f"{above}- EM {written}: 77.4\n- F1 {written}: 85.0"
    assert claims(entry) == expected
    if not written.casefold().startswith("with "):  # a statement of a program
        assert claims(f"{above}```\n{written}:\n  exact: 77.4\n  f1: 85.0\n```") == expected
    nested = f"{above}- {companion}\n  - EM: 1.1\n- **{written}**:\n  - EM: 77.4\n  - F1: 85.0\n\nNext.\n\n- EM: 9.1"
    assert claims(nested)[1:] == [*expected, "exact_match all 9.1 mira/harbour:validation"]
    titled = f"{above}{written}:\n\n```\nexact: 77.4\nf1: 85.0\n```"
    assert claims(titled) == expected


def test_header_of_all_and_its_parts() -> None:
    """Neither are the parts data sets, nor is the whole an average over such."""
    body = (
        "## Results on the `mira/harbour` validation set\n\n| metric | all | HasAns | NoAns |\n|---|---|---|---|\n"
        "| EM | 80.49 | 77.4 | 88.9 |\n| F1 | 86.1 | 85.0 | 88.9 |"
    )
    expected = [
        f"{metric} {subset} {digits} mira/harbour:validation"
        for metric, row in (("exact_match", ("80.49", "77.4", "88.9")), ("f1", ("86.1", "85.0", "88.9")))
        for subset, digits in zip(("all", "has_ans", "no_ans"), row, strict=True)
    ]
    assert claims(body) == expected
    assert claims(body.replace("HasAns", "answerable").replace("NoAns", "no answer")) == expected
    assert claims(body.replace("metric |", "|", 1)) == expected


def test_an_average_over_data_sets_is_still_of_none() -> None:
    body = "| Data | F1 |\n|---|---|\n| SQuAD 2.0 | 80.5 |\n| NewsQA | 60.5 |\n| Overall | 70.5 |"
    assert claims(body, "license: mit") == ["f1 all 80.5 squad_v2", "f1 all 60.5 NewsQA", "f1 all 70.5 None"]


def test_numbers_of_questions_are_no_figures() -> None:
    body = "| Data | EM | answerable questions | unanswerable |\n|---|---|---|---|\n| SQuAD 2.0 | 80.5 | 59 | 5945 |"
    assert claims(body, "license: mit") == ["exact_match all 80.5 squad_v2"]


def test_a_part_whose_metric_is_not_said_is_unsure() -> None:
    body = "| Data | EM | F1 | HasAns | NoAns |\n|---|---|---|---|---|\n| SQuAD 2.0 | 80.5 | 83.1 | 77.2 | 83.8 |"
    card = parse_card(f"---\nlicense: mit\n---\n\n{body}\n", "me/owl.md")
    read = [(c.subset, c.digits, c.confidence < 0.6) for c in card.claims]
    assert read == [
        ("all", "80.5", False),
        ("all", "83.1", False),
        ("has_ans", "77.2", True),
        ("no_ans", "83.8", False),
    ]
    one = body.replace("EM | F1", "number | F1")
    assert claims(one, "license: mit") == [
        "f1 all 83.1 squad_v2",
        "f1 has_ans 77.2 squad_v2",
        "f1 no_ans 83.8 squad_v2",
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "It reaches an EM of 77.4 on answerable questions and of 88.9 on unanswerable ones.",
        "On answerable questions EM is 77.4, on unanswerable ones EM is 88.9.",
        "EM is 77.4 (HasAns) and EM is 88.9 (NoAns).",
        "HasAns EM 77.4, NoAns EM 88.9.",
        "For questions with an answer its EM is 77.4; for questions without an answer its EM is 88.9.",
    ],
)
def test_a_sentence_that_names_subsets_makes_no_claim_about_all(sentence: str) -> None:
    read = claims(sentence)
    assert "exact_match has_ans 77.4 " + OURS in read
    assert not any(" all " in line for line in read)


@pytest.mark.parametrize(
    "text",
    [
        "## Results on the Harbour validation set",
        "## Harbour",
        "## Results on Harbour",
        "## Harbour dev set",
        "Evaluated on Harbour:",
        "Evaluated on the harbour validation set:",
        "Results on harbour:",
        "Results on `Harbour:validation`:",
        "Results on `mira/harbour`:",
    ],
)
def test_a_result_s_name_is_the_data_set_of_its_type(text: str) -> None:
    assert data_of(text) <= {OURS, "mira/harbour:validation"}


def test_names_in_tables_and_blocks() -> None:
    two = (
        HARBOUR
        + "\n  - dataset: {type: squad_v2, name: SQuAD 2.0, split: validation}\n    metrics: [{type: f1, value: 7}]"
    )
    ours, squad = "mira/harbour:default", "squad_v2"
    assert claims("| Data | F1 |\n|---|---|\n| Harbour | 80.5 |\n| SQuAD 2.0 | 60.5 |", two) == [
        f"f1 all 80.5 {ours}", f"f1 all 60.5 {squad}"
    ]  # fmt: skip
    assert claims("| Metric | Harbour | SQuAD 2.0 |\n|---|---|---|\n| F1 | 80.5 | 60.5 |", two) == [
        f"f1 all 80.5 {ours}", f"f1 all 60.5 {squad}"
    ]  # fmt: skip
    assert claims("| Metric | Harbour F1 | F1 (SQuAD 2.0) |\n|---|---|---|\n| F1 | 80.5 | 60.5 |", two) == [
        f"f1 all 80.5 {ours}", f"f1 all 60.5 {squad}"
    ]  # fmt: skip
    assert claims("So the model reaches an F1 of **86.1** on Harbour.", two) == [f"f1 all 86.1 {ours}"]


def _index(*datasets: str) -> str:
    results = "".join(f"\n  - dataset: {{{text}}}\n    metrics: [{{type: f1, value: 7}}]" for text in datasets)
    return f"model-index:\n- name: mira/harbour-qa\n  results:{results}"


def test_a_name_of_two_data_sets_or_of_a_known_one_stays_as_written() -> None:
    two = _index("type: mira/harbour, name: Harbour", "type: nora/harbour, name: Harbour")
    assert data_of("Evaluated on Harbour:", two) == {"Harbour"}
    assert data_of("Evaluated on SQuAD 2.0:", _index("type: mira/harbour, name: SQuAD 2.0")) == {"squad_v2"}
    assert data_of("Evaluated on NewsQA:", _index("type: mira/harbour, name: NewsQA")) == {"mira/harbour"}
    last = _index("type: mira/squad_v2, name: Harbour", "type: x/y, name: Why")
    assert data_of("Evaluated on SQuAD 2.0:", last) == {"squad_v2"}


def test_parts_of_one_data_set_are_told_apart_by_their_configs() -> None:
    two = _index(
        "type: mira/harbour, name: Old Harbour, config: old", "type: mira/harbour, name: New Harbour, config: new"
    )
    assert data_of("Evaluated on Old Harbour:", two) == {"mira/harbour:old"}
    assert data_of("Evaluated on Harbour:", two) == {"mira/harbour"}


def test_a_name_that_ends_in_a_split_states_none() -> None:
    assert data_of("### Evaluated on harbour-dev", _index("type: harbour-dev, name: harbour-dev")) == {"harbour-dev"}


def test_a_generic_name_counts_where_it_stands_as_one() -> None:
    custom = _index("type: mira/reviews, name: custom, split: test", "type: squad_v2, name: SQuAD 2.0")
    assert data_of("Evaluated on the custom dataset:", custom) == {"mira/reviews"}
    assert data_of("With a custom tokenizer:", custom) == {"None"}
    assert claims(f"## Custom\n\n{TABLE}", custom)[0].endswith(" None")


def test_a_column_whose_questions_are_not_known_is_kept_and_open() -> None:
    body = "| metric | all | questions with long answers |\n|---|---|---|\n| EM | 80.1 | 77.4 |"
    card = parse_card(f"---\n{HARBOUR}\n---\n\n{body}\n", "mira/harbour-qa/README.md")
    read = [(c.digits, str(c.data), c.confidence) for c in card.claims if c.origin == "table"]
    assert read == [("80.1", OURS, 0.95), ("77.4", "None", 0.5)]
    counts = body.replace("80.1 | 77.4 |\n", "").replace("77.4", "77")
    assert claims(counts) == [f"exact_match all 80.1 {OURS}"]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("On SQuAD 2.0, which adds unanswerable questions, it gets EM 79.9.", "exact_match all 79.9 squad_v2"),
        ("Trained on unanswerable questions too, it reaches an F1 of 83.1.", f"f1 all 83.1 {OURS}"),
        ("- EM: 80.1 (HasAns: 77.4, NoAns: 88.9)", f"exact_match all 80.1 {OURS}"),
        ("On Answerable-QA it gets F1 60.1.", "f1 all 60.1 Answerable-QA"),
        ("EM 80.1 overall, 77.4 on answerable questions.", f"exact_match all 80.1 {OURS}"),
    ],
)
def test_a_subset_that_is_only_spoken_of(sentence: str, expected: str) -> None:
    assert claims(sentence)[0] == expected


def test_the_family_s_name_is_open_where_both_of_it_are_results() -> None:
    both = _index("type: squad, name: squad", "type: squad_v2, name: squad_v2")
    assert data_of("## Results on SQuAD", both) == {"None"}


def test_a_part_that_one_figure_has_is_not_the_next_one_s() -> None:
    body = "It has an EM of 77.4 on answerable questions, and its F1 is 80.1."
    card = parse_card(f"---\n{HARBOUR}\n---\n\n{body}\n", "mira/harbour-qa/README.md")
    read = [(c.subset, c.digits, c.confidence) for c in card.claims if c.origin == "prose"]
    assert read == [("has_ans", "77.4", 0.8), ("all", "80.1", 0.5)]


def test_an_item_says_nothing_of_a_block_behind_the_list() -> None:
    assert claims("- EM: 80.1\n- unanswerable\n\n```\nf1: 85.2\n```")[-1] == f"f1 all 85.2 {OURS}"
