"""All gradient variances at once: predicted at this depth against measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, log, log2, sqrt
from typing import Any

import numpy as np
from scipy import special, stats

from pennylane_wishart.comparison.statistics import QuantityComparison, not_compared, single_value
from pennylane_wishart.conventions import Quantity, levels
from pennylane_wishart.conventions import comparison as limits
from pennylane_wishart.conventions.arrays import Bools, Floats, Integers
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.statistics import raised_spread, spread_factors
from pennylane_wishart.variances.drivers import gradient_bounds

__all__ = ["compare_variances", "gradient_bounds"]

_NAME = Quantity.GRADIENT_VARIANCES


def compare_variances(
    measured: Floats,
    predicted: Floats,
    predicted_error: Floats,
    noise: Floats,
    alpha: float,
    bounds: Floats | None = None,
    noise_bound: Floats | None = None,
    reference: Floats | None = None,
) -> QuantityComparison:
    """Test the variances of all live parameters at once.

    Squared gradients have heavy tails at shallow depth: a sample of a few hundred often misses the tail
    that carries the variance, and tests that trust its spread cry wolf. Two tests share ``alpha``:

    * of all parameters together: the mean over parameters of g² less its shot noise, one number for
      each angle set, has mean 1; a t test with the sample's skewness removed (Hall's transformation);
    * of every parameter alone, corrected for their number (Bonferroni): the same test against a variance too
      large, and against one too small the Chernoff bound for g² in [0, bound²], which holds at
      any sample size and for any law (only where there is no shot noise).

    Neither takes a spread smaller than the circuit's own, where ``reference`` tells it, shot noise added. Where it
    does not, the first test raises the sample's spread by what its size may hide.

    Args:
        measured: gradients ``(samples, n_params)``, NaN where not measured.
        predicted, predicted_error: variances and their standard errors, ``(n_params,)``.
        noise: unbiased shot-noise variance, ``(n_params,)`` or of every measured value ``(samples, n_params)``.
        alpha: false-alarm rate; benchmarks/false_alarms.py prints what it comes to.
        bounds: largest possible |gradient| of each parameter, ``(n_params,)``.
        noise_bound: largest possible shot-noise variance of each parameter; the mean of ``noise`` where None.
        reference: gradients of the predicted circuit at random angles, ``(draws, n_params)``.
    Returns:
        :class:`QuantityComparison`: ``ratio_of_variances`` is that of all parameters together.
    Raises:
        InputError: if the shapes differ.
    Source: P. Hall, J. R. Statist. Soc. B 54, 221 (1992) for the transformation; W. Hoeffding, J. Am. Stat.
        Assoc. 58, 13 (1963), eq. 2.1 for the bound.
    """
    measured, predicted = np.asarray(measured, float), np.asarray(predicted, float)
    if measured.shape[1] != len(predicted):
        raise InputError(f"gradients have {measured.shape[1]} columns, the prediction {len(predicted)}.")
    largest = np.zeros(len(predicted)) if bounds is None else np.asarray(bounds, float)
    often, live = _tested(measured, predicted, limits.ROUNDING * largest)
    if not often.any():
        return not_compared(_NAME, "no parameter with a known variance was measured often enough", alpha)
    if len(live) == 0:
        note = "predicted and measured variances are both below rounding"
        return replace(single_value(_NAME, 0.0, True, alpha, int(often.sum()), note), power=0.0)
    each = (measured, predicted, predicted_error, np.broadcast_to(noise, measured.shape), largest)
    data = _Squares.of(*(None if x is None else np.asarray(x)[..., live] for x in (*each, noise_bound, reference)))
    return _judged(data, alpha)


def _tested(measured: Floats, predicted: Floats, size: Floats) -> tuple[Bools, Integers]:
    """Return which parameters have a predicted value and enough measured ones, and those of them to test."""
    largest = np.where(np.isfinite(measured), np.abs(measured), 0.0).max(axis=0, initial=0.0)
    # NaN: only a bound is predicted, which is no value to hold a measurement against.
    with np.errstate(invalid="ignore"):
        often: Bools = (predicted > 0) & (np.isfinite(measured).sum(0) >= limits.LEAST_MEASURED)
        # Predicted and measured spread both lie below what a device may round to: they agree.
        nothing = (predicted <= size**2) & (largest <= limits.ROUNDING_REACH * size)
    return often, np.flatnonzero(often & ~nothing)


def _judged(data: _Squares, alpha: float) -> QuantityComparison:
    together, mean, spread, interval, n = _together(data)
    pvalue = min(1.0, 2 * min(together, _alone(data)))
    width = max(spread / max(mean, TINY) / sqrt(n), TINY)
    return QuantityComparison(
        name=_NAME,
        statistic=float(stats.norm.isf(max(pvalue, TINY) / 2)),
        pvalue=pvalue,
        ratio_of_variances=mean,
        interval=interval,
        effect=abs(log2(max(mean, TINY))),
        power=float(stats.norm.sf(stats.norm.isf(alpha / 4) - log(levels.POWER_SPREAD**2) / width)),
        agrees=bool(pvalue >= alpha),
        alpha=alpha,
        n=n,
        note=f"{len(data.variance)} live parameters, together and each alone",
    )


@dataclass(frozen=True, eq=False)
class _Squares:
    """Squared gradients of the live parameters, shot noise taken off, beside what is predicted of them."""

    raw: Floats
    """g², ``(samples, live)``, 0 where not measured."""
    excess: Floats
    """(g − ḡ)²·n/(n − 1) less its noise: an unbiased estimate of the variance."""
    noise: Floats
    """What was taken off."""
    seen: Bools
    variance: Floats
    error: Floats
    scale: Floats
    """Variance plus the largest noise: what the squares are weighted by."""
    bounds: Floats
    """Largest |gradient|; 0 where not known."""
    noise_spread: Floats
    """Upper bound of the variance that shot noise adds to ``excess``, ``(live,)``."""
    reference: Floats | None
    """(g − ḡ)² of the circuit's own draws, ``(draws, live)``."""

    @classmethod
    def of(
        cls, measured: Any, v: Any, error: Any, noise: Any, bounds: Any, noise_bound: Any, reference: Any
    ) -> _Squares:
        seen = np.isfinite(measured)
        raw, taken = np.where(seen, measured, 0.0), np.where(seen, noise, 0.0)
        count = seen.sum(0)
        most = taken.sum(0) / count if noise_bound is None else noise_bound
        centred = np.where(seen, raw - raw.sum(0) / count, 0.0)
        # E[((g + ε)² − g²)²] ≤ 8vN + 8N² for noise ε no wider than normal of variance N, whatever g is
        spread = 8 * v * most + 8 * most**2
        own = None if reference is None else (reference - reference.mean(0)) ** 2
        excess = centred**2 * (count / (count - 1)) - taken
        return cls(raw**2, excess, taken, seen, v, error, v + most, bounds, spread, own)

    def own_variances(self) -> Floats:
        """Variance of each column of ``excess`` by the circuit's own law, 0 where that is not known."""
        own = np.zeros(len(self.variance)) if self.reference is None else self._relative().var(0)
        return np.asarray(own * self.variance**2 + self.noise_spread)

    def _relative(self) -> Floats:
        """Squares of the draws, brought to mean 1 (only their shape is used)."""
        assert self.reference is not None
        mean = self.reference.mean(0)
        return np.where(mean > 0, self.reference / np.where(mean > 0, mean, 1.0), 1.0)


def _together(data: _Squares) -> tuple[float, float, float, tuple[float, float], int]:
    """Return (p-value, mean ratio, spread over samples, 95% interval, samples) of all parameters together."""
    weights, v = data.seen / data.scale, data.variance
    # E of every row is 1, whatever share of the parameters it measured
    normal = (weights.sum(0) @ v) / len(weights)
    used = data.seen.any(1)
    ratio = (data.excess * weights).sum(1)[used] / normal * used.mean()
    noise = float((data.noise * weights).sum() / normal / len(weights))
    n, mean = len(ratio), float(ratio.mean())
    share = weights.mean(0) / normal
    error = float(share @ data.error)
    found = float(ratio.var(ddof=1))
    floor = _row_variance(data, weights, normal)
    if data.reference is None and found > 0:
        floor += float(raised_spread(found, n))
    # A sample that has missed the tail has a spread too small by as much as its mean is off.
    spread = sqrt(max(found, floor))
    if not spread > 0:  # all squares alike, all zero for instance: only the prediction's own error is left
        off = abs(mean - 1)
        p = float(2 * stats.norm.sf(off / error)) if error > 0 else float(off < limits.SHOULD_BE_EQUAL)
        return p, mean, 0.0, (mean, mean), n
    t = float(_hall(ratio[:, None], np.ones((n, 1), bool), np.ones(1), np.array([error]), np.array([floor]))[0])
    total = mean + noise
    if not total > limits.NOTHING_LEFT * (1 + noise):  # nothing but zeros: any ratio may be behind them
        return float(2 * stats.t.sf(abs(t), n - 1)), mean, spread, (0.0, float("inf")), n
    own = found / total**2 if data.reference is None else max(found / total**2, floor / (1 + noise) ** 2)
    relative = own + n * (error / (1 + noise)) ** 2
    low, high = (float(f) * total - noise for f in spread_factors(relative, n))
    return float(2 * stats.t.sf(abs(t), n - 1)), mean, spread, (max(low, 0.0), max(high, 0.0)), n


def _row_variance(data: _Squares, weights: Floats, normal: float) -> float:
    """Variance of a row's ratio by the circuit's own law, shot noise added; 0 where nothing is known."""
    noise = float(((weights**2).mean(0) @ data.noise_spread) / normal**2)
    if data.reference is None:
        return noise
    draws = data._relative() * data.variance
    # the draws measured what the rows measured, one after the other
    masked = np.resize(weights, draws.shape) if len(weights) < len(draws) else weights[: len(draws)]
    return float(((draws * masked).sum(1) / normal).var()) + noise


def _alone(data: _Squares) -> float:
    """Return the smallest p-value of single parameters, times twice their number."""
    count = data.seen.sum(0)
    t = _hall(data.excess, data.seen, data.variance, data.error, data.own_variances())
    smallest = float(np.min(stats.t.sf(t, count - 1), initial=1.0))
    # With shot noise a square is no longer bounded by that of the largest gradient.
    if not np.any(data.noise > 0):
        top = np.where(data.bounds > 0, data.bounds, np.inf) ** 2
        # a variance that is itself uncertain is not held to more than its lower end
        sure = np.maximum(1 - limits.SURE_ERRORS * data.error / data.variance, 0.0)
        expected, found = data.variance * sure / top, data.raw.sum(0) / count / top
        short = (found < expected) & (expected < 1)
        for f, e, n in zip(found[short], expected[short], count[short], strict=True):
            smallest = min(smallest, exp(-n * _divergence(float(f), float(e))))
    return min(1.0, 2 * len(count) * smallest)


def _hall(sample: Floats, seen: Bools, target: Floats, error: Floats, floor: Floats) -> Floats:
    """Return Student's t of each column's mean against ``target``, the skewness taken out by Hall's cubic.

    ``error`` is the standard error of the target: it widens the spread of the mean, symmetrically.
    ``floor``: the spread's square is taken for no less. Columns without any spread give −∞: no evidence
    of a mean too large.
    """
    n = seen.sum(0)
    mean = np.where(seen, sample, 0.0).sum(0) / n
    centred = np.where(seen, sample - mean, 0.0)
    own = np.maximum((centred**2).sum(0) / n, floor)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(own + n * error**2)
        skewness = (centred**3).sum(0) / n / spread**3
        s = (mean - target) / spread
        cubic = s + skewness * s**2 / 3 + skewness**2 * s**3 / 27 + skewness / (6 * n)
        return np.where(spread > 0, np.sqrt(n - 1) * cubic, -np.inf)


def _divergence(found: float, expected: float) -> float:
    """Relative entropy of a coin with mean ``found`` to one with mean ``expected``."""
    return float(special.rel_entr(found, expected) + special.rel_entr(1 - found, 1 - expected))
