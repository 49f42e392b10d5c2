"""Speed and memory of prediction, as ratios measured side by side in one run.

    python benchmarks/answer_speed.py [--model FOLDER --data DATA.json] [--pipeline PYTHON] [--count N]
                                      [--full] [--scale FOLDER]

- Answers per second of `harness` in float32 and bfloat16, and with ``--pipeline`` of the question-answering pipeline of
  transformers 4.57.6 at its best batch size: PYTHON is the interpreter of a virtual environment that has it
  (``pip install transformers==4.57.6 torch "numpy<2"``). The two are run in turn, twice.
- Share of the machine's matrix-multiply rate (torch, 2048 x 2048, float32, the median of all measured around the runs)
  that the encoder's multiplications of real tokens reach: over a whole run with loading, tokenization and decoding, and
  at the best of some batch shapes.
- ``--full``: peak memory and share over all questions of the data.
- ``--scale FOLDER``: 10,000 and 100,000 questions (the data over and over) with the model in FOLDER: time and memory.

Without model and data, an untrained encoder of 6 layers and 384 units reads the embedded validation questions. Every
measurement is a process of its own. Only encoders of the BERT family: their multiplications are counted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve()
BATCHES = (1, 2, 4, 8, 16, 32)
SCANNED = 200
SHAPES = ((1, 384), (3, 384), (4, 256), (5, 180), (10, 180), (8, 128), (16, 128), (16, 64), (32, 64))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--pipeline", metavar="PYTHON")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--scale", type=Path, metavar="FOLDER")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--dtype", default="float32", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(CHILDREN[options.child](options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.model is None or options.data is None:
            options.model, options.data = stand_in(Path(folder))
        report(options, Path(folder))


def report(options: argparse.Namespace, folder: Path) -> None:
    """Run everything that was asked for, and print a table."""
    rows: list[tuple[str, str]] = []
    rates = [run(options, "multiply")["rate"]]
    print(f"{os.cpu_count()} cores, {processor()}, {options.count} questions of {options.data.name}", flush=True)
    pipeline: list[float] = []
    batch = best_batch(options, folder) if options.pipeline else 0
    found: dict[str, list[dict]] = {"float32": [], "bfloat16": []}
    for _ in range(2):
        for dtype, results in found.items():
            results.append(run(options, "answer", dtype=dtype))
            print(dtype, results[-1], flush=True)
        if batch:
            pipeline.append(run_pipeline(options, folder, batch, options.count))
            print("pipeline", batch, pipeline[-1], flush=True)
        rates.append(run(options, "multiply")["rate"])
    shapes = run(options, "shapes")
    rates.append(run(options, "multiply")["rate"])
    rate = median(rates)
    rows.append(
        ("matrix-multiply rate", f"{rate / 1e9:.0f} GFLOP/s ({min(rates) / 1e9:.0f} to {max(rates) / 1e9:.0f})")
    )
    half = run(options, "multiply", dtype="bfloat16")["rate"]
    rows.append(("the same in bfloat16", f"{half / 1e9:.0f} GFLOP/s"))
    if pipeline:
        rows.append((f"pipeline, batch size {batch}", f"{median(pipeline):.1f} answers/s"))
    for dtype, results in found.items():
        speed = median(options.count / r["seconds"] for r in results)
        text = f"{speed:.1f} answers/s, exact {results[0]['exact']:.3f}, F1 {results[0]['f1']:.3f}"
        if pipeline:
            text += f", {speed / median(pipeline):.2f} times the pipeline"
        rows.append((f"harness, {dtype}", text))
    whole = median(r["flop"] / r["seconds"] for r in found["float32"]) / rate
    rows.append(("share of that rate, float32, whole run", f"{100 * whole:.1f} %"))
    best = max(shapes, key=shapes.__getitem__)
    rows.append((f"share at the best batch shape ({best})", f"{100 * shapes[best] / rate:.1f} %"))
    if options.full:
        full = run(options, "answer", count=0)
        speed = full["questions"] / full["seconds"]
        text = f"{speed:.1f}" + (f", {speed / median(pipeline):.2f} times the pipeline" if pipeline else "")
        rows.append(("all questions: answers/s", text))
        rows.append(("all questions: share, whole run", f"{100 * full['flop'] / full['seconds'] / rate:.1f} %"))
        rows.append(("all questions: peak memory", f"{full['peak'] / 1e9:.2f} GB"))
    if options.scale:
        few, many = (run(options, "scale", model=options.scale, count=n) for n in (10_000, 100_000))
        rows.append(("100,000 against 10,000 questions: time", f"{many['seconds'] / few['seconds']:.2f} times"))
        ratio = many["peak"] / few["peak"]
        rows.append(
            ("the same: peak memory", f"{many['peak'] / 1e9:.2f} GB, {ratio:.2f} times {few['peak'] / 1e9:.2f}")
        )
    print("\n| measured | |\n| --- | --- |")
    for name, value in rows:
        print(f"| {name} | {value} |")


def run(options: argparse.Namespace, child: str, **changes: object) -> dict:
    """What one measurement prints, in a process of its own."""
    values = {"model": options.model, "data": options.data, "count": options.count} | changes
    arguments = [text for name, value in values.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, str(HERE), "--child", child, *arguments]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def best_batch(options: argparse.Namespace, folder: Path) -> int:
    """The batch size with which the pipeline is fastest."""
    speeds = {batch: run_pipeline(options, folder, batch, min(SCANNED, options.count)) for batch in BATCHES}
    print("pipeline, answers/s by batch size:", {b: round(s, 1) for b, s in speeds.items()}, flush=True)
    return max(speeds, key=speeds.__getitem__)


def run_pipeline(options: argparse.Namespace, folder: Path, batch: int, count: int) -> float:
    """Answers per second of the pipeline."""
    out = folder / "pipeline.json"
    script = HERE.with_name("pipeline_baseline.py")
    command = [options.pipeline, str(script), str(options.model), str(options.data), str(batch), str(count), str(out)]
    subprocess.run(command, capture_output=True, check=True)
    result = json.loads(out.read_text("utf-8"))
    return result["questions"] / result["seconds"]


def multiply(options: argparse.Namespace) -> dict:
    """Floating-point operations per second of a large matrix product."""
    import torch

    a, b = (torch.randn(2048, 2048).to(getattr(torch, options.dtype)) for _ in range(2))
    times = []
    for _ in range(12):
        begun = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - begun)
    return {"rate": 2 * 2048**3 / median(times[2:])}


def answer(options: argparse.Namespace) -> dict:
    """A whole prediction: loading the model, tokenization, the model, decoding."""
    from harness.engine.computing import Computing
    from harness.engine.features import Windowing, make_features
    from harness.engine.loading import load_tokenizer
    from harness.engine.predict import predict
    from harness.records import Decoding
    from harness.squad import score_predictions, summarize
    from harness.squad_files import read_squad_file

    questions = read_squad_file(options.data)
    if options.count:
        questions = tuple(questions[i * len(questions) // options.count] for i in range(options.count))
    decoding = Decoding()
    begun = time.perf_counter()
    computing = Computing(dtype=options.dtype, device="cpu")
    found = predict(options.model, questions, decoding, lambda *step: None, computing)
    seconds = time.perf_counter() - begun
    peak = peak_memory()
    figures = summarize(score_predictions(questions, found.answers, rules="2.0"))
    lengths = make_features(load_tokenizer(options.model), questions, Windowing.of(decoding)).lengths
    return {
        "seconds": seconds,
        "questions": len(questions),
        "flop": sum(operations(options.model, length) for length in lengths.tolist()),
        "peak": peak,
        "exact": figures["exact"],
        "f1": figures["f1"],
        "close_calls": found.computed.close_calls,
    }


def shapes(options: argparse.Namespace) -> dict:
    """Operations per second at batch shapes, as many batches at once as in a run."""
    import numpy as np
    import torch

    from harness.engine.computing import Computing
    from harness.engine.features import Features
    from harness.engine.loading import quiet
    from harness.engine.reader import Reader, Streams

    with quiet():
        loaded = Reader.load(options.model, Computing(dtype="float32", device="cpu"))
    rates = {}
    for rows, length in SHAPES:
        reader = replace(loaded, budget=rows * length)
        count = max(4, 16_384 // (rows * length)) // 2 * 2 * rows
        ids = np.random.default_rng(0).integers(5, reader.model.config.vocab_size, count * length)
        features = Features(
            ids=ids.astype(np.int32),
            types=np.zeros(len(ids), dtype=np.int32),
            characters=np.zeros((len(ids), 2), dtype=np.int32),
            bounds=np.arange(0, len(ids) + 1, length),
            question=np.arange(count, dtype=np.int32),
            context=np.zeros((count, 2), dtype=np.int32),
            cls=np.zeros(count, dtype=np.int32),
        )
        with Streams.on(torch.device("cpu")) as streams:
            times = []
            for _ in range(4):
                begun = time.perf_counter()
                reader.start(features, streams).finish(lambda done: None)
                times.append(time.perf_counter() - begun)
        rates[f"{rows} x {length}"] = count * operations(options.model, length) / min(times)
    return rates


def scale(options: argparse.Namespace) -> dict:
    """A whole prediction of many questions: the data over and over, under new ids."""
    from harness.engine.computing import Computing
    from harness.engine.predict import predict
    from harness.records import Decoding
    from harness.squad_files import read_squad_file

    questions = read_squad_file(options.data)
    many = [replace(questions[i % len(questions)], id=f"{i}") for i in range(options.count)]
    begun = time.perf_counter()
    decoding = Decoding(max_seq_len=256)
    found = predict(options.model, many, decoding, lambda *step: None, Computing(dtype="float32", device="cpu"))
    return {"seconds": time.perf_counter() - begun, "peak": peak_memory(), "answers": len(found.answers)}


def operations(model: Path, length: int) -> int:
    """Operations of the encoder's matrix products for one window: a multiplication and an addition count as two."""
    config = json.loads((model / "config.json").read_text("utf-8"))
    width, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    return layers * length * (8 * width * width + 4 * width * inner + 4 * length * width)


def peak_memory() -> int:
    """Bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def processor() -> str:
    from harness.environment import capture_environment

    return capture_environment(HERE.parent).processor


def stand_in(folder: Path) -> tuple[Path, Path]:
    """An untrained encoder of MiniLM's size, and the embedded validation questions as a file."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertForQuestionAnswering, BertTokenizerFast

    from harness.engine.loading import save
    from harness.pocket import generate
    from harness.squad_json import to_squad_json

    questions = generate("validation")
    data = folder / "pocket.json"
    data.write_text(json.dumps(to_squad_json(questions)), "utf-8")
    learned = BertWordPieceTokenizer()
    learned.train_from_iterator([q.context for q in questions], vocab_size=8000, show_progress=False)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=learned.get_vocab_size(),
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
    )
    save(BertForQuestionAnswering(config), BertTokenizerFast(tokenizer_object=learned._tokenizer), folder / "model")
    return folder / "model", data


CHILDREN = {"multiply": multiply, "answer": answer, "shapes": shapes, "scale": scale}

if __name__ == "__main__":
    main()
