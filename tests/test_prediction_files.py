"""Reading prediction files, and what is said about files that are not."""

from __future__ import annotations

import pytest

from harness.errors import PredictionsError
from harness.prediction_files import read_null_odds, read_predictions


def test_order_is_kept(tmp_path):
    file = tmp_path / "p.json"
    file.write_text('{"b": "x", "a": ""}', "utf-8")
    assert list(read_predictions(file).items()) == [("b", "x"), ("a", "")]
    file.write_text('{"b": 1, "a": -0.5}', "utf-8")
    assert list(read_null_odds(file).items()) == [("b", 1), ("a", -0.5)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("[1]", "found a list, expected a JSON object"),
        ('{"a": null}', "the prediction for 'a' is null"),
        ('{"a": "x", "a": "y"}', "id 'a' is given more than once"),
        ('{"a": "x"', ":1: not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_malformed_predictions(tmp_path, content, message):
    file = tmp_path / "p.json"
    file.write_text(content, "utf-8")
    with pytest.raises(PredictionsError) as caught:
        read_predictions(file)
    assert message in str(caught.value)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "true", '"1"'])
def test_null_odds_are_finite_numbers(tmp_path, value):
    file = tmp_path / "p.json"
    file.write_text(f'{{"a": {value}}}', "utf-8")
    with pytest.raises(PredictionsError, match="'a'"):
        read_null_odds(file)
