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

from pennylane_wishart.conventions import Decay
from pennylane_wishart.conventions import families as limits
from pennylane_wishart.conventions.arrays import Floats

__all__ = ["MODELS", "log_evidence", "rounding_steps"]

MODELS = (Decay.EXPONENTIAL, Decay.POLYNOMIAL, Decay.NONE)
_MISFITS = np.geomspace(limits.MISFIT_FLOOR, limits.LARGEST_MISFIT, limits.MISFIT_POINTS)


def log_evidence(n: Floats, y: Floats, error: Floats, layers: Floats, model: Decay, alternating: bool = False) -> float:
    """Return ln ∫ likelihood × prior for one of ``MODELS``.

    Args:
        n: increasing sizes, float ``(points,)``.
        y, error: bits.
        layers: depth of each circuit, NaN where unknown.
        alternating: whether waves of period four in n are part of every law.
    Cost: one batch of Cholesky factorisations of points × points.
    """
    x = np.log2(n)
    # the mean carries no information on the law: the intercept's prior is flat around it
    y = y - y.mean()
    base, direction = _covariance(n, x, error, layers, model)
    if alternating:
        waves = np.stack([np.cos(np.pi * n / 2), np.sin(np.pi * n / 2)])
        base = base + limits.ALTERNATION**2 * waves.T @ waves
    lag = np.abs(x[:, None] - x[None, :])
    misfit = 0.5 * np.exp(-lag / limits.SMOOTH) + 0.5 * np.eye(len(n))
    covariances = base + (_MISFITS**2)[:, None, None] * misfit
    if model == Decay.NONE:
        terms = _no_decay(y, covariances, direction)
    else:
        low, high = limits.RATES[model]
        if model == Decay.EXPONENTIAL:
            low = min(low, limits.LEAST_FALL / float(np.ptp(n)))
        terms = _decay(y, covariances, direction, low, high)
    prior = -0.5 * np.log(_MISFITS)  # small misfits are commoner
    return float(logsumexp(terms + prior) - logsumexp(prior))


def _covariance(n: Floats, x: Floats, error: Floats, layers: Floats, model: Decay) -> tuple[Floats, Floats]:
    # every unknown of known size, integrated over, is one outer product in the covariance
    base = np.diag(error**2) + limits.LEVEL**2
    if len(np.unique(n % 2)) == 2:
        sign = np.where(n % 2 == 0, 1.0, -1.0)
        base = base + limits.PARITY**2 * np.outer(sign, sign)
    step = rounding_steps(n, x, layers)
    base = base + limits.STEP**2 * np.outer(step, step)
    if model == Decay.EXPONENTIAL:
        shape, size, direction = x - x.mean(), limits.PREFACTOR, -n
    else:
        shape, size, direction = 1 / n - np.mean(1 / n), limits.CORRECTION, -x
    return base + size**2 * np.outer(shape, shape), direction


def rounding_steps(n: Floats, x: Floats, layers: Floats) -> Floats:
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
    return np.asarray(rest / np.diff(np.unique(layers)).min())


def _decay(y: Floats, covariances: Floats, direction: Floats, low: float, high: float) -> Floats:
    """ln of the likelihood integrated over a log-uniform rate, per covariance of a batch."""
    at_best, rate, width = _best(y, covariances, direction)
    density = -np.log(np.clip(rate, low, high) * np.log(high / low))
    return np.asarray(at_best + _log_area(width) + density + _log_inside(rate, width, low, high))


def _no_decay(y: Floats, covariances: Floats, direction: Floats) -> Floats:
    """The same for a law that is constant or, with equal weight, grows as a power."""
    at_best, rate, width = _best(y, covariances, direction)
    low, high = limits.GROWTH
    inside = _log_area(width) + _log_inside(rate, width, low, high)
    growing = at_best + inside - np.log(high - low)
    constant = at_best - 0.5 * (rate / width) ** 2
    return np.asarray(np.logaddexp(constant, growing) - np.log(2))


def _best(y: Floats, covariances: Floats, direction: Floats) -> tuple[Floats, Floats, Floats]:
    """Return (ln likelihood at the best rate, the best rate, its standard deviation)."""
    # the likelihood is Gaussian in the rate: its maximum and curvature are the whole of it
    root = np.linalg.cholesky(covariances)
    right = np.broadcast_to(np.stack([y, direction], 1), (len(root), len(y), 2))
    both = np.linalg.solve(root, right)
    u, w = both[..., 0], both[..., 1]
    information = (w * w).sum(1)
    rate = (w * u).sum(1) / information
    log_det = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
    return -0.5 * ((u * u).sum(1) - information * rate**2) - log_det, rate, information**-0.5


def _log_area(width: Floats) -> Floats:
    return np.asarray(0.5 * np.log(2 * np.pi) + np.log(width))


def _log_inside(center: Floats, width: Floats, low: float, high: float) -> Floats:
    """ln P(low < X < high) for normal X, accurate in the far tails."""
    a, b = (low - center) / width, (high - center) / width
    # Above the interval's low end the logarithm is accurate in the mirrored tail only.
    a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)
    upper, lower = log_ndtr(b), log_ndtr(a)
    return np.asarray(upper + np.log1p(-np.exp(np.minimum(lower - upper, limits.TAIL))))
