"""``Ideal``: a simple ideal of a Lie algebra, and how algebras are named.

Names follow one convention. Isomorphic small cases have one name each: so(6) = su(4),
so(5) = sp(2), so(4) = 2·su(2), so(3) = sp(1) = su(2), so(2) = u(1). ``sp(m)`` has
quaternionic dimension m, so it acts on C^(2m). Up to three copies are written out
("su(4) ⊕ su(4) ⊕ u(1)"), more are counted ("4·su(2)"), and powers of two from a million
on are written as such ("su(2^1000)").
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pennylane_wishart.conventions import algebra as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError

__all__ = ["Ideal", "canonical_ideals", "format_integer", "merge_ideals", "repeated"]

_EXCEPTIONAL_DIM = {"g2": 14, "f4": 52, "e6": 78, "e7": 133, "e8": 248}


def format_integer(value: int) -> str:
    """Write an integer in decimal below a million, and a large power of two as ``2^k``."""
    if value >= limits.POWER_OF_TWO and value & (value - 1) == 0:
        return f"2^{value.bit_length() - 1}"
    return str(value) if value.bit_length() < limits.DECIMAL_BITS else f"~2^{math.log2(value):.2f}"


@dataclass(frozen=True)
class Ideal(Shown):
    """A simple ideal of a compact Lie algebra, with the number of its isomorphic copies.

    Example:
        >>> Ideal("so", 8, 2).dim, str(Ideal("so", 8, 2))
        (28, 'so(8) ⊕ so(8)')
    """

    type: str
    """'su', 'so', 'sp', or an exceptional 'g2', 'f4', 'e6', 'e7', 'e8'."""
    n: int
    """The n of su(n), so(n), sp(n) (quaternionic dimension for sp); the rank if exceptional."""
    copies: int = 1

    def __post_init__(self) -> None:
        if self.type not in ("su", "so", "sp", *_EXCEPTIONAL_DIM):
            raise InputError(f"Ideal needs type su, so, sp, g2, f4, e6, e7 or e8; got {self.type!r}.")
        if self.n < 1 or self.copies < 1:
            raise InputError(f"Ideal needs n ≥ 1 and copies ≥ 1; got {self.n} and {self.copies}.")

    @property
    def dim(self) -> int:
        """Dimension of one copy, exact."""
        n = self.n
        if self.type == "su":
            return n * n - 1
        if self.type == "so":
            return n * (n - 1) // 2
        if self.type == "sp":
            return n * (2 * n + 1)
        return _EXCEPTIONAL_DIM[self.type]

    @property
    def rank(self) -> int:
        """Rank of one copy: the dimension of its Cartan subalgebra."""
        return {"su": self.n - 1, "so": self.n // 2}.get(self.type, self.n)

    @property
    def label(self) -> str:
        """Name of one copy."""
        return self.type if self.type in _EXCEPTIONAL_DIM else f"{self.type}({format_integer(self.n)})"

    def __str__(self) -> str:
        return repeated(self.label, self.copies)


def repeated(label: str, copies: int) -> str:
    """Write a name as often as it occurs, or with its number."""
    if copies <= limits.WRITTEN_OUT_COPIES:
        return " ⊕ ".join([label] * copies)
    return f"{format_integer(copies)}·{label}"


def canonical_ideals(kind: str, n: int, copies: int = 1) -> tuple[tuple[Ideal, ...], int]:
    """Return the simple ideals of ``copies`` copies of an algebra, and their u(1) factors.

    Example:
        >>> canonical_ideals("so", 4)
        ((Ideal(type='su', n=2, copies=2),), 0)
        >>> canonical_ideals("so", 2, 3)
        ((), 3)
    """
    if (kind, n) in (("so", 2), ("u", 1)):
        return (), copies
    if n == 1 and kind in ("su", "so"):
        return (), 0
    if kind == "so" and n in (3, 4):
        return (Ideal("su", 2, copies * (n - 2)),), 0
    renamed = {("sp", 1): ("su", 2), ("so", 5): ("sp", 2), ("so", 6): ("su", 4)}
    kind, n = renamed.get((kind, n), (kind, n))
    return (Ideal(kind, n, copies),), 0


def merge_ideals(ideals: Iterable[Ideal]) -> tuple[Ideal, ...]:
    """Merge equal types and sort by falling dimension, then by type."""
    copies: Counter[tuple[str, int]] = Counter()
    for ideal in ideals:
        copies[ideal.type, ideal.n] += ideal.copies
    merged = [Ideal(kind, n, c) for (kind, n), c in copies.items()]
    return tuple(sorted(merged, key=lambda i: (-i.dim, i.type)))
