"""Running sums over walkers, and what they say of every parameter."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from pennylane_wishart.conventions import EngineId, levels
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import Status
from pennylane_wishart.variances.building import Found, log2_of
from pennylane_wishart.variances.problem import Problem

__all__ = ["Tally", "found_by_tally", "upper_rate", "with_unseen"]


def with_unseen(error: np.ndarray, largest: np.ndarray | float, n: int) -> np.ndarray:
    """Widen the error of an average over n walkers by the heavy ones that none of them may have met.

    The spread of a sample says nothing of rare walkers of a large weight. Weights w in [−M, M] are no
    worse than coins of weight M, and N hits of those have the error √(N + 9) in place of √N.

    Args:
        error: the sample's own standard error of the mean.
        largest: M, or an estimate of it.
    Source: ours.
    """
    return np.asarray(np.hypot(error, limits.UNSEEN_ROOT * largest / n))


@dataclass
class Tally:
    """Running sums over walkers, derivatives with respect to φ = 2·c·angle."""

    n_rotations: int
    mass: float
    """Every walker carries ± this weight."""
    n: int = 0
    value: float = 0.0
    value_squares: float = 0.0
    slope: np.ndarray = field(init=False)
    slope_squares: np.ndarray = field(init=False)
    largest: np.ndarray = field(init=False)
    """The largest derivative weight of each rotation, for upper limits."""
    graded: bool = False
    """Whether end weights lie between 0 and 1, so that a few walkers may carry a whole sum."""
    uneven: bool = False
    """Whether derivatives weigh some walkers more than others: rare ones may carry a whole sum unseen."""

    def __post_init__(self) -> None:
        self.slope, self.slope_squares, self.largest = np.zeros((3, self.n_rotations))

    def loss(self) -> tuple[float, float]:
        """Return the average weight of the loss, a share of ``mass``, and its error."""
        average = self.value / self.n
        error = np.sqrt(max(self.value_squares / self.n - average**2, 0.0) / self.n)
        return average, float(with_unseen(error, 1.0, self.n) if self.uneven and self.mass else error)


def found_by_tally(problem: Problem, tally: Tally, mean: np.ndarray) -> Found:
    """Turn the sums of a tally into second moments with their errors and limits.

    Args:
        mean: E[ℓ], then E[∂ℓ/∂θ] of every parameter, exact.
    """
    n = tally.n
    sums, squares = problem.rows(tally.value, tally.slope, 0), problem.rows(tally.value_squares, tally.slope_squares, 0)
    largest = problem.rows(1.0, tally.largest, 0)
    # Weights are averaged as they are; the mass and dφ/dθ are multiplied in at the end.
    unit = tally.mass * problem.rows(1.0, np.ones(tally.n_rotations), 2)
    average = sums / n
    spread = np.sqrt(np.maximum(squares / n - average**2, 0.0) / n)
    if tally.uneven:
        spread = with_unseen(spread, largest, n)
    second, error = unit * average, unit * spread
    # (Σw)²/Σw² is the number of hits where weights are 0 or 1, and says how many count elsewhere.
    effective = np.divide(sums**2, squares, out=np.zeros(len(sums)), where=squares > 0)
    hits = sums / np.maximum(largest, limits.NEGLIGIBLE)
    # rigorous at its confidence whatever the weights: coins of the largest one vary most
    limit = unit * largest * upper_rate(hits, n)
    variance = second - mean**2
    floor = np.maximum(limits.MEAN_ROUNDING * mean**2, np.finfo(float).tiny)
    known = (effective >= (limits.ENOUGH_GRADED if tally.graded else 1)) & (variance > floor)
    if tally.uneven:
        known &= variance > limits.CLEAR * error
    # Where few walkers count the normal interval is too short; the binomial limit is not.
    upper = second + levels.NORMAL_REACH * error
    few = ~known | (effective < limits.FEW_HITS)
    upper[few] = np.maximum(limit, upper if tally.uneven else np.where(known, upper, second))[few]
    upper = np.minimum(upper, unit)  # no average weight is above 1
    return Found(
        mean=mean,
        mean_error=np.zeros(len(mean)),
        second=second,
        second_error=error,
        variance=variance,
        error=error,
        known=known,
        upper=log2_of(np.maximum(upper - mean**2, floor)),
        confidence=np.where(hits < limits.RARE, limits.UNSEEN_CONFIDENCE, levels.UPPER_LIMIT),
        dead=problem.dead,
        status=(Status.ESTIMATED,) * len(problem.dead),
        engine=EngineId.WALKERS,
        averaging="every angle independent of the others: cos² or sin² chosen by its mean",
        n_samples=n,
    )


def upper_rate(hits: np.ndarray, n: int) -> np.ndarray:
    """Clopper–Pearson limit on a rate: one-sided 95% where nothing was hit, else 97.5%.

    A weight w in [0, 1] may be replaced by a coin of probability w without changing its mean,
    so Σw counts as that many hits, rounded up.
    """
    # sums of floats that are whole in exact arithmetic must not be rounded up
    whole = np.ceil(np.maximum(hits, 0.0) - limits.BRANCH_FLOOR)
    rare = hits < limits.RARE
    confidence = np.where(rare, limits.UNSEEN_CONFIDENCE, levels.UPPER_LIMIT)
    return np.asarray(
        stats.beta.ppf(confidence, np.where(rare, 0, whole) + 1, np.maximum(n - whole, limits.BRANCH_FLOOR))
    )
