"""Real coefficients → exact numbers → residues modulo a large prime.

A floating-point 1/√2 is not the number that was meant, and exact arithmetic on its binary
expansion would count directions that rounding made. So coefficients are first recognised:
ratios within a generator (whose scale plays no part) as fractions, short decimals as they are
written, square roots of fractions as such. What is left is taken at its binary value, after
equal and rationally related values were made exactly so; ``Recognised.exact`` is then False.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pennylane_wishart.conventions import algebra as limits
from pennylane_wishart.paulis import PauliSum

__all__ = ["Recognised", "random_prime", "recognise"]

_MILLER_RABIN = (2, 3, 5, 7)
"""Bases that decide every n below 3·10^9."""


@dataclass(frozen=True)
class Recognised:
    """Exact coefficients of the generators: integer · √radicand, up to scale."""

    integers: tuple[tuple[int, ...], ...]
    radicands: tuple[tuple[int, ...], ...]
    """Square-free; 1 for a rational coefficient."""
    exact: bool
    """Whether every coefficient was recognised (else some stand for their binary value)."""

    @property
    def rational(self) -> bool:
        """Whether no square root occurs."""
        return all(r == 1 for row in self.radicands for r in row)

    @property
    def primes_under_roots(self) -> tuple[int, ...]:
        """Primes whose square roots must exist modulo p."""
        return tuple(sorted({q for row in self.radicands for r in row for q in _prime_factors(r)}))

    def residues(self, p: int) -> list[np.ndarray]:
        """Return the coefficients modulo p, balanced, ``int64`` per generator."""
        roots = {q: _square_root(q, p) for q in self.primes_under_roots}
        out = []
        for integers, radicands in zip(self.integers, self.radicands, strict=True):
            values = []
            for a, r in zip(integers, radicands, strict=True):
                value = a * math.prod(roots[q] for q in _prime_factors(r)) % p
                values.append(value - p if value > p // 2 else value)
            out.append(np.array(values, dtype=np.int64))
        return out


def recognise(generators: Sequence[PauliSum]) -> Recognised:
    """Recognise the coefficients of generators as exact numbers, generator by generator."""
    rows: list[list[tuple[Fraction, int]] | None] = [_recognise_one(g.coefficients) for g in generators]
    left = [i for i, row in enumerate(rows) if row is None]
    if left:
        values = np.concatenate([generators[i].coefficients for i in left])
        # all that is left is snapped together: relations hold between generators too
        snapped = iter(_snap(values))
        for i in left:
            rows[i] = [(next(snapped), 1) for _ in generators[i].coefficients]
    integers, radicands = [], []
    for row in rows:
        assert row is not None
        scale = math.lcm(*(f.denominator for f, _ in row)) if row else 1
        integers.append(tuple(int(f * scale) for f, _ in row))
        radicands.append(tuple(r for _, r in row))
    return Recognised(tuple(integers), tuple(radicands), exact=not left)


def _recognise_one(coefficients: np.ndarray) -> list[tuple[Fraction, int]] | None:
    if len(coefficients) == 0:
        return []
    # the scale of a generator plays no part in the algebra
    ratios = coefficients / coefficients[np.argmax(np.abs(coefficients))]
    fractions = [_small_fraction(r) for r in ratios]
    if all(f is not None for f in fractions):
        return [(f, 1) for f in fractions if f is not None]
    # 0.1 : 0.3 is a fraction; 0.1234 : 1 is not small, but is written with few digits
    decimals = [_short_decimal(c) for c in coefficients]
    if all(f is not None for f in decimals):
        return [(f, 1) for f in decimals if f is not None]
    squares = [_small_fraction(r * r) for r in ratios]
    if all(f is not None for f in squares):
        roots = [_root_of_fraction(f) for f in squares if f is not None]
        return [(-f if r < 0 else f, q) for (f, q), r in zip(roots, ratios, strict=True)]
    return None


def _small_fraction(value: float) -> Fraction | None:
    fraction = Fraction(float(value)).limit_denominator(limits.DENOMINATOR)
    return fraction if fraction and abs(float(fraction) - value) <= limits.FRACTION * abs(value) else None


def _short_decimal(value: float) -> Fraction | None:
    text = repr(float(value))
    digits = text.split("e")[0].replace(".", "").lstrip("-0")
    return Fraction(text) if len(digits) <= limits.DECIMAL_DIGITS else None


def _root_of_fraction(value: Fraction) -> tuple[Fraction, int]:
    """Return (f, r) with √value = f·√r and r square-free."""
    product, square, rest = value.numerator * value.denominator, 1, 1
    for q in _prime_factors(product):
        power = 0
        while product % q == 0:
            product, power = product // q, power + 1
        square *= q ** (power // 2)
        rest *= q ** (power % 2)
    return Fraction(square, value.denominator), rest


def _snap(values: np.ndarray) -> list[Fraction]:
    """Make values that are equal, or small-fraction multiples, exactly so; keep binary values."""
    representatives: list[float] = []
    out = []
    for value in values:
        for known in representatives:
            ratio = _small_fraction(value / known)
            if ratio is not None:
                out.append(Fraction(known) * ratio)
                break
        else:
            representatives.append(float(value))
            out.append(Fraction(float(value)))
    return out


def _prime_factors(value: int) -> list[int]:
    """Distinct prime factors by trial division (radicands are below 4·10^6)."""
    out, q = [], 2
    while q * q <= value:
        if value % q == 0:
            out.append(q)
            while value % q == 0:
                value //= q
        q += 1
    return out + [value] if value > 1 else out


def random_prime(rng: np.random.Generator, squares: Sequence[int] = ()) -> int:
    """Draw a random prime in [2^30, 2^31) modulo which the given primes have square roots."""
    while True:
        candidate = int(rng.integers(2**29, 2**30)) * 2 + 1
        if _is_prime(candidate) and all(pow(q, candidate // 2, candidate) == 1 for q in squares):
            return candidate


def _is_prime(n: int) -> bool:
    """Miller–Rabin."""
    if any(n % q == 0 for q in _MILLER_RABIN):
        return n in _MILLER_RABIN
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in _MILLER_RABIN:
        x = pow(base, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def _square_root(a: int, p: int) -> int:
    """Tonelli–Shanks: the smaller square root of a quadratic residue modulo an odd prime."""
    odd, twos = p - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    # a non-residue: half of all numbers are one
    z = next(z for z in range(2, p) if pow(z, p // 2, p) == p - 1)
    m, c, t, r = twos, pow(z, odd, p), pow(a, odd, p), pow(a, (odd + 1) // 2, p)
    while t != 1:
        i, square = 0, t
        while square != 1:
            square, i = square * square % p, i + 1
        b = pow(c, 1 << (m - i - 1), p)
        m, c, t, r = i, b * b % p, t * b * b % p, r * b % p
    return min(r, p - r)
