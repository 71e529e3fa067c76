"""The published, asymptotic law of a loss: a shifted Gamma law."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc, gammaincc, gammainccinv, gammaincinv, gammaln, log_ndtr

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.ensembles.arguments import check_beta, finite_number, freeze
from pennylane_wishart.ensembles.distribution import Tails
from pennylane_wishart.ensembles.inversion import log1p_minus
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.ensembles.scaled import Array, Scaled, Unit
from pennylane_wishart.errors import InputError

__all__ = ["GammaLoss"]


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
        shape = finite_number(self.shape, "shape", positive=True)
        scale = finite_number(self.scale, "scale", positive=True)
        freeze(self, shape=shape, scale=scale, minimum=finite_number(self.minimum, "minimum"))

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

    @property
    def engine(self) -> str:
        return "moment-matched gamma" if self.matched else "asymptotic gamma"

    @property
    def validity(self) -> str:
        if self.matched:
            return "Mean and variance are exact, the shape is not: a Pauli observable has skewness 0."
        return (
            "Asymptotic: not valid unless the rank of O − minimum is small against the sector's "
            "dimension and its non-zero eigenvalues are close together."
        )

    def mean(self) -> float:
        return self.minimum + self.shape * self.scale

    @property
    def _variance(self) -> Scaled:
        return Scaled.with_square(self.shape, self.scale)

    def skewness(self) -> float:
        return 2 / math.sqrt(self.shape)

    def kurtosis(self) -> float:
        return 6 / self.shape

    def support(self) -> tuple[float, float]:
        return self.minimum, math.inf

    @property
    def _unit(self) -> Unit:
        return Unit(factor=self.scale, origin=self.minimum)

    def _log_tails(self, y: Array) -> Tails:
        a = self.shape
        if a > limits.GAMMA_NORMAL_SHAPE:
            z = (y - a) / math.sqrt(a)
            z = z - self.skewness() * (z**2 - 1) / 6  # invert the Cornish–Fisher expansion
            return log_ndtr(z), log_ndtr(-z)
        y = np.maximum(y, 0.0)
        with np.errstate(divide="ignore"):
            lower, upper = np.log(gammainc(a, y)), np.log(gammaincc(a, y))
        # the incomplete functions underflow before their logarithms do
        lower = np.where((y > 0) & (lower < limits.LOG_UNDERFLOW), self._deep_lower(y), lower)
        return lower, np.where(upper < limits.LOG_UNDERFLOW, self._deep_upper(y), upper)

    def _deep_lower(self, y: Array) -> Array:
        """First terms of the series y^a e^−y/Γ(a+1)·Σ y^k/(a+1)_k, all positive."""
        term, total = np.ones_like(y), np.ones_like(y)
        small = np.minimum(y, self.shape)  # the lower tail lies below the mean; elsewhere it is not read
        for k in range(1, limits.TAIL_TERMS):
            term = term * small / (self.shape + k)
            total += term
        with np.errstate(divide="ignore"):
            return np.asarray(self.shape * np.log(y) - y - gammaln(self.shape + 1) + np.log(total))

    def _deep_upper(self, y: Array) -> Array:
        """Lentz's continued fraction of the upper incomplete Gamma function."""
        y = np.maximum(y, self.shape + 1)
        b = y + 1 - self.shape
        c, d = np.full_like(y, 1 / TINY), 1 / b  # an infinite first convergent
        h = d
        for k in range(1, limits.TAIL_TERMS):
            an = -k * (k - self.shape)
            b = b + 2
            d = 1 / (an * d + b)
            c = b + an / c
            h = h * d * c
        return np.asarray(self.shape * np.log(y) - y - gammaln(self.shape) + np.log(h))

    def _log_density(self, y: Array) -> Array:
        a = self.shape
        with np.errstate(divide="ignore", invalid="ignore"):
            if a > limits.GAMMA_STIRLING_SHAPE:  # Stirling's series cancelled by hand
                u = (y - a) / a
                out = a * log1p_minus(u) - np.log1p(u) - 1 / (12 * a) - math.log(2 * math.pi * a) / 2
            else:
                out = (a - 1) * np.log(y) - y - gammaln(a)
        at_edge = 0.0 if a == 1 else math.copysign(math.inf, 1 - a)
        return np.where(y < 0, -np.inf, np.where(y == 0, at_edge, out))

    def _quantiles(self, lower: Array, upper: Array) -> Array:
        if self.shape > limits.GAMMA_INVERSE_SHAPE:
            return super()._quantiles(lower, upper)
        y = np.where(lower < 0.5, gammaincinv(self.shape, lower), gammainccinv(self.shape, upper))
        return self._unit.restore(y)

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        return rng.standard_gamma(self.shape, size)
