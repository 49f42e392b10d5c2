"""Reports and cards from records; a regenerated card is read back by the real parser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from harness.cards import parse_card, read_card
from harness.errors import CardError, RecordError
from harness.records import Card, Claim, DataRef, Place, Run, Setting, from_json, to_json
from harness.render import render_card, render_report

HERE = Path(__file__).parent
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NOWHERE = Place(0, 0, 0)
HOSTILE = (
    "{{ run.__class__ }}{% raw %}",
    "<script>alert(1)</script><b>x</b> &lt;",
    "--> x <!-- /harness:evidence --> y",
    "a | b\n| exact_match | 99.9 |\n",
    '---\nmodel-index: []\n---\n# F1: 99.9\n\n"exact": 99.9',
    "'x': [1, {y: 2}] # &a *a !!python/object:os.system",
    '```\n````\n"f1": 99.9\n`````',
    "[x](javascript:alert(1)) ![y](z) **b** __c__",
)


@pytest.fixture
def run() -> Run:
    return from_json(Run, json.loads((HERE / "data" / "runs" / "finished.json").read_text(encoding="utf-8")))


def tables(text: str) -> dict[str, list[list[str]]]:
    """The last table under each heading, as rows of plain text."""
    found: dict[str, list[list[str]]] = {}
    heading, previous = "", ""
    for token in MARKDOWN.parse(text):
        if token.type == "inline" and previous == "heading_open":
            heading = plain(token)
        elif token.type == "table_open":
            found[heading] = []
        elif token.type == "tr_open":
            found[heading].append([])
        elif token.type == "inline" and previous in ("th_open", "td_open"):
            found[heading][-1].append(plain(token))
        previous = token.type
    return found


def plain(token: Token) -> str:
    return "".join(child.content for child in token.children or [])


def structure(text: str) -> list[str]:
    """Everything about a document but its words: block types, and inline types that are not text."""
    shape = []
    for token in MARKDOWN.parse(text):
        shape.append(f"{token.type} {token.tag}")
        words = ("text", "text_special", "code_inline", "softbreak")
        shape += [child.type for child in token.children or [] if child.type not in words]
    return shape


def replace_text(value: Any, change: Callable[[str], str], keep: tuple[str, ...]) -> Any:
    """A copy of a record's JSON form with every string changed, those under the fields in `keep` excepted."""
    if isinstance(value, dict):
        return {name: item if name in keep else replace_text(item, change, keep) for name, item in value.items()}
    if isinstance(value, list):
        return [replace_text(item, change, keep) for item in value]
    return change(value) if isinstance(value, str) else value


WORDS = ("kind", "status", "how", "verdict", "unit", "origin", "subset", "lr_schedule", "protocol")


def hostile_run(run: Run, text: str) -> Run:
    data = replace_text(to_json(run), lambda _: text, WORDS)
    for field in ("used", "by_kind"):
        data[field] = {text: next(iter(data[field].values()))}
    data["environment"]["packages"] = {text: text}
    return from_json(Run, data)


def test_the_fixture_is_a_record(run: Run) -> None:
    assert from_json(Run, to_json(run)) == run


def test_report_is_the_same_bytes_each_time(run: Run) -> None:
    assert render_report(run) == render_report(from_json(Run, to_json(run)))


def test_report_shows_every_verdict(run: Run) -> None:
    header, *rows = tables(render_report(run))["Claims"]
    assert [row[header.index("verdict")] for row in rows] == ["matches", "within_tolerance", "differs", "unchecked"]
    for row, comparison in zip(rows, run.comparisons, strict=True):
        cells = dict(zip(header, row, strict=True))
        assert cells["metric"] == comparison.claim.metric
        assert cells["subset"] == comparison.claim.subset
        assert cells["data"] == (str(comparison.claim.data) if comparison.claim.data else "not stated")
        assert cells["reported"].split()[0] == comparison.claim.digits
        assert cells["reason"] == comparison.reason
        assert cells["line"] == str(comparison.claim.place.line)
        if comparison.reproduced is None:
            assert cells["reproduced"] == cells["difference"] == cells["tolerance"] == ""
        else:
            assert comparison.difference is not None
            assert comparison.tolerance is not None
            assert float(cells["reproduced"]) == pytest.approx(comparison.reproduced, abs=5e-5)
            assert float(cells["difference"]) == pytest.approx(comparison.difference, abs=5e-5)
            assert float(cells["tolerance"]) == comparison.tolerance.within


def test_report_puts_verdicts_first(run: Run) -> None:
    headings = [line for line in render_report(run).splitlines() if line.startswith("## ")]
    assert headings == [
        "## Claims",
        "## Signature",
        "## Data",
        "## Scores",
        "## Scores by kind of question",
        "## Stages",
        "## Predictions",
        "## Recipe",
        "## Environment",
        "## How to repeat",
    ]


def test_report_shows_scores_and_checksums(run: Run) -> None:
    text = render_report(run)
    found = tables(text)
    assert {key: float(value) for key, value in found["Scores"][1:]} == pytest.approx(run.scores, abs=5e-5)
    assert ["founder", "66.4000", "68.3488", "250"] in found["Scores by kind of question"]
    for stage in run.stages:
        assert stage.weights_sha256 in text
        assert all(used.sha256 in text for used in stage.data)
    assert run.evaluated is not None
    assert run.evaluated.sha256 in text
    assert str(run.signature) in text


def test_report_names_the_origin_of_every_value(run: Run) -> None:
    found = tables(render_report(run))
    teacher = {name: (value, origin) for name, value, origin in found["Stage teacher"][1:]}
    assert teacher["student"] == ("pocket/roberta-2x64", "stated, line 31")
    assert teacher["adam_beta2"] == ("0.98", "assumed: 0.999 diverged | with this batch size")
    assert teacher["weight_decay"] == ("0", "default: transformers TrainingArguments")
    assert teacher["teacher"] == ("not stated", "")
    student = {name: value for name, value, _ in found["Stage student"][1:]}
    assert student["data"] == "pocket:train[:2000] + pocket:train"
    evaluation = {name: (value, origin) for name, value, origin in found["Evaluation"][1:]}
    assert evaluation["max_answer_length"] == ("30", "default: run_qa.py")


def test_report_says_how_to_repeat(run: Run) -> None:
    odd = replace(run, card_path="my cards/it's.md", used={"a/b": "c d"})
    assert "harness reproduce cards/pocket__distilled/README.md --use squad_v2=dev-v2.0.json\n" in render_report(run)
    assert """harness reproduce 'my cards/it'"'"'s.md' --use 'a/b=c d'\n""" in render_report(odd)


def test_report_leaves_out_what_the_record_lacks(run: Run) -> None:
    failed = Run(
        run.schema, run.id, run.kind, "failed", run.card_name, run.card_path, run.card_sha256, run.recipe, {},
        replace(run.environment, commit=None, dirty=None), run.started, error="stage teacher: loss is not finite",
    )  # fmt: skip
    text = render_report(failed)
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["## Recipe", "## Environment", "## How to repeat"]
    assert "Error: stage teacher: loss is not finite" in text
    assert "None" not in text
    assert "Finished" not in text


@pytest.mark.parametrize("text", HOSTILE)
def test_report_shows_hostile_text_as_text(run: Run, text: str) -> None:
    harmless, hostile = render_report(hostile_run(run, "words")), render_report(hostile_run(run, text))
    assert structure(hostile) == structure(harmless)
    assert "<!-- /harness:evidence" not in hostile
    shown = re.sub(r"\n+", " ", text).strip()
    assert shown in next(plain(token) for token in MARKDOWN.parse(hostile) if token.type == "inline")


def place_free(card: Card) -> tuple[list[Claim], list[Setting]]:
    """Claims and settings without their places and marks of verification, which a new text does not share."""
    claims = [replace(claim, place=NOWHERE, verified=False) for claim in card.claims]
    return claims, [replace(setting, place=NOWHERE) for setting in card.settings]


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
    for path in sorted(folder.rglob("*.md")):
        try:
            card = read_card(path)
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
    claims, settings = card.claims, card.settings
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
            bad = replace(card, settings=tuple(replace(s, **{field: text}) for s in settings))  # type: ignore[arg-type]
    again = parse_card(render_card(bad, None, None), "x.md")
    assert len(again.claims) <= len(claims)
    assert len(again.settings) <= len(settings)
    if field in ("name", "path", "metadata"):
        assert place_free(again) == place_free(card)
    if field in ("written_as", "text"):
        assert len(again.claims) == len(claims)
    if field == "metadata":
        assert again.metadata[text] == {text: [text]}
    assert all(claim.digits != "99.9" for claim in again.claims)


DIGITS = st.from_regex(r"(0|[1-9]\d?)(\.\d{1,4})?", fullmatch=True)
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


@given(st.lists(CLAIM, max_size=6), st.lists(SETTING, max_size=6))
def test_what_was_read_once_reads_back(claims: list[Claim], settings: list[Setting]) -> None:
    """Any card, once through text, is a card that stays the same through text."""
    made = Card("x.md", "x", "", "", {"license": "mit"}, tuple(claims), tuple(settings))
    card = parse_card(render_card(made, None, None), "x.md")
    text = render_card(card, None, None)
    again = parse_card(text, "x.md")
    assert place_free(again) == place_free(card)
    assert render_card(again, None, None) == text
