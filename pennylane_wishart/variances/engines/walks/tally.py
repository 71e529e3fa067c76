"""Running sums over walkers, and the record that they become."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.errors import Status
from pennylane_wishart.variances.columns import Z975, GradientColumns, LossColumns, is_constant
from pennylane_wishart.variances.records import SecondMoments

__all__ = ["Tally", "record_of", "with_unseen"]

_CONFIDENCE = 0.95
_RARE = 1e-3
"""Below this many expected hits the coins would have shown none."""
_ENOUGH_GRADED = 50
_EPS = 1e-12
_UNSEEN = 3.0
"""Root of the hits that a rate may have beyond those seen: 0 seen of 15 expected (chance 3e-7) is 5 errors off."""
CLEAR = 2.0
"""A value below this many of its errors is given as an upper bound."""


def with_unseen(error, largest, n: int):
    """Widen the error of an average over n walkers by the heavy ones that none of them may have met.

    The spread of a sample says nothing of rare walkers of a large weight. Weights w in [−M, M] are no
    worse than coins of weight M, and N hits of those have the error √(N + 9) in place of √N.

    Args:
        error: the sample's own standard error of the mean.
        largest: M, or an estimate of it.
    Source: ours.
    """
    return np.hypot(error, _UNSEEN * largest / n)


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

    def __post_init__(self):
        for name in ("slope", "slope_squares", "largest"):
            setattr(self, name, np.zeros(self.n_rotations))


def record_of(
    circuit: RotationCircuit, tally: Tally, mean: float, slopes: np.ndarray, dead: np.ndarray
) -> SecondMoments:
    """Turn the sums of a tally into second moments with their errors and statuses.

    Args:
        circuit: the living part, which was walked.
        mean, slopes: E[ℓ] and E[∂ℓ/∂φ] per rotation, exact.
        dead: bool ``(n_params,)``: parameters known to be dead.
    """
    n, mass = tally.n, tally.mass
    driven = np.flatnonzero(circuit.parameter_of >= 0)
    parameter = circuit.parameter_of[driven]
    scale = (2 * circuit.term_coefficients * circuit.coefficients)[driven]
    second, error, limit, first, effective = (np.zeros(circuit.n_params) for _ in range(5))
    sums, squares, largest = tally.slope[driven], tally.slope_squares[driven], tally.largest[driven]
    average = sums / n
    spread = np.sqrt(np.maximum(squares / n - average**2, 0.0) / n)
    if tally.uneven:
        spread = with_unseen(spread, largest, n)
    second[parameter] = scale**2 * mass * average
    error[parameter] = scale**2 * mass * spread
    first[parameter] = scale * slopes[driven]
    # (Σw)²/Σw² is the number of hits where weights are 0 or 1, and says how many count elsewhere.
    effective[parameter] = np.divide(sums**2, squares, out=np.zeros(len(sums)), where=squares > 0)
    limit[parameter] = scale**2 * mass * largest * _upper_rate(sums / np.maximum(largest, 1e-300), n)
    gone = np.ones(circuit.n_params, bool)
    gone[parameter] = False
    gone |= dead
    enough = np.where(tally.graded, _ENOUGH_GRADED, 1)
    variance = second - first**2
    known = (effective >= enough) & (variance > 0)
    if tally.uneven:
        known &= variance > CLEAR * error
    # Where few walkers count the normal interval is too short; the binomial limit is not.
    upper = np.where(effective < 30, np.maximum(limit, second + Z975 * error), second + Z975 * error)
    upper[~known] = np.maximum(limit, second + Z975 * error if tally.uneven else second)[~known]
    upper[parameter] = np.minimum(upper[parameter], scale**2 * mass)  # no average weight is above 1
    upper = np.maximum(upper - first**2, np.maximum(_EPS * first**2, np.finfo(float).tiny))
    rare = np.zeros(circuit.n_params, bool)
    rare[parameter] = sums / np.maximum(largest, 1e-300) < _RARE
    with np.errstate(divide="ignore", invalid="ignore"):
        log2, log2_upper = np.log2(variance), np.log2(upper)
    columns = GradientColumns(
        log2,
        error,
        known,
        gone,
        log2_upper,
        np.where(rare, _CONFIDENCE, 0.975),
        (Status.ESTIMATED,) * circuit.n_params,
        variance=variance,
    )
    return SecondMoments(
        **_loss(tally, mean, is_constant(circuit, gone)).fields(),
        gradient_mean=np.where(gone, 0.0, first),
        **columns.fields(),
        engine="walkers",
        n_samples=n,
        averaging="every angle independent of the others: cos² or sin² chosen by its mean",
    )


def _loss(tally: Tally, mean: float, constant: bool) -> LossColumns:
    """Return the loss's moments; only the limit where too few walkers saw it."""
    n, mass = tally.n, tally.mass
    value = tally.value / n
    error = float(np.sqrt(max(tally.value_squares / n - value**2, 0.0) / n))
    if tally.uneven and mass:
        error = float(with_unseen(error, 1.0, n))
    effective = tally.value**2 / tally.value_squares if tally.value_squares > 0 else 0.0
    most = value + Z975 * error
    known = effective >= (_ENOUGH_GRADED if tally.graded else 1) or mass == 0
    known = known and (value > CLEAR * error or not tally.uneven)
    if not known:
        most = max(float(_upper_rate(np.array([max(tally.value, 0.0)]), n)[0]), most)
    second, second_error = mass * value, mass * error
    variance = second - mean**2
    # a difference of two numbers is known to the rounding of the larger one only
    floor = max(_EPS * mean**2, np.finfo(float).tiny)
    upper = float(np.log2(max(mass * most - mean**2, floor)))
    confidence = _CONFIDENCE if tally.value < _RARE else 0.975
    known = known and variance > floor
    return LossColumns(
        mean, 0.0, second, second_error, variance, second_error, upper, confidence, bool(known), constant
    )


def _upper_rate(hits: np.ndarray, n: int) -> np.ndarray:
    """Clopper–Pearson limit on a rate: one-sided 95% where nothing was hit, else 97.5%.

    A weight w in [0, 1] may be replaced by a coin of probability w without changing its mean,
    so Σw counts as that many hits, rounded up.
    """
    whole = np.ceil(hits - 1e-9)
    rare = hits < _RARE
    confidence = np.where(rare, _CONFIDENCE, 0.975)
    return stats.beta.ppf(confidence, np.where(rare, 0, whole) + 1, np.maximum(n - whole, 1e-9))
