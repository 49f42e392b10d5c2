"""One stage of a recipe to a trained model folder."""

from __future__ import annotations

import contextlib
import gc
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerBase, set_seed

from harness.engine import hidden
from harness.engine.batches import fit_segments
from harness.engine.checkpoints import newest_checkpoint, training_key
from harness.engine.computing import Fitting
from harness.engine.jobs import Job, Prepared, open_data, run_job
from harness.engine.loading import check_fit, load_model, load_tokenizer, longest_input, save
from harness.engine.meter import Meter
from harness.engine.micro_batches import Split
from harness.engine.reader import check_length
from harness.engine.stage_checks import check_same_vocabulary, check_stage
from harness.engine.students import load_student
from harness.engine.teachers import keep_logits
from harness.engine.together import lead, processes
from harness.engine.training_data import LabelledWindows, build_windows
from harness.engine.training_set import TrainingSet
from harness.engine.windowing import Windowing
from harness.engine_api import Training
from harness.errors import DataError, HarnessError, RecipeError, RecordError, RunError
from harness.models import folder_sha256
from harness.progress import Progress
from harness.records import Question, Stage, to_json
from harness.store import read_json, write_json

_SPLIT = "split.json"


def train_stage(
    stage: Stage,
    student: Path,
    teacher: Path | None,
    questions: Sequence[Question],
    out: Path,
    progress: Progress,
    *,
    work: Path | None = None,
    cache: Path | None = None,
    fitting: Fitting | None = None,
) -> Training:
    """Train `student` as `stage` says and write a plain model folder to `out`.

    The same arguments give the same weights, byte for byte, on one machine, however often the training was interrupted.
    A student without question-answering head gets one from the stage's seed.

    Args:
        stage: One stage of a recipe.
        student: Folder of the model to start from.
        teacher: Folder of the teacher.
        questions: Read in slices.
        out: Folder to write the model to.
        progress: Told what is being done.
        work: Folder of windows, checkpoints and metrics; what an interrupted call left there is taken up. A temporary
            one if left out.
        cache: Folder of teachers' logits, shared between stages and runs; in `work` if left out.
        fitting: What this machine can hold.

    Raises:
        RecipeError: the stage asks for something impossible, or teacher and student do not go together.
        DataError: there is no question, or an answer is not where it should be.
        ModelError: a folder is no usable model.
        RecordError: the disk is full or cannot be written.
        RunError: training failed or diverged, or not even one window at a time fits into memory.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) if work is None else work
        prepared = prepare(stage, student, teacher, questions, progress, folder, cache)
        return fit(prepared, out, progress, folder, fitting)


def prepare(
    stage: Stage,
    student: Path,
    teacher: Path | None,
    questions: Sequence[Question],
    progress: Progress,
    work: Path,
    cache: Path | None = None,
) -> Prepared:
    """Check the stage, cut the questions into labelled windows, and ask the teacher; arguments as in `train_stage`."""
    check_stage(stage, teacher)
    if not len(questions):
        raise DataError(f"stage {stage.name}: found no training question, expected some; name data with questions")
    set_seed(stage.seed)
    tokenizer = load_tokenizer(student)
    tokenizing = Meter(progress, f"tokenize for {stage.name}", len(questions), "questions")
    folder = work / "windows"
    windowing = Windowing.of_stage(stage)
    windows = build_windows(folder, tokenizer, questions, windowing, stage.label_faults, tokenizing.advance)
    model = load_student(student, stage)
    check_fit(student, model, tokenizer)
    check_length(model, windows.features)
    _check_width(stage, model)
    windows = replace(windows, features=fit_segments(model, windows.features))
    logits = None
    if teacher is not None:
        check_same_vocabulary(stage, teacher, load_tokenizer(teacher), tokenizer)
        logits = _ask(stage, teacher, tokenizer, windows, progress, cache or work / "teachers")
    values = {name: value for name, value in to_json(stage).items() if name not in ("origins", "name", "profile")}
    sources = folder_sha256(student), None if teacher is None else folder_sha256(teacher), windows.sha256
    key = training_key(values, *sources)
    return Prepared(stage, student, teacher, folder, logits, key)


def fit(
    prepared: Prepared,
    out: Path,
    progress: Progress,
    work: Path,
    fitting: Fitting | None = None,
    data: TrainingSet | None = None,
) -> Training:
    """Train what was prepared, from the newest checkpoint in `work` if there is one, and write the model to `out`.

    Args:
        prepared: By `prepare`.
        out: Folder to write the model to.
        progress: Told how far the training is.
        work: Folder of checkpoints and metrics.
        fitting: What this machine can hold.
        data: In place of what was prepared, for experiments.
    """
    fitting = fitting or Fitting()
    stage, checkpoints = prepared.stage, work / "checkpoints"
    split = _recall_split(work, Split.of(stage.batch_size, processes(), fitting.micro_batch))
    data = open_data(prepared) if data is None else data
    while True:
        # Other micro-batches draw other dropout: a checkpoint belongs to one split.
        key = training_key(prepared.key, split.devices, split.micro_batch)
        job = Job(prepared, key, split, work, newest_checkpoint(checkpoints, key), fitting)
        lead(job)
        try:
            model, training = run_job(job, data, progress)
            break
        except HarnessError:
            raise
        except Exception as error:  # torch's errors, memory and a full disk among them
            if _is_disk(error):
                raise _unwritten(work, error) from error
            smaller = split.halved() if _is_memory(error) and split.devices == 1 else None
            if smaller is None:
                raise _stopped(stage, error, _is_memory(error)) from error
            split = smaller
        gc.collect()
        torch.cuda.empty_cache()
        progress(f"train {stage.name}", 0, 0, f"out of memory; anew with {split.micro_batch} windows at a time")
        write_json(work / _SPLIT, {"micro_batch": split.micro_batch})
    hidden.strip(model)
    try:
        save(model.cpu(), load_tokenizer(prepared.student), out)
    except Exception as error:
        if _is_disk(error):
            raise _unwritten(out, error) from error
        raise
    return replace(training, micro_batch=split.micro_batch, accumulation=split.accumulation, devices=split.devices)


def _check_width(stage: Stage, model: PreTrainedModel) -> None:
    """Raise `RecipeError` where windows are padded to more than the model reads."""
    limit = longest_input(model)
    if stage.padding == "fixed" and limit is not None and stage.max_seq_len > limit:
        raise RecipeError(
            f"stage {stage.name}: max_seq_len is {stage.max_seq_len}, to which every window is padded, expected at "
            f"most the {limit} that the {model.config.model_type} model reads; lower it, or state padding: longest",
            stage=stage.name,
            field="max_seq_len",
        )


def _recall_split(work: Path, wanted: Split) -> Split:
    """The split that an earlier call found to fit into memory: the same weights need the same one."""
    try:
        found = int(read_json(work / _SPLIT)["micro_batch"])
    except (RecordError, KeyError, TypeError, ValueError):
        return wanted
    return Split.of(wanted.batch_size, wanted.devices, min(wanted.micro_batch, max(1, found)))


def _ask(
    stage: Stage,
    folder: Path,
    tokenizer: PreTrainedTokenizerBase,
    windows: LabelledWindows,
    progress: Progress,
    cache: Path,
) -> Path | None:
    """Check the teacher; where the stage learns from its logits, see that they are on disk."""
    model = load_model(folder, fresh_head=stage.kind == "distil_hidden")
    check_fit(folder, model, tokenizer)
    check_length(model, windows.features)
    fit_segments(model, windows.features)
    if stage.kind != "distil_logits":
        return None
    width = stage.max_seq_len if stage.padding == "fixed" else None
    return keep_logits(cache, (folder, model, tokenizer), windows, width, stage.name, progress)


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error)
    return any(words in text for words in ("can't allocate memory", "not enough memory", "out of memory"))


def _is_disk(error: BaseException) -> bool:
    """Whether something could not be written; torch and safetensors wrap what the system says."""
    return isinstance(error, (OSError, SafetensorError)) or "PytorchStreamWriter" in str(error)


def _unwritten(path: Path, error: BaseException) -> RecordError:
    detail = next(iter(str(error).splitlines()), "")[:120]
    return RecordError(
        f"{path}: cannot be written ({detail}); make room, the same command goes on from the last checkpoint",
        path=str(path),
    )


def _stopped(stage: Stage, error: BaseException, memory: bool) -> RunError:
    detail = next(iter(str(error).splitlines()), "")[:200]
    advice = (
        "its memory is too small for one micro-batch: use --gradient-checkpointing or a smaller --micro-batch, or "
        "lower max_seq_len"
        if memory
        else "the checkpoints stay, and the same command goes on from the last one"
    )
    return RunError(
        f"stage {stage.name}: training stopped with {type(error).__name__}: {detail}; {advice}", stage=stage.name
    )
