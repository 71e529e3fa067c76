"""Sums over independent sectors, and mixtures over parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logsumexp

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.arguments import freeze
from pennylane_wishart.ensembles.distribution import Distribution, Tails, point_density, point_tails
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.ensembles.scaled import Array, Scaled, exp2
from pennylane_wishart.errors import InputError

__all__ = ["MixtureLaw", "SectorSum"]


def _checked_laws(laws: Iterable[Law]) -> tuple[Law, ...]:
    out = tuple(laws)
    if not out or not all(isinstance(law, Distribution) for law in out):
        raise InputError(f"laws must be a non-empty sequence of distributions; got {laws!r}.")
    return out


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
        freeze(self, laws=_checked_laws(self.laws))

    @property
    def engine(self) -> str:
        return " + ".join(dict.fromkeys(law.engine for law in self.laws))

    @property
    def validity(self) -> str:
        return _joined([*(law.validity for law in self.laws), "Not valid if the sectors are not independent."])

    def mean(self) -> float:
        return math.fsum(law.mean() for law in self.laws)

    @cached_property
    def _variance(self) -> Scaled:
        return Scaled.sum([law._variance for law in self.laws])

    def _shares(self) -> Array:
        """Fraction of the variance in each summand."""
        logs = np.array([law.log2_var for law in self.laws])
        return np.exp2(logs - self.log2_var) if self.log2_var > -math.inf else np.zeros(logs.size)

    def skewness(self) -> float:
        """Return Σ skewness·share^{3/2}: third cumulants add."""
        skew = [law.skewness() for law in self.laws]
        return float(np.dot(skew, self._shares() ** 1.5))

    def kurtosis(self) -> float:
        """Return Σ kurtosis·share²: fourth cumulants add."""
        return float(np.dot([law.kurtosis() for law in self.laws], self._shares() ** 2))

    def support(self) -> tuple[float, float]:
        ends = [law.support() for law in self.laws]
        return math.fsum(low for low, _ in ends), math.fsum(high for _, high in ends)

    @cached_property
    def _varying(self) -> tuple[Law, ...]:
        """Summands wide enough to matter; the others count by their mean."""
        floor = self.std() * limits.SUM_NEGLIGIBLE
        return tuple(law for law in self.laws if law.std() > floor)

    @cached_property
    def _table(self) -> tuple[Array, Array, float]:
        """Points, cdf there, and the largest difference to a table of half the cells."""
        fine, coarse = self._convolved(limits.SUM_CELLS), self._convolved(limits.SUM_CELLS // 2)
        shift = self.mean() - math.fsum(law.mean() for law in self._varying)
        error = float(np.max(np.abs(np.interp(fine[0], *coarse) - fine[1])))
        return fine[0] + shift, fine[1], error

    def _convolved(self, cells: int) -> tuple[Array, Array]:
        """Cdf of the sum of the varying laws on a grid.

        Each law puts its mass on grid points through the integral of its cdf (the mass that
        linear interpolation wants), which keeps the mean and errs by O(step²).
        """
        from scipy.signal import fftconvolve  # loads for half a second what no other part of the package asks for

        step = 2 * limits.TABLE_REACH * self.std() / cells
        masses, start = np.ones(1), 0.0
        for law in self._varying:
            low, high = law.support()
            low = max(low, law.mean() - limits.TABLE_REACH * self.std())
            high = min(high, law.mean() + limits.TABLE_REACH * self.std())
            count = int(math.ceil((high - low) / step)) + 2
            grid = low - step / 2 + step * np.arange(count + 1)
            cdf = np.asarray(law.cdf(grid))
            cdf[0], cdf[-1] = 0.0, 1.0  # tails beyond the reach go to the end cells
            part = np.diff(cdf)
            # the midpoint of a cell is not its centre of mass: shift by what is left over
            start += grid[0] + step / 2 + law.mean() - float(part @ (grid[:-1] + step / 2))
            # the FFT errs by 1e-16 of the largest mass, which is why far tails are not valid
            masses = fftconvolve(masses, part)
        edges: Array = np.asarray(start - step / 2 + step * np.arange(masses.size + 1), np.float64)
        cdf = np.zeros(edges.size)
        # rounding of the FFT may fall below 0, and a cdf must not
        cdf[1:] = np.cumsum(np.maximum(masses, 0.0))
        total: Array = np.minimum(cdf / float(cdf[-1]), 1.0)
        return edges, total

    def _cdf_error(self, y: Array) -> Array:
        # that of the summands plus that of the convolution
        base = sum(float(law.cdf_error(law.mean())) for law in self._varying)
        if len(self._varying) != 1:
            base += self._table[2]
        return np.full(y.shape, base)

    def _single(self) -> tuple[Law, float] | None:
        """The only varying summand and its shift, if there is but one."""
        if len(self._varying) == 1:
            return self._varying[0], self.mean() - self._varying[0].mean()
        return None

    def _log_tails(self, y: Array) -> Tails:
        single = self._single()
        if single is not None:
            return single[0].log_tails(y - single[1])
        if not self._varying:
            return point_tails(y, self.mean())
        points, cdf, _ = self._table
        value = np.interp(y, points, cdf, left=0.0, right=1.0)
        with np.errstate(divide="ignore"):
            return np.log(value), np.log1p(-value)

    def _log_density(self, y: Array) -> Array:
        single = self._single()
        if single is not None:
            return np.asarray(single[0].logpdf(y - single[1]))
        if not self._varying:
            return point_density(y, self.mean())
        points, cdf, _ = self._table
        slope, middle = np.diff(cdf) / np.diff(points), (points[1:] + points[:-1]) / 2
        with np.errstate(divide="ignore"):
            return np.log(np.interp(y, middle, slope, left=0.0, right=0.0))

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        return np.asarray(np.sum([law.sample(size, rng) for law in self.laws], axis=0))


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
        freeze(self, laws=tuple(merged), probabilities=tuple(shares))

    @cached_property
    def _weights(self) -> Array:
        return np.array(self.probabilities)

    @property
    def engine(self) -> str:
        return "mixture of " + ", ".join(dict.fromkeys(law.engine for law in self.laws))

    @property
    def validity(self) -> str:
        return _joined(law.validity for law in self.laws)

    def mean(self) -> float:
        return float(np.dot(self._weights, [law.mean() for law in self.laws]))

    def _moment_parts(self) -> tuple[Array, Array, int]:
        """Means and standard deviations in units of 2**e, relative to the mixture's mean."""
        logs = [law.log2_var for law in self.laws if law.log2_var > -math.inf]
        shifts = np.array([law.mean() for law in self.laws]) - self.mean()
        largest = float(np.max(np.abs(shifts)))
        logs += [2 * math.log2(largest)] if largest > 0 else []
        # the largest of all spreads and shifts is of order one in this unit
        e = math.floor(max(logs) / 2) if logs else 0
        spread = np.array([exp2(law.log2_var / 2 - e) for law in self.laws])
        return np.ldexp(shifts, -e), spread, e

    @cached_property
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

    @property
    def _variance(self) -> Scaled:
        # the average variance plus the variance of the means
        second, _, _, e = self._central
        return Scaled(second, 2 * e)

    def skewness(self) -> float:
        second, third, _, _ = self._central
        return third / second**1.5 if second > 0 else 0.0

    def kurtosis(self) -> float:
        second, _, fourth, _ = self._central
        return fourth / second**2 - 3 if second > 0 else 0.0

    def support(self) -> tuple[float, float]:
        ends = [law.support() for law in self.laws]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def _cdf_error(self, y: Array) -> Array:
        parts = [np.asarray(law.cdf_error(y)) for law in self.laws]
        return np.asarray(np.tensordot(self._weights, np.array(parts), axes=1))

    def _mix(self, logs: list[Array]) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray(logsumexp(np.array(logs), axis=0, b=self._weights[:, None]))

    def _log_tails(self, y: Array) -> Tails:
        parts = [law.log_tails(y) for law in self.laws]
        lower, upper = self._mix([p[0] for p in parts]), self._mix([p[1] for p in parts])
        return np.minimum(lower, 0.0), np.minimum(upper, 0.0)

    def _log_density(self, y: Array) -> Array:
        moving = [law.log2_var > -math.inf for law in self.laws]
        if not any(moving):
            atoms = [law.mean() for law in self.laws]
            return np.where(np.isin(y, atoms), np.inf, -np.inf)
        logs = [np.asarray(law.logpdf(y)) for law, m in zip(self.laws, moving, strict=True) if m]
        with np.errstate(divide="ignore"):
            return np.asarray(logsumexp(np.array(logs), axis=0, b=self._weights[moving][:, None]))

    def _quantiles(self, lower: Array, upper: Array) -> Array:
        out = super()._quantiles(lower, upper)
        for law in self.laws:  # inside the jump of an atom the quantile is the atom itself
            if law.log2_var == -math.inf:
                top = float(self.cdf(law.mean()))
                bottom = float(self.cdf(np.nextafter(law.mean(), -np.inf)))
                out = np.where((lower > bottom) & (lower <= top), law.mean(), out)
        return out

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        # one batch a law instead of a choice a value; the order is then made random again
        counts = rng.multinomial(size, self._weights)
        parts = [law.sample(int(k), rng) for law, k in zip(self.laws, counts, strict=True)]
        return rng.permutation(np.concatenate(parts))
