"""Exact arithmetic on the spectrum of an operator in one sector.

Everything here is done with Python integers and fractions: a float is a dyadic
rational, so sums of powers over 2**999 levels neither overflow nor cancel. Floats
appear only at the end, each scaled so that it is of order one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np

from ..errors import InputError

__all__ = ["Spectrum", "check_beta", "log2_fraction", "scaled_float", "sqrt_float", "std_exponent"]


def check_beta(beta: Any) -> int:
    """Check that ``beta`` is 1, 2 or 4 and return it as an int."""
    if beta not in (1, 2, 4):
        raise InputError(f"beta must be 1 (real), 2 (complex) or 4 (quaternionic); got {beta!r}.")
    return int(beta)


def _log2_int(number: int) -> float:
    shift = max(number.bit_length() - 64, 0)
    return shift + math.log2(number >> shift)


def log2_fraction(value: Fraction) -> float:
    """Return log2 of a non-negative fraction; −inf for zero; never overflows.

    Example:
        >>> log2_fraction(Fraction(1, 2**5000))
        -5000.0
    """
    if value == 0:
        return -math.inf
    top, bottom = value.numerator, value.denominator
    return _log2_int(top) - _log2_int(bottom)


def scaled_float(value: Fraction, exponent: int = 0) -> float:
    """Return ``value · 2**(-exponent)`` as a float, inf where it exceeds the float range."""
    top, bottom = value.numerator, value.denominator
    if exponent >= 0:
        bottom <<= exponent
    else:
        top <<= -exponent
    try:
        return top / bottom
    except OverflowError:
        return math.inf if top > 0 else -math.inf


def sqrt_float(value: Fraction) -> float:
    """Return the square root of a non-negative fraction without overflow inside."""
    if value == 0:
        return 0.0
    half = math.floor(log2_fraction(value) / 2)
    try:
        return math.ldexp(math.sqrt(scaled_float(value, 2 * half)), half)
    except OverflowError:
        return math.inf


def std_exponent(variance: Fraction) -> int:
    """Return an integer e with 2**e ≤ √variance < 2**(e+1), up to rounding; 0 for zero."""
    return 0 if variance == 0 else math.floor(log2_fraction(variance) / 2)


def _checked_values(values: Any, argument: str) -> list[float]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)):
        raise InputError(
            f"{argument} must be a non-empty one-dimensional array of finite numbers; got shape "
            f"{array.shape}. Give the distinct eigenvalues."
        )
    return array.tolist()


def _checked_counts(counts: Iterable[Any], argument: str) -> list[int]:
    out = []
    for count in counts:
        number = count
        if isinstance(count, float) and count.is_integer():
            number = int(count)
        if isinstance(number, bool) or not isinstance(number, Integral) or number < 0:
            raise InputError(f"{argument} must be non-negative integers; got {count!r}.")
        out.append(int(number))
    return out


@dataclass(frozen=True)
class Spectrum:
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
    def build(cls, values: Any, counts: Any, shape_unit: Fraction, names: Sequence[str] = ()) -> Spectrum:
        """Check, merge equal values, drop empty levels, sort.

        Raises:
            InputError: if the lengths differ, a value is not finite, or nothing is left.
        """
        first, second = names or ("values", "multiplicities")
        numbers, multiplicities = _checked_values(values, first), _checked_counts(counts, second)
        if len(numbers) != len(multiplicities):
            raise InputError(
                f"{first} and {second} must have one length; got {len(numbers)} and {len(multiplicities)}."
            )
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
        square = (u * p4 + (u * p2) ** 2) / (a * (a + 1))
        cross = (2 * u * p4 + (u * p2) ** 2) / (a * (a + 1) * (a + 2))
        fourth = (6 * u * p4 + 3 * (u * p2) ** 2) / (a * (a + 1) * (a + 2) * (a + 3))
        return second, square - 2 * cross + fourth
