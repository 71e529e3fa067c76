"""The published, asymptotic gradient law: a normal law with Gamma-distributed variance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln, kve, log_ndtr, logsumexp

from .inversion import log1p_minus
from .law import Array, Law, Tails, finite_number, log_complement
from .spectrum import check_beta

__all__ = ["VarianceGamma"]

_NODES = 128  # trapezoid intervals in the Gamma variable; 512 for a small K
_NORMAL_DOF = 1e8  # above it a normal law with one Edgeworth correction


@dataclass(frozen=True)
class VarianceGamma(Law):
    """Describe a gradient as c·Σ_{j≤K} x_j y_j with standard normal x, y.

    Characteristic function (1 + c²t²)^(−K/2), variance c²K, excess kurtosis 6/K,
    c = 2‖φ‖ō/(βm), K = βm. NOT valid unless r ≪ N: the variance is right at any size, the
    shape is not (a Pauli observable has negative kurtosis, this law a positive one).

    Args:
        dof_real: K, number of real degrees of freedom, > 0.
        scale: c, in the observable's units, > 0.
        matched: whether the variance is the exact one.
    Cost: pdf one Bessel function per point (quadrature where it overflows), cdf a
        128-interval quadrature per point, relatively accurate in the tails.
    Source: Anschuetz, arXiv:2408.11901 (gradient distribution); in closed form here.
    Example:
        >>> law = VarianceGamma(dof_real=4, scale=0.5)
        >>> law.var(), law.kurtosis()
        (1.0, 1.5)
    """

    dof_real: float
    scale: float
    matched: bool = False

    def __post_init__(self) -> None:
        for name in ("dof_real", "scale"):
            object.__setattr__(self, name, finite_number(getattr(self, name), name, positive=True))

    @classmethod
    def from_sector(cls, norm: float, mean: float, beta: int, dof: float, weight: float = 1.0) -> VarianceGamma:
        """Build the law of a sector.

        Args:
            norm: ‖φ‖, root of the gate's state variance (½ for a real Pauli rotation).
            mean: ō, the mean of O − minimum in the sector.
            beta: 1, 2 or 4.
            dof: m (or r for the published law).
            weight: weight of the pure input in the sector.
        """
        real = check_beta(beta) * finite_number(dof, "dof", positive=True)
        return cls(real, 2 * norm * weight * mean / real)

    def mean(self) -> float:
        """Return 0."""
        return 0.0

    def var(self) -> float:
        """Return c²K."""
        return self.scale**2 * self.dof_real

    @property
    def log2_var(self) -> float:
        """Base-2 logarithm of the variance."""
        return 2 * math.log2(self.scale) + math.log2(self.dof_real)

    def skewness(self) -> float:
        """Return 0."""
        return 0.0

    def kurtosis(self) -> float:
        """Return 6/K."""
        return 6 / self.dof_real

    def support(self) -> tuple[float, float]:
        """Return the whole line."""
        return -math.inf, math.inf

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        return "moment-matched variance-gamma" if self.matched else "asymptotic variance-gamma"

    @property
    def validity(self) -> str:
        """When the law is not valid."""
        if self.matched:
            return "The variance is exact, the kurtosis may have the wrong sign."
        return (
            "Asymptotic: not valid unless the rank of O − minimum is small against the sector's "
            "dimension; the variance is right, the kurtosis may have the wrong sign."
        )

    def cdf_error(self, x: Any) -> Any:
        """Return the quadrature error of ``cdf``: the difference to half the nodes."""

        def error(flat: Array) -> Array:
            y = np.abs(flat) / self.scale
            full, half = (np.exp(self._mix(y, False, skip)) for skip in (1, 2))
            return np.abs(full - half) + 1e-15

        return self._apply(error, x)

    def _mix(self, y: Array, density: bool, skip: int = 1) -> Array:
        """Log of E[normal tail or density at y with variance 2g], g ~ Gamma(K/2).

        A trapezoid in u = log g about the mode of the integrand, in units of its width,
        stretched as sinh because a small K leaves a long left tail.
        """
        if self.dof_real > _NORMAL_DOF:
            z = y / math.sqrt(self.dof_real)
            if density:
                correction = (z**4 - 6 * z**2 + 3) / (4 * self.dof_real)
                return -z * z / 2 + correction - math.log(2 * math.pi * self.dof_real) / 2
            tail = log_ndtr(-z)
            ratio = np.exp(-z * z / 2 - tail) / math.sqrt(2 * math.pi)
            return tail + ratio * (z**3 - 3 * z) / (4 * self.dof_real)
        h = self.dof_real / 2
        # the mode of h·u − e^u − y²/(4e^u), g² − hg − y²/4 = 0, and its curvature there
        mode = (h + np.sqrt(h * h + y * y)) / 2
        width = 1 / np.sqrt(mode + y * y / (4 * mode))
        steps = np.linspace(-6.0, 6.0, 1 + _NODES * (4 if h < 2 else 1))[::skip]
        spacing = steps[1] - steps[0]
        reach = np.log1p(80 / h / width[:, None]) if h < 20 else np.full((y.size, 1), 2.0)
        stretch = np.maximum(reach / 6, 0.3)
        shift = width[:, None] * np.sinh(stretch * steps) / stretch
        rise = np.exp(np.minimum(shift, 700.0))
        g = mode[:, None] * rise
        # h·log(g/h) − (g − h), with the cancellation at large h done by log(1+x) − x
        relative = (g - h) / h
        weight = h * np.where(relative > -0.5, log1p_minus(np.maximum(relative, -0.5)), 0.0)
        weight = np.where(relative > -0.5, weight, h * (np.log(mode[:, None] / h) + shift) - (g - h))
        norm = h * math.log(h) - h - gammaln(h) if h < 1e3 else (0.5 * math.log(h / (2 * math.pi)) - 1 / (12 * h))
        z = y[:, None] / np.sqrt(2 * g)
        part = -z * z / 2 - np.log(4 * np.pi * g) / 2 if density else log_ndtr(-z)
        log = weight + part + np.log(np.cosh(stretch * steps) * width[:, None] * spacing)
        return logsumexp(log, axis=1) + norm

    def _log_tails(self, x: Array) -> Tails:
        tail = self._mix(np.abs(x) / self.scale, False)
        other = log_complement(tail)
        return np.where(x > 0, other, tail), np.where(x > 0, tail, other)

    def _log_density(self, x: Array) -> Array:
        y, order = np.abs(x) / self.scale, (self.dof_real - 1) / 2
        with np.errstate(all="ignore"):
            log = order * np.log(y) + np.log(kve(order, y)) - y
        log -= math.log(math.pi) / 2 + order * math.log(2) + gammaln(self.dof_real / 2)
        poor = ~np.isfinite(log) & np.isfinite(y) if self.dof_real < 1e3 else np.isfinite(y)
        if np.any(poor):
            log[poor] = self._mix(np.maximum(y[poor], 0.0), True)
        at_zero = y == 0
        if np.any(at_zero):
            log[at_zero] = self._log_density_at_zero()
        return log - math.log(self.scale)

    def _log_density_at_zero(self) -> float:
        if self.dof_real <= 1:
            return math.inf
        half = self.dof_real / 2
        if half > 1e6:  # Γ(h − ½)/Γ(h) by its series
            return -math.log(4 * math.pi * half) / 2 + math.log1p(3 / (8 * half))
        return float(gammaln(half - 0.5) - gammaln(half)) - math.log(4 * math.pi) / 2

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        g = rng.standard_gamma(self.dof_real / 2, size)
        return self.scale * np.sqrt(2 * g) * rng.standard_normal(size)
