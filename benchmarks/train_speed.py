"""Speed and memory of training, as ratios measured side by side in one run.

    python benchmarks/train_speed.py [--model FOLDER --data DATA.json] [--count WINDOWS] [--batch-size N] [--no-memory]

- Windows per second of `harness` with batches of similar lengths, in float32 and bfloat16, against the loop that the
  question-answering example of transformers runs by default: the Trainer, batches of 8, every window padded to 384, in
  float32. All learn from the same windows, in turn, twice. bfloat16 pays where the processor multiplies it faster than
  float32, which the first lines show.
- A distillation step with the teacher's logits on disk, against a plain fine-tuning step.
- Work lost when a training is killed, in seconds, with a checkpoint every 2 seconds.
- Peak memory of cutting 130,000 questions into labelled windows (``--no-memory`` leaves it out).

Without model and data, an untrained encoder of 6 layers and 384 units learns from made-up questions of SQuAD's lengths.
Every measurement is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve()
WIDTH = 384
LENGTHS = (97, 122, 137, 149, 160, 171, 185, 201, 227, 288)
"""Tokens of a window: the middles of the tenths of dev-v2.0 in BERT's vocabulary."""
WARM_UP = 2
"""Steps that are not counted."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--count", type=int, default=320)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(CHILDREN[options.child](options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.model is None or options.data is None:
            options.model, options.data = stand_in(Path(folder))
        report(options, Path(folder))


def report(options: argparse.Namespace, folder: Path) -> None:
    """Run everything, and print it."""
    rates = measure(options, folder, "multiply")
    print(f"multiplying 2048 x 2048: float32 {rates['float32']:.0f} GFLOP/s, bfloat16 {rates['bfloat16']:.0f} GFLOP/s")
    found: dict[str, list[float]] = {}
    for _ in range(2):
        for name in ("padded", "float32", "bfloat16", "distil"):
            found.setdefault(name, []).append(measure(options, folder, name)["rate"])
    rate = {name: median(values) for name, values in found.items()}
    print("| training | windows/s | against padded float32 |\n| --- | --- | --- |")
    for name, words in (
        ("padded", f"Trainer, batches of 8, padded to {WIDTH}, float32"),
        ("float32", f"harness, batches of {options.batch_size}, float32"),
        ("bfloat16", f"harness, batches of {options.batch_size}, bfloat16"),
    ):
        print(f"| {words} | {rate[name]:.1f} | {rate[name] / rate['padded']:.2f} |")
    print(f"a distillation step takes {rate['float32'] / rate['distil']:.2f} times a fine-tuning step")
    lost = killed(options, folder)
    print(f"killed: {lost['lost']:.1f} s of work lost, checkpoints every {lost['interval']:.0f} s and a step")
    if not options.no_memory:
        built = measure(options, folder, "build")
        print(
            f"cutting {built['questions']} questions: {built['peak'] / 1e9:.2f} GB at the peak, of which "
            f"{built['before'] / 1e9:.2f} GB before (libraries, questions), {built['seconds']:.0f} s"
        )


def measure(options: argparse.Namespace, folder: Path, child: str) -> dict[str, float]:
    """What a process of its own measured."""
    done = subprocess.run(command(options, folder, child), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def command(options: argparse.Namespace, folder: Path, child: str) -> list[str]:
    named = {"model": options.model, "data": options.data, "count": options.count, "batch-size": options.batch_size}
    named |= {"folder": folder, "child": child}
    return [sys.executable, str(HERE), *(f"--{name}={value}" for name, value in named.items())]


def killed(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Seconds between the last whole checkpoint and the kill."""
    work = folder / "killed"
    process = subprocess.Popen(command(options, work, "endless"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    begun = time.time()
    while not list(work.glob("work/checkpoints/*/manifest.json")) and time.time() - begun < 300:
        time.sleep(0.1)
    time.sleep(9)
    os.kill(process.pid, signal.SIGKILL)
    end = time.time()
    process.wait()
    newest = max(path.stat().st_mtime for path in work.glob("work/checkpoints/*/manifest.json"))
    return {"lost": end - newest, "interval": 2.0}


def stand_in(folder: Path) -> tuple[Path, Path]:
    """An untrained encoder, and questions of SQuAD's lengths on made-up text."""
    import random

    from transformers import RobertaConfig, RobertaForQuestionAnswering

    from harness.data import load_data
    from harness.engine import TorchEngine
    from harness.engine.loading import load_tokenizer, save
    from harness.records import DataRef, Question
    from harness.squad_json import to_squad_json

    pocket, _ = load_data(DataRef("pocket", "train"), {})
    texts = list(dict.fromkeys(q.context for q in pocket))
    TorchEngine().build_base("pocket/roberta-1x32", texts, 0, folder / "small")
    tokenizer = load_tokenizer(folder / "small")
    shape = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
    config = RobertaConfig(vocab_size=30522, max_position_embeddings=514, type_vocab_size=1, **shape)
    save(RobertaForQuestionAnswering(config), tokenizer, folder / "model")
    generator, questions = random.Random(0), []
    words = " ".join(texts).split()
    for i in range(2000):
        count = int(generator.choice(LENGTHS) * 0.62)  # the small vocabulary cuts words into more pieces
        first = generator.randrange(len(words) - count)
        context = " ".join(words[first : first + count])
        questions.append(Question(str(i), f"{i}:0", context, "Which of them was it, and where?", ()))
    (folder / "data.json").write_text(json.dumps(to_squad_json(questions)), "utf-8")
    return folder / "model", folder / "data.json"


def load(options: argparse.Namespace):
    """Questions, spread evenly over the data."""
    from harness.squad_files import read_squad_file

    questions = read_squad_file(options.data)
    count = min(options.count, len(questions))
    return [questions[i * len(questions) // count] for i in range(count)]


def stage(options: argparse.Namespace, **changes):
    """The recommended settings, for one epoch."""
    from harness.records import Stage

    fields = {"name": "speed", "kind": "finetune", "student": None, "teacher": None, "data": (), "epochs": 1}
    fields |= {"batch_size": options.batch_size, "learning_rate": 3e-5, "lr_schedule": "linear"}
    fields |= {"warmup_proportion": 0.1, "weight_decay": 0.01, "adam_beta2": 0.999, "max_grad_norm": 1.0}
    fields |= {"max_seq_len": WIDTH, "doc_stride": 128, "max_query_length": 64, "temperature": 1.5}
    return Stage(**(fields | {"distillation_loss_weight": 0.75, "seed": 1} | changes))


def timed():
    """A callback that takes the time of all steps but the first ones, and the windows that they saw."""
    from transformers import TrainerCallback

    class Timer(TrainerCallback):
        steps = 0
        begun = seconds = 0.0

        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == WARM_UP:
                self.begun = time.perf_counter()
            self.steps, self.seconds = state.global_step - WARM_UP, time.perf_counter() - self.begun

    return Timer()


def ours(options: argparse.Namespace, teacher: bool = False, **changes) -> dict[str, float]:
    """Windows per second of the harness."""
    from harness.engine.batches import Padding
    from harness.engine.computing import Fitting
    from harness.engine.jobs import make_arguments, make_student, open_data
    from harness.engine.loading import load_tokenizer
    from harness.engine.micro_batches import Split
    from harness.engine.train import prepare
    from harness.engine.trainer import Place, StageTrainer
    from harness.progress import silent

    chosen = stage(options, **changes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        master = options.model if teacher else None
        prepared = prepare(chosen, with_head(options.model), with_head(master), load(options), silent, folder)
        split = Split(chosen.batch_size)
        data = open_data(prepared)
        arguments = make_arguments(chosen, split, len(data), folder / "checkpoints", Fitting())
        padding = Padding.of(load_tokenizer(prepared.student))
        trainer = StageTrainer(make_student(prepared, data), padding, arguments, data, chosen, split)
        timer = timed()
        trainer.add_callback(timer)
        trainer.run(Place(folder, "k", 1e9), None, silent)
    return {"rate": timer.steps * chosen.batch_size / timer.seconds}


def with_head(folder: Path | None) -> Path | None:
    """The folder, or one beside it with a question-answering head where it has none."""
    if folder is None:
        return None
    import torch
    from safetensors import safe_open

    from harness.engine.loading import load_model, load_tokenizer, save

    with safe_open(folder / "model.safetensors", "pt") as file:
        if any(name.startswith("qa_outputs") for name in file.keys()):  # noqa: SIM118 - not a dict
            return folder
    made = Path(tempfile.mkdtemp()) / "headed"
    torch.manual_seed(0)
    save(load_model(folder, fresh_head=True), load_tokenizer(folder), made)
    return made


def padded(options: argparse.Namespace) -> dict[str, float]:
    """Windows per second of the example's loop: its Trainer, its batches, its padding."""
    import torch
    from transformers import AutoTokenizer, Trainer, TrainingArguments

    from harness.engine.loading import load_model

    tokenizer = AutoTokenizer.from_pretrained(options.model)
    questions = load(options)
    encoded = tokenizer(
        [q.question.lstrip() for q in questions],
        [q.context for q in questions],
        truncation="only_second",
        max_length=WIDTH,
        stride=128,
        return_overflowing_tokens=True,
        padding="max_length",
    )
    names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in encoded]
    rows = [
        {**{name: torch.tensor(encoded[name][i]) for name in names}, "start_positions": 0, "end_positions": 0}
        for i in range(len(encoded["input_ids"]))
    ]
    timer = timed()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=1,
            learning_rate=5e-5,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
        )
        torch.manual_seed(0)
        model = load_model(options.model, fresh_head=True)
        Trainer(model=model, args=arguments, train_dataset=rows, callbacks=[timer]).train()
    return {"rate": timer.steps * arguments.per_device_train_batch_size / timer.seconds}


def endless(options: argparse.Namespace) -> dict[str, float]:
    """A training that somebody will kill."""
    from harness.engine import Fitting, TorchEngine

    engine = TorchEngine(fitting=Fitting(checkpoint_seconds=2))
    chosen, folder = stage(options, epochs=1000), options.folder
    engine.train(chosen, with_head(options.model), None, load(options), folder / "model", work=folder / "work")
    return {}


def build(options: argparse.Namespace) -> dict[str, float]:
    """Peak memory of cutting as many questions as train-v2.0 has."""
    from harness.engine.loading import load_tokenizer
    from harness.engine.training_data import build_windows
    from harness.engine.windowing import Windowing
    from harness.squad_files import read_squad_file

    few = read_squad_file(options.data)
    # texts of their own, as train-v2.0 has about seven questions to one paragraph
    questions = []
    for round_, first in enumerate(range(0, 130_000, len(few))):
        contexts = (
            {q.context: f"{round_} {q.context}" for q in few} if round_ < 16 else {q.context: q.context for q in few}
        )
        for q in few[: 130_000 - first]:
            context = contexts[q.context]
            answers = tuple(replace(a, start=a.start + len(context) - len(q.context)) for a in q.answers)
            questions.append(replace(q, id=f"{round_}-{q.id}", context=context, answers=answers))
    tokenizer = load_tokenizer(options.model)
    before, begun = peak(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        build_windows(
            Path(folder) / "windows", tokenizer, questions, Windowing(WIDTH, 128, 64), False, lambda done: None
        )
    return {"questions": len(questions), "before": before, "peak": peak(), "seconds": time.perf_counter() - begun}


def peak() -> int:
    """Most memory that this process has had, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def multiply(options: argparse.Namespace) -> dict[str, float]:
    """GFLOP/s of torch's matrix multiplication."""
    import torch

    rates = {}
    for dtype in (torch.float32, torch.bfloat16):
        one, other = (torch.randn(2048, 2048).to(dtype) for _ in range(2))
        times = []
        for _ in range(12):
            begun = time.perf_counter()
            one @ other
            times.append(time.perf_counter() - begun)
        rates[str(dtype).removeprefix("torch.")] = 2 * 2048**3 / median(times) / 1e9
    return rates


CHILDREN = {
    "multiply": multiply,
    "padded": padded,
    "float32": ours,
    "bfloat16": lambda options: ours(options, precision="bfloat16"),
    "distil": lambda options: ours(options, teacher=True, kind="distil_logits"),
    "endless": endless,
    "build": build,
}

if __name__ == "__main__":
    main()
