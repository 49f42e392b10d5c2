"""The template environment and the escape functions, held against the Markdown and YAML readers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import TemplateRuntimeError, UndefinedError
from jinja2.exceptions import SecurityError, TemplateNotFound
from markdown_it import MarkdownIt

import harness
from harness.errors import RecordError
from harness.render import escape
from harness.render.sandbox import template_environment, template_folder

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NASTY = st.text(
    alphabet=st.one_of(st.sampled_from("<>!-`|\\*_[]()#&~=+.1 \n\r{}%\"'"), st.characters(codec="utf-8")), max_size=40
)


def inline_text(source: str) -> str:
    """The text of one paragraph; fails where the source makes any other block or any markup."""
    blocks = MARKDOWN.parse(source)
    assert [block.type for block in blocks] == ["paragraph_open", "inline", "paragraph_close"]
    children = blocks[1].children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    return "".join(child.content for child in children)


@settings(deadline=None)
@given(NASTY)
@example("<!-- /harness:evidence -->")
@example("a_b __c__ _d")
@example("1. one")
@example("---")
def test_text_is_shown_as_it_is(value: str) -> None:
    shown = escape.one_line(value)
    assert "\n" not in shown
    assert len(shown.splitlines()) <= 1
    if shown:
        assert inline_text(escape.as_text(value)) == shown
        assert inline_text(f"x {escape.as_text(value)} y") == f"x {shown} y"


@settings(deadline=None)
@given(NASTY, st.sampled_from([escape.as_text, escape.as_code]))
@example("a\\|b", escape.as_text)
@example("a|b", escape.as_code)
@example("a\\", escape.as_code)
def test_a_table_cell_stays_one_cell(value: str, make: Callable[[str], str]) -> None:
    cell = make(value)
    blocks = MARKDOWN.parse(f"| a | b |\n| --- | --- |\n| {cell} | end |\n")
    cells = [block for block in blocks if block.type == "inline"]
    assert len(cells) == 4
    assert "".join(child.content for child in cells[2].children or []).strip() == escape.one_line(value)
    assert cells[3].content == "end"


@settings(deadline=None)
@given(NASTY)
@example("a\n````\nb")
@example("<!-- harness:evidence -->")
def test_a_fence_is_closed_only_by_its_own_end(value: str) -> None:
    blocks = MARKDOWN.parse(f"{escape.as_fence(value, 'sh')}\n\nafter\n")
    assert [block.type for block in blocks] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert not re.search("<!--.*harness:evidence", blocks[0].content)


def test_a_fence_keeps_lines() -> None:
    assert escape.as_fence("a = 1\n\n  b = 2\n") == "```\na = 1\n\n  b = 2\n```"


def test_code_falls_back_to_text_where_a_span_cannot_hold_it() -> None:
    assert escape.as_code("squad_v2:validation[:10]") == "`squad_v2:validation[:10]`"
    assert escape.as_code("a|b", cell=False) == "`a|b`"
    assert escape.as_code("a|b") == r"a\|b"
    assert escape.as_code("a`b") == "``a`b``"
    assert escape.as_code("<!-- /harness:evidence -->") == "&lt;!-- /harness:evidence --&gt;"
    assert escape.as_verbatim("SQuAD 2.0") == "SQuAD 2.0"
    assert escape.as_verbatim("a <b>") == "`a <b>`"


YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(NASTY, YAML_VALUES, max_size=4))
@example({"a <!-- harness:evidence -->": ["<!-- harness:evidence -->\n"], "e\\x": "it's \\x3a"})
@example({"a": "x\n---\ny", "b": "null", "c": "1.0", "d": "{{ x }}", "e": "- x: y #"})
def test_yaml_reads_back(value: dict[str, object]) -> None:
    text = escape.as_yaml(value)
    assert yaml.safe_load(text) == value
    assert not any(line.strip() in ("---", "...") for line in text.splitlines())
    assert "<!-- harness:evidence" not in text


@pytest.mark.parametrize("digits", ["83.860", "78.69114798281817", "86", "0", "-4.0", "0.10"])
def test_yaml_keeps_digits(digits: str) -> None:
    text = escape.as_yaml({"value": escape.Digits(digits)})
    assert text == f"value: {digits}"
    assert yaml.safe_load(text) == {"value": float(digits)}


@pytest.mark.parametrize("digits", ["1: 2", "[1]", "1\nx: 2", "071", "null", "&a", "!!python/none"])
def test_digits_that_are_no_number_are_a_string(digits: str) -> None:
    assert yaml.safe_load(escape.as_yaml({"value": escape.Digits(digits)})) == {"value": digits}


def test_numbers_have_one_form() -> None:
    assert escape.as_figure(78.69114798) == "78.6911"
    assert escape.as_figure(-0.00001, sign=True) == "+0.0000"
    assert escape.as_figure(-0.5, sign=True) == "-0.5000"
    assert escape.as_figure(math.nan) == "nan"
    assert escape.as_number(3e-5) == "3e-05"
    assert escape.as_number(11873.0) == "11873"
    assert escape.as_number(math.inf) == "inf"
    assert escape.as_score(5928.0, "HasAns_total") == "5928"
    assert escape.as_score(50.0, "HasAns_f1") == "50.0000"
    assert escape.as_seconds(3.21) == "3.2"


def render(source: str, **fields: object) -> str:
    return template_environment().from_string(source).render(fields)


def test_a_field_needs_a_filter() -> None:
    assert render("{{ x | text }}", x="<b>") == "&lt;b&gt;"
    for source in ("{{ x }}", "{{ x | upper }}", "{{ (x | text) ~ x }}", "{{ 'constant' }}", "{{ x | safe }}"):
        with pytest.raises(TemplateRuntimeError, match="without a filter"):
            render(source, x="<b>")


@pytest.mark.parametrize("source", ["{{ y }}", "{{ y | text }}", "{{ x.y | code }}", "{% if y %}{% endif %}"])
def test_undefined_names_raise(source: str) -> None:
    with pytest.raises(UndefinedError):
        render(source, x={"a": 1})


@pytest.mark.parametrize(
    "source",
    [
        "{{ x.__class__ | text }}",
        "{{ x.__class__.__mro__ | text }}",
        "{{ ''['__class__'] | text }}",
        "{{ (x | attr('__class__')) | text }}",
        "{% set _ = x.append(1) %}",
        "{% set _ = y.update(a=2) %}",
        "{{ '{0.__class__}'.format(x) | text }}",
    ],
)
def test_the_sandbox_holds(source: str) -> None:
    with pytest.raises(SecurityError):
        render(source, x=[1], y={"a": 1})


@pytest.mark.parametrize("name", ["../pyproject.toml", "/etc/passwd", "../harness/errors.py"])
def test_only_the_template_folder_is_read(name: str) -> None:
    with pytest.raises(TemplateNotFound):
        render("{% include name %}", name=name)


@pytest.mark.parametrize("make", [escape.as_text, escape.as_code, escape.as_verbatim, escape.as_fence])
def test_unprintable_characters_are_shown_as_such(make: Callable[[str], str]) -> None:
    shown = make("a\x00\ud800\u202e\u2028b")
    shown.encode("utf-8")
    assert "a\ufffd\ufffd\ufffd" in shown
    assert len(shown.splitlines()) == (3 if make is escape.as_fence else 1)


def test_unprintable_characters_in_yaml() -> None:
    shown = escape.as_yaml({"a": "a\x00\ud800\u2028b"})
    shown.encode("utf-8")
    assert yaml.safe_load(shown) == {"a": "a\x00\ufffd\u2028b"}
    marks = {"a\u202e": ["\u2066b", "\x1b[31m"], "c\u202e": "\x85"}
    assert escape.as_yaml(marks).replace("\n", "").isprintable()
    assert yaml.safe_load(escape.as_yaml(marks)) == marks


def test_templates_are_looked_for_beside_the_modules_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "harness"
    monkeypatch.setattr(harness, "__file__", str(package / "__init__.py"))
    with pytest.raises(RecordError, match="no templates found"):
        template_folder()
    for folder in (package.parent / "templates", package / "templates"):
        folder.mkdir(parents=True)
        (folder / "card.md.j2").write_text("", encoding="utf-8")
        assert template_folder() == folder
