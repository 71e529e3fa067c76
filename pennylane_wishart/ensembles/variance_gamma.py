"""The published, asymptotic gradient law: a normal law with Gamma-distributed variance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, kve, log_ndtr, logsumexp

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.arguments import check_beta, finite_number, freeze
from pennylane_wishart.ensembles.component import GradientLaw, State
from pennylane_wishart.ensembles.gamma import GammaLoss
from pennylane_wishart.ensembles.inversion import log1p_minus
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.ensembles.scaled import Array, Scaled, Unit
from pennylane_wishart.errors import InputError

__all__ = ["VarianceGamma"]


@dataclass(frozen=True)
class VarianceGamma(GradientLaw):
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
            freeze(self, **{name: finite_number(getattr(self, name), name, positive=True)})

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

    @property
    def engine(self) -> str:
        return "moment-matched variance-gamma" if self.matched else "asymptotic variance-gamma"

    @property
    def validity(self) -> str:
        if self.matched:
            return "The variance is exact, the kurtosis may have the wrong sign."
        return (
            "Asymptotic: not valid unless the rank of O − minimum is small against the sector's "
            "dimension; the variance is right, the kurtosis may have the wrong sign."
        )

    @property
    def _variance(self) -> Scaled:
        return Scaled.with_square(self.dof_real, self.scale)

    def kurtosis(self) -> float:
        return 6 / self.dof_real

    def support(self) -> tuple[float, float]:
        return -math.inf, math.inf

    @property
    def _unit(self) -> Unit:
        return Unit(factor=self.scale)

    def _cdf_error(self, y: Array) -> Array:
        # the difference to half the nodes
        full, half = (np.exp(self._mix(np.abs(y), False, skip)) for skip in (1, 2))
        return np.asarray(np.abs(full - half) + limits.CLOSED_FORM_ERROR / 10)

    def _log_upper(self, y: Array) -> Array:
        return self._mix(y, False)

    def _mix(self, y: Array, density: bool, skip: int = 1) -> Array:
        """Log of E[normal tail or density at y ≥ 0 with variance 2g], g ~ Gamma(K/2).

        A trapezoid in u = log g about the mode of the integrand, in units of its width,
        stretched as sinh because a small K leaves a long left tail.
        """
        if self.dof_real > limits.VARIANCE_GAMMA_NORMAL:
            z = y / math.sqrt(self.dof_real)
            if density:
                correction = (z**4 - 6 * z**2 + 3) / (4 * self.dof_real)
                return -z * z / 2 + correction - math.log(2 * math.pi * self.dof_real) / 2
            tail = log_ndtr(-z)  # the correction goes with the ratio of density and tail, which is finite far out
            ratio = np.exp(-z * z / 2 - tail) / math.sqrt(2 * math.pi)
            return np.asarray(tail + ratio * (z**3 - 3 * z) / (4 * self.dof_real))
        h = self.dof_real / 2
        # the mode of h·u − e^u − y²/(4e^u), g² − hg − y²/4 = 0, and its curvature there
        mode = (h + np.sqrt(h * h + y * y)) / 2
        width = 1 / np.sqrt(mode + y * y / (4 * mode))
        nodes = limits.MIX_NODES * (4 if h < limits.MIX_SMALL_SHAPE else 1)
        steps = np.linspace(-limits.MIX_REACH, limits.MIX_REACH, 1 + nodes)[::skip]
        spacing = steps[1] - steps[0]
        reach = np.full((y.size, 1), 2.0)  # a narrow integrand: nearly linear nodes
        if h < limits.MIX_STRETCHED_SHAPE:
            reach = np.log1p(limits.MIX_DROP / h / width[:, None])
        stretch = np.maximum(reach / limits.MIX_REACH, limits.MIX_NARROW)
        shift = width[:, None] * np.sinh(stretch * steps) / stretch
        rise = np.exp(np.minimum(shift, limits.MIX_LARGEST))
        g = mode[:, None] * rise
        # h·log(g/h) − (g − h), with the cancellation at large h done by log(1+x) − x
        relative = (g - h) / h
        weight = h * np.where(relative > limits.MIX_FLAT, log1p_minus(np.maximum(relative, limits.MIX_FLAT)), 0.0)
        weight = np.where(relative > limits.MIX_FLAT, weight, h * (np.log(mode[:, None] / h) + shift) - (g - h))
        norm = 0.5 * math.log(h / (2 * math.pi)) - 1 / (12 * h)
        if h < limits.GAMMA_STIRLING_SHAPE:
            norm = h * math.log(h) - h - float(gammaln(h))
        z = y[:, None] / np.sqrt(2 * g)
        part = -z * z / 2 - np.log(4 * np.pi * g) / 2 if density else log_ndtr(-z)
        log = weight + part + np.log(np.cosh(stretch * steps) * width[:, None] * spacing)
        return np.asarray(logsumexp(log, axis=1) + norm)

    def _log_density(self, y: Array) -> Array:
        # in closed form: the quadrature is a hundred times slower, and loses digits near 0 below K = 2
        y, order = np.abs(y), (self.dof_real - 1) / 2
        with np.errstate(all="ignore"):
            log = order * np.log(y) + np.log(kve(order, y)) - y
        log -= math.log(math.pi) / 2 + order * math.log(2) + gammaln(self.dof_real / 2)
        # where the Bessel function over- or underflows, and at large orders anyway
        poor = ~np.isfinite(log) & np.isfinite(y) if self.dof_real < limits.VARIANCE_GAMMA_BESSEL else np.isfinite(y)
        if np.any(poor):
            log[poor] = self._mix(y[poor], True)
        log[y == 0] = self._log_density_at_zero()
        return np.asarray(log)

    def _log_density_at_zero(self) -> float:
        if self.dof_real <= 1:
            return math.inf
        half = self.dof_real / 2
        if half > limits.VARIANCE_GAMMA_PEAK:  # Γ(h − ½)/Γ(h) by its series
            return -math.log(4 * math.pi * half) / 2 + math.log1p(3 / (8 * half))
        return float(gammaln(half - 0.5) - gammaln(half)) - math.log(4 * math.pi) / 2

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        g = rng.standard_gamma(self.dof_real / 2, size)
        return np.sqrt(2 * g) * rng.standard_normal(size)

    # --- with the loss: normal components whose variance is proportional to the loss ----
    _exponent = 0

    def _check_loss(self, loss: Law) -> None:
        if not isinstance(loss, GammaLoss):
            raise InputError(f"loss must be the GammaLoss of the gradients; got {loss!r}.")

    def _draw_state(self, loss: Law, size: int, rng: np.random.Generator) -> tuple[Array, State]:
        assert isinstance(loss, GammaLoss)
        losses = loss.sample(size, rng)
        return losses, (losses - loss.minimum) / (loss.mean() - loss.minimum)

    def _draw_given(self, state: State, count: int, rng: np.random.Generator) -> Array:
        assert isinstance(state, np.ndarray)
        return np.asarray(self.std() * np.sqrt(state)[:, None] * rng.standard_normal((len(state), count)))

    def _spread_ratio(self, loss: Law) -> float | None:
        assert isinstance(loss, GammaLoss)
        return 1 + 1 / loss.shape
