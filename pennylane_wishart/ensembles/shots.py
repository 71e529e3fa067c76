"""The law of an estimate from finitely many shots, and laws tabulated on a grid."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.ensembles.arguments import check_size, finite_number
from pennylane_wishart.ensembles.distribution import Distribution, Tails
from pennylane_wishart.ensembles.scaled import Array, Scaled
from pennylane_wishart.errors import InputError

__all__ = ["ShotNoise", "cell_table"]


def cell_table(law: Distribution, cells: int) -> tuple[Array, Array]:
    """Return cell edges (cells + 1,) and probabilities (cells,) of a law, its tails folded in."""
    low, high = law.support()
    reach = limits.TABLE_REACH * law.std()
    edges = np.linspace(max(low, law.mean() - reach), min(high, law.mean() + reach), cells + 1)
    cdf = np.asarray(law.cdf(edges))
    cdf[0], cdf[-1] = 0.0, 1.0
    return edges, np.diff(cdf)


@dataclass(frozen=True)
class ShotNoise(Distribution):
    """Describe the estimate of a random quantity from a finite number of shots.

    Given the true value v the estimate is normal with variance ``variance(v)/shots``
    (central limit theorem), so v and the noise are *not* independent. NOT valid for a few
    shots of an observable with few outcomes, where the estimate is discrete.

    Args:
        law: law of the true value.
        shots: measurements per estimate, ≥ 1.
        variance: single-shot variance, a number or a function of the value.
    Raises:
        InputError: if shots or variance is not as described.
    Cost: one table of 2,048 cells per law; then 2,048 normal cdfs per point.
    Source: ours.
    Example:
        >>> from pennylane_wishart.ensembles import Constant
        >>> noisy = Constant(0.0).with_shots(100, 1.0)
        >>> round(noisy.std(), 12)
        0.1
    """

    law: Distribution
    shots: int
    variance: float | Callable[[Array], ArrayLike]

    def __post_init__(self) -> None:
        if check_size(self.shots, "shots") == 0:
            raise InputError("shots must be at least 1; got 0.")
        if not callable(self.variance) and finite_number(self.variance, "variance") < 0:
            raise InputError(f"variance must not be negative; got {self.variance!r}.")

    def _noise(self, values: Array) -> Array:
        """Variance of the noise at given values; rounding below zero is cut off."""
        if callable(self.variance):
            single = np.asarray(self.variance(values), dtype=np.float64)
            if single.shape != values.shape:
                single = np.broadcast_to(single, values.shape)
            if not np.all(single >= limits.NEGATIVE_VARIANCE):
                raise InputError("variance(value) must return non-negative numbers.")
            return np.maximum(single, 0.0) / self.shots
        return np.full(values.shape, float(self.variance) / self.shots)

    @cached_property
    def _table(self) -> tuple[Array, Array, Array]:
        """Cell midpoints, probabilities, widths of the true value."""
        if self.law.std() == 0:
            return np.array([self.law.mean()]), np.ones(1), np.zeros(1)
        edges, masses = cell_table(self.law, limits.SHOT_CELLS)
        return (edges[:-1] + edges[1:]) / 2, masses, np.diff(edges)

    @cached_property
    def _noise_moments(self) -> tuple[float, float, float, float]:
        """E[v], Cov(ℓ, v), E[(ℓ−μ)² v], E[v²] of the noise variance v(ℓ)."""
        points, masses, _ = self._table
        # the noise depends on the value (a Pauli word near ±1 has little), so mixed moments are needed
        noise, shift = self._noise(points), points - self.law.mean()
        mean = float(masses @ noise)
        return (
            mean,
            float(masses @ (noise * shift)) - mean * float(masses @ shift),
            float(masses @ (noise * shift**2)),
            float(masses @ noise**2),
        )

    @property
    def engine(self) -> str:
        return f"{self.law.engine} + {self.shots} shots"

    @property
    def validity(self) -> str:
        return f"{self.law.validity} Not valid for a few shots of few outcomes (discrete)."

    def mean(self) -> float:
        return self.law.mean()  # the estimate is unbiased

    @property
    def _variance(self) -> Scaled:
        # noise adds its mean variance: given the value it has mean 0
        return Scaled(self.law.var() + self._noise_moments[0])

    def skewness(self) -> float:
        spread, third = self.law.std(), 3 * self._noise_moments[1]
        third += self.law.skewness() * spread**3
        return third / self.var() ** 1.5 if self.var() > 0 else 0.0

    def kurtosis(self) -> float:
        _, _, second, square = self._noise_moments
        # E[(d + e)⁴] with d the deviation and e normal given d: E[d⁴] + 6 E[d²v] + 3 E[v²]
        fourth = (self.law.kurtosis() + 3) * self.law.var() ** 2 + 6 * second + 3 * square
        return fourth / self.var() ** 2 - 3 if self.var() > 0 else 0.0

    def support(self) -> tuple[float, float]:
        return -math.inf, math.inf  # normal noise

    def _cdf_error(self, y: Array) -> Array:
        # the error of the law plus the second-order error of the table
        base = float(np.max(self.law.cdf_error(self._table[0])))
        return np.full(y.shape, base + 1 / limits.SHOT_CELLS**2)

    def _rows(self, x: Array, kernel: Callable[[Array, Array, Array, Array], Array]) -> Array:
        """Sum a kernel(x, midpoint, width, noise std) over the cells."""
        points, masses, widths = self._table
        sigma = np.sqrt(self._noise(points))
        out = np.empty_like(x)
        for start in range(0, x.size, limits.SHOT_ROWS):
            rows = slice(start, start + limits.SHOT_ROWS)
            out[rows] = kernel(x[rows, None], points, widths, sigma) @ masses
        return out

    def _log_tails(self, y: Array) -> Tails:
        # either tail by itself, so that neither is 1 minus a number near 1
        lower = self._rows(y, _cell_cdf)
        upper = self._rows(y, lambda x, p, w, s: _cell_cdf(-x, -p, w, s))
        with np.errstate(divide="ignore"):
            return np.log(np.clip(lower, 0, 1)), np.log(np.clip(upper, 0, 1))

    def _log_density(self, y: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(np.maximum(self._rows(y, _cell_pdf), 0.0))

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        values = self.law.sample(size, rng)
        return values + np.sqrt(self._noise(values)) * rng.standard_normal(size)


def _smooth(z: Array) -> Array:
    """Antiderivative of the normal cdf."""
    return np.asarray(z * ndtr(z) + np.exp(-z * z / 2) / math.sqrt(2 * math.pi))


def _cell_cdf(x: Array, point: Array, width: Array, sigma: Array) -> Array:
    """P(uniform cell + normal noise ≤ x); the wide-cell form where the noise is narrow."""
    safe = np.maximum(sigma, TINY)
    gap = x - point
    # a narrow cell is a point; a wide one averages the normal cdf, whose antiderivative is known
    narrow = width <= limits.NARROW_CELL * sigma
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        as_point = np.where(sigma > 0, ndtr(gap / safe), gap >= 0)
        high, low = (gap + width / 2) / safe, (gap - width / 2) / safe
        wide = (_smooth(high) - _smooth(low)) * safe / width
        ramp = np.clip(gap / width + 0.5, 0.0, 1.0)
    # without noise to speak of the antiderivative cancels: the cell's own ramp instead
    wide = np.where((sigma > limits.NARROW_NOISE * width) & np.isfinite(wide), wide, ramp)
    return np.where(narrow | (width == 0), as_point, wide)


def _cell_pdf(x: Array, point: Array, width: Array, sigma: Array) -> Array:
    safe = np.maximum(sigma, TINY)
    gap = x - point
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        as_point = np.exp(-((gap / safe) ** 2) / 2) / (safe * math.sqrt(2 * math.pi))
        wide = (ndtr((gap + width / 2) / safe) - ndtr((gap - width / 2) / safe)) / width
    return np.where(width <= limits.NARROW_CELL * sigma, as_point, np.where(width > 0, wide, as_point))
