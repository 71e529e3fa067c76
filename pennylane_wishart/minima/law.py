"""The law of local minima: a distribution with its error and how it was found."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator

from pennylane_wishart.conventions import minima as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.ensembles import Law
from pennylane_wishart.ensembles.arguments import freeze
from pennylane_wishart.ensembles.distribution import Tails, point_density, point_tails
from pennylane_wishart.ensembles.scaled import Array, Scaled, Unit
from pennylane_wishart.errors import InputError

__all__ = ["MinimaLaw"]


@dataclass(frozen=True, eq=False)
class MinimaLaw(Law):
    """Distribution of the loss at the local minima of random circuits.

    The curve is a monotone cubic through ``levels`` of the cumulative probability; mean and variance
    come from all samples and carry ``standard_error``. At and above the transition it is a point mass
    at the optimum (``is_point_mass``): an onset for generic circuits, not a guarantee.
    """

    knots: Array
    """Losses at ``levels``, ascending; deviations from ``center``."""
    levels: Array
    """Cumulative probabilities, from 0 to 1."""
    center: float
    """Loss from which the knots are measured: the mean loss of a random state."""
    ground: float
    """The optimum ℓ*."""
    deviation: float
    """Mean of the law minus ``center``."""
    variance: float
    """Variance of the law."""
    standard_error: float
    """Standard error of the mean, from independent replicas, in the loss' units."""
    n_parameters: int
    """p."""
    transition: float
    """p*, exact: from here on minima of generic circuits are optimal. An onset, not a guarantee."""
    engine: str
    """How the numbers were made."""
    weighting: str = "count"
    """"count", "descent" or "basin"."""
    log2_expected_number: float = math.nan
    """log2 of the expected number of minima per circuit (each angle over one period); NaN where
    the engine does not count them."""
    log2_expected_number_error: float = math.nan
    """Standard error of ``log2_expected_number``."""
    seed: int | None = None
    """Seed that was given."""

    validity = "Not valid for shallow or structured circuits, or for parameters that share gates."

    def __post_init__(self) -> None:
        knots, levels = np.asarray(self.knots, float), np.asarray(self.levels, float)
        if knots.ndim != 1 or knots.shape != levels.shape or knots.size == 0:
            raise InputError(f"knots and levels must be equally long 1-d arrays, got {knots.shape} and {levels.shape}.")
        if knots.size > 1 and not (np.all(np.diff(knots) > 0) and np.all(np.diff(levels) > 0)):
            raise InputError("knots and levels must both increase strictly: merge equal knots.")
        freeze(self, knots=knots, levels=levels)

    @property
    def is_point_mass(self) -> bool:
        """True where every minimum is optimal (p ≥ p*)."""
        return self.knots.size == 1

    @property
    def effective_sample_size(self) -> float:
        """Independent minima that would give the mean the same error: variance/standard_error²."""
        if self.is_point_mass:
            return math.inf
        # the ratio before the square: both are 1e-300 in a sector of 2^1000 states
        return float((math.sqrt(self.variance) / max(self.standard_error, TINY)) ** 2)

    @property
    def expected_number(self) -> float:
        """Expected number of local minima per circuit; infinity if it overflows."""
        with np.errstate(over="ignore"):
            return float(np.exp2(self.log2_expected_number))

    @property
    def expected_number_error(self) -> float:
        """Standard error of ``expected_number``."""
        return self.expected_number * math.log(2) * self.log2_expected_number_error

    @property
    def gamma(self) -> float:
        """p/p*."""
        return self.n_parameters / self.transition if self.transition else math.inf

    # --- moments ----------------------------------------------------------------------
    def mean(self) -> float:
        return self.center + self.deviation

    @property
    def _variance(self) -> Scaled:
        return Scaled(self.variance)

    def skewness(self) -> float:
        """Return the third standardised moment of the curve."""
        return self._standardised_moment(3)

    def kurtosis(self) -> float:
        """Return the excess kurtosis of the curve."""
        return 0.0 if self.is_point_mass else self._standardised_moment(4) - 3

    def _standardised_moment(self, order: int) -> float:
        if self.is_point_mass:
            return 0.0
        nodes, weights = np.polynomial.legendre.leggauss(limits.MOMENT_NODES)
        knots = self.knots / self._unit.factor
        middle, half = (knots[1:] + knots[:-1]) / 2, np.diff(knots) / 2
        points = middle[:, None] + half[:, None] * nodes
        mass = self._cumulative(points, 1) * half[:, None] * weights
        mean = float((mass * points).sum())
        variance = float((mass * (points - mean) ** 2).sum())
        return float(float((mass * (points - mean) ** order).sum()) / variance ** (order / 2))

    def support(self) -> tuple[float, float]:
        """Lowest and highest loss with non-zero density in the record."""
        return self.center + float(self.knots[0]), self.center + float(self.knots[-1])

    # --- distribution -----------------------------------------------------------------
    @cached_property
    def _unit(self) -> Unit:
        # the width of a sector of 2^1000 states is 1e-150
        width = 1.0 if self.is_point_mass else float(self.knots[-1] - self.knots[0])
        return Unit(factor=width, origin=self.center)

    @cached_property
    def _cumulative(self) -> PchipInterpolator:
        return PchipInterpolator(self.knots / self._unit.factor, self.levels)

    def _clipped(self, y: Array) -> Array:
        return np.clip(y, self.knots[0] / self._unit.factor, self.knots[-1] / self._unit.factor)

    def _log_tails(self, y: Array) -> Tails:
        if self.is_point_mass:
            return point_tails(y, float(self.knots[0]))
        below = np.clip(self._cumulative(self._clipped(y)), 0.0, 1.0)
        with np.errstate(divide="ignore"):
            return np.log(below), np.log1p(-below)

    def _log_density(self, y: Array) -> Array:
        if self.is_point_mass:
            return point_density(y, float(self.knots[0]))
        inside = self._clipped(y)
        with np.errstate(divide="ignore"):
            # a monotone cubic may round its slope below 0
            return np.where(y == inside, np.log(np.maximum(self._cumulative(inside, 1), 0.0)), -np.inf)

    def _cdf_error(self, y: Array) -> Array:
        # binomial, of the minima that the sample is worth
        below = np.exp(self._log_tails(y)[0])
        return np.asarray(np.sqrt(below * (1 - below) / self.effective_sample_size))

    def _quantiles(self, lower: Array, upper: Array) -> Array:
        if self.is_point_mass:
            return np.full(lower.shape, self.support()[0])
        width = self._unit.factor
        low, high = (np.full(lower.shape, end / width) for end in (self.knots[0], self.knots[-1]))
        for _ in range(limits.QUANTILE_STEPS):
            middle = 0.5 * (low + high)
            below = self._cumulative(middle) < lower
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        ends = self.support()
        inner = self._unit.restore(0.5 * (low + high))
        return np.where(lower == 0, ends[0], np.where(upper == 0, ends[1], inner))

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        return self._unit.standardise(self.ppf(rng.random(size)))

    # --- other units --------------------------------------------------------------------
    def in_units_of_E(self) -> MinimaLaw:
        """Return the law of E = (ℓ − ℓ*)/ō: 0 at the optimum, 1 at the mean of random states."""
        return self.rescaled(1.0 / (self.center - self.ground), -self.ground)

    def rescaled(self, factor: float, shift: float = 0.0) -> MinimaLaw:
        """Return the law of factor·(ℓ + shift), for ``factor`` > 0."""
        if not factor > 0:
            raise InputError(f"factor must be positive, got {factor!r}.")
        return replace(
            self,
            knots=self.knots * factor,
            center=(self.center + shift) * factor,
            ground=(self.ground + shift) * factor,
            deviation=self.deviation * factor,
            variance=self.variance * factor**2,
            standard_error=self.standard_error * factor,
        )
