"""Templates that somebody else wrote: what they may, what they may not, and how they fail."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from card_runs import released_run, sealed, sealed_run
from documents import HOSTILE, hostile_run

from harness.cards import parse_card
from harness.editing import find_section
from harness.errors import TemplateError
from harness.records import Run
from harness.render import write_card
from harness.render.escape import Escaped
from harness.render.new_card import FIELDS_VERSION, card_fields
from harness.render.rationed import FUNCTIONS, STATEMENTS
from harness.render.sandbox import FILTERS
from harness.render.user_templates import is_packaged, render_user_template

NAMES = {
    *("fields_version", "name", "repo_id", "metadata", "run", "data", "data_name", "model_sha256", "model_revision"),
    *("model", "in_run_folder", "usage_code", "ask_command", "recipe_blocks", "unstated", "repeatable"),
    *("results", "percent_signs", "intervals", "bounded", "kinds", "spreads", "seed_runs", "decoding", "rules"),
    *("embedded", "evidence", "speed", "other_data"),
}
"""What version 1 gives a template. A name that goes, or means something else, needs a new version."""

Render = Callable[[str], str]


@cache
def given() -> dict[str, object]:
    nothing = {"name": None, "repo_id": None, "metadata": None, "comparisons": (), "intervals": {}, "seeds": ()}
    return card_fields(sealed_run(), **nothing)


@pytest.fixture
def render(tmp_path: Path) -> Render:
    def render(source: str) -> str:
        file = tmp_path / "mine.md.j2"
        file.write_text(source, encoding="utf-8", newline="\n")
        return render_user_template(file, given())

    return render


def refused(render: Render, source: str, line: int | None = 1) -> str:
    """The message of the error that a template ends in, which says where."""
    with pytest.raises(TemplateError) as caught:
        render(source)
    assert caught.value.line == line
    assert str(caught.value.path).endswith("mine.md.j2")
    assert str(caught.value).startswith(f"{caught.value.path}:" if line is None else f"{caught.value.path}:{line}: ")
    assert caught.value.exit_code == 2
    assert "0x" not in str(caught.value)
    assert len(str(caught.value)) < 800
    return str(caught.value)


def test_the_names_are_those_of_this_version() -> None:
    nothing = {"name": None, "repo_id": None, "metadata": None, "comparisons": (), "intervals": {}, "seeds": ()}
    for run in (sealed_run(), released_run()):
        assert card_fields(run, **nothing).keys() == NAMES
    assert FIELDS_VERSION == 1


def test_the_documents_name_what_a_template_is_given() -> None:
    text = (Path(__file__).parents[1] / "docs" / "rendering.md").read_text(encoding="utf-8")
    section = text.partition("## Templates")[2].partition("\n## ")[0]
    for word in (*NAMES, *FILTERS, *STATEMENTS, *FUNCTIONS):
        assert f"`{word}`" in section, word


def test_the_template_of_the_documents_works(render: Render) -> None:
    text = (Path(__file__).parents[1] / "docs" / "rendering.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```jinja\n(.*?)```\n", text, re.DOTALL)
    card = parse_card(render(source), "x.md")
    assert not card.problems
    whole = parse_card(write_card(sealed_run()), "x.md")
    told = [[(c.metric, c.subset, c.digits, c.data) for c in one.claims] for one in (card, whole)]
    assert told[0] == told[1] != []
    assert find_section(card.text, "x.md") is not None


def test_a_template_of_ones_own(render: Render) -> None:
    text = render(
        "---\n{{ metadata | yaml }}\n---\n\n# {{ name | text }}\n\n{# words #}\n"
        "{% for row in results %}{% if loop.first %}{{ row.n | number }} questions: {{ row.exact | figure }}\n"
        "{% endif %}"
        "{% endfor %}\n{% set ns = namespace(total=0) %}{% for i in range(3) %}{% set ns.total = ns.total + i %}"
        "{% endfor %}{{ ns.total | number }}, {{ (name ~ '!') | text }}\n\n"
        "{% for key, value in run.scores.items() %}{{ key | code }} {% endfor %}\n\n{{ evidence -}}\n"
    )
    assert text.startswith("---\npipeline_tag")
    assert "400 questions: 71.5000\n" in text
    assert "3, pocket-distilled!" in text
    assert "`HasAns_f1`" in text
    assert text.endswith("<!-- /harness:evidence -->\n")
    assert parse_card(text, "x.md").metadata["model-index"]


@pytest.mark.parametrize("word", ["include", "extends"])
def test_the_packages_templates_may_be_used(render: Render, word: str) -> None:
    assert render(f"{{% {word} 'card.md.j2' %}}") == write_card(sealed_run())
    assert "| `HasAns_f1` | 74.1235 |" in render("{% set scores = run.scores %}{% include '_scores.md.j2' %}")


def test_a_name_is_the_packages_and_a_path_is_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = sealed_run()
    (tmp_path / "card.md.j2").write_text("mine", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert write_card(run, template="card.md.j2") == write_card(run)
    assert write_card(run, template="./card.md.j2") == "mine"
    assert write_card(run, template=Path("card.md.j2")) == "mine"
    assert write_card(run, template=str(tmp_path / "card.md.j2")) == "mine"
    assert not is_packaged("../templates/card.md.j2")
    assert not is_packaged("report.html.j2")


@pytest.mark.parametrize("kind", ["missing", "folder", "device", "large", "bytes"])
def test_templates_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "mine.md.j2"
    if kind == "folder":
        file.mkdir()
    elif kind == "large":
        file.write_text("a" * 65_537, encoding="utf-8")
    elif kind == "bytes":
        file.write_bytes(b"a\xff")
    elif kind == "device":
        file = Path("/dev/zero")
        if not file.exists():
            pytest.skip("there is no /dev/zero")
    with pytest.raises(TemplateError, match="expected") as caught:
        write_card(sealed_run(), template=file)
    assert caught.value.path == str(file)


def test_mistakes_are_told_with_their_line(render: Render) -> None:
    assert "'nme' is undefined; docs/rendering.md lists" in refused(render, "a\n\n{{ nme | text }}\n", 3)
    assert "has no attribute 'x'" in refused(render, "\n{{ run.x | text }}", 2)
    assert "unexpected" in refused(render, "a\n{% for", 2)
    assert "without a filter" in refused(render, "{{ name }}")
    assert "division by zero" in refused(render, "{{ (1 / 0) | number }}")
    assert "'x'" in refused(render, "{{ 'x' | figure }}")
    assert "no template 'other.md.j2'" in refused(render, "{% include 'other.md.j2' %}")
    assert "'lipsum' is undefined" in refused(render, "{{ lipsum() | text }}")
    assert "without a filter" in refused(render, "{{ 'a' if run.kind == 'other' }}")


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__.__mro__", "''['__class__']", "[].__class__.__base__.__subclasses__()", "().__class__",
        "run.__class__.__init__.__globals__", "run.__init__", "run.__dict__", "run.__dataclass_fields__",
        "cycler.__init__.__globals__", "cycler('a').next()", "lipsum.__globals__", "lipsum(9)", "joiner('a')",
        "joiner.__init__", "dict(a=1)", "namespace.__init__.__globals__", "namespace().__class__", "range.__self__",
        "self._TemplateReference__context", "self.__init__.__globals__", "self", "loop", "caller()", "varargs",
        "'{0.__class__}'.format(run)", "'{0.__class__}'.format_map({'0': run})", "'%s' % run", "'a'.join(['b'])",
        "'a'.upper()", "'a'.encode()", "evidence.__class__", "evidence.translate({})", "name.__add__('b')",
        "run | attr('__class__')", "[run] | map(attribute='__class__')", "run | pprint", "'a' | safe", "'a' | upper",
        "run | string", "['a'] | join", "run.scores | tojson", "'a' | e", "run.recipe.stages[0].data[0].parse('a:b')",
        "run", "run.recipe", "run.scores.items", "run.scores.items()", "[1]", "range(3)", "namespace", "namespace()",
        "run.scores.update({'a': 1})", "run.scores.pop('f1')", "run.scores.clear()", "run.recipe.assumed.index(1)",
        "super()", "super", "config", "request.application", "get_flashed_messages", "url_for.__globals__",
        "environment", "context", "_", "__builtins__", "import('os')", "open('/etc/passwd')", "step(1)", "joined('a')",
    ],
)  # fmt: skip
def test_nothing_beyond_the_record_is_reached(render: Render, expression: str) -> None:
    refused(render, f"{{{{ ({expression}) | text }}}}")


@pytest.mark.parametrize(
    "statement",
    [
        "{% import 'card.md.j2' as x %}", "{% from 'card.md.j2' import x %}", "{% macro m() %}{% endmacro %}",
        "{% call x() %}{% endcall %}", "{% filter text %}{% endfilter %}", "{% autoescape true %}{% endautoescape %}",
        "{% set x %}a{% endset %}", "{% do run.scores.clear() %}", "{% debug %}", "{% trans %}a{% endtrans %}",
        "{% set run.id = 'x' %}", "{% set run.scores.f1 = 99 %}", "{% break %}",
    ],
)  # fmt: skip
def test_other_statements_are_refused(render: Render, statement: str) -> None:
    refused(render, statement)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "/etc/passwd", "../pyproject.toml", "..\\\\..\\\\x", "./card.md.j2", "mine.md.j2",
        "card.md.j2/../card.md.j2", "report.css", "report.html.j2", "", "x\\0.md.j2", "file:///etc/passwd",
    ],
)  # fmt: skip
@pytest.mark.parametrize("word", ["include", "extends"])
def test_no_other_file_is_read(render: Render, word: str, name: str) -> None:
    assert "no template" in refused(render, f"{{% {word} '{name}' %}}")
    assert "no template" in refused(render, f"{{% set name = '{name}' %}}{{% {word} name %}}")


GROW = "{{% set ns = namespace(s={start}) %}}{{% for a in range(100) %}}{{% set ns.s = {step} %}}{{% endfor %}}"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("{{ ('a' * 1000000000) | text }}", 1),
        ("{{ ([1] * 1000000000) | length | number }}", 1),
        ("{{ (9 ** 999999999) | number }}", 1),
        ("{{ 1.5 | figure(places=999999999) }}", 1),
        ("{{ (2 ** 127 * 2 ** 127) | number }}{% set n = 2 ** 127 %}" + "{% set n = n * n %}" * 20, 1),
        ("{{ ('%999999999d' % 1) | text }}", 1),
        ("{{ '{:>999999999}'.format(1) | text }}", 1),
        ("{% for a in range(100000000) %}{% endfor %}", 1),
        ("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", 1),
        ("{% for a in range(9999) %}" + "a" * 60_000 + "{% endfor %}", 1),
        ("{% for a in range(9999) %}{{ evidence }}{% endfor %}", 1),
        ("{% for a in range(9999) %}{% include 'card.md.j2' %}{% endfor %}", 1),
        (GROW.format(start="'aaaaaaaaaa'", step="ns.s ~ ns.s"), 1),
        (GROW.format(start="'aaaaaaaaaa'", step="ns.s + ns.s"), 1),
        (GROW.format(start="[1]", step="ns.s + ns.s"), 1),
        (GROW.format(start="[1]", step="[ns.s, ns.s]"), 1),
        (GROW.format(start="(1,)", step="(ns.s, ns.s)"), 1),
        (GROW.format(start="{}", step="{1: ns.s, 2: ns.s}"), 1),
        ("{% block a %}{{ self.a() }}{% endblock %}", 1),
        ("{% block a %}{{ self.b() }}{{ self.b() }}{% endblock %}{% block b %}{{ self.a() }}{% endblock %}", 1),
        ("{% for i in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}", 1),
        ("{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " | number }}", None),
        ("{{ " + "-" * 20_000 + "1 | number }}", None),
        ("{{ (" + "not " * 15_000 + "1) | text }}", None),
        ("{{ " + "[" * 20_000 + "]" * 20_000 + " | length | number }}", None),
        ("{% if 1 %}" * 5_000, None),
        ("{{ " + "9" * 5_000 + " | number }}", None),
    ],
)
def test_bombs_go_out(render: Render, source: str, line: int | None) -> None:
    begun = time.process_time()
    refused(render, source, line)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("depth", [10, 21, 60, 101, 150, 250, 400, 700])
@pytest.mark.parametrize("form", ["{% for a in [1] %}|{% endfor %}", "{% if 1 %}|{% endif %}", "{{ (|1) | number }}"])
def test_deep_nesting_works_or_is_refused(render: Render, form: str, depth: int) -> None:
    opening, closing = form.split("|", 1)
    source = (
        f"{opening}{'(' * depth}1{')' * depth}{closing.removeprefix('1')}"
        if "{{" in form
        else opening * depth + "x" + closing * depth
    )
    try:
        assert render(source) in ("x", "1")
    except TemplateError as error:
        assert "deeply" in str(error)


@pytest.mark.parametrize("text", HOSTILE)
def test_jinja_in_a_record_is_never_evaluated(text: str, tmp_path: Path) -> None:
    bad: Run = sealed(hostile_run(sealed_run(), text))
    file = tmp_path / "mine.md.j2"
    file.write_text("{{ run.id | text }}\n\n{{ run.card_name | code }}\n\n{% include 'card.md.j2' %}", encoding="utf-8")
    shown = write_card(bad, template=file)
    assert shown.endswith(write_card(bad))
    for payload in ("{{ 7 * 191 }}", "{% for i in range(3) %}x{% endfor %}"):
        shown = write_card(sealed(sealed_run(), id=payload, card_name=payload), template=file)
        assert "1337" not in shown
        assert "xxx" not in shown


def test_what_a_block_gives_is_printed_as_it_is(render: Render) -> None:
    text = render("{% block a %}<{{ '<' | text }}>{% endblock %}{{ self.a() }}")
    assert text == "<&lt;><&lt;>"
    assert (
        render(
            "{% for i in [[1], []] recursive %}{{ loop(i) if i is iterable and i }}.{% endfor %}".replace(
                " if i is iterable and i", " if i is iterable and i else '' | text"
            )
        ).count(".")
        >= 2
    )
    for trick in ("{% set super = run.used.get %}{{ super('x') }}", "{{ run.environment.packages.get('torch') }}"):
        assert "without a filter" in refused(render, trick)


def test_filters_give_escaped_text_only() -> None:
    for name, make in FILTERS.items():
        given = {"figure": 1.0, "score": 1.0, "number": 1, "seconds": 1.0, "yaml": {"a": "b"}}.get(name, "<b>")
        assert type(make(given, "f1") if name == "score" else make(given)) is Escaped


def test_errors_have_no_address_of_an_object(render: Render) -> None:
    for source in ("{{ range | text }}", "{{ run.scores.items | text }}", "{{ {'a': run} | yaml }}", "{{ range() }}"):
        assert not re.search(r" at 0x|Run\(schema", refused(render, source))


@pytest.mark.parametrize("name", ["report.md.j2", "_results.md.j2", "published.md.j2"])
def test_a_template_of_the_package_that_is_no_card_is_refused(name):
    with pytest.raises(TemplateError, match="a template of something else"):
        write_card(sealed_run(), template=name)
