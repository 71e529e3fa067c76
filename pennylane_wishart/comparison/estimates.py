"""Laws of estimates from shots: exact where one shot has two outcomes, bounded where it has more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import stats

from pennylane_wishart.conventions import comparison as limits
from pennylane_wishart.conventions.arrays import Floats, Integers
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.ensembles.shots import cell_table

__all__ = ["CountedLaw", "NoisyLaw", "gridded_cdf", "noisy_law", "with_noise"]

_NODES, _MASSES = np.polynomial.hermite_e.hermegauss(limits.NODES)


@dataclass(frozen=True, eq=False)
class CountedLaw:
    """The exact law of a mean of shots with two outcomes whose expectation follows a law.

    The estimate is ``low + (high − low)·k/shots`` with k binomial given the true value. Valid at any number of
    shots, one included.
    """

    law: Law
    low: float
    high: float
    shots: int

    @classmethod
    def of(cls, law: Law, low: float, high: float, shots: int) -> CountedLaw | None:
        """Return the law, or None where a table of counts would be large for nothing."""
        return cls(law, low, high, shots) if shots <= limits.MOST_COUNTS else None

    @cached_property
    def weights(self) -> Floats:
        """P(k), float64 ``(shots + 1,)``."""
        if self.law.std() == 0:
            points, masses = np.array([self.law.mean()]), np.ones(1)
        else:
            # Every cell counts with its probability at its middle: counts are far coarser.
            edges, masses = cell_table(self.law, limits.CELLS)
            points = (edges[:-1] + edges[1:]) / 2
        counts = np.arange(self.shots + 1)
        out = masses @ stats.binom.pmf(counts, self.shots, self._chance(points)[:, None])
        return np.asarray(out / out.sum())

    def _chance(self, values: Any) -> Floats:
        return np.clip((np.asarray(values, float) - self.low) / (self.high - self.low), 0.0, 1.0)

    def counts(self, estimates: Any) -> Integers:
        """Return k of each estimate; anything else a device may return goes to the nearest."""
        share = (np.asarray(estimates, float) - self.low) / (self.high - self.low)
        return np.clip(np.rint(share * self.shots), 0, self.shots).astype(int)

    @property
    def _values(self) -> Floats:
        return self.low + (self.high - self.low) * np.arange(self.shots + 1) / self.shots

    def mean(self) -> float:
        """Return the expectation."""
        return float(self.weights @ self._values)

    def var(self) -> float:
        """Return the variance, shot noise included."""
        return float(self.weights @ (self._values - self.mean()) ** 2)

    def kurtosis(self) -> float:
        """Return the excess kurtosis."""
        variance = self.var()
        return float(self.weights @ (self._values - self.mean()) ** 4) / variance**2 - 3 if variance > 0 else 0.0

    def widened(self, size: int, scale: float, rng: np.random.Generator) -> Floats:
        """Draw estimates of true values that lie ``scale`` times as far from their mean."""
        centre = self.law.mean()
        truth = centre + scale * (np.asarray(self.law.sample(size, rng), float) - centre)
        return self.low + (self.high - self.low) * rng.binomial(self.shots, self._chance(truth)) / self.shots

    def distance(self, estimates: Any) -> Floats:
        """Return the Kolmogorov–Smirnov distance of samples in the last axis.

        Its usual p-value is conservative where a law has steps.
        """
        # Each row of counts gets bins of its own: one bincount for all samples.
        counts = self.counts(estimates)
        rows = counts.reshape(-1, counts.shape[-1])
        cells = self.shots + 1
        found = np.bincount((rows + cells * np.arange(len(rows))[:, None]).ravel(), minlength=cells * len(rows))
        shares = found.reshape(len(rows), cells) / rows.shape[1]
        largest: Floats = np.max(np.abs(np.cumsum(shares - self.weights, axis=1)), axis=1)
        return largest.reshape(counts.shape[:-1])


def with_noise(values: Floats, variance: float, rng: np.random.Generator) -> Floats:
    """Add normal noise."""
    return np.asarray(values + np.sqrt(variance) * rng.standard_normal(values.shape))


@dataclass(frozen=True, eq=False)
class NoisyLaw:
    """A law with noise whose variance is known on average only, and how far its cdf can be off."""

    law: Law
    noise: float
    """Mean variance of the noise."""
    cdf: Callable[[Any], Floats]
    slack: float
    """Largest error of the cdf: half of one step of the estimate, and noise that varies between states."""

    def mean(self) -> float:
        """Return the expectation."""
        return float(self.law.mean())

    def var(self) -> float:
        """Return the variance, noise included."""
        return float(self.law.var()) + self.noise

    def kurtosis(self) -> float:
        """Return the excess kurtosis: that of the law, thinned by normal noise."""
        return self.law.kurtosis() * (self.law.var() / self.var()) ** 2 if self.var() > 0 else 0.0

    def sample(self, size: int, rng: np.random.Generator) -> Floats:
        """Draw estimates."""
        return with_noise(np.asarray(self.law.sample(size, rng), float), self.noise, rng)


def noisy_law(law: Law, shots: int, noise: Floats, step: float) -> NoisyLaw | str:
    """Return the law of an estimate of several outcomes, or why there is none.

    Given the true value the noise is taken as normal, with the mean measured variance. ``slack`` is what this
    may be wrong by: the cdf is compared with those of noise larger and smaller by the spread of ``noise``, and
    half the probability of one step is added.

    Args:
        shots: per circuit.
        noise: measured variances of the estimates, any shape.
        step: largest change of an estimate by one outcome of one shot, times the shots.
    """
    if shots == 1:
        return "one shot has no spread of its own, and the noise of several outcomes is not known without it"
    single = float(np.mean(noise)) if np.size(noise) else 0.0
    variance = law.var()
    if shots < limits.FEWEST_SHOTS or single > limits.NOISIEST * variance:
        ratio = single / variance if variance > 0 else np.inf
        enough = max(limits.FEWEST_SHOTS, int(np.ceil(shots * ratio / limits.NOISIEST))) if np.isfinite(ratio) else 0
        advice = f"; about {enough:,} shots would do" if 0 < enough < limits.MOST_ADVISED else ""
        return f"with {shots} shots the estimate is mostly noise, of which only the variance is known{advice}"
    if variance == 0:
        return NoisyLaw(law, 0.0, lambda x: (np.asarray(x) >= law.mean()).astype(float), 0.0)
    cdf = gridded_cdf(law)
    # The true spread of the noise between states is not known; that of its estimates is no smaller.
    relative = min(float(np.std(noise)) / single, 1.0) if single > 0 else 0.0
    spread = np.sqrt(variance + single)
    grid = law.mean() + spread * np.linspace(-limits.REACH, limits.REACH, limits.POINTS)
    middle, low, high = (_smoothed(cdf, grid, single * (1 + side * relative)) for side in (0, -1, 1))
    off = max(float(np.max(np.abs(low - middle))), float(np.max(np.abs(high - middle))))

    def noisy(x: Any) -> Floats:
        return np.asarray(np.interp(x, grid, middle, left=0.0, right=1.0))

    # A step of the estimate moves its cdf by no more than the probability of one step, half to either side.
    half = float(np.max(noisy(grid + step / shots / 2) - noisy(grid - step / shots / 2))) / 2
    return NoisyLaw(law, single, noisy, off + half)


def _smoothed(cdf: Callable[[Any], Floats], grid: Floats, variance: float) -> Floats:
    """Return the cdf after normal noise: its mean over a normal variable, by Gauss–Hermite quadrature."""
    return np.asarray(cdf(grid[:, None] - np.sqrt(variance) * _NODES) @ (_MASSES / _MASSES.sum()))


def gridded_cdf(law: Any, seed: int = 0) -> Callable[[Any], Floats]:
    """Return a fast monotone interpolation of a law's cdf.

    Knots lie at the law's own sample quantiles, denser than the error of any test, and one
    standard deviation beyond; outside them the cdf is within 1e-4 of 0 or 1.
    """
    draws = np.sort(np.asarray(law.sample(limits.DRAWS, np.random.default_rng(seed)), float))
    spread = float(np.std(draws))
    inner = draws[np.linspace(0, limits.DRAWS - 1, limits.GRID).astype(int)]
    ends = np.linspace(0, 1, limits.ENDS)[1:] * spread
    grid = np.unique(np.concatenate([inner, draws[0] - ends, draws[-1] + ends]))
    # Numerical cdfs may fall by rounding; interpolation needs them to rise.
    values = np.maximum.accumulate(np.asarray(law.cdf(grid), float))
    return lambda x: np.interp(x, grid, values, left=0.0, right=1.0)
