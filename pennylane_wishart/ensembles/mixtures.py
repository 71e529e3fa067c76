"""Sums over independent sectors, and mixtures over parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import logsumexp

from ..errors import InputError
from .law import Array, Law, Tails

__all__ = ["MixtureLaw", "SectorSum"]

_CELLS = 1 << 13  # cells of the table of a sum
_REACH = 12.0  # half-width of the table in standard deviations of the sum


def _checked_laws(laws: Iterable[Any]) -> tuple[Law, ...]:
    out = tuple(laws)
    if not out or not all(isinstance(law, Law) for law in out):
        raise InputError(f"laws must be a non-empty sequence of distributions; got {laws!r}.")
    return out


def _logsum2(exponents: Sequence[float]) -> float:
    """log2 Σ 2^e without overflow."""
    array = np.array(exponents) * math.log(2)
    return float(logsumexp(array)) / math.log(2) if np.any(np.isfinite(array)) else -math.inf


def _joined(sentences: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(sentences))


@dataclass(frozen=True)
class SectorSum(Law):
    """Describe the sum of independent laws: ℓ = Σ_α ℓ_α over independent sectors.

    Moments add as cumulants, exactly; cdf and pdf come from a convolution of tables.
    NOT valid when one group acts on several sectors together (they are then correlated),
    nor for tail probabilities below about 1e−12.

    Args:
        laws: the laws of the summands; constants shift the sum.
    Cost: one table of 8,192 cells per summand, made once.
    Source: arXiv:2408.11901 (sum over simple components).
    Example:
        >>> from pennylane_wishart.ensembles import BetaLoss
        >>> coin = BetaLoss(0, 1, 1, 2)               # uniform on [0, 1]
        >>> round(SectorSum([coin, coin]).cdf(0.5), 6)
        0.125
    """

    laws: tuple[Law, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "laws", _checked_laws(self.laws))

    def mean(self) -> float:
        """Return the sum of the means."""
        return math.fsum(law.mean() for law in self.laws)

    def var(self) -> float:
        """Return the sum of the variances."""
        return math.fsum(law.var() for law in self.laws)

    @property
    def log2_var(self) -> float:
        """Base-2 logarithm of the variance."""
        return _logsum2([law.log2_var for law in self.laws])

    def _shares(self) -> Array:
        """Fraction of the variance in each summand."""
        logs = np.array([law.log2_var for law in self.laws])
        return np.exp2(logs - self.log2_var) if self.log2_var > -math.inf else np.zeros(logs.size)

    def skewness(self) -> float:
        """Return Σ skewness·share^{3/2}."""
        skew = [law.skewness() for law in self.laws]
        return float(np.dot(skew, self._shares() ** 1.5))

    def kurtosis(self) -> float:
        """Return Σ kurtosis·share²."""
        return float(np.dot([law.kurtosis() for law in self.laws], self._shares() ** 2))

    def support(self) -> tuple[float, float]:
        """Return the sums of the ends."""
        ends = [law.support() for law in self.laws]
        return math.fsum(low for low, _ in ends), math.fsum(high for _, high in ends)

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        return " + ".join(dict.fromkeys(law.engine for law in self.laws))

    @property
    def validity(self) -> str:
        """When the law is not valid."""
        return _joined([*(law.validity for law in self.laws), "Not valid if the sectors are not independent."])

    @cached_property
    def _varying(self) -> tuple[Law, ...]:
        """Summands wide enough to matter; the others count by their mean."""
        floor = self.std() * 1e-6
        return tuple(law for law in self.laws if law.std() > floor)

    @cached_property
    def _table(self) -> tuple[Array, Array, float]:
        """Points, cdf there, and the largest difference to a table of half the cells."""
        fine, coarse = self._convolved(_CELLS), self._convolved(_CELLS // 2)
        shift = self.mean() - math.fsum(law.mean() for law in self._varying)
        error = float(np.max(np.abs(np.interp(fine[0], *coarse) - fine[1])))
        return fine[0] + shift, fine[1], error

    def _convolved(self, cells: int) -> tuple[Array, Array]:
        """Cdf of the sum of the varying laws on a grid.

        Each law puts its mass on grid points through the integral of its cdf (the mass that
        linear interpolation wants), which keeps the mean and errs by O(step²).
        """
        step = 2 * _REACH * self.std() / cells
        masses, start = np.ones(1), 0.0
        for law in self._varying:
            low, high = law.support()
            low = max(low, law.mean() - _REACH * self.std())
            high = min(high, law.mean() + _REACH * self.std())
            count = int(math.ceil((high - low) / step)) + 2
            grid = low - step / 2 + step * np.arange(count + 1)
            cdf = np.asarray(law.cdf(grid))
            cdf[0], cdf[-1] = 0.0, 1.0
            part = np.diff(cdf)
            # the midpoint of a cell is not its centre of mass: shift by what is left over
            start += grid[0] + step / 2 + law.mean() - float(part @ (grid[:-1] + step / 2))
            masses = fftconvolve(masses, part)
        edges: Array = np.asarray(start - step / 2 + step * np.arange(masses.size + 1), np.float64)
        cdf = np.zeros(edges.size)
        cdf[1:] = np.cumsum(np.maximum(masses, 0.0))
        total: Array = np.minimum(cdf / float(cdf[-1]), 1.0)
        return edges, total

    def cdf_error(self, x: Any) -> Any:
        """Estimate the error: that of the summands plus that of the convolution."""
        base = sum(float(law.cdf_error(law.mean())) for law in self._varying)
        if len(self._varying) != 1:
            base += self._table[2]
        return self._apply(lambda flat: np.full(flat.shape, base), x)

    def _single(self) -> tuple[Law, float] | None:
        """The only varying summand and its shift, if there is but one."""
        if len(self._varying) == 1:
            return self._varying[0], self.mean() - self._varying[0].mean()
        return None

    def _log_tails(self, x: Array) -> Tails:
        single = self._single()
        if single is not None:
            return single[0]._log_tails(x - single[1])
        if not self._varying:
            above = x >= self.mean()
            return np.where(above, 0.0, -np.inf), np.where(above, -np.inf, 0.0)
        points, cdf, _ = self._table
        value = np.interp(x, points, cdf, left=0.0, right=1.0)
        with np.errstate(divide="ignore"):
            return np.log(value), np.log1p(-value)

    def _log_density(self, x: Array) -> Array:
        single = self._single()
        if single is not None:
            return single[0]._log_density(x - single[1])
        if not self._varying:
            return np.where(x == self.mean(), np.inf, -np.inf)
        points, cdf, _ = self._table
        slope, middle = np.diff(cdf) / np.diff(points), (points[1:] + points[:-1]) / 2
        with np.errstate(divide="ignore"):
            return np.log(np.interp(x, middle, slope, left=0.0, right=0.0))

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        return np.sum([law.sample(size, rng) for law in self.laws], axis=0)


@dataclass(frozen=True)
class MixtureLaw(Law):
    """Describe a value drawn from one of several laws, chosen at random.

    The law of a gradient component of a randomly chosen parameter. Dead parameters enter
    as ``Constant(0)``, an atom: ``pdf`` then holds the continuous part only.

    Args:
        laws: the laws.
        probabilities: non-negative numbers, one per law; normalised; equal when None.
    Source: elementary.
    Example:
        >>> from pennylane_wishart.ensembles import Constant
        >>> MixtureLaw([Constant(0.0), Constant(1.0)], [1, 3]).mean()
        0.75
    """

    laws: tuple[Law, ...]
    probabilities: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        laws = _checked_laws(self.laws)
        given = [1.0] * len(laws) if self.probabilities is None else self.probabilities
        weights = np.asarray(given, dtype=np.float64)
        if weights.shape != (len(laws),) or not np.all(weights >= 0) or not weights.sum() > 0:
            raise InputError(
                f"probabilities must be {len(laws)} non-negative numbers with a positive sum; "
                f"got {self.probabilities!r}."
            )
        # equal laws share one entry: a thousand equal parameters cost one evaluation
        merged: dict[Law, float] = {}
        for law, weight in zip(laws, (weights / weights.sum()).tolist(), strict=True):
            if weight > 0:
                merged[law] = merged.get(law, 0.0) + weight
        # adding up rounds: many equal shares may come to a little more than 1
        total = np.array(list(merged.values()))
        shares = np.minimum(total / total.sum(), 1.0).tolist()
        object.__setattr__(self, "laws", tuple(merged))
        object.__setattr__(self, "probabilities", tuple(shares))

    @cached_property
    def _weights(self) -> Array:
        return np.array(self.probabilities)

    def mean(self) -> float:
        """Return the average mean."""
        return float(np.dot(self._weights, [law.mean() for law in self.laws]))

    def _moment_parts(self) -> tuple[Array, Array, int]:
        """Means and standard deviations in units of 2**e, relative to the mixture's mean."""
        logs = [law.log2_var for law in self.laws if law.log2_var > -math.inf]
        shifts = np.array([law.mean() for law in self.laws]) - self.mean()
        largest = float(np.max(np.abs(shifts)))
        logs += [2 * math.log2(largest)] if largest > 0 else []
        e = math.floor(max(logs) / 2) if logs else 0
        spread = np.array([2.0 ** max(law.log2_var / 2 - e, -1e3) for law in self.laws])
        still = np.array([law.log2_var == -math.inf for law in self.laws])
        return np.ldexp(shifts, -e), np.where(still, 0.0, spread), e

    def _central(self) -> tuple[float, float, float, int]:
        shift, spread, e = self._moment_parts()
        third = np.array([law.skewness() for law in self.laws]) * spread**3
        fourth = (np.array([law.kurtosis() for law in self.laws]) + 3) * spread**4
        w = self._weights
        return (
            float(w @ (spread**2 + shift**2)),
            float(w @ (third + 3 * shift * spread**2 + shift**3)),
            float(w @ (fourth + 4 * shift * third + 6 * shift**2 * spread**2 + shift**4)),
            e,
        )

    def var(self) -> float:
        """Return the average variance plus the variance of the means."""
        second, _, _, e = self._central()
        return float(np.ldexp(second, 2 * e))

    @property
    def log2_var(self) -> float:
        """Base-2 logarithm of the variance."""
        second, _, _, e = self._central()
        return math.log2(second) + 2 * e if second > 0 else -math.inf

    def skewness(self) -> float:
        """Return the third standardised moment."""
        second, third, _, _ = self._central()
        return third / second**1.5 if second > 0 else 0.0

    def kurtosis(self) -> float:
        """Return the excess kurtosis."""
        second, _, fourth, _ = self._central()
        return fourth / second**2 - 3 if second > 0 else 0.0

    def support(self) -> tuple[float, float]:
        """Return the hull of the supports."""
        ends = [law.support() for law in self.laws]
        return min(low for low, _ in ends), max(high for _, high in ends)

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        return "mixture of " + ", ".join(dict.fromkeys(law.engine for law in self.laws))

    @property
    def validity(self) -> str:
        """When the law is not valid."""
        return _joined(law.validity for law in self.laws)

    def cdf_error(self, x: Any) -> Any:
        """Return the average error of the laws."""
        parts = [np.asarray(law.cdf_error(x)) for law in self.laws]
        out = np.tensordot(self._weights, np.array(parts), axes=1)
        return float(out) if np.ndim(out) == 0 else out

    def _mix(self, logs: list[Array]) -> Array:
        with np.errstate(divide="ignore"):
            return logsumexp(np.array(logs), axis=0, b=self._weights[:, None])

    def _log_tails(self, x: Array) -> Tails:
        parts = [law._log_tails(x) for law in self.laws]
        lower, upper = self._mix([p[0] for p in parts]), self._mix([p[1] for p in parts])
        return np.minimum(lower, 0.0), np.minimum(upper, 0.0)

    def _log_density(self, x: Array) -> Array:
        moving = [law.log2_var > -math.inf for law in self.laws]
        if not any(moving):
            atoms = [law.mean() for law in self.laws]
            return np.where(np.isin(x, atoms), np.inf, -np.inf)
        logs = [law._log_density(x) for law, m in zip(self.laws, moving, strict=True) if m]
        with np.errstate(divide="ignore"):
            return logsumexp(np.array(logs), axis=0, b=self._weights[moving][:, None])

    def _quantiles(self, q: Array) -> Array:
        out = super()._quantiles(q)
        for law in self.laws:  # inside the jump of an atom the quantile is the atom itself
            if law.log2_var == -math.inf:
                atom = np.array([law.mean()])
                top = float(np.exp(self._log_tails(atom)[0][0]))
                bottom = float(np.exp(self._log_tails(np.nextafter(atom, -np.inf))[0][0]))
                out = np.where((q > bottom) & (q <= top), atom[0], out)
        return out

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        counts = rng.multinomial(size, self._weights)
        parts = [law.sample(int(k), rng) for law, k in zip(self.laws, counts, strict=True)]
        return rng.permutation(np.concatenate(parts))
