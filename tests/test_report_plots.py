"""Figures say what the records say: every mark is read back from the SVG and held against its source."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from documents import HOSTILE, finished_run, hostile_run
from hypothesis import given
from hypothesis import strategies as st
from report_figures import Drawing, make_claim, make_comparison, make_run, path_points, structure, with_claims

from harness.breakdown import break_down, group_questions
from harness.curves import best_thresholds, precision_recall
from harness.data import describe
from harness.intervals import bootstrap, clopper_pearson, score_intervals
from harness.paired import compare_predictions
from harness.records import Bounds, Claim, Comparison, Predictions, Verdict
from harness.report.data import ReportData, RunData
from harness.report.plots import draw_all, draw_plots
from harness.report.plots.groups import measure_group
from harness.report.plots.odds import read_odds
from harness.report.plots.scales import MOST_POINTS, Scale, stretch, thin, tick_text
from harness.report.plots.svg import fit, number, text_width
from harness.report.plots.thresholds import figure_at, trace_thresholds
from harness.report.spreads import measure_intervals, spread_of
from harness.squad import apply_threshold, score_predictions, summarize
from harness.squad_files import read_squad_file
from harness.verdict import HALF_WIDTH, pool_seeds

ROUGH = 0.02
"""Points that two decimals of a coordinate may move a figure by, on the widest axis here."""
ELEMENTS = {"svg", "title", "desc", "g", "text", "line", "rect", "path", "circle", "polygon"}


def plots(*runs, **more):
    return {plot.id: plot for plot in draw_plots(ReportData(tuple(runs), **more))}


def drawing(plot_id, *runs, **more):
    return Drawing(plots(*runs, **more)[plot_id])


def seeded(data, seed, **scores):
    run = data.run
    recipe = replace(run.recipe, stages=tuple(replace(stage, seed=seed) for stage in run.recipe.stages))
    return replace(data, run=replace(run, id=f"seed-{seed}", recipe=recipe, scores={**run.scores, **scores}))


# --- claims


def test_claims_stand_where_their_figures_are():
    data = with_claims(make_run(n=900, paragraphs=300))
    shown = drawing("plot-claims-1", data)
    at = shown.across()
    checked = 0
    intervals = {key: every[0] for key, every in score_intervals(data.questions, data.scores).items()}
    judged = [(c, key) for c, key in zip(data.run.comparisons, ("exact", "f1", "NoAns_f1"), strict=False)]
    rows = shown.rows()
    assert len(rows) == len(judged) == len(shown.marks("reproduced")) == len(shown.marks("reported"))
    for (comparison, key), row, mark, ring in zip(
        judged, rows, shown.marks("reproduced"), shown.marks("reported"), strict=True
    ):
        reported = comparison.claim.reported
        assert reported + at(mark.x) == pytest.approx(comparison.reproduced, abs=ROUGH)
        assert at(ring.x) == pytest.approx(0.0, abs=ROUGH)
        assert "paper-fill" in ring.classes and "paper-fill" not in mark.classes
        ((low, high),) = shown.whiskers(row)
        limit = 12 * 0.5  # half of the axis, before it is rounded up to a tick
        for x, value in ((low, intervals[key].low), (high, intervals[key].high)):
            if abs(value - reported) < limit:
                assert reported + at(x) == pytest.approx(value, abs=ROUGH)
                checked += 1
        (band,) = [rect for rect in row.iter() if rect.tag.endswith("rect")]
        ends = float(band.get("x")), float(band.get("x")) + float(band.get("width"))
        assert [at(x) for x in ends] == [pytest.approx(end, abs=ROUGH) for end in (-0.5, 0.5)]
    assert checked >= 4


def test_ticks_above_the_rows_keep_away_from_the_first_label():
    kept = with_claims(make_run())
    many = replace(kept.run, comparisons=kept.run.comparisons[:3] * 3)
    shown = drawing("plot-claims-1", replace(kept, run=many))
    assert len(shown.rows()) >= 8
    label = shown.rows()[0].find("{*}text")
    texts = [text for text in shown.all("text") if text.get("text-anchor") == "middle"]
    highest = min(float(text.get("y")) for text in texts)
    assert highest < float(label.get("y"))  # there are ticks above
    assert float(label.get("y")) - float(label.get("font-size", "14")) - highest >= 10


def test_a_verdict_shows_by_shape_and_by_word():
    shown = drawing("plot-claims-1", with_claims(make_run()))
    looks = {mark.shape: mark.classes for mark in shown.marks("reproduced")}
    assert len(looks) == 3
    words = shown.texts()
    assert {"within tolerance", "differs", "matches"} <= set(words)
    assert "differs" in shown.desc and "within tolerance" in shown.desc


def test_alt_text_and_caption_say_the_figures():
    data = with_claims(make_run())
    plot = plots(data)["plot-claims-1"]
    first = data.run.comparisons[0]
    interval = score_intervals(data.questions, data.scores)["exact"][0]
    assert (
        f"reported {first.claim.digits}, reproduced {first.reproduced:.2f} "
        f"({interval.low:.2f} to {interval.high:.2f}), difference +0.25, tolerance 0.5, within tolerance"
    ) in Drawing(plot).desc
    assert "95 % interval, bootstrap over paragraphs" in plot.caption
    assert "Without a reproduced figure and left out: 1 claim" in plot.caption


def test_a_mark_beyond_the_axis_is_an_arrow_and_its_figure_still_printed():
    data = make_run()
    near = make_comparison(data.run, make_claim(reported=data.run.scores["exact"]), "exact", Verdict.MATCHES, 0.1)
    far = make_comparison(data.run, make_claim("f1", reported=5.0), "f1", Verdict.DIFFERS, 0.1)
    shown = drawing("plot-claims-1", replace(data, run=replace(data.run, comparisons=(near, far))))
    _, beyond = shown.marks("reproduced")
    assert beyond.shape.startswith("3 corners") and beyond.x > 400
    assert f"reproduced {far.reproduced:.2f}" in beyond.title
    assert all(0 <= x <= 440 for row in shown.rows() for pair in shown.whiskers(row) for x in pair)
    at = shown.across()
    assert at(shown.marks("reported")[0].x) == pytest.approx(0.0, abs=ROUGH)


def test_intervals_fall_back_and_never_belong_to_another_figure():
    data = with_claims(make_run())
    comparison = data.run.comparisons[0]
    paragraphs = spread_of(comparison, data, measure_intervals(data))
    assert "over paragraphs" in paragraphs.what
    # without the questions, paragraphs are not known
    alone = replace(data, questions=None)
    every = score_intervals(data.questions, data.scores)
    for at, key, wanted in ((0, "exact", every["exact"][2]), (1, "f1", every["f1"][1])):
        found = spread_of(data.run.comparisons[at], alone, measure_intervals(alone))
        assert (found.low, found.high) == (wanted.low, wanted.high)
        assert found.what.endswith({"exact": "Clopper-Pearson", "f1": "over questions"}[key])
    # a figure that is not the run's own has no interval of the run's
    other = replace(comparison, reproduced=comparison.reproduced + 1e-6)
    assert spread_of(other, data, measure_intervals(data)) is None
    assert spread_of(comparison, replace(data, scores=None), {}) is None
    best = replace(comparison, claim=make_claim(subset="best"), reproduced=data.run.best["best_exact"])
    assert spread_of(best, data, measure_intervals(data)) is None


def test_an_early_stop_shows_its_bounds():
    data = with_claims(make_run())
    bounds = Bounds("m", 0.05, 0, 120, 400, {"exact": 30.0, "f1": 31.0}, {"exact": 70.0, "f1": 71.0}, True)
    early = replace(data, run=replace(data.run, bounds=bounds))
    assert measure_intervals(early) == {}
    spread = spread_of(early.run.comparisons[0], early, {})
    assert (spread.low, spread.high) == (30.0, 70.0)
    assert "after 120 of 400 questions" in spread.what and "95 %" in spread.what
    assert spread_of(early.run.comparisons[2], early, {}) is None  # nothing is known of subsets
    assert "bounds after 120" in plots(early)["plot-claims-1"].caption
    whole = replace(early, run=replace(early.run, bounds=replace(bounds, used=400)))
    assert measure_intervals(whole) == measure_intervals(data)


def test_verdicts_by_seeds_show_the_prediction_interval_and_are_drawn_once():
    data = make_run()
    seeds = pool_seeds((50.0, 50.4, 49.9), HALF_WIDTH)
    comparison = Comparison(make_claim(), Verdict.WITHIN_TOLERANCE, "r", seeds.mean, 0.1, None, ("a", "b", "c"), seeds)
    spread = spread_of(comparison, data, measure_intervals(data))
    assert (spread.low, spread.high) == (seeds.mean - seeds.half_95, seeds.mean + seeds.half_95)
    assert spread.what == "95 % prediction interval of 3 seeds"
    runs = [replace(seeded(data, n), run=replace(seeded(data, n).run, comparisons=(comparison,))) for n in range(3)]
    drawn = plots(*runs)
    assert [plot for plot in drawn if "claims" in plot] == ["plot-claims-1"]
    shown = Drawing(drawn["plot-seeds"])
    assert len(shown.rows()) == 1
    (row,) = shown.rows()
    at = shown.across()
    ((low, high),) = shown.whiskers(row)
    assert (at(low), at(high)) == (pytest.approx(-seeds.half_95, abs=ROUGH), pytest.approx(seeds.half_95, abs=ROUGH))
    places = [at(mark.x) + seeds.mean for mark in shown.marks("run ")]
    assert places == [pytest.approx(value, abs=ROUGH) for value in seeds.values]
    assert at(shown.marks("reported")[0].x) == pytest.approx(50.0 - seeds.mean, abs=ROUGH)


# --- seeds


def test_runs_that_differ_in_seeds_alone_are_pooled():
    data = make_run(odds=False)
    values = {1: 60.0, 2: 61.0, 5: 60.2}
    runs = [seeded(data, seed, exact=value) for seed, value in values.items()]
    shown = drawing("plot-seeds", *runs)
    pooled = pool_seeds(tuple(values.values()), HALF_WIDTH, 120)
    at = shown.across()
    row = next(row for row in shown.rows() if row[0].text.startswith("exact:"))
    ((low, high),) = shown.whiskers(row)
    assert at(high) == pytest.approx(pooled.half_95, abs=ROUGH) and at(low) == pytest.approx(-pooled.half_95, abs=ROUGH)
    inside = [mark for mark in shown.marks("seed ") if mark.title.endswith(("60.00", "61.00", "60.20"))]
    assert [pooled.mean + at(mark.x) for mark in inside[:3]] == [pytest.approx(v, abs=ROUGH) for v in values.values()]
    assert f"mean {pooled.mean:.2f}" in shown.desc


def test_two_seeds_have_no_interval_and_one_no_figure():
    data = make_run(odds=False)
    assert "plot-seeds" not in plots(data)
    again = replace(seeded(data, 1), run=replace(seeded(data, 1, exact=50.0).run, id="again"))
    assert "plot-seeds" not in plots(seeded(data, 1), again)
    two = drawing("plot-seeds", seeded(data, 1), again, seeded(data, 2, exact=50.0))
    assert "2 seeds" in two.desc  # a seed that ran twice is no second draw
    assert not any(two.whiskers(row) for row in two.rows())
    assert "fewer than 3 seeds" in two.plot.caption
    other = seeded(data, 2)
    stages = tuple(replace(stage, epochs=9) for stage in other.run.recipe.stages)
    other = replace(other, run=replace(other.run, recipe=replace(other.run.recipe, stages=stages)))
    assert "plot-seeds" not in plots(seeded(data, 1), other)


# --- curves


@given(st.integers(0, 50), st.integers(1, 40))
def test_the_threshold_curve_is_what_applying_the_threshold_gives(seed, n):
    data = make_run(n=n, paragraphs=3, seed=seed)
    odds = read_odds(data)
    curves = trace_thresholds(odds)
    thresholds = sorted(set(odds.null_odds.values()))
    for threshold in [thresholds[0] - 1, *thresholds, *(t + 0.05 for t in thresholds)]:
        figures = summarize(apply_threshold(data.scores, odds.answers, odds.null_odds, threshold))
        for key, curve in curves.items():
            assert figure_at(curve, threshold) == pytest.approx(figures[key], abs=1e-9)
    for key, curve in curves.items():
        assert list(curve) == sorted(curve)
        # the run's own figure: what it answered "" is "" at every threshold above
        assert curve[-1][1] == pytest.approx(data.run.scores[key], abs=1e-9)


def test_best_and_chosen_thresholds_are_marked():
    data = make_run(n=300, seed=4)
    decoding = replace(data.run.recipe.decoding, null_threshold=-1.25)
    data = replace(data, run=replace(data.run, recipe=replace(data.run.recipe, decoding=decoding)))
    shown = drawing("plot-thresholds-1", data)
    best = best_thresholds(data.scores, data.predictions.answers, data.predictions.null_odds)
    across, up = shown.across(), shown.up()
    for mark, (key, name) in zip(shown.marks("best"), (("exact", "exact match"), ("f1", "F1")), strict=True):
        assert across(mark.x) == pytest.approx(best[f"best_{key}_thresh"], abs=0.05)
        assert up(mark.y) == pytest.approx(best[f"best_{key}"], abs=0.1)
        assert f"best {name} {best[f'best_{key}']:.2f} at {best[f'best_{key}_thresh']:.4f}" in shown.desc
    (chosen,) = [
        line for line in shown.all("line") if line.get("stroke-dasharray") and line.get("y1") != line.get("y2")
    ]
    assert across(float(chosen.get("x1"))) == pytest.approx(-1.25, abs=0.05)
    assert "chosen -1.25" in shown.texts()
    replayed = replace(data, run=replace(data.run, kind="replay"))
    assert not [text for text in drawing("plot-thresholds-1", replayed).texts() if text.startswith("chosen")]


@pytest.mark.parametrize("threshold", [1e9, -1.7e308])
def test_a_chosen_threshold_far_away_leaves_the_curves_their_room(threshold):
    data = make_run(n=300, seed=4)
    near = drawing("plot-thresholds-1", data)
    decoding = replace(data.run.recipe.decoding, null_threshold=threshold)
    far = drawing(
        "plot-thresholds-1", replace(data, run=replace(data.run, recipe=replace(data.run.recipe, decoding=decoding)))
    )
    assert [mark.x for mark in far.marks("best")] == [pytest.approx(mark.x, abs=1) for mark in near.marks("best")]
    (chosen,) = [line for line in far.all("line") if line.get("stroke-dasharray") and line.get("y1") != line.get("y2")]
    ends = [float(line.get(end)) for line in near.all("line") for end in ("x1", "x2") if line.get("class") == "muted"]
    assert float(chosen.get("x1")) in (min(ends), max(ends))
    assert f"chosen {threshold:g}, beyond this axis" in far.texts()


def test_precision_and_recall_are_the_curves():
    data = make_run(n=90)
    shown = drawing("plot-precision-1", data)
    curves = precision_recall(data.scores, data.predictions.answers, data.predictions.null_odds)
    across, up = shown.across(), shown.up()
    lines = [path for path in shown.all("path") if path.get("stroke-width") == "2"]
    for path, (key, curve) in zip(lines, curves.items(), strict=True):
        found = [(across(x), up(y)) for x, y in path_points(path.get("d"))]
        wanted = [(100 * r, 100 * p) for r, p in zip(curve.recall, curve.precision, strict=True)]
        assert [x for x, _ in found] == [pytest.approx(x, abs=0.1) for x, _ in wanted], key
        assert [y for _, y in found] == [pytest.approx(y, abs=0.1) for _, y in wanted], key
        assert any(f"{curve.average_precision:.2f}" in text for text in shown.texts())


def test_null_odds_beyond_every_axis_are_told_and_not_drawn():
    data = make_run()
    first = next(iter(data.predictions.null_odds))
    for value in (math.inf, -1.7e308):
        odds = {**data.predictions.null_odds, first: value}
        drawn = draw_all(ReportData((replace(data, predictions=Predictions(data.predictions.answers, odds)),)))
        assert not [plot for plot in drawn.plots if "thresholds" in plot.id or "precision" in plot.id]
        assert "finite" in " ".join(drawn.notes)
    assert not [plot for plot in plots(make_run(odds=False)) if "thresholds" in plot or "precision" in plot]


# --- training


def test_the_loss_of_every_stage_is_drawn():
    loss = [(10.0 * n, 3.0 / n) for n in range(1, 40)]
    rows = tuple(
        {"step": x, "epoch": 0.0, "loss": y, "learning_rate": 1e-3 * (40 - n)} for n, (x, y) in enumerate(loss)
    )
    constant = tuple({**row, "learning_rate": 0.5} for row in rows)
    broken = ({"step": 1.0, "loss": math.nan}, {"step": 2.0}, *constant)
    data = replace(make_run(odds=False), histories={"teacher": rows, "student": broken, "none": ()})
    shown = drawing("plot-training-1", data)
    paths = shown.all("path")
    assert len(paths) == 3  # the second stage's rate never moves
    across = shown.across()
    losses = [path for path in paths if path.get("class") == "accent"]
    for path in losses:
        assert [across(x) for x, _ in path_points(path.get("d"))] == [pytest.approx(x, abs=1.0) for x, _ in loss]
    heights = [y for _, y in path_points(losses[0].get("d"))]
    bottom, top = max(heights), min(heights)
    share = [(bottom - y) / (bottom - top) for y in heights]
    wanted = [(y - loss[-1][1]) / (loss[0][1] - loss[-1][1]) for _, y in loss]
    assert share == [pytest.approx(each, abs=0.01) for each in wanted]
    assert "stage teacher: loss 3 at step 10" in shown.desc
    assert "plot-training-1" not in plots(replace(data, histories={"x": ({"step": 1.0, "loss": math.inf},)}))
    single = drawing("plot-training-1", replace(data, histories={"x": ({"step": 5.0, "loss": 1.0},)}))
    assert single.all("path")


# --- groups


def test_groups_have_the_figures_of_the_breakdown_and_their_intervals():
    data = make_run(n=400, paragraphs=40, kinds=True)
    known = {question.id: question for question in data.questions}
    for by in ("question-word", "answer-length", "context-length", "kind"):
        shown = drawing(f"plot-by-1-{by}", data)
        at, wanted = shown.across(), break_down(data.questions, data.scores, by)
        assert [row.find("{*}text").text for row in shown.rows()] == list(wanted)
        for row, exact, f1, (name, figures) in zip(
            shown.rows(), shown.marks("exact match"), shown.marks("F1"), wanted.items(), strict=True
        ):
            assert at(exact.x) == pytest.approx(figures["exact"], abs=ROUGH * 5)
            assert at(f1.x) == pytest.approx(figures["f1"], abs=ROUGH * 5)
            assert f"{figures['total']} question" in "".join(row.itertext())
            members = [known[qid] for qid in group_questions(data.questions, by)[name]]
            clusters = [q.passage_id for q in members]
            (interval,) = bootstrap([(data.scores.exact[q.id],) for q in members], clusters, resamples=2000)
            if len(set(clusters)) < 10 or interval.high == interval.low:
                interval = clopper_pearson(sum(data.scores.exact[q.id] == 1 for q in members), len(members))
            ((low, high),) = shown.whiskers(row)
            assert (at(low), at(high)) == (
                pytest.approx(interval.low, abs=ROUGH * 5),
                pytest.approx(interval.high, abs=ROUGH * 5),
            )


def test_an_interval_without_width_says_nothing_and_is_not_drawn():
    data = make_run(n=40, paragraphs=40)
    right = replace(data.scores, exact=dict.fromkeys(data.scores.exact, 1.0))
    found = measure_group(data.questions, right)
    wanted = clopper_pearson(40, 40)
    assert (found.low, found.high, found.clustered) == (wanted.low, wanted.high, False)
    assert measure_group(data.questions, data.scores).clustered


def test_runs_on_the_same_questions_stand_side_by_side():
    runs = [make_run(name=f"model {n}", seed=n, odds=False) for n in range(7)]
    drawn = plots(*runs)
    shown = Drawing(drawn["plot-by-1-question-word"])
    assert len(shown.whiskers(shown.rows()[0])) == 5 and "first 5 of 7" in shown.plot.caption
    looks = {(mark.shape, mark.classes) for mark in shown.marks("exact match")}
    assert len(looks) == len({shape for shape, _ in looks}) == len({classes for _, classes in looks}) == 5
    other = make_run(n=60, odds=False, name="on fewer")
    assert {"plot-by-1-question-word", "plot-by-2-question-word"} <= plots(runs[0], other).keys()
    assert any("first 5 of 7 runs" in note for note in draw_all(ReportData(tuple(runs))).notes)


# --- pairs


def paired(tmp_path, first, second):
    files = []
    for name, data in (("a", first), ("b", second)):
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(dict(data.predictions.answers)), "utf-8")
    used = describe(first.run.evaluated.ref, first.questions, "set.json")
    return compare_predictions(first.questions, used, *files, resamples=500)


def test_differences_and_flips_of_pairs(tmp_path):
    first, second = make_run(name="one"), make_run(name="two", seed=9)
    pair = paired(tmp_path, first, second)
    drawn = plots(first, second, make_run(name="three", seed=3), pairs=(pair, None))
    shown = Drawing(drawn["plot-pairs"])
    at = shown.across()
    changes = [change for change in pair.changes if change.over == "paragraphs"]
    assert len(shown.rows()) == len(changes) == 2
    for row, change in zip(shown.rows(), changes, strict=True):
        ((low, high),) = shown.whiskers(row)
        assert (at(low), at(high)) == (
            pytest.approx(change.low, abs=ROUGH * 5),
            pytest.approx(change.high, abs=ROUGH * 5),
        )
        assert f"{change.difference:+.2f}" in "".join(row.itertext())
    assert "over paragraphs" in shown.plot.caption and "fewer than 10" not in shown.plot.caption
    alone = replace(pair, changes=tuple(change for change in pair.changes if change.over == "questions"))
    assert "over questions" in plots(first, second, pairs=(alone,))["plot-pairs"].caption
    flips = Drawing(drawn["plot-flips-2"])
    assert "plot-flips-3" not in drawn
    at = flips.across()
    bars = [(float(rect.get("x")), float(rect.get("width"))) for rect in flips.all("rect")]
    for (x, width), flip in zip(bars, pair.flips, strict=True):
        ends = (0, len(flip.ids)) if flip.gained else (-len(flip.ids), 0)
        assert (at(x), at(x + width)) == tuple(pytest.approx(end, abs=0.3) for end in ends)


def test_a_pair_without_intervals_is_drawn(tmp_path):
    first = make_run(name="one")
    pair = paired(tmp_path, first, replace(first, predictions=Predictions(dict(first.predictions.answers), {})))
    drawn = plots(first, first, pairs=(pair,))
    shown = Drawing(drawn["plot-pairs"])
    assert not any(shown.whiskers(row) for row in shown.rows())
    assert "interval" not in shown.texts() and "Lines are" not in shown.plot.caption
    assert "fewer than 10 paragraphs or questions differ" in shown.plot.caption
    assert "plot-flips-2" not in drawn


# --- every figure


def everything(tmp_path, change=lambda run: run):
    rows = tuple({"step": 1.0 * n, "loss": 1.0 / n, "learning_rate": 1.0 / n} for n in range(1, 9))
    first = replace(with_claims(make_run(kinds=True, name="one")), histories={"teacher": rows})
    second = replace(make_run(kinds=True, name="two", seed=5), histories={"student": rows})
    pair = paired(tmp_path, first, second)
    runs = tuple(replace(each, run=change(each.run)) for each in (first, second, seeded(second, 3)))
    return draw_plots(ReportData(runs, pairs=(pair, pair)))


def test_figures_are_whole_and_carry_nothing_that_acts(tmp_path):
    drawn = everything(tmp_path)
    assert len({plot.id for plot in drawn}) == len(drawn)
    assert {re.sub(r"plot-|-\d+", "", plot.id) for plot in drawn} >= {
        *("claims", "seeds", "pairs", "flips", "by-question-word", "by-kind", "precision", "thresholds", "training")
    }
    for plot in drawn:
        shown = Drawing(plot)
        root = shown.root
        assert root.get("role") == "img" and root.get("viewBox").startswith("0 0 440 ")
        assert shown.title == plot.title and len(shown.desc) > 40 and plot.caption.endswith(".")
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert ids == root.get("aria-labelledby").split() == [f"{plot.id}-title", f"{plot.id}-desc"]
        for element in root.iter():
            assert element.tag.split("}")[1] in ELEMENTS
            assert not any(name == "style" or name.startswith("on") or "href" in name for name in element.attrib)
            assert not any("url(" in value or "#" in value for value in element.attrib.values())
            numbers = [value for name, value in element.attrib.items() if name in ("x", "y", "cx", "cy", "x1", "x2")]
            assert all(re.fullmatch(r"-?\d+(\.\d{1,2})?", value) for value in numbers)
            assert all(
                -1 <= float(value) <= 440 for name, value in element.attrib.items() if name in ("x", "cx", "x1", "x2")
            )
        assert all(float(text.get("font-size", "14")) >= 13 for text in shown.all("text"))
    assert drawn == everything(tmp_path)


@pytest.mark.parametrize("hostile", [*HOSTILE, "\x00\x1b[31m\u202e\ud800 \ufffe ]]> &#0; &amp;", "长" * 300])
def test_hostile_text_stays_text(tmp_path, hostile):
    harmless = everything(tmp_path)
    shown = everything(tmp_path, lambda run: _renamed(run, hostile))
    for plain, plot in zip(harmless, shown, strict=True):
        got = Drawing(plot)
        assert {element.tag.split("}")[1] for element in got.root.iter()} <= ELEMENTS
        assert {name for _, names in structure(plot.svg) for name in names} <= {
            name for _, names in structure(plain.svg) for name in names
        }
        # cut labels gain a title, and a legend may take more lines; nothing else
        count = lambda svg: [name for name, _ in structure(svg)].count("{http://www.w3.org/2000/svg}text")  # noqa: E731
        assert count(plot.svg) <= count(plain.svg) + len(harmless)
        assert all(character.isprintable() for text in (plot.title, plot.caption, plot.svg) for character in text)


def _renamed(run, text):
    claims = tuple(
        replace(c, claim=replace(c.claim, metric=text, digits=text, data=replace(c.claim.data, name=text)), reason=text)
        for c in run.comparisons
    )
    return replace(run, card_name=f"{run.card_name[:1]}{text}", comparisons=claims)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_record_does_no_harm(hostile):
    run = hostile_run(finished_run(), hostile)
    history = {hostile: ({"step": 1.0, "loss": 1.0}, {"step": 2.0, "loss": 0.5})}
    for plot in draw_plots(ReportData((RunData(Path("x"), run, histories=history),))):
        assert {element.tag.split("}")[1] for element in Drawing(plot).root.iter()} <= ELEMENTS


def test_degenerate_records_are_drawn_or_left_out():
    bare = RunData(Path("x"), replace(finished_run(), status="failed", scores={}, comparisons=(), best={}))
    assert draw_plots(ReportData((bare,))) == ()
    one = make_run(n=1, paragraphs=1)
    assert all(Drawing(plot).root is not None for plot in draw_plots(ReportData((one,))))
    data = make_run()
    for reported, within in (
        (data.run.scores["exact"], 0.0),
        (-3.0, 0.0),
        (1e9, 0.1),
        (50.0, 1.7e308),
        (data.run.scores["exact"], 1e-9),
    ):
        only = (make_comparison(data.run, make_claim(reported=reported), "exact", Verdict.MATCHES, within),)
        assert drawing("plot-claims-1", replace(data, scores=None, run=replace(data.run, comparisons=only))).rows()
    same = [seeded(make_run(odds=False), seed) for seed in range(4)]
    assert drawing("plot-seeds", *same).rows()
    many = (make_comparison(data.run, make_claim(), "exact", Verdict.DIFFERS),) * 70
    shown = drawing("plot-claims-1", replace(data, run=replace(data.run, comparisons=many)))
    assert len(shown.rows()) == 60 and "first 60 of 70" in shown.plot.caption and len(shown.desc) <= 1500


def test_a_long_label_is_cut_and_stands_whole_in_its_title():
    data = make_run()
    claim = replace(make_claim(), metric="exact_match_" + "x" * 80)
    comparison = make_comparison(data.run, claim, "exact", Verdict.DIFFERS)
    shown = drawing("plot-claims-1", replace(data, run=replace(data.run, comparisons=(comparison,))))
    (cut,) = [text for text in shown.all("text") if "…" in "".join(text.itertext())]
    assert cut.find("{*}title").text == f"{claim.metric}[all]"
    assert text_width(fit(claim.metric, 200, 14), 14) <= 200


# --- scales


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(-1, 1)), min_size=1, max_size=3000))
def test_thinning_keeps_ends_and_extremes(points):
    points = sorted(points, key=lambda point: point[0])
    kept = thin(points)
    assert len(kept) <= max(MOST_POINTS, 1) and (kept[0], kept[-1]) == (points[0], points[-1])
    assert {max(y for _, y in points), min(y for _, y in points)} <= {y for _, y in kept}
    rest = iter(points)
    assert all(point in rest for point in kept)  # in their order
    assert len(points) > MOST_POINTS or kept == tuple(points)


def test_thinning_many_points():
    points = [(n / 1e5, math.sin(n / 50) + (9 if n == 77_777 else 0)) for n in range(100_000)]
    kept = thin(points)
    assert len(kept) <= MOST_POINTS and points[77_777] in kept and kept[-1] == points[-1]


@given(st.lists(st.floats(-1e6, 1e6), max_size=6), st.booleans())
def test_scales_hold_their_values_and_have_round_ticks(values, zero):
    scale = stretch(values, 10.0, 400.0, zero=zero)
    ticks = scale.ticks()
    assert scale.low < scale.high and 2 <= len(ticks) <= 13
    assert all(scale.holds(value) for value in values) and (not zero or scale.holds(0.0))
    shown = [tick_text(tick, ticks) for tick in ticks]
    assert len(set(shown)) == len(shown)
    for tick, text in zip(ticks, shown, strict=True):
        assert float(text.replace(",", "")) == pytest.approx(tick, abs=1e-6 * (scale.high - scale.low))
    assert scale.at(scale.low) == 10.0 and scale.at(scale.high) == pytest.approx(400.0)


def test_figures_that_are_not_finite_never_reach_the_page():
    assert stretch([math.nan, math.inf, 1.0, 2.0], 0, 1).holds(1.5)
    assert stretch([-1.7e308, 1.7e308], 0, 1).holds(0.5)  # as far apart as no float can say
    with pytest.raises(ValueError, match="finite"):
        number(math.nan)
    assert number(-0.001) == "0" and number(1.005) in ("1", "1.01") and number(120.0) == "120"
    assert Scale(0, 10, 0, 100).inside(99) == 100


# --- colours


def _luminance(colour):
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_can_be_told_from_the_page_in_both_schemes(tmp_path):
    css = (Path(__file__).parents[1] / "templates" / "plots.css").read_text("utf-8")
    schemes = [
        dict(re.findall(r"--plot-([\w-]+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", css, re.S)
    ]
    assert len(schemes) == 2 and schemes[0].keys() == schemes[1].keys()
    for scheme in schemes:
        paper = _luminance(scheme.pop("paper"))
        del scheme["line"]  # the grid is to stand back
        for name, colour in scheme.items():
            light, dark = sorted((paper, _luminance(colour)), reverse=True)
            # words are written in these, and need more than marks
            least = 4.5 if name in ("ink", "muted", "good", "warn", "bad") else 3.0
            assert (light + 0.05) / (dark + 0.05) >= least, name
    used = {
        name
        for plot in everything(tmp_path)
        for e in Drawing(plot).root.iter()
        for name in (e.get("class") or "").split()
    }
    assert used <= set(re.findall(r"plot \.([\w-]+) \{", css)) | {"plot"}


# --- the published predictions


def test_published_predictions_are_drawn_with_few_points(shared):
    questions = tuple(read_squad_file(shared / "data" / "squad" / "dev-v2.0.json"))
    answers = json.loads((shared / "data" / "predictions" / "squad2-dev-bert.json").read_text("utf-8"))
    answers = {question.id: answers[question.id] for question in questions}
    scores = score_predictions(questions, answers)
    # the published file has no null odds: some that fit its answers, the same every time
    odds = {
        q.id: (1.0 if answers[q.id] == "" else -1.0) * (1 + n * 7919 % 11873 / 1000) for n, q in enumerate(questions)
    }
    made = make_run()
    best = best_thresholds(scores, answers, odds)
    used = describe(made.run.evaluated.ref, questions, "dev.json")
    run = replace(made.run, scores=summarize(scores), best=best, evaluated=used)
    claim: Claim = make_claim(reported=78.74)
    run = replace(run, comparisons=(make_comparison(run, claim, "exact", Verdict.MATCHES),))
    data = RunData(Path("x"), run, questions, scores, Predictions(answers, odds))
    drawn = draw_plots(ReportData((data,)))
    assert len(drawn) == 6
    for plot in drawn:
        assert len(plot.svg) < 60_000
        for path in Drawing(plot).all("path"):
            assert len(path_points(path.get("d"))) <= 2 * MOST_POINTS + 2
    assert "11,873 questions" in Drawing(drawn[-1]).desc
