"""A distribution tabulated from a stored sample, with its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.distribution import Tails
from pennylane_wishart.ensembles.scaled import Array

__all__ = ["SampleTable"]


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
        bandwidth = limits.TABLE_BANDWIDTH * float(points.std()) * points.size ** (-0.2)
        kept = limits.TABLE_POINTS
        if points.size > kept:
            # evenly spaced order statistics: what lies between two of them is below the sample's own error
            middle = (np.arange(kept) + 0.5) / kept * points.size
            points = points[middle.astype(int)]
        return cls(points, bandwidth, n)

    def standardised_moment(self, order: int) -> float:
        """Return E[((X − mean)/std)^order] of the sample."""
        return float(np.mean(((self.points - self.points.mean()) / self.points.std()) ** order))

    def _cdf(self, y: Array) -> Array:
        n = self.points.size
        return np.interp(y, self.points, (np.arange(n) + 0.5) / n, left=0.0, right=1.0)

    def _cdf_error(self, y: Array) -> Array:
        """Binomial standard error of the cdf, an upper estimate for spread samples."""
        # beyond the sample it is not 0 but what one draw weighs
        f = np.clip(self._cdf(y), 1 / self.independent, 1 - 1 / self.independent)
        return np.sqrt(f * (1 - f) / self.independent)

    def _log_tails(self, y: Array) -> Tails:
        f = self._cdf(y)
        with np.errstate(divide="ignore"):
            return np.log(f), np.log1p(-f)

    def _log_density(self, y: Array) -> Array:
        h = self.bandwidth
        with np.errstate(divide="ignore", invalid="ignore"):
            # no kernel: a box of half-width h, whose integral over any interval is that of the cdf
            slope = self._cdf(y + h) - self._cdf(y - h)
            return np.log(slope) - math.log(2 * h)
