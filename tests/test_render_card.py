"""Cards from what was read of one: a regenerated card is read back by the real parser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from documents import HOSTILE, finished_run, hostile_run, structure, tables
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.cards import parse_card, read_card, require_metadata
from harness.errors import CardError, RecordError
from harness.records import Card, Claim, DataRef, Place, Run, Setting
from harness.render import render_card

HERE = Path(__file__).parent
NOWHERE = Place(0, 0, 0)


@pytest.fixture
def run() -> Run:
    return finished_run()


def place_free(card: Card) -> tuple[list[Claim], list[Setting]]:
    """Claims and settings without what a new text does not share: places, groups, marks, how sure the reading is."""
    claims = [replace(claim, place=NOWHERE, verified=False, group=None, confidence=1.0) for claim in card.claims]
    return claims, [replace(setting, place=NOWHERE, origin="code") for setting in card.settings]


SEEDS = HERE.parents[1] / "shared" / "seeds"


@pytest.mark.parametrize(
    ("folder", "readable"),
    [(HERE / "data" / "cards", 10), (HERE.parent / "cards", 2), (SEEDS, 5)],
    ids=["test data", "cards", "published cards"],
)
def test_every_card_reads_back(folder: Path, readable: int, run: Run) -> None:
    if not any(folder.rglob("*.md")):
        pytest.skip(f"no cards in {folder}")
    read = 0
    for path in sorted(path for path in folder.rglob("*.md") if "labelled" not in path.parts):
        try:
            card = read_card(path)
            require_metadata(card)
        except CardError:  # the folder also holds cards that must not be read
            continue
        read += 1
        for evidence in (None, run):
            text = render_card(card, None, evidence)
            again = parse_card(text, str(path))
            assert place_free(again) == place_free(card), path
            assert again.name == card.name, path
            assert {**again.metadata, "model-index": 0} == {**card.metadata, "model-index": 0}, path
            assert render_card(again, None, evidence) == text, path
            assert "verif" not in text[: text.index("\n---\n", 4)], path
    assert read >= readable


CARD = """---
license: mit
date: 2021-12-08
note: "1e3"
base_model: some/base
model-index:
- name: me/owl
  results:
  - task: {type: question-answering}
    dataset: {name: SQuAD, type: squad_v2, config: squad_v2, split: validation}
    metrics:
    - {type: exact_match, value: 83.860, verified: true, verifyToken: eyJ}
    - {type: f1, value: 86.5, name: F1, verified: true}
---

# me/owl

- **Training data:** `squad_v2:train[:10]` and \\_more <b>
- **Infrastructure:** 4x  *V100* with ``ticks` inside

```
stage = "one"
learning_rate = 3e-5
lr_schedule = LinearWarmup
base_model = "a b # c"
seed = "7"
odd line
```

```bash
python examples/run_qa.py --do_train --model_name_or_path 'x/y' --note "a'b" \\
  --empty "" --seed "7"
```

## Some figures

|  | EM | F1 |
| --- | --- | --- |
| SQuADShifts Amazon | 70.10% | 80 |
| squad_v2:validation[:5] | 0.5 | 1 |

```
"HasAns_exact": 0.75, "best_f1": 0.80, "accuracy": 12%
```

## Unclear

Trained on SQuAD 1.1 and on SQuAD 2.0.

```
exact_match: 0.5%
f1 = 0
```
"""


def test_digits_settings_and_blocks_are_kept(run: Run) -> None:
    card = parse_card(CARD, "cards/x/README.md")
    assert len(card.claims) == 11
    assert sum(claim.data is None for claim in card.claims) == 2
    assert {claim.unit for claim in card.claims} == {"percent", "fraction"}
    text = render_card(card, None, None)
    again = parse_card(text, "cards/x/README.md")
    assert place_free(again) == place_free(card)
    assert render_card(again, None, None) == text
    assert "value: 83.860\n" in text
    assert "verif" not in text
    assert "eyJ" not in text
    assert "run_qa.py" in text
    assert again.metadata["date"] == "2021-12-08"
    assert again.metadata["note"] == "1e3"
    assert "harness:evidence" not in text


def test_a_card_without_claims_and_settings_is_short() -> None:
    text = render_card(parse_card("---\nlanguage: en\n---\n", "owl.md"), None, None)
    assert text == "---\nlanguage: en\n---\n\n# owl\n"


def test_evidence_stands_between_its_marks(run: Run) -> None:
    card = parse_card(CARD, "cards/x/README.md")
    plain_text, text = render_card(card, None, None), render_card(card, run.recipe, run)
    start, end = text.index("<!-- harness:evidence -->\n"), text.index("<!-- /harness:evidence -->\n")
    assert text[:start].rstrip() == plain_text.rstrip()
    assert text[end:] == "<!-- /harness:evidence -->\n"
    evidence = text[start:end]
    for piece in (run.id, run.signature, "teacher 7, student 7", "torch 2.13.0", run.stages[0].weights_sha256):
        assert str(piece) in evidence
    header, *rows = verdict_table(evidence)
    assert [row[header.index("verdict")] for row in rows] == [comparison.state for comparison in run.comparisons]
    assert "line" not in header
    assert ["teacher.adam_beta2", "0.98", "0.999 diverged | with this batch size"] in tables(evidence)[
        "Reproducibility"
    ]
    assert render_card(card, None, replace(run, status="failed")) == plain_text


def verdict_table(text: str) -> list[list[str]]:
    """The first table of a section."""
    return tables(text[: text.index("\n\n- Run:")])["Reproducibility"]


def test_measured_figures_are_the_runs(run: Run) -> None:
    card = parse_card(CARD, "cards/x/README.md")
    text = render_card(card, None, run, measured=True)
    again = parse_card(text, "cards/x/README.md")
    assert place_free(again)[1] == place_free(card)[1]
    keys = {
        ("exact_match", "all"): "exact", ("f1", "all"): "f1",
        ("exact_match", "has_ans"): "HasAns_exact", ("f1", "has_ans"): "HasAns_f1",
        ("exact_match", "no_ans"): "NoAns_exact", ("f1", "no_ans"): "NoAns_f1",
    }  # fmt: skip
    assert run.evaluated is not None
    assert {claim.data for claim in again.claims} == {run.evaluated.ref}
    code = {keys[claim.metric, claim.subset]: claim.reported for claim in again.claims if claim.origin == "code"}
    assert code == {key: value for key, value in run.scores.items() if not key.endswith("total")}
    front = {keys[claim.metric, claim.subset]: claim.digits for claim in again.claims if claim.origin == "front_matter"}
    assert front == {"exact": "71.5000", "f1": "73.5617"}
    assert '"NoAns_total": 200' in text
    assert "measured by the harness" in text
    assert "publisher" not in text
    assert "83.86" not in text
    assert "differs" not in text  # verdicts are about the claims that were replaced


@pytest.mark.parametrize("lack", ["run", "finish", "scores", "data"])
def test_measured_figures_need_a_finished_run(run: Run, lack: str) -> None:
    card = parse_card(CARD, "cards/x/README.md")
    without = {
        "run": None,
        "finish": replace(run, status="failed"),
        "scores": replace(run, scores={}),
        "data": replace(run, evaluated=None),
    }
    with pytest.raises(RecordError, match=r"cards/x/README\.md: found no finished run"):
        render_card(card, None, without[lack], measured=True)


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_run_adds_nothing_but_evidence(run: Run, text: str, measured: bool) -> None:
    card = parse_card(CARD, "cards/x/README.md")
    bad, good = hostile_run(run, text), hostile_run(run, "words")
    hostile = render_card(card, bad.recipe, bad, measured=measured)
    harmless = render_card(card, good.recipe, good, measured=measured)
    assert hostile.count("<!-- /harness:evidence -->") == 1
    assert hostile.endswith("\n<!-- /harness:evidence -->\n")
    again, expected = parse_card(hostile, "x.md"), parse_card(harmless, "x.md")
    assert shape(again) == shape(expected)
    if not measured:
        assert place_free(again) == place_free(card)
        assert structure(hostile) == structure(harmless)


def shape(card: Card) -> tuple[list[tuple[str, ...]], list[tuple[str, int | None]]]:
    claims = [(claim.metric, claim.subset, claim.origin, claim.digits) for claim in card.claims]
    return claims, [(setting.name, setting.block) for setting in card.settings]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["name", "path", "metadata", "digits", "metric", "data", "written_as", "text"])
def test_hostile_cards_state_nothing_new(field: str, text: str) -> None:
    """One string field of a card at a time; what cannot be stated may be lost, nothing may be added."""
    card = parse_card(CARD, "cards/x/README.md")
    claims, stated = card.claims, card.settings
    match field:
        case "name":
            bad = replace(card, name=text)
        case "path":
            bad = replace(card, path=text)
        case "metadata":
            bad = replace(card, metadata={**card.metadata, text: {text: [text]}, "tags": text})
        case "digits" | "metric":
            bad = replace(card, claims=tuple(replace(claim, **{field: text}) for claim in claims))  # type: ignore[arg-type]
        case "data":
            bad = replace(card, claims=tuple(replace(c, data=DataRef(text, text, text, text)) for c in claims))
        case _:
            bad = replace(card, settings=tuple(replace(s, **{field: text}) for s in stated))  # type: ignore[arg-type]
    again = parse_card(render_card(bad, None, None), "x.md")
    assert len(again.claims) <= len(claims)
    assert len(again.settings) <= len(stated)
    if field in ("name", "path", "metadata"):
        assert place_free(again) == place_free(card)
    if field in ("written_as", "text"):
        assert len(again.claims) == len(claims)
    if field == "metadata":
        assert again.metadata[text] == {text: [text]}
    assert all(claim.digits != "99.9" for claim in again.claims)


DIGITS = st.from_regex(r"(0|[1-9][0-9]?)(\.[0-9]{1,4})?", fullmatch=True)
DATA = st.sampled_from(
    [
        None,
        DataRef("squad_v2", "validation"),
        DataRef("squad_v2", ""),
        DataRef("squad", ""),
        DataRef("squadshifts", "test[:10]", "amazon"),
        DataRef("squadshifts", "", "nyt"),
        DataRef("xquad", "", "xquad.de"),
        DataRef("pocket", "validation"),
        DataRef("me/mine", "test", "c"),
    ]
)
CLAIM = st.builds(
    lambda metric, subset, digits, unit, data, origin: Claim(
        metric, subset, float(digits) * (100 if unit == "fraction" else 1), digits, unit, data, origin, NOWHERE
    ),
    st.sampled_from(["exact_match", "f1"]),
    st.sampled_from(["all", "has_ans", "no_ans", "best"]),
    DIGITS,
    st.sampled_from(["percent", "fraction"]),
    DATA,
    st.sampled_from(["front_matter", "table", "code"]),
)
SETTING = st.builds(
    lambda name, value, block: Setting(name, name, value, str(value), NOWHERE, block),
    st.sampled_from(["learning_rate", "teacher", "student", "stage", "eval_data", "train_data", "note"]),
    st.one_of(st.integers(0, 99), st.text(alphabet="ab1.:/-_ #'\"`<>[]*|\\", min_size=1, max_size=8).map(str.strip)),
    st.sampled_from([None, 0, 1]),
)


LIST = [Setting(name, name, 0, "0", NOWHERE, None) for name in ("learning_rate", "teacher", "learning_rate")]
"""A list whose middle line is of no block."""


@settings(deadline=None)
@given(st.lists(CLAIM, max_size=6), st.lists(SETTING, max_size=6))
@example([], LIST)
def test_what_was_read_once_reads_back(claims: list[Claim], stated: list[Setting]) -> None:
    """Any card, once through text, is a card that stays the same through text."""
    made = Card("x.md", "x", "", "", {"license": "mit"}, tuple(claims), tuple(stated))
    card = parse_card(render_card(made, None, None), "x.md")
    text = render_card(card, None, None)
    again = parse_card(text, "x.md")
    assert place_free(again) == place_free(card)
    assert render_card(again, None, None) == text
