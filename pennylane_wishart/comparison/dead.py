"""Whether parameters that are proved dead were measured as zero, at any number of shots."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log, sqrt

import numpy as np
from scipy import special, stats

from pennylane_wishart.comparison.statistics import QuantityComparison, not_compared, single_value
from pennylane_wishart.conventions import Quantity
from pennylane_wishart.conventions import comparison as limits
from pennylane_wishart.conventions.arrays import Floats

__all__ = ["compare_dead"]


def compare_dead(
    gradients: Floats, errors: Floats, largest: Floats, noise_bound: Floats, alpha: float, size: float = 1.0
) -> QuantityComparison:
    """Test that gradients of dead parameters are zero but for shot noise.

    Without shots every value must vanish to rounding. With shots a value is a sum of independent means of bounded
    outcomes around 0: it deviates no wider than a normal variable of the largest possible variance σ²
    (Hoeffding's lemma), whatever the number of shots, and whatever error the same few shots suggest. Two
    bounds share ``alpha``, each corrected for the number of values or parameters:

    * of the largest |g|/σ: P(|g| ≥ zσ) ≤ 2·exp(−z²/2);
    * of the mean x of g²/σ² of one parameter over n samples: P(≥ x) ≤ exp(−n(x − 1 − log x)/2), x > 1.

    Args:
        gradients, errors: of the dead parameters, ``(samples, dead)``, NaN where not measured.
        largest: largest possible |gradient| of each, ``(dead,)``.
        noise_bound: largest possible variance of an estimate of each, ``(dead,)``; 0 without shots.
        size: the largest loss that the observable allows.
    Returns:
        :class:`QuantityComparison`: ``pvalue`` is 1 or 0 without shots.
    """
    name, seen = Quantity.DEAD, np.isfinite(gradients)
    count = int(seen.sum())
    if count == 0:
        return not_compared(name, "no dead parameter was measured", alpha)
    sizes = np.where(seen, np.abs(gradients), 0.0)
    worst, nan = float(sizes.max()), float("nan")
    # A gradient that cannot move at all comes back with the rounding of the loss itself.
    rounding = limits.ROUNDING * np.maximum(size, largest)
    if not np.any(noise_bound > 0):
        same = bool(np.all(sizes <= rounding))
        said = "every measured gradient of a dead parameter is zero to rounding"
        return single_value(
            name, worst, same, alpha, count, said if same else "a gradient of a dead parameter is not zero"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.maximum(sizes - rounding, 0.0)
        # Rounding off first: it is not noise, and does not shrink with the shots.
        scaled = np.where(excess > 0, excess / np.sqrt(noise_bound), 0.0)
    single = _largest(float(scaled.max()), count)
    each = [_mean_square(float(np.sum(s**2)), int(n)) for s, n in zip(scaled.T, seen.sum(0), strict=True) if n]
    pvalue = min(1.0, 2 * min(single, len(each) * min(each)))
    noise = np.where(seen, np.asarray(errors) ** 2, 0.0).sum(0) / np.maximum(seen.sum(0), 1)
    power = _power(limits.POWER_SHARE * largest, noise, noise_bound, seen.sum(0), len(each), alpha)
    note = "measured gradients of dead parameters against the largest shot noise there can be"
    agrees = bool(pvalue >= alpha)
    return QuantityComparison(name, worst, pvalue, nan, (nan, nan), worst, power, agrees, alpha, count, note)


def _largest(z: float, count: int) -> float:
    return min(1.0, 2 * count * exp(-(z**2) / 2))


def _mean_square(total: float, n: int) -> float:
    x = total / n
    return 1.0 if x <= 1 else exp(-n * (x - 1 - log(x)) / 2)


def _power(moves: Floats, noise: Floats, bound: Floats, count: Iterable[int], columns: int, alpha: float) -> float:
    """Chance of the mean-square bound alone, for the parameter that it sees best."""
    chances = [0.0]
    # The bound alone: the chance of either test is larger, so that the power told is a lower one.
    for size, own, most, n in zip(moves, noise, bound, count, strict=True):
        if n == 0 or most == 0:
            continue
        # the x > 1 at which the bound is spent: x − 1 − log x = 2·log(2·columns/α)/n
        spent = 2 * log(2 * columns / alpha) / n
        limit = float(np.real(-special.lambertw(-exp(-1 - spent), -1)))
        expected = (size**2 + own) / most
        chances.append(float(stats.norm.sf((limit - expected) / (expected * sqrt(2 / n)))))
    return max(chances)
