"""What the ends of some descents say: levels, how high the median lies, how many reach the best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pennylane_wishart.conventions import levels
from pennylane_wishart.conventions import outlook as limits

__all__ = ["at_best", "distinct_levels", "fraction_interval", "median_interval"]


def distinct_levels(ends: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Return the lowest end of every level, ascending: ends that lie close are one level."""
    ordered = np.sort(ends)
    if not len(ordered):
        return ordered
    new = np.diff(ordered, prepend=-np.inf) > limits.SAME_LEVEL * scale
    return np.asarray(ordered[new])


def at_best(ends: NDArray[np.float64], scale: float) -> int:
    """Return how many descents ended at the best level."""
    return int(np.sum(ends <= ends.min() + limits.SAME_LEVEL * scale))


def median_interval(ends: NDArray[np.float64]) -> tuple[float, float]:
    """Return order statistics that hold the median of all descents with the confidence of ``conventions``.

    Not valid for fewer than six ends: the extremes hold it with less confidence then.
    """
    ordered, n, k = np.sort(ends), len(ends), 1
    # (x_k, x_{n+1−k}) misses the median with probability 2·P(Binomial(n, 1/2) ≤ k − 1)
    while 2 * stats.binom.cdf(k, n, 0.5) <= 1 - levels.INTERVAL:
        k += 1
    return float(ordered[k - 1]), float(ordered[n - k])


def fraction_interval(hits: int, starts: int) -> tuple[float, float]:
    """Return the Clopper–Pearson interval of the chance that a start ends at the best level."""
    found = stats.binomtest(hits, starts).proportion_ci(levels.INTERVAL, "exact")
    return float(found.low), float(found.high)
