"""The gate: what passes, what fails, what is neither, and that nothing passes unchecked."""

from __future__ import annotations

import datetime
import json
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from plugin_cards import EXAMPLES, SCORES, answered, assume, deviation, edit, keep_run, make_card, run_of, write_run

from harness.cli import main
from harness.editing import edit_card, find_section
from harness.editing.marks import with_checksum
from harness.evidence import Options, judge, open_card, with_judgement
from harness.freshness import freshness
from harness.gate import GateResult, Terms, check_release
from harness.records import DataRef, DataUsed, seal

ROOT = Path(__file__).parents[1]
POCKET = ("pocket__distilled", "pocket__teacher", "pocket__three_stages")
F1 = "pocket/validation::f1[all@front_matter]"


@pytest.fixture
def card(tmp_path):
    return make_card(tmp_path / "cards" / "tiny")


def gated(card, *, strict=False, kind=None, paths=None, **options) -> GateResult:
    terms = Terms(card.parents[1] / "runs", Options(**options), strict, kind)
    return check_release(paths or [card.parent], terms)


def failed(result):
    return [(row.check, row.what, row.result) for row in result.rows if row.state == "fail"]


def noted(result):
    return [(row.check, row.what, row.result) for row in result.rows if row.state == "note"]


def keep(card, **scores):
    run = run_of(card, **SCORES | scores)
    keep_run(run, card)
    return run


def test_a_card_as_claimed_is_ready(card):
    keep(card)
    result = gated(card, strict=True)
    assert (result.exit_code, failed(result), noted(result)) == (0, [], [])
    assert [row.check for row in result.rows] == ["audit", "evidence", *["claim"] * 4]
    assert result.outcome == "ready: 1 card: audit clean 1, evidence fresh 1, claim matches 4"


def test_a_claim_that_differs_fails(card):
    keep(card, f1=83.0)
    result = gated(card)
    assert (result.exit_code, failed(result)) == (1, [("claim", F1, "differs")])
    assert result.outcome == "not ready: claim differs 1"
    assert gated(card, tolerance=3.0).exit_code == 0
    assert gated(card, at_least=True).exit_code == 0


def test_a_known_deviation_is_noted_until_it_expires(card):
    keep(card, f1=83.0)
    assume(card, deviation(F1, "2030-06-30"))
    for day, code in (("2030-06-30", 0), ("2030-07-01", 1)):
        result = gated(card, strict=True, today=datetime.date.fromisoformat(day))
        assert result.exit_code == code
        (row,) = [row for row in result.rows if row.what == F1]
        assert row.result == ("differs" if code else "known deviation")
        assert ("which is over" in row.reason) is bool(code)
    assert noted(gated(card, today=datetime.date(2030, 1, 1))) == [("claim", F1, "known deviation")]


@pytest.mark.parametrize("strict", [False, True])
def test_warnings_fail_under_strict_errors_always_and_accepted_ones_never(card, strict):
    edit(card, "license: mit\n", "")
    keep(card)
    result = gated(card, strict=strict)
    assert (failed(result) or noted(result)) == [("audit", "licence-missing", "warning")]
    assert result.exit_code == int(strict)
    edit(card, "value: 80.0", "value: 101.0")
    result = gated(card, strict=strict, tolerance=100.0)
    assert ("audit", "out-of-range", "error") in failed(result)
    assert result.exit_code == 1
    assume(card, "findings:\n- {code: out-of-range, reason: r}\n- {code: licence-missing, reason: r}\n")
    keep(card)
    result = gated(card, strict=strict, tolerance=100.0)
    assert failed(result) == noted(result) == []
    assert [row.reason for row in result.rows if row.result == "accepted"] == ["accepted: r"] * 2


def test_what_is_not_comparable_is_noted_or_fails(card):
    scores = {key: value for key, value in SCORES.items() if key != "HasAns_exact"}
    keep_run(run_of(card, **scores), card)
    name = "pocket/validation::exact_match[has_ans@code]"
    result = gated(card)
    assert (result.exit_code, noted(result)) == (0, [("claim", name, "not_comparable")])
    result = gated(card, strict=True)
    assert (result.exit_code, failed(result)) == (1, [("claim", name, "not_comparable")])


def test_a_card_of_which_nothing_could_be_compared_fails(card):
    data = DataUsed(DataRef("squad_v2", "validation"), 11873, 5928, "0" * 64, "dev-v2.0.json")
    keep_run(run_of(card, data=data, **SCORES), card)
    result = gated(card)
    assert (result.exit_code, failed(result)) == (1, [("claim", "", "none shown")])


def test_a_card_without_evidence_fails(card):
    result = gated(card)
    assert (result.exit_code, failed(result)) == (1, [("evidence", "", "missing")])
    assert "4 claims unchecked: no recorded run" in result.rows[1].reason
    keep(card)
    make_card(card.parent / "other", (card / "README.md").read_text("utf-8").replace("name: tiny", "name: other"))
    result = gated(card)
    assert (result.exit_code, failed(result)) == (1, [("evidence", "", "missing")])
    assert gated(card, kind="released").exit_code == 1


def test_a_card_that_claims_nothing_is_never_ready_alone(card):
    silent = make_card(card.parent / "silent", "---\nlicense: mit\n---\n\nA reader.\n")
    result = gated(card, paths=[silent])
    assert (result.exit_code, failed(result)) == (1, [])
    assert result.outcome.startswith("not ready: nothing was checked")
    keep(card)
    assert gated(card).exit_code == 0


def test_evidence_of_another_recipe_is_stale(card):
    keep(card)
    edit(card, "train[:10]", "train[:20]")
    result = gated(card)
    assert (result.exit_code, failed(result)) == (1, [("evidence", "", "stale")])


def test_evidence_of_other_claims_is_stale(card):
    opened, run = open_card(card), run_of(card, **SCORES)
    judged = with_judgement(run, judge(opened, run))
    assert freshness(opened, run) == ("fresh", "recorded on this text of the card")
    edit(card, "# tiny", "# tiny, a reader")
    edited = open_card(card)
    assert freshness(edited, judged) == ("fresh", "the card was edited since, its claims were not")
    assert freshness(edited, run)[0] == "undated"
    edit(card, "value: 80.0", "value: 80.1")
    changed = open_card(card)
    assert freshness(changed, judged) == ("stale", "claims have changed since it was recorded: f1[all]")
    assert freshness(changed, run)[0] == "undated"


WRITTEN = ("fresh", "the card was written from this run")


def write_evidence(card, run, **options):
    (card / "README.md").write_text(edit_card(open_card(card), run, **options).text, "utf-8")


def test_a_card_written_from_a_run_is_fresh_while_its_section_stays(card):
    run = run_of(card, **SCORES | {"f1": 80.2})
    run = replace(run, sha256=seal(run))
    write_evidence(card, run)
    assert freshness(open_card(card), run) == WRITTEN
    later = replace(run, finished="2026-01-01T00:00:00+00:00")
    assert freshness(open_card(card), replace(later, sha256=seal(later))) == WRITTEN
    assert freshness(open_card(card), replace(run, id="tiny-10"))[0] == "undated"
    other = freshness(open_card(card), replace(run, scores=SCORES))
    assert other == ("stale", "its evidence section was written from another record of this run")
    edit(card, "value: 80.0", "value: 80.1")  # the section tells a verdict on 80.0
    assert freshness(open_card(card), run)[0] == "undated"
    write_evidence(card, run, measured=True)
    assert freshness(open_card(card), run) == WRITTEN
    assert "value: 80.2" in (card / "README.md").read_text("utf-8")


def test_a_section_that_was_changed_by_hand_is_stale(card):
    run = keep(card)
    run = replace(run, sha256=seal(run))
    write_evidence(card, run)
    keep_run(run, card)
    assert gated(card, strict=True).exit_code == 0
    edit(card, "| 80.0000 |", "| 80.1000 |")
    result = gated(card)
    assert (result.exit_code, failed(result)) == (1, [("evidence", "tiny-1", "stale")])
    assert "changed by hand" in next(row.reason for row in result.rows if row.result == "stale")
    edited = open_card(card)
    assert freshness(edited, replace(run, card_sha256=edited.card.sha256))[0] == "stale"  # recorded on it all the same


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize(
    ("old", "new"), [("| matches |", "| within_tolerance |"), ("Environment: harness", "Environment: another")]
)
def test_a_section_with_another_content_and_its_checksum_is_noted(card, measured, old, new):
    run = keep(card)
    run = replace(run, sha256=seal(run))
    write_evidence(card, run, measured=measured)
    keep_run(run, card)
    text = (card / "README.md").read_text("utf-8")
    section = find_section(text, "x")
    bare = re.sub(r"<!-- harness:section .*\n", "", section.text).replace(old, new, 1)
    (card / "README.md").write_text(text[: section.start] + with_checksum(bare) + text[section.end :], "utf-8")
    assert find_section((card / "README.md").read_text("utf-8"), "x").intact
    assert (gated(card).exit_code, gated(card, strict=True).exit_code) == (0, 1)
    assert [row.result for row in gated(card).rows if row.check == "evidence"] == ["undated"]
    judged = with_judgement(run, tuple(judge(open_card(card), (run,), Options())))
    assert freshness(open_card(card), judged)[0] == "undated"


def test_a_section_that_names_a_run_without_its_evidence_proves_nothing(card):
    run = run_of(card, **SCORES)
    with (card / "README.md").open("a", encoding="utf-8") as file:
        file.write("\n<!-- harness:evidence -->\n\n## Reproducibility\n\n- Run: `tiny-1`, retrained\n")
        file.write("\n<!-- /harness:evidence -->\n")
    assert freshness(open_card(card), run)[0] == "undated"


def test_marks_that_are_no_pair_are_bad_input(card):
    keep(card)
    with (card / "README.md").open("a", encoding="utf-8") as file:
        file.write("\n<!-- harness:evidence -->\n")
    result = gated(card)
    assert result.exit_code == 2
    assert "no pair" in result.rows[-1].reason


def test_a_run_id_outside_the_evidence_proves_nothing(card):
    run = run_of(card, **SCORES)
    edit(card, "# tiny", "# tiny\n\nAs in `tiny-1`.")
    assert freshness(open_card(card), run)[0] == "undated"
    keep_run(run, card)
    assert noted(gated(card)) == [("evidence", "tiny-1", "undated")]
    assert failed(gated(card, strict=True)) == [("evidence", "tiny-1", "undated")]


def test_evidence_on_embedded_data_of_another_version_is_stale(card):
    data = DataUsed(DataRef("pocket", "validation"), 2000, 1000, "0" * 64, "embedded")
    run = run_of(card, kind="released", data=data, **SCORES)
    assert freshness(open_card(card), run)[0] == "stale"
    keep_run(run, card)
    assert ("evidence", "tiny-1", "stale") in failed(gated(card))


def test_examples_that_a_run_answered_count(card):
    edit(card, "# tiny\n", "# tiny\n" + EXAMPLES)
    keep(card)
    assert not [row for row in gated(card).rows if row.check == "example"]
    run = run_of(card, run="weights", kind="released", **SCORES)
    keep_run(replace(run, examples=answered(card, "Orvel")), card)
    assert failed(gated(card)) == [("example", "Who built it?", "differs")]
    keep_run(replace(run, examples=answered(card, "Ada Merk")), card)
    # trained again, a model may answer otherwise than the one whose answer is printed
    keep_run(replace(run_of(card, **SCORES), examples=answered(card, "Orvel")), card)
    assert gated(card).exit_code == 0
    assert failed(gated(card, kind="retrained")) == [("example", "Who built it?", "differs")]


def test_what_cannot_be_read_is_bad_input(card, tmp_path):
    keep(card)
    assert gated(card, paths=[tmp_path / "nowhere", card]).exit_code == 2
    (tmp_path / "empty").mkdir()
    assert failed(gated(card, paths=[tmp_path / "empty"])) == [("card", "", "unreadable")]
    broken = card / "runs" / "broken.json"
    broken.write_text('{"schema": 1, "recipe": {}}', "utf-8")
    result = gated(card)
    assert (result.exit_code, failed(result)) == (2, [("evidence", "broken.json", "unreadable")])
    broken.write_text("{", "utf-8")
    assert gated(card).exit_code == 2
    broken.write_text('{"notes": "no record"}', "utf-8")
    assert gated(card).exit_code == 0
    shutil.copy(card / "runs" / "tiny-1.json", broken)
    result = gated(card)
    assert (result.exit_code, failed(result)) == (2, [("evidence", "", "unreadable")])
    assert "expected one of each run in a folder" in result.rows[-1].reason
    broken.unlink()
    assume(card, deviation("f1", "2999-01-01"))
    assert gated(card).exit_code == 2


def test_pages_about_cards_are_no_cards_and_each_card_is_looked_at_once(card):
    keep(card)
    (card.parent / "README.md").write_text("# Our cards\n", "utf-8")
    result = gated(card, paths=[card.parent, card, card / "README.md"])
    assert (result.exit_code, len(result.rows)) == (0, 6)


def call(capsys, *arguments):
    code = main(["gate", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_prints_a_table_why_and_a_sentence(card, capsys, monkeypatch):
    monkeypatch.chdir(card.parents[1])
    write_run(run_of(card, **SCORES | {"f1": 83.0}), Path("runs"))
    code, out, err = call(capsys, "cards")
    assert code == 1
    assert re.search(r"│ fail +│ tiny +│ claim +│ .*f1.* │ 80.0 +│ 83.0000 +│ 0.5 +│ differs +│", out)
    assert "fail: cards/tiny/README.md:10: claim pocket/validation::f1[all@front_matter]: differs: 3.00 points" in out
    assert err == "not ready: claim differs 1\n"
    code, out, err = call(capsys, "cards", "--json", "--tolerance", "3")
    assert code == 0
    found = json.loads(out)
    assert found["exit_code"] == 0
    assert found["rows"][3]["comparison"]["reproduced"] == 83.0
    assert call(capsys, "cards", "--at-least")[0] == 0
    assert call(capsys, "cards", "--kind", "replay")[0] == 1
    assert call(capsys, "cards", "--runs", "elsewhere")[0] == 1


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "101", "wide"])
def test_a_tolerance_that_is_none_is_a_usage_error(card, capsys, value):
    code, out, err = call(capsys, card, "--tolerance", value)
    assert (code, out) == (2, "")
    assert "tolerance" in err


def test_hostile_text_does_not_reach_the_terminal(card, capsys, monkeypatch):
    monkeypatch.chdir(card.parents[1])
    edit(card, "type: f1, value", r'type: "m\e[31m\a[bold]", value')
    keep(card, f1=83.0)
    for options in ([], ["--json"]):
        _, out, err = call(capsys, "cards", *options)
        assert not set(out + err) & {"\x1b", "\x07"}


def test_the_cards_of_this_project(capsys):
    code, _, err = call(capsys, *(ROOT / "cards" / name for name in POCKET), "--runs", ROOT / "nowhere", "--strict")
    assert (code, err) == (0, "ready: 3 cards: audit clean 3, evidence fresh 3, claim matches 24\n")
    code, _, err = call(capsys, ROOT / "cards", "--runs", ROOT / "nowhere")
    assert (code, err) == (1, "not ready: evidence missing 5\n")


def hooks():
    return {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}


def test_the_hooks_run(capsys, monkeypatch, tmp_path):
    found = hooks()
    assert set(found) == {"harness-audit", "harness-gate", "harness-render"}
    for name in POCKET:
        shutil.copytree(ROOT / "cards" / name, tmp_path / "cards" / name)
    monkeypatch.chdir(tmp_path)
    files = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")]
    for name, hook in found.items():
        assert hook["language"] == "python"
        chosen = [file for file in files if re.search(hook["files"], file)]
        assert any(file.endswith("README.md") for file in chosen)
        program, *arguments = shlex.split(hook["entry"])
        assert program == "harness"
        arguments += chosen if hook.get("pass_filenames", True) else ["cards"]
        assert main(arguments) == 0, name
    for name in ("harness-gate", "harness-render"):
        assert any(file.endswith(".json") for file in files if re.search(found[name]["files"], file))
    for text in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "testing.md").read_text("utf-8"), re.DOTALL):
        for repository in yaml.safe_load(text).get("repos", ()) if "repos:" in text else ():
            assert {hook["id"] for hook in repository["hooks"]} == set(found)


def test_the_documented_job_runs(monkeypatch, tmp_path, capsys, pytester):
    text = (ROOT / "docs" / "testing.md").read_text("utf-8")
    (job,) = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "jobs:" in block]
    steps = [shlex.split(step["run"]) for step in job["jobs"]["cards"]["steps"] if "run" in step]
    assert [step[0] for step in steps] == ["python", "harness", "pytest", "harness"]
    for name in POCKET:
        shutil.copytree(ROOT / "cards" / name, pytester.path / "cards" / name)
    for program, *arguments in steps[1:]:
        if program == "harness":
            assert main(arguments) == 0
        else:
            pytester.runpytest(*arguments, "-p", "no:hypothesispytest").assert_outcomes(passed=27)
    assert (pytester.path / "cards.xml").is_file()


def test_claims_that_nothing_decides_do_not_make_a_card_ready(card):
    keep(card, **{key: value + 1.2 for key, value in SCORES.items() if not key.endswith("total")})
    result = gated(card)
    assert {row.result for row in result.rows if row.comparison is not None} == {"inconclusive"}
    assert (result.exit_code, failed(result)) == (1, [("claim", "", "none shown")])
