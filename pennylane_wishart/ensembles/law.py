"""The interface that every distribution of this room shares.

A family writes its moments, ``_log_tails``, ``_log_density`` and ``_draw``; everything
else follows here. Points and probabilities may be numbers or arrays of any shape.
"""

from __future__ import annotations

import abc
import copy
import math
from collections.abc import Callable
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from ..errors import InputError, Status

if TYPE_CHECKING:
    from .shots import ShotNoise

__all__ = ["Law", "check_size", "finite_number"]

Array = NDArray[np.float64]
Tails = tuple[Array, Array]


def finite_number(value: Any, name: str, *, positive: bool = False) -> float:
    """Check that an argument is a finite (positive) number and return it as a float."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or (positive and number <= 0):
        kind = "a positive finite number" if positive else "a finite number"
        raise InputError(f"{name} must be {kind}; got {value!r}.")
    return number


def check_size(size: Any, name: str = "size") -> int:
    """Check that ``size`` is a non-negative integer."""
    if isinstance(size, bool) or not isinstance(size, Integral) or size < 0:
        raise InputError(f"{name} must be a non-negative integer; got {size!r}.")
    return int(size)


def log_complement(log_probability: Array) -> Array:
    """Return log(1 − e^x) for x ≤ 0 without cancellation."""
    x = np.minimum(log_probability, 0.0)
    with np.errstate(divide="ignore"):
        return np.where(x > -math.log(2), np.log(-np.expm1(x)), np.log1p(-np.exp(np.minimum(x, -0.5))))


class Law(abc.ABC):
    """Base of the distributions; a law is fixed when made and holds no random state."""

    # --- what a family writes -------------------------------------------------------
    @abc.abstractmethod
    def mean(self) -> float:
        """Return the expectation."""

    @abc.abstractmethod
    def var(self) -> float:
        """Return the variance; 0.0 where it underflows (see ``log2_var``)."""

    @abc.abstractmethod
    def skewness(self) -> float:
        """Return the third standardised moment."""

    @abc.abstractmethod
    def kurtosis(self) -> float:
        """Return the excess kurtosis (0 for a normal law)."""

    @abc.abstractmethod
    def support(self) -> tuple[float, float]:
        """Return the smallest interval that carries all probability."""

    @abc.abstractmethod
    def _log_tails(self, x: Array) -> Tails:
        """Log cdf and log sf at the points of a flat array."""

    @abc.abstractmethod
    def _log_density(self, x: Array) -> Array:
        """Log density at the points of a flat array."""

    @abc.abstractmethod
    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        """Independent samples, shape (size,)."""

    @property
    @abc.abstractmethod
    def engine(self) -> str:
        """How the numbers are obtained, in a few words."""

    @property
    @abc.abstractmethod
    def validity(self) -> str:
        """When the law is not valid, in one sentence."""

    # --- what follows ---------------------------------------------------------------
    @property
    def status(self) -> Status:
        """Whether the law may be used as it stands; set by whoever knows the circuit."""
        return getattr(self, "_status", Status.OK)

    def with_status(self, status: Status) -> Law:
        """Return the same law with a status; itself where nothing changes."""
        if status is self.status:
            return self
        out = copy.copy(self)
        object.__setattr__(out, "_status", status)
        return out

    @property
    def log2_var(self) -> float:
        """Base-2 logarithm of the variance; −inf for a point mass."""
        variance = self.var()
        return math.log2(variance) if variance > 0 else -math.inf

    def std(self) -> float:
        """Return the standard deviation, from ``log2_var``, so that it outlives ``var``."""
        return _exp2(self.log2_var / 2)

    def cdf_error(self, x: ArrayLike) -> Any:
        """Estimate the absolute error of ``cdf`` at x (standard error or quadrature)."""
        return self._apply(lambda flat: np.full(flat.shape, 1e-14), x)

    def cdf(self, x: ArrayLike) -> Any:
        """Return P(X ≤ x)."""
        return self._apply(lambda flat: np.exp(self._log_tails(flat)[0]), x)

    def sf(self, x: ArrayLike) -> Any:
        """Return P(X > x), accurate in the upper tail."""
        return self._apply(lambda flat: np.exp(self._log_tails(flat)[1]), x)

    def logcdf(self, x: ArrayLike) -> Any:
        """Return log P(X ≤ x)."""
        return self._apply(lambda flat: self._log_tails(flat)[0], x)

    def logsf(self, x: ArrayLike) -> Any:
        """Return log P(X > x)."""
        return self._apply(lambda flat: self._log_tails(flat)[1], x)

    def logpdf(self, x: ArrayLike) -> Any:
        """Return the log density."""
        return self._apply(self._log_density, x)

    def pdf(self, x: ArrayLike) -> Any:
        """Return the density; inf where it has an atom and nothing else."""
        with np.errstate(over="ignore"):
            return self._apply(lambda flat: np.exp(self._log_density(flat)), x)

    def ppf(self, q: ArrayLike) -> Any:
        """Return the quantiles, the smallest x with cdf(x) ≥ q.

        Raises:
            InputError: if a probability lies outside [0, 1].
        """
        levels = np.asarray(q, dtype=np.float64)
        if not np.all((levels >= 0) & (levels <= 1)):
            raise InputError(f"q must hold probabilities in [0, 1]; got {q!r}.")
        return self._apply(self._quantiles, q)

    def isf(self, q: ArrayLike) -> Any:
        """Return the points that are exceeded with probability q, accurate for tiny q.

        Raises:
            InputError: if a probability lies outside [0, 1].
        """
        levels = np.asarray(q, dtype=np.float64)
        if not np.all((levels >= 0) & (levels <= 1)):
            raise InputError(f"q must hold probabilities in [0, 1]; got {q!r}.")
        return self._apply(self._upper_quantiles, q)

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

    def rvs(self, size: int = 1, random_state: Any = None) -> Array:
        """Draw independent values: ``sample`` under scipy's name."""
        return self.sample(size, random_state)

    def sample(self, size: int = 1, rng: Any = None) -> Array:
        """Draw independent values, shape ``(size,)``.

        Args:
            size: number of values.
            rng: None, a seed or a ``numpy.random.Generator``.
        """
        return self._draw(check_size(size), np.random.default_rng(rng))

    def with_shots(self, shots: int, variance: float | Callable[[Array], ArrayLike]) -> ShotNoise:
        """Return the law of the estimate of this quantity from ``shots`` measurements.

        Args:
            shots: measurements per estimate.
            variance: variance of one measurement: a number, or a function of the value
                (``lambda v: 1 - v**2`` for a Pauli word).
        """
        from .shots import ShotNoise

        return ShotNoise(self, shots, variance)

    # --- machinery ------------------------------------------------------------------
    @staticmethod
    def _apply(function: Callable[[Array], Array], x: ArrayLike) -> Any:
        points = np.asarray(x, dtype=np.float64)
        out = function(np.atleast_1d(points).ravel()).reshape(points.shape)
        return float(out) if points.ndim == 0 else out

    def _bracket(self) -> tuple[float, float]:
        """An interval outside which the cdf is 0 or 1 to the smallest float."""
        support, centre = self.support(), self.mean()
        ends = []
        for sign, edge, tail in ((-1, support[0], self.logcdf), (1, support[1], self.logsf)):
            width = 8 * max(self.std(), abs(centre) * 1e-15, 5e-324)
            while abs(edge - centre) > width and tail(centre + sign * width) > -745:
                width *= 2
            ends.append(centre + sign * min(width, abs(edge - centre), 1e308))
        return ends[0], ends[1]

    def _quantiles(self, q: Array) -> Array:
        """Safeguarded Newton steps on the logarithm of the nearer tail."""
        low_end, high_end = self._bracket()
        out = np.where(q == 0, self.support()[0], self.support()[1])
        if self.std() == 0.0:
            return np.full(q.shape, self.mean())
        todo = np.flatnonzero((q > 0) & (q < 1))
        q = q[todo]
        low, high = np.full(q.shape, low_end), np.full(q.shape, high_end)
        x = np.clip(self.mean() + self.std() * ndtri(q), low, high)
        active = np.arange(q.size)
        for _ in range(200):
            if active.size == 0:
                break
            here, goal = x[active], q[active]
            value, slope = self._newton_terms(here, goal)
            low[active] = np.where(value < 0, here, low[active])
            high[active] = np.where(value >= 0, here, high[active])
            with np.errstate(all="ignore"):
                step = here - value / slope
            inside = np.isfinite(step) & (step >= low[active]) & (step <= high[active])
            new = np.where(inside, step, low[active] / 2 + high[active] / 2)
            tolerance = 4e-15 * np.abs(new) + 1e-14 * self.std()
            done = (np.abs(new - here) <= tolerance) | (high[active] - low[active] <= tolerance)
            x[active] = np.where(value == 0, here, new)
            active = active[~(done | (value == 0))]
        out[todo] = x
        return out

    def _upper_quantiles(self, q: Array) -> Array:
        """Quantiles of 1 − q; a tiny q is found by bisection on the log of the upper tail."""
        out = self._quantiles(1 - q)
        todo = np.flatnonzero((q > 0) & (q < 1e-3))
        if todo.size == 0 or self.std() == 0.0:
            return out
        goal = np.log(q[todo])
        low, high = np.full(todo.size, self.mean()), np.full(todo.size, self._bracket()[1])
        for _ in range(200):
            middle = low / 2 + high / 2
            above = self._log_tails(middle)[1] > goal
            low, high = np.where(above, middle, low), np.where(above, high, middle)
            if np.all(high - low <= 4e-16 * np.abs(high) + 1e-15 * self.std()):
                break
        out[todo] = high
        return out

    def _newton_terms(self, x: Array, q: Array) -> Tails:
        """A decreasing-error function of the tail nearer to q, and its slope."""
        lower, upper = self._log_tails(x)
        density = self._log_density(x)
        with np.errstate(all="ignore"):
            value = np.where(q <= 0.5, lower - np.log(q), np.log1p(-q) - upper)
            slope = np.exp(density - np.where(q <= 0.5, lower, upper))
        value = np.where(np.isnan(value), 0.0, value)
        return value, slope


def _exp2(exponent: float) -> float:
    if exponent == -math.inf:
        return 0.0
    try:
        return 2.0**exponent
    except OverflowError:
        return math.inf
