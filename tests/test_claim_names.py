"""Names of claims: one each, safe in the ids of tests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.claim_names import name_claims, readable
from harness.records import Claim, DataRef, Place

TEXTS = st.text(st.sampled_from(":[]/ab \x00\x1b\u202e\ud800é"), min_size=1, max_size=8)


def claim(metric, data, place, subset="all"):
    return Claim(metric, subset, 80.0, "80.0", "percent", data, "code", Place(place, place + 2, place))


@given(st.lists(st.tuples(TEXTS, TEXTS, st.sampled_from(["", "test"])), min_size=1, max_size=6))
def test_every_claim_has_a_name_that_a_test_can_have(parts):
    claims = [claim(metric, DataRef(name, split), place) for place, (metric, name, split) in enumerate(parts, 1)]
    names = name_claims(claims)
    assert list(names.values()) == claims
    for name in names:
        assert name.isprintable()
        name.encode("utf-8")
        data, own = name.split("::")
        assert not set("[]") & set(data)
        assert data
        assert own.endswith("]")
        assert own.count("[") == own.count("]") == 1


def test_names_tell_claims_apart_by_place_where_nothing_else_does():
    data = DataRef("squad_v2", "validation")
    one, other, subset = claim("f1", data, 3), claim("f1", data, 7), claim("f1", data, 9, "has_ans")
    assert list(name_claims([one, subset])) == [
        "squad_v2/validation::f1[all@code]",
        "squad_v2/validation::f1[has_ans@code]",
    ]
    assert list(name_claims([one, other])) == [
        "squad_v2/validation::f1[all@code:3:3]",
        "squad_v2/validation::f1[all@code:7:7]",
    ]
    assert list(name_claims([claim("f1", None, 3)])) == ["data-not-stated::f1[all@code]"]


def test_colons_in_a_row_never_stay():
    assert [readable(text) for text in ("a::b", "a:::b", ":::a::::", "a:b")] == ["a:b", "a:b", "a", "a:b"]
