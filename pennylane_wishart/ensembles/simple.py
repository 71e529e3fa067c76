"""Closed laws that need no inversion: a point mass and the asymptotic Gamma law."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammainc, gammaincc, gammainccinv, gammaincinv, gammaln, log_ndtr

from ..errors import InputError
from .inversion import log1p_minus
from .law import Array, Law, Tails, finite_number
from .spectrum import check_beta

__all__ = ["Constant", "GammaLoss"]

_NORMAL_SHAPE = 1e10  # above it the Gamma tails come from their normal expansion


@dataclass(frozen=True)
class Constant(Law):
    """Hold a loss or gradient that does not depend on the parameters.

    The law of a dead parameter's gradient, of a loss on a fixed sector, or of a
    basis state seen by a spin factor. NOT a limit: the value is exact.

    Args:
        value: the only value, in the observable's units.
    Example:
        >>> Constant(0.5).cdf([0.4, 0.5]).tolist()
        [0.0, 1.0]
    """

    value: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", finite_number(self.value, "value"))

    def mean(self) -> float:
        """Return the value."""
        return self.value

    def var(self) -> float:
        """Return 0."""
        return 0.0

    def skewness(self) -> float:
        """Return 0 by convention."""
        return 0.0

    def kurtosis(self) -> float:
        """Return 0 by convention."""
        return 0.0

    def support(self) -> tuple[float, float]:
        """Return the value twice."""
        return self.value, self.value

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        return "constant"

    @property
    def validity(self) -> str:
        """When the law is not valid."""
        return "Always valid: the quantity does not vary."

    def cdf_error(self, x: Any) -> Any:
        """Return 0."""
        return self._apply(np.zeros_like, x)

    def _log_tails(self, x: Array) -> Tails:
        above = x >= self.value
        return np.where(above, 0.0, -np.inf), np.where(above, -np.inf, 0.0)

    def _log_density(self, x: Array) -> Array:
        return np.where(x == self.value, np.inf, -np.inf)

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        return np.full(size, self.value)

    def _quantiles(self, q: Array) -> Array:
        return np.full(q.shape, self.value)


@dataclass(frozen=True)
class GammaLoss(Law):
    """Describe a loss as minimum + Gamma(shape, scale), the published asymptotic law.

    ℓ − ℓ* ~ Gamma(βr/2, 2ō/(βr)) for a pure input in one sector. With m in place of r
    (1/m = 1/r − 1/D) the variance is right at finite size, the shape still is not:
    a Pauli observable has skewness 0, this law √(8/βm).

    Args:
        shape: Gamma shape, > 0.
        scale: Gamma scale in the observable's units, > 0.
        minimum: smallest loss ℓ*.
        matched: whether mean and variance are the exact ones (m in place of r).
    Source: Anschuetz, arXiv:2408.11901 (theorem on the Wishart process, one sector).
    Example:
        >>> law = GammaLoss.from_sector(dof=8, mean=1.0, minimum=-1.0, beta=2)
        >>> law.mean(), law.var()
        (0.0, 0.125)
    """

    shape: float
    scale: float
    minimum: float = 0.0
    matched: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", finite_number(self.shape, "shape", positive=True))
        object.__setattr__(self, "scale", finite_number(self.scale, "scale", positive=True))
        object.__setattr__(self, "minimum", finite_number(self.minimum, "minimum"))

    @classmethod
    def from_sector(
        cls,
        dof: float,
        mean: float,
        minimum: float,
        beta: int,
        weight: float = 1.0,
        dim: int | None = None,
    ) -> GammaLoss:
        """Build the law of a sector from its degrees of freedom.

        Args:
            dof: r (published) or m (matches the finite-size variance).
            mean: ō, the mean of O − minimum in the sector.
            minimum: λ_min of O in the sector.
            beta: 1, 2 or 4.
            weight: weight of the pure input in the sector, in (0, 1].
            dim: dimension D over F; when given with dof = m, the variance is the exact one,
                (2ō²/βm)·D/(D + 2/β).
        """
        beta = check_beta(beta)
        dof = finite_number(dof, "dof", positive=True)
        mean = finite_number(mean, "mean", positive=True)
        weight = finite_number(weight, "weight", positive=True)
        shape = beta * dof / 2
        if dim is not None:
            if dim < 1:
                raise InputError(f"dim must be a positive integer; got {dim!r}.")
            shape *= 1 + 2 / (beta * dim)
        return cls(shape, weight * mean / shape, weight * minimum)

    def mean(self) -> float:
        """Return minimum + shape·scale."""
        return self.minimum + self.shape * self.scale

    def var(self) -> float:
        """Return shape·scale²."""
        return self.shape * self.scale**2

    @property
    def log2_var(self) -> float:
        """Base-2 logarithm of the variance."""
        return math.log2(self.shape) + 2 * math.log2(self.scale)

    def skewness(self) -> float:
        """Return 2/√shape."""
        return 2 / math.sqrt(self.shape)

    def kurtosis(self) -> float:
        """Return 6/shape."""
        return 6 / self.shape

    def support(self) -> tuple[float, float]:
        """Return (minimum, inf)."""
        return self.minimum, math.inf

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        return "moment-matched gamma" if self.matched else "asymptotic gamma"

    @property
    def validity(self) -> str:
        """When the law is not valid."""
        if self.matched:
            return "Mean and variance are exact, the shape is not: a Pauli observable has skewness 0."
        return (
            "Asymptotic: not valid unless the rank of O − minimum is small against the sector's "
            "dimension and its non-zero eigenvalues are close together."
        )

    def _standard(self, x: Array) -> Array:
        return (x - self.mean()) / self.std()

    def _log_tails(self, x: Array) -> Tails:
        z = np.maximum((x - self.minimum) / self.scale, 0.0)
        if self.shape > _NORMAL_SHAPE:
            y = self._standard(x)
            y = y - self.skewness() * (y**2 - 1) / 6  # invert the Cornish–Fisher expansion
            return log_ndtr(y), log_ndtr(-y)
        with np.errstate(divide="ignore"):
            lower, upper = np.log(gammainc(self.shape, z)), np.log(gammaincc(self.shape, z))
        lower = np.where((z > 0) & (lower < -650), self._deep_lower(z), lower)
        return lower, np.where(upper < -650, self._deep_upper(z), upper)

    def _deep_lower(self, z: Array) -> Array:
        """First terms of the series z^a e^−z/Γ(a+1)·Σ z^k/(a+1)_k, all positive."""
        term, total = np.ones_like(z), np.ones_like(z)
        small = np.minimum(z, self.shape)
        for k in range(1, 200):
            term = term * small / (self.shape + k)
            total += term
        with np.errstate(divide="ignore"):
            return self.shape * np.log(z) - z - gammaln(self.shape + 1) + np.log(total)

    def _deep_upper(self, z: Array) -> Array:
        """Lentz's continued fraction of the upper incomplete Gamma function."""
        z = np.maximum(z, self.shape + 1)
        b = z + 1 - self.shape
        c, d = np.full_like(z, 1e300), 1 / b
        h = d
        for k in range(1, 200):
            an = -k * (k - self.shape)
            b = b + 2
            d = 1 / (an * d + b)
            c = b + an / c
            h = h * d * c
        return self.shape * np.log(z) - z - gammaln(self.shape) + np.log(h)

    def _log_density(self, x: Array) -> Array:
        z = (x - self.minimum) / self.scale
        a = self.shape
        with np.errstate(divide="ignore", invalid="ignore"):
            if a > 1e3:  # Stirling's series cancelled by hand
                u = (x - self.mean()) / (a * self.scale)
                out = a * log1p_minus(u) - np.log1p(u) - 1 / (12 * a) - math.log(2 * math.pi * a) / 2
            else:
                out = (a - 1) * np.log(z) - z - gammaln(a)
        out = out - math.log(self.scale)
        return np.where(z < 0, -np.inf, np.where(z == 0, self._log_density_at_edge(), out))

    def _log_density_at_edge(self) -> float:
        if self.shape == 1:
            return -math.log(self.scale)
        return math.inf if self.shape < 1 else -math.inf

    def _quantiles(self, q: Array) -> Array:
        if self.shape > 1e4:  # the inverse incomplete Gamma function loses its tails
            return super()._quantiles(q)
        lower, upper = gammaincinv(self.shape, q), gammainccinv(self.shape, 1 - q)
        return self.minimum + self.scale * np.where(q < 0.5, lower, upper)

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        return self.minimum + self.scale * rng.standard_gamma(self.shape, size)
