"""Record what the code of earlier eras of training makes of ``data/eras/questions.json``, in ``data/eras``.

Each command runs in an environment of its own, of Python 3.11, in which that code is importable:

* ``tokenizers`` and ``farm``: ``pip install numpy==1.26.4 torch==2.13.0 tokenizers==0.13.3 huggingface_hub==0.4.0
  sacremoses sentencepiece "protobuf==3.20.3" "pydantic<2" "pandas<2.3" scipy scikit-learn seqeval dill networkx
  jsonschema six regex requests tqdm`` and ``pip install --no-deps transformers==4.13.0``; for ``farm`` also
  ``pip download --no-deps farm-haystack==1.2.0``, unpacked into a folder that is first in ``PYTHONPATH``.
* ``run_squad_30``: the same, and ``pip download --no-deps transformers==3.0.2``, unpacked into a folder that is first
  in ``PYTHONPATH``.
* ``run_squad_34``: ``pip install "numpy<2" torch==2.13.0 transformers==4.57.6 sentencepiece protobuf``.
* ``run_qa FOLDER``: as ``run_squad_34``; FOLDER holds ``run_qa.py`` and ``utils_qa.py`` of transformers'
  ``examples/pytorch/question-answering``, which no package has; two functions of the one and one of the other are used.

Run ``python tests/record_eras.py COMMAND``. What is written is the same wherever it runs, but for the last digits of
losses; only ``tokenizers`` trains others every time (WordPiece), after which all must be recorded anew.
``data/eras/README.md`` says what the files hold.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.metadata
import itertools
import json
import random
import sys
import tempfile
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

ERAS = Path(__file__).with_name("data") / "eras"
VOCABULARY = {"roberta": 700, "bert": 700}
SMALL = {"max_seq_len": 64, "doc_stride": 16, "max_query_length": 12}
NORMAL = {"max_seq_len": 384, "doc_stride": 128, "max_query_length": 64}
LONG, LONGEST = 150, 1500
"""With the normal lengths only questions of so many characters, with their context, are asked; with the small
ones only those with contexts of fewer than `LONGEST`."""
SEED = 0
PADDING = -20.0
CLOSEST = 2e-5
"""Scores of neighbours lie further apart, so that no rounding can change their order."""
N_BEST = 5

MAPS = ("starts", "words", "offsets")
"""What tokens of a context map to, by era."""

Example = dict[str, Any]
Window = dict[str, Any]


def window_logits(
    tokenizer: str, setting: str, question: int, number: int, window: Window, length: int, *, loud: bool = False
) -> tuple[list[float], list[float]]:
    """Start and end logits of a window: noise, one answer that stands out, a no-answer that rivals it.

    Args:
        tokenizer: Name of the tokenizer in the record.
        setting: ``small`` or ``normal``.
        question: Number of the question.
        number: Number of the window among the question's, from 0.
        window: As `unpack` gives it: its ids, first and count are used.
        length: Positions to fill.
        loud: Whether positions past the window's ids get noise as well, not `PADDING`.
    """
    name = f"{SEED}/{tokenizer}/{setting}/{question}"
    size, first, count = len(window["ids"]), window["first"], window["count"]
    rng = random.Random(f"{name}/{number}")
    starts, ends = ([rng.uniform(-4, 4) for _ in range(size)] for _ in range(2))
    if count:
        start = first + rng.randrange(count)
        starts[start] += 5
        ends[min(start + rng.choice((0, 0, 1, 2, 3, 8)), first + count - 1)] += 5
    strength = random.Random(name).choice((0, 2, 7))
    starts[0], ends[0] = strength + rng.uniform(-1, 3), strength + rng.uniform(-1, 3)
    for logits in (starts, ends):
        logits += [rng.uniform(-4, 6) if loud else PADDING for _ in range(length - size)]
    return [round(value, 6) for value in starts], [round(value, 6) for value in ends]


def unpack(features: dict[str, Any]) -> list[Window]:
    """The windows of ``features[tokenizer][setting]`` of a record, each with all that ``README.md`` names."""
    windows = []
    for question, token, count, segment, labels, *own in features["windows"]:
        head = features["heads"][str(question)]
        context = features["contexts"][features["context_of"][str(question)]]
        window = {"question": question, "token": token, "first": len(head), "count": count, "segment": segment}
        window["ids"] = head + context["ids"][token : token + count] + features["tail"]
        window["labels"] = labels
        for name in MAPS:
            if name in context:
                values = context[name][token : token + count]
                window[name] = [at for pair in values for at in pair] if name == "offsets" else values
        if own:
            before, owned = own[0]
            window["own"] = "0" * before + "1" * owned + "0" * (count - before - owned)
        windows.append(window)
    return windows


def _pack(features: dict[str, Any]) -> dict[str, Any]:
    """The same with what windows of a question or a context share written once."""
    heads: dict[str, list[int]] = {}
    documents: dict[str, dict[str, dict[int, Any]]] = {}
    tails = {tuple(window["ids"][window["first"] + window["count"] :]) for window in features["windows"]}
    for window in features["windows"]:
        question, first, count = str(window["question"]), window["first"], window["count"]
        heads[question] = window["ids"][:first]
        document = documents.setdefault(question, {})
        for name in ("ids", *(name for name in MAPS if name in window)):
            values = window["ids"][first : first + count] if name == "ids" else window[name]
            values = (
                [list(pair) for pair in zip(values[::2], values[1::2], strict=True)] if name == "offsets" else values
            )
            document.setdefault(name, {}).update(enumerate(values, window["token"]))
    contexts: list[dict[str, list[Any]]] = []
    context_of: dict[str, int] = {}
    for question, document in documents.items():
        context = {name: [values[i] for i in range(len(values))] for name, values in document.items()}
        if context not in contexts:
            contexts.append(context)
        context_of[question] = contexts.index(context)
    keys = ("question", "token", "count", "segment", "labels")
    rows = [[window[key] for key in keys] for window in features["windows"]]
    for row, window in zip(rows, features["windows"], strict=True):
        if "own" in window:
            row.append([max(window["own"].find("1"), 0), window["own"].count("1")])
    shared = {"tail": list(tails.pop()), "heads": heads, "contexts": contexts, "context_of": context_of}
    packed = features | shared | {"windows": rows}
    if tails or unpack(packed) != features["windows"]:
        sys.exit("windows of one question differ in what they should share")
    return packed


def main() -> None:
    """Run one command."""
    commands: dict[str, Callable[..., None]] = {
        "tokenizers": train_tokenizers,
        "farm": record_farm,
        "run_squad_30": record_run_squad_30,
        "run_squad_34": record_run_squad_34,
        "run_qa": record_run_qa,
    }
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(f"usage: python tests/record_eras.py {{{','.join(commands)}}} [FOLDER]")
    commands[sys.argv[1]](*sys.argv[2:])


def train_tokenizers() -> None:
    """Train the two small tokenizers on the questions, and store them in the old and the new form."""
    _silence_version_check()
    from tokenizers import BertWordPieceTokenizer, ByteLevelBPETokenizer
    from transformers import BertTokenizerFast, RobertaTokenizerFast

    # Emoji and kana stay out: the one tokenizer falls back to bytes there, the other to [UNK].
    texts = ["".join(c for c in text if ord(c) < 0x3000 or ord(c) == 0x5317) for text in _texts()]
    folder = ERAS / "tokenizers" / "roberta"
    folder.mkdir(parents=True, exist_ok=True)
    bpe = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    bpe.train_from_iterator(texts, VOCABULARY["roberta"] - 1, 2, False, special)
    bpe.save_model(str(folder))
    vocabulary = json.loads((folder / "vocab.json").read_text("utf-8"))
    vocabulary["<mask>"] = len(vocabulary)
    _write(folder / "vocab.json", vocabulary)
    files = str(folder / "vocab.json"), str(folder / "merges.txt")
    RobertaTokenizerFast(*files).backend_tokenizer.save(str(folder / "tokenizer.json"))
    _configure(folder, "roberta", "RobertaTokenizer", len(vocabulary), {"pad_token_id": 1, "type_vocab_size": 1})

    folder = ERAS / "tokenizers" / "bert"
    folder.mkdir(parents=True, exist_ok=True)
    pieces = BertWordPieceTokenizer(lowercase=True)
    pieces.train_from_iterator(texts, VOCABULARY["bert"], 2, show_progress=False)
    pieces.save_model(str(folder))
    fast = BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=True)
    fast.backend_tokenizer.save(str(folder / "tokenizer.json"))
    _configure(folder, "bert", "BertTokenizer", len(fast), {"pad_token_id": 0, "type_vocab_size": 2})


def _configure(folder: Path, kind: str, tokenizer: str, size: int, settings: dict[str, int]) -> None:
    _write(folder / "tokenizer.json", json.loads((folder / "tokenizer.json").read_text("utf-8")))
    _write(folder / "config.json", {"model_type": kind, "vocab_size": size, **settings})
    lower = {"do_lower_case": True} if kind == "bert" else {}
    _write(folder / "tokenizer_config.json", {"tokenizer_class": tokenizer, "model_max_length": 512, **lower})


def record_farm() -> None:
    """What haystack 1.2.0 does: features, answers, losses, optimizer."""
    _silence_version_check()
    sys.modules["mlflow"] = mock.MagicMock()
    spec = importlib.machinery.PathFinder.find_spec("haystack")
    if spec is None:
        sys.exit("haystack is not importable")
    package = types.ModuleType("haystack")  # its own __init__ imports every store and node
    package.__path__ = list(spec.submodule_search_locations or [])
    sys.modules["haystack"] = package
    import logging

    from transformers import BertTokenizerFast, RobertaTokenizerFast

    logging.disable(logging.ERROR)
    folder = ERAS / "tokenizers"
    roberta = folder / "roberta"
    tokenizers = {
        "roberta": RobertaTokenizerFast(str(roberta / "vocab.json"), str(roberta / "merges.txt")),
        "bert": BertTokenizerFast(str(folder / "bert" / "vocab.txt"), do_lower_case=True),
    }
    record: dict[str, Any] = {"versions": _versions(), "features": {}}
    for name, tokenizer in tokenizers.items():
        for setting, lengths in (("small", SMALL), ("normal", NORMAL)):
            _enter(record, name, setting, *_farm(name, setting, tokenizer, lengths))
    _write(ERAS / "farm-1.x.json", record)
    _record_losses()
    _record_farm_optimizer()


def _farm(name: str, setting: str, tokenizer: Any, lengths: dict[str, int]) -> tuple[dict[str, Any], dict[str, Any]]:
    from haystack.modeling.data_handler.processor import SquadProcessor
    from haystack.modeling.model.prediction_head import QuestionAnsweringHead

    def make() -> Any:
        return SquadProcessor(tokenizer=tokenizer, data_dir=None, **lengths)

    defaults = QuestionAnsweringHead()
    reader = QuestionAnsweringHead(n_best=4, n_best_per_sample=1, duplicate_filtering=0)
    heads = {"head": defaults, "reader": reader}
    # An era's code that is left without any window fails, so another question goes first.
    other = {"context": "yes no", "qas": [{"id": "other", "question": "First?", "answers": []}]}
    features = _features(lengths, setting)
    answers: dict[str, Any] = {"answers": {head: {} for head in heads}, "loud_answers": {"reader": {}}}
    for number in features["questions"]:
        example = _examples()[number]
        one = {"context": example["context"], "qas": [example]}
        try:
            _, _, _, baskets = make().dataset_from_dicts([other, one], [0, 1], return_baskets=True)
        except Exception as error:
            features["crashed"][number] = type(error).__name__
            continue
        baskets = [basket for basket in baskets if basket.id_external == example["id"]]
        if not baskets:
            features["dropped"].append(number)
            continue
        [basket] = baskets
        labels: list[Any] = []
        try:
            dataset, names, _ = make().dataset_from_dicts([other, one], [0, 1])
            ids = dataset.tensors[names.index("id")][:, 0].tolist()
            of_all = dataset.tensors[names.index("labels")].tolist()
            labels = [[pair for pair in rows if pair != [-1, -1]] for i, rows in zip(ids, of_all, strict=True) if i]
            if not labels:
                features["skipped"].append(number)
        except Exception as error:
            features["skipped_crashed"][number] = type(error).__name__
        starts = basket.raw["document_offsets"].tolist()
        windows: list[Window] = []
        for sample, label in itertools.zip_longest(basket.samples, labels):
            [found] = sample.features
            size, token = sum(found["padding_mask"]), found["passage_start_t"]
            count = len(sample.tokenized["passage_tokens"])
            windows.append(
                {
                    "question": number,
                    "ids": found["input_ids"][:size],
                    "first": found["seq_2_start_t"],
                    "count": count,
                    "segment": _segment(found["segment_ids"][:size]),
                    "labels": label,
                    "starts": starts[token : token + count],
                    "token": token,
                }
            )
        features["windows"] += windows
        for kind, of_kind in answers.items():
            for head, of_head in of_kind.items():
                logits = _all_logits(name, setting, windows, lengths, kind == "loud_answers")
                found = _farm_answer(f"{name} {setting} {number} {head}", heads[head], basket, logits)
                if not isinstance(found, str) and head != "head":
                    del found["windows"]
                of_head[number] = found
    return features, answers


def _farm_answer(where: str, head: Any, basket: Any, channels: Any) -> Any:
    import torch

    logits = torch.stack([torch.tensor(channel) for channel in channels], dim=-1)
    inputs = {
        key: torch.tensor([sample.features[0][key] for sample in basket.samples])
        for key in ("span_mask", "start_of_word", "seq_2_start_t")
    }
    try:
        found = head.logits_to_preds(logits, **inputs)
        of_windows = [
            [one[0].offset_answer_start, one[0].offset_answer_end, one[0].score, one[-1].score] for one in found
        ]
        [prediction] = head.formatted_preds(preds=found, baskets=[basket])
    except Exception as error:
        return type(error).__name__
    scores = [[one.score for one in of_window[:-1] if one.score > -100] for of_window in found]
    for listed in (*scores, [one.score for one in prediction.prediction]):
        _check(where, listed)
    candidates = [
        [c.answer, c.offset_answer_start, c.offset_answer_end, c.score, c.confidence] for c in prediction.prediction
    ]
    return {"gap": prediction.no_answer_gap, "candidates": candidates, "windows": of_windows}


def _all_logits(
    name: str, setting: str, windows: list[Window], lengths: dict[str, int], loud: bool
) -> tuple[list[list[float]], list[list[float]]]:
    """Start logits and end logits of all windows of a question."""
    length = lengths["max_seq_len"]
    both = [
        window_logits(name, setting, window["question"], i, window, length, loud=loud)
        for i, window in enumerate(windows)
    ]
    return [starts for starts, _ in both], [ends for _, ends in both]


def _record_losses() -> None:
    import torch
    from haystack.modeling.model.adaptive_model import AdaptiveModel
    from haystack.modeling.model.prediction_head import QuestionAnsweringHead
    from haystack.modeling.training.base import DistillationLoss, DistillationTrainer

    numbers = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> Any:
        return (torch.randn(*shape, generator=numbers) * 2).round(decimals=3)

    class Body(torch.nn.Module):
        """A language model of given outputs."""

        def __init__(self, *outputs: Any) -> None:
            super().__init__()
            self.outputs = outputs
            self.model = types.SimpleNamespace(dummy_inputs={"input_ids": torch.zeros(1, 2, dtype=torch.long)})

        name = "body"

        def get_output_dims(self) -> int:
            return 2

        def forward(self, **inputs: Any) -> Any:
            return self.outputs

    def model(*outputs: Any, temperature: float = 1.0) -> Any:
        head = QuestionAnsweringHead(layer_dims=[2, 2], temperature_for_confidence=temperature)
        head.label_tensor_name = "label_ids"
        layer = head.feed_forward.feed_forward[0]
        layer.weight.data, layer.bias.data = torch.eye(2), torch.zeros(2)
        whole = AdaptiveModel(Body(*outputs), [head], 0.0, ["per_token"], "cpu")
        return whole.eval()

    logits, teacher = draw(3, 7, 2), draw(3, 7, 2)
    labels = torch.full((3, 6, 2), -1)
    labels[:, 0] = torch.tensor([[2, 4], [0, 0], [6, 6]])
    labels[0, 1] = torch.tensor([1, 1])
    record: dict[str, Any] = {"versions": _versions(), "qa": [], "distillation": [], "intermediate": []}
    for tau in (1.0, 1.3):
        student = model(logits, None, temperature=tau)
        losses = student.logits_to_loss(student.forward(), labels=labels.clone())
        record["qa"].append(
            {
                "hidden": logits.tolist(),
                "tau": tau,
                "labels": labels.tolist(),
                "per_window": losses.tolist(),
                "loss": losses.mean().item(),
            }
        )
    for temperature, weight in ((1.0, 0.5), (1.5, 0.75), (3.0, 0.75), (5.0, 1.0), (2.0, 0.0)):
        hidden = logits.clone().requires_grad_()
        trainer = object.__new__(DistillationTrainer)
        vars(trainer).update(
            model=model(hidden, None),
            temperature=temperature,
            distillation_loss_weight=weight,
            distillation_loss_fn=trainer._kl_div,
            global_step=0,
            grad_acc_steps=1,
            backward_propagate=lambda loss, step, trainer=trainer: trainer.adjust_loss(loss),
        )
        loss = trainer.compute_loss({"teacher_output_0": teacher, "labels": labels.clone()}, 0)
        loss.backward()
        record["distillation"].append(
            {
                "student": logits.tolist(),
                "teacher": teacher.tolist(),
                "labels": labels.tolist(),
                "temperature": temperature,
                "weight": weight,
                "kl": trainer._kl_div(logits / temperature, teacher / temperature).item(),
                "loss": loss.item(),
                "gradient": hidden.grad.tolist(),
            }
        )
    for layers, teacher_layers in ((1, 2), (2, 4), (2, 2), (1, 3)):
        sides = []
        for count in (layers, teacher_layers):
            hidden_states = tuple(draw(2, 3, 4) for _ in range(count + 1))
            attentions = tuple(draw(2, 2, 3, 3).softmax(-1).detach() for _ in range(count))
            attentions = tuple(one.double().round(decimals=5).float() for one in attentions)
            sides.append((hidden_states, attentions))
        student, its_teacher = (model(draw(2, 3, 2), None, *side) for side in sides)
        loss = DistillationLoss(student, its_teacher, torch.device("cpu"))({"input_ids": torch.zeros(2, 3)})
        record["intermediate"].append(
            {
                **{
                    f"{side}_{what}": [[round(x, 5) for x in one.flatten().tolist()] for one in states]
                    for side, both in zip(("student", "teacher"), sides, strict=True)
                    for what, states in zip(("hidden", "attention"), both, strict=True)
                },
                "hidden_shape": [2, 3, 4],
                "attention_shape": [2, 2, 3, 3],
                "loss": loss.sum().item(),
            }
        )
    _write(ERAS / "losses.json", record)


def _record_farm_optimizer() -> None:
    import torch
    from haystack.modeling.model.optimization import initialize_optimizer

    def build(batches: int, epochs: int, warmup: float) -> Any:
        model = _tiny(torch)
        schedule = {"name": "LinearWarmup", "warmup_proportion": warmup}
        device = torch.device("cpu")
        return initialize_optimizer(model, batches, epochs, device, 0.01, schedule_opts=schedule)

    model, optimizer, schedule = build(5, 2, 0.2)
    groups = [
        {key: value for key, value in group.items() if key in ("betas", "eps", "weight_decay")}
        | {"parameters": len(group["params"])}
        for group in optimizer.param_groups
    ]
    farm = {
        "class": f"{type(optimizer).__module__.split('.')[0]}.optim.{type(optimizer).__name__}",
        "groups": groups,
        "learning_rate": 0.01,
        "batches": 5,
        "epochs": 2,
        "warmup": 0.2,
        **_steps(model, optimizer, schedule, 10),
    }
    factors = []
    for batches, epochs, warmup in ((5, 2, 0.2), (11, 1, 0.2), (13, 2, 0.2), (4, 1, 0.2), (1, 1, 0.2), (7, 3, 0.1)):
        _, optimizer, schedule = build(batches, epochs, warmup)
        factors.append(
            {
                "batches": batches,
                "epochs": epochs,
                "warmup": warmup,
                "factors": _factors(optimizer, schedule, batches * epochs),
            }
        )
    _update(ERAS / "optimizers.json", {"farm-1.x": farm, "farm-1.x-schedules": factors})


def record_run_squad_30() -> None:
    """What transformers 3.0.2 does: features and answers of run_squad, its optimizer."""
    _silence_version_check()
    import logging

    import torch
    from transformers import AdamW, BertTokenizer, RobertaTokenizer, get_linear_schedule_with_warmup

    logging.disable(logging.ERROR)
    folder = ERAS / "tokenizers"
    tokenizers = {
        "roberta": (RobertaTokenizer.from_pretrained(str(folder / "roberta")), False),
        "roberta-lower": (RobertaTokenizer.from_pretrained(str(folder / "roberta"), do_lower_case=True), True),
        "bert": (BertTokenizer.from_pretrained(str(folder / "bert"), do_lower_case=True), True),
    }
    _record_run_squad("run_squad-3.0.json", tokenizers, {})

    steps = []
    for decay in (0.0, 0.01):
        model = _tiny(torch)
        named = list(model.named_parameters())
        groups = [
            {"params": [p for n, p in named if "bias" not in n], "weight_decay": decay},
            {"params": [p for n, p in named if "bias" in n], "weight_decay": 0.0},
        ]
        optimizer = AdamW(groups, lr=0.01, eps=1e-8)
        schedule = get_linear_schedule_with_warmup(optimizer, 0, 10)
        settings = {"learning_rate": 0.01, "eps": 1e-8, "weight_decay": decay, "warmup_steps": 0, "total_steps": 10}
        steps.append({**settings, **_steps(model, optimizer, schedule, 10)})
    factors = []
    for warmup, total in ((0, 10), (0, 3), (0, 1), (2, 10), (3, 7)):
        optimizer = torch.optim.SGD(_tiny(torch).parameters(), lr=1.0)
        schedule = get_linear_schedule_with_warmup(optimizer, warmup, total)
        factors.append({"warmup_steps": warmup, "total_steps": total, "factors": _factors(optimizer, schedule, total)})
    _update(ERAS / "optimizers.json", {"run_squad-3.0": steps, "run_squad-3.0-schedules": factors})


def record_run_squad_34() -> None:
    """What transformers 4.57.6 still has of run_squad: features and answers."""
    from transformers import BertTokenizer, RobertaTokenizer, logging

    logging.set_verbosity(logging.CRITICAL)
    folder = ERAS / "tokenizers"
    tokenizers = {
        "roberta": (RobertaTokenizer.from_pretrained(str(folder / "roberta")), False),
        "bert": (BertTokenizer.from_pretrained(str(folder / "bert"), do_lower_case=True), True),
    }
    _record_run_squad("run_squad-3.4.json", tokenizers, {"padding_strategy": "max_length"})


def _record_run_squad(file: str, tokenizers: dict[str, tuple[Any, bool]], options: dict[str, str]) -> None:
    record: dict[str, Any] = {"versions": _versions(), "features": {}}
    for name, (tokenizer, lower) in tokenizers.items():
        for setting, lengths in (("small", SMALL), ("normal", NORMAL)):
            _enter(record, name, setting, *_run_squad(name, setting, tokenizer, lengths, lower, options))
    _write(ERAS / file, record)


def _run_squad(
    name: str, setting: str, tokenizer: Any, lengths: dict[str, int], lower: bool, options: dict[str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    from transformers.data.processors import squad

    squad.tqdm = lambda items, **_: items
    squad.squad_convert_example_to_features_init(tokenizer)

    def convert(example: Example, kind: str) -> tuple[Any, list[Any]]:
        data = [{"title": "", "paragraphs": [{"context": example["context"], "qas": [example]}]}]
        [made] = squad.SquadV2Processor()._create_examples(data, kind)
        found = squad.squad_convert_example_to_features(
            made,
            max_seq_length=lengths["max_seq_len"],
            doc_stride=lengths["doc_stride"],
            max_query_length=lengths["max_query_length"],
            is_training=kind == "train",
            **options,
        )
        return made, found

    features = _features(lengths, setting)
    answers: dict[str, Any] = {"answers": {}, "loud_answers": {}}
    for number in features["questions"]:
        example = _examples()[number]
        try:
            made, found = convert(example, "dev")
        except BaseException as error:
            features["crashed"][number] = _name(error)
            continue
        if not found:
            features["dropped"].append(number)
            continue
        labels: list[Any] = []
        try:
            labels = [[[one.start_position, one.end_position]] for one in convert(example, "train")[1]]
            if not labels:
                features["skipped"].append(number)
        except BaseException as error:
            features["skipped_crashed"][number] = _name(error)
        windows: list[Window] = []
        for one, label in itertools.zip_longest(found, labels):
            size, places = sum(one.attention_mask), sorted(one.token_to_orig_map)
            if places != list(range(places[0], places[-1] + 1)) or places != sorted(one.token_is_max_context):
                sys.exit(f"{name} {number}: a window with a hole")
            windows.append(
                {
                    "question": number,
                    "ids": list(one.input_ids[:size]),
                    "first": places[0],
                    "count": len(places),
                    "segment": _segment(one.token_type_ids[:size]),
                    "labels": label,
                    "token": len(windows) * lengths["doc_stride"],
                    "words": [one.token_to_orig_map[place] for place in places],
                    "own": "".join("01"[one.token_is_max_context[place]] for place in places),
                }
            )
        features["windows"] += windows
        for kind, of_kind in answers.items():
            logits = _all_logits(name, setting, windows, lengths, kind == "loud_answers")
            where = f"{name} {setting} {number} {kind}"
            of_kind[number] = _run_squad_answer(where, tokenizer, made, found, logits, lower)
    return features, answers


def _run_squad_answer(where: str, tokenizer: Any, example: Any, found: list[Any], logits: Any, lower: bool) -> Any:
    import numpy as np
    from transformers.data.metrics.squad_metrics import compute_predictions_logits
    from transformers.data.processors.squad import SquadResult

    results = []
    for i, (one, *both) in enumerate(zip(found, *logits, strict=True)):
        one.example_index, one.unique_id = 0, i
        results.append(SquadResult(i, *(np.float32(channel).tolist() for channel in both)))
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, file)) for file in ("predictions", "nbest", "odds")]
        try:
            compute_predictions_logits([example], found, results, 20, 30, lower, *files, False, True, 0.0, tokenizer)
        except Exception as error:
            return type(error).__name__
        text, best, odds = (next(iter(json.loads(Path(file).read_text("utf-8")).values())) for file in files)
    return _answer(where, text, best, odds)


def record_run_qa(folder: str) -> None:
    """What the question-answering example of transformers 4 does: features and answers."""
    from transformers import AutoTokenizer, logging

    logging.set_verbosity(logging.CRITICAL)
    sys.path.insert(0, folder)
    tree = ast.parse(Path(folder, "run_qa.py").read_text("utf-8"))
    names = ("prepare_train_features", "prepare_validation_features")
    inner: list[ast.stmt] = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in names
    ]
    code = compile(ast.Module(inner, []), "run_qa.py", "exec")
    record: dict[str, Any] = {"versions": _versions(), "features": {}}
    for name in ("roberta", "bert"):
        tokenizer = AutoTokenizer.from_pretrained(str(ERAS / "tokenizers" / name))
        for setting, lengths in (("small", SMALL), ("normal", NORMAL)):
            around: dict[str, Any] = {
                "tokenizer": tokenizer,
                "pad_on_right": True,
                "max_seq_length": lengths["max_seq_len"],
                "data_args": types.SimpleNamespace(doc_stride=lengths["doc_stride"], pad_to_max_length=True),
                "question_column_name": "question",
                "context_column_name": "context",
                "answer_column_name": "answers",
            }
            exec(code, around)
            functions = (around[function] for function in names)
            _enter(record, name, setting, *_run_qa(name, setting, lengths, *functions))
    _write(ERAS / "run_qa.json", record)


def _run_qa(
    name: str, setting: str, lengths: dict[str, int], train: Callable[..., Any], validate: Callable[..., Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    features = _features(lengths, setting)
    answers: dict[str, Any] = {"answers": {}, "loud_answers": {}}
    for number in features["questions"]:
        example = _examples()[number]
        row = example | {
            "answers": {
                "text": [answer["text"] for answer in example["answers"]],
                "answer_start": [answer["answer_start"] for answer in example["answers"]],
            }
        }
        try:
            found = validate({key: [row[key]] for key in ("id", "question", "context")})
        except BaseException as error:
            features["crashed"][number] = _name(error)
            continue
        labels: list[Any] = []
        try:
            made = train({key: [row[key]] for key in ("id", "question", "context", "answers")})
            labels = [[list(pair)] for pair in zip(made["start_positions"], made["end_positions"], strict=True)]
        except BaseException as error:
            features["skipped_crashed"][number] = _name(error)
        windows: list[Window] = []
        for i, label in itertools.zip_longest(range(len(found["input_ids"])), labels):
            size, offsets = sum(found["attention_mask"][i]), found["offset_mapping"][i]
            places = [place for place, pair in enumerate(offsets) if pair is not None]
            if places and places != list(range(places[0], places[-1] + 1)):
                sys.exit(f"{name} {number}: a window with a hole")
            # The first window begins with the context; later ones share the overlap with the one before.
            token = windows[-1]["token"] + windows[-1]["count"] - lengths["doc_stride"] if windows else 0
            types_ = found["token_type_ids"][i][:size] if "token_type_ids" in found else [0] * size
            windows.append(
                {
                    "question": number,
                    "ids": found["input_ids"][i][:size],
                    "first": places[0] if places else size - 1,
                    "count": len(places),
                    "segment": _segment(types_),
                    "labels": label,
                    "token": token,
                    "offsets": [at for place in places for at in offsets[place]],
                }
            )
        features["windows"] += windows
        for kind, of_kind in answers.items():
            logits = _all_logits(name, setting, windows, lengths, kind == "loud_answers")
            of_kind[number] = _run_qa_answer(f"{name} {setting} {number} {kind}", example, found, logits)
    return features, answers


class _Examples(list[Example]):
    """Rows that are also asked for a column."""

    def __getitem__(self, key: Any) -> Any:
        return [row[key] for row in self] if isinstance(key, str) else super().__getitem__(key)


def _run_qa_answer(where: str, example: Example, found: Any, logits: Any) -> Any:
    import numpy as np
    import utils_qa

    utils_qa.tqdm = lambda items, **_: items
    arrays = tuple(np.array(channel, dtype=np.float32) for channel in logits)
    rows = [{"example_id": example["id"], "offset_mapping": one} for one in found["offset_mapping"]]
    with tempfile.TemporaryDirectory() as folder:
        try:
            utils_qa.postprocess_qa_predictions(
                _Examples([example]), rows, arrays, version_2_with_negative=True, output_dir=folder
            )
        except Exception as error:
            return type(error).__name__
        files = [Path(folder, f"{file}.json") for file in ("predictions", "nbest_predictions", "null_odds")]
        text, best, odds = (next(iter(json.loads(file.read_text("utf-8")).values())) for file in files)
    return _answer(where, text, best, odds)


def _answer(where: str, text: str, best: list[dict[str, Any]], odds: float) -> dict[str, Any]:
    listed = [[one["text"], one["start_logit"] + one["end_logit"]] for one in best[: N_BEST + 1]]
    _check(where, [score for _, score in listed])
    return {"text": text, "null_odds": odds, "n_best": listed[:N_BEST], "found": len(best)}


def _tiny(torch: Any) -> Any:
    """A module of two parameters with given values."""
    model = torch.nn.Linear(3, 2)
    model.weight.data = torch.tensor([[0.5, -1.25, 2.0], [0.0, 3.5, -0.75]])
    model.bias.data = torch.tensor([0.25, -2.0])
    return model


def _steps(model: Any, optimizer: Any, schedule: Any, count: int) -> dict[str, Any]:
    """Run an optimizer on given gradients: values at the start, then gradients, rate and values of every step."""
    import torch

    numbers = random.Random(7)
    named = dict(model.named_parameters())
    start = {name: value.tolist() for name, value in named.items()}
    steps = []
    for _ in range(count):
        gradients = {}
        for name, value in named.items():
            scale = numbers.choice((1e-6, 0.1, 1.0, 4.0))
            drawn = [round(numbers.uniform(-1, 1), 3) * scale for _ in range(value.numel())]
            value.grad = torch.tensor(drawn).reshape(value.shape)
            gradients[name] = value.grad.tolist()
        rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        schedule.step()
        steps.append(
            {"rate": rate, "gradients": gradients, "values": {name: value.tolist() for name, value in named.items()}}
        )
    return {"start": start, "steps": steps}


def _factors(optimizer: Any, schedule: Any, count: int) -> list[float]:
    """The share of the peak rate of every step."""
    factors = []
    for _ in range(count):
        factors.append(optimizer.param_groups[0]["lr"] / schedule.base_lrs[0])
        optimizer.step()
        schedule.step()
    return factors


def _enter(record: dict[str, Any], name: str, setting: str, features: dict[str, Any], answers: dict[str, Any]) -> None:
    record["features"].setdefault(name, {})[setting] = _pack(features)
    for kind, of_kind in answers.items():
        record.setdefault(kind, {}).setdefault(name, {})[setting] = of_kind


def _examples() -> list[Example]:
    document = json.loads((ERAS / "questions.json").read_text("utf-8"))
    return [
        question | {"context": paragraph["context"]}
        for article in document["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]


def _texts() -> list[str]:
    examples = _examples()
    return [*dict.fromkeys(one["context"] for one in examples), *(one["question"] for one in examples)]


def _features(lengths: dict[str, int], setting: str) -> dict[str, Any]:
    """The record of one setting before anything is asked."""
    asked = [
        number
        for number, one in enumerate(_examples())
        if (len(one["context"]) < LONGEST if setting == "small" else len(one["context"] + one["question"]) >= LONG)
    ]
    found: dict[str, Any] = {"lengths": lengths, "questions": asked, "dropped": [], "crashed": {}}
    return found | {"skipped": [], "skipped_crashed": {}, "windows": []}


def _segment(kinds: Sequence[int]) -> int:
    """How many tokens of type 0 come first."""
    count = list(kinds).count(0)
    if list(kinds) != [0] * count + [1] * (len(kinds) - count):
        sys.exit(f"unexpected token types {kinds}")
    return count


def _check(where: str, scores: Sequence[float]) -> None:
    """An order that hangs on rounding would differ elsewhere for nothing."""
    for one, other in itertools.pairwise(scores):
        if abs(one - other) <= CLOSEST:
            print(f"{where}: scores {one} and {other} are close", file=sys.stderr)  # noqa: T201


def _name(error: BaseException) -> str:
    """The kind of an error; a panic of tokenizers is no Exception."""
    if isinstance(error, KeyboardInterrupt | SystemExit):
        raise error
    return type(error).__name__


def _silence_version_check() -> None:
    """Let transformers of those years run beside a tokenizers that has wheels for today's Python."""
    module = types.ModuleType("transformers.dependency_versions_check")
    module.dep_version_check = lambda *_, **__: None  # type: ignore[attr-defined]
    sys.modules["transformers.dependency_versions_check"] = module


def _versions() -> dict[str, str]:
    import transformers

    versions = {"transformers": transformers.__version__}
    if "haystack" in sys.modules:
        versions["farm-haystack"] = importlib.metadata.version("farm-haystack")
    return versions | {name: importlib.metadata.version(name) for name in ("tokenizers", "torch", "numpy")}


def _update(path: Path, entries: dict[str, Any]) -> None:
    """Write entries of a file of several commands."""
    old = json.loads(path.read_text("utf-8")) if path.exists() else {}
    versions = old.get("versions", {}) | {name.removesuffix("-schedules"): _versions() for name in entries}
    _write(path, {**old, "versions": versions, **entries})


def _write(path: Path, value: Any) -> None:
    value = json.loads(json.dumps(value), parse_float=lambda text: float(f"{float(text):.8g}"))
    path.write_text(json.dumps(value, separators=(",", ":"), ensure_ascii=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
