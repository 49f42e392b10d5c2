"""The published cards' recipes run from first to last stage, on models and data small enough for a test.

That of Shobhank-iiitdwd is tinyroberta-squad2's, value by value (tests/test_seed_cards.py).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")
import torch
from transformers import BertConfig, BertForMaskedLM, RobertaConfig, RobertaForQuestionAnswering

from harness.cli import main
from harness.engine.loading import load_model, load_tokenizer, save
from harness.records import Question
from harness.squad_json import to_squad_json
from harness.store import load_run

pytestmark = pytest.mark.torch
ROOT = Path(__file__).parents[2]
WORDPIECE = ROOT / "tests" / "data" / "eras" / "tokenizers" / "bert"
ENCODERS = {
    "roberta-base": 12,
    "xlm-roberta-base": 12,
    "nyu-mll/roberta-base-1B-1": 12,
    "deepset/roberta-base-squad2": 12,
    "deepset/roberta-large-squad2": 24,
    "deepset/xlm-roberta-large-squad2": 24,
}
CASES = {
    "deepset__roberta-base-squad2-distilled": [None],
    "deepset__xlm-roberta-base-squad2-distilled": [None],
    "deepset__tinyroberta-squad2": [None],
    "mrm8488__roberta-base-1B-1-finetuned-squadv2": ["c-era", "c-fixed", "c-modern"],
}


@pytest.fixture(scope="module")
def world(
    build: Callable[..., Path], make_questions: Callable[..., list[Question]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Names that the recipes use -> files and folders of ours."""
    folder = tmp_path_factory.mktemp("seeds")
    tokenizer = load_tokenizer(build())
    made: dict[str, Path] = {}
    for seed, (name, layers) in enumerate(ENCODERS.items()):
        torch.manual_seed(seed)
        shape = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32, "num_hidden_layers": layers}
        config = RobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=514, type_vocab_size=1, **shape)
        made[name] = folder / name.replace("/", "-")
        save(RobertaForQuestionAnswering(config), tokenizer, made[name])
    shape = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32, "num_hidden_layers": 1}
    size = len((WORDPIECE / "vocab.txt").read_text("utf-8").splitlines())
    made["google-bert/bert-base-uncased"] = folder / "masked"
    shutil.copytree(WORDPIECE, folder / "masked")
    BertForMaskedLM(BertConfig(vocab_size=size, **shape)).save_pretrained(folder / "masked")
    for name, split, count in (("train", "squad_v2:train", 2), ("dev", "squad_v2:validation", 5)):
        made[split] = folder / f"{name}.json"
        made[split].write_text(json.dumps(to_squad_json(make_questions(count, seed=count))), "utf-8")
    made["the_pile"] = folder / "pile.txt"
    made["the_pile"].write_text("\n".join(q.context for q in make_questions(9)), "utf-8")
    made["glove.42B.300d"] = folder / "glove.txt"
    made["glove.42B.300d"].write_text("founded 1 0\nbuilt 0.9 0.1\nsea 0 1\nlake 0.1 0.9\n", "utf-8")
    return made


@pytest.mark.parametrize(("card", "reading"), [(card, reading) for card, all_ in CASES.items() for reading in all_])
def test_a_published_recipe_runs(card: str, reading: str | None, world: dict[str, Path], tmp_path: Path) -> None:
    assumptions = (ROOT / "cards" / card / "assumptions.yaml").read_text("utf-8")
    readme = (ROOT / "cards" / card / "README.md").read_text("utf-8")
    named = [name for name in world if name.partition(":")[0] in assumptions + readme or name.startswith("squad")]
    arguments = ["run", str(ROOT / "cards" / card), "--runs", str(tmp_path)]
    arguments += [] if reading is None else ["--reading", reading]
    for name in used(card, named):
        arguments += ["--use", f"{name}={world[name]}"]
    assert main(arguments) == 0
    (record,) = tmp_path.glob("*/record.json")
    run = load_run(record.parent)
    assert run.recipe.reading == reading
    assert [result.name for result in run.stages] == [stage.name for stage in run.recipe.stages]
    if len(run.stages) == 3:
        general, task, prediction = run.stages
        assert (general.questions, task.questions, task.augmented) == (9, 2, 40)
        assert (task.student_sha256, prediction.student_sha256) == (general.weights_sha256, task.weights_sha256)
        model = load_model(record.parent / "stages" / "3-prediction" / "model")
        assert model.config.num_hidden_layers == 6


def used(card: str, named: list[str]) -> list[str]:
    """What the card's recipe asks for, of the names that its files mention."""
    from harness.evidence import open_card

    recipe = open_card(ROOT / "cards" / card).recipe
    refs = [ref for s in recipe.stages for ref in (s.student, s.teacher)]
    refs += [ref for s in recipe.stages if s.augment != "none" for ref in (s.masked_lm, s.word_vectors)]
    wanted = {ref.name for ref in refs if ref is not None} | {ref.name for s in recipe.stages for ref in s.data}
    return [name for name in named if name.partition(":")[0] in wanted]
