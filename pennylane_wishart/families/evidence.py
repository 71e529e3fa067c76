"""Integrated likelihood of a law of decay, with finite-size misfit as part of the law.

Exact points carry no noise, so a plain information criterion would divide by a residual of
almost zero and be certain of anything. Here the distance from the asymptotic law is a random
variable with five parts, all integrated over:

* what the law itself leaves open: a factor ``n^k`` beside the exponential, ``1/n`` corrections
  beside the power;
* an offset between even and odd sizes, where both are present;
* where asked for, an alternation of period four in n (gates or edges that come in blocks of four, spins whose
  ground state depends on n mod 4), which a handful of even sizes would otherwise take for noise;
* the steps of a depth that is rounded to whole layers;
* the rest, of unknown size (at least ``MISFIT_FLOOR``): half of it follows n smoothly, so that
  sizes close to each other do not count as independent.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, logsumexp

from pennylane_wishart.families.line import MISFIT_FLOOR

__all__ = ["MODELS", "log_evidence"]

MODELS = ("exponential", "polynomial", "no decay")
_RANGE = {"exponential": (0.2, 4.0), "polynomial": (0.2, 8.0)}
"""Bits per qubit; degree. Log-uniform inside, so that both laws are equally open."""
_LEAST_FALL = 1.6
"""Bits over all sizes: a wide range of sizes admits rates below the 0.2 that 4 to 12 can show."""
_GROWTH = (-8.0, 0.2)
"""Degree of a law without decay, where it is not a constant."""
_PREFACTOR = 0.5
"""Standard deviation of k in n^k beside an exponential."""
_CORRECTION = 2.0
"""Standard deviation, bits, of the coefficient of 1/n beside a power."""
_PARITY = 0.3
_ALTERNATION = 1.0
"""Bits: standard deviation of each wave of period four."""
_STEP = 1.0
"""Bits: standard deviation of the effect of one layer."""
_SMOOTH = 0.5
"""Correlation length of smooth misfit, in log2 n."""
_MISFITS = np.geomspace(MISFIT_FLOOR, 2.0, 25)
_LEVEL = 50.0
"""Standard deviation of the intercept: no information."""


def log_evidence(n, y, error, layers, model: str, alternating: bool = False) -> float:
    """Return ln ∫ likelihood × prior for one of ``MODELS``.

    Args:
        n: increasing sizes, float ``(points,)``.
        y, error: bits.
        layers: depth of each circuit, NaN where unknown.
        alternating: whether waves of period four in n are part of every law.
    Cost: 25 Cholesky factorisations of points × points, as one batch.
    """
    x = np.log2(n)
    y = y - y.mean()
    base, direction = _covariance(n, x, error, layers, model)
    if alternating:
        waves = np.stack([np.cos(np.pi * n / 2), np.sin(np.pi * n / 2)])
        base = base + _ALTERNATION**2 * waves.T @ waves
    lag = np.abs(x[:, None] - x[None, :])
    misfit = 0.5 * np.exp(-lag / _SMOOTH) + 0.5 * np.eye(len(n))
    covariances = base + (_MISFITS**2)[:, None, None] * misfit
    if model == "no decay":
        terms = _no_decay(y, covariances, direction)
    else:
        low, high = _RANGE[model]
        if model == "exponential":
            low = min(low, _LEAST_FALL / float(np.ptp(n)))
        terms = _decay(y, covariances, direction, low, high)
    prior = -0.5 * np.log(_MISFITS)  # small misfits are commoner
    return float(logsumexp(terms + prior) - logsumexp(prior))


def _covariance(n, x, error, layers, model: str) -> tuple[np.ndarray, np.ndarray]:
    base = np.diag(error**2) + _LEVEL**2
    if len(np.unique(n % 2)) == 2:
        sign = np.where(n % 2 == 0, 1.0, -1.0)
        base = base + _PARITY**2 * np.outer(sign, sign)
    step = rounding_steps(n, x, layers)
    base = base + _STEP**2 * np.outer(step, step)
    if model == "exponential":
        shape, size, direction = x - x.mean(), _PREFACTOR, -n
    else:
        shape, size, direction = 1 / n - np.mean(1 / n), _CORRECTION, -x
    return base + size**2 * np.outer(shape, shape), direction


def rounding_steps(n, x, layers) -> np.ndarray:
    """Return what a rounded depth has beyond a smooth one, in layers; 0 where unknown.

    A depth that grows smoothly must explain nothing, or it would hide the decay itself: the smooth
    part is a + b·log2 n where that follows the depth best, and a + b·n + c·log2 n otherwise. One
    layer is the smallest difference between two depths.
    """
    if len(n) < 4 or not np.all(np.isfinite(layers)) or np.ptp(layers) == 0:
        return np.zeros(len(n))
    one = np.ones_like(n)
    in_n, in_log, in_both = (
        layers - d @ np.linalg.lstsq(d, layers, rcond=None)[0]
        for d in (np.stack(c, 1) for c in ([one, n], [one, x], [one, n, x]))
    )
    rest = in_log if in_log @ in_log < in_n @ in_n else in_both
    return rest / np.diff(np.unique(layers)).min()


def _decay(y, covariances, direction, low: float, high: float) -> np.ndarray:
    """ln of the likelihood integrated over a log-uniform rate, per covariance of a batch."""
    at_best, rate, width = _best(y, covariances, direction)
    density = -np.log(np.clip(rate, low, high) * np.log(high / low))
    return at_best + _log_area(width) + density + _log_inside(rate, width, low, high)


def _no_decay(y, covariances, direction) -> np.ndarray:
    """The same for a law that is constant or, with equal weight, grows as a power."""
    at_best, rate, width = _best(y, covariances, direction)
    low, high = _GROWTH
    inside = _log_area(width) + _log_inside(rate, width, low, high)
    growing = at_best + inside - np.log(high - low)
    constant = at_best - 0.5 * (rate / width) ** 2
    return np.logaddexp(constant, growing) - np.log(2)


def _best(y, covariances, direction) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (ln likelihood at the best rate, the best rate, its standard deviation)."""
    root = np.linalg.cholesky(covariances)
    right = np.broadcast_to(np.stack([y, direction], 1), (len(root), len(y), 2))
    both = np.linalg.solve(root, right)
    u, w = both[..., 0], both[..., 1]
    information = (w * w).sum(1)
    rate = (w * u).sum(1) / information
    log_det = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
    return -0.5 * ((u * u).sum(1) - information * rate**2) - log_det, rate, information**-0.5


def _log_area(width) -> np.ndarray:
    return 0.5 * np.log(2 * np.pi) + np.log(width)


def _log_inside(center, width, low: float, high: float) -> np.ndarray:
    """ln P(low < X < high) for normal X, accurate in the far tails."""
    a, b = (low - center) / width, (high - center) / width
    # Above the interval's low end the logarithm is accurate in the mirrored tail only.
    a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)
    upper, lower = log_ndtr(b), log_ndtr(a)
    return upper + np.log1p(-np.exp(np.minimum(lower - upper, -1e-12)))
