"""How many questions an early stop asks, and how often it errs, on real systems' answers.

    python benchmarks/early_stop.py --shared SHARED [--orders 200] [--workers 2] [--json OUT.json]

SHARED holds the SQuAD dev sets and the published prediction files (``data/squad``, ``data/predictions``). In every
world a card claims, to two digits, what a system scores on all questions plus an offset, for exact match and F1 alike.
The questions are drawn in many random orders, and each is stopped at the first question at which both verdicts are
certain: every figure within its bounds is within tolerance, or none is. The tolerance is that of weights as they were
given under a known protocol, 0.10 points, and the resolution of the printed claim. Two cores take two minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from harness.prediction_files import read_predictions
from harness.sequences import confidence_sequence
from harness.squad import score_predictions
from harness.squad_files import read_squad_file

SYSTEMS = {
    "squad2-dev-bert": "dev-v2.0.json",
    "squad2-dev-bidaf-elmo": "dev-v2.0.json",
    "squad1-dev-bert": "dev-v1.1.json",
    "squad1-dev-logistic-regression": "dev-v1.1.json",
}
OFFSETS = (0.0, 0.3, 0.5, 1.0, 2.0, 5.0)
"""Points; each is tried above and below."""
FEW = 2000
"""Questions of the smaller data sets, another sample of the whole for every order."""
ALPHA = 0.05
TOLERANCE = 0.10
DIGIT = 0.01
NOISE = 1e-9


def load(shared):
    """System -> [questions, 2]: exact match and F1 of every question, 0 to 1."""
    scores = {}
    for system, data in SYSTEMS.items():
        questions = read_squad_file(shared / "data" / "squad" / data)
        answers = read_predictions(shared / "data" / "predictions" / f"{system}.json")
        found = score_predictions(questions, answers, missing="zero")
        scores[system] = np.array([list(found.exact.values()), list(found.f1.values())]).T
    return scores


def agrees(figure, claim):
    """Whether a figure is within tolerance of a claim, in points."""
    difference = figure - claim
    return (difference >= -TOLERANCE - DIGIT / 2 - NOISE) & (difference <= TOLERANCE + DIGIT + NOISE)


def draw(scores, count, seed):
    """One order: whether a bound is ever wrong, and (share used, verdicts right) of every world."""
    rng = np.random.default_rng(seed)
    values = scores[rng.permutation(len(scores))[:count]]
    truth = 100 * values.mean(axis=0)
    paths = [[100 * side for side in confidence_sequence(column, count, ALPHA / 2)] for column in values.T]
    missed = [
        bool((low > t + NOISE).any() or (high < t - NOISE).any()) for (low, high), t in zip(paths, truth, strict=True)
    ]
    worlds = []
    for offset in OFFSETS:
        for sign in (1, -1):
            claims = np.round(truth + sign * offset, 2)
            inside, outside = [], []
            for (low, high), claim in zip(paths, claims, strict=True):
                both = agrees(low, claim) & agrees(high, claim)
                least, most = claim - TOLERANCE - DIGIT / 2 - NOISE, claim + TOLERANCE + DIGIT + NOISE
                inside.append(both)
                outside.append((low > most) | (high < least))
            certain = np.all([i | o for i, o in zip(inside, outside, strict=True)], axis=0)
            last = int(np.argmax(certain)) if certain.any() else count - 1
            right = all(i[last] == agrees(t, c) for i, t, c in zip(inside, truth, claims, strict=True))
            worlds.append([(last + 1) / count, float(right)])
    return missed, worlds


def measure(scores, count, orders, pool):
    """Summary of one system on so many questions."""
    work = partial(draw, scores, count)
    found = list(pool.map(work, range(orders), chunksize=8))
    missed = np.array([m for m, _ in found])
    worlds = np.array([w for _, w in found]).reshape(orders, len(OFFSETS), 2, 2)
    rows = []
    for i, offset in enumerate(OFFSETS):
        used, right = worlds[:, i, :, 0].ravel(), worlds[:, i, :, 1].ravel()
        rows.append(
            {
                "offset": offset,
                "decided_early": float((used < 1).mean()),
                "used": dict(zip(("10", "50", "90"), np.quantile(used, (0.1, 0.5, 0.9)).tolist(), strict=True)),
                "wrong": float(1 - right.mean()),
            }
        )
    return {
        "questions": count,
        "orders": orders,
        "exact": float(100 * scores[:, 0].mean()),
        "f1": float(100 * scores[:, 1].mean()),
        "missed_exact": float(missed[:, 0].mean()),
        "missed_f1": float(missed[:, 1].mean()),
        "missed_any": float(missed.any(axis=1).mean()),
        "worlds": rows,
    }


def main():
    """Measure every system and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    since, every = time.monotonic(), load(arguments.shared)
    results = {}
    with ProcessPoolExecutor(arguments.workers) as pool:
        for system, scores in every.items():
            for count in (len(scores), FEW):
                results[f"{system}, {count}"] = measure(scores, count, arguments.orders, pool)
    print(f"Share of the questions asked, median (10 % to 90 %), {arguments.orders} orders, alpha {ALPHA}:\n")
    print("| system | n | " + " | ".join(f"off by {offset:g}" for offset in OFFSETS) + " |")
    print("| --- | --- |" + " --- |" * len(OFFSETS))
    for name, result in results.items():
        cells = [
            f"{100 * row['used']['50']:.0f} % ({100 * row['used']['10']:.0f} to {100 * row['used']['90']:.0f})"
            for row in result["worlds"]
        ]
        print(f"| {name.partition(',')[0]} | {result['questions']} | " + " | ".join(cells) + " |")
    print("\nErrors, in % of the orders; at most 5 are allowed for bounds and verdicts:\n")
    print("| system | n | exact, F1 | exact ever missed | F1 ever missed | either | wrong verdict, by offset |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, result in results.items():
        wrong = ", ".join(f"{row['offset']:g}: {100 * row['wrong']:.1f}" for row in result["worlds"])
        missed = [f"{100 * result[key]:.1f}" for key in ("missed_exact", "missed_f1", "missed_any")]
        scored = f"{result['exact']:.1f}, {result['f1']:.1f}"
        print(f"| {name.partition(',')[0]} | {result['questions']} | {scored} | {' | '.join(missed)} | {wrong} |")
    print(f"\n{time.monotonic() - since:.0f} s")
    if arguments.json is not None:
        arguments.json.write_text(
            json.dumps({"alpha": ALPHA, "tolerance": TOLERANCE, "results": results}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
