"""Goodness of fit with effect size and power: one sample against one law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
from scipy import stats

__all__ = ["ROUNDING", "QuantityComparison", "compare_constant", "compare_sample"]

ROUNDING = 5e-6
"""Of the largest value that an observable, or its gradient, can have: what a device of single precision may be off
by after hundreds of gates. Devices do not say their precision, so everything smaller counts as nothing."""
_LEAST = 8
_GRID = 500
_DRAWS = 20_000
_POWER_RUNS = 200
_POWER_SCALE = 1.25
"""Power is the chance to notice a standard deviation 25% away from the predicted one."""


@dataclass(frozen=True, eq=False)
class QuantityComparison:
    """One measured quantity held against its prediction."""

    name: str
    statistic: float
    """Kolmogorov–Smirnov distance, or the largest |z| of a family of variances."""
    pvalue: float
    ratio_of_variances: float
    """measured / predicted."""
    interval: tuple[float, float]
    """95% interval of the ratio, from the sample's own fourth moment."""
    effect: float
    """Size of the discrepancy in units that do not grow with the sample: the KS distance for
    laws, |log2 ratio of variances| for variances."""
    power: float
    """Chance that this test would reject if the true spread were 25% larger than predicted."""
    agrees: bool | None
    """False where rejected at ``alpha``; None where nothing could be compared."""
    alpha: float
    n: int
    """Independent values compared."""
    note: str = ""

    def __str__(self) -> str:
        if self.agrees is None:
            return f"{self.name}: not compared ({self.note})"
        verdict = "agrees" if self.agrees else "DISAGREES"
        if not np.isfinite(self.ratio_of_variances):
            return f"{self.name}: {verdict}; {self.note}, n = {self.n}"
        low, high = self.interval
        return (
            f"{self.name}: {verdict}; p = {self.pvalue:.3g}, variance ratio {self.ratio_of_variances:.3f} "
            f"[{low:.3f}, {high:.3f}], power {self.power:.2f}, n = {self.n}"
        )

    def to_dict(self) -> dict:
        """Return plain Python values."""
        return {k: (list(v) if isinstance(v, tuple) else v) for k, v in self.__dict__.items()}


def not_compared(name: str, note: str, alpha: float) -> QuantityComparison:
    """Return the record of a comparison that could not be made, and why."""
    nan = float("nan")
    return QuantityComparison(name, nan, nan, nan, (nan, nan), nan, 0.0, None, alpha, 0, note)


def variance_interval(sample: np.ndarray, noise: float = 0.0) -> tuple[float, float, float]:
    """Return (variance less ``noise``, low, high): 95%, by the sample's kurtosis, log scale."""
    n = len(sample)
    variance = float(np.var(sample, ddof=1))
    if variance == 0 or n < 4:
        return max(variance - noise, 0.0), 0.0, float("inf")
    kurtosis = float(stats.kurtosis(sample, fisher=True, bias=False)) if n > 3 else 0.0
    relative = sqrt(max((kurtosis + 2 * n / (n - 1)) / n, 1e-12)) * variance / max(variance - noise, 1e-300)
    clean = max(variance - noise, 0.0)
    return clean, clean * np.exp(-1.96 * relative), clean * np.exp(1.96 * relative)


def gridded_cdf(law, seed: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    """Return a fast monotone interpolation of a law's cdf.

    Knots lie at the law's own sample quantiles, denser than the error of any test, and one
    standard deviation beyond; outside them the cdf is within 1e-4 of 0 or 1.
    """
    draws = np.sort(np.asarray(law.sample(_DRAWS, np.random.default_rng(seed)), float))
    spread = float(np.std(draws))
    inner = draws[np.linspace(0, _DRAWS - 1, _GRID).astype(int)]
    ends = np.linspace(0, 1, 8)[1:] * spread
    grid = np.unique(np.concatenate([inner, draws[0] - ends, draws[-1] + ends]))
    values = np.maximum.accumulate(np.asarray(law.cdf(grid), float))
    return lambda x: np.interp(x, grid, values, left=0.0, right=1.0)


def compare_sample(
    name: str,
    sample,
    law,
    alpha: float = 0.001,
    seed: int = 7,
    noise: float = 0.0,
    independent: float | None = None,
    rounding: float = 0.0,
) -> QuantityComparison:
    """Test whether independent samples come from a law.

    One-sample Kolmogorov–Smirnov; ``noise`` is the mean shot-noise variance to take off the
    sample's variance. NOT valid for dependent samples, such as all gradient components of one
    angle set.

    Args:
        sample: float64 ``(n,)``, independent.
        law: distribution with ``ppf``, ``cdf``, ``var``, ``mean``, ``sample``.
        alpha: false-alarm rate of ``agrees``.
        independent: how many independent values the sample is worth, where it repeats itself; its
            size where None.
        rounding: absolute size of what a device may round to; a law and a sample narrower than that are
            compared as single values.
    """
    sample = np.asarray(sample, float)
    sample = sample[np.isfinite(sample)]
    worth = len(sample) if independent is None else int(independent)
    if worth < _LEAST:
        repeats = "" if independent is None else f" worth of independent ones among {len(sample)}"
        return not_compared(name, f"only {worth} samples{repeats}", alpha)
    predicted = float(law.var())
    rounding = max(rounding, 1e-8 * max(1.0, abs(float(law.mean()))))
    if predicted <= rounding**2 and (predicted == 0.0 or float(np.ptp(sample)) <= 12 * rounding):
        return _against_constant(name, sample, float(law.mean()), alpha, rounding)
    cdf = gridded_cdf(law)
    distance = float(stats.kstest(sample, cdf).statistic)
    pvalue = float(stats.kstwo.sf(distance, worth))
    variance, low, high = variance_interval(sample, noise)
    return QuantityComparison(
        name=name,
        statistic=distance,
        pvalue=pvalue,
        ratio_of_variances=variance / predicted,
        interval=(low / predicted, high / predicted),
        effect=distance,
        power=_power(law, cdf, worth, alpha, seed),
        agrees=bool(pvalue >= alpha),
        alpha=alpha,
        n=worth,
    )


def _against_constant(name: str, sample: np.ndarray, value: float, alpha: float, rounding: float) -> QuantityComparison:
    off = float(np.max(np.abs(sample - value)))
    same = off <= 6 * rounding
    return QuantityComparison(
        name, off, 1.0 if same else 0.0, 1.0 if same else float("inf"), (1.0, 1.0), off, 1.0, same,
        alpha, len(sample), "the predicted law is a single value",
    )  # fmt: skip


def compare_constant(
    name: str, sample: np.ndarray, value: float, noise: float, alpha: float, rounding: float
) -> QuantityComparison:
    """Test whether estimates from shots are those of one value: their mean, and that they spread no more.

    Args:
        sample: estimates ``(n,)``.
        noise: predicted variance of one estimate.
        rounding: as for :func:`compare_sample`.
    """
    sample = np.asarray(sample, float)
    n = len(sample)
    if n < _LEAST:
        return not_compared(name, f"only {n} samples", alpha)
    if noise <= rounding**2:
        return _against_constant(name, sample, value, alpha, rounding)
    spread = float(np.var(sample, ddof=1))
    off = max(abs(float(sample.mean()) - value) - rounding, 0.0) / sqrt(noise / n)
    # heavy tails of the noise leave fewer degrees of freedom to its variance
    kurtosis = max(float(stats.kurtosis(sample, bias=False)), 0.0) if n > 3 and spread > 0 else 0.0
    free = (n - 1) / (1 + kurtosis / 2)
    wide = float(stats.chi2.sf(free * spread / noise, free))
    pvalue = min(1.0, 2 * min(2 * float(stats.norm.sf(off)), wide))
    ratio, width = spread / noise, sqrt((2 + kurtosis) / n)
    return QuantityComparison(
        name, off, pvalue, ratio, (ratio * exp(-1.96 * width), ratio * exp(1.96 * width)),
        off / sqrt(n), 0.0, bool(pvalue >= alpha), alpha, n, "the predicted law is a single value, with shot noise",
    )  # fmt: skip


def _power(law, cdf, n: int, alpha: float, seed: int) -> float:
    """Simulate the test on samples whose deviation from the mean is 25% larger."""
    rng = np.random.default_rng(seed)
    size = min(n, 2000)
    draws = np.asarray(law.sample(size * _POWER_RUNS, rng), float).reshape(_POWER_RUNS, size)
    mean = float(law.mean())
    wide = np.sort(mean + _POWER_SCALE * (draws - mean), axis=1)
    values = cdf(wide)
    steps = np.arange(size)
    distance = np.maximum(np.max((steps + 1) / size - values, axis=1), np.max(values - steps / size, axis=1))
    critical = stats.kstwo.isf(alpha, n)
    return float(np.mean(distance > critical))
