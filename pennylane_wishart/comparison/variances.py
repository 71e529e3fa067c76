"""All gradient variances at once: predicted at this depth against measured."""

from __future__ import annotations

from math import exp, log, log2, sqrt

import numpy as np
from scipy import special, stats

from pennylane_wishart.comparison.statistics import _POWER_SCALE, ROUNDING, QuantityComparison, not_compared
from pennylane_wishart.errors import InputError
from pennylane_wishart.moments.drivers import gradient_bounds

__all__ = ["compare_variances", "gradient_bounds"]

_LEAST = 20
"""Fewer measurements of a parameter say nothing about its variance."""


def compare_variances(
    measured: np.ndarray,
    predicted: np.ndarray,
    predicted_error: np.ndarray,
    noise: np.ndarray,
    alpha: float,
    bounds: np.ndarray | None = None,
) -> QuantityComparison:
    """Test the variances of all live parameters at once.

    Squared gradients have heavy tails at shallow depth: a sample of a few hundred often misses the tail
    that carries the variance, and tests that trust its spread cry wolf. Two tests share ``alpha``:

    * of all parameters together: the mean over parameters of g²/(predicted + shot noise), one number for
      each angle set, has mean 1; a t test with the sample's skewness removed (Hall's transformation);
    * of every parameter alone, corrected for their number (Bonferroni): the same test against a variance too
      large, and against one too small the Chernoff bound for g² in [0, bound²], which holds at
      any sample size and for any law (only where there is no shot noise).

    Args:
        measured: gradients ``(samples, n_params)``, NaN where not measured.
        predicted, predicted_error: variances and their standard errors, ``(n_params,)``.
        noise: shot-noise variance of each parameter's gradient, ``(n_params,)``.
        alpha: false-alarm rate. Simulated on five shallow circuits from 100 samples on: at most 5.1% for 5% and
            0.2% for 0.1%; with 40 samples and a kurtosis of 60 it was 0.8% for 0.1%.
        bounds: largest possible |gradient| of each parameter, ``(n_params,)``.
    Returns:
        :class:`QuantityComparison`: ``ratio_of_variances`` is that of all parameters together.
    Raises:
        InputError: if the shapes differ.
    Source: P. Hall, J. R. Statist. Soc. B 54, 221 (1992) for the transformation; W. Hoeffding, J. Am. Stat.
        Assoc. 58, 13 (1963), eq. 2.1 for the bound.
    """
    name = "gradient variances at this depth"
    measured, predicted = np.asarray(measured, float), np.asarray(predicted, float)
    if measured.shape[1] != len(predicted):
        raise InputError(f"gradients have {measured.shape[1]} columns, the prediction {len(predicted)}.")
    seen = np.isfinite(measured)
    # NaN: only a bound is predicted, which is no value to hold a measurement against
    often = (predicted > 0) & (seen.sum(0) >= _LEAST)
    size = np.zeros(len(predicted)) if bounds is None else ROUNDING * np.asarray(bounds, float)
    live = np.flatnonzero(often & ~_below_rounding(measured, seen, predicted, size))
    if len(live) == 0:
        return _all_constant(name, often, alpha)
    raw = np.where(seen, measured, 0.0)[:, live]
    seen, count = seen[:, live], seen[:, live].sum(0)
    centred = np.where(seen, raw - raw.sum(0) / count, 0.0)
    squares = centred**2 * (count / (count - 1))
    v, extra = predicted[live], np.asarray(noise, float)[live]
    relative = np.asarray(predicted_error, float)[live] / (v + extra)
    together, mean, spread, n = _together(squares, seen, v, extra, relative)
    alone = _alone(raw**2, squares, seen, v, extra, relative, None if bounds is None else bounds[live])
    pvalue = min(1.0, 2 * min(together, alone))
    width = spread / max(mean, 1e-300) / sqrt(n)
    return QuantityComparison(
        name=name,
        statistic=float(stats.norm.isf(max(pvalue, 1e-300) / 2)),
        pvalue=pvalue,
        ratio_of_variances=mean,
        interval=(mean * exp(-1.96 * width), mean * exp(1.96 * width)),
        effect=abs(log2(max(mean, 1e-300))),
        power=float(stats.norm.sf(stats.norm.isf(alpha / 4) - log(_POWER_SCALE**2) / max(width, 1e-300))),
        agrees=bool(pvalue >= alpha),
        alpha=alpha,
        n=n,
        note=f"{len(live)} live parameters, together and each alone",
    )


def _below_rounding(measured: np.ndarray, seen: np.ndarray, predicted: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Whether predicted and measured spread both lie below what a device may round to: they agree."""
    largest = np.where(seen, np.abs(measured), 0.0).max(axis=0, initial=0.0)
    return (predicted <= size**2) & (largest <= 6 * size)


def _all_constant(name: str, often: np.ndarray, alpha: float) -> QuantityComparison:
    if not often.any():
        return not_compared(name, "no parameter with a known variance was measured often enough", alpha)
    nan = float("nan")
    return QuantityComparison(
        name, 0.0, 1.0, nan, (nan, nan), 0.0, 0.0, True, alpha, int(often.sum()),
        "predicted and measured variances are both below rounding",
    )  # fmt: skip


def _together(squares, seen, v, extra, relative) -> tuple[float, float, float, int]:
    """Return (p-value, mean ratio, its spread over samples, samples) of all parameters together."""
    weights = seen / (v + extra)
    # E of every row is 1, whatever share of the parameters it measured
    rows = ((squares - extra * seen) * weights).sum(1)
    per_row = rows / ((seen * weights).sum(0) @ v / len(rows))
    used = seen.any(1)
    ratio = per_row[used] * used.mean()
    n = len(ratio)
    spread = float(ratio.std(ddof=1))
    error = float(np.average(relative, weights=seen.sum(0)))
    if not spread > 0:  # all squares alike, all zero for instance: only the prediction's own error is left
        off = abs(float(ratio.mean()) - 1)
        p = float(2 * stats.norm.sf(off / error)) if error > 0 else float(off < 1e-9)
        return p, float(ratio.mean()), 0.0, n
    t = _hall(ratio, error)
    return float(2 * stats.t.sf(abs(t), n - 1)), float(ratio.mean()), spread, n


def _alone(raw, squares, seen, v, extra, relative, bounds) -> float:
    """Return the smallest p-value of single parameters, times twice their number."""
    smallest = 1.0
    for k in range(len(v)):
        column = squares[seen[:, k], k] / (v[k] + extra[k])
        n, spread = len(column), float(column.std(ddof=1))
        if spread > 0:
            t = _hall(column, float(relative[k]))
            smallest = min(smallest, float(stats.t.sf(t, n - 1)))
        if bounds is not None and bounds[k] > 0 and extra[k] == 0:
            # a variance that is itself uncertain is not held to more than its lower end
            expected = v[k] * max(1 - 4 * float(relative[k]), 0.0) / bounds[k] ** 2
            found = float(raw[seen[:, k], k].mean()) / bounds[k] ** 2
            if found < expected < 1:
                smallest = min(smallest, exp(-n * _divergence(found, expected)))
    return min(1.0, 2 * len(v) * smallest)


def _hall(sample: np.ndarray, error: float) -> float:
    """Return Student's t of a mean of 1, its skewness taken out by Hall's cubic.

    ``error`` is the standard error of the 1: it widens the spread of the mean, symmetrically.
    """
    n = len(sample)
    centred = sample - sample.mean()
    own = float(np.mean(centred**2))
    spread = sqrt(own + n * error**2)
    skewness = float(np.mean(centred**3)) / spread**3
    s = (float(sample.mean()) - 1) / spread
    cubic = s + skewness * s**2 / 3 + skewness**2 * s**3 / 27 + skewness / (6 * n)
    return sqrt(n - 1) * cubic


def _divergence(found: float, expected: float) -> float:
    """Relative entropy of a coin with mean ``found`` to one with mean ``expected``."""
    return float(special.rel_entr(found, expected) + special.rel_entr(1 - found, 1 - expected))
