"""Exact arithmetic on the spectrum of an operator in one sector.

Everything here is done with Python integers and fractions: a float is a dyadic
rational, so sums of powers over 2**999 levels neither overflow nor cancel. Floats
appear only at the end, each scaled so that it is of order one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.ensembles.scaled import Array
from pennylane_wishart.errors import InputError

__all__ = ["Spectrum"]


def _checked_values(values: ArrayLike, argument: str) -> list[float]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise InputError(
            f"{argument} must be a non-empty one-dimensional array of finite numbers; got shape {array.shape}.",
            advice="Give the distinct eigenvalues.",
        )
    if not np.all(np.isfinite(array)):
        raise InputError(f"{argument} must be finite; got {values!r}.")
    return [float(value) for value in array]


def _checked_counts(counts: Iterable[float], argument: str) -> list[int]:
    out: list[int] = []
    for count in counts:
        whole = int(count) if isinstance(count, float) and count.is_integer() else count
        if isinstance(whole, bool) or not isinstance(whole, Integral) or whole < 0:
            raise InputError(f"{argument} must be non-negative integers; got {count!r}.")
        out.append(int(whole))
    return out


@dataclass(frozen=True)
class Spectrum(Shown):
    """Hold the distinct eigenvalues of an operator with exact multiplicities.

    Each unit of multiplicity is a Gamma(``shape_unit``) weight: β/2 for one dimension
    over R, C or H. The weights of a Haar vector are the normalised Gammas (Dirichlet).

    Attributes:
        values: ascending distinct eigenvalues.
        counts: multiplicities over F, exact ints, each ≥ 1.
        shape_unit: Gamma shape per unit of multiplicity.
    """

    values: tuple[float, ...]
    counts: tuple[int, ...]
    shape_unit: Fraction

    @classmethod
    def build(
        cls,
        values: ArrayLike,
        counts: Iterable[float],
        shape_unit: Fraction,
        names: Sequence[str] = ("values", "multiplicities"),
    ) -> Spectrum:
        """Check, merge equal values, drop empty levels, sort.

        Raises:
            InputError: if the lengths differ, a value is not finite, or nothing is left.
        """
        first, second = names
        numbers, multiplicities = _checked_values(values, first), _checked_counts(counts, second)
        if len(numbers) != len(multiplicities):
            raise InputError(
                f"{first} and {second} must be equally long; got {len(numbers)} and {len(multiplicities)} entries.",
                advice="Give each distinct eigenvalue once, with its multiplicity.",
            )
        # equal levels are one: the cost of every law grows with their number
        merged: dict[float, int] = {}
        for number, count in zip(numbers, multiplicities, strict=True):
            if count:
                merged[number] = merged.get(number, 0) + count
        if not merged:
            raise InputError(f"{second} must contain a positive entry; all are zero.")
        levels = sorted(merged)
        return cls(tuple(levels), tuple(merged[level] for level in levels), shape_unit)

    @cached_property
    def dim(self) -> int:
        """Dimension over F."""
        return sum(self.counts)

    @property
    def rank(self) -> int:
        """Rank over F of O − λ_min."""
        return self.dim - self.counts[0]

    @property
    def beta(self) -> int:
        """Real dimensions of the field: 1, 2 or 4."""
        return int(2 * self.shape_unit)

    @cached_property
    def total_shape(self) -> Fraction:
        """Sum of the Gamma shapes, a = β·dim/2."""
        return self.shape_unit * self.dim

    @cached_property
    def _integers(self) -> tuple[tuple[int, ...], int]:
        """Values as integers over one power of two, so that sums need no fractions."""
        ratios = [value.as_integer_ratio() for value in self.values]
        shift = max(bottom.bit_length() - 1 for _, bottom in ratios)
        return tuple(top * ((1 << shift) // bottom) for top, bottom in ratios), shift

    @cached_property
    def mean(self) -> Fraction:
        """Mean eigenvalue."""
        integers, shift = self._integers
        total = sum(k * n for k, n in zip(self.counts, integers, strict=True))
        return Fraction(total, self.dim << shift)

    def raw_sum(self, power: int) -> Fraction:
        """Return Σ multiplicity · value**power."""
        integers, shift = self._integers
        total = sum(k * n**power for k, n in zip(self.counts, integers, strict=True))
        return Fraction(total, 1 << (shift * power))

    @cached_property
    def _centred_integers(self) -> tuple[int, ...]:
        """(value − mean) in units of 1/(dim · 2**shift)."""
        integers, _ = self._integers
        # times the dimension, so that the mean is an integer as well
        total = sum(k * n for k, n in zip(self.counts, integers, strict=True))
        return tuple(n * self.dim - total for n in integers)

    @cached_property
    def centred_sums(self) -> dict[int, Fraction]:
        """Σ multiplicity · (value − mean)**m for m = 2, 3, 4."""
        unit = self.dim << self._integers[1]
        return {
            power: Fraction(
                sum(k * c**power for k, c in zip(self.counts, self._centred_integers, strict=True)),
                unit**power,
            )
            for power in (2, 3, 4)
        }

    def centred(self) -> list[Fraction]:
        """Return value − mean for every level, exactly."""
        unit = self.dim << self._integers[1]
        return [Fraction(c, unit) for c in self._centred_integers]

    @cached_property
    def deviations(self) -> Array:
        """value − mean, each rounded once, (n_levels,)."""
        return np.array([float(c) for c in self.centred()])

    @cached_property
    def shares(self) -> Array:
        """Fraction of the dimension in every level, (n_levels,)."""
        return np.array([k / self.dim for k in self.counts])

    @cached_property
    def functional_moments(self) -> tuple[Fraction, Fraction, Fraction]:
        """Central moments 2, 3, 4 of Σ value·X, X ~ Dirichlet(shape_unit·counts).

        The numerator is a sum of independent Gammas with cumulants (n−1)!·u·Σk c^n and is
        independent of the total, so each moment is divided by a rising factorial of a.
        """
        u, a = self.shape_unit, self.total_shape
        p2, p3, p4 = (self.centred_sums[m] for m in (2, 3, 4))
        second = u * p2 / (a * (a + 1))
        third = 2 * u * p3 / (a * (a + 1) * (a + 2))
        fourth = (6 * u * p4 + 3 * u * u * p2 * p2) / (a * (a + 1) * (a + 2) * (a + 3))
        return second, third, fourth

    @cached_property
    def spread_moments(self) -> tuple[Fraction, Fraction]:
        """E[σ²] and E[σ⁴], σ² = Σ value²·X − (Σ value·X)² the variance in a Haar vector."""
        u, a = self.shape_unit, self.total_shape
        p2, p4 = self.centred_sums[2], self.centred_sums[4]
        second = u * p2 / (a + 1)
        # σ⁴ = (Σ v²X)² − 2·Σ v²X·(Σ vX)² + (Σ vX)⁴, term by term
        square = (u * p4 + (u * p2) ** 2) / (a * (a + 1))
        cross = (2 * u * p4 + (u * p2) ** 2) / (a * (a + 1) * (a + 2))
        fourth = (6 * u * p4 + 3 * (u * p2) ** 2) / (a * (a + 1) * (a + 2) * (a + 3))
        return second, square - 2 * cross + fourth
