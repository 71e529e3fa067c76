"""Scale mixtures of one coordinate of a random unit vector: the exact gradient laws.

Given the state, a gradient component is T·u_1 with u uniform on S^{n−1} and T random.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from fractions import Fraction
from functools import cached_property

import numpy as np
from scipy.special import betainc, betaln, log_ndtr, logsumexp

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.component import GradientLaw
from pennylane_wishart.ensembles.scaled import Array, Scaled, Unit, scaled_float, std_exponent

__all__ = ["SphereMixture", "coordinate_deviates"]


def coordinate_deviates(n: float, size: int | tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw √n·u_1, u uniform on S^{n−1}; n may be inf (a standard normal)."""
    x = rng.standard_normal(size)
    if n == 1:  # the sphere S⁰ is two points
        return np.sign(x)
    if n > limits.SPHERE_DRAW_DIM:
        return x
    rest = 2 * rng.standard_gamma((n - 1) / 2, size)
    return x * np.sqrt(n / (x * x + rest))


def log_coordinate_upper(z: Array, n: float) -> Array:
    """Return log P(√n·u_1 > z) for z ≥ 0 and n ≥ 2."""
    if n > limits.SPHERE_NORMAL_DIM:
        tail = log_ndtr(-z)
        # first Edgeworth term, in the exponent so that it holds far out: −z⁴/4n there
        ratio = np.exp(-z * z / 2 - tail) / math.sqrt(2 * math.pi)
        return np.asarray(tail - ratio * (z**3 - 3 * z) / (4 * (n + 2)))
    h = (n - 1) / 2
    # (1 − u_1)/2 is Beta(h, h), and its lower tail is u_1's upper one
    point = np.maximum((1 - z / math.sqrt(n)) / 2, 0.0)
    with np.errstate(divide="ignore"):
        out = np.log(betainc(h, h, point))
    deep = (point > 0) & (out < limits.LOG_UNDERFLOW)
    if np.any(deep):
        w = point[deep]
        term, total = np.ones_like(w), np.ones_like(w)
        for k in range(limits.COORDINATE_TERMS):  # positive series with ratio below 2w ≤ 1
            term = term * w * (2 * h + k) / (h + 1 + k)
            total += term
        out[deep] = h * np.log(w) + h * np.log1p(-w) - math.log(h) - betaln(h, h) + np.log(total)
    return np.asarray(out)


def log_coordinate_density(z: Array, n: float) -> Array:
    """Return the log density of √n·u_1 for n ≥ 2."""
    h = (n - 1) / 2
    if n > limits.SPHERE_DENSITY_DIM:
        norm = -0.5 * math.log(2 * math.pi) + 0.5 * math.log1p(-1 / n) - 1 / (8 * h)
    else:
        norm = -betaln(h, 0.5) - 0.5 * math.log(n)
    square = np.minimum(z * z / n, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if n == math.inf:
            out = -z * z / 2
        elif n == 3:
            out = np.zeros_like(z)
        else:
            out = (n - 3) / 2 * np.log1p(-square)
    return np.where(z * z <= n, out + norm, -np.inf)


class SphereMixture(GradientLaw):
    """Base of the laws X = T·u_1; symmetric, with exact variance and kurtosis.

    Tails and density average the law of u_1 over a stored seeded sample of T, compressed
    into equal-probability bins; ``cdf_error`` is the standard error of that average.
    """

    @property
    @abstractmethod
    def _sphere_dim(self) -> int:
        """n, of any size."""

    @property
    @abstractmethod
    def _scale_moments(self) -> tuple[Fraction, Fraction]:
        """E[T²] and E[T⁴], exact."""

    @abstractmethod
    def _draw_scales(self, size: int, rng: np.random.Generator) -> Array:
        """Samples of T/(√n·2**exponent)."""

    @cached_property
    def _second_moment(self) -> Fraction:
        return self._scale_moments[0] / self._sphere_dim

    @property
    def _variance(self) -> Scaled:
        return Scaled(self._second_moment)

    @cached_property
    def _exponent(self) -> int:
        return std_exponent(self._second_moment)

    @property
    def _unit(self) -> Unit:
        return Unit(self._exponent)

    @property
    def _n(self) -> float:
        return scaled_float(Fraction(self._sphere_dim))

    def kurtosis(self) -> float:
        """Return 3n/(n+2)·E[T⁴]/E[T²]² − 3, exact."""
        second, fourth = self._scale_moments
        n = self._sphere_dim
        return 0.0 if second == 0 else scaled_float(3 * n * fourth / ((n + 2) * second**2) - 3)

    @cached_property
    def _atoms(self) -> Array:
        """Root mean squares of T in bins of equal probability."""
        # rms and not mean: the second moment of the law is then exact in every bin
        scales = np.sort(self._draw_scales(limits.SCALE_DRAWS, np.random.default_rng(0)))
        return np.asarray(np.sqrt((scales.reshape(limits.SCALE_BINS, -1) ** 2).mean(axis=1)))

    def _mix(self, z: Array, kernel: Callable[[Array], Array]) -> tuple[Array, Array]:
        """Log of the mean of exp(kernel(z/T)) over the bins, and its standard error."""
        log, error = np.empty_like(z), np.empty_like(z)
        for start in range(0, z.size, limits.CONTOUR_POINTS):
            rows = slice(start, start + limits.CONTOUR_POINTS)
            part = kernel(z[rows, None] / self._atoms)
            log[rows] = logsumexp(part, axis=1) - math.log(len(self._atoms))
            error[rows] = np.exp(part).std(axis=1) / math.sqrt(limits.SCALE_DRAWS)
        return log, error

    def _upper(self, z: Array) -> tuple[Array, Array]:
        if self._sphere_dim == 1:  # u is a sign: the law of ±T itself
            return self._mix(z, lambda ratio: np.where(ratio < 1, math.log(0.5), -np.inf))
        return self._mix(z, lambda ratio: log_coordinate_upper(ratio.ravel(), self._n).reshape(ratio.shape))

    def _log_upper(self, y: Array) -> Array:
        return self._upper(y)[0]

    def _log_density(self, y: Array) -> Array:
        if self._sphere_dim == 1:
            # the bins are atoms: a difference of the cdf stands for the density
            step = limits.SPHERE_EDGE * 2.0 ** (self.log2_var / 2 - self._exponent)
            rise = np.exp(self._log_tails(y + step)[0]) - np.exp(self._log_tails(y - step)[0])
            with np.errstate(divide="ignore"):
                return np.asarray(np.log(np.maximum(rise, 0.0)) - math.log(2 * step))
        return self._mix(y, lambda ratio: log_coordinate_density(ratio, self._n) - np.log(self._atoms))[0]

    def _cdf_error(self, y: Array) -> Array:
        return self._upper(np.abs(y))[1] + limits.CLOSED_FORM_ERROR

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        return self._draw_scales(size, rng) * coordinate_deviates(self._n, size, rng)
