"""Record what the pipeline of transformers 4 answers to ``pipeline_cases``, in ``data/pipeline.json``.

Run it where that pipeline is: ``pip install transformers==4.57.6 torch numpy``, ``python tests/record_pipeline.py``.
It writes the same file wherever it runs, but for the versions and the last digits of scores.
"""

from __future__ import annotations

import importlib.metadata
import itertools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from pipeline_cases import Case, cases
from pipeline_models import NAMES, build

RECORD = Path(__file__).with_name("data") / "pipeline.json"
CLOSEST = 1e-4
"""Scores of neighbours lie further apart than this part of them, so that no rounding can change their order."""


def main() -> None:
    """Build the models, ask everything, write the record."""
    from transformers import logging, pipeline

    logging.set_verbosity_error()
    answers: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        weights = {name: build(name, Path(folder, name)) for name in NAMES}
        pipelines = {
            name: pipeline("question-answering", model=str(Path(folder, name)), device="cpu") for name in NAMES
        }
        for case in cases():
            answers[case.name] = _ask(pipelines[case.model], case)
            _check(case, answers[case.name])
    versions = {name: importlib.metadata.version(name) for name in ("transformers", "tokenizers", "torch", "numpy")}
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in answers.items()]
    head = f'"versions": {json.dumps(versions)},\n"weights": {json.dumps(weights, indent=1)},\n'
    RECORD.write_text(f'{{\n{head}"answers": {{\n' + ",\n".join(lines) + "\n}\n}\n", "utf-8")
    print(f"{len(answers)} cases")  # noqa: T201


def _ask(ask: Any, case: Case) -> list[list[Any]] | str:
    """[answer, score, start, end] of each, or the name of the error."""
    try:
        found = ask(
            question=case.question,
            context=case.context,
            top_k=case.top_k,
            max_answer_len=case.max_answer_length,
            max_seq_len=case.max_seq_len,
            doc_stride=case.doc_stride,
            handle_impossible_answer=case.impossible,
            align_to_words=case.whole_words,
        )
    except BaseException as error:  # what it raises is part of the record; a panic of tokenizers is no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        return type(error).__name__
    listed = [found] if isinstance(found, dict) else found
    return [[item["answer"], item["score"], int(item["start"]), int(item["end"])] for item in listed]


def _check(case: Case, answers: list[list[Any]] | str) -> None:
    """A case whose order hangs on rounding would fail elsewhere for nothing."""
    scores = [] if isinstance(answers, str) or case.departs else [score for _, score, _, _ in answers]
    for one, other in itertools.pairwise(scores):
        if one - other <= CLOSEST * one:
            sys.exit(f"{case.name}: scores {one} and {other} are too close; change the case")


if __name__ == "__main__":
    main()
