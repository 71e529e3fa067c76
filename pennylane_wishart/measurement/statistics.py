"""Variances with the shot noise taken out, and degrees of freedom from measured losses (THEORY §8).

One interval serves all of them, :func:`spread_factors`. The bootstrap and the normal approximation miss
the tail that a small sample has not seen: their 95% cover 0.80 to 0.91 at 20 heavy-tailed values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Bools, Floats, Integers
from pennylane_wishart.errors import InputError

__all__ = [
    "DegreesOfFreedom",
    "GradientVariance",
    "degrees_of_freedom",
    "gradient_variance",
    "raised_spread",
    "spread_factors",
    "variance_interval",
]


def raised_spread(relative: Any, n: Any) -> Floats:
    """Return a relative variance of squares raised by what n values of a heavy tail may hide."""
    root = np.sqrt(np.asarray(n, float))
    raised: Floats = (np.asarray(relative, float) + limits.UNSEEN / root) * (1 + 2 / root)
    return raised


def spread_factors(relative: Any, n: Any, skewness: Any = 0.0) -> tuple[Floats, Floats]:
    """Return factors (low, high) that turn an estimated variance into a 95% interval.

    The lower end is normal in the logarithm, with Student's quantile. The upper end is that of a
    χ² law with as many degrees of freedom as give the same relative variance, after that variance has been
    raised by what n values of a heavy tail may hide.

    Args:
        relative: estimated n·Var[s²]/σ⁴: the excess kurtosis plus 2n/(n − 1); any shape.
        n: values behind each estimate.
        skewness: of the values: a skewed law has one long tail, which hides better.
    Source: the form is that of G. E. P. Box, Biometrika 40, 318 (1953); the allowance is ours.
    """
    relative, n = np.asarray(relative, float), np.asarray(n, float)
    degrees = np.maximum(n - 1, 1)
    floor = np.maximum(relative, 2 / degrees)  # a kurtosis estimated near its lowest possible value, −2
    low = np.exp(-stats.t.ppf(1 - limits.TAIL, degrees) * np.sqrt(floor / n))
    freedom = 2 * n / raised_spread(floor + np.asarray(skewness) ** 2, n)
    with np.errstate(divide="ignore", over="ignore"):
        high = freedom / stats.chi2.ppf(limits.TAIL, freedom)
    return low, np.where(np.isfinite(high), high, np.inf)


def variance_interval(sample: Any, kurtosis: float | None = None) -> tuple[float, float, float]:
    """Return (variance, low, high), 95%; covers at least 0.93 from 20 values on.

    Args:
        sample: independent values ``(n,)``.
        kurtosis: excess kurtosis that the values are expected to have, where a law predicts it: the
            sample's own is taken for no less.
    """
    x = np.asarray(sample, float)
    n = len(x)
    variance = float(np.var(x, ddof=1)) if n > 1 else 0.0
    if variance == 0 or n < limits.LEAST_SHAPE:
        return variance, 0.0, float("inf")
    (own,), (skewness,) = _shape(x[:, None], np.ones((n, 1), bool))
    # A sample that has missed its tail has too small a kurtosis; a law that is known does not.
    floor = own if kurtosis is None or not np.isfinite(kurtosis) else max(own, kurtosis)
    low, high = spread_factors(floor + 2 * n / (n - 1), n, skewness)
    return variance, variance * float(low), variance * float(high)


def _shape(x: Floats, seen: Bools) -> tuple[Floats, Floats]:
    """Return excess kurtosis (unbiased for normal values) and skewness of every column, over what was seen."""
    count = seen.sum(0).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = np.where(seen, x - np.where(seen, x, 0.0).sum(0) / count, 0.0)
        second, third, fourth = ((centred**k).sum(0) / count for k in (2, 3, 4))
        excess = fourth / second**2 - 3
        unbiased = (count - 1) / ((count - 2) * (count - 3)) * ((count + 1) * excess + 6)
        return np.where(count > 3, unbiased, np.nan), third / second**1.5


@dataclass(frozen=True, eq=False)
class GradientVariance:
    """Variance of each gradient component over the angles, shot noise removed.

    ``value = s² − mean(squared shot error)`` is unbiased, so it may be negative where a component
    drowns in shot noise; ``raw`` keeps s².
    """

    value: Floats
    """``(n_params,)``; NaN with fewer than two samples, and where every circuit ran with one shot:
    one shot has no spread of its own, so ``shot_noise`` is then only an upper bound."""
    error: Floats
    """Standard error of ``value``: bootstrap over samples."""
    raw: Floats
    shot_noise: Floats
    """Mean squared shot error of the component; the largest possible one where there was one shot."""
    count: Integers
    """int: samples that measured the component."""
    low: Floats
    """Lower end of the 95% interval (:func:`spread_factors`)."""
    high: Floats
    mean: float
    """Average of ``value`` over the components."""
    mean_error: float


def gradient_variance(
    gradients: Any,
    errors: Any,
    seed: int = limits.BOOTSTRAP_SEED,
    replicates: int = limits.REPLICATES,
    shots: int | None = None,
) -> GradientVariance:
    """Estimate the variance of every gradient component from measured samples.

    Args:
        gradients: float64 ``(samples, n_params)``, NaN where not measured.
        errors: standard errors from shots, same shape.
        shots: per circuit. With one shot ``errors`` are the largest possible ones: the interval then runs from
            all noise to no noise, and there is no value.
    Cost: O(replicates · samples · n_params) time, in matrix products.
    """
    seen = np.isfinite(gradients)
    count = seen.sum(0)
    x = np.where(seen, gradients, 0.0)
    # Centred first: the bootstrap works with sums of squares.
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.where(seen, x - x.sum(0) / count, 0.0)
    # Unmeasured components weigh nothing in every sum below.
    noise = np.where(seen, np.asarray(errors) ** 2, 0.0)
    weights = np.ones((1, len(x)))
    raw, shot = _moments(weights, x, noise, seen)
    rng = np.random.default_rng(seed)
    # Weights instead of resampled rows: all replicates are then a few matrix products.
    draws = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=replicates).astype(float)
    boot_raw, boot_shot = _moments(draws, x, noise, seen)
    boot = boot_raw - boot_shot
    # A draw may hold a component once or never; most draws must have a variance for its spread to mean anything.
    value = raw[0] - shot[0]
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(boot)
        enough = usable.sum(0) > replicates // 2
        boot = np.where(usable, boot, np.where(enough, value, np.nan))
        error = np.where(enough, boot.std(0, ddof=1), np.nan)
    low, high = _component_interval(x, seen, raw[0], noise, shots)
    low, high = np.where(enough, low, np.nan), np.where(enough, high, np.nan)
    # The noise is only bounded: no value between the two ends is more likely than another.
    if shots == 1 and np.any(noise > 0):
        value, boot = np.full_like(value, np.nan), np.full_like(boot, np.nan)
        error = np.full_like(error, np.nan)
    # Components without a value are left out of the mean, not counted as 0.
    measured = np.isfinite(value)
    mean = float(value[measured].mean()) if measured.any() else float("nan")
    both = boot[:, measured & enough]
    mean_error = float(both.mean(1).std(ddof=1)) if both.size else float("nan")
    return GradientVariance(value, error, raw[0], shot[0], count, low, high, mean, mean_error)


def _component_interval(x: Floats, seen: Bools, raw: Floats, noise: Floats, shots: int | None) -> tuple[Floats, Floats]:
    """Return the ends of each component's interval: that of s², less the noise."""
    count = seen.sum(0)
    kurtosis, skewness = _shape(x, seen)
    with np.errstate(invalid="ignore", divide="ignore"):
        # without a kurtosis (constant columns, three values) nothing but the bounds 0 and s² is left
        known = np.isfinite(kurtosis)
        shape, tilt = np.where(known, kurtosis, 0.0), np.where(known, skewness, 0.0)
        shape = shape + 2 * count / np.maximum(count - 1, 1) + _noise_share(x, noise, seen, raw)
        low, high = spread_factors(shape, np.maximum(count, 2), tilt)
        low, high = np.where(known, low, 0.0), np.where(known | (raw == 0), high, np.inf)
        shot = noise.sum(0) / count
        least = 0.0 if shots == 1 else shot  # one shot: between all of it noise and none of it
        return np.maximum(raw * low - shot, 0.0), np.maximum(np.where(raw > 0, raw * high, 0.0) - least, 0.0)


def _noise_share(x: Floats, noise: Floats, seen: Bools, raw: Any) -> Floats:
    """Return what the scatter of the noise estimates adds to the relative variance of s², per column.

    They scatter as much as the squares where shots are few, against them: shots that disagree give small values.
    """
    count = seen.sum(0)
    squares = np.where(seen, x**2, 0.0)

    def scatter(values: Floats) -> Floats:
        return np.asarray((np.where(seen, values - values.sum(0) / count, 0.0) ** 2).sum(0) / count)

    added = scatter(squares - noise) - scatter(squares)
    return np.where(raw > 0, np.maximum(added, 0.0) / np.where(raw > 0, raw, 1.0) ** 2, 0.0)


def _moments(weights: Floats, x: Floats, noise: Floats, seen: Bools) -> tuple[Floats, Floats]:
    total = weights @ seen
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weights @ x) / total
        raw = ((weights @ x**2) - total * mean**2) / (total - 1)
        shot = (weights @ noise) / total
    return np.where(total > 1, raw, np.nan), np.where(total > 1, shot, np.nan)


@dataclass(frozen=True)
class DegreesOfFreedom:
    """Degrees of freedom estimated from losses: ``dof_finite`` = m̂, ``dof`` = r̂, 95% intervals.

    With one shot a circuit the noise is known only by its upper bound: values are NaN, intervals remain.
    """

    dof_finite: float
    dof_finite_interval: tuple[float, float]
    dof: float
    dof_interval: tuple[float, float]
    loss_variance: float
    """Variance of ℓ over the angles, shot noise removed."""
    shot_noise: float
    """Mean shot-noise variance that was subtracted."""


def degrees_of_freedom(
    losses: Any, shot_variance: Any, dim: float, beta: int, minimum: float, shots: int | None = None
) -> DegreesOfFreedom:
    """Estimate m̂ = (2/β)·mean(ℓ − ℓ*)²/var(ℓ)·N/(N + 2/β) and r̂ = 1/(1/m̂ + 1/N).

    Holds for a pure input in one Jordan sector and random parameters deep enough for the
    Wishart law; otherwise the number means nothing. The intervals cover at least 0.93 from 20 losses on.
    ``shots=1`` says that ``shot_variance`` is an upper bound.

    Source: arXiv:2408.11901, degrees of freedom of the Wishart process; ours is the finite-N
    form of THEORY §8 with shot noise subtracted.
    """
    losses, shot_variance = np.asarray(losses, float), np.asarray(shot_variance, float)
    if len(losses) < limits.LEAST_LOSSES:
        raise InputError(f"degrees_of_freedom needs at least {limits.LEAST_LOSSES} losses; got {len(losses)}.")
    if beta not in (1, 2, 4) or not dim >= 1 or not np.isfinite(minimum):
        raise InputError(
            f"degrees_of_freedom needs dim >= 1, beta 1, 2 or 4 and a finite minimum; got dim={dim}, "
            f"beta={beta}, minimum={minimum}."
        )
    if minimum > losses.mean():
        raise InputError(f"minimum={minimum} lies above the mean loss {losses.mean():.4g}: give λ_min of O.")

    above, variance = float(losses.mean() - minimum), float(losses.var(ddof=1))
    noise = float(shot_variance.mean())
    # Shot noise adds to the variance of ℓ whatever the state is.
    spread = variance - noise
    scale = (2 / beta) * above**2 * dim / (dim + 2 / beta)

    def finite(value: float) -> float:
        return scale / value if value > 0 else float("inf")

    low_variance, high_variance = _variance_seen_by_m(losses, above, variance, shot_variance, shots == 1)
    m, low, high = finite(spread), finite(high_variance), finite(low_variance)
    if shots == 1 and noise > 0:
        m = spread = float("nan")

    def rank(value: float) -> float:
        return 1 / (1 / value + 1 / dim) if value > 0 else (value if np.isnan(value) else 0.0)

    return DegreesOfFreedom(m, (low, high), rank(m), (rank(low), rank(high)), spread, noise)


def _variance_seen_by_m(
    losses: Floats, above: float, variance: float, shot_variance: Floats, one_shot: bool
) -> tuple[float, float]:
    """Return the ends of var(ℓ) that enter m̂: widened by the error of the mean, which m̂ has squared.

    To first order n·Var[log m̂] = κ + 2 + 4c² − 4γc, with excess kurtosis κ, skewness γ, c = std/mean.
    """
    n, noise = len(losses), float(shot_variance.mean())
    if variance == 0 or n < limits.LEAST_SHAPE:
        return 0.0, float("inf") if variance > 0 else 0.0
    seen = np.ones((n, 1), bool)
    (kurtosis,), (skewness,) = _shape(losses[:, None], seen)
    c = np.sqrt(variance) / above
    relative = max(kurtosis + 2 * n / (n - 1) + 4 * c**2 - 4 * skewness * c, 0.0)
    relative += float(_noise_share((losses - losses.mean())[:, None], shot_variance[:, None], seen, variance)[0])
    low, high = spread_factors(relative, n, skewness)
    return max(variance * float(low) - noise, 0.0), max(variance * float(high) - (0.0 if one_shot else noise), 0.0)
