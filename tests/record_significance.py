"""Record what scipy and statsmodels say of differences between paired scores, in ``data/significance.json``.

Run it where they are: ``pip install scipy statsmodels``, ``python tests/record_significance.py [SHARED]``. With the
folder of the reference data and the package itself, the comparison of two published prediction files on SQuAD 2.0 is
recorded anew as well; without, the recorded one is kept.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar

RECORD = Path(__file__).with_name("data") / "significance.json"
RESAMPLES = 100_000
COUNTS = [(0, 0), (0, 1), (0, 6), (6, 0), (5, 5), (3, 11), (40, 20), (6, 16), (800, 2348), (1000, 1100), (0, 900)]
TABLES = [(0, 0, 10), (0, 3, 50), (3, 0, 50), (6, 16, 161), (40, 20, 160), (7, 1, 21), (2348, 800, 11873), (9, 0, 9)]
PARTIAL = (0.0, 0.4, 0.5, 2 / 3, 0.8, 1.0)


def main() -> None:
    """Ask both programs, write the record."""
    versions = {name: importlib.metadata.version(name) for name in ("scipy", "statsmodels", "numpy")}
    published = json.loads(RECORD.read_text("utf-8"))["published"] if RECORD.exists() else {}
    if len(sys.argv) > 1:
        published = _published(Path(sys.argv[1]))
    record = {
        "versions": versions,
        "resamples": RESAMPLES,
        "mcnemar": [_mcnemar(*counts) for counts in COUNTS],
        "tango": [_tango(*table) for table in TABLES],
        "pairs": [_made_up(seed) for seed in range(4)],
        "published": published,
    }
    RECORD.write_text(json.dumps(record) + "\n", "utf-8")


def _mcnemar(only_first: int, only_second: int) -> dict[str, Any]:
    table = [[3, only_first], [only_second, 4]]
    n = only_first + only_second
    return {
        "counts": [only_first, only_second],
        "statsmodels": float(mcnemar(table, exact=True).pvalue),
        "scipy": float(stats.binomtest(only_first, n, 0.5).pvalue) if n else 1.0,
    }


def _tango(only_first: int, only_second: int, n: int) -> dict[str, Any]:
    """Limits of second less first, where the score test of the most likely table of that difference is refused."""
    z = stats.norm.ppf(0.975)

    def statistic(difference: float) -> float:
        # shares of questions that only the first, only the second answers: q and q + difference
        least, most = max(0.0, -difference), (1.0 - difference) / 2.0

        def likelihood(q: float) -> float:
            shares = (q, q + difference, 1.0 - 2.0 * q - difference)
            counts = (only_first, only_second, n - only_first - only_second)
            return -sum(k * np.log(max(p, 1e-300)) for k, p in zip(counts, shares, strict=True) if k)

        found = optimize.minimize_scalar(likelihood, bounds=(least, most), method="bounded", options={"xatol": 1e-13})
        q = min((least, most, float(found.x)), key=likelihood)
        variance = n * (2.0 * q + difference - difference**2)
        distance = only_second - only_first - n * difference
        if distance == 0.0:
            return 0.0
        return distance / np.sqrt(variance) if variance > 0 else np.copysign(np.inf, distance)

    observed = (only_second - only_first) / n
    ends = -1.0 + 1e-9, 1.0 - 1e-9
    low = -1.0 if observed == -1.0 else optimize.brentq(lambda d: statistic(d) - z, ends[0], observed, xtol=1e-12)
    high = 1.0 if observed == 1.0 else optimize.brentq(lambda d: statistic(d) + z, observed, ends[1], xtol=1e-12)
    return {"counts": [only_first, only_second, n], "low": 100 * low, "high": 100 * high}


def _made_up(seed: int) -> dict[str, Any]:
    """Scores of questions in paragraphs of one to nine; the second program's differ by paragraph, and by question."""
    generator = np.random.default_rng(seed)
    n = (80, 150, 300, 400)[seed]
    clusters = np.repeat(np.arange(n), generator.integers(1, 10, n))[:n]
    hard = generator.normal(0.0, 1.0, n)[clusters]
    moved = generator.normal((0.2, 0.0, -0.3, 0.15)[seed], 0.7, n)[clusters]
    first = np.digitize(hard + generator.normal(0.0, 1.0, n), (-0.6, -0.4, -0.3, -0.2, -0.1))
    second = np.digitize(hard + moved + generator.normal(0.0, 1.0, n), (-0.6, -0.4, -0.3, -0.2, -0.1))
    pair = [[PARTIAL[i] for i in values] for values in (first, second)]
    names = [str(name) for name in clusters]
    return {"first": pair[0], "second": pair[1], "clusters": names, **_both(*pair, names)}


def _both(first: list[float], second: list[float], clusters: list[str]) -> dict[str, Any]:
    return {
        "questions": _tested(first, second, [str(number) for number in range(len(first))]),
        "paragraphs": _tested(first, second, clusters),
    }


def _tested(first: list[float], second: list[float], clusters: list[str]) -> dict[str, Any]:
    names = list(dict.fromkeys(clusters))
    sums = np.zeros((3, len(names)))
    for name, a, b in zip(clusters, first, second, strict=True):
        sums[:, names.index(name)] += (a, b, 1.0)

    def difference(a: Any, b: Any, axis: int = -1) -> Any:
        return np.sum(b, axis=axis) - np.sum(a, axis=axis)

    def mean_difference(a: Any, b: Any, n: Any, axis: int = -1) -> Any:
        return 100.0 * (np.sum(b, axis=axis) - np.sum(a, axis=axis)) / np.sum(n, axis=axis)

    exchanged = stats.permutation_test(
        tuple(sums[:2]),
        difference,
        permutation_type="samples",
        n_resamples=RESAMPLES,
        vectorized=True,
        batch=1000,
        rng=np.random.default_rng(1),
    )
    drawn = stats.bootstrap(
        tuple(sums),
        mean_difference,
        paired=True,
        n_resamples=RESAMPLES,
        method="percentile",
        batch=1000,
        rng=np.random.default_rng(1),
    )
    observed = float(mean_difference(*sums))
    far = np.abs(drawn.bootstrap_distribution - observed) >= abs(observed) - 1e-9
    return {
        "difference": observed,
        "randomization_p": float(exchanged.pvalue),
        "low": float(drawn.confidence_interval.low),
        "high": float(drawn.confidence_interval.high),
        "bootstrap_p": float(np.mean(far)),
    }


def _published(shared: Path) -> dict[str, Any]:
    """Two published prediction files, on all questions and on those whose number among all is a multiple of 97."""
    from harness.prediction_files import read_predictions
    from harness.squad import score_predictions
    from harness.squad_files import read_squad_file

    questions = read_squad_file(shared / "data" / "squad" / "dev-v2.0.json")
    files = ("squad2-dev-bert.json", "squad2-dev-bidaf-elmo.json")
    answers = [read_predictions(shared / "data" / "predictions" / file) for file in files]
    record: dict[str, Any] = {}
    for every in (1, 97):
        part = questions[::every]
        scores = [score_predictions(part, {q.id: given[q.id] for q in part}) for given in answers]
        ids = [q.id for q in part]
        clusters = [q.passage_id for q in part]
        only = [sum(a.exact[q] > b.exact[q] for q in ids) for a, b in (scores, scores[::-1])]
        record[str(every)] = {
            "mcnemar": _mcnemar(*only),
            "tango": _tango(*only, len(ids)),
            **{
                name: _both(*([getattr(s, name)[q] for q in ids] for s in scores), clusters) for name in ("exact", "f1")
            },
        }
    return record


if __name__ == "__main__":
    main()
