"""Goodness of fit with effect size and power: one sample against one law."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

from pennylane_wishart.comparison.estimates import CountedLaw, NoisyLaw, gridded_cdf
from pennylane_wishart.ensembles import Distribution
from pennylane_wishart.measurement.statistics import variance_interval

__all__ = ["ROUNDING", "QuantityComparison", "compare_sample"]

ROUNDING = 5e-6
"""Of the largest value that an observable, or its gradient, can have: what a device of single precision may be off
by after hundreds of gates. Devices do not say their precision, so everything smaller counts as nothing."""
_LEAST = 8
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
    """95% interval of the ratio; the fourth moment behind it is the larger of the sample's and the predicted one."""
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


def compare_sample(
    name: str,
    sample,
    law: Distribution | CountedLaw | NoisyLaw,
    alpha: float = 0.001,
    seed: int = 7,
    independent: float | None = None,
    rounding: float = 0.0,
) -> QuantityComparison:
    """Test whether independent samples come from a law.

    One-sample Kolmogorov–Smirnov, conservative where the law has steps (:class:`CountedLaw`) or is
    known only within a slack (:class:`NoisyLaw`). NOT valid for dependent samples, such as all gradient
    components of one angle set.

    Args:
        sample: float64 ``(n,)``, independent.
        law: of the sample itself, shot noise included.
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
    slack = law.slack if isinstance(law, NoisyLaw) else 0.0
    predicted = float(law.var())
    rounding = max(rounding, 1e-8 * max(1.0, abs(float(law.mean()))))
    if predicted <= rounding**2 and (predicted == 0.0 or float(np.ptp(sample)) <= 12 * rounding):
        return _against_constant(name, sample, float(law.mean()), alpha, rounding)
    if isinstance(law, CountedLaw):
        distance, power = float(law.distance(sample)), _counted_power(law, worth, alpha, seed)
    else:
        cdf = law.cdf if isinstance(law, NoisyLaw) else gridded_cdf(law)
        distance = float(stats.kstest(sample, cdf).statistic)
        power = _power(law, cdf, worth, alpha, seed, slack)
    pvalue = float(stats.kstwo.sf(max(distance - slack, 0.0), worth))
    variance, low, high = variance_interval(sample, float(law.kurtosis()))
    return QuantityComparison(
        name=name,
        statistic=distance,
        pvalue=pvalue,
        ratio_of_variances=variance / predicted,
        interval=(low / predicted, high / predicted),
        effect=distance,
        power=power,
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


@lru_cache(maxsize=256)
def _critical(alpha: float, n: int) -> float:
    """Kolmogorov–Smirnov distance that is rejected; exact, and slow to invert."""
    return float(stats.kstwo.isf(alpha, n))


def _counted_power(law: CountedLaw, n: int, alpha: float, seed: int) -> float:
    """The same as :func:`_power` for a law of counts."""
    rng, size = np.random.default_rng(seed), min(n, 2000)
    critical = _critical(alpha, n)
    draws = law.widened(size * _POWER_RUNS, _POWER_SCALE, rng).reshape(_POWER_RUNS, size)
    return float(np.mean(law.distance(draws) > critical))


def _power(law, cdf, n: int, alpha: float, seed: int, slack: float = 0.0) -> float:
    """Simulate the test on samples whose deviation from the mean is 25% larger."""
    rng = np.random.default_rng(seed)
    size = min(n, 2000)
    draws = np.asarray(law.sample(size * _POWER_RUNS, rng), float).reshape(_POWER_RUNS, size)
    mean = float(law.mean())
    wide = np.sort(mean + _POWER_SCALE * (draws - mean), axis=1)
    values = cdf(wide)
    steps = np.arange(size)
    distance = np.maximum(np.max((steps + 1) / size - values, axis=1), np.max(values - steps / size, axis=1))
    critical = _critical(alpha, n) + slack
    return float(np.mean(distance > critical))
