"""A distribution tabulated from a stored sample, with its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .law import Array, Tails

__all__ = ["SampleTable"]

_KEPT = 1 << 16  # quantiles kept


@dataclass(frozen=True)
class SampleTable:
    """Hold a sorted sample; its cdf is interpolated, its density is a central difference.

    The cdf has standard error √(F(1−F)/n); the density is smoothed over ``bandwidth``.
    NOT for tails beyond 1/n: they are 0 there.
    """

    points: Array
    bandwidth: float
    independent: int

    @classmethod
    def build(cls, sample: Array, independent: int | None = None) -> SampleTable:
        """Sort a sample, thin it, and choose a bandwidth of n^(−1/5) standard deviations.

        Args:
            sample: shape (n,); may hold several points per independent draw.
            independent: number of independent draws, for the standard error.
        """
        points = np.sort(sample)
        n = independent or points.size
        bandwidth = 0.9 * float(points.std()) * points.size ** (-0.2)
        if points.size > _KEPT:
            middle = (np.arange(_KEPT) + 0.5) / _KEPT * points.size
            points = points[middle.astype(int)]
        return cls(points, bandwidth, n)

    def cdf(self, x: Array) -> Array:
        """Interpolated empirical cdf."""
        n = self.points.size
        return np.interp(x, self.points, (np.arange(n) + 0.5) / n, left=0.0, right=1.0)

    def cdf_error(self, x: Array) -> Array:
        """Binomial standard error of the cdf, an upper estimate for spread samples."""
        f = np.clip(self.cdf(x), 1 / self.independent, 1 - 1 / self.independent)
        return np.sqrt(f * (1 - f) / self.independent)

    def log_tails(self, x: Array) -> Tails:
        """Log cdf and log sf."""
        f = self.cdf(x)
        with np.errstate(divide="ignore"):
            return np.log(f), np.log1p(-f)

    def log_density(self, x: Array) -> Array:
        """Log of the smoothed density."""
        h = self.bandwidth
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = self.cdf(x + h) - self.cdf(x - h)
            return np.log(slope) - math.log(2 * h)
