"""Training and distillation of tiny models."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
import numpy as np
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from harness.engine import TorchEngine, teachers
from harness.engine.features import Windowing, make_features
from harness.engine.loading import load_model, load_tokenizer, save
from harness.engine.meter import Meter
from harness.engine.predict import window_logits
from harness.errors import DataError, ModelError, RecipeError, RunError
from harness.progress import silent
from harness.records import Answer, Decoding, Question, Stage
from harness.store import locked

pytestmark = pytest.mark.torch
engine = TorchEngine()


@pytest.fixture(scope="module")
def teacher(
    build: Callable[..., Path], make_questions: Callable[..., list[Question]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model that answers the easy questions it was trained on."""
    out = tmp_path_factory.mktemp("teacher") / "model"
    stage = Stage(
        name="teacher",
        kind="finetune",
        student=None,
        teacher=None,
        data=(),
        epochs=150,
        batch_size=8,
        learning_rate=3e-3,
        lr_schedule="linear",
        warmup_proportion=0.1,
        weight_decay=0.0,
        adam_beta2=0.98,
        max_grad_norm=1.0,
        max_seq_len=96,
        doc_stride=16,
        max_query_length=24,
        temperature=1.0,
        distillation_loss_weight=0.0,
        seed=1,
    )
    engine.train(stage, build(), None, make_questions(24), out)
    return out


def exact(answers: object, questions: list[Question]) -> float:
    assert isinstance(answers, dict)
    return sum(answers[q.id] == (q.answers[0].text if q.answers else "") for q in questions) / len(questions)


def distributions(folder: Path, questions: list[Question]) -> list[np.ndarray]:
    """Log-probabilities of starts and ends over the tokens of each window, [tokens, 2] each."""
    features = make_features(load_tokenizer(folder), questions, Windowing(96, 16, 24))
    logits = window_logits(load_model(folder), load_tokenizer(folder), features, Meter(silent, "", len(questions), ""))
    windows = np.split(logits.astype(np.float64), features.bounds[1:-1])
    return [window - np.log(np.exp(window).sum(axis=0)) for window in windows]


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_training_learns_easy_questions(
    teacher: Path, build: Callable[..., Path], questions: list[Question], decoding: Decoding
) -> None:
    assert exact(engine.predict(build(), questions, decoding).answers, questions) < 0.5
    assert exact(engine.predict(teacher, questions, decoding).answers, questions) >= 0.9


def test_folder_is_a_plain_model_without_pickles(teacher: Path) -> None:
    assert sorted(path.name for path in teacher.iterdir()) == [
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    ]
    model = AutoModelForQuestionAnswering.from_pretrained(teacher)
    inputs = AutoTokenizer.from_pretrained(teacher)("Who founded it?", "Ada Merk did.", return_tensors="pt")
    assert model(**inputs).start_logits.shape == inputs["input_ids"].shape


def test_what_training_reports(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int, str]] = []
    stage = make_stage(epochs=2, batch_size=10, warmup_proportion=0.35)
    training = engine.train(stage, build(), None, questions, tmp_path / "m", lambda *report: seen.append(report))
    assert (training.windows, training.steps) == (24, 6)
    assert [entry["step"] for entry in training.history] == [1, 2, 3, 4, 5, 6]
    assert [entry["epoch"] for entry in training.history] == pytest.approx([n / 3 for n in range(1, 7)])
    # The rate of a step before it is taken: int(0.35 * 6) = 2 steps of warmup from 0, then down to 0 after the last.
    expected = [0, 0.5, 1, 0.75, 0.5, 0.25]
    assert [entry["learning_rate"] / 3e-3 for entry in training.history] == pytest.approx(expected)
    last = [entry["loss"] for entry in training.history[3:]]
    assert training.loss == pytest.approx((last[0] * 10 + last[1] * 10 + last[2] * 4) / 24, rel=1e-5)
    assert seen[0] == ("tokenize for tiny", 0, 24, "")
    what, done, total, note = seen[-1]
    assert (what, done, total) == ("train tiny", 6, 6)
    assert note.startswith("loss ")
    assert note.endswith(" windows/s")


def test_constant_schedule_keeps_the_rate(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = make_stage(lr_schedule="constant", warmup_proportion=0.0)
    training = engine.train(stage, build(), None, questions, tmp_path)
    assert {entry["learning_rate"] for entry in training.history} == {3e-3}


def test_same_command_twice_gives_the_same_bytes(
    build: Callable[..., Path],
    teacher: Path,
    questions: list[Question],
    make_stage: Callable[..., Stage],
    decoding: Decoding,
    tmp_path: Path,
) -> None:
    for kind, master in (("finetune", None), ("distil_logits", teacher)):
        stage = make_stage(kind=kind, epochs=2)
        folders = [tmp_path / f"{kind}{i}" for i in range(3)]
        for folder, seed in zip(folders, (7, 7, 8), strict=True):
            torch.rand(seed)  # what happened before in the process must not matter
            engine.train(replace(stage, seed=seed), build(), master, questions, folder)
        assert weights(folders[0]) == weights(folders[1])
        assert weights(folders[0]) != weights(folders[2])
        one, same = (engine.predict(folder, questions, decoding) for folder in folders[:2])
        assert one == same


def test_student_comes_close_to_its_teacher(
    build: Callable[..., Path],
    teacher: Path,
    make_stage: Callable[..., Stage],
    tmp_path: Path,
    questions: list[Question],
) -> None:
    unlabelled = [replace(question, answers=()) for question in questions]
    stage = make_stage(kind="distil_logits", epochs=40, distillation_loss_weight=1.0, temperature=2.0, seed=5)
    student = build("pocket/roberta-1x32", seed=9)
    engine.train(stage, student, teacher, unlabelled, tmp_path / "student")
    wanted = distributions(teacher, questions)

    def divergence(folder: Path) -> float:
        pairs = zip(wanted, distributions(folder, questions), strict=True)
        return float(np.mean([(np.exp(t) * (t - s)).sum() for t, s in pairs]))

    assert divergence(tmp_path / "student") < 0.25 * divergence(student)


def test_weight_and_temperature_reach_the_loss(
    build: Callable[..., Path],
    teacher: Path,
    questions: list[Question],
    make_stage: Callable[..., Stage],
    tmp_path: Path,
) -> None:
    def first_loss(**changes: float) -> float:
        stage = make_stage(kind="distil_logits", batch_size=24, **changes)
        return engine.train(stage, build(), teacher, questions, tmp_path / "m").history[0]["loss"]

    def plain() -> float:
        return engine.train(make_stage(batch_size=24), build(), None, questions, tmp_path / "m").history[0]["loss"]

    # Same seed, same dropout: the loss is linear in the weight, and at weight 0 it would be the plain one.
    half, whole = first_loss(distillation_loss_weight=0.5), first_loss(distillation_loss_weight=1.0)
    assert 2 * half - whole == pytest.approx(plain(), rel=1e-5)
    assert first_loss(distillation_loss_weight=1.0, temperature=3.0) != pytest.approx(whole, rel=1e-3)


def test_a_teacher_is_asked_once_for_all_epochs_and_seeds(
    build: Callable[..., Path],
    teacher: Path,
    questions: list[Question],
    make_stage: Callable[..., Stage],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    real = teachers.window_logits
    monkeypatch.setattr(teachers, "window_logits", lambda *a: (asked.append(len(a[2])), real(*a))[1])

    def train(stage: Stage, master: Path, asking: list[Question]) -> None:
        engine.train(stage, build(), master, asking, tmp_path / "m", cache=tmp_path / "cache")

    stage = make_stage(kind="distil_logits", epochs=3)
    for seed in (1, 2):
        train(replace(stage, seed=seed), teacher, questions)
    assert asked == [24]
    (kept,) = (tmp_path / "cache").glob("[!.]*")
    for changed, master, asking in (
        (stage, build(seed=3), questions),  # another teacher
        (stage, teacher, questions[:-1]),  # other data
        (stage, teacher, [replace(questions[0], question="Who?"), *questions[1:]]),  # another text
        (replace(stage, max_query_length=3), teacher, questions),  # other windows
    ):
        train(changed, master, asking)
    assert asked == [24, 24, 23, 24, 24]
    train(stage, teacher, questions)
    assert len(asked) == 5
    (kept / "manifest.json").unlink()  # as if it had been killed before the last rename
    train(stage, teacher, questions)
    assert len(asked) == 6


def test_padding_of_an_era_takes_part_in_the_loss(
    build: Callable[..., Path],
    teacher: Path,
    questions: list[Question],
    make_stage: Callable[..., Stage],
    tmp_path: Path,
) -> None:
    """The first loss, computed plainly from both models on windows padded to one width."""
    model = load_model(build())
    model.config.hidden_dropout_prob = 0.0
    save(model, load_tokenizer(build()), tmp_path / "dry")
    stage = make_stage(
        kind="distil_logits", batch_size=24, padding="fixed", temperature=1.5, distillation_loss_weight=0.75
    )
    found = engine.train(stage, tmp_path / "dry", teacher, questions, tmp_path / "m").history[0]["loss"]
    tokenizer = AutoTokenizer.from_pretrained(build())
    batch = tokenizer(
        [q.question for q in questions],
        [q.context for q in questions],
        padding="max_length",
        max_length=96,
        return_tensors="pt",
        return_offsets_mapping=True,
    )
    offsets = batch.pop("offset_mapping")
    with torch.no_grad():
        ours, theirs = (load_model(folder)(**batch) for folder in (tmp_path / "dry", teacher))
    labels = torch.zeros(24, 2, dtype=torch.long)
    for i, question in enumerate(questions):
        for answer in question.answers:
            second = [n for n, s in enumerate(batch.sequence_ids(i)) if s == 1]
            inside = [
                n
                for n in second
                if offsets[i, n, 1] > answer.start and offsets[i, n, 0] < answer.start + len(answer.text)
            ]
            labels[i] = torch.tensor([inside[0], inside[-1]])
    mse, log = torch.nn.functional.cross_entropy, torch.nn.functional.log_softmax
    hard = (mse(ours.start_logits, labels[:, 0]) + mse(ours.end_logits, labels[:, 1])) / 2
    soft = torch.zeros(())
    for mine, its in ((ours.start_logits, theirs.start_logits), (ours.end_logits, theirs.end_logits)):
        p, q = log(its / 1.5, dim=1), log(mine / 1.5, dim=1)
        soft = soft + (p.exp() * (p - q)).sum() / 24
    assert found == pytest.approx(float(0.75 * 1.5**2 * soft + 0.25 * hard), rel=1e-4)


def test_batch_of_one_window_and_a_last_short_batch(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    assert engine.train(make_stage(batch_size=1), build(), None, questions[:3], tmp_path / "a").steps == 3
    assert engine.train(make_stage(batch_size=5), build(), None, questions[:6], tmp_path / "b").steps == 2


def test_training_leaves_nothing_behind(
    build: Callable[..., Path],
    questions: list[Question],
    make_stage: Callable[..., Stage],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    engine.train(make_stage(), build(), None, questions, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert capfd.readouterr() == ("", "")


def test_diverging_training_stops(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = make_stage(learning_rate=1e20, warmup_proportion=0.0, epochs=3)
    with pytest.raises(RunError, match=r"stage tiny: found a loss of .* lower learning_rate") as caught:
        engine.train(stage, build(), None, questions, tmp_path / "model")
    assert caught.value.stage == "tiny"
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("teacher", {"kind": "distil_logits"}),
        ("epochs", {"epochs": 0}),
        ("batch_size", {"batch_size": 0}),
        ("seed", {"seed": -1}),
        ("max_seq_len", {"max_seq_len": 24}),
    ],
)
def test_impossible_stages_are_refused(
    field: str,
    changes: dict[str, object],
    build: Callable[..., Path],
    questions: list[Question],
    make_stage: Callable[..., Stage],
    tmp_path: Path,
) -> None:
    with pytest.raises(RecipeError) as caught:
        engine.train(make_stage(**changes), build(), None, questions, tmp_path / "model")
    assert caught.value.field == field
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("teacher", {"kind": "finetune"}),
        ("distillation_loss_weight", {"distillation_loss_weight": 0.0}),
        ("distillation_loss_weight", {"distillation_loss_weight": 1.5}),
        ("distillation_loss_weight", {"distillation_loss_weight": math.nan}),
        ("temperature", {"temperature": 0.0}),
    ],
)
def test_a_teacher_is_never_ignored(
    field: str,
    changes: dict[str, object],
    build: Callable[..., Path],
    teacher: Path,
    questions: list[Question],
    make_stage: Callable[..., Stage],
    tmp_path: Path,
) -> None:
    stage = make_stage(**({"kind": "distil_logits"} | changes))
    with pytest.raises(RecipeError) as caught:
        engine.train(stage, build(), teacher, questions, tmp_path / "model")
    assert caught.value.field == field


def test_teacher_with_another_vocabulary_is_refused(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    engine.build_base("pocket/roberta-2x32", ["other words altogether"] * 9, 0, tmp_path / "other")
    with pytest.raises(RecipeError, match="tokens with other ids than the student") as caught:
        engine.train(make_stage(kind="distil_logits"), build(), tmp_path / "other", questions, tmp_path / "model")
    assert caught.value.field == "teacher"


def test_teacher_with_damaged_weights_is_refused(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    model = load_model(build())
    with torch.no_grad():
        next(model.parameters())[:] = math.nan
    save(model, load_tokenizer(build()), tmp_path / "nan")
    with pytest.raises(ModelError, match="no finite numbers"):
        engine.train(make_stage(kind="distil_logits"), build(), tmp_path / "nan", questions, tmp_path / "model")


def test_questions_that_cannot_be_trained_on(
    build: Callable[..., Path], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no training question"):
        engine.train(make_stage(), build(), None, [], tmp_path / "model")
    wrong = Question("q13", "0:0", "Orvel lies by the sea.", "Where?", (Answer("a hill", 14),))
    with pytest.raises(DataError, match="question q13:"):
        engine.train(make_stage(), build(), None, [wrong], tmp_path / "model")


def test_windows_longer_than_the_model_reads_are_refused(
    build: Callable[..., Path], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    long = Question("q1", "0:0", "Orvel lies by the sea. " * 60, "Where?", ())
    with pytest.raises(RecipeError, match="expected at most the 256 that the roberta model reads"):
        engine.train(make_stage(max_seq_len=300), build(), None, [long], tmp_path / "model")


def test_the_launchers_environment_does_not_change_the_precision(
    build: Callable[..., Path],
    questions: list[Question],
    make_stage: Callable[..., Stage],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``accelerate launch`` sets it from its own configuration."""
    engine.train(make_stage(), build(), None, questions, tmp_path / "plain")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    engine.train(make_stage(), build(), None, questions, tmp_path / "launched")
    assert weights(tmp_path / "plain") == weights(tmp_path / "launched")


def test_damaged_windows_and_logits_are_made_again(
    build: Callable[..., Path],
    teacher: Path,
    questions: list[Question],
    make_stage: Callable[..., Stage],
    tmp_path: Path,
) -> None:
    stage = make_stage(kind="distil_logits")

    def train() -> bytes:
        work, cache = tmp_path / "work", tmp_path / "cache"
        engine.train(stage, build(), teacher, questions, tmp_path / "m", work=work, cache=cache)
        return weights(tmp_path / "m")

    wanted = train()
    for pattern in ("work/windows/*.bin", "cache/*/logits.npy"):
        for file in tmp_path.glob(pattern):
            for damage in (b"", b"\0" * file.stat().st_size):
                file.write_bytes(damage)
                assert train() == wanted, (file, len(damage))


def test_warmup_is_rounded_as_the_stage_says(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    rates = {}
    for rounding in ("down", "up"):
        stage = make_stage(warmup_proportion=0.5, warmup_rounding=rounding)  # of three steps
        history = engine.train(stage, build(), None, questions, tmp_path / rounding).history
        rates[rounding] = [entry["learning_rate"] / 3e-3 for entry in history]
    assert rates["down"] == pytest.approx([0, 1, 0.5])
    assert rates["up"] == pytest.approx([0, 0.5, 1])
    stage = make_stage(lr_schedule="constant_with_warmup", warmup_proportion=0.7)
    history = engine.train(stage, build(), None, questions, tmp_path / "constant").history
    assert [entry["learning_rate"] / 3e-3 for entry in history] == pytest.approx([0, 0.5, 1])


def test_windows_padded_to_more_than_the_model_reads_are_refused(
    build: Callable[..., Path], questions: list[Question], make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="to which every window is padded, expected at most the 256"):
        stage = make_stage(max_seq_len=300, padding="fixed")
        engine.train(stage, build(), None, questions, tmp_path / "model")


def test_one_run_at_a_time_asks_a_teacher(
    build: Callable[..., Path],
    teacher: Path,
    questions: list[Question],
    make_stage: Callable[..., Stage],
    tmp_path: Path,
) -> None:
    """Another run may hold the folder; this one waits, and takes what the other left."""
    cache, done = tmp_path / "cache", threading.Event()

    def train() -> None:
        engine.train(make_stage(kind="distil_logits"), build(), teacher, questions, tmp_path / "m", cache=cache)
        done.set()

    cache.mkdir()
    with locked(cache):
        thread = threading.Thread(target=train)
        thread.start()
        assert not done.wait(4)
        assert not list(cache.glob("*/*"))
    thread.join(60)
    assert done.is_set()
