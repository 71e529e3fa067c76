"""Running sums over walkers, and the record that they become."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.errors import Status
from pennylane_wishart.moments.records import SecondMoments

__all__ = ["Tally", "record_of"]

_CONFIDENCE = 0.95
_RARE = 1e-3
"""Below this many expected hits the coins would have shown none."""
_ENOUGH_GRADED = 50


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

    def __post_init__(self):
        for name in ("slope", "slope_squares", "largest"):
            setattr(self, name, np.zeros(self.n_rotations))


def record_of(circuit: RotationCircuit, tally: Tally, mean: float, slopes: np.ndarray) -> SecondMoments:
    """Turn the sums of a tally into second moments with their errors and statuses."""
    n, mass = tally.n, tally.mass
    driven = np.flatnonzero(circuit.parameter_of >= 0)
    parameter = circuit.parameter_of[driven]
    scale = (2 * circuit.term_coefficients * circuit.coefficients)[driven]
    second, error, limit, first, effective = (np.zeros(circuit.n_params) for _ in range(5))
    sums, squares, largest = tally.slope[driven], tally.slope_squares[driven], tally.largest[driven]
    average = sums / n
    spread = np.sqrt(np.maximum(squares / n - average**2, 0.0) / n)
    second[parameter] = scale**2 * mass * average
    error[parameter] = scale**2 * mass * spread
    first[parameter] = scale * slopes[driven]
    # (Σw)²/Σw² is the number of hits where weights are 0 or 1, and says how many count elsewhere.
    effective[parameter] = np.divide(sums**2, squares, out=np.zeros(len(sums)), where=squares > 0)
    limit[parameter] = scale**2 * mass * largest * _upper_rate(sums / np.maximum(largest, 1e-300), n)
    dead = np.ones(circuit.n_params, bool)
    dead[parameter] = False
    enough = np.where(tally.graded, _ENOUGH_GRADED, 1)
    unseen = ~dead & ((effective < enough) | (second - first**2 <= 0))
    # Where few walkers count the normal interval is too short; the binomial limit is not.
    upper = np.where(effective < 30, np.maximum(limit, second + 1.96 * error), second + 1.96 * error)
    upper[unseen] = np.maximum(limit, second)[unseen]
    variance = np.where(unseen, upper, np.maximum(second - first**2, 0.0))
    variance[dead] = 0.0
    upper[dead] = 0.0
    with np.errstate(divide="ignore"):
        log2, log2_upper = np.log2(variance), np.log2(upper)
    value, value_error = _loss(tally)
    return SecondMoments(
        loss_mean=mean,
        loss_second_moment=value,
        loss_variance=max(0.0, value - mean**2),
        loss_mean_error=0.0,
        loss_second_moment_error=value_error,
        loss_variance_error=value_error,
        gradient_mean=first,
        gradient_variance=variance,
        gradient_variance_error=np.where(unseen, upper, error),
        log2_gradient_variance=log2,
        log2_gradient_variance_upper=log2_upper,
        status=tuple(
            Status.OK if d else Status.UPPER_BOUND if u else Status.ESTIMATED for d, u in zip(dead, unseen, strict=True)
        ),
        engine="walkers",
        n_samples=n,
        averaging="every angle independent of the others: cos² or sin² chosen by its mean",
    )


def _loss(tally: Tally) -> tuple[float, float]:
    """Return E[ℓ²] and its standard error; the limit for both where too few walkers saw it."""
    n, mass = tally.n, tally.mass
    value = tally.value / n
    error = float(np.sqrt(max(tally.value_squares / n - value**2, 0.0) / n))
    effective = tally.value**2 / tally.value_squares if tally.value_squares > 0 else 0.0
    if effective < (_ENOUGH_GRADED if tally.graded else 1) and mass > 0:
        limit = float(_upper_rate(np.array([max(tally.value, 0.0)]), n)[0])
        value = error = max(limit, value + 1.96 * error)
    return mass * value, mass * error


def _upper_rate(hits: np.ndarray, n: int) -> np.ndarray:
    """Clopper–Pearson limit on a rate: one-sided 95% where nothing was hit, else 97.5%.

    A weight w in [0, 1] may be replaced by a coin of probability w without changing its mean,
    so Σw counts as that many hits, rounded up.
    """
    whole = np.ceil(hits - 1e-9)
    rare = hits < _RARE
    confidence = np.where(rare, _CONFIDENCE, 0.975)
    return stats.beta.ppf(confidence, np.where(rare, 0, whole) + 1, np.maximum(n - whole, 1e-9))
