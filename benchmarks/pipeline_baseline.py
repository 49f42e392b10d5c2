"""Answers per second of the question-answering pipeline that transformers had until version 4.

    python benchmarks/pipeline_baseline.py MODEL DATA.json BATCH COUNT OUT.json

Run by `answer_speed.py` in a virtual environment of its own, with transformers 4.57.6. Takes `COUNT` questions spread
evenly over the data set, and writes seconds per question, answers, and versions.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
import transformers


def main(model: str, data: str, batch: int, count: int, out: str) -> None:
    articles = json.loads(Path(data).read_text("utf-8"))["data"]
    rows = [(p["context"], q) for a in articles for p in a["paragraphs"] for q in p["qas"]]
    rows = [rows[i * len(rows) // count] for i in range(count)]
    answer = transformers.pipeline("question-answering", model=model, tokenizer=model, device="cpu")
    asked = [{"question": q["question"], "context": context} for context, q in rows]
    settings = {"batch_size": batch, "handle_impossible_answer": True, "max_answer_len": 30}
    answer(asked[: 2 * batch], **settings)  # one warm-up
    begun = time.perf_counter()
    found = answer(asked, **settings)
    seconds = time.perf_counter() - begun
    result = {
        "seconds": seconds,
        "questions": len(rows),
        "answers": {q["id"]: item["answer"] for (_, q), item in zip(rows, found, strict=True)},
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    Path(out).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
