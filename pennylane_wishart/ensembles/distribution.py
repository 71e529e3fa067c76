"""The interface that every distribution of this package shares.

A family writes ``mean``, ``_variance``, ``skewness``, ``kurtosis``, ``support``, ``engine``,
``validity`` and, in its own ``_unit``, ``_log_tails``, ``_log_density`` and ``_draw``; everything
else follows here. Points and probabilities may be numbers or arrays of any shape.
"""

from __future__ import annotations

import abc
import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.ensembles.arguments import check_size, finite_number, freeze
from pennylane_wishart.ensembles.scaled import Array, Scaled, Unit, exp2
from pennylane_wishart.errors import InputError, Status

__all__ = ["Curve", "Distribution", "Seed", "Tails", "WithStatus", "log_complement", "point_density", "point_tails"]

Tails = tuple[Array, Array]
Seed = int | np.random.Generator | None
Function = Callable[[Array], Array]


def log_complement(log_probability: Array) -> Array:
    """Return log(1 − e^x) for x ≤ 0 without cancellation."""
    x = np.minimum(log_probability, 0.0)
    with np.errstate(divide="ignore"):
        # expm1 where e^x is near 1, log1p where it is small; the other branch is kept in range
        return np.where(x > -math.log(2), np.log(-np.expm1(x)), np.log1p(-np.exp(np.minimum(x, -0.5))))


def point_tails(x: Array, point: float) -> Tails:
    """Log cdf and log sf of a point mass."""
    above = x >= point
    return np.where(above, 0.0, -np.inf), np.where(above, -np.inf, 0.0)


def point_density(x: Array, point: float) -> Array:
    """Log density of a point mass: infinite there."""
    return np.where(x == point, np.inf, -np.inf)


class Curve(Protocol):
    """What gives the probabilities of a law in its unit: the law itself, or a stored sample."""

    def _log_tails(self, y: Array) -> Tails: ...

    def _log_density(self, y: Array) -> Array: ...

    def _cdf_error(self, y: Array) -> Array: ...


@dataclass(frozen=True)
class WithStatus(Shown):
    """Base of what may be used as it stands, or not."""

    # by keyword, and no part of what a law is: equal laws of two circuits share one evaluation
    status: Status = field(default=Status.OK, kw_only=True, compare=False, repr=False)
    """Set by whoever knows the circuit."""

    def with_status(self, status: Status) -> Self:
        """Return the same law with a status; itself where nothing changes."""
        if status is self.status:
            return self
        out = copy.copy(self)
        freeze(out, status=status)
        return out


class Distribution(WithStatus, abc.ABC):
    """Base of the distributions; one is fixed when made and holds no random state."""

    if TYPE_CHECKING:  # a family writes these as a string, a field or a property: none is inherited

        @property
        def engine(self) -> str:
            """How the numbers are obtained, in a few words."""

        @property
        def validity(self) -> str:
            """When the law is not valid, in one sentence."""

    # --- what a family writes -------------------------------------------------------
    @abc.abstractmethod
    def mean(self) -> float:
        """Return the expectation."""

    @property
    @abc.abstractmethod
    def _variance(self) -> Scaled:
        """The variance, in the observable's units whatever their size."""

    @abc.abstractmethod
    def skewness(self) -> float:
        """Return the third standardised moment; 0 for a point mass."""

    @abc.abstractmethod
    def kurtosis(self) -> float:
        """Return the excess kurtosis: 0 for a normal law, and for a point mass."""

    @abc.abstractmethod
    def support(self) -> tuple[float, float]:
        """Return the smallest interval that carries all probability."""

    @property
    def _unit(self) -> Unit:
        """Unit of ``_log_tails``, ``_log_density``, ``_cdf_error`` and ``_draw``."""
        return Unit()

    @abc.abstractmethod
    def _log_tails(self, y: Array) -> Tails:
        """Log cdf and log sf at the points of a flat array."""

    @abc.abstractmethod
    def _log_density(self, y: Array) -> Array:
        """Log density at the points of a flat array."""

    def _cdf_error(self, y: Array) -> Array:
        """Absolute error of the cdf at the points of a flat array."""
        return np.full(y.shape, limits.CLOSED_FORM_ERROR)

    @abc.abstractmethod
    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        """Independent samples, shape (size,)."""

    @property
    def _curve(self) -> Curve:
        """What gives the probabilities; a law that is only known by a sample returns its table."""
        return self

    # --- what follows ---------------------------------------------------------------
    def var(self) -> float:
        """Return the variance; 0.0 where it underflows (see ``log2_var``)."""
        return float(self._variance)

    @property
    def log2_var(self) -> float:
        """Base-2 logarithm of the variance; −inf for a point mass."""
        return self._variance.log2

    def std(self) -> float:
        """Return the standard deviation, from ``log2_var``, so that it outlives ``var``."""
        return exp2(self.log2_var / 2)

    def cdf_error(self, x: ArrayLike) -> Any:
        """Estimate the absolute error of ``cdf`` at x (standard error or quadrature)."""
        return self._apply(self._curve._cdf_error, x)

    def cdf(self, x: ArrayLike) -> Any:
        """Return P(X ≤ x)."""
        return self._apply(lambda y: np.exp(self._curve._log_tails(y)[0]), x)

    def sf(self, x: ArrayLike) -> Any:
        """Return P(X > x), accurate in the upper tail."""
        return self._apply(lambda y: np.exp(self._curve._log_tails(y)[1]), x)

    def logcdf(self, x: ArrayLike) -> Any:
        """Return log P(X ≤ x)."""
        return self._apply(lambda y: self._curve._log_tails(y)[0], x)

    def logsf(self, x: ArrayLike) -> Any:
        """Return log P(X > x)."""
        return self._apply(lambda y: self._curve._log_tails(y)[1], x)

    def logpdf(self, x: ArrayLike) -> Any:
        """Return the log density."""
        return self._apply(lambda y: self._unit.log_density(self._curve._log_density(y)), x)

    def pdf(self, x: ArrayLike) -> Any:
        """Return the density; inf where it has an atom and nothing else."""
        with np.errstate(over="ignore"):
            return self._apply(lambda y: np.exp(self._unit.log_density(self._curve._log_density(y))), x)

    def log_tails(self, x: Array) -> Tails:
        """Return log cdf and log sf at the points of a flat array, in one evaluation."""
        return self._curve._log_tails(self._unit.standardise(x))

    def ppf(self, q: ArrayLike) -> Any:
        """Return the quantiles, the smallest x with cdf(x) ≥ q.

        Raises:
            InputError: if a probability lies outside [0, 1].
        """
        return _at_points(lambda lower: self._quantiles(lower, 1 - lower), _checked_levels(q))

    def isf(self, q: ArrayLike) -> Any:
        """Return the points that are exceeded with probability q, accurate for tiny q.

        Raises:
            InputError: if a probability lies outside [0, 1].
        """
        return _at_points(lambda upper: self._quantiles(1 - upper, upper), _checked_levels(q))

    def median(self) -> float:
        """Return the 50% quantile."""
        return float(self.ppf(0.5))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the interval around the median that carries a probability.

        Raises:
            InputError: if ``confidence`` lies outside [0, 1].
        """
        share = finite_number(confidence, "confidence")
        if not 0 <= share <= 1:
            raise InputError(f"confidence must lie in [0, 1]; got {confidence!r}.")
        return float(self.ppf((1 - share) / 2)), float(self.isf((1 - share) / 2))

    def stats(self, moments: str = "mv") -> tuple[float, ...]:
        """Return mean (m), variance (v), skewness (s), excess kurtosis (k), as asked for.

        Raises:
            InputError: if ``moments`` holds another letter.
        """
        known = {"m": self.mean, "v": self.var, "s": self.skewness, "k": self.kurtosis}
        if not set(moments) <= set(known):
            raise InputError(f"moments must be letters out of 'mvsk'; got {moments!r}.")
        return tuple(known[letter]() for letter in moments)

    def rvs(self, size: int = 1, random_state: Seed = None) -> Array:
        """Draw independent values: ``sample`` under scipy's name."""
        return self.sample(size, random_state)

    def sample(self, size: int = 1, rng: Seed = None) -> Array:
        """Draw independent values, shape ``(size,)``.

        Args:
            size: number of values.
            rng: None, a seed or a ``numpy.random.Generator``.
        """
        return self._sample(check_size(size), np.random.default_rng(rng))

    # --- machinery ------------------------------------------------------------------
    def _sample(self, size: int, rng: np.random.Generator) -> Array:
        return self._unit.restore(self._draw(size, rng))

    def _apply(self, function: Function, x: ArrayLike) -> Any:
        return _at_points(lambda flat: function(self._unit.standardise(flat)), x)

    def _bracket(self) -> tuple[float, float]:
        """An interval outside which the cdf is 0 or 1 to the smallest float."""
        support, centre = self.support(), self.mean()
        ends = []
        for sign, edge, tail in ((-1, support[0], self.logcdf), (1, support[1], self.logsf)):
            # not narrower than the floats around the centre, or doubling would never leave it
            floor = max(abs(centre) * limits.NARROWEST_BRACKET, math.ulp(0.0))
            width = limits.FIRST_BRACKET * max(self.std(), floor)
            while abs(edge - centre) > width and tail(centre + sign * width) > limits.LOG_SMALLEST:
                width *= 2
            ends.append(centre + sign * min(width, abs(edge - centre), limits.LARGEST))
        return ends[0], ends[1]

    def _quantiles(self, lower: Array, upper: Array) -> Array:
        """Points with these probabilities on either side; the smaller one of two is exact and decides.

        Safeguarded Newton steps on the logarithm of the nearer tail, which is nearly linear far out.
        """
        out = np.where(lower == 0, self.support()[0], self.support()[1])
        if self.std() == 0.0:
            return np.full(lower.shape, self.mean())
        low_end, high_end = self._bracket()
        todo = np.flatnonzero((lower > 0) & (upper > 0))
        below = lower[todo] <= 0.5
        goal = np.where(below, lower[todo], upper[todo])
        low, high = np.full(goal.shape, low_end), np.full(goal.shape, high_end)
        x = np.clip(self.mean() + self.std() * np.where(below, 1, -1) * ndtri(goal), low, high)
        active = np.arange(goal.size)
        relative, absolute = limits.QUANTILE_TOLERANCE
        for _ in range(limits.QUANTILE_STEPS):
            if active.size == 0:
                break
            here = x[active]
            value, slope = self._newton_terms(here, goal[active], below[active])
            low[active] = np.where(value < 0, here, low[active])
            high[active] = np.where(value >= 0, here, high[active])
            with np.errstate(all="ignore"):
                step = here - value / slope
            # a step out of the bracket (flat density, atom) is replaced by its middle
            inside = np.isfinite(step) & (step >= low[active]) & (step <= high[active])
            new = np.where(inside, step, low[active] / 2 + high[active] / 2)
            tolerance = relative * np.abs(new) + absolute * self.std()
            done = (np.abs(new - here) <= tolerance) | (high[active] - low[active] <= tolerance)
            x[active] = np.where(value == 0, here, new)
            active = active[~(done | (value == 0))]
        out[todo] = x
        return out

    def _newton_terms(self, x: Array, goal: Array, below: NDArray[np.bool_]) -> Tails:
        """A function that vanishes at the quantile, in the log of the tail that is given, and its slope."""
        lower, upper = self.log_tails(x)
        density = self._unit.log_density(self._curve._log_density(self._unit.standardise(x)))
        with np.errstate(all="ignore"):
            value = np.where(below, lower - np.log(goal), np.log(goal) - upper)
            slope = np.exp(density - np.where(below, lower, upper))
        # −inf − (−inf) beyond both tails: no information, so the bracket decides
        value = np.where(np.isnan(value), 0.0, value)
        return value, slope


def _at_points(function: Function, x: ArrayLike) -> Any:
    """Apply a function of a flat array to points of any shape; a number gives a number."""
    points = np.asarray(x, dtype=np.float64)
    out = function(np.atleast_1d(points).ravel()).reshape(points.shape)
    return float(out) if points.ndim == 0 else out


def _checked_levels(q: ArrayLike) -> Array:
    levels = np.asarray(q, dtype=np.float64)
    if not np.all((levels >= 0) & (levels <= 1)):
        raise InputError(f"q must hold probabilities, and each q must lie in [0, 1]; got {q!r}.")
    return levels
