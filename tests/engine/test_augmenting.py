"""Variants by a masked language model and word vectors: what is proposed, and how it is kept."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("pyarrow")
import numpy as np
import torch
from conftest import easy_questions
from tiny_models import POSITIONS, wordpiece
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerBase

from harness.augment import AugmentSettings, Splitting, split_words
from harness.engine import augmenting as module
from harness.engine.augmenting import augment_questions
from harness.engine.computing import Computing
from harness.engine.loading import load_tokenizer, save
from harness.engine.masked_lm import MaskedTraining, train_masked_lm
from harness.engine.proposals import MaskedLM
from harness.engine.word_vectors import WordVectors
from harness.errors import DataError, ModelError, RecipeError, RecordError
from harness.progress import silent
from harness.records import Answer, Question
from harness.text_lines import TextLines

pytestmark = pytest.mark.torch

FARM = AugmentSettings("farm", factor=3, candidates=4, probability=0.5, seed=1)
TINY = replace(FARM, variant="tinybert")
CPU = Computing(device="cpu")
VECTORS = "orvel 1 0\nbrako 0.8 0.6\ntamsin 0.6 0.8\nlindow -3 0\nquarrel 0 2\n"


@pytest.fixture(scope="session")
def byte_lm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mlm") / "bytes"
    texts = [q.context for q in easy_questions(200)]
    train_masked_lm(texts, folder, 3, MaskedTraining(steps=30, batch_size=16))
    return folder


def make_bert(out: Path, tokenizer: PreTrainedTokenizerBase, positions: int = POSITIONS, std: float = 0.5) -> Path:
    """An untrained BERT whose candidates differ from place to place."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=positions,
        initializer_range=std,
    )
    save(BertForMaskedLM(config), tokenizer, out)
    return out


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bert(tmp_path_factory.mktemp("mlm") / "bert", wordpiece("BertTokenizer")())


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "glove.txt"
    path.write_text(VECTORS, "utf-8")
    return path


def proposed(folder: Path, context: str, count: int, *, pairs: bool) -> dict[str, tuple[str, ...] | None]:
    model = MaskedLM.load(folder, CPU)
    words = split_words(context, model.splitting)
    found = model.propose(words, [True] * len(words), count, pairs=pairs)
    return dict(zip([word.text for word in words], found, strict=True))


def test_candidates_are_the_tokens_of_the_largest_logits(bert: Path) -> None:
    tokenizer = load_tokenizer(bert)
    model = BertForMaskedLM.from_pretrained(bert).eval()
    context = "Who founded the sea?"
    ids = tokenizer(context)["input_ids"]
    tokens = tokenizer.convert_ids_to_tokens(ids)
    for pairs in (False, True):
        found = proposed(bert, context, 8, pairs=pairs)
        assert found["the"] is None  # it has three pieces
        for word in ("who", "founded", "sea", "?"):
            at = tokens.index(word)
            masked = [*ids[:at], tokenizer.mask_token_id, *ids[at + 1 :]]
            row, segments = masked, [0] * len(ids)
            if pairs:
                row, segments = masked + ids[1:], segments + [1] * (len(ids) - 1)
            with torch.inference_mode():
                logits = model(torch.tensor([row]), token_type_ids=torch.tensor([segments])).logits[0, at]
            best = tokenizer.convert_ids_to_tokens(logits.topk(8).indices.tolist())
            assert found[word] == tuple(t for t in best if not t.startswith(("##", "[")))


def test_words_beyond_what_the_model_reads_are_not_proposed_for(tmp_path: Path) -> None:
    folder = make_bert(tmp_path / "short", wordpiece("BertTokenizer")(), positions=10)
    model = MaskedLM.load(folder, CPU)
    words = split_words("sea in the " + "sea " * 8, model.splitting)
    sizes = [len(model.vocabulary.cut(word)) for word in words]
    assert sizes[:4] == [1, 1, 3, 1]
    found = model.propose(words, [True] * len(words), 5, pairs=False)
    # 8 pieces fit beside [CLS] and [SEP]: sea, in, the, and three times sea
    assert [i for i, words_ in enumerate(found) if words_ is not None] == [0, 1, 3, 4, 5]
    # a sentence stands there twice: (10 - 3) // 2 = 3 pieces
    found = model.propose(words, [True] * len(words), 5, pairs=True)
    assert [i for i, words_ in enumerate(found) if words_ is None] == [2]


def test_batches_change_nothing(bert: Path) -> None:
    words = split_words("Who founded the sea in Merk by Merk was in the sea", Splitting())
    wanted = [True] * len(words)
    one = MaskedLM.load(bert, Computing(device="cpu", token_budget=1))
    many = MaskedLM.load(bert, Computing(device="cpu", token_budget=100_000))
    assert one.propose(words, wanted, 6, pairs=False) == many.propose(words, wanted, 6, pairs=False)


def test_byte_level_candidates_are_words_that_fit_their_place(byte_lm: Path) -> None:
    found = proposed(byte_lm, "Orvel lies by the sea. It was founded by Ada Merk in 1234.", 30, pairs=False)
    assert found["by"] and all(text == text.strip() and text.isprintable() for text in found["by"])
    assert found["."] is not None
    assert not any(text[0].isalnum() for text in found["."])
    assert "by" in proposed(byte_lm, "Orvel lies by the sea", 200, pairs=True)["by"]


def test_neighbours_by_cosine(tmp_path: Path, vectors: Path) -> None:
    known = WordVectors.open(vectors, tmp_path / "kept")
    # cosines with orvel: brako 0.8, tamsin 0.6, quarrel 0, lindow -1
    assert known.neighbours(["orvel", "unknown", "quarrel"], 3) == [
        ("brako", "tamsin", "quarrel"),
        (),
        ("tamsin", "brako", "orvel"),
    ]
    assert known.neighbours(["lindow"], 99) == [("quarrel", "tamsin", "brako", "orvel")]
    vectors.unlink()
    again = WordVectors.open(vectors, tmp_path / "kept")
    assert again.neighbours(["orvel"], 1) == [("brako",)]


def test_neighbours_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "many.txt"
    rows = rng.normal(size=(300, 20))
    path.write_text("".join(f"w{i} {' '.join(map(str, row))}\n" for i, row in enumerate(rows)), "utf-8")
    words = [f"w{i}" for i in range(300)]
    together = WordVectors.open(path, tmp_path / "kept").neighbours(words, 7)
    alone = WordVectors.open(path, tmp_path / "kept")
    assert [alone.neighbours([word], 7)[0] for word in words] == together
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ unit.T - 2 * np.eye(300)
    assert together == [tuple(f"w{i}" for i in np.argsort(-row)[:7]) for row in cosines]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no vectors"),
        ("a 1 2\nb 1\n", "v.txt:2: found 1 numbers, expected a word and 2 numbers"),
        ("a 1 2\nb x 2\n", "v.txt:2: found could not convert"),
        ("a 1 2\nb nan 2\n", "v.txt:2: found a number that is not finite"),
        ("a\n", "v.txt:1: found 0 numbers"),
    ],
)
def test_malformed_vectors(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "v.txt"
    path.write_text(content, "utf-8")
    with pytest.raises(DataError, match=message):
        WordVectors.open(path, tmp_path / "kept")


def test_forms_of_vectors_that_are_let_pass(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("3 2\n. . 1 0\nzero 0 0\n. . 0 1 \n", "utf-8")  # a header, blanks in a word, no length, twice
    known = WordVectors.open(path, tmp_path / "kept")
    assert known.neighbours([". .", "zero"], 1) == [("zero",), (". .",)]


def test_vectors_wider_than_any_are_refused_before_there_is_room_for_them(tmp_path: Path) -> None:
    (tmp_path / "wide.txt").write_text("word" + " 1" * 500_000 + "\n", "utf-8")
    with pytest.raises(DataError, match="found 500000 numbers, expected at most 4096"):
        WordVectors.open(tmp_path / "wide.txt", tmp_path / "kept")


def test_a_byte_order_mark_is_no_part_of_a_word(tmp_path: Path) -> None:
    (tmp_path / "marked.txt").write_text("\ufeffsea 1 0\nlake 1 0.1\nhill 0 1\n", "utf-8")
    known = WordVectors.open(tmp_path / "marked.txt", tmp_path / "kept")
    assert known.neighbours(["sea"], 1) == [("lake",)]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("settings", [FARM, TINY], ids=["farm", "tinybert"])
def test_interrupted_augmentation_goes_on_to_the_same_bytes(
    settings: AugmentSettings, bert: Path, vectors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PART_PARAGRAPHS", 4)
    questions = easy_questions(10)
    whole = augment_questions(settings, questions, bert, vectors, tmp_path / "whole", silent, CPU)
    calls = 0

    def stop(what: str, done: int, total: int, note: str) -> None:
        nonlocal calls
        calls += 1
        if done >= 6:
            raise KeyboardInterrupt

    monkeypatch.setattr("harness.engine.meter.INTERVAL", 0.0)
    with pytest.raises(KeyboardInterrupt):
        augment_questions(settings, questions, bert, vectors, tmp_path / "cut", stop, CPU)
    assert [path.name for path in sorted((tmp_path / "cut").glob("*.arrow"))] == ["part-00000.arrow"]
    seen: list[int] = []
    again = augment_questions(
        settings, questions, bert, vectors, tmp_path / "cut", lambda _w, done, _t, _n: seen.append(done), CPU
    )
    assert seen == [0, 5, 6, 7, 8, 9, 10]
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert list(again) == list(whole)
    monkeypatch.setattr(MaskedLM, "load", None)  # a finished folder needs no model
    assert list(augment_questions(settings, questions, bert, vectors, tmp_path / "cut", silent, CPU)) == list(whole)
    with pytest.raises(RecordError, match="with another seed"):
        augment_questions(replace(settings, seed=5), questions, bert, vectors, tmp_path / "cut", silent, CPU)


def test_a_process_killed_while_it_writes_leaves_whole_parts(
    byte_lm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PART_PARAGRAPHS", 4)
    questions = easy_questions(8)
    whole = augment_questions(FARM, questions, byte_lm, None, tmp_path / "whole", silent, CPU)
    (tmp_path / "cut").mkdir()
    for name in ("manifest.json", "part-00000.arrow"):
        (tmp_path / "cut" / name).write_bytes((tmp_path / "whole" / name).read_bytes())
    part = (tmp_path / "whole" / "part-00001.arrow").read_bytes()
    (tmp_path / "cut" / ".part-00001.arrow.77.tmp").write_bytes(part[: len(part) // 2])
    assert list(augment_questions(FARM, questions, byte_lm, None, tmp_path / "cut", silent, CPU)) == list(whole)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_order_and_neighbours_do_not_matter(bert: Path, vectors: Path, tmp_path: Path) -> None:
    questions = easy_questions(8)
    one = augment_questions(FARM, questions, bert, vectors, tmp_path / "a", silent, CPU)
    other = augment_questions(FARM, questions[::-2], bert, vectors, tmp_path / "b", silent, CPU)
    assert {q.id: q for q in other}.items() <= {q.id: q for q in one}.items()
    reseeded = augment_questions(replace(FARM, seed=2), questions, bert, vectors, tmp_path / "c", silent, CPU)
    assert [q.id for q in reseeded] == [q.id for q in one]
    assert [q.context for q in reseeded] != [q.context for q in one]


def test_farm(bert: Path, vectors: Path, tmp_path: Path) -> None:
    questions = [
        Question("1", "0:0", "Orvel, by the SEA.", "Where?", (Answer("SEA", 14),)),
        Question("2", "0:0", "Orvel, by the SEA.", "Who?", (), impossible=True),
    ]
    none = augment_questions(replace(FARM, probability=0), questions, bert, vectors, tmp_path / "0", silent, CPU)
    assert [(q.id, q.context, q.answers, q.impossible) for q in none[:2]] == [
        ("1#1", "orvel , by the sea .", (), False),
        ("2#1", "orvel , by the sea .", (), True),
    ]
    assert len(none) == 6
    once = augment_questions(
        replace(FARM, probability=1, factor=1), questions, bert, vectors, tmp_path / "1", silent, CPU
    )
    words = once[0].context.split(" ")
    assert len(once) == 2 and len(words) == 6
    assert words[0] in {"brako", "tamsin", "quarrel", "lindow"}  # several pieces, so by vectors
    assert words[3] == "the"  # several pieces and no vector
    left = augment_questions(replace(FARM, probability=1), questions, bert, None, tmp_path / "2", silent, CPU)
    assert {q.context.split(" ")[0] for q in left} == {"orvel"}


@pytest.mark.parametrize("model", ["bert", "byte_lm"])
def test_tinybert_keeps_answers_where_they_stand(
    model: str, vectors: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    questions = easy_questions(12)
    settings = replace(TINY, factor=8, probability=0.9, candidates=15)
    found = augment_questions(settings, questions, request.getfixturevalue(model), vectors, tmp_path / "x", silent, CPU)
    by_id = {q.id: q for q in questions}
    assert len(found) > 3 * len(questions)
    assert len({(q.id.partition("#")[0], q.context) for q in found}) == len(found)
    for q in found:
        original = by_id[q.id.partition("#")[0]]
        assert [a.text for a in q.answers] == [a.text for a in original.answers]
        assert all(q.context[a.start : a.start + len(a.text)] == a.text for a in q.answers)
        assert q.id != original.id or q == original
    assert set(by_id) <= {q.id for q in found}


def test_lines_of_text_can_be_augmented(byte_lm: Path, tmp_path: Path) -> None:
    file = tmp_path / "corpus.txt"
    file.write_text("Orvel lies by the sea.\n\nBrako lies by the sea.\n", "utf-8")
    found = augment_questions(FARM, TextLines.open(file), byte_lm, None, tmp_path / "x", silent, CPU)
    assert [q.id for q in found] == ["L1#1", "L1#2", "L1#3", "L3#1", "L3#2", "L3#3"]


def test_no_more_than_a_part_is_held(byte_lm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART_PARAGRAPHS", 5)
    held = []

    def count(*_: object) -> None:
        held.append(sum(type(thing) is Question for thing in gc.get_objects()))

    questions = easy_questions(40)
    gc.collect()
    before = sum(type(thing) is Question for thing in gc.get_objects())
    monkeypatch.setattr("harness.engine.meter.INTERVAL", 0.0)
    found = augment_questions(replace(FARM, factor=10), questions, byte_lm, None, tmp_path / "x", count, CPU)
    assert len(found) == 400
    # the paragraphs of a part that is being made, and of the one before it
    assert max(held) - before <= 2 * 5 * 10 + 10


def test_what_cannot_be_done_is_said_first(bert: Path, tmp_path: Path) -> None:
    questions = easy_questions(2)
    with pytest.raises(RecipeError, match="augment_factor: found 0"):
        augment_questions(replace(FARM, factor=0), questions, bert, None, tmp_path / "x", silent, CPU)
    with pytest.raises(DataError, match="found no question to augment"):
        augment_questions(FARM, [], bert, None, tmp_path / "x", silent, CPU)
    assert not (tmp_path / "x").exists()


def test_models_that_propose_no_words(build: Callable[..., Path], bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="weights without lm_head"):
        MaskedLM.load(build(), CPU)
    with pytest.raises(ModelError, match="is not a folder"):
        MaskedLM.load(tmp_path / "nothing", CPU)
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in bert.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    config = json.loads((broken / "config.json").read_text("utf-8"))
    (broken / "config.json").write_text(json.dumps(config | {"attn_implementation": "a/b"}), "utf-8")
    with pytest.raises(ModelError, match="names code outside of transformers"):
        MaskedLM.load(broken, CPU)
    tokenizer = json.loads((broken / "tokenizer.json").read_text("utf-8"))
    tokenizer["normalizer"] = {"type": "Lowercase"}
    (broken / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    (broken / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(ModelError, match="found a tokenizer of kind WordPiece, expected"):
        MaskedLM.load(broken, CPU)
