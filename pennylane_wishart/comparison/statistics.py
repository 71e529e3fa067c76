"""Goodness of fit with effect size and power: one sample against one law."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import stats

from pennylane_wishart.comparison.estimates import CountedLaw, NoisyLaw, gridded_cdf
from pennylane_wishart.conventions import comparison as limits
from pennylane_wishart.conventions import levels
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.ensembles.distribution import Distribution
from pennylane_wishart.measurement.statistics import variance_interval

__all__ = ["QuantityComparison", "borne_out", "compare_sample", "not_compared", "single_value"]
_UNKNOWN = (float("nan"), float("nan"))


@dataclass(frozen=True, eq=False)
class QuantityComparison(Shown):
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
        if self.agrees and self.power < levels.ENOUGH_POWER:
            verdict += ", which says little with so few values"
        low, high = self.interval
        return (
            f"{self.name}: {verdict}; p = {self.pvalue:.3g}, variance ratio {self.ratio_of_variances:.3f} "
            f"[{low:.3f}, {high:.3f}], power {self.power:.2f}, n = {self.n}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values."""
        return {k: (list(v) if isinstance(v, tuple) else v) for k, v in self.__dict__.items()}


def not_compared(name: str, note: str, alpha: float) -> QuantityComparison:
    """Return the record of a comparison that could not be made, and why."""
    nan = float("nan")
    return QuantityComparison(name, nan, nan, nan, _UNKNOWN, nan, 0.0, None, alpha, 0, note)


def compare_sample(
    name: str,
    sample: Any,
    law: Distribution | CountedLaw | NoisyLaw,
    alpha: float = levels.FALSE_ALARM,
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
    if worth < limits.LEAST_VALUES:
        repeats = "" if independent is None else f" worth of independent ones among {len(sample)}"
        return not_compared(name, f"only {worth} samples{repeats}", alpha)
    # What the law may be wrong by is taken off the distance: the test can only become milder.
    slack = law.slack if isinstance(law, NoisyLaw) else 0.0
    predicted = float(law.var())
    rounding = max(rounding, limits.LEAST_ROUNDING * max(1.0, abs(float(law.mean()))))
    # Narrower than rounding, both: a distance of distributions would test the device's last digits.
    if predicted <= rounding**2 and (predicted == 0.0 or float(np.ptp(sample)) <= 2 * limits.ROUNDING_REACH * rounding):
        off = float(np.max(np.abs(sample - float(law.mean()))))
        same, note = off <= limits.ROUNDING_REACH * rounding, "the predicted law is a single value"
        return single_value(name, off, same, alpha, len(sample), note, (1.0, 1.0))
    if isinstance(law, CountedLaw):
        cdf, distance = None, float(law.distance(sample))
    else:
        cdf = law.cdf if isinstance(law, NoisyLaw) else gridded_cdf(law)
        distance = float(stats.kstest(sample, cdf).statistic)
    pvalue = float(stats.kstwo.sf(max(distance - slack, 0.0), worth))
    variance, low, high = variance_interval(sample, float(law.kurtosis()))
    return QuantityComparison(
        name=name,
        statistic=distance,
        pvalue=pvalue,
        ratio_of_variances=variance / predicted,
        interval=(low / predicted, high / predicted),
        effect=distance,
        power=_power(law, cdf, worth, alpha, seed, slack),
        agrees=bool(pvalue >= alpha),
        alpha=alpha,
        n=worth,
    )


def borne_out(found: QuantityComparison, values: Floats, own: Floats) -> QuantityComparison:
    """Let a disagreement with a law stand only if the measurement also differs from the circuit's own sample.

    The law holds to some per cent at this depth, not exactly, so it alone would be rejected by enough
    data; two samples of one circuit have one law whatever it is, which keeps the false-alarm rate.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if found.agrees is not False or float(np.ptp(own)) == 0.0:
        return found
    # Asymptotic: exact p-values of large samples are slow, and hardly differ.
    same = float(stats.ks_2samp(values, own, method="asymp").pvalue)
    pvalue = max(found.pvalue, same)
    return replace(found, pvalue=pvalue, agrees=bool(pvalue >= found.alpha))


def single_value(
    name: str, off: float, same: bool, alpha: float, n: int, note: str, interval: tuple[float, float] = _UNKNOWN
) -> QuantityComparison:
    """Return the record of values held against one number, from which the largest is ``off`` away.

    Args:
        interval: of the ratio of variances, where there is one: 1 if the values are the same, infinite if not.
    """
    verdict = 1.0 if same else 0.0
    ratio = interval[0] if same or np.isnan(interval[0]) else float("inf")
    return QuantityComparison(name, off, verdict, ratio, interval, off, 1.0, same, alpha, n, note)


@lru_cache(maxsize=256)
def _critical(alpha: float, n: int) -> float:
    """Kolmogorov–Smirnov distance that is rejected; exact, and slow to invert."""
    return float(stats.kstwo.isf(alpha, n))


def _power(law: Any, cdf: Any, n: int, alpha: float, seed: int, slack: float = 0.0) -> float:
    """Simulate the test on samples whose deviation from the mean is 25% larger."""
    rng, size = np.random.default_rng(seed), min(n, limits.POWER_VALUES)
    critical = _critical(alpha, n) + slack
    shape = (limits.POWER_RUNS, size)
    if isinstance(law, CountedLaw):
        return float(
            np.mean(law.distance(law.widened(shape[0] * size, levels.POWER_SPREAD, rng).reshape(shape)) > critical)
        )
    draws = np.asarray(law.sample(shape[0] * size, rng), float).reshape(shape)
    mean = float(law.mean())
    values = cdf(np.sort(mean + levels.POWER_SPREAD * (draws - mean), axis=1))
    # The largest distance lies just before or just after a step of the sample's own cdf.
    steps = np.arange(size)
    distance = np.maximum(np.max((steps + 1) / size - values, axis=1), np.max(values - steps / size, axis=1))
    return float(np.mean(distance > critical))
