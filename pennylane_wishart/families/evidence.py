"""Integrated likelihood of a law of decay, with finite-size misfit as part of the law.

Exact points carry no noise, so a plain information criterion would divide by a residual of
almost zero and be certain of anything. Here the distance from the asymptotic law is a random
variable with four parts, all integrated over:

* what the law itself leaves open: a factor ``n^k`` beside the exponential, ``1/n`` corrections
  beside the power;
* an offset between even and odd sizes, where both are present;
* the steps of a depth that is rounded to whole layers;
* the rest, of unknown size (at least ``MISFIT_FLOOR``): half of it follows n smoothly, so that
  sizes close to each other do not count as independent.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

from pennylane_wishart.families.line import MISFIT_FLOOR

__all__ = ["MODELS", "log_evidence"]

MODELS = ("exponential", "polynomial", "no decay")
_RANGE = {"exponential": (0.2, 4.0), "polynomial": (0.2, 8.0)}
"""Bits per qubit; degree. Log-uniform inside, so that both laws are equally open."""
_GROWTH = (-8.0, 0.2)
"""Degree of a law without decay, where it is not a constant."""
_PREFACTOR = 0.5
"""Standard deviation of k in n^k beside an exponential."""
_CORRECTION = 2.0
"""Standard deviation, bits, of the coefficient of 1/n beside a power."""
_PARITY = 0.3
_STEP = 1.0
"""Bits: standard deviation of the effect of one layer."""
_SMOOTH = 0.5
"""Correlation length of smooth misfit, in log2 n."""
_MISFITS = np.geomspace(MISFIT_FLOOR, 2.0, 25)
_LEVEL = 50.0
"""Standard deviation of the intercept: no information."""


def log_evidence(n, y, error, layers, model: str) -> float:
    """Return ln ∫ likelihood × prior for one of ``MODELS``.

    Args:
        n: increasing sizes, float ``(points,)``.
        y, error: bits.
        layers: depth of each circuit, NaN where unknown.
    Cost: 25 Cholesky factorisations of points × points.
    """
    x = np.log2(n)
    y = y - y.mean()
    base, direction = _covariance(n, x, error, layers, model)
    lag = np.abs(x[:, None] - x[None, :])
    misfit = 0.5 * np.exp(-lag / _SMOOTH) + 0.5 * np.eye(len(n))
    terms = np.array([_integral(y, base + m**2 * misfit, direction, model) for m in _MISFITS])
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


def _integral(y, covariance, direction, model: str) -> float:
    """ln of the likelihood integrated over the slope, intercept and corrections included."""
    root = np.linalg.cholesky(covariance)
    u, w = np.linalg.solve(root, y), np.linalg.solve(root, direction)
    information = float(w @ w)
    slope = float(w @ u) / information
    width = 1 / np.sqrt(information)
    at_best = -0.5 * float(u @ u - information * slope**2) - float(np.log(np.diag(root)).sum())
    area = at_best + 0.5 * np.log(2 * np.pi) + np.log(width)
    if model == "no decay":
        constant = at_best - 0.5 * information * slope**2
        low, high = _GROWTH
        growing = area - np.log(high - low) + _log_inside(slope, width, low, high)
        return float(np.logaddexp(constant, growing) - np.log(2))
    low, high = _RANGE[model]
    density = -np.log(np.clip(slope, low, high) * np.log(high / low))
    return float(area + density + _log_inside(slope, width, low, high))


def _log_inside(center: float, width: float, low: float, high: float) -> float:
    """ln P(low < X < high) for a normal X, accurate in the far tails."""
    a, b = (low - center) / width, (high - center) / width
    if a > 0:
        a, b = -b, -a  # use the tail where the logarithm is accurate
    upper, lower = norm.logcdf(b), norm.logcdf(a)
    return float(upper + np.log1p(-np.exp(min(lower - upper, -1e-12))))
