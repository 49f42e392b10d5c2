"""``harness report --card``, results for machines, and the options of a new card."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from plugin_cards import SCORES, make_card, run_of

from harness.cards import parse_card, read_card
from harness.cli import main
from harness.records import evidence_sha256
from harness.store import load_run, save_run

SCHEMA = Path(__file__).parents[1] / "docs" / "results.schema.json"


@pytest.fixture
def card(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_card(tmp_path / "cards" / "tiny")


@pytest.fixture
def record(card):
    made = run_of(card, **SCORES | {"f1": 80.43})
    return Path("runs") / made.id, save_run(Path("runs") / made.id, made)


def call(capsys, *arguments):
    code = main([*map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_results_hold_every_claim_of_the_card(capsys, card, record):
    place, run = record
    code, out, _ = call(capsys, "report", place, "--card", card, "--format", "results")
    assert code == 0
    result = json.loads(out)
    jsonschema.validate(result, json.loads(SCHEMA.read_text("utf-8")))
    assert result["runs"][0]["evidence_sha256"] == evidence_sha256(run)
    claims = read_card(card).claims
    assert [claim["digits"] for claim in result["claims"]] == [claim.digits for claim in claims]
    by_metric = {(claim["metric"], claim["subset"]): claim for claim in result["claims"]}
    assert by_metric["f1", "all"]["reproduced"] == pytest.approx(80.43)
    assert by_metric["f1", "all"]["verdict"] == "within_tolerance"
    assert call(capsys, "report", place, "--card", card, "-o", "results.json")[0] == 0
    assert Path("results.json").read_text("utf-8") == out


def test_the_index_alone(capsys, record):
    place, run = record
    code, out, _ = call(capsys, "report", place, "--format", "model-index")
    assert code == 0
    (model,) = yaml.safe_load(out)["model-index"]
    values = {metric["type"]: metric["value"] for metric in model["results"][0]["metrics"]}
    assert values == {"exact_match": round(run.scores["exact"], 4), "f1": 80.43}
    read = parse_card(f"---\n{out}---\n\n# x\n").claims
    assert {claim.metric: claim.reported for claim in read} == values


def test_a_page_judges_the_card_that_is_given(capsys, card, record):
    place, _ = record
    file = card / "README.md"
    file.write_text(file.read_text("utf-8").replace("80.0", "70.0"), "utf-8")
    code, out, _ = call(capsys, "report", place, "--card", card)
    assert code == 0 and "differs" in out
    code, out, _ = call(capsys, "report", place)
    assert code == 0 and "differs" not in out


def test_a_card_of_another_model_is_not_judged(capsys, card, record):
    other = Path("other.md")
    other.write_text((card / "README.md").read_text("utf-8").replace("name: tiny", "name: huge"), "utf-8")
    code, out, err = call(capsys, "report", record[0], "--card", other)
    assert (code, out) == (2, "")
    assert "expected a finished one of the card's model, 'huge'" in err


@pytest.mark.parametrize("more", [("--format", "md"), ("--json",), ("-o", "a.md")])
def test_a_card_goes_with_what_shows_it(capsys, card, record, more):
    code, _, err = call(capsys, "report", record[0], "--card", card, *more)
    assert code == 2
    assert "use harness compare CARD RUN" in " ".join(err.replace("│", " ").split())


def test_results_of_a_record_without_a_seal_are_refused(capsys, record):
    place, _ = record
    file = place / "record.json"
    data = json.loads(file.read_text("utf-8"))
    data["sha256"] = None
    file.write_text(json.dumps(data), "utf-8")
    code, out, err = call(capsys, "report", place, "--format", "results")
    assert (code, out) == (2, "")
    assert "no checksum" in err


def test_a_new_card_takes_name_and_metadata(capsys, record):
    place, run = record
    Path("more.yaml").write_text("license: mit\nlanguage: [en]\n", "utf-8")
    words = ("--template", "card.md.j2", "--run", place, "--name", "me/owl", "--repo-id", "me/owl")
    code, _, err = call(capsys, "render", *words, "--metadata", "more.yaml", "-o", "README.md")
    assert code == 0, err
    made = read_card(Path("README.md"))
    assert made.name == "me/owl"
    assert made.metadata["license"] == "mit" and made.metadata["language"] == ["en"]
    assert {claim.metric for claim in made.claims} >= {"exact_match", "f1"}
    assert load_run(place) == run


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a list", 'found no mapping, expected lines such as "license: mit"'),
        (b"license: [", "correct it"),
        (b"license: !!python/object:os.system x", "plain values without tags"),
        (b"a: \xff", "not UTF-8"),
        (b"model-index: []", "found model-index"),
        (None, "cannot be read"),
    ],
)
def test_metadata_that_cannot_be_used(capsys, record, content, message):
    if content is not None:
        Path("more.yaml").write_bytes(content)
    words = ("--template", "card.md.j2", "--run", record[0], "--metadata", "more.yaml", "-o", "README.md")
    code, out, err = call(capsys, "render", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert not Path("README.md").exists()


def test_options_of_a_new_card_need_a_template(capsys, card):
    code, _, err = call(capsys, "render", card, "--name", "x")
    assert code == 2
    assert "by --template" in err
