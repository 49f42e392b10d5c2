"""The published cards of `cards/`: what their publishers state, kept as facts and rendered in other words."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from documents import HOSTILE, structure

from harness.assumptions import read_assumptions
from harness.audit import audit_card
from harness.cards import parse_card, read_card
from harness.errors import RecordError
from harness.evidence import open_card, same_recipe
from harness.facts import read_facts, with_marks
from harness.names import canonical_data
from harness.records import Card, Claim, DataRef
from harness.records.facts import Facts, StatedClaim, StatedExample, StatedLine, StatedLink, StatedSpeed, StatedStage
from harness.render.published import render_published, write_published

ROOT = Path(__file__).resolve().parents[1]
CARDS = ROOT / "cards"
SEEDS = {
    "Shobhank-iiitdwd__Distiled-roberta-squad2": "distiled-roberta-squad2",
    "deepset__tinyroberta-squad2": "tinyroberta-squad2",
    "deepset__xlm-roberta-base-squad2-distilled": "xlm-roberta-base-squad2-distilled",
    "deepset__roberta-base-squad2-distilled": "roberta-base-squad2-distilled",
    "mrm8488__roberta-base-1B-1-finetuned-squadv2": "roberta-base-1B-1-finetuned-squadv2",
}
TINY = CARDS / "deepset__tinyroberta-squad2"

each_card = pytest.mark.parametrize("folder", [CARDS / name for name in SEEDS], ids=list(SEEDS))


def published(folder: Path) -> Path:
    """The publisher's own card."""
    path = ROOT.parent / "shared" / "seeds" / f"{SEEDS[folder.name]}.md"
    if not path.is_file():
        pytest.skip("the published cards in ../shared/seeds are not here")
    return path


def bare_claims(claims: tuple[Claim, ...] | tuple[StatedClaim, ...]) -> list[tuple[object, ...]]:
    """Claims without their places and marks."""
    found: list[tuple[object, ...]] = []
    for claim in claims:
        if isinstance(claim, Claim):
            data = claim.data
        else:
            data = DataRef(claim.dataset, claim.split or "", claim.config) if claim.dataset else None
        named = canonical_data(data) if data else None
        found.append((claim.metric, claim.subset, claim.digits, claim.unit, named, claim.origin))
    return found


def bare_settings(card: Card) -> list[tuple[str, str]]:
    return [(setting.name, setting.text) for setting in card.settings]


def without_index(card: Card) -> dict[str, Any]:
    return {key: value for key, value in card.metadata.items() if key != "model-index"}


@each_card
def test_the_card_is_what_the_facts_render_to(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "facts.yaml").write_bytes((folder / "facts.yaml").read_bytes())
    written = write_published(tmp_path)
    assert written == tmp_path / "README.md"
    assert written.read_bytes() == (folder / "README.md").read_bytes()


@each_card
def test_the_card_says_what_the_facts_say_and_nothing_else(folder: Path) -> None:
    facts, card = read_facts(folder), read_card(folder)
    assert bare_claims(card.claims) == bare_claims(facts.claims)
    assert card.comparisons == ()
    assert bare_settings(card) == [(setting.name, setting.value) for setting in facts.settings]
    totals = [int(number.digits) for number in facts.numbers if number.written_as.endswith("total")]
    assert [count.value for count in card.counts] == totals
    assert [speed.ratio for speed in card.speeds] == [float(speed.ratio) for speed in facts.speeds]
    assert [(link.text, link.target) for link in card.links] == [(link.text, link.target) for link in facts.links]
    assert without_index(card) == facts.metadata
    assert card.name == (facts.index_name or folder.name)
    assert facts.name.replace("/", "__") == folder.name
    assert card.problems == ()


@each_card
def test_every_figure_is_marked_as_reported_and_no_verification_is_repeated(folder: Path) -> None:
    card = read_card(folder)
    assert all(result.source_name == "Reported by the publisher" for result in card.results)
    assert all(result.verified is None and result.verify_token is None for result in card.results)
    assert "verif" not in card.text
    if any(claim.origin != "front_matter" for claim in card.claims):
        assert "## Results\n\nThe publisher reports these figures;" in card.text


@each_card
def test_the_facts_are_those_of_the_published_card(folder: Path) -> None:
    path = published(folder)
    facts, seed = read_facts(folder), read_card(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == facts.source.sha256
    assert bare_claims(facts.claims) == bare_claims(seed.claims)
    assert [claim.line for claim in facts.claims] == [claim.place.line for claim in seed.claims]
    assert [(s.line, s.name, s.value) for s in facts.settings] == [
        (s.place.line, s.name, s.text) for s in seed.settings
    ]
    assert without_index(seed) == facts.metadata
    lines = seed.text.splitlines()
    stated = [(item.line, item.digits) for item in (*facts.claims, *facts.numbers)]
    stated += [(line.line, line.value) for line in (*facts.overview, facts.hardware, facts.loaded_as) if line]
    stated += [(link.line, f"[{link.text}]({link.target})") for link in facts.links]
    stated += [(example.line, text) for example in facts.examples for text in (example.answer, example.score)]
    stated += [(mark.token_line, mark.token) for mark in facts.marks if mark.token_line and mark.token]
    stated += [(mark.line, f"verified: {str(mark.verified).lower()}") for mark in facts.marks]
    stated += [(stage.line, stage.teacher) for stage in facts.stages if stage.teacher]
    assert [(line, text) for line, text in stated if text not in lines[line - 1]] == []


@each_card
def test_the_card_reads_as_the_published_one(folder: Path) -> None:
    path = published(folder)
    seed, card = read_card(path), read_card(folder)
    assert bare_claims(card.claims) == bare_claims(seed.claims)
    assert bare_settings(card) == bare_settings(seed)
    assert [(speed.ratio, speed.than) for speed in card.speeds] == [(s.ratio, s.than) for s in seed.speeds]
    assert [(count.subset, count.value) for count in card.counts] == [(c.subset, c.value) for c in seed.counts]
    marked = with_marks(card, read_facts(folder))
    assert [(r.value, r.verified, r.verify_token) for r in marked.results] == [
        (r.value, r.verified, r.verify_token) for r in seed.results
    ]
    assert [claim.verified for claim in marked.claims] == [claim.verified for claim in seed.claims]


@each_card
def test_an_audit_finds_in_the_card_what_it_finds_in_the_published_one(folder: Path) -> None:
    of_text = {"double-encoding", "broken-link", "usage-removed"}  # what a rendered card does not repeat
    found = [
        sorted(finding.code for finding in audit_card(card) if finding.code not in of_text)
        for card in (read_card(published(folder)), with_marks(read_card(folder), read_facts(folder)))
    ]
    assert found[0] == found[1]


@each_card
def test_accepted_findings_are_still_found(folder: Path) -> None:
    opened = open_card(folder)
    assert opened.assumptions is not None
    found = {finding.code for finding in audit_card(with_marks(opened.card, read_facts(folder)), opened.recipe)}
    assert {accepted.code for accepted in opened.assumptions.findings} <= found


FARM, LARGE, XLM = "farm-1.x", "deepset/roberta-large-squad2", "deepset/xlm-roberta-large-squad2"
TINY_LAST = ("prediction", "distil_logits", FARM, "task", LARGE, 96, 4, 3e-5, 0.2, 1.0)


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("deepset__tinyroberta-squad2", TINY_LAST),
        ("Shobhank-iiitdwd__Distiled-roberta-squad2", TINY_LAST),
        ("deepset__xlm-roberta-base-squad2-distilled",
         ("main", "distil_logits", FARM, "xlm-roberta-base", XLM, 56, 4, 3e-5, 0.2, 1.0)),
        ("deepset__roberta-base-squad2-distilled",
         ("main", "distil_logits", FARM, "roberta-base", LARGE, 80, 4, 3e-5, 0.2, 1.0)),
        ("mrm8488__roberta-base-1B-1-finetuned-squadv2",
         ("main", "finetune", "run_squad-3.0", "nyu-mll/roberta-base-1B-1", None, 16, 10, 3e-5, 0.0, 1.0)),
    ],
)  # fmt: skip
def test_with_the_assumptions_nothing_is_left_open(name: str, stage: tuple[object, ...]) -> None:
    recipe = open_card(CARDS / name).recipe
    last = recipe.stages[-1]
    assert stage == (
        last.name, last.kind, last.profile, str(last.student), last.teacher and str(last.teacher),
        last.batch_size, last.epochs, last.learning_rate, last.warmup_proportion, last.loss_scale)  # fmt: skip
    assert last.data == (DataRef("squad_v2", "train"),)
    assert recipe.evaluation == DataRef("squad_v2", "validation")
    assert recipe.gaps == ()
    assert {made.profile for made in recipe.stages} == {last.profile}
    assert all(made.origins["profile"].how == "assumed" for made in recipe.stages)
    assert (recipe.decoding.protocol, last.max_seq_len) == (last.protocol, 384)


@pytest.mark.parametrize(
    ("name", "temperature", "dropout"),
    [
        ("deepset__roberta-base-squad2-distilled", 1.5, "stated"),
        ("deepset__xlm-roberta-base-squad2-distilled", 3.0, "stated"),
        ("deepset__tinyroberta-squad2", 1.5, "default"),
    ],
)
def test_distillation_by_farm(name: str, temperature: float, dropout: str) -> None:
    recipe = open_card(CARDS / name).recipe
    last = recipe.stages[-1]
    assert (last.temperature, last.distillation_loss_weight, last.distillation_loss) == (temperature, 0.75, "kl")
    assert (last.head_dropout, last.origins["head_dropout"].how) == (0.1, dropout)
    assert (last.doc_stride, last.doc_stride_is, last.max_query_length) == (128, "step", 64)
    assert (last.padding, last.label_faults, last.weight_decay_on, last.seed) == ("fixed", True, "all", 42)
    decoding = recipe.decoding
    assert (decoding.protocol, decoding.n_best, decoding.max_answer_length) == ("farm", 4, 1000)


def test_three_stages_of_tinyroberta() -> None:
    general, task, prediction = open_card(TINY).recipe.stages
    assert [stage.name for stage in (general, task, prediction)] == ["general", "task", "prediction"]
    assert (general.kind, task.kind) == ("distil_hidden", "distil_hidden")
    assert (str(general.student), general.student_layers, str(general.teacher)) == (
        "roberta-base", (2, 4, 6, 8, 10, 12), "roberta-base")  # fmt: skip
    assert general.data == (DataRef("the_pile", "train"),)
    assert (general.batch_size, general.epochs, general.learning_rate, general.loss_scale) == (96, 4, 1e-4, 4.0)
    assert (general.attention_target, general.layer_map, general.augment) == ("probabilities", (), "none")
    assert (str(task.student), str(task.teacher)) == ("general", "deepset/roberta-base-squad2")
    assert (task.augment, task.augment_factor, task.augment_probability) == ("farm", 20, 0.4)
    assert (str(task.masked_lm), str(task.word_vectors)) == ("google-bert/bert-base-uncased", "glove.42B.300d")
    assert (task.batch_size, task.epochs, task.learning_rate, task.warmup_proportion) == (96, 5, 5e-5, 0.2)
    assert (task.max_seq_len, task.loss_scale, prediction.loss_scale) == (384, 4.0, 1.0)
    guesses = [name for name, origin in task.origins.items() if origin.note.startswith("guess: ")]
    assert {"batch_size", "epochs", "learning_rate", "augment_candidates"} <= set(guesses)


def test_the_copy_has_the_recipe_of_its_original() -> None:
    copy, original = (
        open_card(folder).recipe for folder in (CARDS / "Shobhank-iiitdwd__Distiled-roberta-squad2", TINY)
    )
    assert same_recipe(copy, original)
    assert all(stage.student != stage.teacher or stage.name == "general" for stage in copy.stages)


@pytest.mark.parametrize(
    ("reading", "profile", "protocol", "stride", "limit", "lower_case", "space_words"),
    [
        (None, "run_squad-3.0", "run_squad", "step", 64, True, False),
        ("c-era", "run_squad-3.0", "run_squad", "step", 64, True, False),
        ("c-fixed", "run_squad-3.4", "run_squad", "step", 64, True, True),
        ("c-modern", "run_qa", "run_qa", "overlap", None, False, True),
    ],
)
def test_three_readings_of_one_command(
    reading: str | None,
    profile: str,
    protocol: str,
    stride: str,
    limit: int | None,
    lower_case: bool,
    space_words: bool,
) -> None:
    recipe = open_card(CARDS / "mrm8488__roberta-base-1B-1-finetuned-squadv2", reading=reading).recipe
    (stage,) = recipe.stages
    assert recipe.reading == (reading or "c-era")
    assert (stage.profile, stage.protocol, stage.doc_stride_is, stage.max_query_length) == (
        profile, protocol, stride, limit)  # fmt: skip
    assert (stage.lower_case, stage.space_words, stage.weight_decay) == (lower_case, space_words, 0.0)
    decoding = recipe.decoding
    assert (decoding.protocol, decoding.lower_case, decoding.space_words) == (protocol, lower_case, space_words)
    assert (decoding.n_best, decoding.max_answer_length, decoding.max_query_length) == (20, 30, limit)


@each_card
def test_the_described_stages_of_the_recipe_are_those_of_the_recipe(folder: Path) -> None:
    opened, facts = open_card(folder), read_facts(folder)
    assert [stage.kind for stage in facts.stages if stage.in_recipe] == [stage.kind for stage in opened.recipe.stages]


@each_card
def test_assumptions_name_no_place_outside_the_project(folder: Path) -> None:
    found = read_assumptions(folder / "assumptions.yaml")
    reasons = [item.reason for item in (*found.settings, *found.stages, *found.readings)]
    assert reasons
    assert not [reason for reason in reasons if "../" in reason or "/work" in reason]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema: 1\n", "schema: 2\n", "facts.schema: found 2, expected 1"),
        ("schema: 1\n", "schema: 1\nshcema: 1\n", "unknown field 'shcema'"),
        ("schema: 1\n", "schema: 1\nschema: 1\n", "line 3: found the key 'schema' twice"),
        ("name: deepset/tinyroberta-squad2\n", "", "field 'name' is missing"),
        ("name: deepset/tinyroberta-squad2\n", "name: tiny\n", "facts.name: found 'tiny', expected an id"),
        ('digits: "78.8627"', "digits: 78.8627", r"facts.claims\[0\].digits: found float '78.8627', expected str"),
        ('digits: "78.8627"', 'digits: "78,86"', r"facts.claims\[0\].digits: found '78,86', expected a number"),
        ("subset: has_ans", "subset: has_answer", r"facts.claims\[4\].subset: found 'has_answer', expected one of"),
        ("origin: front_matter, line: 20,", "origin: front_matter, place: 20,", "unknown field 'place'"),
        ("line: 20, dataset", "line: twenty, dataset", r"facts.claims\[0\].line: found str 'twenty', expected int"),
        ("kind: distil_hidden", "kind: distil", r"facts.stages\[0\].kind: found 'distil'"),
        ("claim_line: 20", "claim_line: 97", r"facts.marks\[0\].claim_line: found 97, expected the line of a claim"),
        ("verified: true", "verified: yes", r"facts.marks\[0\].verified: found str 'yes', expected bool"),
        ("metadata:\n", "metadata:\n  model-index: []\n", "facts.metadata: found 'model-index'"),
        ("https://github.com/deepset-ai/haystack", "javascript:alert(1)", r"facts.links\[2\].target: found 'java"),
        ("value: deepset/tinyroberta-squad2, line: 78", "value: 'x\"', line: 78", "facts.loaded_as: found 'x\"'"),
        ('value: "0.75"', "value: '0.75\"'", r"facts.settings\[\d+\].value: found"),
        ("schema: 1\n", "schema: !!python/object:os.system 1\n", "line 2: found the YAML tag"),
    ],
)
def test_facts_are_read_strictly(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = (TINY / "facts.yaml").read_text("utf-8")
    assert old in text
    file = tmp_path / "facts.yaml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(RecordError, match=message) as caught:
        read_facts(tmp_path)
    assert str(caught.value).startswith(f"{file}: ")
    assert caught.value.path == str(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "found no readable file"), (b"\xff\xfe", "not UTF-8"), (b"", "found nothing"), (b"- 1\n", "facts: found")],
)
def test_files_that_are_no_facts(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "facts.yaml").write_bytes(content)
    with pytest.raises(RecordError, match=message):
        read_facts(tmp_path)


def hostile(facts: Facts, text: str) -> Facts:
    """The facts with a text of somebody who means harm wherever text may stand."""
    return replace(
        facts,
        name=text,
        source=replace(facts.source, url=f"https://x.y/{text}"),
        metadata={**facts.metadata, "note": text},
        overview=(StatedLine(text, text, 1),),
        hardware=StatedLine("training", text, 1),
        stages=(StatedStage(text, "distil_hidden", False, 1, text, text, text, text),),
        links=(StatedLink("teacher", text, f"https://x.y/{text}", 1),),
        speeds=(StatedSpeed("3", text, 1),),
        examples=(StatedExample(text, 0, 1, text, 1),),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    facts = read_facts(TINY)
    bad, good = (render_published(hostile(facts, words)) for words in (text, "words"))
    assert structure(bad.partition("\n---\n")[2]) == structure(good.partition("\n---\n")[2])
    card = parse_card(bad, "x/README.md")
    assert card.metadata["note"] == text
    in_fences = [claim for claim in bare_claims(card.claims) if claim[-1] in ("front_matter", "code")]
    assert in_fences == bare_claims(facts.claims)


def test_a_card_that_states_little_has_few_sections() -> None:
    facts = read_facts(TINY)
    claim = replace(facts.claims[2], dataset=None, split=None)
    text = render_published(
        Facts(1, "me/owl", facts.source, {"language": "en"}, claims=(claim,), speeds=(StatedSpeed("3", "x", 1),))
    )
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# me/owl",
        "## Speed, as the publisher reports it",
        "## Results",
        "### Data set not stated",
    ]
    assert "It runs at 3 times the speed of x." in text
    card = parse_card(text, "x/README.md")
    assert bare_claims(card.claims) == [("exact_match", "all", "78.69114798281817", "percent", None, "code")]
