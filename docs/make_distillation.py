"""Write the tables of distillation.md from the records beside the cards: ``python docs/make_distillation.py``."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.kept_speeds import load_speed
from harness.records import Run, SpeedMeasured
from harness.store import load_run

PAGE = Path(__file__).with_name("distillation.md")
CARDS = PAGE.parents[1] / "cards"
TEACHER, STUDENT, OTHER = "minilm__teacher", "minilm__distilled", "minilm__teacher_squad2"
CONTROLS = {"minilm__logits_only": "prediction layer alone", "minilm__fine_tuned": "fine-tuned, no teacher"}
_ROWS = {TEACHER: "**teacher**", STUDENT: "**student**, distilled", **CONTROLS}
_TABLE = re.compile(r"(<!-- table (?P<name>\w+) -->\n).*?(<!-- /table -->)", re.DOTALL)


def trained(card: str) -> list[Run]:
    """The runs of a card's recipe, the seeds of the last stage in order."""
    found = [run for run in _runs(card) if run.kind in ("retrained", "distilled")]
    return sorted(found, key=lambda run: run.recipe.stages[-1].seed)


def evaluated(card: str) -> list[Run]:
    """Evaluations of its weights on other data."""
    return sorted((run for run in _runs(card) if run.kind == "released"), key=_data)


def speed() -> SpeedMeasured | None:
    """The student's speed beside its teacher's, if it was measured."""
    files = sorted((CARDS / STUDENT / "speeds").glob("*.json"))
    return load_speed(files[0]).measured if files else None


def page(text: str) -> str:
    """The page with the tables that the records give."""
    tables = {"models": models, "differences": differences, "transfer": transfer, "squad2": squad2}
    return _TABLE.sub(lambda match: match[1] + "\n".join(tables[match["name"]]()) + "\n" + match[3], text)


def models() -> Iterator[str]:
    """Teacher, student and controls: figures by seed, and their mean and standard deviation."""
    yield "| model | layers | parameters | measure | seeds | mean | standard deviation | of the teacher's |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    measured = speed()
    teacher = {key: _mean(trained(TEACHER), key) for key in ("exact_match", "f1")}
    for card, name in _ROWS.items():
        size = None if measured is None else (measured.base if card == TEACHER else measured.model)
        layers, parameters = ("", "") if size is None else (str(size.layers), f"{size.parameters:,}")
        for key, words in (("exact_match", "exact match"), ("f1", "F1")):
            values = [run.scores[key] for run in trained(card)]
            spread = f"{statistics.stdev(values):.2f}" if len(values) > 1 else "one seed"
            share = f"{100 * statistics.mean(values) / teacher[key]:.1f} %"
            shown = ", ".join(f"{value:.2f}" for value in values)
            mean = f"{statistics.mean(values):.2f}"
            yield f"| {name} | {layers} | {parameters} | {words} | {shown} | {mean} | {spread} | {share} |"
    if measured is None:
        return
    yield ""
    yield "| batch | student, questions/s | teacher, questions/s | times as fast | 95 % interval |"
    yield "| --- | --- | --- | --- | --- |"
    for ratio in measured.ratios:
        words = {"one": "one question at a time", "best": "best batch of each"}[ratio.batch]
        own, base = (measured.questions_per_second(seconds) for seconds in (ratio.seconds, ratio.base_seconds))
        interval = f"{ratio.low:.3f} to {ratio.high:.3f}"
        yield f"| {words} | {own:.1f} | {base:.1f} | {ratio.ratio:.3f} | {interval} |"


def differences() -> Iterator[str]:
    """The student less each control, seed by seed."""
    yield "| difference | measure | seeds | mean | standard deviation | better in |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for card, name in CONTROLS.items():
        for key, words in (("exact_match", "exact match"), ("f1", "F1")):
            pairs = zip(trained(STUDENT), trained(card), strict=True)
            values = [one.scores[key] - other.scores[key] for one, other in pairs]
            shown = ", ".join(f"{value:.2f}" for value in values)
            told = f"{statistics.mean(values):.2f} | {statistics.stdev(values):.2f}"
            better = f"{sum(value > 0 for value in values)} of {len(values)}"
            yield f"| student − {name} | {words} | {shown} | {told} | {better} |"


def transfer() -> Iterator[str]:
    """Both on data that neither was trained on."""
    yield "| data | questions | teacher: exact match | F1 | student: exact match | F1 | F1, of the teacher's |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    student = {_data(run): run.scores for run in evaluated(STUDENT)}
    for run in evaluated(TEACHER):
        one, other = run.scores, student[_data(run)]
        n = 0 if run.evaluated is None else run.evaluated.n
        figures = " | ".join(f"{scores[key]:.2f}" for scores in (one, other) for key in ("exact_match", "f1"))
        yield f"| `{_data(run)}` | {n:,} | {figures} | {100 * other['f1'] / one['f1']:.1f} % |"


def squad2() -> Iterator[str]:
    """The teacher of SQuAD 2.0 beside a model that never answers."""
    (run,) = trained(OTHER)
    scores = run.scores
    never = 100 * scores["NoAns_total"] / scores["total"]
    yield "| questions | number | exact match | F1 | never answering |"
    yield "| --- | --- | --- | --- | --- |"
    for name, prefix, none in (("all", "", never), ("answerable", "HasAns_", 0.0), ("unanswerable", "NoAns_", 100.0)):
        exact, f1 = (scores[prefix + key] for key in ("exact", "f1"))
        yield f"| {name} | {int(scores[prefix + 'total']):,} | {exact:.2f} | {f1:.2f} | {none:.2f} |"


def _runs(card: str) -> list[Run]:
    return [load_run(file) for file in sorted((CARDS / card / "runs").glob("*.json"))]


def _data(run: Run) -> str:
    return "" if run.evaluated is None else str(run.evaluated.ref)


def _mean(runs: Sequence[Run] | Iterable[Run], key: str) -> float:
    return statistics.mean(run.scores[key] for run in runs)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
