"""What is printed is plain text, whatever a card, record or path holds."""

from __future__ import annotations

import pytest
import typer

from harness.cli.options import parse_uses
from harness.cli.output import print_table


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
