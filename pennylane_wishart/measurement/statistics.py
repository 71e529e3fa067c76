"""Variances with the shot noise taken out, and degrees of freedom from measured losses (THEORY §8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.errors import InputError

__all__ = ["DegreesOfFreedom", "GradientVariance", "degrees_of_freedom", "gradient_variance"]

_REPLICATES = 400


@dataclass(frozen=True, eq=False)
class GradientVariance:
    """Variance of each gradient component over the angles, shot noise removed.

    ``value = s² − mean(squared shot error)`` is unbiased, so it may be negative where a component
    drowns in shot noise; ``raw`` keeps s².
    """

    value: np.ndarray
    """``(n_params,)``; NaN with fewer than two samples."""
    error: np.ndarray
    """Standard error of ``value``: bootstrap over samples."""
    raw: np.ndarray
    shot_noise: np.ndarray
    """Mean squared shot error of the component."""
    count: np.ndarray
    """int: samples that measured the component."""
    low: np.ndarray
    """Lower end of the 95% bootstrap interval."""
    high: np.ndarray
    mean: float
    """Average of ``value`` over the components."""
    mean_error: float


def gradient_variance(gradients, errors, seed: int = 7, replicates: int = _REPLICATES) -> GradientVariance:
    """Estimate the variance of every gradient component from measured samples.

    Args:
        gradients: float64 ``(samples, n_params)``, NaN where not measured.
        errors: standard errors from shots, same shape.
    Cost: O(replicates · samples · n_params) time, in matrix products.
    """
    seen = np.isfinite(gradients)
    count = seen.sum(0)
    x = np.where(seen, gradients, 0.0)
    # Centred first: the bootstrap works with sums of squares.
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.where(seen, x - x.sum(0) / count, 0.0)
    noise = np.where(seen, np.asarray(errors) ** 2, 0.0)
    weights = np.ones((1, len(x)))
    raw, shot = _moments(weights, x, noise, seen)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=replicates).astype(float)
    boot_raw, boot_shot = _moments(draws, x, noise, seen)
    boot = boot_raw - boot_shot
    value = raw[0] - shot[0]
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(boot)
        enough = usable.sum(0) > replicates // 2
        boot = np.where(usable, boot, np.where(enough, value, np.nan))
        error = np.where(enough, boot.std(0, ddof=1), np.nan)
        low, high = (np.where(enough, q, np.nan) for q in np.quantile(np.nan_to_num(boot), [0.025, 0.975], axis=0))
    measured = np.isfinite(value)
    mean = float(value[measured].mean()) if measured.any() else float("nan")
    both = boot[:, measured & enough]
    mean_error = float(both.mean(1).std(ddof=1)) if both.size else float("nan")
    return GradientVariance(value, error, raw[0], shot[0], count, low, high, mean, mean_error)


def _moments(weights, x, noise, seen) -> tuple[np.ndarray, np.ndarray]:
    total = weights @ seen
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weights @ x) / total
        raw = ((weights @ x**2) - total * mean**2) / (total - 1)
        shot = (weights @ noise) / total
    return np.where(total > 1, raw, np.nan), np.where(total > 1, shot, np.nan)


@dataclass(frozen=True)
class DegreesOfFreedom:
    """Degrees of freedom estimated from losses: ``dof_finite`` = m̂, ``dof`` = r̂, 95% intervals."""

    dof_finite: float
    dof_finite_interval: tuple[float, float]
    dof: float
    dof_interval: tuple[float, float]
    loss_variance: float
    """Variance of ℓ over the angles, shot noise removed."""
    shot_noise: float
    """Mean shot-noise variance that was subtracted."""


def degrees_of_freedom(
    losses,
    shot_variance,
    dim: float,
    beta: int,
    minimum: float,
    seed: int = 7,
    replicates: int = 2000,
) -> DegreesOfFreedom:
    """Estimate m̂ = (2/β)·mean(ℓ − ℓ*)²/var(ℓ)·N/(N + 2/β) and r̂ = 1/(1/m̂ + 1/N).

    Holds for a pure input in one Jordan sector and random parameters deep enough for the
    Wishart law; otherwise the number means nothing.

    Source: arXiv:2408.11901, degrees of freedom of the Wishart process; ours is the finite-N
    form of THEORY §8 with shot noise subtracted.
    """
    losses, shot_variance = np.asarray(losses, float), np.asarray(shot_variance, float)
    if len(losses) < 3:
        raise InputError(f"degrees_of_freedom needs at least 3 losses; got {len(losses)}.")
    if beta not in (1, 2, 4) or not dim >= 1 or not np.isfinite(minimum):
        raise InputError(
            f"degrees_of_freedom needs dim >= 1, beta 1, 2 or 4 and a finite minimum; got dim={dim}, "
            f"beta={beta}, minimum={minimum}."
        )
    if minimum > losses.mean():
        raise InputError(f"minimum={minimum} lies above the mean loss {losses.mean():.4g}: give λ_min of O.")

    def estimate(rows) -> np.ndarray:
        mean = losses[rows].mean(-1) - minimum
        spread = losses[rows].var(-1, ddof=1) - shot_variance[rows].mean(-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            m = np.where(spread > 0, (2 / beta) * mean**2 / spread, np.inf)
        return m * dim / (dim + 2 / beta)

    rng = np.random.default_rng(seed)
    m = float(estimate(np.arange(len(losses))))
    boot = estimate(rng.integers(len(losses), size=(replicates, len(losses))))
    low, high = (float(q) for q in np.quantile(boot, [0.025, 0.975], method="nearest"))
    spread = float(losses.var(ddof=1) - shot_variance.mean())

    def rank(value: float) -> float:
        return 1 / (1 / value + 1 / dim) if value > 0 else 0.0

    return DegreesOfFreedom(m, (low, high), rank(m), (rank(low), rank(high)), spread, float(shot_variance.mean()))
