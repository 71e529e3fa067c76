"""Exact laws of linear functionals of a random direction, for any spectrum."""

from __future__ import annotations

import math
from abc import abstractmethod
from fractions import Fraction
from functools import cached_property

import numpy as np
from scipy.special import betainc, betaincc, betaln, xlogy

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.distribution import Tails, log_complement, point_density, point_tails
from pennylane_wishart.ensembles.inversion import StandardLevels, log_density, log_upper_tail, state_spread
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.ensembles.scaled import Array, Scaled, Unit, scaled_float, sqrt_float
from pennylane_wishart.ensembles.spectrum import Spectrum

__all__ = ["DirichletLaw"]


class DirichletLaw(Law):
    """Base of the laws ℓ = Σ value·X with X ~ Dirichlet(shape_unit·multiplicity).

    Moments are exact rational arithmetic; tails and density come from a saddle-point
    contour integral with relative accuracy; dimensions may be ints like 2**999.
    """

    @property
    @abstractmethod
    def _spectrum(self) -> Spectrum:
        """Levels of the functional."""

    @cached_property
    def _levels(self) -> StandardLevels:
        return StandardLevels.of(self._spectrum)

    @cached_property
    def _moments(self) -> tuple[Fraction, Fraction, Fraction]:
        """Central moments 2, 3, 4."""
        return self._spectrum.functional_moments

    @property
    def _is_constant(self) -> bool:
        return self._moments[0] == 0

    def mean(self) -> float:
        return float(self._spectrum.mean)

    @property
    def _variance(self) -> Scaled:
        return Scaled(self._moments[0])

    def skewness(self) -> float:
        second, third, _ = self._moments
        return 0.0 if self._is_constant else math.copysign(sqrt_float(third**2 / second**3), third)

    def kurtosis(self) -> float:
        second, _, fourth = self._moments
        return 0.0 if self._is_constant else scaled_float(fourth / second**2 - 3)

    def support(self) -> tuple[float, float]:
        return self._spectrum.values[0], self._spectrum.values[-1]

    # --- distribution ---------------------------------------------------------------
    @property
    def _as_given(self) -> bool:
        """Whether tails and density are taken at x itself: a constant, or a closed two-level law."""
        if self._is_constant:
            return True
        return len(self._spectrum.values) == 2 and self._levels.total < limits.CONTOUR_LIGHT

    @property
    def _unit(self) -> Unit:
        # measured from the mean, a point near an end of the incomplete Beta function would lose
        # the digits of its distance from that end
        return Unit() if self._as_given else self._levels.unit

    def _cdf_error(self, y: Array) -> Array:
        if self._as_given:
            return super()._cdf_error(y)
        # the contour's error is relative to the tail that it gives
        log, relative = log_upper_tail(y, self._levels)
        return np.exp(log) * relative + limits.CLOSED_FORM_ERROR

    def _beta_point(self, x: Array) -> tuple[Array, Array, float, float]:
        """Position above the lower and below the upper level, and both Beta shapes."""
        low, high = self._spectrum.values
        gap = high - low
        first, second = self._levels.shape[1], self._levels.shape[0]
        return np.clip((x - low) / gap, 0, 1), np.clip((high - x) / gap, 0, 1), float(first), float(second)

    def _log_tails(self, y: Array) -> Tails:
        if self._is_constant:
            return point_tails(y, self.mean())
        if not self._as_given:
            return self._standard_log_tails(y)
        up, down, first, second = self._beta_point(y)
        # measured from the nearer end, so that neither tail loses digits
        near = up < 0.5
        cdf = np.where(near, betainc(first, second, up), betaincc(second, first, down))
        sf = np.where(near, betaincc(first, second, up), betainc(second, first, down))
        with np.errstate(divide="ignore"):
            lower, upper = np.log(cdf), np.log(sf)
        deep = (np.minimum(cdf, sf) < limits.UNDERFLOW) & (up > 0) & (down > 0)
        if np.any(deep):  # the contour knows logarithms where the incomplete Beta function is 0
            lower[deep], upper[deep] = self._standard_log_tails(self._levels.unit.standardise(y[deep]))
        return lower, upper

    def _standard_log_tails(self, y: Array) -> Tails:
        """Log cdf and sf at points in units of 2**exponent from the mean."""
        log, _ = log_upper_tail(y, self._levels)
        other = log_complement(log)
        return np.where(y > 0, other, log), np.where(y > 0, log, other)

    def _log_density(self, y: Array) -> Array:
        if self._is_constant:
            return point_density(y, self.mean())
        if not self._as_given:
            return log_density(y, self._levels)[0]
        above, below, first, second = self._beta_point(y)
        low, high = self._spectrum.values
        with np.errstate(divide="ignore"):
            out = xlogy(first - 1, above) + xlogy(second - 1, below)
        out = out - betaln(first, second) - math.log(high - low)
        return np.where((y < low) | (y > high), -np.inf, out)

    # --- sampling -------------------------------------------------------------------
    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        """Samples in units of the levels, in batches of bounded memory."""
        step = max(1, limits.LEVELS_AT_ONCE // len(self._levels.shape))
        batches = (min(step, size - start) for start in range(0, size, step))
        return np.concatenate([np.zeros(0), *(state_spread(self._levels, n, rng)[0] for n in batches)])

    def _sample(self, size: int, rng: np.random.Generator) -> Array:
        if self._is_constant:
            return np.full(size, self.mean())
        low, high = self.support()
        # Gamma deviates are normal for huge shapes, and rounding may step over an end
        return np.clip(self._levels.unit.restore(self._draw(size, rng)), low, high)
