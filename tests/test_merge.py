"""Two people's changes of one text: what is merged, what is a conflict, and what git says of the same."""

from __future__ import annotations

import random
import subprocess

import pytest
from hub_git import GIT
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.hub.merge import merge, split_lines

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\r\n", "d\n", "\n", "e\r"]), max_size=12)
TEXTS = st.builds(lambda lines, end: "".join(lines) + end, LINES, st.sampled_from(["", "tail", "a"]))
TEN = [f"{n}\n" for n in range(10)]


def edited(lines, **changes):
    """The lines joined, some of them others: ``l3="x\\n"``."""
    return "".join(changes.get(f"l{i}", line) for i, line in enumerate(lines))


@given(TEXTS, TEXTS)
@settings(deadline=None, max_examples=150)
def test_one_sides_changes_are_taken_as_they_are(base, other):
    assert merge(base, base, other).text == other
    assert merge(base, other, base).text == other
    assert merge(base, other, other).text == other


@given(TEXTS, TEXTS, TEXTS)
@settings(deadline=None, max_examples=200)
def test_who_is_who_does_not_matter_and_no_line_is_made_up(base, one, other):
    merged, turned = merge(base, one, other), merge(base, other, one)
    assert (merged.text is None) == (turned.text is None) == bool(merged.conflicts)
    if merged.text is not None:
        assert merged.text == turned.text
        assert set(split_lines(merged.text)) <= {*split_lines(base), *split_lines(one), *split_lines(other)}


@given(TEXTS)
@settings(deadline=None, max_examples=50)
def test_lines_are_all_of_the_text(text):
    assert "".join(split_lines(text)) == text


def test_changes_of_lines_apart_are_both_made():
    base = "".join(TEN)
    theirs, mine = edited(TEN, l1="one\r\n", l9="nine"), edited(TEN, l5="", l7="7\n7b\n")
    assert merge(base, theirs, mine).text == edited(TEN, l1="one\r\n", l5="", l7="7\n7b\n", l9="nine")


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        ({"l3": "x\n"}, {"l3": "y\n"}),
        ({"l3": "x\n"}, {"l4": "y\n"}),  # next to each other
        ({"l3": ""}, {"l3": "y\n"}),
        ({"l3": "3\nx\n"}, {"l3": "3\ny\n"}),  # inserted at one place
        ({"l3": "3\r\n"}, {"l3": "y\n"}),
        ({"l9": "9"}, {"l9": "9\nmore\n"}),
    ],
)
def test_changes_of_the_same_lines_are_a_conflict_that_shows_both(theirs, mine):
    found = merge("".join(TEN), edited(TEN, **theirs), edited(TEN, **mine))
    assert found.text is None
    (conflict,) = found.conflicts
    assert conflict.theirs != conflict.mine
    assert "".join(conflict.base) in "".join(TEN)
    assert TEN[conflict.line - 1 : conflict.line - 1 + len(conflict.base)] == list(conflict.base)


def test_conflicts_are_all_told_and_changes_that_are_the_same_are_none():
    theirs, mine = edited(TEN, l1="x\n", l4="same\n", l8="u\n"), edited(TEN, l1="y\n", l4="same\n", l8="v\n")
    assert [(c.line, c.theirs, c.mine) for c in merge("".join(TEN), theirs, mine).conflicts] == [
        (2, ("x\n",), ("y\n",)),
        (9, ("u\n",), ("v\n",)),
    ]
    assert merge("".join(TEN), edited(TEN, l4="same\n"), edited(TEN, l4="same\n", l7="y\n")).text == edited(
        TEN, l4="same\n", l7="y\n"
    )


@pytest.mark.skipif(GIT is None, reason="git is not installed")
def test_git_merges_the_same(tmp_path):
    rng = random.Random(7)
    clean = conflicting = 0
    for _ in range(40):
        lines = [f"line {n}\n" for n in range(12)]
        sides = []
        for side in "ab":
            changed = list(lines)
            for at in rng.sample(range(12), rng.choice([1, 1, 2])):
                changed[at] = rng.choice(["", f"{side}{at}\n", f"{lines[at]}{side} after {at}\n", f"same {at}\n"])
            sides.append("".join(changed))
        paths = [tmp_path / name for name in ("mine", "base", "theirs")]
        for path, text in zip(paths, (sides[0], "".join(lines), sides[1]), strict=True):
            path.write_text(text, newline="")
        done = subprocess.run([GIT, "merge-file", "-p", *map(str, paths)], capture_output=True, text=True)
        merged = merge("".join(lines), sides[1], sides[0]).text
        assert (merged is None) == (done.returncode != 0), sides
        if merged is None:
            conflicting += 1
        else:
            clean += 1
            assert merged == done.stdout
    assert min(clean, conflicting) > 5


def test_a_large_card_whose_lines_repeat_is_merged_in_time():
    base = ["- type: x\n", "  value: 1\n", "  name: y\n"] * 4000
    theirs, mine = list(base), list(base)
    for at in range(50, 11000, 400):
        theirs[at] = f"theirs {at}\n"
        mine[at + 100] = f"mine {at}\n"
    merged = merge("".join(base), "".join(theirs), "".join(mine)).text
    assert merged is not None
    assert (merged.count("theirs"), merged.count("mine"), len(split_lines(merged))) == (28, 28, len(base))
