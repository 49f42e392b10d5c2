"""Record what confseq computes of bounded means without replacement, in ``data/sequences.json``.

Run it as ``python tests/record_sequences.py CONFSEQ``, with the folder ``src`` of confseq's source (0.0.11): its
betting martingale is pure Python, while the package needs a compiler and numpy below 2. The bets are written here by
the formula, one gap after the other; the capital of each is confseq's, and the bounds are where the shares of all
reach 2 / alpha, as far in as they ever were.
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq

RECORD = Path(__file__).with_name("data") / "sequences.json"
GAPS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
SHARES = (0.04, 0.06, 0.1, 0.25, 0.4, 0.1, 0.05)
LARGEST = 0.75
CASES = [
    (60, 60, 0.5, 0.2, True),
    (400, 400, 0.8, 0.05, True),
    (400, 300, 0.7, 0.05, False),
    (2000, 700, 0.9, 0.01, True),
]


def main() -> None:
    """Ask confseq, write the record."""
    for name in ("matplotlib", "matplotlib.pyplot", "multiprocess"):
        sys.modules[name] = types.ModuleType(name)
    np.float_ = np.float64  # type: ignore[attr-defined]
    sys.path.insert(0, sys.argv[1])
    from confseq.betting import betting_mart

    record = [_case(betting_mart, *case, seed=seed) for seed, case in enumerate(CASES)]
    RECORD.write_text(json.dumps({"confseq": "0.0.11", "cases": record}) + "\n", "utf-8")


def _case(mart: Any, population: int, count: int, mean: float, alpha: float, binary: bool, *, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    values = (rng.random(population) < mean).astype(float)
    if not binary:
        values = np.where(rng.random(population) < 0.3, np.round(rng.random(population), 3), values)
    values = rng.permutation(values)[:count]
    bets = _bets(values, population)

    def capital(x: Any, m: float, t: int) -> float:
        return sum(
            share
            * mart(x[:t], m, N=population, theta=1, m_trunc=False, trunc_scale=1,
                   lambdas_fn_positive=lambda x, m, bet=bet: bet[:t])[-1]
            for share, bet in zip(SHARES, bets, strict=True)
        )  # fmt: skip

    times = sorted({*range(1, min(count, 40)), *np.linspace(40, count, 12).astype(int).tolist()} - {population})
    low, high, bounds = 0.0, 1.0, []
    for t in range(1, times[-1] + 1):
        ends = []
        for x in (values, 1 - values):
            least, most = x[:t].sum() / population, (x[:t].sum() + population - t) / population
            reaches = lambda m, x=x, t=t: capital(x, m, t) - 2 / alpha  # noqa: E731
            ends.append(brentq(reaches, least, most, xtol=1e-13) if reaches(least) > 0 > reaches(most) else least)
        low, high = max(low, ends[0]), min(high, 1 - ends[1])
        if t in times:
            bounds.append([low, high])
    return {"population": population, "alpha": alpha, "values": values.tolist(), "times": times, "bounds": bounds}


def _bets(values: Any, population: int) -> list[Any]:
    bets = []
    for gap in GAPS:
        taken, total, squares = [], 0.0, 0.0
        variance = 0.25
        for i, value in enumerate(values.tolist(), start=1):
            taken.append(min(LARGEST, gap / population**0.5 * population / (variance * (population - i + 1))))
            total += value
            squares += (value - (0.5 + total) / (i + 1)) ** 2
            variance = (0.25 + squares) / (i + 1)
        bets.append(np.array(taken))
    return bets


if __name__ == "__main__":
    main()
