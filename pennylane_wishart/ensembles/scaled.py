"""Numbers beyond the floats: exact fractions to floats, values with an exponent, and the unit of a law.

Here alone is scaled, shifted and converted: a law computes in a unit in which its numbers are of
order one, whether its standard deviation is 1 or 2**-3000.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Scaled", "Unit", "exp2", "log2_fraction", "scaled_float", "sqrt_float", "std_exponent"]

Array = NDArray[np.float64]


def _log2_int(number: int) -> float:
    # 64 leading bits are more than a float holds
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
    return _log2_int(value.numerator) - _log2_int(value.denominator)


def scaled_float(value: Fraction, exponent: int = 0) -> float:
    """Return ``value · 2**(-exponent)`` as a float, inf where it exceeds the float range."""
    top, bottom = value.numerator, value.denominator
    if exponent >= 0:
        bottom <<= exponent
    else:
        top <<= -exponent
    try:
        return top / bottom  # integers of any length divide with one rounding
    except OverflowError:
        return math.inf if top > 0 else -math.inf


def sqrt_float(value: Fraction) -> float:
    """Return the square root of a non-negative fraction without overflow inside."""
    if value == 0:
        return 0.0
    half = std_exponent(value)  # an even power of two out first: the rest is of order one
    try:
        return math.ldexp(math.sqrt(scaled_float(value, 2 * half)), half)
    except OverflowError:
        return math.inf


def std_exponent(variance: Fraction) -> int:
    """Return an integer e with 2**e ≤ √variance < 2**(e+1), up to rounding; 0 for zero."""
    return 0 if variance == 0 else math.floor(log2_fraction(variance) / 2)


def exp2(exponent: float) -> float:
    """Return 2**exponent, 0 or inf where it leaves the float range."""
    try:
        return float(2.0**exponent)
    except OverflowError:
        return math.inf


@dataclass(frozen=True)
class Scaled:
    """Hold a non-negative number value·2**exponent, which may lie outside the float range."""

    value: Fraction | float
    exponent: int = 0

    @classmethod
    def with_square(cls, value: float, root: float) -> Scaled:
        """Return value·root², also where root² underflows."""
        mantissa, exponent = math.frexp(root)
        return cls(value * mantissa**2, 2 * exponent)

    @classmethod
    def sum(cls, parts: Sequence[Scaled]) -> Scaled:
        """Add up, in units of the largest part."""
        logs = [part.log2 for part in parts if part.log2 > -math.inf]
        if not logs:
            return cls(0.0)
        top = math.floor(max(logs))  # scaling by a power of two does not round
        return cls(math.fsum(float(Scaled(part.value, part.exponent - top)) for part in parts), top)

    @property
    def log2(self) -> float:
        """Base-2 logarithm; −inf for 0."""
        if isinstance(self.value, Fraction):
            return log2_fraction(self.value) + self.exponent
        return math.log2(self.value) + self.exponent if self.value > 0 else -math.inf

    def __float__(self) -> float:
        if isinstance(self.value, Fraction):
            return scaled_float(self.value, -self.exponent)
        return float(np.ldexp(self.value, self.exponent))


@dataclass(frozen=True)
class Unit:
    """Hold where a law's numbers are of order one: x = origin + y·factor·2**exponent.

    The origin is held to twice the precision of a float: a law that is 2**-60 wide around ⅓
    keeps its digits.
    """

    exponent: int = 0
    factor: float = 1.0
    origin: float = 0.0
    origin_rest: float = 0.0

    def standardise(self, x: Array) -> Array:
        """Return y of x."""
        # subtracted before it is scaled: the difference of near numbers is exact, and nothing overflows
        return np.asarray(np.ldexp((x - self.origin) - self.origin_rest, -self.exponent) / self.factor)

    def restore(self, y: Array) -> Array:
        """Return x of y."""
        return np.asarray(self.origin + (np.ldexp(self.factor * y, self.exponent) + self.origin_rest))

    def log_density(self, log: Array) -> Array:
        """Return the log density of x from that of y."""
        return log - self.exponent * math.log(2) - math.log(self.factor)
