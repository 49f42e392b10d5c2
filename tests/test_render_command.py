"""``harness render``: what it writes, prints and refuses, and ``--check``."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from documents import HOSTILE
from made_cards import squad_run
from plugin_cards import SCORES, edit, make_card, run_of

from harness.cards import parse_card
from harness.cli import main
from harness.data import load_data
from harness.opened_data import open_data
from harness.records import DataRef, ModelUsed, seal
from harness.replay import replay_predictions
from harness.store import load_run, save_run, write_json

ROOT = Path(__file__).parents[1]
EVIDENCE = "evidence: tiny-1, retrained, finished 2025-01-01T00:03:20+00:00\n"


@pytest.fixture
def card(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_card(tmp_path / "cards" / "tiny")


@pytest.fixture
def run(card):
    record = run_of(card, **SCORES | {"f1": 80.43})
    save_run(Path("runs") / record.id, record)
    return record


def call(capsys, *arguments):
    code = main(["render", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def text_of(card):
    return (card / "README.md").read_bytes().decode("utf-8")


def test_the_section_is_written_into_the_card(card, run, capsys):
    before = text_of(card)
    code, out, err = call(capsys, card, "--run", run.id)
    assert (code, out) == (0, f"{card}/README.md:27: evidence section, added\n")
    assert err == f"{EVIDENCE}wrote {card}/README.md\n"
    after = text_of(card)
    assert after.startswith(before)
    assert "- Run: `tiny-1`, retrained" in after
    changed = (card / "README.md").stat()
    assert call(capsys, card, "--run", f"runs/{run.id}") == (0, "", f"{EVIDENCE}{card}/README.md: nothing to change\n")
    assert call(capsys, card) == (0, "", f"{EVIDENCE}{card}/README.md: nothing to change\n")
    assert (card / "README.md").stat().st_mtime_ns == changed.st_mtime_ns


def test_measured_figures_are_set_and_stay_measured(card, run, capsys):
    edit(card, "{type: f1, value: 80.0}", "{type: f1, value: 80.00, verified: true}  # F1")
    code, out, _ = call(capsys, card, "--measured")
    assert code == 0
    assert out.splitlines() == [
        f"{card}/README.md:10: f1[all]: 80.00 -> 80.43",
        f"{card}/README.md:10: mark of verification, removed: , verified: true -> nothing",
        f"{card}/README.md:27: evidence section, added",
    ]
    assert "    - {type: f1, value: 80.43}  # F1\n" in text_of(card)
    edit(card, "80.43}", "80.99}")
    code, out, _ = call(capsys, card)
    assert out.splitlines()[0] == f"{card}/README.md:10: f1[all]: 80.99 -> 80.43"
    code, out, _ = call(capsys, card, "--reported")
    assert out == f"{card}/README.md:28: evidence section, replaced: 38 lines -> 37 lines\n"
    assert "harness:figures measured" not in text_of(card)


def test_another_file_leaves_the_card(card, run, capsys):
    before = text_of(card)
    code, _, err = call(capsys, card, "-o", "out/new.md")
    assert (code, err) == (0, f"{EVIDENCE}wrote out/new.md\n")
    assert call(capsys, card, "-o", "out/new.md")[0] == 0
    assert text_of(card) == before
    assert Path("out/new.md").read_text("utf-8").startswith(before)
    assert call(capsys, card, "-o", card / "runs")[0] == 0  # no folder of that name yet
    Path("folder").mkdir()
    code, _, err = call(capsys, card, "-o", "folder")
    assert code == 2
    assert "nothing was changed" in err


def test_json_tells_every_edit_in_characters_and_bytes(card, run, capsys):
    edit(card, "license: mit\n", "license: mit  # Käuzchen 🦉\n")
    raw = (card / "README.md").read_bytes()
    code, out, _ = call(capsys, card, "--measured", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["changed"] is True
    assert told["text"] == text_of(card)
    assert [one["what"] for one in told["edits"]] == ["f1[all]", "evidence section, added"]
    new = b""
    position = 0
    for one in told["edits"]:
        assert raw[one["byte_start"] : one["byte_end"]].decode("utf-8") == one["old"]
        assert raw.decode("utf-8")[one["start"] : one["end"]] == one["old"]
        assert raw[: one["byte_start"]].count(b"\n") + 1 == one["line"]
        new += raw[position : one["byte_start"]] + one["new"].encode("utf-8")
        position = one["byte_end"]
    assert new + raw[position:] == (card / "README.md").read_bytes()


def test_check_is_clean_after_render_and_says_what_is_stale(card, run, capsys):
    code, out, err = call(capsys, "--check", "cards")
    assert (code, err) == (1, "1 card: 1 stale\n")
    assert out.splitlines()[:2] == ["--- cards/tiny/README.md", "+++ cards/tiny/README.md (as render writes it)"]
    assert "+<!-- harness:evidence -->" in out.splitlines()
    before = text_of(card)
    assert call(capsys, card)[0] == 0
    assert call(capsys, "--check", "cards") == (0, "", "1 card: as render would write it\n")
    assert call(capsys, "--check", card, "--run", run.id)[0] == 0
    assert call(capsys, "--check", card, "--measured")[0] == 1
    assert text_of(card).startswith(before)
    edit(card, "| 80.4300 |", "| 80.0000 |")
    code, out, err = call(capsys, "--check", card)
    assert code == 1
    assert any(line.startswith("-| f1 |") and "80.0000" in line for line in out.splitlines())
    code, out, _ = call(capsys, "--check", card, "--json")
    told = json.loads(out)
    assert (code, told["exit_code"], told["cards"][0]["state"]) == (1, 1, "stale")
    assert told["cards"][0]["text"].startswith(before)


def test_check_of_a_card_whose_run_is_gone(card, run, capsys):
    assert call(capsys, card)[0] == 0
    shutil.rmtree("runs")
    code, out, err = call(capsys, "--check", "cards")
    assert (code, out) == (1, "")
    assert "says it was written from run tiny-1, of which there is no record in cards/tiny/runs or " in err
    assert call(capsys, card)[0] == 2


def test_check_of_newer_evidence(card, run, capsys):
    assert call(capsys, card)[0] == 0
    newer = replace(run, id="tiny-2", finished="2026-11-01T00:00:00+00:00", scores=SCORES)
    save_run(Path("runs") / newer.id, newer)
    told = "run tiny-2 is newer than run tiny-1, which the section shows; --run tiny-1 keeps that"
    code, out, err = call(capsys, "--check", card)
    assert code == 1
    assert "+- Run: `tiny-2`, retrained" in out
    assert f"stale: {card}/README.md: {told}\n" in err
    assert call(capsys, "--check", card, "--run", "tiny-1")[0] == 0
    code, out, err = call(capsys, card)
    assert err.splitlines()[:2] == [
        "evidence: tiny-2, retrained, finished 2026-11-01T00:00:00+00:00",
        f"note: {told}",
    ]


def test_check_of_what_cannot_be_read(card, run, capsys):
    code, _, err = call(capsys, "--check", card, "nowhere")
    assert code == 2
    assert "1 stale, 1 unreadable" in err
    edit(card, "# tiny", "<!-- harness:evidence -->\n\n# tiny")
    code, _, err = call(capsys, "--check", card)
    assert code == 2
    assert "no pair" in err
    (card / "README.md").write_bytes(b"---\nx: \xff\n---\n")
    assert call(capsys, "--check", card)[0] == 2


def test_a_card_that_no_run_speaks_for_is_as_it_is(card, capsys):
    before = text_of(card)
    code, out, err = call(capsys, card)
    assert (code, out) == (0, "")
    assert "no recorded run" in err
    assert "nothing to change" in err
    assert text_of(card) == before
    assert call(capsys, "--check", card)[0] == 0


def test_the_cards_of_this_project_are_clean_after_render(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "cards", "cards")
    for file in Path("cards").glob("*/runs/*.json"):
        record = load_run(file)
        write_json(file, replace(record, sha256=seal(record)))
    for place in sorted(Path("cards").iterdir()):
        options = () if (place / "facts.yaml").exists() else ("--measured",)
        claims = [(c.metric, c.subset, c.digits, str(c.data)) for c in parse_card(text_of(place)).claims]
        assert call(capsys, place, *options)[0] == 0
        assert [(c.metric, c.subset, c.digits, str(c.data)) for c in parse_card(text_of(place)).claims] == claims
    code, out, err = call(capsys, "--check", "cards")
    assert (code, out) == (0, "")
    assert err.endswith("13 cards: as render would write them\n")


def test_bad_usage(card, run, capsys):
    for arguments in (
        (),
        ("--check",),
        (card, card),
        ("--check", card, "-o", "x.md"),
        (card, "--template", "card.md.j2", "--run", run.id),
        ("--template", "card.md.j2"),
        ("--template", "card.md.j2", "--run", run.id, "--check"),
    ):
        assert call(capsys, *arguments)[0] == 2, arguments
    assert call(capsys, card, "--run", "nowhere")[0] == 2


def test_nothing_is_written_where_the_proof_fails(card, capsys):
    low = run_of(card, exact=0.31, f1=0.82)  # percent that would be read as fractions
    save_run(Path("runs") / low.id, low)
    before = (card / "README.md").read_bytes()
    code, _, err = call(capsys, card, "--measured")
    assert code == 2
    assert "nothing was written" in err
    assert (card / "README.md").read_bytes() == before
    assert sorted(path.name for path in card.iterdir()) == ["README.md"]


@pytest.mark.parametrize("text", ["\x1b[31m", *HOSTILE])
def test_hostile_text_reaches_neither_terminal_nor_claims(card, capsys, text):
    bad = replace(run_of(card, **SCORES), signature=f"data:x | {text}", predictions_sha256=text)
    save_run(Path("runs/one"), bad)
    claims = parse_card(text_of(card)).claims
    for arguments in (("--check", card), (card,), ("--check", card)):
        code, out, err = call(capsys, *arguments)
        assert not set(out + err) & {"\x1b", "\x07"}
    assert code == 0
    assert parse_card(text_of(card)).claims == claims


def test_a_new_card_is_written_and_needs_no_change(tmp_path, monkeypatch, capsys):
    pytest.importorskip("harness.render.new_card")
    monkeypatch.chdir(tmp_path)
    record = squad_run("owl/owl-squad2")
    save_run(Path("runs") / record.id, record)
    code, _, err = call(capsys, "--template", "card.md.j2", "--run", record.id, "-o", "cards/owl-squad2/README.md")
    assert code == 0, err
    assert call(capsys, "--check", "cards")[0] == 0, call(capsys, "--check", "cards")


def test_figures_that_may_be_the_runs_are_told(card, run, capsys):
    edit(card, "name: pocket, split: validation}", "name: pocket}")
    code, _, err = call(capsys, card, "--measured")
    assert code == 0
    told = "1 figure is left as it is, as the card does not say on which split: line 10 f1[all] 80.0"
    assert f"note: {card}/README.md: {told}\n" in err
    assert "those that this run measured are the run's; 1 that may be too is as reported." in text_of(card)
    code, out, err = call(capsys, "--check", card)
    assert (code, out) == (0, "")
    assert err == f"note: {card}/README.md: {told}\n1 card: as render would write it\n"
    assert "{type: f1, value: 80.0}" in text_of(card)
    main(["gate", str(card)])
    assert "note: " in (out := capsys.readouterr().out)
    assert "figures left: 1 figure is left as it is" in out


def new(capsys, *arguments, name="Pocket Reader", output="new/README.md", template="card.md.j2"):
    given = () if name is None else ("--name", name)
    return call(capsys, "--template", template, *given, "-o", output, *arguments)


def test_a_model_that_is_named_at_publication_keeps_its_evidence(card, run, capsys):
    code, _, err = new(capsys, "--run", run.id)
    assert (code, err) == (0, "wrote new/README.md\n")
    made = Path("new/README.md")
    text = made.read_text("utf-8")
    assert "- Named: `Pocket Reader` here, `tiny` in the run\n" in text
    assert "| matches |" in text
    assert call(capsys, "--check", "new") == (0, "", "1 card: as render would write it\n")
    assert call(capsys, "new", "--run", run.id)[0] == 0
    assert call(capsys, "new")[0] == 0
    assert made.read_text("utf-8") == text
    assert main(["gate", "new"]) == 0
    assert "evidence fresh 1, claim matches 4" in capsys.readouterr().err
    write_json(Path("new/runs/kept.json"), load_run(Path("runs") / run.id))
    shutil.rmtree("runs")
    assert call(capsys, "--check", "new")[0] == 0
    # in the card of another model the section says nothing
    made.write_text(
        text.replace("# Pocket Reader", "# Other").replace("- name: Pocket Reader", "- name: Other"), "utf-8"
    )
    code, _, err = call(capsys, "--check", "new")
    assert code == 1
    assert "of which there is no record" in err
    code, _, err = call(capsys, "new", "--run", "new/runs/kept.json")
    assert (code, "the card is of 'Other'" in err) == (2, True)


def test_a_named_model_has_the_evidence_of_its_section_alone(card, run, capsys):
    assert new(capsys, "--run", run.id)[0] == 0
    other = replace(run, id="tiny-2", finished="2026-11-01T00:00:00+00:00", scores=SCORES | {"f1": 99.0})
    save_run(Path("runs") / other.id, other)
    assert call(capsys, "--check", "new")[0] == 0
    assert call(capsys, "new", "--run", "tiny-2")[0] == 2
    save_run(Path("runs") / run.id, replace(run, scores=SCORES | {"f1": 99.0}))  # the same id, other evidence
    code, _, err = call(capsys, "--check", "new")
    assert (code, "no record" in err) == (1, True)
    changed = Path("new/README.md").read_text("utf-8").replace("epochs = ", "epochs = 1")
    save_run(Path("runs") / run.id, run)
    assert call(capsys, "--check", "new")[0] == 0
    Path("new/README.md").write_text(changed, "utf-8")
    code, _, err = call(capsys, "new", "--run", run.id)
    assert (code, "another recipe" in err) == (2, True)


@pytest.mark.parametrize("checksum", [r"\g<0>", ""])
def test_a_section_changed_by_hand_makes_no_run_its_own(card, run, capsys, checksum):
    assert new(capsys, "--run", run.id)[0] == 0
    made = Path("new/README.md")
    renamed = made.read_text("utf-8").replace("Pocket Reader", "Other")
    made.write_text(re.sub(r"<!-- harness:section \w+ -->\n", checksum, renamed), "utf-8")
    assert call(capsys, "new", "--run", run.id)[0] == 2
    assert call(capsys, "new")[0] == 2
    assert main(["gate", "new"]) == 1
    assert "evidence missing 1" in capsys.readouterr().err


def test_a_card_that_is_there_is_not_replaced(card, run, capsys):
    before = text_of(card)
    code, _, err = new(capsys, "--run", run.id, output=card / "README.md")
    assert (code, "give --force" in err) == (2, True)
    assert text_of(card) == before
    record = Path("runs") / run.id / "record.json"
    kept = record.read_bytes()
    Path("notes.md").write_text("Words.\n", "utf-8")
    for place in (record, Path("notes.md")):
        for arguments in (("--template", "card.md.j2", "--run", run.id, "--force"), (card,)):
            code, _, err = call(capsys, *arguments, "-o", place)
            assert (code, "no model card" in err) == (2, True)
    assert record.read_bytes() == kept
    assert new(capsys, "--run", run.id, "--force", output=card / "README.md")[0] == 0
    assert text_of(card) != before


def test_the_usage_code_asks_a_question_of_the_evaluation(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ref = DataRef("pocket", "validation[:80]")
    questions, _ = load_data(ref, {})
    write_json(Path("answers.json"), {q.id: q.answers[0].text if q.answers else "" for q in questions})
    folder, replayed = replay_predictions(
        "owl", Path("answers.json"), open_data("pocket:validation[:80]", {}), Path("runs")
    )
    model = ModelUsed("me/owl", "3" * 64, None)
    save_run(folder, replace(replayed, kind="released", model=model, recipe=replace(replayed.recipe, stages=())))
    assert new(capsys, "--run", replayed.id, name=None)[0] == 0
    text = Path("new/README.md").read_text("utf-8")
    printed = re.search(r"print\(answer\)  # prints: (.+)", text)
    asked = re.search(r'question = "(.+)"\ncontext = "(.+)"\n', text)
    assert printed
    assert asked
    (question,) = [q for q in questions if (q.question, q.context) == asked.groups() and q.answers]
    assert question.answers[0].text == printed[1]
    assert len(question.context) == min(len(q.context) for q in questions if q.answers)
    other = Path("other.json")
    answer = {"text": "c", "answer_start": 0}
    qas = [{"id": str(number), "question": "q", "answers": [answer]} for number in range(80)]
    other.write_text(json.dumps({"data": [{"paragraphs": [{"context": "c d", "qas": qas}]}]}), "utf-8")
    code, _, err = new(capsys, "--run", replayed.id, "--force", "--use", f"pocket={other}")
    assert (code, "other questions than run" in err) == (2, True), err
    (folder / "predictions.json").write_text("{}", "utf-8")
    code, _, err = new(capsys, "--run", replayed.id, "--force")
    assert (code, "are not those of its record" in err) == (2, True)


def test_metadata_is_checked_where_it_stands(card, run, capsys):
    for text, said in (
        ("license: [1]", "license: found [1]"),
        ("language: 3", "language: found 3"),
        ("tags: {a: b}", "tags: found {'a': 'b'}"),
        ("datasets: []", "datasets: found []"),
        ("model-index: []", "found model-index"),
    ):
        Path("more.yaml").write_text(text + "\n", "utf-8")
        code, _, err = new(capsys, "--run", run.id, "--metadata", "more.yaml")
        assert code == 2
        assert f"more.yaml: {said}" in err
    assert not Path("new").exists()


def test_broken_front_matter_is_named_first(card, run, capsys):
    Path("mine.md.j2").write_text("---\n{{ metadata | yaml }}---\n\n# x\n\n{{ evidence }}", "utf-8")
    code, _, err = new(capsys, "--run", run.id, template="./mine.md.j2")
    assert code == 0
    assert "note: new/README.md: the front matter is broken, line 1: found front matter that is never closed" in err
    edit(card, "license: mit", "license: [mit")
    card.rename(card.with_name("br"))
    for arguments in (("--run", run.id), ()):
        code, _, err = call(capsys, card.with_name("br"), *arguments)
        assert "the front matter is broken, line " in err
        assert err.index("the front matter is broken") < err.find("the card is of 'br'") or not arguments


# Files


def test_a_link_stays_and_permissions_are_kept(card, run, capsys, tmp_path):
    file, real = card / "README.md", tmp_path / "real.md"
    file.rename(real)
    real.chmod(0o640)
    file.symlink_to(real)
    assert call(capsys, card, "--run", run.id)[0] == 0
    assert file.is_symlink()
    assert "harness:evidence" in real.read_text("utf-8")
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_read_only_card_stays(card, run, capsys):
    file = card / "README.md"
    before = file.read_bytes()
    file.chmod(0o444)
    code, _, err = call(capsys, card, "--run", run.id)
    assert (code, "read-only" in err) == (2, True)
    assert file.read_bytes() == before


@pytest.mark.parametrize("option", [[], ["-o"]])
def test_a_card_that_changes_meanwhile_is_not_overwritten(card, run, capsys, monkeypatch, option):
    import harness.editing

    file = card / "README.md"

    def slow(*args, **options):
        made = expected_card(*args, **options)
        file.write_bytes(file.read_bytes() + b"\nAnother line.\n")
        return made

    expected_card = harness.editing.expected_card
    monkeypatch.setattr(harness.editing, "expected_card", slow)
    code, _, err = call(capsys, card, "--run", run.id, *([*option, file] if option else []))
    assert (code, "after it was read" in err) == (2, True)
    assert file.read_text("utf-8").endswith("Another line.\n")
    assert "harness:evidence" not in file.read_text("utf-8")
