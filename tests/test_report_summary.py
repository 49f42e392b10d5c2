"""The report in short, for a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from documents import HOSTILE, finished_run, hostile_run
from report_figures import make_run, with_claims
from test_report_plots import paired, seeded

from harness.cli.report_text import print_summary
from harness.intervals import score_intervals
from harness.records import Bounds, evidence_sha256
from harness.report.data import ReportData, RunData
from harness.report.names import name_runs
from harness.report.pooled import pool_figures
from harness.report.summary import summarize_run


def table(summary, start):
    (found,) = [each for each in summary.tables if each.title.startswith(start)]
    return found


def test_verdicts_scores_recipe_and_evidence():
    data = with_claims(make_run())
    run = data.run
    summary = summarize_run(ReportData((data,), notes=("a note",)))
    assert summary.heading == f"model: {run.kind} run {run.id}, finished, {run.finished}"
    assert summary.sentence == "not as claimed: matches 1, within_tolerance 1, differs 1, not_comparable 1"
    claims = table(summary, "claims about set:validation")
    assert [row[0] for row in claims.rows] == ["exact_match[all]", "f1[all]", "f1[no_ans]", "f1[best]"]
    exact = run.scores["exact"]
    assert claims.rows[0] == ("exact_match[all]", f"{exact - 0.25:.2f}", f"{exact:.4f}", "+0.2500", "within_tolerance")
    assert claims.rows[3] == ("f1[best]", "99.00", "", "", "not_comparable")
    assert claims.below == (
        "line 3, exact_match[all]: a reason",
        "line 3, f1[all]: a reason",
        "line 3, f1[best]: other data",
    )
    scores = table(summary, "scores on set:validation, 120 questions")
    rows = {row[0]: row for row in scores.rows}
    for key, every in score_intervals(data.questions, data.scores).items():
        # five paragraphs hold the questions without an answer: too few for a bootstrap
        shown = every[2] if key == "NoAns_exact" else every[0]
        if key != "NoAns_f1":
            assert rows[key][1:] == (f"{run.scores[key]:.4f}", f"{shown.low:.2f} to {shown.high:.2f}")
    assert rows["NoAns_f1"][1:] == rows["NoAns_exact"][1:]  # one figure by two names
    assert rows["total"] == ("total", "120", "") and rows["best_f1"][2] == ""
    methods = ("bootstrap over paragraphs", "Clopper-Pearson")
    assert scores.below == tuple(f"95 % interval, {method}" for method in methods)
    assert len(summary.recipe) == 3 and summary.recipe[0].endswith("seed 7; 1 value assumed")
    assert summary.recipe[2].startswith("evaluation: pocket:validation[:400]; run_qa")
    assert dict(summary.evidence)["evidence"] == f"sha256 {evidence_sha256(run)}"
    assert summary.more[1] == f"figures and questions: harness report {data.path} --use set=PATH -o report.html"
    given = summarize_run(ReportData((data,)), {"set": Path("a b.json")}, Path("card.md"))
    assert given.more[1].endswith(f"{data.path} --use 'set=a b.json' --card card.md -o report.html")
    split = summarize_run(ReportData((data,)), {"set:validation": Path("s.json")})
    assert split.more[1].endswith(f"{data.path} --use set:validation=s.json -o report.html")
    alone = summarize_run(ReportData((replace(data, scores=None),)))
    assert alone.more[1] == f"figures and questions: harness report {data.path} -o report.html"
    assert "a note" in summary.notes


def test_an_early_stop_shows_bounds():
    data = make_run()
    bounds = Bounds("m", 0.05, 0, 120, 400, {"exact": 30.0}, {"exact": 70.0}, True)
    scores = table(summarize_run(ReportData((replace(data, run=replace(data.run, bounds=bounds)),))), "scores")
    assert scores.headings[2] == "bounds" and "120 of 400" in scores.below[0] and "95 %" in scores.below[0]
    assert [row[2] for row in scores.rows if row[2]] == ["30.00 to 70.00"]


def test_runs_with_the_same_seeds_at_other_stages_are_other_seeds():
    run = make_run(odds=False).run
    stage = run.recipe.stages[0]

    def with_seeds(*seeds):
        stages = tuple(replace(stage, name=f"s{n}", seed=seed) for n, seed in enumerate(seeds))
        return replace(run, id=str(seeds), recipe=replace(run.recipe, stages=stages))

    runs = [with_seeds(1, 1, 2), with_seeds(1, 2, 2), with_seeds(1, 1, 1)]
    assert name_runs(runs) == ("run 1, seeds 1, 1, 2", "run 2, seeds 1, 2, 2", "run 3, seed 1")
    assert next(pooled.labels for pooled in pool_figures(runs)) == ("seeds 1, 1, 2", "seeds 1, 2, 2", "seed 1")


def test_seeds_and_other_runs(tmp_path):
    first, second = make_run(odds=False), make_run(seed=9, odds=False)
    runs = (first, seeded(second, 3), seeded(second, 4))
    pair = paired(tmp_path, first, second)
    summary = summarize_run(ReportData(runs, pairs=(pair, None)))
    names = name_runs([each.run for each in runs])
    assert names == ("run 1, seed 7", "run 2, seed 3", "run 3, seed 4")
    pooled = {each.name: each.seeds for each in pool_figures([each.run for each in runs])}
    rows = table(summary, "seeds").rows
    assert [row[:3] for row in rows] == [(name, "3", f"{seeds.mean:.4f}") for name, seeds in pooled.items()]
    others = table(summary, "other runs").rows
    change = next(each for each in pair.changes if each.over == "paragraphs" and each.score == "exact")
    interval = f"{change.low:+.2f} to {change.high:+.2f}"
    assert others[0] == (names[1], "exact", f"{pair.exact[1]:.4f}", f"{change.difference:+.4f}", interval)
    assert len(others) == 2
    assert table(summary, "other runs").below[1:] == ("the intervals are of the paired bootstrap",)
    alike = replace(pair, changes=tuple(replace(change, low=None, high=None) for change in pair.changes))
    below = table(summarize_run(ReportData(runs, pairs=(alike, None))), "other runs").below
    assert len(below) == 2 and "fewer than 10 paragraphs or questions differ" in below[1]


def test_names_tell_runs_apart():
    run = finished_run()
    assert name_runs([run]) == (run.card_name,)
    assert name_runs([run, replace(run, card_name="b\x1b")]) == (f"run 1, {run.card_name}", "run 2, b\\x1b")
    assert name_runs([run, run]) == ("run 1", "run 2")


def test_a_run_without_claims_or_figures():
    run = replace(finished_run(), comparisons=(), scores={}, best={}, status="failed", error="out of memory")
    summary = summarize_run(ReportData((RunData(Path("x y"), run),)))
    assert summary.sentence == "the run failed: out of memory" and summary.tables == ()
    assert summary.more[1].endswith("harness report 'x y' -o report.html")
    assert summarize_run(ReportData((make_run(),))).sentence == "no claim was held against it"


@pytest.mark.parametrize("hostile", [*HOSTILE, "\x1b[31mred\x07"])
def test_hostile_text_is_printed_as_text(capsys, hostile):
    run = hostile_run(finished_run(), hostile)
    print_summary(ReportData((RunData(Path("x"), run),)))
    captured = capsys.readouterr()
    assert all(c.isprintable() or c == "\n" for c in captured.out + captured.err)


def test_it_fits_a_terminal_of_eighty_columns_and_has_no_colour_elsewhere(capsys, tmp_path):
    code = (
        f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}]\n"
        "from report_figures import make_run, with_claims\n"
        "from harness.cli.report_text import print_summary\n"
        "from harness.report.data import ReportData\n"
        "print_summary(ReportData((with_claims(make_run()),)))\n"
    )
    master, slave = pty.openpty()
    environ = {**os.environ, "COLUMNS": "80", "TERM": "xterm"} | {"LINES": "24"}
    environ = {name: value for name, value in environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    done = subprocess.Popen([sys.executable, "-c", code], stdout=slave, stderr=subprocess.PIPE, env=environ)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(master)
    assert done.wait() == 0, done.stderr.read()
    done.stderr.close()
    text = shown.decode("utf-8").replace("\r\n", "\n")
    assert "\x1b[31mdiffers" in text
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert max(len(line) for line in lines if not line.startswith("figures and questions: ")) <= 80
    (command,) = [line for line in lines if line.startswith("figures and questions: ")]
    assert command.endswith(" -o report.html")  # in one piece, to be copied
    row = next(line for line in lines if "within_tolerance" in line and "│" in line)
    assert row.count("│") == 6 and "exact_match[all]" in row  # nothing of it is on a line of its own
    long = with_claims(make_run())
    far = tuple(replace(c, reason="as far " * 40 + "as this") for c in long.run.comparisons)
    print_summary(ReportData((replace(long, run=replace(long.run, comparisons=far)),)))
    out = capsys.readouterr().out
    sentences = [line for line in out.splitlines() if not line.startswith(("figures", "┃", "│", "┏", "┡", "└"))]
    assert max(map(len, sentences)) <= 80 and sum("as far" in line for line in sentences) > 3
    assert "\x1b" not in out and "not as claimed: matches 1" in out
