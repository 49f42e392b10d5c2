"""What is printed is plain text, whatever a card, record or path holds."""

from __future__ import annotations

import pytest
import typer

from harness.cli.options import parse_uses
from harness.cli.output import print_comparisons, print_table
from harness.records import Claim, Comparison, Place, Verdict


@pytest.mark.parametrize("title", ["e[/b]", "[red]x[/red]", "a\x1b[31m"])
def test_a_title_is_no_markup(capsys, title):
    print_table(("[b]a",), [("[/i]" + "x" * 40,)], title=title)
    out = capsys.readouterr().out
    assert title.replace("\x1b", "\\x1b") in out
    assert "[b]a" in out
    assert "[/i]" in out
    assert "\x1b" not in out


def test_a_missing_path_is_named_without_control_characters():
    with pytest.raises(typer.BadParameter) as caught:
        parse_uses(["X=a\x1b[31m"])
    assert str(caught.value).isprintable()
    assert "\\x1b[31m" in str(caught.value)


def test_a_difference_that_rounds_to_nothing_has_no_minus(capsys):
    claim = Claim("f1", "all", 84.1291, "84.1291", "percent", None, "table", Place(0, 7, 1))
    print_comparisons([Comparison(claim, Verdict.MATCHES, "", reproduced=84.12906, difference=-0.00004)])
    out = capsys.readouterr().out
    assert "+0.0000" in out and "-0.0000" not in out
