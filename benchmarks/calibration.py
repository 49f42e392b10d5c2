"""How often each verdict is given where the truth is known, on real questions with real systems' predictions.

    python benchmarks/calibration.py --shared ../shared [--worlds 1000] [--json FILE] [--svg FILE]

`--shared` holds ``data/squad/dev-v2.0.json``, ``dev-v1.1.json`` and ``data/predictions`` (published predictions of
real systems). Two parts, both seeded:

*Intervals.* Paragraphs are drawn with replacement from the development set, as many as make about n questions; an
interval holds the truth where it holds the figure of the whole set. Wanted of nominal 95 %: 94 to 96 %.

*Verdicts.* A world has a publisher's run and ours on the same n questions, both another seed of one real system: each
question keeps that system's score with probability r, else has the score of another question of its kind (with or
without an answer), so that the correlation of two runs question by question is r squared. The claim is the publisher's
figure, printed to four digits, plus an offset. Of weights as they were given two runs differ in the score of one
question in ten thousand. Where the protocol is not known, the publisher's was another one in half of the worlds, which
moved the figure by up to 2 points either way, and was among twelve that are tried in half of these.
`harness.verdict.judge_claim` judges with its defaults.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.intervals import bootstrap, clopper_pearson
from harness.prediction_files import read_predictions
from harness.records import Claim, DataRef, Place, Rescored, Verdict
from harness.squad import score_predictions
from harness.squad_files import read_squad_file
from harness.store import load_run
from harness.verdict import Terms, judge_claim

OFFSETS = (0.0, 0.3, 0.5, 1.0, 2.0)
INTERVAL_SIZES = (500, 1000, 2000, 5000, 11_873)
VERDICT_SIZES = (1000, 3000, 11_873)
CORRELATIONS = (0.98, 0.95, 0.90, 0.80)
PROTOCOLS = 12
FLIPS = 1e-4
RESAMPLES = 1000
ORDER = (Verdict.MATCHES, Verdict.WITHIN_TOLERANCE, Verdict.INCONCLUSIVE, Verdict.DIFFERS)
DATA = DataRef("calibration", "validation")
RUN = load_run(Path(__file__).parents[1] / "tests" / "data" / "runs" / "finished.json")
BARE = replace(
    RUN, recipe=replace(RUN.recipe, stages=tuple(replace(s, origins={}) for s in RUN.recipe.stages), origins={})
)
SYSTEMS = {
    "BERT, 2.0": ("dev-v2.0.json", "squad2-dev-bert.json"),
    "BiDAF with ELMo, 2.0": ("dev-v2.0.json", "squad2-dev-bidaf-elmo.json"),
    "BERT, 1.1": ("dev-v1.1.json", "squad1-dev-bert.json"),
}


class System:
    """A real system's scores: exact match and F1 of each question, its paragraph, and whether it has an answer."""

    def __init__(self, shared: Path, data: str, predictions: str) -> None:
        questions = read_squad_file(shared / "data" / "squad" / data)
        scores = score_predictions(questions, read_predictions(shared / "data" / "predictions" / predictions))
        self.scores = np.array([[scores.exact[q.id], scores.f1[q.id]] for q in questions])
        self.paragraphs = [q.passage_id for q in questions]
        self.has_ans = np.array([scores.has_ans[q.id] for q in questions])

    def units(self) -> list[np.ndarray]:
        """The rows of each paragraph."""
        rows: dict[str, list[int]] = {}
        for number, name in enumerate(self.paragraphs):
            rows.setdefault(name, []).append(number)
        return [np.array(numbers) for numbers in rows.values()]

    def draw_run(self, questions: np.ndarray, keep: float, generator: np.random.Generator) -> np.ndarray:
        """Exact match and F1 of another seed on these questions, [n, 2]."""
        kept = generator.random(len(questions)) < keep
        drawn = self.scores[questions].copy()
        for answerable in (True, False):
            pool = np.flatnonzero(self.has_ans == answerable)
            changed = np.flatnonzero(~kept & (self.has_ans[questions] == answerable))
            if len(pool):
                drawn[changed] = self.scores[generator.choice(pool, len(changed))]
        return drawn


def cover(system: System, n: int, worlds: int, seed: int) -> dict[str, float]:
    """Shares of 95 % intervals that hold the figure of the whole set."""
    generator = np.random.default_rng([seed, n])
    units, truth = system.units(), 100.0 * system.scores.mean(axis=0)
    paragraphs = max(2, round(n * len(units) / len(system.scores)))
    held: Counter[str] = Counter()
    for world in range(worlds):
        drawn = [units[i] for i in generator.integers(0, len(units), paragraphs)]
        rows = system.scores[np.concatenate(drawn)]
        clusters = [str(number) for number, unit in enumerate(drawn) for _ in unit]
        kinds = {
            "by paragraph": bootstrap(rows, clusters, resamples=RESAMPLES, seed=world),
            "by question": bootstrap(rows, resamples=RESAMPLES, seed=world),
        }
        for kind, pair in kinds.items():
            for name, interval, figure in zip(("exact", "f1"), pair, truth, strict=True):
                held[f"{name} {kind}"] += interval.low <= figure <= interval.high
        binomial = clopper_pearson(round(rows[:, 0].sum()), len(rows))
        held["exact binomial"] += binomial.low <= truth[0] <= binomial.high
    return {name: count / worlds for name, count in held.items()}


def claim(figure: float, metric: str) -> Claim:
    digits = f"{figure:.4f}"
    return Claim(metric, "all", float(digits), digits, "percent", DATA, "front_matter", Place(0, 1, 1))


def run_of(kind: str, rows: np.ndarray, number: int = 0):
    exact, f1 = (100.0 * rows.mean(axis=0)).tolist()
    evaluated = replace(BARE.evaluated, ref=DATA, n=len(rows))
    recipe = replace(BARE.recipe, stages=tuple(replace(stage, seed=number) for stage in BARE.recipe.stages))
    return replace(
        BARE, id=f"run-{number}", recipe=recipe, kind=kind, scores={"exact": exact, "f1": f1}, evaluated=evaluated
    )


def judge_world(kind, system, questions, keep, generator, seeds):
    """For each offset the verdicts on exact match and F1 of one world, and the publisher's figures less ours."""
    theirs = system.draw_run(questions, keep, generator)
    if kind == "replay":
        ours, terms = [run_of("replay", theirs)], Terms()
    elif kind in ("known", "assumed"):
        flipped = theirs.copy()
        turned = np.flatnonzero(generator.random(len(questions)) < FLIPS)
        flipped[turned] = 1.0 - flipped[turned]
        ours, terms = [run_of("released", flipped)], Terms(protocol=kind)
    else:
        runs = [system.draw_run(questions, keep, generator) for _ in range(seeds)]
        ours, terms = [run_of(kind, rows, number) for number, rows in enumerate(runs)], Terms()
    figures = (100.0 * theirs.mean(axis=0)).tolist()
    if kind == "assumed":
        figures, ours = other_protocol(figures, ours[0], generator)
    found = [
        [
            judge_claim(claim(figure + offset, metric), ours, terms).verdict
            for metric, figure in zip(("exact_match", "f1"), figures, strict=True)
        ]
        for offset in OFFSETS
    ]
    return found, np.subtract(figures, [ours[0].scores["exact"], ours[0].scores["f1"]])


def other_protocol(figures, run, generator):
    """The publisher's figures under a protocol of its own, and our run with what the protocols tried come to."""
    shifts = generator.uniform(-2.0, 2.0, PROTOCOLS)
    tried = [
        Rescored(f"p{n}", "", {key: run.scores[key] + shift for key in ("exact", "f1")}, 1, 1)
        for n, shift in enumerate(shifts.tolist())
    ]
    if generator.random() < 0.5:
        among = generator.random() < 0.5
        shift = shifts[0] if among else generator.uniform(-2.0, 2.0)
        figures = [figure + float(shift) for figure in figures]
    return figures, [replace(run, alternatives=tuple(tried))]


def count_verdicts(kind, system, n, keep, worlds, seed, seeds):
    """For each offset the shares of the verdicts, and the spread of one seed in points."""
    generator = np.random.default_rng([seed, n, round(1000 * keep), seeds, len(kind)])
    counts: list[Counter[Verdict]] = [Counter() for _ in OFFSETS]
    gaps = []
    for _ in range(worlds):
        questions = np.sort(generator.choice(len(system.scores), n, replace=False))
        found, gap = judge_world(kind, system, questions, keep, generator, seeds)
        for count, verdicts in zip(counts, found, strict=True):
            count.update(verdicts)
        gaps.append(gap)
    spread = float(np.std(gaps) / np.sqrt(2))
    return [{v.value: count[v] / (2 * worlds) for v in ORDER} | {"spread": spread} for count in counts]


PICTURED = (
    ("replay", 1, 1.0, "stored predictions"),
    ("known", 1, 1.0, "weights, protocol known"),
    ("assumed", 1, 1.0, "weights, protocol not known"),
    ("retrained", 1, 0.9, "retrained, one seed"),
    ("retrained", 5, 0.9, "retrained, five seeds"),
    ("distilled", 1, 0.9, "distilled, one seed"),
)
COLOURS = {"matches": "#1a7f37", "within_tolerance": "#7bc48d", "inconclusive": "#d9a441", "differs": "#b3382c"}


def draw(rows: list[dict], n: int) -> str:
    """Shares of the verdicts by offset, a group of bars for each kind of run, as SVG."""
    width, height, bar, left = 760, 46 * len(PICTURED) * 2 + 70, 12, 200
    scale = (width - left - 20) / 100.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-size="12" '
        'font-family="sans-serif" role="img">',
        f"<title>Shares of verdicts on {n} questions by how far the claim is off</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    x = left
    for verdict, colour in COLOURS.items():
        parts.append(f'<rect x="{x}" y="14" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 17}" y="24" fill="#222222">{verdict}</text>')
        x += 45 + 7 * len(verdict)
    y = 44
    for kind, seeds, correlation, title in PICTURED:
        parts.append(f'<text x="8" y="{y + 10}" fill="#222222">{title}</text>')
        for offset in OFFSETS:
            row = next(
                r
                for r in rows
                if (r["kind"], r["seeds"], r["correlation"], r["n"], r["offset"])
                == (kind, seeds, correlation, n, offset)
            )
            parts.append(f'<text x="{left - 8}" y="{y + 10}" text-anchor="end" fill="#222222">{offset:g}</text>')
            x = float(left)
            for verdict, colour in COLOURS.items():
                share = 100.0 * row[verdict] * scale
                parts.append(f'<rect x="{x:.1f}" y="{y}" width="{share:.1f}" height="{bar}" fill="{colour}"/>')
                x += share
            y += bar + 4
        y += 12
    return "\n".join([*parts, "</svg>"]) + "\n"


def print_head(*names: str) -> None:
    print("| " + " | ".join(names) + " |\n|" + " --- |" * len(names))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    if not (options.shared / "data").is_dir():
        sys.exit(f"{options.shared}: holds no data; give the folder with data/squad and data/predictions as --shared")
    begun = time.monotonic()
    systems = {name: System(options.shared, *files) for name, files in SYSTEMS.items()}
    result = {"worlds": options.worlds, "seed": options.seed, "intervals": [], "verdicts": []}
    order = ("exact by paragraph", "f1 by paragraph", "exact by question", "f1 by question", "exact binomial")
    print_head("system", "questions", *order)
    for name, system in systems.items():
        for n in INTERVAL_SIZES:
            held = cover(system, min(n, len(system.scores)), options.worlds, options.seed)
            result["intervals"].append({"system": name, "n": n, **held})
            print(f"| {name} | {n} |" + "".join(f" {100 * held[key]:.1f} |" for key in order), flush=True)
    print()
    print_head("kind of run", "seeds", "questions", "correlation", "spread", "offset", *(v.value for v in ORDER))
    system = systems["BERT, 2.0"]
    settings = [("replay", 1, 1.0), ("known", 1, 1.0), ("assumed", 1, 1.0)]
    settings += [(kind, 1, c) for kind in ("retrained", "distilled") for c in CORRELATIONS]
    settings += [("retrained", seeds, c) for seeds in (3, 5) for c in CORRELATIONS]
    for kind, seeds, correlation in settings:
        for n in VERDICT_SIZES:
            keep = float(np.sqrt(correlation))
            rows = count_verdicts(kind, system, n, keep, options.worlds, options.seed, seeds)
            for offset, shares in zip(OFFSETS, rows, strict=True):
                row = {"kind": kind, "seeds": seeds, "n": n, "correlation": correlation, "offset": offset, **shares}
                result["verdicts"].append(row)
                cells = (kind, seeds, n, f"{correlation:g}", f"{shares['spread']:.2f}", f"{offset:g}")
                told = [f"{100 * shares[v.value]:.1f}" for v in ORDER]
                print("| " + " | ".join(map(str, (*cells, *told))) + " |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    if options.svg:
        options.svg.write_text(draw(result["verdicts"], VERDICT_SIZES[-1]), "utf-8")
    print(f"\n{time.monotonic() - begun:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
