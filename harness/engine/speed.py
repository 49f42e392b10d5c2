"""Two models measured beside each other, in turn, on the same questions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from harness.engine.answer import LONGEST_OVERLAP, LONGEST_WINDOW, Answerer
from harness.engine.computing import Computing
from harness.engine.features import Features, make_features
from harness.engine.loading import longest_input, quiet
from harness.engine.reader import Reader, Streams
from harness.engine.windowing import Windowing
from harness.environment import capture_environment
from harness.errors import HarnessError, ModelError, RunError
from harness.models import folder_sha256, weights_sha256
from harness.progress import Progress, silent
from harness.records import DataUsed, ModelRef, Question, SpeedBatch, SpeedMeasured, SpeedModel, SpeedRatio, Swept
from harness.speeds import measured_ratio

CPU_BUDGETS = (512, 1024, 2048, 4096, 8192)
"""Tokens per batch that are tried on a processor; of several threads each reads batches of its own."""
ACCELERATOR_BUDGETS = (4096, 16384, 65536, 262144)
LONGEST_QUESTION = 64
"""In the windows of the best batch, in tokens."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A model that takes part: its name and its folder."""

    ref: ModelRef
    folder: Path


def measure_speed(
    model: Contender,
    base: Contender,
    questions: Sequence[Question],
    used: DataUsed,
    *,
    rounds: int,
    computing: Computing | None = None,
    progress: Progress = silent,
) -> SpeedMeasured:
    """Measure how many times as fast as `base` a model answers.

    Both read by the code of transformers, with windows of the same lengths. One question at a time, each goes from its
    text to its answer, and its windows one by one. At the best batch the windows of all questions are read, cut before
    the clock starts, in batches of the size that was fastest for the model.

    Args:
        model: Whose speed is in question.
        base: What it is compared with.
        questions: What both are asked.
        used: The data that the questions are of.
        rounds: Turns of each model, at least two; before them each is asked once without a clock.
        computing: Device and number format; the sizes of batches are tried.
        progress: Told of the turns done.

    Raises:
        ModelError: a folder holds no question-answering model, or the two would be read in different number formats.
        RecipeError: a question leaves no room for its context in the windows.
        RunError: a device that is not there or fails.
    """
    computing = computing or Computing()
    with quiet(), _explained():
        runners = [_Runner.load(contender.folder, computing) for contender in (model, base)]
        _check_formats(model, base, *runners)
        most = min(runner.most_tokens for runner in runners)
        overlap = min(LONGEST_OVERLAP, most // 3)
        total = 2 * rounds
        work = [runner.count(questions, most, overlap) for runner in runners]
        seconds = take_turns(
            [partial(runner.ask, questions, most, overlap) for runner in runners],
            rounds,
            lambda done: progress("one question at a time", done, total, ""),
        )
        ratios = [_ratio("one", seconds)]
        windowing = Windowing(most, overlap, LONGEST_QUESTION)
        with Streams.on(runners[0].reader.device) as streams:
            read = [partial(runner.read, runner.cut(questions, windowing), streams) for runner in runners]
            swept = [_sweep(job, runner.budgets, len(questions)) for job, runner in zip(read, runners, strict=True)]
            best = [max(tried, key=lambda each: each.questions_per_second).token_budget for tried in swept]
            seconds = take_turns(
                [partial(job, budget) for job, budget in zip(read, best, strict=True)],
                rounds,
                lambda done: progress("best batch", done, total, ""),
            )
        ratios.append(_ratio("best", seconds))
        described = [
            _describe(contender, runner, counted, len(questions), tried, budget)
            for contender, runner, counted, tried, budget in zip((model, base), runners, work, swept, best, strict=True)
        ]
        return SpeedMeasured(
            model=described[0],
            base=described[1],
            data=used,
            questions=len(questions),
            max_seq_len=most,
            doc_stride=overlap,
            device=_device_name(runners[0].reader.device),
            threads=torch.get_num_threads(),
            environment=capture_environment(Path.cwd()),
            ratios=tuple(ratios),
        )


def take_turns(
    jobs: Sequence[Callable[[], None]],
    rounds: int,
    done: Callable[[int], None] = lambda turns: None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[list[float]]:
    """Do the jobs in turn, first to last, round after round; returns the seconds of each job, round by round."""
    seconds: list[list[float]] = [[] for _ in jobs]
    for number in range(rounds):
        for i, job in enumerate(jobs):
            begun = clock()
            job()
            seconds[i].append(clock() - begun)
            done(number * len(jobs) + i + 1)
    return seconds


@dataclass(frozen=True, slots=True)
class _Work:
    """What all questions took, padding apart."""

    flops: float
    tokens: int


@dataclass(frozen=True, slots=True, eq=False)
class _Runner:
    """A loaded model, and what is measured of it."""

    reader: Reader
    answerer: Answerer

    @classmethod
    def load(cls, folder: Path, computing: Computing) -> _Runner:
        # the packed encoder knows some architectures only: a ratio across two programs would not be one of models
        reader = Reader.load(folder, computing, pack=False)
        return cls(reader, Answerer(replace(reader, budget=1)))

    @property
    def most_tokens(self) -> int:
        """Longest window."""
        positions = longest_input(self.reader.model) or LONGEST_WINDOW
        return int(min(LONGEST_WINDOW, self.reader.tokenizer.model_max_length, positions))

    @property
    def budgets(self) -> tuple[int, ...]:
        return CPU_BUDGETS if self.reader.device.type == "cpu" else ACCELERATOR_BUDGETS

    def ask(self, questions: Sequence[Question], most: int, overlap: int) -> None:
        """Answer question after question."""
        for question in questions:
            self.answerer(question.question, question.context, max_seq_len=most, doc_stride=overlap)

    def count(self, questions: Sequence[Question], most: int, overlap: int) -> _Work:
        """Answer them all once, and count what that takes."""
        products: list[float] = []
        lengths: list[int] = []

        def multiply(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            weights = layer.get_parameter("weight")
            # each value of the output is a product with as many weights as one of its rows has
            products.append(2.0 * output.numel() * weights[0].numel())

        def note_length(_: nn.Module, __: tuple[object, ...], given: dict[str, torch.Tensor]) -> None:
            lengths.append(int(given["input_ids"].shape[-1]))

        hooks = [self.reader.model.register_forward_pre_hook(note_length, with_kwargs=True)]
        hooks += [
            layer.register_forward_hook(multiply)
            for layer in self.reader.model.modules()
            if isinstance(layer, (nn.Linear, nn.Conv1d))
        ]
        try:
            self.ask(questions, most, overlap)
        finally:
            for hook in hooks:
                hook.remove()
        attention = 4.0 * (self.layers or 0) * (self.width or 0) * sum(length**2 for length in lengths)
        return _Work(sum(products) + attention, sum(lengths))

    def cut(self, questions: Sequence[Question], windowing: Windowing) -> Features:
        """The windows of all questions."""
        return make_features(self.reader.tokenizer, questions, windowing)

    def read(self, features: Features, streams: Streams | None, budget: int) -> None:
        """Read windows in batches of at most `budget` tokens."""
        replace(self.reader, budget=budget).start(features, streams).finish(lambda tokens: None)

    @property
    def layers(self) -> int | None:
        return self._size("num_hidden_layers")

    @property
    def width(self) -> int | None:
        return self._size("hidden_size")

    def _size(self, name: str) -> int | None:
        value = getattr(self.reader.model.config, name, None)
        return value if isinstance(value, int) else None


def _sweep(read: Callable[[int], None], budgets: Sequence[int], questions: int) -> tuple[Swept, ...]:
    """Speed at each size of a batch, as far as memory goes."""
    found: list[Swept] = []
    read(budgets[0])
    for budget in budgets:
        begun = time.perf_counter()
        try:
            read(budget)
        except torch.OutOfMemoryError:
            if not found:
                raise
            break
        found.append(Swept(budget, questions / (time.perf_counter() - begun)))
    return tuple(found)


def _ratio(batch: SpeedBatch, seconds: Sequence[Sequence[float]]) -> SpeedRatio:
    own, base = seconds
    return measured_ratio(batch, own, base)


def _describe(
    contender: Contender, runner: _Runner, work: _Work, questions: int, swept: tuple[Swept, ...], budget: int
) -> SpeedModel:
    model = runner.reader.model
    return SpeedModel(
        name=contender.ref.name,
        sha256=folder_sha256(contender.folder),
        revision=contender.ref.revision,
        type=str(model.config.model_type),
        layers=runner.layers,
        width=runner.width,
        parameters=int(model.num_parameters()),
        forward_parameters=int(model.num_parameters(exclude_embeddings=True)),
        flops=work.flops / questions,
        tokens=work.tokens / questions,
        dtype=runner.reader.dtype,
        token_budget=budget,
        swept=swept,
        weights_sha256=weights_sha256(contender.folder),
    )


def _check_formats(model: Contender, base: Contender, own: _Runner, other: _Runner) -> None:
    if own.reader.dtype != other.reader.dtype:
        raise ModelError(
            f"{model.ref} is stored in {own.reader.dtype} and {base.ref} in {other.reader.dtype}, expected one number "
            "format for both; choose it with --dtype",
            model=str(model.ref),
        )


def _device_name(device: torch.device) -> str:
    return str(torch.cuda.get_device_name(device)) if device.type == "cuda" else device.type


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:  # torch's errors, memory and a lost device among them; what else a forward raises
        detail = next(iter(str(error).splitlines()), "")[:200]
        raise RunError(
            f"measuring stopped with {type(error).__name__}: {detail}; if memory ran out, ask fewer questions"
        ) from error
