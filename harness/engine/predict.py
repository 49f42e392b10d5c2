"""A model and questions to logits, and by way of `harness.spans` to answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import accumulate, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.engine.computing import Computing
from harness.engine.features import Features, make_features
from harness.engine.loading import longest_input, quiet
from harness.engine.meter import Meter
from harness.engine.reader import Reader, Reading, Streams, check_length
from harness.engine.windowing import Windowing
from harness.engine_api import Enough
from harness.errors import DataError, HarnessError, RunError
from harness.models import folder_sha256
from harness.progress import Progress
from harness.records import Decoding, Predictions, Question
from harness.spans.kept import FORMAT, Collected, KeptLogits, Manifest, questions_sha256

TEACHER_TOKENS = 8192
"""Tokens per batch of a teacher, whatever the device: a student's weights hang on the last bits of these logits, and
those on the batch, so another number would be another training."""
PART_QUESTIONS = 2048
"""Most questions that are tokenized, sorted by length and kept together: enough for batches with little padding, few
enough to bound memory."""
PART_WORK = 50_000_000_000
"""Questions times parameters of a part on a CPU, so that an interruption loses a minute or two of a large model too."""
PART_CHARACTERS = 4_000_000
"""Most characters of a part's contexts, where they are long."""


def predict(
    model_folder: Path,
    questions: Sequence[Question],
    decoding: Decoding,
    progress: Progress,
    computing: Computing | None = None,
    keep: Path | None = None,
) -> Predictions:
    """Answer every question; neither the order of the questions nor padding changes an answer.

    While the model reads one part of the questions, a thread tokenizes the next.

    Args:
        model_folder: A plain model folder.
        questions: With ids of their own.
        decoding: How windows are cut and logits become answers.
        progress: Told of questions done, their rate and the time left.
        computing: Device and precision.
        keep: Folder to keep the logits in; those that an interrupted call left there are used.

    Raises:
        ModelError: the folder is no question-answering model with a fitting fast tokenizer.
        RecipeError: the lengths in `decoding` leave no room for the context, or the model reads no input so long.
        DataError: two questions have one id.
        RecordError: the logits cannot be kept, or those that are there are of something else.
        RunError: logits that are no numbers, or a device that fails; parts that were kept stay.
    """
    return _predict(model_folder, questions, (len(questions),), None, decoding, progress, computing, keep)


def predict_until(
    model_folder: Path,
    questions: Sequence[Question],
    sizes: Sequence[int],
    enough: Enough,
    decoding: Decoding,
    progress: Progress,
    computing: Computing | None = None,
    keep: Path | None = None,
) -> Predictions:
    """As `predict`, chunk by chunk in the order of the questions, until enough are answered; the model is loaded once.

    Args:
        model_folder: A plain model folder.
        questions: With ids of their own.
        sizes: Questions in each chunk; larger ones are divided where memory asks for it.
        enough: Told the answers as they come; what it returns is what is returned.
        decoding: How windows are cut and logits become answers.
        progress: Told of questions done.
        computing: Device and precision.
        keep: Folder to keep the logits in; those that an interrupted call left there are used.

    Raises:
        HarnessError: as `predict` does.
    """
    return _predict(model_folder, questions, sizes, enough, decoding, progress, computing, keep)


def _predict(
    model_folder: Path,
    questions: Sequence[Question],
    sizes: Sequence[int],
    enough: Enough | None,
    decoding: Decoding,
    progress: Progress,
    computing: Computing | None,
    keep: Path | None,
) -> Predictions:
    _check_ids(questions)
    windowing = Windowing.of(decoding)
    collected = Collected()
    with quiet():
        reader = Reader.load(model_folder, computing or Computing())
        ends = list(accumulate(sizes))
        chunks = [questions[end - size : end] for size, end in zip(sizes, ends, strict=True)]
        parts = [part for chunk in chunks for part in _cut(chunk, _part_questions(reader))]
        _check_lengths(reader, parts, windowing)
        kept = None if keep is None else _start(keep, model_folder, reader, windowing, questions, parts)
        missing = [n for n in range(len(parts)) if kept is None or kept.read(n) is None]
        meter = Meter(progress, "predict", len(questions), "questions")
        with (
            Streams.on(reader.device) as streams,
            closing(_read_ahead(reader, parts, missing, windowing, streams)) as ahead,
        ):
            begun = 0
            for number, part in enumerate(parts):
                found = kept.read(number) if kept is not None and number not in missing else None
                if found is None:
                    features, reading = next(ahead)
                    with _explained(kept):
                        found = features, reading.finish(_share(meter, begun, len(part), len(features.ids)))
                    if kept is not None:
                        kept.write(number, *found)
                else:
                    meter.skip(len(part))
                    meter.advance(begun + len(part))
                collected.add(part, *found, decoding)
                begun += len(part)
                ids = None if enough is None else enough(collected.answers(part))
                if ids is not None:
                    return collected.predictions(reader.device.type, reader.dtype, ids)
    return collected.predictions(reader.device.type, reader.dtype)


def window_logits(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, features: Features, meter: Meter
) -> NDArray[np.float32]:
    """Start and end logit of every token, [tokens, 2], aligned with ``features.ids``; no dropout, no gradient."""
    device = Computing().find_device()
    reader = Reader(model.to(device), tokenizer, device, TEACHER_TOKENS)
    return reader.logits(features, _share(meter, 0, meter.total, len(features.ids)))


@contextmanager
def _explained(kept: KeptLogits | None) -> Iterator[None]:
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:  # torch's errors, memory and a lost device among them; what else a forward raises
        detail = next(iter(str(error).splitlines()), "")[:200]
        held = f"; {kept.folder} keeps what was done, and the same command goes on from there" if kept else ""
        raise RunError(
            f"prediction stopped with {type(error).__name__}: {detail}; if memory ran out, lower the token budget{held}"
        ) from error


def _read_ahead(
    reader: Reader,
    parts: Sequence[Sequence[Question]],
    wanted: Sequence[int],
    windowing: Windowing,
    streams: Streams | None,
) -> Generator[tuple[Features, Reading], None, None]:
    """Each wanted part as it is being read: with streams the next waits in them, and the one after is tokenized."""
    most = 1 if streams is None else 2
    with ThreadPoolExecutor(1, "tokenize") as pool:
        features = (pool.submit(make_features, reader.tokenizer, parts[n], windowing) for n in wanted)
        tokenized = deque(islice(features, most))
        started: deque[tuple[Features, Reading]] = deque()
        for _ in wanted:
            while tokenized and len(started) < most:
                ready = tokenized.popleft().result()
                tokenized.extend(islice(features, 1))
                started.append((ready, reader.start(ready, streams)))
            yield started.popleft()


def _start(
    folder: Path,
    model_folder: Path,
    reader: Reader,
    windowing: Windowing,
    questions: Sequence[Question],
    parts: Sequence[Sequence[Question]],
) -> KeptLogits:
    manifest = Manifest(
        format=FORMAT,
        model=folder_sha256(model_folder),
        questions=questions_sha256(questions),
        protocol=windowing.protocol,
        max_seq_len=windowing.max_seq_len,
        doc_stride=windowing.doc_stride,
        max_query_length=windowing.max_query_length,
        doc_stride_is=windowing.doc_stride_is,
        lower_case=windowing.lower_case,
        space_words=windowing.space_words,
        device=reader.device.type,
        dtype=reader.dtype,
        parts=tuple(len(part) for part in parts),
    )
    return KeptLogits.start(folder, manifest)


def _check_lengths(reader: Reader, parts: Sequence[Sequence[Question]], windowing: Windowing) -> None:
    """Find windows that are longer than the model reads before the first is read."""
    limit = longest_input(reader.model)
    if limit is not None and windowing.max_seq_len > limit:
        for part in parts:
            check_length(reader.model, make_features(reader.tokenizer, part, windowing))


def _part_questions(reader: Reader) -> int:
    if reader.device.type != "cpu":
        return PART_QUESTIONS
    return max(1, min(PART_QUESTIONS, PART_WORK // max(1, reader.parameters)))


def _cut(questions: Sequence[Question], most: int) -> list[Sequence[Question]]:
    """Parts of limited questions and characters; a longer context is a part of its own."""
    parts: list[Sequence[Question]] = []
    first = characters = 0
    for i, question in enumerate(questions):
        characters += len(question.context)
        if i > first and (i - first == most or characters > PART_CHARACTERS):
            parts.append(questions[first:i])
            first, characters = i, len(question.context)
    return [*parts, questions[first:]] if len(questions) else []


def _share(meter: Meter, begun: int, count: int, tokens: int) -> Callable[[int], None]:
    """Turns tokens done into questions done, since the batches of long windows come first."""
    done = 0

    def report(more: int) -> None:
        nonlocal done
        done += more
        meter.advance(begun + count * done // tokens)

    return report


def _check_ids(questions: Sequence[Question]) -> None:
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise DataError(f"question {question.id}: found the id twice, expected it once; give each its own id")
        seen.add(question.id)
