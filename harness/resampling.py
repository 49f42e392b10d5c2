"""Bootstrap samples of units that are drawn with replacement."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_COST_OF_A_KIND = 13
"""Drawing how often a kind of unit comes takes as long as drawing so many units one by one."""
_DRAWN_AT_ONCE = 1 << 20


def resample_sums(
    units: npt.NDArray[np.float64], resamples: int, generator: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Column sums [resamples, columns] of samples of as many units as there are; alike units are drawn as one kind.

    Args:
        units: A row for each unit.
        resamples: Samples to draw.
        generator: What draws.
    """
    kinds, counts = np.unique(units, axis=0, return_counts=True)
    sums = np.empty((resamples, units.shape[1]))
    if _COST_OF_A_KIND * len(kinds) <= len(units):
        size = max(1, _DRAWN_AT_ONCE // len(kinds))
        for start in range(0, resamples, size):
            drawn = generator.multinomial(len(units), counts / len(units), min(size, resamples - start))
            # not by BLAS: its threads wait for one another where the machine is busy, and their number moves last bits
            sums[start : start + size] = np.einsum("rk,kc->rc", drawn, kinds)
    else:
        columns = np.ascontiguousarray(units.T)
        size = max(1, _DRAWN_AT_ONCE // len(units))
        for start in range(0, resamples, size):
            drawn = generator.integers(0, len(units), (min(size, resamples - start), len(units)))
            for number, column in enumerate(columns):
                sums[start : start + size, number] = column.take(drawn).sum(axis=1)
    return sums
