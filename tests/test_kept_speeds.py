"""Speeds that are kept: sealed records beside a card, the part of its section, and the claims that they show."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from card_runs import released_run, sealed, sealed_run
from documents import HOSTILE, MARKDOWN, structure, tables
from speed_records import STARTED, kept, measured

from harness.cards import parse_card
from harness.cli import main
from harness.editing import edit_card, find_section
from harness.errors import RecordError
from harness.evidence import Options, plan_card
from harness.gate import GateRow, Terms, check_release
from harness.hub.linked import linked_records
from harness.kept_speeds import find_speeds, keep_speed, load_speed, speed_id
from harness.records import Card, Run, SpeedRecord, seal, to_json
from harness.render import write_card
from harness.speeds import judge_speed, measured_ratio, stated_bases
from harness.store import save_run, write_json

HELD = ("matches", "within_tolerance")


def test_a_record_is_what_was_measured(tmp_path: Path) -> None:
    file, written = keep_speed(tmp_path / "speeds", measured(), STARTED)
    record = load_speed(file)
    assert record == written
    assert record.measured == measured()
    assert (record.id, record.started) == (file.stem, "2026-01-31T12:00:00+00:00")
    assert record.sha256 == seal(record) == seal(replace(record, sha256=None))
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert find_speeds(file.parent) == (record,)
    assert find_speeds(tmp_path / "none") == ()


def test_the_id_is_of_what_was_measured_with_what_and_not_of_times() -> None:
    first = speed_id(measured())
    assert first.startswith("minilm-student-")
    assert speed_id(measured((1.2, 1.3, 1.4), model_token_budget=4096, model_swept=())) == first
    others = [
        measured(model_sha256="f" * 64), measured(base_sha256="f" * 64), measured(base_name="other"),
        measured(model_dtype="bfloat16", base_dtype="bfloat16"), measured(questions=49), measured(max_seq_len=256),
        measured(doc_stride=64), measured(device="NVIDIA H100"), measured(threads=1), measured((1.9, 1.9), (1.8, 1.8)),
        measured(data=replace(measured().data, sha256="f" * 64)), measured(model_revision="main"),
        measured(environment=replace(measured().environment, packages={"torch": "2.12"})),
        measured(environment=replace(measured().environment, processor="another")),
    ]  # fmt: skip
    ids = [speed_id(one) for one in others]
    assert len({first, *ids}) == len(others) + 1
    assert speed_id(measured(model_name="../../a b/<x>")).startswith("..-..-a-b-x-"[6:])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data["measured"]["model"].update(parameters=1_000_000), "changed after it was written"),
        (lambda data: data.update(started="2026-01-31T13:00:00+00:00"), "changed after it was written"),
        (lambda data: data.update(sha256=None), "changed after it was written"),
        (lambda data: data["measured"]["ratios"][0].update(ratio=2.5), r"ratios\[0\].ratio: found 2.5"),
        (lambda data: data["measured"]["ratios"][1]["seconds"].__setitem__(0, 0.5), r"ratios\[1\].ratio"),
        (lambda data: data["measured"]["ratios"][0]["seconds"].__setitem__(0, 0.0), r"ratios\[0\].ratio"),
        (lambda data: data["measured"]["ratios"][0]["seconds"].clear(), r"ratios\[0\].ratio"),
        (lambda data: data["measured"]["ratios"].clear(), "each batch once"),
        (lambda data: data["measured"]["ratios"][1].update(batch="one"), "each batch once"),
        (lambda data: data["measured"].update(questions=0), "questions: found 0, expected 1 to 4874"),
        (lambda data: data["measured"]["base"].update(sha256="0" * 64), "id: found 'minilm-student-"),
        (lambda data: data.update(id="x](http://y) "), "id: found 'x"),
        (lambda data: data.update(started="yesterday"), "started: found 'yesterday'"),
        (lambda data: data.update(started="2226-01-31T13:00:00+00:00"), "no time after the present"),
        (lambda data: data["measured"]["model"].update(parameters=0), "model.parameters: found 0"),
        (lambda data: data["measured"]["base"].update(parameters=10**400), "base.parameters: found 1000"),
        (lambda data: data["measured"]["data"].update(n=10**400), r"data\.n: found 1000"),
        (lambda data: data["measured"].update(threads=0), "threads: found 0"),
        (lambda data: data.update(schema=2), "found schema 2, expected a record of a speed of schema 1"),
        (lambda data: data.update(more=1), "unknown field 'more'"),
        (lambda data: data.pop("started"), "field 'started' is missing"),
    ],
)
def test_a_record_that_was_edited_is_refused(tmp_path: Path, change: Callable[[Any], None], said: str) -> None:
    file, _ = keep_speed(tmp_path, measured(), STARTED)
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))
    with pytest.raises(RecordError, match=said) as caught:
        load_speed(file)
    assert str(file) in str(caught.value)


def test_what_no_measurement_says_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="questions: found 9000"):
        keep_speed(tmp_path, measured(questions=9000), STARTED)
    with pytest.raises(RecordError, match="no time after the present"):
        keep_speed(tmp_path, measured(), datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=3))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="cannot be written"):
        keep_speed(tmp_path / "file", measured(), STARTED)


def test_a_folder_of_speeds_holds_nothing_else(tmp_path: Path) -> None:
    file, _ = keep_speed(tmp_path, measured(), STARTED)
    file.rename(tmp_path / "fast.json")
    with pytest.raises(RecordError, match=r"expected it as minilm-student-\w+\.json, which a card links to; rename it"):
        find_speeds(tmp_path)
    write_json(tmp_path / "fast.json", sealed_run())
    with pytest.raises(RecordError, match="found schema 1, expected a record of a speed"):
        find_speeds(tmp_path)
    (tmp_path / "fast.json").write_text('{"schema": 1, "schema": 1}')
    with pytest.raises(RecordError, match="found the key 'schema' twice"):
        find_speeds(tmp_path)
    (tmp_path / "fast.json").write_text("[]")
    with pytest.raises(RecordError, match="found list"):
        find_speeds(tmp_path)


def weights_of(run: Run) -> dict[str, str]:
    """That the last stage's weights were measured."""
    return {"model_weights_sha256": run.stages[-1].weights_sha256}


def run_with_card(folder: Path, text: str = "", run: Run | None = None, **given: Any) -> tuple[Run, Path]:
    """A card that was written from a run, with more text, and the record beside it."""
    run = run or sealed_run()
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    write_json(folder / "runs" / f"{run.id}.json", run)
    card = folder / "README.md"
    written = write_card(run, metadata={"license": "mit"}, **given)
    card.write_text(written.replace("## Limits", f"{text}\n\n## Limits", 1) if text else written, "utf-8")
    return run, card


def edited(card: Path, run: Run) -> tuple[str, tuple[str, ...]]:
    made = edit_card(plan_card(card, read(card)), run, Options())
    return made.text, made.notes


def read(card: Path) -> Card:
    return parse_card(card.read_text("utf-8"), str(card))


def test_the_section_tells_the_speed_and_its_record(tmp_path: Path) -> None:
    run, card = run_with_card(tmp_path, "It is twice as fast as minilm__teacher, and ten times as fast as bert-large.")
    before, notes = edited(card, run)
    assert (notes, "### Speed" in before) == ((), False)
    record = kept(tmp_path / "speeds", **weights_of(run))
    text, notes = edited(card, run)
    assert notes == ()
    assert f"- Speed: [`{record.id}`](speeds/{record.id}.json), SHA-256 `{record.sha256}`, of the weights of" in text
    assert (
        "- Measured on: 50 questions of `squad:validation`, 3 rounds; cpu, processor Intel(R) Xeon(R) CPU @ 2.20GHz, "
        "threads: 2; float32\n"
    ) in text
    assert "| questions per second, one at a time | 25.00 | 12.95 | 1.930 | 1.905 to 1.955 |" in text
    assert "| questions per second, best batch of each | 50.00 | 27.62 | 1.810 | 1.785 to 1.835 |" in text
    assert "| parameters | 17,240,450 | 22,565,762 | | |" in text
    rows = {row[0]: row[1:] for row in tables(text)["Speed"][1:]}
    claims = read(card).speeds
    judged = [judge_speed(claim, record.measured) for claim in claims]
    assert [one.state for one in judged] == ["matches", "not_comparable"]
    assert rows == {claim.text: [one.state, one.reason] for claim, one in zip(claims, judged, strict=True)}
    # the rest of the section is as without the record, and nothing of it is read
    begin, end = text.index("\n### Speed"), text.index("<!-- harness:section")
    rest = text[:begin] + text[end:]
    assert rest.split("<!-- harness:section")[0].rstrip() == before.split("<!-- harness:section")[0].rstrip()
    section = find_section(text, "x")
    assert section is not None
    assert section.intact
    plain, told = parse_card(before, "x"), parse_card(text, "x")
    for field in ("claims", "speeds", "settings", "counts", "examples", "links", "code", "comparisons", "results"):
        assert getattr(plain, field) == getattr(told, field)
    card.write_text(text, "utf-8")
    assert edited(card, run)[0] == text
    # without its checksum it is a section as well: every line is one that is written
    lines = [line for line in text.split("\n") if not line.startswith("<!-- harness:section")]
    assert find_section("\n".join(lines), "x") is not None


def test_a_record_is_of_the_model_by_its_weights_else_by_its_name(tmp_path: Path) -> None:
    run, card = run_with_card(tmp_path, name="me/student")
    other = kept(tmp_path / "speeds")
    text, notes = edited(card, run)
    assert "### Speed" not in text
    assert notes == (f"speeds/{other.id}.json: is of 'minilm__student', not of this card's model; it is not shown",)
    record = kept(tmp_path / "speeds", model_name="You/Student")
    text, _ = edited(card, run)
    assert f"speeds/{record.id}.json), SHA-256 `{record.sha256}`, known by its name alone\n" in text
    assert other.id not in text
    weights = kept(tmp_path / "speeds", model_name="model", **weights_of(run))
    text, _ = edited(card, run)
    assert f"speeds/{weights.id}.json), SHA-256 `{weights.sha256}`, of the weights of `{run.id}`" in text
    assert text.count("\n- Speed: ") == 2
    # of weights that were given, the checksum over all of the folder counts
    given = released_run(model=replace(released_run().model, sha256="c" * 64))  # type: ignore[type-var]
    given, card = run_with_card(tmp_path / "given", run=given, name="x/y")
    kept(card.parent / "speeds")
    assert f"of the weights of `{given.id}`" in edited(card, given)[0]


def test_a_link_leads_to_the_record_or_there_is_none(tmp_path: Path) -> None:
    run, card = run_with_card(tmp_path / "card")
    record = kept(card.parent / "speeds", **weights_of(run))
    elsewhere = tmp_path / "other" / "README.md"
    opened = plan_card(card, read(card))
    text = edit_card(opened, run, Options(), place=elsewhere).text
    assert f"- Speed: `{record.id}`, SHA-256 `{record.sha256}`" in text
    assert "speeds/" not in text
    kept(elsewhere.parent / "speeds", (1.5, 1.6, 1.7), **weights_of(run))
    assert "speeds/" not in edit_card(opened, run, Options(), place=elsewhere).text
    write_json(elsewhere.parent / "speeds" / f"{record.id}.json", record)
    assert f"(speeds/{record.id}.json)" in edit_card(opened, run, Options(), place=elsewhere).text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_records_stay_text(tmp_path: Path, hostile: str) -> None:
    run, card = run_with_card(tmp_path, "It is twice as fast as its base.")
    weights = weights_of(run)
    harmless = kept(tmp_path / "speeds", **weights)
    wanted, _ = edited(card, run)
    (tmp_path / "speeds" / f"{harmless.id}.json").unlink()
    environment = replace(measured().environment, processor=hostile, platform=hostile, packages={hostile: hostile})
    record = kept(
        tmp_path / "speeds", model_name=hostile, base_name=hostile, model_type=hostile, model_dtype=hostile,
        environment=environment, data=replace(measured().data, ref=replace(measured().data.ref, name=hostile)),
        **weights,
    )  # fmt: skip
    text, _ = edited(card, run)
    assert structure(text) == structure(wanted.replace(f"`{harmless.id}`", f"`{record.id}`"))
    found = find_section(text, "x")
    assert found is not None
    assert found.intact
    told, plain = parse_card(text, "x"), parse_card(wanted, "x")
    assert told.speeds == plain.speeds
    assert [claim.digits for claim in told.claims] == [claim.digits for claim in plain.claims]
    assert not [token for token in MARKDOWN.parse(text) if token.type == "html_inline"]
    # and in a new card, where a name that could be read as something stands nowhere
    read_back = parse_card(write_card(run, speed=record), "x")
    assert [(one.than, one.ratio) for one in read_back.speeds] == [("model", 1.93)]
    assert len(read_back.claims) == len(plain.claims)


@cache
def plain_card() -> Card:
    return parse_card(write_card(sealed_run()), "x")


def check_new_card(run: Run, record: SpeedRecord) -> Card:
    """What a new card claims of its speed is what its record shows, and it says nothing else more."""
    plain, card = plain_card(), parse_card(write_card(run, speed=record), "x")
    assert not card.problems
    for field in ("claims", "settings"):
        old, new = (
            [replace(item, place=item.place.__class__(0, 0, 0)) for item in getattr(one, field)]
            for one in (plain, card)
        )
        assert old == new
    for field in ("counts", "examples", "links", "comparisons"):
        assert len(getattr(plain, field)) == len(getattr(card, field))
    for claim in card.speeds:
        assert judge_speed(claim, record.measured, stated_bases(card)).state in HELD
    return card


@pytest.mark.parametrize(
    ("base", "than"),
    [
        ("minilm__teacher", "minilm__teacher"),
        ("org/minilm-teacher", "org/minilm-teacher"),
        ("deepset/roberta-base-squad2", "deepset/roberta-base-squad2"),
        ("teacher", "teacher"),
        ("base", "base"),
        ("model", "model"),
        ("bert-f1-99.9", "bert-f1-99.9"),
        ("f1: 99.9", "model"),
        ("a b", "model"),
        ("x.", "model"),
        ("2x-faster", "2x-faster"),
    ],
)
def test_a_new_card_claims_the_speed_that_its_record_shows(tmp_path: Path, base: str, than: str) -> None:
    run = sealed_run()
    record = kept(tmp_path, **weights_of(run), base_name=base)
    card = check_new_card(run, record)
    assert [(claim.ratio, claim.than) for claim in card.speeds] == [(1.93, than)]
    assert "## Speed\n\nIt answers 1.93 times as fast as " in card.text
    rows = tables(card.text)["Speed"]
    assert rows[1:] == [
        ["answers per second, one at a time", "25.00", "12.95", "1.93", "1.91 to 1.95"],
        ["answers per second, best batch of each", "50.00", "27.62", "1.81", "1.79 to 1.83"],
        ["parameters", "17,240,450", "22,565,762", "", ""],
    ]
    assert record.id in card.text


def test_a_name_that_the_front_matter_would_explain_otherwise_is_left_out(tmp_path: Path) -> None:
    run = sealed_run()
    record = kept(tmp_path, **weights_of(run), base_name="base")
    card = parse_card(write_card(run, speed=record, metadata={"base_model": "bert-large-uncased"}), "x")
    (claim,) = card.speeds
    assert (claim.than, judge_speed(claim, record.measured, stated_bases(card)).state) == ("model", "matches")


@pytest.mark.parametrize(
    ("ratio", "best", "spread", "claimed"),
    [
        (1.934, 1.8, 0.001, 1.93),
        (1.936, 0.2, 0.001, 1.94),
        (0.42, 0.5, 0.001, 0.42),
        (12.346, 1.0, 0.001, 12.35),
        (999.4, 1.0, 0.001, 999.4),
        (1000.4, 1.0, 0.001, None),  # more digits than a reader takes for a ratio
        (0.004, 0.001, 0.001, None),
        (1.93, 1.9, 0.2, None),  # its interval shows nothing
        (1.93, 90.0, 0.001, 1.93),
    ],
)
def test_no_new_card_claims_more_than_was_measured(
    tmp_path: Path, ratio: float, best: float, spread: float, claimed: float | None
) -> None:
    run = sealed_run()
    rounds = [ratio * (1 - spread), ratio, ratio * (1 + spread)]
    record = kept(tmp_path, rounds, [best * (1 - spread), best, best * (1 + spread)], **weights_of(run))
    card = check_new_card(run, record)
    assert [claim.ratio for claim in card.speeds] == ([] if claimed is None else [claimed])
    assert ("It answers" in card.text, "It was measured beside `minilm__teacher`." in card.text) == (
        claimed is not None,
        claimed is None,
    )


@pytest.mark.parametrize("name", ["f1 score of 99.9 on SQuAD", "exact match: 88.8", "EM 77.7 F1 88.8", "acc. of 99 %"])
def test_the_name_that_was_measured_is_no_result(tmp_path: Path, name: str) -> None:
    run = sealed_run()
    record = kept(tmp_path, **weights_of(run), model_name=name)
    card = check_new_card(run, record)
    assert ("The record has how it was measured: 50 questions" in card.text) == (record.id not in card.text)


def test_a_new_card_takes_no_other_models_speed(tmp_path: Path) -> None:
    record = kept(tmp_path)
    with pytest.raises(RecordError, match="found a speed of 'minilm__student', weights dddddddddddd, expected one of"):
        write_card(sealed_run(), speed=record)
    with pytest.raises(RecordError, match="weights dddddddddddd, expected one of"):  # of its name, and other weights
        write_card(sealed_run(), speed=record, name="me/minilm__student")
    unknown = kept(tmp_path, model_weights_sha256=None)
    assert "## Speed" in write_card(sealed_run(), speed=unknown, name="me/minilm__student")
    with pytest.raises(RecordError, match="without its checksum, or changed since"):
        write_card(sealed_run(), speed=replace(record, started="2025-01-31T12:00:00+00:00"), name="minilm__student")


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    run = save_run(folder, replace(sealed_run(), sha256=None))
    record = kept(tmp_path / "card" / "speeds", **weights_of(run))
    file, card = tmp_path / "card" / "speeds" / f"{record.id}.json", tmp_path / "card" / "README.md"
    write_json(tmp_path / "card" / "runs" / f"{run.id}.json", run)
    asked = ["render", "--template", "card.md.j2", "--run", str(folder), "-o", str(card)]
    assert main([*asked, "--speed", str(file)]) == 0
    assert "put the record" not in capsys.readouterr().err
    assert main(["render", "--check", str(card)]) == 0
    text = card.read_text("utf-8")
    assert text.count("1.93 times as fast as") == 2  # the sentence, and its row in the section
    assert f"(speeds/{record.id}.json)" in text
    away = tmp_path / "away" / "README.md"
    away.parent.mkdir()
    capsys.readouterr()
    assert main([*asked[:-1], str(away), "--speed", str(file)]) == 0
    assert f"{away.parent / 'speeds' / file.name}: put the record of the speed there" in capsys.readouterr().err
    assert main(["render", str(card), "--speed", str(file)]) == 2
    assert main([*asked, "--force", "--speed", str(folder / "record.json")]) == 2
    assert "expected a record of a speed" in capsys.readouterr().err


def gated(card: Path, strict: bool = False) -> tuple[int, list[GateRow]]:
    result = check_release([card], Terms(card.parent / "none", Options(), strict))
    return result.exit_code, [row for row in result.rows if row.check == "speed"]


@pytest.mark.parametrize(
    ("claimed", "result", "state", "strict"),
    [
        ("1.93 times as fast as minilm__teacher", "matches", "pass", "pass"),
        ("twice as fast as its teacher", "matches", "pass", "pass"),
        ("2.4 times as fast as its teacher", "inconclusive", "note", "fail"),
        ("five times as fast as its teacher", "differs", "fail", "fail"),
        ("twice as fast as bert-large", "not_comparable", "note", "fail"),
    ],
)
def test_the_gate(tmp_path: Path, claimed: str, result: str, state: str, strict: str) -> None:
    run, card = run_with_card(tmp_path, f"It is {claimed}.")
    card.write_text(edited(card, run)[0], "utf-8")
    assert gated(card) == (0, [])
    kept(tmp_path / "speeds", **weights_of(run))
    card.write_text(edited(card, run)[0], "utf-8")
    code, (row,) = gated(card)
    assert (row.result, row.state, row.line, code) == (result, state, read(card).speeds[0].place.line, state == "fail")
    assert claimed.startswith(row.what[:5])
    assert gated(card, strict=True)[1][0].state == strict


def test_the_gate_takes_the_device_that_keeps_the_claim(tmp_path: Path) -> None:
    run, card = run_with_card(tmp_path, "It is twice as fast as its teacher.")
    weights = weights_of(run)
    kept(tmp_path / "speeds", [0.5] * 3, [0.5] * 3, device="NVIDIA H100", **weights)
    assert gated(card)[1][0].result == "differs"
    kept(tmp_path / "speeds", **weights)
    assert gated(card)[1][0].result == "matches"
    kept(tmp_path / "speeds", base_name="org/else", base_layers=24, **weights)
    assert gated(card)[1][0].result == "matches"


def test_the_gate_refuses_a_changed_record(tmp_path: Path) -> None:
    run, card = run_with_card(tmp_path)
    record = kept(tmp_path / "speeds", **weights_of(run))
    file = tmp_path / "speeds" / f"{record.id}.json"
    data = to_json(record)
    data["measured"]["model"]["parameters"] = 5
    write_json(file, data)
    code, (row,) = gated(card)
    assert (code, row.result, row.unreadable) == (2, "unreadable", True)
    assert "changed after it was written" in row.reason
    with pytest.raises(RecordError, match="changed after it was written"):
        edited(card, run)


def test_the_record_is_published_with_the_card(tmp_path: Path) -> None:
    run, card = run_with_card(tmp_path)
    record = kept(tmp_path / "speeds", **weights_of(run))
    text, _ = edited(card, run)
    name = f"speeds/{record.id}.json"
    records, lost = linked_records(text, card)
    assert records[name] == (tmp_path / name).read_bytes()
    assert lost == ()
    write_json(
        tmp_path / name, replace(later := replace(record, started="2026-02-01T12:00:00+00:00"), sha256=seal(later))
    )
    records, (told,) = linked_records(text, card)
    assert (name in records, "found another record than the section shows" in told) == (False, True)
    (tmp_path / name).unlink()
    records, (told,) = linked_records(text, card)
    assert (name in records, f"links to {name}, which is not published" in told) == (False, True)


def test_ratios_of_the_record_are_those_of_its_times(tmp_path: Path) -> None:
    for ratio in kept(tmp_path).measured.ratios:
        assert ratio == measured_ratio(ratio.batch, ratio.seconds, ratio.base_seconds)
    assert sealed(sealed_run()).sha256 == sealed_run().sha256
