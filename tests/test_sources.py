"""Where known data sets load from, under the names that cards use."""

from __future__ import annotations

import re
import shlex

import pytest

from harness.errors import DataError
from harness.names.sizes import split_size
from harness.records import DataRef
from harness.sources import full_name, is_published, locate_data


@pytest.mark.parametrize(
    ("written", "hub", "config", "split"),
    [
        (DataRef("squad", "validation"), "rajpurkar/squad", "plain_text", "validation"),
        (DataRef("rajpurkar/squad", "train[:10%]", "plain_text"), "rajpurkar/squad", "plain_text", "train"),
        (DataRef("SQuAD 2.0", "dev"), "rajpurkar/squad_v2", "squad_v2", "validation"),
        (DataRef("squad_v2", "validation[8697:]", "squad_v2"), "rajpurkar/squad_v2", "squad_v2", "validation"),
        (DataRef("squad_v2", "train", "default"), "rajpurkar/squad_v2", "squad_v2", "train"),
        (DataRef("adversarial_qa", "test", "adversarialQA"), "UCLNLP/adversarial_qa", "adversarialQA", "test"),
        (DataRef("adversarial_qa", "dev", "dBERT"), "UCLNLP/adversarial_qa", "dbert", "validation"),
        (
            DataRef("squad_adversarial", "validation", "AddOneSent"),
            "stanfordnlp/squad_adversarial",
            "AddOneSent",
            "validation",
        ),
        (DataRef("squad_adversarial", "AddOneSent"), "stanfordnlp/squad_adversarial", "AddOneSent", "validation"),
        (DataRef("squadshifts", "test", "New Wiki"), "ludwigschmidt/squadshifts", "new_wiki", "test"),
        (DataRef("squadshifts", "test[:100]", "amazon"), "ludwigschmidt/squadshifts", "amazon", "test"),
        (DataRef("xquad", "validation", "xquad.de"), "google/xquad", "xquad.de", "validation"),
        (DataRef("google/xquad", "validation", "ar"), "google/xquad", "xquad.ar", "validation"),
        (DataRef("mlqa", "test", "mlqa.en.de"), "facebook/mlqa", "mlqa.en.de", "test"),
        (DataRef("mlqa", "test", "de"), "facebook/mlqa", "mlqa.de.de", "test"),
        (DataRef("mlqa", "dev", "de-en"), "facebook/mlqa", "mlqa.de.en", "validation"),
        (DataRef("mlqa", "train", "mlqa-translate-train.vi"), "facebook/mlqa", "mlqa-translate-train.vi", "train"),
        (DataRef("mlqa", "test", "mlqa-translate-test.vi"), "facebook/mlqa", "mlqa-translate-test.vi", "test"),
        (
            DataRef("squad_adversarial", "AddSent[:5]", "squad_adversarial"),
            "stanfordnlp/squad_adversarial",
            "AddSent",
            "validation",
        ),
        (DataRef("someone/german_qa", "test[:5]", "x"), "someone/german_qa", "x", "test"),
    ],
    ids=str,
)
def test_names_that_cards_use(written, hub, config, split):
    location = locate_data(written)
    assert (location.hub, location.config, location.split) == (hub, config, split)


@pytest.mark.parametrize("name", ["squad", "squad_v2", "adversarial_qa:dbert", "xquad:xquad.en"])
def test_sets_that_load_are_pinned_to_a_commit(name):
    location = locate_data(DataRef.parse(f"{name}:validation"))
    assert re.fullmatch("[0-9a-f]{40}", location.revision)
    assert location.files is None
    assert shlex.split(location.command)[:2] == ["python", "-c"]
    assert f'revision="{location.revision}")' in location.command


def test_the_command_that_fetches():
    assert locate_data(DataRef("squad_v2", "dev", revision="r1")).command == (
        """python -c 'import datasets; datasets.load_dataset("rajpurkar/squad_v2", "squad_v2", revision="r1")'"""
    )


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("squad_adversarial:AddOneSent:validation", "AddOneSent/validation/*.parquet"),
        ("squadshifts:nyt:test[:5]", "nyt/test/*.parquet"),
        ("mlqa:mlqa.en.en:test", "mlqa.en.en/test/*.parquet"),
    ],
)
def test_sets_that_are_scripts_are_read_from_their_conversion(name, files):
    location = locate_data(DataRef.parse(name))
    assert (location.revision, location.files) == ("refs/convert/parquet", files)
    words = shlex.split(location.command)
    assert words[:3] == ["hf", "download", location.hub]
    assert words[words.index("--revision") + 1 :] == ["refs/convert/parquet", "--include", files]


def test_a_revision_that_is_named_is_the_one():
    assert locate_data(DataRef("squad_v2", "new_split", revision="abc")).revision == "abc"
    assert locate_data(DataRef("someone/qa", "test")).revision is None


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("squadshifts:test", "several configurations; name one, squadshifts:CONFIG:SPLIT, of new_wiki, nyt"),
        ("squadshifts:amazn:test", "no configuration 'amazn', expected one of new_wiki"),
        ("squadshifts:amazon:validation", "no split 'validation', expected test"),
        ("squad_adversarial:validation", "name one"),
        ("xquad:xquad.xx:validation", "no configuration 'xquad.xx'"),
        ("squad:german:validation", "no configuration 'german', expected one of plain_text"),
        ("squad_v2:test", "no split 'test', expected train or validation"),
        ("mlqa:mlqa-translate-test.vi:validation", "no split 'validation', expected test"),
        ("mlqa:vi:train", "no split 'train', expected test or validation"),
        ("squad_adversarial:squad_adversarial:validation", "no configuration 'squad_adversarial'"),
    ],
)
def test_what_is_not_there_is_said_before_the_network_is_asked(written, message):
    with pytest.raises(DataError, match=re.escape(message)):
        locate_data(DataRef.parse(written))


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("squad_v2:validation", (5_928 + 5_945, 5_928)),
        ("rajpurkar/squad_v2:squad_v2:dev[:10%]", (11_873, 5_928)),
        ("squad:validation", (10_570, 10_570)),
        ("squadshifts:nyt:test", (10_065, 10_065)),
        ("mlqa:mlqa.en.en:test", (11_590, 11_590)),
        ("squad_adversarial:AddOneSent:validation", (1_787, 1_787)),
        ("mlqa:mlqa.en.de:test", (4_517, 4_517)),
        ("mlqa:mlqa.vi.en:validation", (511, 511)),
        ("mlqa:mlqa.zh.ar:test", (1_912, 1_912)),
        ("mlqa:mlqa.ar.zh:validation", (188, 188)),
        ("mlqa:mlqa-translate-train.es:train", (81_810, 81_810)),
        ("mlqa:mlqa-translate-test.hi:test", (4_918, 4_918)),
        ("adversarial_qa:dbert:test", (1_000, 1_000)),
    ],
)
def test_sizes(written, size):
    assert split_size(DataRef.parse(written)) == size


def test_every_split_that_loads_has_a_known_size():
    from harness.sources import _SOURCES

    loaded = [
        DataRef(name, split, config)
        for name, source in _SOURCES.items()
        for config, splits in source.splits.items()
        for split in splits
    ]
    assert len(loaded) >= 150
    assert [str(ref) for ref in loaded if split_size(ref) is None] == []


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("SQuAD:plain_text:dev[:5]", "squad:validation[:5]"),
        ("google/xquad:en:dev[:5%]", "xquad:xquad.en:validation[:5%]"),
        ("mlqa:de-en:test", "mlqa:mlqa.de.en:test"),
        ("squad_adversarial:AddSent[2:]", "squad_adversarial:AddSent:validation[2:]"),
        ("squadshifts:nowhere:test", "squadshifts:nowhere:test"),
        ("someone/qa:x:dev", "someone/qa:x:validation"),
        ("squad_v2@abc:validation", "squad_v2@abc:validation"),
    ],
)
def test_full_names(written, full):
    assert str(full_name(DataRef.parse(written))) == full


def test_sizes_that_are_not_known():
    assert split_size(DataRef("someone/qa", "test")) is None
    assert split_size(DataRef("mlqa", "test", "mlqa.en.fr")) is None
    assert split_size(DataRef("mlqa", "train", "mlqa.en.en")) is None
    assert is_published(DataRef("squad_v2", "validation"), "0" * 64) is None
    assert is_published(DataRef("xquad", "validation[:5]", "xquad.en"), "0" * 64) is None
    assert is_published(DataRef("xquad", "validation", "xquad.en"), "0" * 64) is False
