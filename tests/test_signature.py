"""The signature line: what it names, that it reads back, and which scores may be compared."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.environment import harness_version
from harness.errors import RecordError
from harness.records import DataRef, DataUsed, Decoding, Scores
from harness.signature import (
    compare_decodings,
    compare_signatures,
    join_signature,
    may_compare,
    parse_signature,
    signature,
)

DATA = DataUsed(DataRef("squad_v2", "validation[:100]", revision="3ffb306"), 100, 49, "ab" * 32, "hub")
SCORES = Scores("2.0", {}, {}, {})


def test_the_line_names_everything_and_reads_back():
    line = signature(
        DATA,
        replace(SCORES, missing=3, extra=1),
        Decoding(null_threshold=-1.2345678),
        dtype="bfloat16",
        packages={"transformers": "5.23.0", "torch": "2.13.0+cpu"},
        null_odds_threshold=0.25,
    )
    assert "\n" not in line
    assert parse_signature(line) == {
        "data": "squad_v2@3ffb306:validation[:100]",
        "n": "100",
        "sha256": "abababababab",
        "rules": "2.0",
        "missing": "3 scored 0",
        "extra": "1 left out",
        "decoding": "run_qa",
        "n_best": "20",
        "max_answer_length": "30",
        "null_threshold": "-1.2345678",
        "max_seq_len": "384",
        "doc_stride": "128 overlap",
        "max_query_length": "64",
        "dtype": "bfloat16",
        "packages": "torch=2.13.0+cpu transformers=5.23.0",
        "v": harness_version(),
        "na_prob_thresh": "0.25",
    }
    assert join_signature(parse_signature(line)) == line
    assert parse_signature(f"signature: {line}\n") == parse_signature(line)


def test_every_setting_of_decoding_is_named():
    named = parse_signature(signature(DATA, SCORES, Decoding()))
    # a switch that is as ever goes without saying, so that one that is added later changes no signature
    settings = {field.name: getattr(Decoding(), field.name) for field in fields(Decoding)}
    switches = {name for name, value in settings.items() if isinstance(value, bool)}
    assert set(settings) - switches - set(named) == {"protocol", "doc_stride_is"}
    assert (named["decoding"], named["doc_stride"]) == ("run_qa", "128 overlap")
    turned = replace(Decoding(), **{name: not settings[name] for name in switches})
    named = parse_signature(signature(DATA, SCORES, turned))
    assert {name: named[name] for name in switches} == {
        "forced_answer": "yes",
        "lower_case": "yes",
        "space_words": "no",
    }
    farm = Decoding(protocol="farm", doc_stride_is="step", max_query_length=None)
    named = parse_signature(signature(DATA, SCORES, farm))
    assert (named["decoding"], named["doc_stride"], named["max_query_length"]) == ("farm", "128 step", "no limit")


names = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True).filter(lambda name: name != "signature")
hostile = st.text(st.sampled_from("a:|% \n\r\t\x00\x1b\u2028é北\ud800"), max_size=8) | st.text(max_size=8)


@given(st.dictionaries(names, hostile, min_size=1, max_size=5))
def test_any_parts_read_back(parts):
    line = join_signature(parts)
    assert line.isprintable()
    assert parse_signature(line) == parts
    assert join_signature(parse_signature(line)) == line


def test_a_file_named_like_a_part_adds_none():
    forged = replace(DATA, ref=DataRef("mini | rules:1.1 | x", ""))
    assert parse_signature(signature(forged, SCORES))["rules"] == "2.0"


@pytest.mark.parametrize("name", ["", "N", "a b", "a:b", "1", "signature"])
def test_a_part_needs_a_name(name):
    with pytest.raises(ValueError, match="cannot name a part"):
        join_signature({name: "x"})


@pytest.mark.parametrize(
    "line",
    ["", "signature:", "n:1 | signature:x", "no colon", "n:1 | ", "n:1 | n:1", "n:1 | N:1", "n:1|rules", "n:%ff", ":1"],
)
def test_what_is_no_signature_is_refused(line):
    with pytest.raises(RecordError, match="expected parts of the form name:value"):
        parse_signature(line)


BASE = signature(DATA, SCORES, Decoding(), dtype="float32", packages={"torch": "2.13.0"})


@pytest.mark.parametrize(
    ("other", "differing", "comparable"),
    [
        (BASE, [], True),
        (BASE.replace("sha256:abab", "sha256:cdcd"), ["sha256"], False),
        (BASE.replace("n:100", "n:99").replace("sha256:abab", "sha256:cdcd"), ["n", "sha256"], False),
        (BASE.replace("data:squad_v2", "data:dev-v2.0"), ["data"], True),  # the same questions by another name
        (BASE.replace("rules:2.0", "rules:1.1"), ["rules"], False),
        (BASE.replace("decoding:run_qa", "decoding:farm"), ["decoding"], False),
        (BASE.replace("null_threshold:0", "null_threshold:-1"), ["null_threshold"], False),
        (BASE.replace("doc_stride:128", "doc_stride:64"), ["doc_stride"], False),
        (BASE + " | na_prob_thresh:0.5", ["na_prob_thresh"], False),
        (BASE.replace("float32", "bfloat16"), ["dtype"], True),
        (BASE.replace("torch=2.13.0", "torch=2.12.0"), ["packages"], True),
        (BASE.replace(f"v:{harness_version()}", "v:9"), ["v"], True),
        (BASE.replace("rules:2.0", "rules:2.0 | missing:2 scored 0"), ["missing"], True),
    ],
)
def test_what_may_be_compared(other, differing, comparable):
    assert [difference.name for difference in compare_signatures(BASE, other)] == differing
    assert may_compare(BASE, other) == may_compare(other, BASE) == comparable
    assert [d.decisive for d in compare_signatures(BASE, other)].count(True) == (0 if comparable else len(differing))


def test_a_way_of_decoding_that_one_side_does_not_state_cannot_be_compared():
    differences = compare_signatures(BASE, signature(DATA, SCORES))
    assert str(differences[0]) == "decoding: run_qa against not stated"
    assert differences[0].decisive
    assert not may_compare(BASE, signature(DATA, SCORES))


def test_decodings_are_compared_by_what_they_are_called_in_a_signature():
    one, other = (
        Decoding(null_threshold=-1.5),
        Decoding(protocol="farm", doc_stride_is="step", null_threshold=-1.5, forced_answer=True),
    )
    assert compare_decodings(one, one) == ()
    differences = compare_decodings(one, other)
    assert [str(difference) for difference in differences] == [
        "decoding: run_qa against farm",
        "doc_stride: 128 overlap against 128 step",
        "forced_answer: not stated against yes",
    ]
    assert all(difference.decisive for difference in differences)


def test_without_checksums_the_name_and_the_count_decide():
    assert may_compare("data:squad:validation | n:10", "data:squad:validation | n:10")
    assert not may_compare("data:squad:validation | n:10", "data:squad:train | n:10")
    assert not may_compare("data:squad:validation | n:10", "data:squad:validation | n:11")
