"""Editing a card in place: the wanted bytes and no others, proof of it, and evidence that may be shown."""

from __future__ import annotations

import json
import random
import re
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from documents import HOSTILE, hostile_run, structure
from made_cards import BEST, SCORES, made_card, squad_run
from plugin_cards import SCORES as TINY
from plugin_cards import assume, deviation, edit, make_card, run_of

from harness.cards import parse_card, read_card
from harness.editing import Edit, EditedCard, admit, apply_edits, edit_card, expected_card, find_section
from harness.editing.digits import print_as
from harness.editing.proof import prove, prove_text
from harness.errors import CardError, NoEvidenceError, RecordError
from harness.evidence import Options, judge, open_card, plan_card
from harness.records import (
    Bounds,
    DataRef,
    DataUsed,
    Finding,
    Place,
    Run,
    Verdict,
    evidence_sha256,
    from_json,
    seal,
    to_json,
)
from harness.signature import decoding_parts, join_signature
from harness.store import load_run, save_run, write_json

ROOT = Path(__file__).parents[1]
SEEDS = Path(__file__).resolve().parents[2] / "shared" / "seeds"
MADE = 200
OWL = Path("cards/owl-squad2/README.md")
OPENING, CLOSING = "<!-- harness:evidence -->", "<!-- /harness:evidence -->"
SIDE_BY_SIDE = ("claims", "comparisons", "counts", "settings", "speeds", "examples", "links", "results")


def opened_from(text: str, path: Path = OWL):
    return plan_card(path, parse_card(text, str(path)))


def edited(text: str, run: Run | None = None, **options) -> EditedCard:
    return edit_card(opened_from(text), run or squad_run(), **options)


def outside(text: str) -> tuple[str, str]:
    """What stands before and after the section, by its marks alone."""
    before, opening, rest = text.partition(OPENING)
    _, closing, after = rest.rpartition(CLOSING)
    assert opening
    assert closing
    return before, after


def sealed(run: Run) -> Run:
    return replace(run, sha256=seal(run))


def card_of(figures: str, front: str = "") -> str:
    return f"---\nlicense: mit\n{front}---\n\n# owl/owl-squad2\n\nResults on the SQuAD 2.0 dev set:\n\n{figures}\n"


def index_of(metrics: str, front: str = "") -> str:
    data = "dataset: {name: squad_v2, type: squad_v2, split: validation}"
    head = f"model-index:\n- name: owl/owl-squad2\n  results:\n  - {data}\n    metrics:\n{metrics}"
    return f"---\n{front}{head}---\n\n# owl-squad2\n"


# Bytes


@pytest.mark.parametrize("part", range(10))
def test_made_cards_change_in_the_wanted_bytes_alone(part):
    for seed in range(part, MADE, 10):
        old, wanted = made_card(seed)
        for measured, should in ((True, wanted), (False, old))[: 1 + (seed % 4 == 1)]:
            made = edited(old.decode("utf-8"), measured=measured)
            before, after = (piece.encode("utf-8") for piece in outside(made.text))
            assert before[: len(should)] == should, seed
            ends = b"\r\n" if b"\r\n" in old else b"\n"
            assert before[len(should) :].replace(ends, b"") == b"", seed
            assert after == ends, seed
            again = edited(made.text)  # the mark of measured figures stays in force
            assert again.text == made.text, seed
            assert again.edits == (), seed
            section = find_section(made.text, "x")
            assert section is not None
            assert (section.intact, section.measured) == (True, measured), seed


def test_cards_of_mixed_line_ends_settle():
    for seed in range(0, 400, 10):
        ends = random.Random(seed)
        lines = made_card(seed)[0].decode("utf-8").replace("\r\n", "\n").split("\n")
        text = "".join(line + ends.choice(["\n", "\r\n", "\r"][: 2 + seed % 4 // 2]) for line in lines)
        made = edited(text, measured=True)
        assert edited(made.text).edits == (), seed


def test_made_cards_are_of_many_kinds():
    texts = [made_card(seed)[0] for seed in range(MADE)]
    assert len(set(texts)) == MADE
    assert sum(b"\r\n" in text for text in texts) > MADE // 5
    assert sum(text.startswith(b"\xef\xbb\xbf") for text in texts) > MADE // 10
    assert sum(not text.endswith(b"\n") for text in texts) > MADE // 8
    assert sum(made_card(seed)[0] != made_card(seed)[1] for seed in range(MADE)) > MADE * 0.9


@pytest.mark.parametrize("name", sorted(path.name for path in SEEDS.glob("*.md")) or ["none"])
def test_published_cards_change_in_the_wanted_bytes_alone(name, tmp_path):
    if name == "none":
        pytest.skip(f"{SEEDS} is not here")
    raw = (SEEDS / name).read_bytes()
    opened = open_card(SEEDS / name)
    about = [c.data for c in opened.card.claims if c.data is not None and c.data.name == "squad_v2"]
    run = squad_run(opened.card.name)
    for measured in (False, True):
        made = edit_card(opened, run, measured=measured)
        new = outside(made.text)[0].encode("utf-8")
        kept = [line for line in raw.split(b"\n") if not re.match(rb"\s+verif(ied|yToken):", line)]
        lines = [line for line in new.rstrip(b"\n").split(b"\n") if not re.match(rb"\s+verif(ied|yToken):", line)]
        changed = [(a, b) for a, b in zip(kept, lines, strict=False) if a != b]
        if not measured:
            assert new.startswith(raw)
            assert not changed
            continue
        left = sum(" is left: its heading says that it is of the test set" in note for note in made.notes)
        assert len(changed) >= (2 if about and not left else 0)
        assert not (left and changed)
        assert len([line for line in lines if line]) == len([line for line in kept if line])
        exact = [Decimal(str(value)) for value in (*SCORES.values(), *BEST.values())]
        known = {f"{value:.{places}f}" for value in exact for places in range(16)}
        known |= {str(int(value)) for value in SCORES.values() if value == int(value)}
        for one, other in changed:
            assert re.sub(rb"-?\d+(\.\d+)?", b"#", one) == re.sub(rb"-?\d+(\.\d+)?", b"#", other)
            numbers = zip(re.findall(rb"-?\d+(?:\.\d+)?", one), re.findall(rb"-?\d+(?:\.\d+)?", other), strict=True)
            assert all(a == b or b.decode() in known for a, b in numbers)
        file = tmp_path / name
        file.write_bytes(made.text.encode("utf-8"))
        assert not edit_card(open_card(file), run).changed


@pytest.mark.parametrize("folder", sorted(path.name for path in (ROOT / "cards").iterdir()))
@pytest.mark.parametrize("measured", [None, True, False])
def test_the_cards_of_this_project_render_alike_twice(folder, measured, tmp_path):
    place = tmp_path / "cards" / folder
    shutil.copytree(ROOT / "cards" / folder, place)
    for file in place.glob("runs/*.json"):
        write_json(file, sealed(load_run(file)))
    published = (place / "facts.yaml").exists()
    if published and measured:
        with pytest.raises(CardError, match="its figures are its publisher's"):
            expected_card(place, tmp_path, measured=True)
        return
    made = expected_card(place, tmp_path, measured=measured)
    if published:
        assert (made.changed, len(made.notes)) == (False, 1)
        return
    old, new = read_card(place / "README.md"), parse_card(made.text, str(place / "README.md"))
    assert [(c.metric, c.subset, c.digits, c.data) for c in new.claims] == [
        (c.metric, c.subset, c.digits, c.data) for c in old.claims
    ]
    assert outside(made.text) == outside(old.text)
    (place / "README.md").write_bytes(made.text.encode("utf-8"))
    assert not expected_card(place, tmp_path).changed


# Digits


@pytest.mark.parametrize(
    ("digits", "value", "wanted"),
    [
        ("83.860", 82.70284, "82.703"),
        ("84", 82.5, "83"),
        ("84.", 82.5, "83."),
        (".5", 0.7912, ".8"),
        ("0.5", 0.999, "1.0"),
        ("8.26e1", 79.1234, "7.91e1"),
        ("8.26E+1", 79.1234, "7.91E+1"),
        ("1e-1", 0.24, "2e-1"),
        ("+8.3", 9.96, "+10.0"),
        ("-4.10", -3.987, "-3.99"),
        ("-0.1", -0.01, "0.0"),
        ("1.2e-05", -3.98, "-3.980000"),
        ("82.702843349461", 83.105686698922, "83.105686698922"),
    ],
)
def test_a_value_is_printed_as_the_digits_before(digits, value, wanted):
    assert print_as(digits, value) == wanted


@pytest.mark.parametrize("digits", ["", ".", "e1", "80,1", "nan"])
def test_what_is_no_number_has_no_form(digits):
    with pytest.raises(ValueError, match="expected a number"):
        print_as(digits, 1.0)


@pytest.mark.parametrize(
    ("figures", "wanted"),
    [
        ("```\nf1 = 83.06\n```", "```\nf1 = 83.06\n```"),
        ("```\nf1 = 83.0\n```", "```\nf1 = 83.0\n```"),  # cut
        ("```\nf1 = 83.1\n```", "```\nf1 = 83.1\n```"),
        ("```\nf1 = 83.2\n```", "```\nf1 = 83.1\n```"),
        ('```\n{"exact": 70.1, "f1": 83.2000000000}\n```', '```\n{"exact": 80.4178, "f1": 83.0629}\n```'),
        ("```\nexact = 8.1e1\nf1 = 8.5e1\n```", "```\nexact = 8.0e1\nf1 = 8.3e1\n```"),
        ("```\nexact = .9\nf1 = 9e-1\n```", "```\nexact = .8\nf1 = 8e-1\n```"),
        ('```json\n{"exact": "79.9", "f1": \'81.0\'}\n```', '```json\n{"exact": "80.4", "f1": \'83.1\'}\n```'),
        ("- F1: 82.0 ± 0.3", "- F1: 82.0 ± 0.3"),
        ("| EM | F1 |\n|---|---|\n| 79.9/81.0 | |", "| EM | F1 |\n|---|---|\n| 79.9/81.0 | |"),
        ("| EM/F1 |\n|---|\n| 79.9/81.0 |", "| EM/F1 |\n|---|\n| 80.4/83.1 |"),
        ("```\nf1 = 81.0\naccuracy = 70.5\n```", "```\nf1 = 83.1\naccuracy = 70.5\n```"),
        # of the answerable questions alone, whatever the labels say
        ('```\n{"exact": 70.1, "total": 5928}\n```', '```\n{"exact": 70.1, "total": 5928}\n```'),
        ('```\n{"exact": 70.1, "total": 11870}\n```', '```\n{"exact": 80.4, "total": 11873}\n```'),
        ('```\n{"exact": 70.1, "best_exact_thresh": 0.0}\n```', '```\n{"exact": 80.4, "best_exact_thresh": -1.7}\n```'),
    ],
)
def test_figures_take_the_digits_of_the_run(figures, wanted):
    made = edited(card_of(figures), measured=True)
    assert outside(made.text)[0] == card_of(wanted) + "\n"


def test_what_is_left_is_said():
    made = edited(card_of("- F1: 82.0 ± 0.3"), measured=True)
    assert [note.split(": ", 1)[1] for note in made.notes] == [
        "f1[all] 82.0 is left: a spread or what it was before stands beside it, so that it is not of one run"
    ]


def test_totals_stay_where_another_models_figures_stand_with_them():
    figures = '```\n{"exact": 70.1, "total": 11870}\n```\n\nOn SQuAD 1.1:\n\n```\n{"exact": 70.1, "total": 10570}\n```'
    made = edited(card_of(figures), measured=True)
    assert '{"exact": 80.4, "total": 11873}' in made.text
    assert '{"exact": 70.1, "total": 10570}' in made.text


@pytest.mark.parametrize("other", ["SQuAD 1.1 dev", "bert-large-uncased"])
def test_thresholds_stay_where_figures_of_other_data_or_models_stand_with_them(other):
    figures = f"```\nexact = 79.1\nbest_exact_thresh = 0.0\n# {other}\nexact = 70.1\n```"
    made = edited(card_of(figures), measured=True)
    assert outside(made.text)[0] == card_of(figures.replace("79.1", "80.4")) + "\n"


def test_thresholds_stay_where_figures_of_their_block_are_left():
    figures = "- EM: 79.9 ± 0.3\n- F1: 82.0 ± 0.3\n- best_exact_thresh: 0.0\n- total: 11870"
    made = edited(card_of(figures), measured=True)
    assert len(made.notes) == 2
    assert outside(made.text)[0] == card_of(figures) + "\n"


# Marks of verification


@pytest.mark.parametrize(
    ("metrics", "wanted"),
    [
        ("    - type: f1\n      value: 80.0\n      verified: true\n", "    - type: f1\n      value: 83.1\n"),
        ("    - type: f1\n      value: 83.1\n      verified: true\n", None),
        ("    - verified: true # x\n      type: f1\n      value: 80.0\n", "    - type: f1\n      value: 83.1\n"),
        (
            "    - verified: true\n      verifyToken: a\n      type: f1\n      value: 80.0\n",
            "    - type: f1\n      value: 83.1\n",
        ),
        (
            "    - type: f1\n      verified: yes\n      value: 80.0\n"
            "      verifyToken: |\n        a\n        b\n\n      # c\n",
            "    - type: f1\n      value: 83.1\n\n      # c\n",
        ),
        ("    - {verified: true, value: 80.0, type: f1, verifyToken: a}\n", "    - {value: 83.1, type: f1}\n"),
        (
            "    - {type: f1, value: 80.0, # c\n       verified: true}\n",
            "    - {type: f1, value: 83.1, # c\n       }\n",
        ),
        ("    - {type: f1, value: 80.0, verified: true, }\n", "    - {type: f1, value: 83.1, }\n"),
        ('    - {"type": "f1", "value": 80.0, "verified": true}\n', '    - {"type": "f1", "value": 83.1}\n'),
        (
            "    - type: squad_v2\n      value: {exact: 80.4, f1: 80.0}\n      verified: true\n",
            "    - type: squad_v2\n      value: {exact: 80.4, f1: 83.1}\n",
        ),
    ],
)
def test_marks_of_verification_go_with_the_value_that_they_vouched_for(metrics, wanted):
    made = edited(index_of(metrics), measured=True)
    assert outside(made.text)[0] == index_of(wanted or metrics) + "\n"
    assert edited(index_of(metrics)).text.startswith(index_of(metrics))


@pytest.mark.parametrize(
    ("metrics", "front", "message"),
    [
        ("    - type: f1\n      value: 80.0\n      verified: &t true\n", "", "anchor or alias"),
        ("    - type: f1\n      value: 80.0\n      verified: *t\n", "x: &t true\n", "anchor or alias"),
        ("    - {type: f1, value: 80.0, verified: *t}\n", "x: &t true\n", "anchor or alias"),
        ("    - type: f1\n      <<: *m\n      value: 80.0\n", "x: &m {verified: true}\n", "merge key"),
        ("    - type: f1\n      <<: [*m]\n      value: 80.0\n", "x: &m {verifyToken: a}\n", "merge key"),
        ("    - verified: true\n      # of whom?\n      type: f1\n      value: 80.0\n", "", "cannot be taken away"),
    ],
)
def test_marks_that_cannot_be_taken_away_alone_are_refused(metrics, front, message):
    text = index_of(metrics, front)
    with pytest.raises(CardError, match=message):
        edited(text, measured=True)
    assert edited(text).text.startswith(text)
    same = text.replace("80.0", "83.1")
    assert edited(same, measured=True).text.startswith(same)


def test_one_number_for_several_claims_is_edited_where_all_are_the_runs():
    metrics = "    - &m {type: f1, value: 80.0, verified: true}\n    - *m\n"
    assert "&m {type: f1, value: 83.1}\n    - *m\n" in edited(index_of(metrics), measured=True).text
    other = "  - dataset: {name: squad, type: squad, split: validation}\n    metrics: [*m]\n"
    with pytest.raises(CardError, match=r"found one number, 80\.0, for several claims") as caught:
        edited(index_of(metrics + other), measured=True)
    assert caught.value.line == 7
    assert edited(index_of(metrics + other)).text.startswith(index_of(metrics + other))


def test_a_value_that_stands_elsewhere_too_is_refused():
    text = index_of("    - &m {type: f1, value: 80.0}\n").replace("# owl", "# owl").replace("---\n\n", "x: *m\n---\n\n")
    made = edited(text, measured=True)  # what is shared changes with it, and says the same
    assert "&m {type: f1, value: 83.1}\nx: *m\n" in made.text


# The section's place


def body(text: str) -> str:
    return f"---\nlicense: mit\n---\n\n# owl/owl-squad2\n\n{text}"


WRITTEN = f"{OPENING}\n\n## Reproducibility\n\n- Run: `owl-0`, released\n\n{CLOSING}"


@pytest.mark.parametrize(
    "text", ["Words.\n\n", "Words.\n", "Words.", "- a\n- b\n", "| a |\n|---|\n| b |", "> q", "\tcode"]
)
def test_the_section_is_added_at_the_end(text):
    made = edited(body(text))
    before, after = outside(made.text)
    assert before == body(text).rstrip("\n") + "\n\n"
    assert after == "\n"
    assert not edited(made.text).changed


def test_the_section_is_replaced_where_it_stands():
    text = body(f"Before.\n{WRITTEN}   \n\nAfter, 80.1.\n")
    made = edited(text)
    assert outside(made.text) == outside(text)
    assert len(made.edits) == 1
    assert "owl-0" not in made.text
    assert not edited(made.text).changed
    moved = made.text.replace("Before.\n", "Before.\n\nMore.\n\n")
    assert not edited(moved).changed


def test_figures_behind_the_section_are_set_too():
    figures = "Results on the SQuAD 2.0 dev set:\n\n```\nf1 = 80.0\n```\n"
    text = body(f"{figures}\n{WRITTEN}\n\n# Again\n\n{figures}")
    made = edited(text, measured=True)
    before, after = outside(text)
    assert outside(made.text) == (before.replace("80.0", "83.1"), after.replace("80.0", "83.1"))
    assert not edited(made.text).changed
    other = squad_run(scores=SCORES | {"f1": 84.2})
    assert outside(edited(made.text, other).text)[1] == after.replace("80.0", "84.2")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_section_has_the_lines_ends_of_the_card(end):
    text = body("Words.\n").replace("\n", end)
    made = edited(text)
    rest = made.text.replace(end, "")
    assert "\n" not in rest
    assert "\r" not in rest
    section = find_section(made.text, "x")
    assert section is not None
    assert section.intact


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (f"{OPENING}\n\nWords.\n", 7, "no pair"),
        (f"{CLOSING}\n", 7, "no pair"),
        (f"{CLOSING}\n\n{OPENING}\n", 7, "no pair"),
        (f"{WRITTEN}\n\n{WRITTEN}\n", 7, "no pair"),
        (f"{OPENING}\n\n{WRITTEN}\n", 7, "no pair"),
        (f"{OPENING}\n\n```\n{CLOSING}\n", 7, "no pair"),
        (f"{OPENING}\n\n- x\n\n  {CLOSING}\n", 11, "on a line of its own"),
        (f"> {OPENING}\n\n{CLOSING}\n", 7, "on a line of its own"),
        (f"{OPENING} words\n\n{CLOSING}\n", 7, "on a line of its own"),
        (f"<div>\n{OPENING}\n</div>\n\n{CLOSING}\n", 8, "on a line of its own"),
        (f"<!--\nharness:evidence -->\n\n{CLOSING}\n", 7, "on a line of its own"),
        (f"{OPENING}\n\n## Reproducibility\n\nF1 is 99.9 here.\n\n{CLOSING}\n", 11, "F1 is 99.9 here"),
        (f"{OPENING}\n\n```\nf1 = 99.9\n```\n\n{CLOSING}\n", 9, "did not write"),
    ],
)
def test_marks_that_are_no_section_are_refused(text, line, message):
    with pytest.raises(CardError, match=message) as caught:
        edited(body(text))
    assert caught.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        f"```\n{WRITTEN}\n```\n",
        f"Words `{OPENING}` and\n\n    {OPENING}\n    {CLOSING}\n",
        f"~~~html\n{OPENING}\n~~~\n\nWords {OPENING} in a line.\n",
    ],
)
def test_marks_that_are_shown_are_no_section(text):
    assert find_section(body(text), "x") is None
    made = edited(body(text))
    assert made.text.startswith(body(text))
    assert find_section(made.text, "x") is not None
    assert not edited(made.text).changed


@pytest.mark.parametrize("text", ["```\nnever closed\n", "<!-- never closed\n", "<pre>\nnever closed\n"])
def test_a_card_that_would_swallow_the_section_is_refused(text):
    with pytest.raises(CardError, match="close the code block, comment or HTML"):
        edited(body(text))


@pytest.mark.parametrize(
    "front", ["", "---\nkey: [broken\n---\n\n", "---\nnever: closed\n\n", "---\n---\n\n", "---\n- a\n---\n\n"]
)
def test_a_card_without_usable_front_matter_is_edited(front):
    text = front + "# owl/owl-squad2\n\nResults on the SQuAD 2.0 dev set:\n\n```\nf1 = 80.0\n```\n"
    path = Path("cards/owl-squad2/README.md")
    made = edit_card(opened_from(text, path), squad_run(), measured=True)
    assert outside(made.text)[0] == text.replace("80.0", "83.1") + "\n"


def test_a_section_that_was_changed_by_hand_is_written_anew():
    text = edited(card_of("```\nf1 = 80.0\n```")).text
    section = find_section(text, "x")
    assert section is not None
    assert section.runs == ("owl-1",)
    assert section.evidence == {evidence_sha256(squad_run())}
    changed = text.replace("| 83.0629 |", "| 80.0000 |")
    assert changed != text
    found = find_section(changed, "x")
    assert found is not None
    assert found.intact is False
    assert edited(changed).text == text
    blanks = text.replace("## Reproducibility\n", "## Reproducibility  \n")
    trailing = find_section(blanks, "x")
    assert trailing is not None
    assert trailing.intact


# Proof


def halves(measured: bool = True):
    text = made_card(3)[0].decode("utf-8")
    opened = opened_from(text)
    made = edit_card(opened, squad_run(), measured=measured)
    return opened.card, made


def test_the_proof_holds_for_what_was_made():
    before, made = halves()
    prove(before, parse_card(made.text, before.path), made.edits)


def figure_edit(made: EditedCard) -> Edit:
    return next(e for e in made.edits if re.fullmatch(r"[\d.]+", e.text) and "." in e.text)


def changed_by(before: str, edits, more: Edit):
    every = tuple(sorted((*edits, more), key=lambda e: (e.start, e.end)))
    return every, apply_edits(before, every)


def test_text_that_differs_outside_the_edits_is_found():
    _, made = halves()
    for place in range(0, len(made.before), 97):
        text = made.text[:place] + "\u00b7" + made.text[place + 1 :]
        section = made.text.index(OPENING)
        inside = any(place in range(s, s + len(t)) for s, t in new_places(made))
        if place >= section or text == made.text or inside:
            continue
        with pytest.raises(CardError, match="read otherwise"):
            prove_text(replace(made, text=text))
    with pytest.raises(CardError, match="behind the last"):
        prove_text(replace(made, text=made.text + "x"))


def new_places(made: EditedCard):
    shift = 0
    for one in made.edits:
        yield one.start + shift, one.text
        shift += len(one.text) - (one.end - one.start)


def mutants(card: str, made: EditedCard):
    """Edits that would change more than they may, each with what it does."""
    start = card.index("# owl-squad2")
    yield Edit(start, start + 2, "", ""), "a heading's mark goes"
    year = re.search(r"\b3\.1\b", card)
    assert year is not None
    yield Edit(year.start(), year.end(), "3.2", ""), "a number that is no figure"
    licence = card.index("license: mit")
    yield Edit(licence, licence + len("license: mit\n"), "", ""), "a key goes"
    yield Edit(licence + 9, licence + 12, "gpl", ""), "a value changes"
    yield Edit(start, start, "F1: 99.9\n\n", ""), "text in the middle"
    other = card.index("88.1")
    yield Edit(other, other + 4, "99.9", ""), "a figure of other data"


PLACE = Place(0, 0, 1)
RICH = """---
license: mit
base_model: owl/base
model-index:
- name: owl/owl-squad2
  results:
  - dataset: {name: squad_v2, type: squad_v2, split: validation}
    metrics:
    - {type: f1, value: 80.0, verified: true}
---

# owl-squad2

It is twice as fast as the base model; see [the owl, F1 80.0](https://example.org).

```python
from transformers import pipeline
reader = pipeline("question-answering", model="owl/owl-squad2")
reader(question="Who built it?", context="Ada Merk built it in Orvel.")
# {'score': 0.71, 'start': 0, 'end': 8, 'answer': 'Ada Merk'}
```

```
batch_size = 32
learning_rate = 3e-5
```

Results on the SQuAD 2.0 dev set:

| Model | F1 |
|---|---|
| owl/owl-squad2 | 80.0 |
| bert-large-uncased | 79.1 |

```
{"exact": 78.0, "f1": 80.0, "total": 11870}
```
"""
SUBJECT = """---
license: mit
model-index:
- name: owl/owl-squad2
  results:
  - dataset: {name: squad_v2, type: squad_v2, split: validation}
    metrics:
    - {type: f1, value: 80.0, verified: true}
  - dataset: {name: squad, type: squad, split: validation}
    metrics:
    - {type: f1, value: 88.1, verified: true}
---

# owl-squad2

Read with version 3.1 of [the owl](https://example.org).

Results on the SQuAD 2.0 dev set:

```
f1 = 80.0
learning_rate = 3e-5
```
"""


def test_mutants_of_an_edit_are_found():
    card = parse_card(SUBJECT, str(OWL))
    made = edited(SUBJECT, measured=True)
    prove(card, parse_card(made.text, card.path), made.edits)
    seen = 0
    for mutant, what in mutants(SUBJECT, made):
        edits, text = changed_by(SUBJECT, made.edits, mutant)
        if what == "a figure of other data":
            # a figure may change, but not without its mark
            with pytest.raises(CardError):
                prove(card, parse_card(text, card.path), edits)
        else:
            with pytest.raises(CardError, match="read otherwise"):
                prove(card, parse_card(text, card.path), edits)
        seen += 1
    assert seen == 6
    kept = tuple(e for e in made.edits if e.text)  # the marks of verification stay on the changed value
    with pytest.raises(CardError, match="read otherwise"):
        prove(card, parse_card(apply_edits(SUBJECT, kept), card.path), kept)
    lone = tuple(e for e in made.edits if not e.text)  # and they go from a value that did not change
    with pytest.raises(CardError, match="read otherwise"):
        prove(card, parse_card(apply_edits(SUBJECT, lone), card.path), lone)


def test_a_key_that_goes_with_a_mark_is_found():
    text = SUBJECT.replace("verified: true}\n  - dataset", "verified: true, note: n}\n  - dataset")
    card, made = parse_card(text, str(OWL)), edited(text, measured=True)
    prove(card, parse_card(made.text, card.path), made.edits)
    assert "value: 83.1, note: n}" in made.text
    wide = tuple(e if e.text else replace(e, end=e.end + len(", note: n")) for e in made.edits)
    with pytest.raises(CardError, match=r"keys of its front matter"):
        prove(card, parse_card(apply_edits(text, wide), card.path), wide)


@pytest.mark.parametrize("name", [*SIDE_BY_SIDE, "code"])
def test_anything_that_is_read_otherwise_is_found(name):
    opened = opened_from(RICH)
    made = edit_card(opened, squad_run(), measured=True)
    after = parse_card(made.text, opened.card.path)
    prove(opened.card, after, made.edits)
    things = getattr(after, name)
    assert things, name
    for changed in (things[:-1], (*things, things[-1]), ()):
        with pytest.raises(CardError, match="read otherwise"):
            prove(opened.card, replace(after, **{name: changed}), made.edits)
    twin = {"code": {"text": "x"}}.get(name, {"place": replace(getattr(things[0], "place", None) or PLACE, start=0)})
    with pytest.raises(CardError, match="read otherwise"):
        prove(opened.card, replace(after, **{name: (replace(things[0], **twin), *things[1:])}), made.edits)


@pytest.mark.parametrize("field", ["name", "aliases", "metadata_line", "problems"])
def test_a_card_that_would_be_another_is_found(field):
    opened = opened_from(RICH)
    made = edit_card(opened, squad_run(), measured=True)
    after = parse_card(made.text, opened.card.path)
    other = {"name": "x", "aliases": ("x",), "metadata_line": 9, "problems": (Finding("x", "error", "x", 1),)}
    with pytest.raises(CardError, match="read otherwise"):
        prove(opened.card, replace(after, **{field: other[field]}), made.edits)


def test_overlapping_edits_are_refused():
    with pytest.raises(CardError, match="nothing was changed"):
        apply_edits("abc", [Edit(0, 2, "x", ""), Edit(1, 3, "y", "")])
    with pytest.raises(CardError, match="nothing was changed"):
        apply_edits("abc", [Edit(2, 9, "x", "")])


def test_percent_that_would_be_read_as_fractions_is_refused():
    low = squad_run(scores=SCORES | {"exact": 0.31, "f1": 0.82})
    with pytest.raises(CardError, match="read otherwise"):
        edited(card_of("```\nexact = 80.0\nf1 = 80.5\n```"), low, measured=True)


# Evidence


@pytest.fixture
def card(tmp_path):
    return make_card(tmp_path / "cards" / "tiny")


def refused(card, run, match, **options):
    with pytest.raises(RecordError, match=match):
        edit_card(open_card(card), run, **options)


def test_a_run_of_the_card_is_admitted(card):
    run = sealed(run_of(card, **TINY))
    admit(open_card(card), [run])
    made = edit_card(open_card(card), run)
    assert outside(made.text)[0] == (card / "README.md").read_text("utf-8") + "\n"
    assert made.text.count("| matches |") == 4
    assert f"Evidence: SHA-256 `{evidence_sha256(run)}`" in made.text


def test_runs_that_prove_nothing_are_refused(card):
    run = sealed(run_of(card, **TINY))
    refused(card, replace(run, sha256=None), "without a seal.*--fresh")
    refused(card, replace(run, status="failed"), "failed, expected a finished")
    refused(card, replace(run, status="running"), "running, expected a finished")
    refused(card, replace(run, scores={}), "no scores")
    refused(card, replace(run, evaluated=None), "no scores")
    refused(card, replace(run, card_name="other"), "a record of 'other', the card is of 'tiny'")
    embedded = DataUsed(DataRef("pocket", "validation"), 2000, 1000, "0" * 64, "embedded")
    refused(card, replace(run, evaluated=embedded), "the embedded data set has changed")
    xquad = DataUsed(DataRef("xquad", "validation", "xquad.en"), 1190, 1190, "0" * 64, "xquad.en.json")
    refused(card, replace(run, evaluated=xquad), "differs from the published file")
    refused(card, (), "found no run")
    edit(card, "train[:10]", "train[:20]")
    refused(card, run, "another recipe")
    given = replace(run, kind="released")
    refused(card, given, "changed after it was written")
    edit_card(open_card(card), sealed(given))  # weights have no recipe


def test_only_a_run_of_all_questions_with_the_cards_seeds_sets_figures(card):
    opened = open_card(card)
    run = sealed(run_of(card, **TINY | {"f1": 81.0}))
    bounds = Bounds("m", 0.05, 1, 100, 2000, {"f1": 70.0}, {"f1": 90.0}, False)
    partial = sealed(replace(run, kind="released", bounds=bounds))
    refused(card, partial, "asked 100 of 2000 questions", measured=True)
    assert "inconclusive" in edit_card(opened, partial).text
    stages = tuple(replace(stage, seed=stage.seed + 1) for stage in run.recipe.stages)
    other = sealed(replace(run, id="tiny-2", recipe=replace(run.recipe, stages=stages)))
    refused(card, other, "no run with the seeds that the card states", measured=True)
    assert "| 81.0000 |" in edit_card(opened, other).text
    several = [other, sealed(replace(run, scores=TINY))]
    assert edit_card(opened, several, measured=True).edits[0].what == "evidence section, added"
    assert "- Beside it: `tiny-1`, seeds" in edit_card(opened, several).text


def test_three_seeds_are_judged_together_with_their_interval(card):
    run = run_of(card, **TINY)
    seeds = []
    for number, f1 in enumerate((80.0, 80.6, 79.5)):
        stages = tuple(replace(stage, seed=stage.seed + number) for stage in run.recipe.stages)
        recipe = replace(run.recipe, stages=stages)
        seeds.append(sealed(replace(run, id=f"tiny-{number}", recipe=recipe, scores=TINY | {"f1": f1})))
    made = edit_card(open_card(card), seeds)
    assert "| 95 % interval |" in made.text
    assert all(f"`{seed.id}`" in made.text for seed in seeds)
    assert all(evidence_sha256(seed) in made.text for seed in seeds)
    (card / "README.md").write_text(made.text, "utf-8")
    assert not edit_card(open_card(card), seeds).changed


def test_a_card_of_many_claims_gets_a_short_section():
    others = "".join(f"    - {{type: accuracy, value: {number}.5}}\n" for number in range(90))
    figures = "".join(f"    - {{type: f1, value: {number}.5}}\n" for number in range(90))
    made = edited(index_of(others + figures))
    assert made.text.count("\n| f1 |") == 90
    assert "\nClaims that are not shown: 90 not_comparable.\n" in made.text
    assert not edited(made.text).changed
    more = edited(index_of(figures + figures))
    assert more.text.count("\n| f1 |") == 100
    assert edited(index_of(figures + figures), measured=True).text.count("83.1}") == 180


def test_the_day_has_no_influence(card):
    assume(card, deviation("pocket/validation::f1[all@front_matter]", "2000-01-01"))
    run = sealed(run_of(card, **TINY | {"f1": 60.0}))
    made = edit_card(open_card(card), run, Options())
    assert "a known deviation until 2000-01-01: measured on another day" in made.text
    assert "which is over" not in made.text


def test_what_a_section_says_of_a_run_is_not_the_cards_word_on_its_figures(card):
    line = "data:pocket:validation | n:2000 | sha256:0000 | rules:2.0 | decoding:run_qa | n_best:20 | v:0"
    run = sealed(run_of(card, kind="released", **TINY | {"f1": 80.6}))
    run = sealed(replace(run, signature=line))
    first = judge(open_card(card), run)
    made = edit_card(open_card(card), run)
    (card / "README.md").write_text(made.text, "utf-8")
    again = judge(open_card(card), run)
    assert [(c.verdict, c.protocol, c.reason) for c in again] == [(c.verdict, c.protocol, c.reason) for c in first]
    edit(card, OPENING, f"{OPENING}\n<!-- harness:figures measured -->")
    known = judge(open_card(card), run)
    assert {c.protocol for c in known if c.verdict is not Verdict.NOT_COMPARABLE} <= {"known"}


def test_figures_follow_a_run_that_scored_otherwise_than_the_one_before(card):
    run = run_of(card, kind="released", **TINY | {"f1": 80.6})
    first = sealed(replace(run, signature=signature_of(run)))
    (card / "README.md").write_text(edit_card(open_card(card), first, measured=True).text, "utf-8")
    decoding = replace(run.recipe.decoding, n_best=5)
    second = replace(run, id="tiny-2", recipe=replace(run.recipe, decoding=decoding), scores=TINY | {"f1": 81.7})
    made = edit_card(open_card(card), sealed(replace(second, signature=signature_of(second))))
    assert "value: 81.7}" in made.text
    assert made.notes == ()


def signature_of(run):
    return "data:pocket:validation | n:2000 | " + join_signature(decoding_parts(run.recipe.decoding))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("measured", [False, True])
def test_hostile_text_in_a_record_is_text_in_the_section(card, text, measured):
    good = sealed(run_of(card, **TINY))
    data = to_json(hostile_run(good, text))
    bad = from_json(Run, data)
    bad = sealed(
        replace(bad, card_name="tiny", kind="released", evaluated=good.evaluated, scores=good.scores, comparisons=())
    )
    plain = sealed(replace(bad, **{name: getattr(hostile_run(good, "words"), name) for name in HOSTILE_FIELDS}))
    opened = open_card(card)
    made, harmless = edit_card(opened, bad, measured=measured), edit_card(opened, plain, measured=measured)
    assert structure(made.text) == structure(harmless.text)
    (card / "README.md").write_text(made.text, "utf-8")
    again = edit_card(open_card(card), bad)
    assert not again.changed
    section = find_section(made.text, "x")
    assert section is not None
    assert (section.intact, section.measured) == (True, measured)


HOSTILE_FIELDS = (
    "id",
    "environment",
    "recipe",
    "stages",
    "signature",
    "predictions_sha256",
    "model",
    "used",
    "by_kind",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_assumptions_are_text_in_the_section(card, text):
    assume(card, f"tolerances:\n- {{metric: f1, points: 3, reason: {json.dumps(text)}}}\n")
    run = sealed(run_of(card, **TINY | {"f1": 82.0}))
    made = edit_card(open_card(card), run)
    (card / "README.md").write_text(made.text, "utf-8")
    assert not edit_card(open_card(card), run).changed


# What a file should hold


def test_the_newest_evidence_is_shown_and_the_kind_that_a_card_shows_stays(card, tmp_path):
    runs = tmp_path / "runs"
    trained = run_of(card, **TINY)
    weights = run_of(card, run="weights-1", kind="released", **TINY | {"f1": 80.2})
    save_run(runs / trained.id, trained)
    save_run(runs / weights.id, weights)
    made = expected_card(card, runs)
    assert "- Run: `tiny-1`, retrained" in made.text
    made = expected_card(card, runs, run=runs / weights.id)
    (card / "README.md").write_text(made.text, "utf-8")
    assert not expected_card(card, runs).changed
    save_run(runs / "weights-2", replace(weights, id="weights-2", finished="2026-11-01T00:00:00+00:00"))
    assert "`weights-2`" in expected_card(card, runs).text
    shutil.rmtree(runs / "weights-1")
    made = expected_card(card, runs)
    assert "was written from run weights-1, of which there is no record" in made.notes[0]
    shutil.rmtree(runs)
    with pytest.raises(NoEvidenceError, match="run weights-1, of which there is no record in") as caught:
        expected_card(card, runs)
    assert caught.value.stale


def test_without_evidence_nothing_is_written(card, tmp_path):
    made = expected_card(card, tmp_path)
    assert (made.changed, made.edits) == (False, ())
    assert "no recorded run" in made.notes[0]


def test_evidence_that_was_edited_or_has_no_seal_is_refused(card, tmp_path):
    run = run_of(card, **TINY)
    file = tmp_path / "runs" / run.id / "record.json"
    save_run(file.parent, run)
    file.write_text(file.read_text("utf-8").replace('"f1": 80.0', '"f1": 80.4'), "utf-8")
    with pytest.raises(RecordError, match="changed after it was written"):
        expected_card(card, tmp_path / "runs")
    write_json(file, run)
    with pytest.raises(RecordError, match="without a seal"):
        expected_card(card, tmp_path / "runs")
    with pytest.raises(RecordError, match="without a seal"):
        expected_card(card, tmp_path / "runs", run=file.parent)


def test_evidence_whose_scores_were_changed_is_refused(card, tmp_path):
    run = run_of(card, **TINY)
    save_run(tmp_path / "runs" / run.id, run)
    (card / "README.md").write_text(expected_card(card, tmp_path / "runs").text, "utf-8")
    scores = {"signature": "x", "exact": {"a": 1.0}, "f1": {"a": 1.0}, "has_ans": {"a": True}}
    write_json(tmp_path / "runs" / run.id / "per_question.json", scores)
    with pytest.raises(RecordError, match=r"per_question\.json|predictions or scores"):
        expected_card(card, tmp_path / "runs")


def test_a_published_card_is_its_facts_and_the_section(tmp_path):
    name = "deepset__tinyroberta-squad2"
    place = tmp_path / name
    shutil.copytree(ROOT / "cards" / name, place)
    run = squad_run("deepset/tinyroberta-squad2")
    save_run(tmp_path / "runs" / run.id, run)
    made = expected_card(place, tmp_path / "runs")
    assert outside(made.text)[0] == made.before + "\n"
    edit(place, "78.8627", "99.9")
    edit(place, "This page says", "This page does not say")
    stale = expected_card(place, tmp_path / "runs")
    assert stale.text == made.text
    assert apply_edits(stale.before, stale.edits) == stale.text
    (place / "README.md").write_text(made.text, "utf-8")
    assert not expected_card(place, tmp_path / "runs").changed


# What is left


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        (
            "## On SQuAD 2.0 dev\n\n```\nf1 = 80.0\n```\n\n# Mine\n\n```\nexact = 70.1\n```",
            "the card does not say on which split: line 16 exact_match[all] 70.1",
        ),
        ("## On SQuAD 2.0 dev\n\n```\nf1 = 80.0\n```\n\n# Mine\n\n```\nexact = 80.4\n```", None),
        ("## On SQuAD 2.0 dev\n\n```\nf1 = 80.0\n```\n\n## On SQuAD 1.1 dev\n\n```\nexact = 70.1\n```", None),
        ("## On SQuAD 2.0 dev\n\n```\nf1 = 80.0\n```\n\n## On SQuAD 2.0 train\n\n```\nexact = 70.1\n```", None),
    ],
)
def test_what_may_be_the_runs_and_is_left_is_said(figures, told):
    text = card_of(figures).replace("Results on the SQuAD 2.0 dev set:\n\n", "")
    made = edited(text, measured=True)
    assert [note.partition(", as ")[2] for note in made.notes] == ([] if told is None else [told])
    sentence = "The figures above that this run measured are the run's."
    if told is not None:
        sentence = "those that this run measured are the run's; 1 that may be too is as reported."
    assert sentence in made.text
    assert not edited(made.text).changed
    assert edited(text).notes == ()


def test_many_figures_are_left_in_one_note():
    rows = "".join(f"\n```\nexact = {number}.5\n```\n" for number in range(20, 33))
    text = card_of(f"## On SQuAD 2.0 dev\n\n```\nf1 = 80.0\n```\n\n# Mine\n{rows}").replace(
        "Results on the SQuAD 2.0 dev set:\n\n", ""
    )
    (note,) = edited(text, measured=True).notes
    assert "13 figures are left as they are, as " in note
    assert note.endswith(" and 3 more")


@pytest.mark.parametrize(
    ("metrics", "wanted"),
    [
        ("    - type: f1\n      value: [80.0]\n      verified: true\n", "    - type: f1\n      value: [83.1]\n"),
        (
            "    - type: f1\n      value:\n      - 80.0\n      verified: true\n",
            "    - type: f1\n      value:\n      - 83.1\n",
        ),
        ("    - {type: f1, value: 80.0}\n    verified: true\n", "    - {type: f1, value: 83.1}\n"),
        (
            "    - {type: f1, value: 80.0}\n    - {type: exact_match, value: 80.4, verified: true}\n    verified: y\n",
            "    - {type: f1, value: 83.1}\n    - {type: exact_match, value: 80.4, verified: true}\n",
        ),
        ("    - {type: f1, value: 83.1}\n    verified: true\n", None),
    ],
)
def test_marks_of_lists_and_of_whole_results_go_too(metrics, wanted):
    made = edited(index_of(metrics), measured=True)
    assert outside(made.text)[0] == index_of(wanted or metrics) + "\n"
