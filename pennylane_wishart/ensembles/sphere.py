"""Scale mixtures of one coordinate of a random unit vector: the exact gradient laws.

Given the state, a gradient component is T·u_1 with u uniform on S^{n−1} and T random.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import betainc, betaln, log_ndtr, logsumexp

from ..errors import InputError
from .inversion import gamma_deviates
from .law import Array, Law, Tails, finite_number, log_complement
from .spectrum import log2_fraction, scaled_float, sqrt_float, std_exponent
from .twolevel import check_dim

__all__ = ["SpinFactorGradient", "SphereMixture", "coordinate_deviates"]

_NORMAL_DIM = 1e6  # above it the coordinate is normal with one Edgeworth correction
_BINS = 256  # equal-probability bins of the scale
_STORED = 1 << 17


def coordinate_deviates(n: float, size: int | tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw √n·u_1, u uniform on S^{n−1}; n may be inf (a standard normal)."""
    x = rng.standard_normal(size)
    if n == 1:
        return np.sign(x)
    if n > 1e12:
        return x
    rest = 2 * rng.standard_gamma((n - 1) / 2, size)
    return x * np.sqrt(n / (x * x + rest))


def log_coordinate_upper(z: Array, n: float) -> Array:
    """Return log P(√n·u_1 > z) for z ≥ 0 and n ≥ 2."""
    if n > _NORMAL_DIM:
        tail = log_ndtr(-z)
        # first Edgeworth term, in the exponent so that it holds far out: −z⁴/4n there
        ratio = np.exp(-z * z / 2 - tail) / math.sqrt(2 * math.pi)
        return tail - ratio * (z**3 - 3 * z) / (4 * (n + 2))
    h = (n - 1) / 2
    point = np.maximum((1 - z / math.sqrt(n)) / 2, 0.0)
    with np.errstate(divide="ignore"):
        out = np.log(betainc(h, h, point))
    deep = (point > 0) & (out < -650)
    if np.any(deep):
        w = point[deep]
        term, total = np.ones_like(w), np.ones_like(w)
        for k in range(400):  # positive series with ratio below 2w ≤ 1
            term = term * w * (2 * h + k) / (h + 1 + k)
            total += term
        out[deep] = h * np.log(w) + h * np.log1p(-w) - math.log(h) - betaln(h, h) + np.log(total)
    return out


def log_coordinate_density(z: Array, n: float) -> Array:
    """Return the log density of √n·u_1 for n ≥ 2."""
    h = (n - 1) / 2
    if n > 1e5:
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


class SphereMixture(Law):
    """Base of the laws X = T·u_1; symmetric, with exact variance and kurtosis.

    Tails and density average the law of u_1 over a stored seeded sample of T, compressed
    into equal-probability bins; ``cdf_error`` is the standard error of that average.
    """

    @property
    @abc.abstractmethod
    def _sphere_dim(self) -> int:
        """n, of any size."""

    @property
    @abc.abstractmethod
    def _scale_moments(self) -> tuple[Fraction, Fraction]:
        """E[T²] and E[T⁴], exact."""

    @abc.abstractmethod
    def _draw_scales(self, size: int, rng: np.random.Generator) -> Array:
        """Samples of T/(√n·2**exponent)."""

    @cached_property
    def _variance(self) -> Fraction:
        return self._scale_moments[0] / self._sphere_dim

    @cached_property
    def _exponent(self) -> int:
        return std_exponent(self._variance)

    @property
    def _n(self) -> float:
        return scaled_float(Fraction(self._sphere_dim))

    @cached_property
    def _atoms(self) -> tuple[Array, int]:
        scales = np.sort(self._draw_scales(_STORED, np.random.default_rng(0)))
        groups = scales.reshape(_BINS, -1)
        return np.sqrt((groups**2).mean(axis=1)), _STORED

    def mean(self) -> float:
        """Return 0: the law is symmetric."""
        return 0.0

    def var(self) -> float:
        """Return E[T²]/n, exact; 0.0 where it underflows (see ``log2_var``)."""
        return scaled_float(self._variance)

    @property
    def log2_var(self) -> float:
        """Base-2 logarithm of the variance, exact even where ``var`` underflows."""
        return log2_fraction(self._variance)

    def skewness(self) -> float:
        """Return 0: the law is symmetric."""
        return 0.0

    def kurtosis(self) -> float:
        """Return 3n/(n+2)·E[T⁴]/E[T²]² − 3, exact."""
        second, fourth = self._scale_moments
        n = self._sphere_dim
        return 0.0 if second == 0 else scaled_float(3 * n * fourth / ((n + 2) * second**2) - 3)

    def _mix(self, z: Array, kernel: Any) -> tuple[Array, Array]:
        """Log of the mean of exp(kernel(z/T)) over the bins, and its standard error."""
        atoms, stored = self._atoms
        log, error = np.empty_like(z), np.empty_like(z)
        for start in range(0, z.size, 512):
            part = kernel(z[start : start + 512, None] / atoms, atoms)
            rows = logsumexp(part, axis=1) - math.log(len(atoms))
            log[start : start + 512] = rows
            error[start : start + 512] = np.exp(part).std(axis=1) / math.sqrt(stored)
        return log, error

    def _upper(self, x: Array) -> tuple[Array, Array]:
        z = np.abs(np.ldexp(x, -self._exponent))
        if self._sphere_dim == 1:  # u is a sign: the law of ±T itself
            return self._mix(z, lambda ratio, _: np.where(ratio < 1, math.log(0.5), -np.inf))
        return self._mix(z, lambda ratio, _: log_coordinate_upper(ratio.ravel(), self._n).reshape(ratio.shape))

    def _log_tails(self, x: Array) -> Tails:
        with np.errstate(divide="ignore"):
            tail = self._upper(x)[0]
        other = log_complement(tail)
        return np.where(x > 0, other, tail), np.where(x > 0, tail, other)

    def _log_density(self, x: Array) -> Array:
        if self._sphere_dim == 1:
            step = 0.02 * self.std()
            rise = np.exp(self._log_tails(x + step)[0]) - np.exp(self._log_tails(x - step)[0])
            with np.errstate(divide="ignore"):
                return np.log(np.maximum(rise, 0.0)) - math.log(2 * step)
        z = np.ldexp(x, -self._exponent)
        log, _ = self._mix(z, lambda ratio, t: log_coordinate_density(ratio, self._n) - np.log(t))
        return log - self._exponent * math.log(2)

    def cdf_error(self, x: Any) -> Any:
        """Return the standard error of ``cdf`` from the stored sample of scales."""
        return self._apply(lambda flat: self._upper(flat)[1] + 1e-14, x)

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        scales = self._draw_scales(size, rng)
        return np.ldexp(scales * coordinate_deviates(self._n, size, rng), self._exponent)


@dataclass(frozen=True)
class SpinFactorGradient(SphereMixture):
    """Describe a deep-circuit gradient of a spin-factor loss, exactly.

    A generator norm·iγ_iγ_j turns the Majorana plane (i, j) by 2·norm·θ, so
    ∂ℓ = 2·norm·A·(x_i y_j − x_j y_i), A = |a|‖b‖, x (from the input) and y (from the
    observable) uniform on S^{d−1} and independent. Given x it is T·u_1 on S^{d−1} with
    T² = (2·norm·A)²·Beta(1, (d−2)/2): variance 8·norm²A²/d², excess kurtosis
    6d²/(d+2)² − 3. Several commuting planes with one angle: give all their norms.
    NOT valid before the deep limit on both sides of the gate.

    Args:
        amplitude: A = |a|·‖b‖ ≥ 0.
        dim: d ≥ 2 Majoranas rotated.
        norm: coefficient of the plane (½ for a Pauli rotation), or a tuple, one per plane.
    Source: ours.
    Example:
        >>> SpinFactorGradient(1.0, 8, 0.5).var() == 2 / 8**2
        True
    """

    amplitude: float
    dim: int
    norm: float | tuple[float, ...] = 0.5

    def __post_init__(self) -> None:
        amplitude = finite_number(self.amplitude, "amplitude")
        if amplitude <= 0:
            raise InputError(f"amplitude must be positive; got {amplitude}. Use Constant(0.0).")
        object.__setattr__(self, "amplitude", amplitude)
        object.__setattr__(self, "dim", check_dim(self.dim, "dim", 2))
        norms = tuple(float(c) for c in np.atleast_1d(np.asarray(self.norm, dtype=float)))
        if not all(math.isfinite(c) for c in norms) or not any(norms):
            raise InputError(f"norm must be finite and not zero; got {self.norm!r}. Use Constant.")
        object.__setattr__(self, "norm", norms[0] if len(norms) == 1 else norms)
        if 2 * len(norms) > self.dim:
            raise InputError(f"norm names {len(norms)} planes, more than fit in dim {self.dim}.")

    @property
    def _norms(self) -> tuple[float, ...]:
        return self.norm if isinstance(self.norm, tuple) else (self.norm,)

    @property
    def _sphere_dim(self) -> int:
        return self.dim

    @cached_property
    def _scale_moments(self) -> tuple[Fraction, Fraction]:  # type: ignore[override]
        # T² = Σ (2 c A)² X_k, X ~ Dirichlet(1, …, 1, (d − 2·planes)/2), total shape d/2
        squares = [(2 * Fraction(c) * Fraction(self.amplitude)) ** 2 for c in self._norms]
        a = Fraction(self.dim, 2)
        first, second = sum(squares), sum(s * s for s in squares)
        return first / a, (second + first**2) / (a * (a + 1))

    def _draw_scales(self, size: int, rng: np.random.Generator) -> Array:
        a = Fraction(self.dim, 2)
        rest = scaled_float(a - len(self._norms))
        # the unit is √a-free: T²/(n·4^e) = Σ coefficient·g / (total/a)
        unit = Fraction(4) ** self._exponent * self.dim * a
        total, top = np.zeros(size), np.zeros(size)
        inverse = scaled_float(1 / a)
        for c in self._norms:
            g = rng.standard_gamma(1.0, size)
            top += scaled_float((2 * Fraction(c) * Fraction(self.amplitude)) ** 2 / unit) * g
            total += g * inverse
        if rest > 0:
            share = sqrt_float(a - len(self._norms)) if math.isfinite(rest) else math.inf
            root = scaled_float(1 / Fraction(share)) if math.isfinite(share) else 0.0
            relative = gamma_deviates(rest, size, rng) * root
            total += scaled_float((a - len(self._norms)) / a) * (1 + relative)
        return np.sqrt(top / total)

    def support(self) -> tuple[float, float]:
        """Return ± the largest rotation speed times the amplitude."""
        edge = 2 * max(abs(c) for c in self._norms) * self.amplitude
        return -edge, edge

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        return "exact spin factor"

    @property
    def validity(self) -> str:
        """When the law is not valid."""
        return "Not valid if a Majorana is a generator, or without deep layers on both sides."
