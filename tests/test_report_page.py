"""A report as a page: what it shows, that text stays text, and what it does where something is missing or altered."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from documents import HOSTILE, finished_run, hostile_run
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import TemplateRuntimeError, UndefinedError
from jinja2.exceptions import SecurityError, TemplateNotFound
from report_cases import (
    CONTEXTS,
    FIRST,
    NO_ANSWER,
    QUESTIONS,
    RIGHT,
    SECOND,
    UNANSWERABLE,
    Element,
    parse_page,
    replay,
    reproduce,
    squad_file,
)
from tiny_world import card

from harness.cli import main
from harness.errors import DataError, RecordError
from harness.records import (
    Answer,
    Card,
    DataUsed,
    Finding,
    ModelUsed,
    Predictions,
    Question,
    evidence_sha256,
)
from harness.report.browser import browse_questions
from harness.report.data import Plot, ReportData, RunData
from harness.report.gather import gather_report
from harness.report.marks import gold_spans, predicted_span, snippets
from harness.report.markup import Html, as_html, page_environment, seen
from harness.report.page import PRINTED, render_page
from harness.report.plots import draw_plots
from harness.squad import score_predictions
from harness.store import load_run, save_run, write_json

LIMIT = 12_000_000
"""Bytes of a page of 11,873 questions."""
PAYLOADS = (
    *HOSTILE,
    "</script><script>alert(1)</script>",
    "</style><img src=//canary.invalid/x onerror=alert(1)>",
    "\" onclick='alert(1)' x=\"",
    "' autofocus onfocus=alert(1) '",
    "]]>--!><svg/onload=alert(1)><!--",
    "javascript:alert(1)//`${alert(1)}`",
    "</textarea></title></noscript></template><base href=//canary.invalid>",
    "&lt;b&gt; &amp;amp; &#60;i&#62;",
    "a\u202eb\u2066c\x00d\x1be\ud800f\ufffeg\r\nh\u2028i",
    "{% include '/etc/passwd' %}{{ ''.__class__.__mro__ }}",
)


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    squad_file(tmp_path)
    return tmp_path


@pytest.fixture
def two(world) -> list[Path]:
    return [replay(world, FIRST), replay(world, SECOND)]


def gathered(paths, world: Path | None = None) -> ReportData:
    return gather_report(paths, {} if world is None else {"squad_v2": world / "data.json"})


def rows_of(page: Element) -> list[Element]:
    return page.one("div", id="list").all("li")


# content


def test_the_page_of_a_trained_run_shows_all_that_is_known(tmp_path, monkeypatch):
    text = card("75.0").replace("metrics:\n", "metrics:\n    - {type: f1, value: 12.5}\n")
    folder = reproduce(tmp_path, text, monkeypatch, "--seed", "5")
    run = load_run(folder)
    data = gather_report([folder], {"mini:validation": tmp_path / "mini.json"})
    page = parse_page(render_page(data))
    header, *claims = page.one("table", class_="claims").all("tr")
    names = [cell.text for cell in header.all("th")]
    for row, comparison in zip(claims, run.comparisons, strict=True):
        cells = [cell for cell in row.children if isinstance(cell, Element)]
        found = dict(zip(names, (" ".join(cell.text.split()) for cell in cells), strict=True))
        assert found["claim"] == f"{comparison.claim.metric} {comparison.claim.subset}"
        assert (found["reported"], found["verdict"]) == (comparison.claim.digits, comparison.state)
        assert float(found["reproduced"]) == pytest.approx(comparison.reproduced, abs=5e-5)
        assert float(found["difference"]) == pytest.approx(comparison.difference, abs=5e-5)
        assert found["reason"] == comparison.reason
        line = comparison.claim.place.line
        assert row.one("a").attributes["href"] == f"#L{line}"
        assert page.one("li", id=f"L{line}").one("code").text == text.split("\n")[line - 1]
    assert [row.text for row in claims] != [] and {c.state for c in run.comparisons} == {"matches", "differs"}
    recipe = page.one("section", id="recipe")
    seed = next(row for row in recipe.all("tr") if row.all("th")[0].text == "seed")
    assert seed.all("td")[0].text == "5"
    assert seed.all("td")[1].text.startswith("given")
    epochs = next(row for row in recipe.all("tr") if row.all("th")[0].text == "epochs")
    assert epochs.one("a").attributes["href"] == f"#L{text[: text.index('epochs =')].count(chr(10)) + 1}"
    for finding in data.findings:
        assert finding.message in page.one("section", id="card").text
    assert data.findings
    evidence = page.one("section", id="evidence").text
    for shown in (evidence_sha256(run), run.sha256, run.signature, run.evaluated.sha256, "harness reproduce tiny.md"):
        assert shown in evidence
    for package, version in run.environment.packages.items():
        assert package in evidence and version in evidence
    assert len(rows_of(page)) == 12
    assert data.notes == () and data.runs[0].notes == ()
    assert data.runs[0].histories == {run.stages[0].name: ({"step": 1.0, "loss": 0.5},)}


def test_links_lead_to_one_place_each_and_ids_are_unique(two, world, tmp_path, monkeypatch):
    trained = reproduce(tmp_path, card(), monkeypatch)
    for paths in ([trained], two, [two[0], trained]):
        data = gathered(paths, world) if two[0] in paths else gather_report(paths)
        page = parse_page(render_page(data, draw_plots(data)))
        ids = [element.attributes["id"] for element in page.all() if "id" in element.attributes]
        assert len(ids) == len(set(ids))
        for link in page.all("a"):
            target = link.attributes["href"]
            assert target.startswith("#") and target[1:] in ids
        for label in page.all("label"):
            assert label.attributes["for"] in ids
        for heading in page.all():
            if "aria-labelledby" in heading.attributes:
                assert set(heading.attributes["aria-labelledby"].split()) <= set(ids)
        levels = [int(e.name[1]) for e in page.all() if re.fullmatch("h[1-6]", e.name)]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_nothing_is_loaded_and_only_the_pages_own_style_and_script_run(two, world):
    data = gathered(two, world)
    page = parse_page(render_page(data, draw_plots(data)))
    for element in page.all():
        names = set(element.attributes)
        assert not {name for name in names if name.startswith("on")}
        assert not names & {"style", "src", "srcset", "action", "formaction", "background", "poster", "ping", "data"}
        assert element.name not in {"link", "img", "iframe", "object", "embed", "base", "image", "use", "foreignobject"}
        assert all("url(" not in value for value in element.attributes.values())
    (policy,) = (
        meta.attributes["content"] for meta in page.all("meta") if "Policy" in meta.attributes.get("http-equiv", "")
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert set(rules) == {"default-src", "base-uri", "form-action", "style-src", "script-src"}
    for name in ("style", "script"):
        content = page.one(name).text
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{name}-src"] == f"'sha256-{digest}'"
        assert "url(" not in content and "@import" not in content and "http" not in content
    head = page.one("head")
    assert [child.name for child in head.children if isinstance(child, Element)][:2] == ["meta", "meta"]


def test_every_question_shows_gold_and_prediction_in_their_place(two, world):
    page = parse_page(render_page(gathered(two, world)))
    assert [row.one("small").text for row in rows_of(page)] == [qid for qid, *_ in QUESTIONS]
    sections = page.one("div", id="list").all("section")
    assert [section.one("p", class_="c").text for section in sections] == [seen(context) for context in CONTEXTS]
    for row, (qid, paragraph, question, answers) in zip(rows_of(page), QUESTIONS, strict=True):
        assert row.one("a").text == question
        gold, *given = [line for line in row.all("p") if "s" not in line.attributes.get("class", "").split()]
        assert [bdi.text for bdi in gold.all("bdi")] == list(answers)
        assert ("no answer" in gold.text) == (not answers)
        for line, predicted, right in zip(given, (FIRST, SECOND), RIGHT, strict=True):
            assert line.one("b").text.split(": ")[1] == ("right" if qid in right else "wrong")
            assert [bdi.text for bdi in line.all("bdi")] == ([predicted[qid]] if predicted[qid] else [])
            in_place = not predicted[qid] or predicted[qid] in CONTEXTS[paragraph]
            assert ("not in the paragraph" in line.text) == (not in_place)
        marked = {kind: "".join(m.text for m in row.all("mark", class_=kind)) for kind in "gp"}
        for text in answers:
            assert text in marked["g"]
        for predicted in (FIRST, SECOND):
            if predicted[qid] in CONTEXTS[paragraph]:
                assert predicted[qid] in marked["p"]
        assert bool(row.all("mark", class_="g")) == bool(answers)


def test_filters_have_what_they_need(two, world):
    for row, (qid, *_) in zip(rows_of(parse_page(render_page(gathered(two, world)))), QUESTIONS, strict=True):
        key = row.attributes["data-k"]
        assert key[0] == ("u" if qid in UNANSWERABLE else "h")
        assert [state == "r" for state in key[1::2]] == [qid in right for right in RIGHT]
        assert [state == "n" for state in key[2::2]] == [qid in empty for empty in NO_ANSWER]
    browser = browse_questions(gathered(two, world))
    assert (browser.n, browser.unanswerable, browser.flipped) == (7, 2, len(RIGHT[0] ^ RIGHT[1]))


def test_two_runs_stand_side_by_side(two, world):
    data = gathered(two, world)
    page = parse_page(render_page(data))
    (pair,) = data.pairs
    runs = page.one("section", id="runs")
    text = " ".join(runs.text.split())
    assert f"{pair.changes[0].difference:+.4f}" in text
    assert (len(pair.only_first), len(pair.only_second)) == (len(RIGHT[0] - RIGHT[1]), len(RIGHT[1] - RIGHT[0]))
    counts = {
        row.one("th").text: row.all("td")[0].text
        for row in runs.one("div", **{"aria-label": "Right and wrong"}).all("tr")[1:]
    }
    assert (counts["only run 1 right"], counts["only run 2 right"], counts["both wrong"]) == ("1", "2", "1")
    assert (
        f"McNemar's test of exact match, which takes all 7 questions for independent: p {pair.mcnemar.p:.4f}," in text
    )
    differences = runs.one("div", **{"aria-label": "Differences"})
    assert "McNemar" not in differences.text  # its p is in no column of another's
    assert "none" in differences.text and "No interval where fewer than 10 paragraphs or questions differ" in text
    assert all(one.run.id in text for one in data.runs)
    (select,) = page.all("select", id="run")
    assert [option.text for option in select.all("option")] == ["run 1", "run 2"]


def test_scores_by_type_and_length_add_up(two, world):
    page = parse_page(render_page(gathered(two[:1], world)))
    tables = [table for table in page.one("section", id="scores").all("table") if "By" in table.one("caption").text]
    assert [table.one("caption").text for table in tables] == [
        "By question word",
        "By words of the shortest reference answer",
        "By words of the paragraph",
    ]
    for table in tables:
        rows = [[cell.text for cell in row.all("td")] for row in table.all("tr")[1:]]
        assert sum(int(n) for n, _, _ in rows) == 7
        assert sum(int(n) * float(exact) for n, exact, _ in rows) == pytest.approx(100 * len(RIGHT[0]), abs=0.2)


def test_figures_are_put_in_as_they_are_with_their_words_escaped():
    plot = Plot("one", "A <title>", "A & caption", '<svg role="img"><title>x</title></svg>')
    page = parse_page(render_page(ReportData((RunData(Path("x"), finished_run()),)), [plot])).one(
        "section", id="figures"
    )
    assert (page.one("h3").text, page.one("figcaption").text) == ("A <title>", "A & caption")
    assert page.one("svg").attributes["role"] == "img"


def test_seeds_that_were_judged_together_share_a_table(tmp_path, monkeypatch):
    first = reproduce(tmp_path, card("75.0"), monkeypatch)
    other = reproduce(tmp_path, card("75.0"), monkeypatch, "--seed", "9")
    runs = [load_run(path) for path in (first, other)]
    save_run(other, replace(runs[1], comparisons=runs[0].comparisons))
    page = parse_page(render_page(gather_report([first, other])))
    assert len(page.all("table", class_="claims")) == 1
    save_run(other, replace(runs[1], comparisons=()))
    page = parse_page(render_page(gather_report([first, other])))
    assert page.one("section", id="claims").one("h3").text == "Reported against reproduced run 1"


def test_lines_are_linked_only_where_they_are_of_the_card_on_the_page(tmp_path, monkeypatch):
    other = reproduce(tmp_path, card("60.0"), monkeypatch)
    first = reproduce(tmp_path, card("75.0", "weight_decay = 0.5\n"), monkeypatch)
    page = parse_page(render_page(gather_report([first, other])))
    own, others = page.all("table", class_="claims")
    assert [link.text for link in own.all("a")] == ["line 8"]
    assert not others.all("a") and "line 8" in others.text
    linked = [bool(table.all("a")) for table in page.one("section", id="recipe").all("table")]
    assert linked == [True, True, False, False]


# text stays text


def shape(element: Element) -> list[object]:
    """Everything about a page but its words: elements with the names of their attributes."""
    return [
        (child.name, tuple(child.attributes), shape(child)) for child in element.children if isinstance(child, Element)
    ]


def hostile_data(text: str) -> ReportData:
    """A report in which everything that somebody else may have written is this text."""
    run = hostile_run(finished_run(), text)
    ids = [f"{text}{n}" for n in range(3)]
    context = f"Begin {text} end, and {text} again."
    start = context.index(text)
    questions = (
        Question(ids[0], "0:0", context, text, (Answer(text, start), Answer("end", context.index("end")))),
        Question(ids[1], "0:0", context, text, ()),
        Question(ids[2], text, text, text, (Answer(text, 0),), kind=text),
    )
    answers = {ids[0]: f"{text} end", ids[1]: text, ids[2]: text}
    scores = score_predictions(questions, answers, rules="2.0")
    used = DataUsed(run.evaluated.ref, 3, 2, run.evaluated.sha256, text)
    run = replace(run, evaluated=used, error=text, untried=text, scores={text: 1.0, "exact": 2.0, "f1": 3.0})
    read = Card(text, text, run.card_sha256, f"{text}\n{text}\n", {}, (), ())
    findings = (Finding(text, "warning", text, 1), Finding(text, "info", text), Finding(text, "error", text, 99))
    one = RunData(Path(text.replace("\0", "")), run, questions, scores, Predictions(answers, {}), {}, (text,))
    other = replace(one, run=replace(run, id=f"{text}2"), predictions=None)
    return ReportData((one, other), read, findings, (None,), (text,))


@pytest.mark.parametrize("text", PAYLOADS)
def test_hostile_text_is_shown_as_text_in_every_place(text):
    harmless = re.sub(r"[^\w\s]", "-", text.replace("\r", "-"))  # the same words by the official rules
    hostile, plain = (parse_page(render_page(hostile_data(t), ())) for t in (text, harmless))
    assert shape(hostile) == shape(plain)
    changed = {
        name
        for one, other in zip(hostile.all(), plain.all(), strict=True)
        for name in one.attributes
        if one.attributes[name] != other.attributes[name]
    }
    assert changed <= {"aria-label", "data-g", "data-p", "data-k"}
    shown = seen(text)
    assert shown in hostile.one("h1").text
    assert sum(shown in e.text for e in hostile.all("td")) > 20
    rows = rows_of(hostile)
    assert [row.one("a").text for row in rows] == [shown] * 3
    assert [row.all("mark", class_="p")[0].text for row in rows] == [shown] * 3


@pytest.mark.parametrize("text", PAYLOADS)
def test_hostile_text_cannot_break_out_of_figures(text):
    data = hostile_data(text)
    plots = draw_plots(data)
    assert plots
    page = parse_page(render_page(data, plots))
    names = {element.name for element in page.one("section", id="figures").all()}
    drawn = {"svg", "g", "title", "desc", "path", "line", "rect", "circle", "text", "tspan", "polyline", "polygon"}
    assert names <= drawn | {"h2", "h3", "div", "figure", "figcaption"}
    assert len(page.all("script")) == 1


NASTY = st.text(
    alphabet=st.one_of(st.sampled_from("<>&\"'`=/ \t\n\r\0\x1b\u202e\u2028\ud800;#-!"), st.characters()), max_size=30
)


@settings(deadline=None)
@given(NASTY)
@example("&lt;")
@example("\r\n")
def test_escaped_text_is_read_back_as_what_can_be_seen(text):
    page = parse_page(f'<p title="{as_html(text)}">{as_html(text)}</p>').one("p")
    assert page.text == page.attributes["title"] == seen(text)
    seen(text).encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufeff]", seen(text))


def test_what_no_font_draws_is_shown_and_what_scripts_need_stays():
    unseen = "\u034f\u115f\u1160\u17b4\u3164\uffa0\U0001d173\U000e0041\U000e0100"
    assert seen(unseen) == unseen.encode("unicode_escape").decode("ascii")
    needed = "नमस्\u200dते می\u200cخواهم \u2764\ufe0f e\u0301\t\n"
    assert seen(needed) == needed


def test_the_command_says_that_local_paths_are_names(two, world):
    text = parse_page(render_page(gathered(two[:1], world))).one("section", id="evidence").text
    assert "--use squad_v2=data.json" in text and "After each = stands the name of a local file or folder" in text
    run = replace(gathered(two[:1]).runs[0].run, used={})
    assert "After each =" not in render_page(ReportData((RunData(world, run),)))


def test_templates_print_text_and_whole_numbers_alone():
    environment = page_environment()
    render = lambda source, **fields: environment.from_string(source).render(**fields)  # noqa: E731
    assert render("{{ x }}", x="<b>\u202e") == "&lt;b&gt;\\u202e"
    assert render("{{ x }}", x=Html("<b>")) == "<b>"
    assert render("{{ x }}", x=3) == "3"
    for value in (1.5, None, True, {}, b"x"):
        with pytest.raises(TemplateRuntimeError, match="neither text nor"):
            render("{{ x }}", x=value)
    with pytest.raises(UndefinedError):
        render("{{ nothing }}")
    with pytest.raises(SecurityError):
        render("{{ x.__class__ }}", x="")
    with pytest.raises(TemplateNotFound):
        environment.get_template("../pyproject.toml")


# marks


@st.composite
def marked(draw: st.DrawFn) -> tuple[Question, str]:
    context = draw(st.text(alphabet="ab \U0001f30d\u202e.", min_size=1, max_size=300))
    spans = draw(st.lists(st.tuples(st.integers(0, len(context)), st.integers(0, len(context))), max_size=4))
    answers = tuple(Answer(context[a:b], a) for a, b in map(sorted, spans) if a < b)
    a, b = sorted(draw(st.tuples(st.integers(0, len(context)), st.integers(0, len(context)))))
    return Question("q", "p", context, "?", answers), context[a:b]


@settings(deadline=None)
@given(marked())
def test_pieces_mark_exactly_the_spans(case):
    question, predicted = case
    gold = gold_spans(question)
    span = predicted_span(question.context, predicted, gold)
    assert (span is None) == (not predicted.strip())
    assert {question.context[a:b] for a, b in gold} == {answer.text for answer in question.answers}
    if span is not None:
        assert question.context[slice(*span)] == predicted
    spans = () if span is None else (span,)
    place = 0
    covered: dict[int, tuple[bool, bool]] = {}
    for snippet in snippets(question.context, gold, spans):
        text = "".join(piece.text for piece in snippet)
        place = question.context.index(text, place)
        for piece in snippet:
            assert piece.text
            for offset in range(len(piece.text)):
                covered[place + offset] = piece.gold, piece.predicted
            place += len(piece.text)
    for at in range(len(question.context)):
        wanted = any(a <= at < b for a, b in gold), any(a <= at < b for a, b in spans)
        assert covered.get(at, (False, False)) == wanted


def test_of_several_places_the_one_at_the_gold_answer_is_taken():
    context = "1905 was long ago; it was built in 1905, not in 1905."
    second = context.index("1905", 5)
    assert predicted_span(context, "1905", [(second, second + 4)]) == (second, second + 4)
    assert predicted_span(context, "1905", []) == (0, 4)
    assert predicted_span(context, "1906", []) is None


@pytest.mark.parametrize(
    ("context", "text", "start"),
    [
        ("Of 88% some 8% are left.", "8%", 12),
        ("The female sex hormones, unlike male sex hormones, rise.", "male sex hormones", 32),
        ("In 1332, not in 13 or 13.", "13", 16),
        ("Zażółć zaż: aż do aż.", "aż", 12),
        ("cafes, cafe\u0301 and cafe", "cafe", 17),
        ("The Normans came.", "Norman", 4),
        ("(13) or 13", "(13)", 0),
    ],
)
def test_a_prediction_is_marked_as_words_rather_than_within_one(context, text, start):
    assert predicted_span(context, text, []) == (start, start + len(text))
    within = context.index(text)
    assert predicted_span(context, text, [(within, within + 1)]) == (within, within + len(text))  # gold goes first


def test_an_answer_of_blanks_is_shown_as_none(world):
    page = parse_page(
        render_page(gathered([replay(world, {**FIRST, "q-elbe-none": " \t", "q-bridge-when": "the"})], world))
    )
    rows = {row.one("small").text: row for row in rows_of(page)}
    blank, article = rows["q-elbe-none"], rows["q-bridge-when"]
    assert blank.attributes["data-k"] == "urn" and "data-p" not in blank.attributes
    assert blank.one("p", class_="r").one("em").text == "no answer" and not blank.all("mark")
    assert article.attributes["data-k"] == "hwn" and article.one("p", class_="w").one("bdi").text == "the"


def test_an_answer_that_is_not_at_its_offset_is_looked_for():
    question = Question("q", "p", "one two three", "?", (Answer("two", 0), Answer("four", 4), Answer("one", -13)))
    assert gold_spans(question) == ((0, 3), (4, 7))


def test_spans_are_counted_as_scripts_count(two, world):
    page = parse_page(render_page(gathered(two, world)))
    checked = 0
    for row in rows_of(page):
        assert row.parent is not None and row.parent.parent is not None
        units = row.parent.parent.one("p", class_="c").text.encode("utf-16-le")
        qid = row.one("small").text
        answers = next(answers for found, _, _, answers in QUESTIONS if found == qid)
        for name, texts in (("data-g", answers), ("data-p", {FIRST[qid], SECOND[qid]})):
            for span in filter(None, row.attributes.get(name, "").split(",")):
                a, b = map(int, span.split("-"))
                assert units[2 * a : 2 * b].decode("utf-16-le") in texts
                checked += 1
    assert checked > 10


# the same bytes


def test_the_same_runs_give_the_same_bytes_in_every_process(two, world):
    code = (
        "import sys, hashlib; from harness.cli import main; "
        f"main(['report', *{[str(p) for p in two]!r}, '-o', sys.argv[1], '--use', 'squad_v2=data.json'])"
    )
    digests = set()
    for seed in ("0", "7"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "UTC" if seed == "0" else "Asia/Tokyo"}
        file = world / f"{seed}.html"
        subprocess.run([sys.executable, "-c", code, str(file)], check=True, env=environment, capture_output=True)
        digests.add(file.read_bytes())
    assert len(digests) == 1
    assert main(["report", *map(str, two), "-o", "here.html", "--use", "squad_v2=data.json"]) == 0
    assert (world / "here.html").read_bytes() in digests


# what is missing or altered


def test_without_the_data_the_rest_is_shown(two, capsys):
    data = gathered(two)
    for one in data.runs:
        assert one.questions is None
        assert "--use squad_v2=PATH" in one.notes[0]
    page = parse_page(render_page(data))
    assert not page.all("section", id="questions") and not page.all("form")
    assert "--use squad_v2=PATH" in page.one("section", id="evidence").text
    assert data.pairs[0] is not None and page.one("section", id="runs")


def test_other_data_are_left_out_with_a_note(two, world):
    squad_file(world, str.upper)
    (note,) = gathered(two[:1], world).runs[0].notes
    assert "is not what the run evaluated (7 questions" in note


def test_a_name_that_no_run_evaluated_is_refused(two, world):
    with pytest.raises(DataError, match="they evaluated squad_v2"):
        gather_report(two, {"squad": world / "data.json"})


def alter(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("predictions.json", "North Sea", "East Sea"), ("per_question.json", "1.0", "0.0"), ("record.json", "7", "8")],
)
def test_altered_evidence_is_refused(two, world, name, old, new):
    alter(two[1] / name, old, new)
    with pytest.raises(RecordError):
        gathered(two, world)


def test_altered_null_odds_are_left_out(two, world):
    assert gathered(two[:1], world).runs[0].predictions.null_odds
    write_json(two[0] / "null_odds.json", {qid: float(-n) for n, qid in enumerate(FIRST)})
    one = gathered(two[:1], world).runs[0]
    assert one.predictions.answers == FIRST and one.predictions.null_odds == {}
    assert "does not give the best figures" in one.notes[0]
    odds = {qid: -3.5 + n for n, qid in enumerate(FIRST)}
    for changed in ({**odds, "q-short": float("nan")}, {**odds, "q-other": 0.0}, dict(list(odds.items())[1:])):
        (two[0] / "null_odds.json").write_text(json.dumps(changed), "utf-8")
        one = gathered(two[:1], world).runs[0]
        assert one.predictions.null_odds == {} and "left out" in one.notes[0]
    (two[0] / "null_odds.json").unlink()
    assert "cannot be read" in gathered(two[:1], world).runs[0].notes[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"step": 1, "loss": 0.5}\n{"step": 4, "loss": 0.4}\n', "more steps"),
        ('{"step": 1, "loss": NaN}\n', "found"),
        ('{"step": 2, "loss": 1}\n{"step": 1, "loss": 1}\n', "rising"),
        ("[1]\n", "found"),
        ('{"step": 1, "loss": "<b>"}\n', "found"),
        ("no\n", "cannot be read"),
        (None, "not in the folder"),
    ],
)
def test_a_training_that_is_not_the_records_is_not_drawn(tmp_path, monkeypatch, text, said):
    folder = reproduce(tmp_path, card(), monkeypatch)
    (file,) = folder.glob("stages/*/training.jsonl")
    file.unlink() if text is None else file.write_text(text, "utf-8")
    one = gather_report([folder], {"mini:validation": tmp_path / "mini.json"}).runs[0]
    assert one.histories == {}
    assert said in one.notes[0]


def test_a_card_that_changed_is_not_shown(tmp_path, monkeypatch):
    folder = reproduce(tmp_path, card(), monkeypatch)
    assert gather_report([folder]).card.text == card()
    (tmp_path / "tiny.md").write_text(card("75.1"), "utf-8")
    data = gather_report([folder])
    assert (data.card, data.findings) == (None, ())
    assert "has changed since" in data.notes[0]
    page = parse_page(render_page(data))
    assert not page.all("section", id="card")
    assert "line 8" in page.one("table", class_="claims").text and not page.one("table", class_="claims").all("a")
    (tmp_path / "tiny.md").unlink()
    assert "is not there" in gather_report([folder]).notes[0]


def test_the_card_is_found_from_another_folder(tmp_path, monkeypatch):
    folder = reproduce(tmp_path, card(), monkeypatch)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert gather_report([folder]).card.text == card()


def test_a_path_in_a_record_leads_to_nothing_but_the_card(tmp_path, monkeypatch):
    folder = reproduce(tmp_path, card(), monkeypatch)
    run = load_run(folder)
    os.mkfifo(tmp_path / "pipe")
    for path in ("pipe", "/dev/zero", "a\0b", "x" * 5000, "mini.json"):
        save_run(folder, replace(run, card_path=path))
        assert gather_report([folder]).card is None


def test_accepted_findings_are_left_out_as_of_the_runs_day(tmp_path, monkeypatch):
    folder = tmp_path / "cards" / "tiny"
    folder.mkdir(parents=True)
    made = reproduce(tmp_path, card(), monkeypatch)
    (folder / "README.md").write_text(card(), "utf-8")
    run = load_run(made)
    save_run(made, replace(run, card_path="cards/tiny/README.md"))
    codes = {finding.code for finding in gather_report([made]).findings}
    assert "licence-missing" in codes
    for day, left in ((run.finished[:10], set()), ("2020-01-01", {"licence-missing"})):
        text = f"schema: 1\nfindings:\n- {{code: licence-missing, reason: r, expires: {day}}}\n"
        (folder / "assumptions.yaml").write_text(text, "utf-8")
        assert gather_report([made]).notes == ()
        found = {finding.code for finding in gather_report([made]).findings}
        assert found & {"licence-missing"} == left
        assert found | {"licence-missing"} == codes
    (folder / "assumptions.yaml").write_text("findings: 3\n", "utf-8")
    data = gather_report([made])
    assert data.card is None and "cannot be read for an audit" in data.notes[0]  # and not: an audit finds nothing


def test_a_record_alone_is_reported_without_its_questions(two, world):
    alone = world / "kept.json"
    alone.write_bytes((two[1] / "record.json").read_bytes())
    data = gathered([two[0], alone], world)
    assert data.pairs == (None,)
    assert "run folder" in data.runs[1].notes[0]
    assert "not compared question by question" in data.notes[-1]
    page = parse_page(render_page(data))
    assert "Run 2: of other questions" in page.one("section", id="questions").text
    assert len(rows_of(page)) == 7 and not page.all("select", id="run")


def test_without_answers_right_and_wrong_are_shown(two, world):
    (two[0] / "predictions.json").unlink()
    page = parse_page(render_page(gathered(two[:1], world)))
    assert [row.attributes["data-k"][1:] for row in rows_of(page)] == [
        ("r?" if qid in RIGHT[0] else "w?") for qid, *_ in QUESTIONS
    ]
    assert not page.all("select", id="given")
    (two[0] / "per_question.json").unlink()
    data = gathered(two[:1], world)
    assert browse_questions(data) is None and "per_question.json" in data.runs[0].notes[0]


def test_a_failed_run_says_so(tmp_path):
    run = replace(finished_run(), status="failed", error="it <broke>", scores={}, comparisons=(), evaluated=None)
    save_run(tmp_path, run)
    data = gather_report([tmp_path])
    page = parse_page(render_page(data, draw_plots(data)))
    assert "The run failed: it <broke>" in page.one("main").text
    assert "the run is failed" in data.runs[0].notes[0]


def test_runs_of_other_data_are_set_beside_and_not_compared(two, world, tmp_path, monkeypatch):
    trained = reproduce(tmp_path, card(), monkeypatch)
    data = gather_report(
        [two[0], trained], {"squad_v2": world / "data.json", "mini:validation": tmp_path / "mini.json"}
    )
    assert data.pairs == (None,) and "two runs can be compared on the same questions only" in data.notes[-1]
    page = parse_page(render_page(data, draw_plots(data)))
    assert len(rows_of(page)) == 7
    assert "Run 2: of other questions" in page.one("section", id="questions").text


def test_a_run_that_stopped_early_shows_what_it_asked(two, world):
    data = gathered(two, world)
    few = dict(list(FIRST.items())[:3])
    asked = [question for question in data.runs[0].questions if question.id in few]
    early = replace(data.runs[1], scores=score_predictions(asked, few, rules="2.0"), predictions=Predictions(few, {}))
    for runs, count in (((data.runs[0], early), 7), ((early, data.runs[0]), 3)):
        page = parse_page(render_page(ReportData(runs)))
        assert len(rows_of(page)) == count
        assert "Run 2: of other questions" in page.one("section", id="questions").text
        rows = page.one("section", id="scores").all("table")[1].all("tr")[1:]
        counts = [sum(int(row.all("td")[column].text or 0) for row in rows) for column in (0, 3)]
        assert counts == [count, 10 - count]


def test_embedded_data_are_shown_without_being_given(tmp_path, monkeypatch):
    from harness.opened_data import open_data
    from harness.replay import replay_predictions

    monkeypatch.chdir(tmp_path)
    opened = open_data("pocket:validation[:40]", {})
    (tmp_path / "p.json").write_text(json.dumps({q.id: "" for q in opened.questions}), "utf-8")
    folder, _ = replay_predictions("m", tmp_path / "p.json", opened, tmp_path / "runs")
    data = gather_report([folder])
    assert data.runs[0].questions == opened.questions
    page = parse_page(render_page(data))
    assert "By kind of question" in page.one("section", id="scores").text
    assert len(rows_of(page)) == 40


def test_a_file_without_a_known_name_is_given_by_it(world):
    from harness.opened_data import open_data
    from harness.replay import replay_predictions

    (world / "answers.json").write_text(json.dumps(FIRST), "utf-8")
    folder, _ = replay_predictions("m", world / "answers.json", open_data("data.json", {}), world / "runs")
    (note,) = gather_report([folder]).runs[0].notes
    assert "--use data=PATH" in note
    assert len(gather_report([folder], {"data": world / "data.json"}).runs[0].questions) == 7


def test_a_run_given_twice_is_refused(two):
    with pytest.raises(RecordError, match="expected every run once"):
        gather_report([two[0], two[0] / "record.json"])


# a card that is given


CLAIMS = """---
model-index:
- name: org/model
  results:
  - task: {type: question-answering}
    dataset: {type: squad_v2, name: SQuAD, split: validation}
    metrics:
    - {type: exact_match, value: 57.14}
---

# org/model
"""


@pytest.mark.parametrize("kind", ["replay", "released"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_card_is_given_for_runs_that_name_none(two, world, call, kind, count):
    """Neither replays nor evaluations of released weights have the path of a card in their record."""
    (world / "given card.md").write_text(CLAIMS, "utf-8")
    for path in two:
        run = load_run(path)
        assert run.card_path is None
        if kind == "released":
            save_run(path, replace(run, kind="released", model=ModelUsed("org/model", "0" * 64)))
    options = [*two[:count], "--card", "given card.md", "--use", "squad_v2=data.json"]
    code, out, err = call(*options, "-o", "a.html")
    assert (code, out) == (0, ""), err
    page = parse_page((world / "a.html").read_text("utf-8"))
    card_section = page.one("section", id="card")
    assert card_section.all("code")[0].text == "given card.md"
    table, *others = page.all("table", class_="claims")
    states = [row.one("span", class_="state").text for row in table.all("tr")[1:]]
    assert states == ["not_comparable"]  # of 7 questions, and claimed of all 11,873
    assert len(others) == count - 1
    # the verdicts are on the card that is given, so that its lines can be linked
    assert table.one("a").attributes["href"] == "#L8" and page.one("li", id="L8")
    code, out, _ = call(*options)
    assert code == 0 and "card: given card.md" in out and "not_comparable" in out
    assert "--use squad_v2=data.json --card 'given card.md' -o report.html" in out
    code, out, _ = call(*options, "--format", "results")
    results = json.loads(out)
    assert code == 0 and results["card"]["path"] == "given card.md" and len(results["runs"]) == count
    assert [claim["verdict"] for claim in results["claims"]] == ["not_comparable"]


def test_a_card_found_elsewhere_has_the_path_of_the_record(tmp_path, monkeypatch):
    folder = reproduce(tmp_path, card(), monkeypatch)
    here = render_page(gather_report([folder]))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert render_page(gather_report([folder])) == here


@pytest.mark.parametrize("arguments", [["-o", "a.html"], ["--format", "md"]])
def test_a_template_that_fails_is_one_message(two, world, call, monkeypatch, arguments):
    monkeypatch.setattr("harness.report.views.repeat_command", lambda run: None)
    monkeypatch.setattr("harness.render.report.used_data", lambda run: 5)
    code, out, err = call(two[0], *arguments)
    assert (code, out) == (2, "") and not (world / "a.html").exists()
    assert "Traceback" not in err and err.count("\n") == 1
    name = "report.md.j2" if "md" in arguments else "_report_evidence.html.j2"
    assert re.search(rf"{re.escape(name)}:\d+: the package's template cannot be rendered \(", err)


# the command


@pytest.fixture
def call(capsys):
    def run(*arguments) -> tuple[int, str, str]:
        code = main(["report", *map(str, arguments)])
        return (code, *capsys.readouterr())

    return run


def test_the_files_name_says_the_format(two, world, call):
    code, out, err = call(two[0], "-o", "a.html", "--use", "squad_v2=data.json")
    assert (code, out) == (0, "") and "wrote a.html" in err
    text = (world / "a.html").read_text("utf-8")
    assert text.startswith("<!doctype html>") and text.endswith("</html>\n")
    assert call(two[0], "-o", "a.md")[0] == 0
    assert (world / "a.md").read_text("utf-8").startswith("# Report: org/model")
    assert call(two[0], "-o", "a.txt", "--format", "md")[0] == 0
    assert (world / "a.txt").read_bytes() == (world / "a.md").read_bytes()
    assert call(two[0], "--format", "md")[1] == (world / "a.md").read_text("utf-8")
    assert call(two[0], "-o", "a.page", "--format", "html", "--use", "squad_v2=data.json")[0] == 0
    assert (world / "a.page").read_bytes() == (world / "a.html").read_bytes()


def test_without_a_file_the_terminal_gets_a_summary(two, call):
    code, out, _ = call(two[0])
    assert code == 0
    assert f"{100 * len(RIGHT[0]) / 7:.4f}" in out and "# Report" not in out and "<" not in out


def test_json_is_the_record_or_a_list_of_records(two, call):
    ids = [load_run(path).id for path in two]
    assert json.loads(call(two[0], "--json")[1])["id"] == ids[0]
    assert [run["id"] for run in json.loads(call(*two, "--json")[1])] == ids


def usage_errors() -> Iterator[tuple[str, list[str], str]]:
    yield "a name without a format", ["-o", "a.pdf"], "ends in .html, .md or .json"
    yield "a page without a file", ["--format", "html"], "name it with -o"
    yield "a summary in a file", ["-o", "a.html", "--format", "text"], "for the terminal"
    yield "json in a file", ["-o", "a.html", "--json"], "leave out -o"
    yield "json with data", ["--json", "--use", "squad_v2=data.json"], "leave it out"
    yield "Markdown with data", ["-o", "a.md", "--use", "squad_v2=data.json"], "leave it out"
    yield "data of another name", ["-o", "a.html", "--use", "squad=data.json"], "they evaluated squad_v2"


@pytest.mark.parametrize(("options", "said"), [row[1:] for row in usage_errors()], ids=[r[0] for r in usage_errors()])
def test_what_cannot_be_done_is_said(two, world, call, options, said):
    before = sorted(world.iterdir())
    code, out, err = call(two[0], *options)
    assert (code, out) == (2, "")
    assert said in " ".join(err.replace("│", " ").split())
    assert sorted(world.iterdir()) == before


def test_several_runs_have_no_markdown(two, call):
    code, _, err = call(*two, "-o", "a.md")
    assert code == 2 and "of one run" in err


def test_a_page_is_written_whole_or_not_at_all(two, world, call):
    (world / "a.html").write_text("old", "utf-8")
    alter(two[0] / "predictions.json", "North Sea", "East Sea")
    assert call(two[0], "-o", "a.html")[0] == 2
    assert (world / "a.html").read_text("utf-8") == "old"
    (world / "folder.html").mkdir()
    code, _, err = call(two[1], "-o", "folder.html")
    assert (code == 2 and "cannot be written" in err) or "regular file" in err
    assert not list(world.glob(".*.tmp"))


def test_notes_reach_the_terminal_escaped(two, call):
    run = load_run(two[0])
    save_run(two[0], replace(run, card_path="a\x1b[2J.md", card_sha256="0" * 64))
    code, _, err = call(two[0], "-o", "a.html")
    assert code == 0
    assert "\x1b" not in err and "--use squad_v2=PATH" in err


# size


@pytest.mark.parametrize("count", [1, 2])
def test_a_page_of_squad_stays_small(shared, tmp_path, count):
    file = shared / "data" / "squad" / "dev-v2.0.json"
    names = ("squad2-dev-bert.json", "squad2-dev-bidaf-elmo.json")[:count]
    found = [json.loads((shared / "data" / "predictions" / name).read_text("utf-8")) for name in names]
    paths = [replay(tmp_path, answers, data=file) for answers in found]
    data = gather_report(paths, {"squad_v2": file})
    text = render_page(data, draw_plots(data))
    assert text.count('<li id="q') == 11_873
    assert len(text.encode("utf-8")) < LIMIT
    assert 'class="' + ("runs many" if count > 1 else " many") in text and PRINTED < 11_873
