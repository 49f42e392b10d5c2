"""A few real steps of a recipe's parts, at full size, with random weights and made-up tokens."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from harness.engine.batches import fit_segments, lay_out, model_inputs
from harness.engine.computing import Computing
from harness.engine.encoder import PackedEncoder
from harness.engine.loading import quiet
from harness.engine.made_up import (
    build_model,
    find_peak,
    make_tokenizer,
    make_windows,
    now,
    padding_of,
    random_ids,
    windows_at_once,
)
from harness.engine.measured_training import measure_training
from harness.engine.predict import TEACHER_TOKENS
from harness.engine.proposals import MaskedLM
from harness.engine.reader import Reader, Streams, check_length, forward
from harness.errors import HarnessError
from harness.measurements import Machine, Measured, Memory, Part, Plan
from harness.measurements.costs import Results
from harness.measurements.parts import What
from harness.progress import Progress, silent
from harness.workers import map_items

MINUTES = 10.0
"""For all measurements of a recipe; what is not measured by then is not."""
_MOST_READ = 64
"""Windows of one batch of the prediction on an accelerator."""


def measure_recipe(
    plan: Plan, progress: Progress = silent, measure: Callable[[Part], Measured | str] | None = None
) -> Results:
    """Measure every part of a recipe, each in a process of its own, one after the other.

    Args:
        plan: What to measure.
        progress: Told of the parts done.
        measure: Measures one part; in a process of its own if left out.

    Returns:
        For each stage and part what was measured, or in words why it could not be.
    """
    results: dict[tuple[str, What], Measured | str] = {}
    end = time.monotonic() + 60 * MINUTES
    for number, part in enumerate(plan.parts):
        progress("measure", number, len(plan.parts), f"{part.what} of {part.name}")
        left = end - time.monotonic()
        if measure is not None:
            results[part.name, part.what] = measure(part)
        elif left <= 0:
            results[part.name, part.what] = f"not measured: the {MINUTES:g} minutes for all measurements were over"
        else:
            found = map_items(measure_part, [part], _lost, processes=1, limit=left)
            results[part.name, part.what] = next(iter(found))
    progress("measure", len(plan.parts), len(plan.parts), "")
    return results


def describe_machine() -> Machine:
    """The device that trains here, and the memory it has."""
    device = Computing().find_device()
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return Machine(properties.name, int(properties.total_memory), torch.get_num_threads())
    return Machine("cpu", _system_memory(), torch.get_num_threads())


def measure_part(part: Part) -> Measured | str:
    """What a part takes, or in words why it cannot be measured."""
    measures = {
        "training": measure_training,
        "teacher": measure_teacher,
        "masking": measure_masking,
        "prediction": measure_prediction,
    }
    try:
        with quiet():
            return measures[part.what](part)
    except HarnessError as error:
        return f"not measured: {error}"
    except Exception as error:  # a config.json may say anything, and memory may be too small
        detail = next(iter(str(error).strip().splitlines()), "")[:200]
        return f"not measured: {type(error).__name__}: {detail}"


def measure_teacher(part: Part) -> Measured:
    """Let a teacher read one window, then two or more."""
    device = Computing().find_device()
    model = build_model(part.model).to(device).eval()
    width = part.width or part.tokens
    in_a_run = max(1, TEACHER_TOKENS // width)
    windows = windows_at_once(model, width, in_a_run)
    features = fit_segments(model, make_windows(model, windows, part.tokens))
    check_length(model, features)
    peaks = []
    seconds = 0.0
    for count in (1, windows, windows):
        rows = np.arange(count)
        inputs = model_inputs(features, lay_out(features, rows, left=False, width=width), padding_of(model))
        begun = now(device)
        with torch.inference_mode():
            forward(model, {name: tensor.to(device) for name, tensor in inputs.items()})
        seconds = (now(device) - begun) / count
        peaks.append(find_peak(device))
    memory = Memory(peaks[-1], windows, (peaks[-1] - peaks[0]) // (windows - 1))
    return Measured(seconds, int(model.num_parameters()), memory, at_once=in_a_run)


def measure_masking(part: Part) -> Measured:
    """Let a masked language model rank the words for some masked places of a paragraph, or of a sentence."""
    if part.stage is None:
        raise ValueError(f"{part.name}: found no stage that augments, expected one")
    computing = Computing()
    device = computing.find_device()
    model = build_model(part.model, masked=True)
    masked_lm = MaskedLM(model, make_tokenizer(), computing)
    pairs = part.stage.augment == "tinybert"
    length = min(part.tokens // 6, 30) if pairs else part.tokens  # a sentence of a paragraph is about a sixth of it
    frame = masked_lm.pair if pairs else masked_lm.single
    ids = random_ids(model, length).tolist()
    rows = max(1, computing.find_budget(device) // ((2 if pairs else 1) * length + 4))
    seconds = 0.0
    for count in (1, 2 * rows):
        places = [i % length for i in range(count)]
        begun = now(device)
        masked_lm.rank(ids, places, part.stage.augment_candidates, frame)
        seconds = (now(device) - begun) / count
    return Measured(seconds, int(model.num_parameters()), Memory(find_peak(device), rows, 0))


def measure_prediction(part: Part) -> Measured:
    """Let the model that a recipe ends with read some windows as a prediction does."""
    computing = Computing()
    device = computing.find_device()
    model = build_model(part.model).to(device).eval()
    packed, budget = PackedEncoder.of(model) if device.type == "cpu" else None, computing.find_budget(device)
    parameters = int(model.num_parameters())
    reader = Reader(model, make_tokenizer(), device, budget, packed, parameters)
    at_once = min(_MOST_READ, max(1, budget // part.tokens))
    seconds = 0.0
    with Streams.on(device) as streams:
        count = at_once * (1 if streams is None else torch.get_num_threads())
        features = make_windows(model, count, part.tokens)
        for _ in range(2):
            begun = now(device)
            reader.start(features, streams).finish(lambda tokens: None)
            seconds = (now(device) - begun) / count
    return Measured(seconds, parameters, Memory(find_peak(device), count, 0))


def _system_memory() -> int:
    """Bytes, as far as this process may have them."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limits.append(int(Path(place).read_text("ascii")))
        except (OSError, ValueError):  # no such limit
            continue
    return min(limits)


def _lost(part: Part, reason: str) -> Measured | str:
    advice = "memory may be too small" if "ended" in reason else "give it a faster machine"
    return f"not measured: the process {reason}; {advice}"
