"""The record of a law of local minima: a distribution with its error and how it was found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from ..errors import InputError, Status

__all__ = ["MinimaLaw"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MinimaLaw:
    """Distribution of the loss at the local minima of random circuits.

    Behaves as a frozen distribution of scipy.stats: ``mean var std median pdf cdf ppf sample
    support``. The curve is a monotone cubic through ``levels`` of the cumulative probability;
    mean and variance come from all samples and carry ``standard_error``. At and above the
    transition it is a point mass at the optimum (``is_point_mass``): an onset for generic circuits, not a guarantee.
    """

    knots: Floats
    """Losses at ``levels``, ascending; deviations from ``center``."""
    levels: Floats
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
    effective_sample_size: float
    """Independent minima that would give the mean the same error: variance/standard_error²."""
    log2_expected_number: float
    """log2 of the expected number of minima per circuit (each angle over one period); NaN where
    the engine does not count them."""
    log2_expected_number_error: float
    """Standard error of ``log2_expected_number``."""
    n_parameters: int
    """p."""
    transition: float
    """p*, exact: from here on minima of generic circuits are optimal. An onset, not a guarantee."""
    weighting: str
    """"count", "descent" or "basin"."""
    engine: str
    """How the numbers were made."""
    status: Status
    """Whether they can be quoted, and what to do where not."""
    seed: int | None = None
    """Seed that was given."""
    _curve: PchipInterpolator | None = field(init=False, repr=False)
    _width: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        knots, levels = np.asarray(self.knots, float), np.asarray(self.levels, float)
        if knots.ndim != 1 or knots.shape != levels.shape or knots.size == 0:
            raise InputError(f"knots and levels must be equally long 1-d arrays, got {knots.shape} and {levels.shape}.")
        if knots.size > 1 and not (np.all(np.diff(knots) > 0) and np.all(np.diff(levels) > 0)):
            raise InputError("knots and levels must both increase strictly: merge equal knots.")
        object.__setattr__(self, "knots", knots)
        object.__setattr__(self, "levels", levels)
        # In units of its width: that of a sector of 2^1000 states is 1e-150.
        width = float(knots[-1] - knots[0]) if knots.size > 1 else 1.0
        curve = PchipInterpolator(knots / width, levels) if knots.size > 1 else None
        object.__setattr__(self, "_curve", curve)
        object.__setattr__(self, "_width", width)

    @property
    def is_point_mass(self) -> bool:
        """True where every minimum is optimal (p ≥ p*)."""
        return self._curve is None

    @property
    def expected_number(self) -> float:
        """Expected number of local minima per circuit; infinity if it overflows."""
        return float(np.exp2(min(self.log2_expected_number, 1100.0)))

    @property
    def expected_number_error(self) -> float:
        """Standard error of ``expected_number``."""
        return self.expected_number * float(np.log(2)) * self.log2_expected_number_error

    @property
    def gamma(self) -> float:
        """p/p*."""
        return self.n_parameters / self.transition if self.transition else float("inf")

    def mean(self) -> float:
        """Mean loss at a minimum."""
        return self.center + self.deviation

    def var(self) -> float:
        """Variance of the loss at a minimum."""
        return self.variance

    def std(self) -> float:
        """Standard deviation of the loss at a minimum."""
        return float(np.sqrt(self.variance))

    @property
    def log2_var(self) -> float:
        """log2 of the variance; −inf for a point mass."""
        return float(np.log2(self.variance)) if self.variance > 0 else float("-inf")

    def median(self) -> float:
        """Median loss at a minimum."""
        return float(self.ppf(0.5))

    def support(self) -> tuple[float, float]:
        """Lowest and highest loss with non-zero density in the record."""
        return self.center + float(self.knots[0]), self.center + float(self.knots[-1])

    def cdf(self, x: ArrayLike) -> Floats:
        """Probability of a minimum at or below ``x``."""
        deviation = np.asarray(x, dtype=float) - self.center
        if self._curve is None:
            return np.asarray(np.where(deviation >= self.knots[0], 1.0, 0.0))
        inside = np.clip(deviation, self.knots[0], self.knots[-1])
        return np.asarray(np.clip(self._curve(inside / self._width), 0.0, 1.0))

    def pdf(self, x: ArrayLike) -> Floats:
        """Density at ``x``; infinite at the optimum for a point mass."""
        deviation = np.asarray(x, dtype=float) - self.center
        if self._curve is None:
            return np.asarray(np.where(deviation == self.knots[0], np.inf, 0.0))
        inside = (deviation >= self.knots[0]) & (deviation <= self.knots[-1])
        slope = self._curve(np.clip(deviation, self.knots[0], self.knots[-1]) / self._width, 1) / self._width
        return np.asarray(np.where(inside, np.maximum(slope, 0.0), 0.0))

    def ppf(self, q: ArrayLike) -> Floats:
        """Loss below which a fraction ``q`` of the minima lies."""
        level = np.asarray(q, dtype=float)
        if np.any((level < 0) | (level > 1)):
            raise InputError(f"q must lie in [0, 1], got {q!r}.")
        if self._curve is None:
            return np.full(level.shape, self.center + self.knots[0])
        low = np.full(level.shape, self.knots[0])
        high = np.full(level.shape, self.knots[-1])
        for _ in range(60):
            middle = 0.5 * (low + high)
            below = self._curve(middle / self._width) < level
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray(self.center + 0.5 * (low + high))

    def sample(self, size: int | tuple[int, ...], rng: object = None) -> Floats:
        """Draw losses of independent minima; ``rng`` is a seed or generator."""
        generator = np.random.default_rng(rng)  # type: ignore[arg-type]
        return self.ppf(generator.random(size))

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
